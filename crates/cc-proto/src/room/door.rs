//! Who gets a session: what a peer shows to prove that it belongs, joins at our door, and whose
//! turn it is.

use super::accept::Accepted;
use super::session::Session;
use super::{Output, RoomCore, SyncAbortCode, Turn};
use crate::body::{Admit, Body};
use crate::clock::Now;
use crate::frames::Refusal;
use crate::history::History;
use crate::id::AuthorId;
use crate::limits;
use crate::message::{Message, SignedMessage};
use crate::roster::DoorError;

/// A member who was told `busy` and asks no more within this time waits no longer.
const WAITING_MS: u64 = 10_000;

impl RoomCore {
    /// Judges a join at our door, and lets the joiner in: the join and our admit are appended, and
    /// so are durable, before the welcome leaves.
    pub(super) fn door<H: History>(
        &mut self,
        peer: &AuthorId,
        join: SignedMessage,
        turn: &mut Turn<'_, H>,
    ) -> Result<Result<(), Refusal>, H::Error> {
        if self.is_joining() || !self.roster.contains(&self.me()) {
            return Ok(Err(Refusal::Refused));
        }
        if self.roster.contains(peer) {
            return Ok(Ok(()));
        }
        let Ok(join) = join.verify(&self.room) else {
            return Ok(Err(Refusal::Refused));
        };
        let Some(Body::Join(body)) = join.body() else {
            return Ok(Err(Refusal::Refused));
        };
        if join.header().author != *peer {
            return Ok(Err(Refusal::Refused));
        }
        match self.roster.judge(peer, body, turn.now) {
            Ok(()) => {}
            Err(DoorError::Expired) => return Ok(Err(Refusal::Expired)),
            Err(DoorError::UsedUp) => return Ok(Err(Refusal::UsedUp)),
            Err(DoorError::Revoked) => return Ok(Err(Refusal::Revoked)),
            Err(DoorError::Removed) => return Ok(Err(Refusal::Removed)),
            Err(DoorError::UnknownInvite) => return Ok(Err(Refusal::Refused)),
        }
        let invite = body.invite;
        if let Accepted::Refused(_) = self.accept(join.clone(), turn)? {
            return Ok(Err(Refusal::Refused));
        }
        let admit = Body::Admit(Admit {
            joiner: *peer,
            invite,
            join: join.id(),
        });
        if let Ok(admit) = self.write(admit, String::new(), None, None, turn) {
            self.spread(&join, turn);
            self.spread(&admit, turn);
        }
        Ok(Ok(()))
    }

    pub(super) fn own_bundle(&self) -> Vec<SignedMessage> {
        let bundle = self.roster.bundle(&self.me());
        bundle.iter().map(|act| act.wire().clone()).collect()
    }

    /// The acts that it takes, beyond what is held here, to show that a peer belongs; `None` where
    /// it does not.
    pub(super) fn proof_of_member(
        &mut self,
        peer: &AuthorId,
        bundle: &[SignedMessage],
        now: Now,
    ) -> Option<Vec<Message>> {
        if self.roster.contains(peer) {
            return Some(Vec::new());
        }
        let is_judged = !bundle.is_empty()
            && bundle.len() <= limits::BUNDLE_MESSAGES_MAX
            && self.flood.takes_bundle(now);
        if !is_judged {
            return None;
        }
        let acts: Vec<Message> = bundle
            .iter()
            .filter_map(|act| act.clone().verify(&self.room).ok())
            .collect();
        let proves = acts.iter().all(may_prove) && self.is_shown(peer, &acts);
        proves.then_some(acts)
    }

    /// Whether the other side of a session still belongs, where it showed acts to prove it.
    pub(super) fn is_still_proven(&self, session: &Session) -> bool {
        session.bundle.is_empty() || self.is_shown(&session.peer, &session.bundle)
    }

    /// Whether acts show that somebody belongs. One on a branch that a cut does not name shows
    /// nothing: who was removed can make any number of those.
    fn is_shown(&self, peer: &AuthorId, acts: &[Message]) -> bool {
        let shown = acts.iter().filter(|act| {
            let header = act.header();
            let place = (header.author, header.chain, header.seq);
            let off_the_cuts = self.closed_at(header).next().is_some();
            !off_the_cuts || self.roster.holds_act(&act.id()) || self.lost.contains(&place)
        });
        let shown: Vec<Message> = shown.cloned().collect();
        self.roster.would_contain(peer, &shown)
    }

    /// Whether a member gets a session now. Where all are taken, one that has lasted its turn makes
    /// way, for whoever has waited longest: so nobody is kept out by others who keep coming back.
    pub(super) fn takes_turn<H>(&mut self, peer: AuthorId, turn: &mut Turn<'_, H>) -> bool {
        let now = turn.now.mono_ms;
        let free = limits::SESSIONS_MAX.saturating_sub(self.sessions.len());
        self.waiting
            .retain(|_, (_, asked)| *asked + WAITING_MS > now);
        let since = self.waiting.get(&peer).map_or(now, |(since, _)| *since);
        let before = self.waiting.iter();
        let before = before.filter(|(other, (from, _))| (*from, **other) < (since, peer));
        if free > before.clone().count() || (before.count() == 0 && self.make_way(turn)) {
            self.waiting.remove(&peer);
            return true;
        }
        if self.waiting.len() < limits::WAITING_MAX || self.waiting.contains_key(&peer) {
            self.waiting.insert(peer, (since, now));
        }
        false
    }

    /// Ends a session that has lasted its turn: the one that began first, and rather one of a peer
    /// with two.
    fn make_way<H>(&mut self, turn: &mut Turn<'_, H>) -> bool {
        let now = turn.now.mono_ms;
        let count = |peer| self.sessions.values().filter(|it| it.peer == peer).count();
        let turns = self.sessions.iter();
        let over = turns.filter(|(_, it)| it.opened_at + limits::SESSION_TURN_MS <= now);
        let longest = over.min_by_key(|(_, it)| (count(it.peer) == 1, it.opened_at));
        let Some(id) = longest.map(|(id, _)| *id) else {
            return false;
        };
        if let Some(ended) = self.sessions.remove(&id) {
            self.peers.want_later(ended.peer, turn.now);
        }
        let code = SyncAbortCode::MadeWay;
        turn.out.push(Output::SyncAbort { session: id, code });
        true
    }
}

/// Whether an act is of a kind that a membership rests on.
fn may_prove(act: &Message) -> bool {
    matches!(
        act.body(),
        Some(
            Body::Genesis(_)
                | Body::Invite(_)
                | Body::Join(_)
                | Body::Admit(_)
                | Body::Grant(_)
                | Body::Remove(_)
                | Body::InviteRevoke(_)
        )
    )
}
