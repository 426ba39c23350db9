//! The door: how a joiner proves an invite, and how the member who was reached judges.

use super::Roster;
use crate::body::{Invite, Join};
use crate::clock::Now;
use crate::id::{AuthorId, InviteKey, RoomId};
use crate::identity::{self, Identity, JOIN_DOMAIN, Signature};

/// Why nobody can be let in by a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// The invite is not known here, or the join does not prove it.
    #[error("the invite is not known here")]
    UnknownInvite,
    /// The invite has expired by the clock of the member at the door.
    #[error("the invite has expired")]
    Expired,
    /// As many have come by the invite as may.
    #[error("the invite was used as often as it may be")]
    UsedUp,
    /// The invite was revoked.
    #[error("the invite was revoked")]
    Revoked,
    /// The joiner was removed, and no invite lifts that.
    #[error("the joiner was removed from the room")]
    Removed,
}

impl Roster {
    /// Judges a join at one's own door.
    ///
    /// # Errors
    /// [`DoorError`]; all but [`DoorError::UnknownInvite`] are for those who proved the secret.
    pub fn judge(&self, joiner: &AuthorId, join: &Join, now: Now) -> Result<(), DoorError> {
        let invites = self.invites_of_key(&join.invite);
        if invites.is_empty() || !proves(&self.room, joiner, join) {
            return Err(DoorError::UnknownInvite);
        }
        if self.powers.is_barred(joiner) {
            return Err(DoorError::Removed);
        }
        let basis = self.basis();
        let standing: Vec<&Invite> = invites
            .iter()
            // Whoever stayed when it was revoked belongs; who left since must find another.
            .filter(|(act, invite)| basis.stands_for(act, invite, None))
            .map(|(_, invite)| *invite)
            .collect();
        if standing.is_empty() {
            return Err(DoorError::Revoked);
        }
        let expired = |invite: &Invite| invite.expires.is_some_and(|expires| now.wall >= expires);
        if standing.iter().all(|invite| expired(invite)) {
            return Err(DoorError::Expired);
        }
        let came = self.standing.came_by(&join.invite, basis);
        let used = came.iter().filter(|who| *who != joiner).count();
        let open = |invite: &&Invite| {
            !expired(invite) && invite.uses_max.is_none_or(|uses| used < uses as usize)
        };
        if standing.iter().any(open) {
            Ok(())
        } else {
            Err(DoorError::UsedUp)
        }
    }
}

fn join_statement(room: &RoomId, joiner: &AuthorId) -> [u8; 64] {
    let mut statement = [0; 64];
    statement[..32].copy_from_slice(room.as_bytes());
    statement[32..].copy_from_slice(joiner.as_bytes());
    statement
}

/// Signs, with an invite's secret, that its holder wants `joiner` in `room`.
pub fn prove_invite(invite: &Identity, room: &RoomId, joiner: &AuthorId) -> Signature {
    invite.sign(JOIN_DOMAIN, &join_statement(room, joiner))
}

/// The body of the join by which `joiner` asks to be let in.
pub fn join_body(invite: &Identity, room: &RoomId, joiner: &AuthorId, nick: String) -> Join {
    Join {
        invite: InviteKey::from_bytes(*invite.author().as_bytes()),
        proof: prove_invite(invite, room, joiner),
        nick,
    }
}

/// Whether `join` proves the invite that it names.
pub fn proves(room: &RoomId, joiner: &AuthorId, join: &Join) -> bool {
    let statement = join_statement(room, joiner);
    identity::verify(join.invite.as_bytes(), JOIN_DOMAIN, &statement, &join.proof)
}
