//! What people do about who belongs, made into messages: the core knows best what of a member's
//! chains is held, and who came by which invite.

use std::collections::BTreeSet;

use super::{Act, Output, RejectReason, RoomCore, Turn};
use crate::body::{Body, Cut, Grant, Invite, InviteRevoke, Remove, Retract};
use crate::history::History;
use crate::id::{AuthorId, InviteKey};
use crate::limits;

impl RoomCore {
    /// Writes the messages of an act, the last of them with the token, or rejects it.
    pub(super) fn act<H: History>(&mut self, token: u64, act: Act, turn: &mut Turn<'_, H>) {
        let bodies = match self.may_write().and_then(|()| self.bodies_of(act)) {
            Ok(bodies) => bodies,
            Err(reason) => return turn.out.push(Output::Rejected { token, reason }),
        };
        let last = bodies.len() - 1;
        for (i, body) in bodies.into_iter().enumerate() {
            let token = (i == last).then_some(token);
            match self.write(body, String::new(), None, token, turn) {
                Ok(message) => self.spread(&message, turn),
                Err(reason) => {
                    let reason = reason.into();
                    return turn
                        .out
                        .extend(token.map(|token| Output::Rejected { token, reason }));
                }
            }
        }
    }

    /// Whether we belong, so that what we write counts.
    pub(super) fn may_write(&self) -> Result<(), RejectReason> {
        if self.is_joining() || !self.roster.is_founded() {
            Err(RejectReason::NotJoined)
        } else if self.roster.contains(&self.me()) {
            Ok(())
        } else {
            Err(RejectReason::NotAMember)
        }
    }

    /// At least one body.
    fn bodies_of(&self, act: Act) -> Result<Vec<Body>, RejectReason> {
        let bodies = match act {
            Act::Invite {
                key,
                expires,
                uses_max,
                note,
                back,
            } => {
                let lifts = match back {
                    Some(member) => {
                        self.roster.may_let_back(&self.me(), &member)?;
                        self.roster.removes_of(&member)
                    }
                    None => Vec::new(),
                };
                vec![Body::Invite(Invite {
                    key,
                    expires,
                    uses_max,
                    note,
                    lifts,
                })]
            }
            Act::Revoke { invite } => self.revoke(invite),
            Act::Remove {
                member,
                keep_invite,
            } => self.remove(member, keep_invite),
            Act::Grant { member, admin } => vec![Body::Grant(Grant {
                member,
                admin,
                cuts: if admin {
                    Vec::new()
                } else {
                    self.cuts_at_tips(&member)
                },
            })],
            Act::Leave => vec![Body::Leave],
            Act::Retract {
                author,
                chain,
                seq,
                message,
            } => vec![Body::Retract(Retract {
                author,
                chain,
                seq,
                message,
            })],
        };
        for body in &bodies {
            self.roster.may(&self.me(), body)?;
        }
        Ok(bodies)
    }

    fn revoke(&self, invite: InviteKey) -> Vec<Body> {
        let keep: Vec<AuthorId> = self.roster.to_be_kept(&invite).into_iter().collect();
        let revoke = |keep| Body::InviteRevoke(InviteRevoke { invite, keep });
        in_parts(&keep).map(revoke).collect()
    }

    /// A remove that keeps everybody else who came by an invite which it voids. Where those are more
    /// than one act may name, further ones with the same cuts name them: keeps unite.
    fn remove(&self, member: AuthorId, keep_invite: bool) -> Vec<Body> {
        let voided = self.roster.voided_with(&member, keep_invite);
        let mut keep: BTreeSet<AuthorId> = voided
            .iter()
            .flat_map(|invite| self.roster.to_be_kept(invite))
            .collect();
        keep.remove(&member);
        let keep: Vec<AuthorId> = keep.into_iter().collect();
        let remove = |keep| {
            Body::Remove(Remove {
                member,
                cuts: self.cuts_at_tips(&member),
                keep_invite,
                keep,
            })
        };
        in_parts(&keep).map(remove).collect()
    }

    /// What is held of an author, as cuts: of each chain the highest tip, and then its other tips, as
    /// many as one act may list. What is not listed counts for nothing, so an author who opens chains
    /// without end is still cut off.
    fn cuts_at_tips(&self, author: &AuthorId) -> Vec<Cut> {
        let of_author = self.chains.keys().filter(|key| key.0 == *author);
        let mut cuts: Vec<(usize, Cut)> = of_author
            .flat_map(|key| {
                let tips = self.chains.tips(&key).iter().rev();
                tips.enumerate().map(move |(below, &(seq, id))| {
                    let chain = key.1;
                    (below, Cut { chain, seq, id })
                })
            })
            .collect();
        cuts.sort_by_key(|(below, cut)| (*below, std::cmp::Reverse(cut.seq)));
        cuts.truncate(limits::CUTS_PER_ACT_MAX);
        cuts.into_iter().map(|(_, cut)| cut).collect()
    }
}

/// As many members as one act may name at a time; once nobody, where there is nobody.
fn in_parts(keep: &[AuthorId]) -> impl Iterator<Item = Vec<AuthorId>> {
    let parts = keep.chunks(limits::KEEP_PER_ACT_MAX).map(<[_]>::to_vec);
    let none = keep.is_empty().then(Vec::new);
    parts.chain(none)
}
