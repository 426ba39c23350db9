//! What an author may do: asked before an act is written, so that nobody writes one that would
//! count for nothing.

use super::Roster;
use crate::body::{Body, InvitePolicy};
use crate::id::AuthorId;

/// Why an act would count for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAllowed {
    /// It takes an admin.
    #[error("only the room's admins may do that")]
    NotAnAdmin,
    /// It takes the root.
    #[error("only the one who made the room may do that")]
    NotTheRoot,
    /// Nobody can do that to the root.
    #[error("nobody can do that to the one who made the room")]
    IsTheRoot,
    /// It is aimed at somebody who is or was an admin before its author was.
    #[error("only the one who made the room, or an earlier admin, may do that to an admin")]
    IsAnEarlierAdmin,
    /// It is aimed at oneself.
    #[error("that cannot be done to oneself")]
    IsOneself,
    /// It names nobody who belongs.
    #[error("there is no such member")]
    NotAMember,
    /// It names no invite.
    #[error("there is no such invite")]
    UnknownInvite,
    /// It names no message.
    #[error("there is no such message")]
    UnknownMessage,
    /// It is about what another made.
    #[error("only the one who made it, or an admin, may do that")]
    NotYours,
    /// It would lift a removal, and there is none.
    #[error("that member is not removed")]
    NotRemoved,
    /// The room's policy lets admins alone invite.
    #[error("in this room only admins may invite")]
    MayNotInvite,
}

impl Roster {
    /// Whether `author` is the root or an admin now.
    pub fn is_admin(&self, author: &AuthorId) -> bool {
        let member = self.members().get(author);
        member.is_some_and(|member| member.root || member.admin)
    }

    /// Whether an act of `author` would count. Says nothing of whether the author belongs.
    ///
    /// # Errors
    /// [`NotAllowed`] says why it would not.
    pub fn may(&self, author: &AuthorId, act: &Body) -> Result<(), NotAllowed> {
        match act {
            Body::Invite(invite) => {
                let admin = self.is_admin(author);
                if !admin && self.policy != InvitePolicy::Members {
                    return Err(NotAllowed::MayNotInvite);
                }
                if !admin && !invite.lifts.is_empty() {
                    return Err(NotAllowed::NotAnAdmin);
                }
                Ok(())
            }
            Body::InviteRevoke(revoke) => {
                let acts = self.invites_of_key(&revoke.invite);
                if acts.is_empty() {
                    return Err(NotAllowed::UnknownInvite);
                }
                let mut makers = acts.iter().map(|(act, _)| act.header().author);
                let own = makers.any(|maker| maker == *author);
                ok_or(own || self.is_admin(author), NotAllowed::NotYours)
            }
            Body::Remove(remove) => {
                ok_or(self.is_admin(author), NotAllowed::NotAnAdmin)?;
                // Also somebody who left: a ticket may let them in again.
                let known = self.contains(&remove.member) || self.has_left(&remove.member);
                ok_or(known, NotAllowed::NotAMember)?;
                self.may_act_on(author, &remove.member)
            }
            Body::Grant(grant) => {
                let root = self.members().get(author).is_some_and(|member| member.root);
                ok_or(root, NotAllowed::NotTheRoot)?;
                ok_or(self.contains(&grant.member), NotAllowed::NotAMember)?;
                self.may_act_on(author, &grant.member)
            }
            Body::Retract(retract) => {
                let own = retract.author == *author;
                ok_or(own || self.is_admin(author), NotAllowed::NotYours)
            }
            _ => Ok(()),
        }
    }

    /// Whether `author`, an admin, may end the membership or the admin's time of another.
    ///
    /// # Errors
    /// [`NotAllowed`].
    fn may_act_on(&self, author: &AuthorId, member: &AuthorId) -> Result<(), NotAllowed> {
        ok_or(author != member, NotAllowed::IsOneself)?;
        ok_or(Some(*member) != self.powers.root, NotAllowed::IsTheRoot)?;
        ok_or(
            self.powers.outranks(author, member),
            NotAllowed::IsAnEarlierAdmin,
        )
    }

    /// Whether `author`, an admin, may lift the removals of `member`.
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub fn may_let_back(&self, author: &AuthorId, member: &AuthorId) -> Result<(), NotAllowed> {
        ok_or(self.is_admin(author), NotAllowed::NotAnAdmin)?;
        ok_or(self.powers.is_barred(member), NotAllowed::NotRemoved)?;
        ok_or(
            self.powers.outranks(author, member),
            NotAllowed::IsAnEarlierAdmin,
        )
    }
}

fn ok_or(holds: bool, otherwise: NotAllowed) -> Result<(), NotAllowed> {
    if holds { Ok(()) } else { Err(otherwise) }
}
