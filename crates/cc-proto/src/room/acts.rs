//! What people do about who belongs, made into messages: the core knows best what of a member's
//! chains is held, and who came by which invite.

use std::collections::BTreeSet;

use super::{Act, Output, RejectReason, RoomCore, Turn};
use crate::body::{Body, Cut, Grant, Invite, InviteRevoke, Remove, Retract};
use crate::chains::ChainKey;
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
        let keep: Vec<AuthorId> = self.roster.came_by(&invite).into_iter().collect();
        let parts = keep.chunks(limits::KEEP_PER_ACT_MAX);
        let mut bodies: Vec<Body> = parts
            .map(|part| {
                Body::InviteRevoke(InviteRevoke {
                    invite,
                    keep: part.to_vec(),
                })
            })
            .collect();
        if bodies.is_empty() {
            let keep = Vec::new();
            bodies.push(Body::InviteRevoke(InviteRevoke { invite, keep }));
        }
        bodies
    }

    /// A remove that keeps everybody else who came by an invite which it voids. Where those are more
    /// than one act may name, revokes of the same invites name them: keeps unite.
    fn remove(&self, member: AuthorId, keep_invite: bool) -> Vec<Body> {
        let voided = self.roster.voided_with(&member, keep_invite);
        let came = |invite: &InviteKey| {
            let mut came = self.roster.came_by(invite);
            came.remove(&member);
            came
        };
        let keep: BTreeSet<AuthorId> = voided.iter().flat_map(came).collect();
        let fits = keep.len() <= limits::KEEP_PER_ACT_MAX;
        let mut bodies = Vec::new();
        if !fits {
            bodies.extend(voided.iter().flat_map(|invite| self.revoke(*invite)));
        }
        bodies.push(Body::Remove(Remove {
            member,
            cuts: self.cuts_at_tips(&member),
            keep_invite,
            keep: keep.into_iter().filter(|_| fits).collect(),
        }));
        bodies
    }

    /// Everything held of an author, as cuts.
    fn cuts_at_tips(&self, author: &AuthorId) -> Vec<Cut> {
        let of_author = self.chains.keys().filter(|key| key.0 == *author);
        let cuts = |key: ChainKey| {
            let tips = self.chains.tips(&key).iter();
            tips.map(move |&(seq, id)| Cut {
                chain: key.1,
                seq,
                id,
            })
        };
        of_author.flat_map(cuts).collect()
    }
}
