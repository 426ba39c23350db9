//! What a change of the roster brings with it: who hears of it, whose sessions end, and which
//! messages are erased because they were taken back.

use std::collections::{BTreeMap, BTreeSet};

use super::session::Session;
use super::{Output, RoomCore, RoomEvent, SessionId, SyncAbortCode, Turn};
use crate::body::{Body, Retract};
use crate::chains::held_at;
use crate::history::History;
use crate::id::{AuthorId, ChainId, MessageId, Seq};
use crate::message::Message;
use crate::roster::Change;

impl RoomCore {
    /// Works an appended act into the roster. Where it `strays` and does not count, nothing is told.
    pub(super) fn take_act<H>(&mut self, act: &Message, strays: bool, turn: &mut Turn<'_, H>) {
        let change = self.roster.insert(act);
        let moved = !change.joined.is_empty() || !change.gone.is_empty();
        if strays && !moved && !self.roster.counts(act) {
            return;
        }
        self.retracts_due.add(self.roster.takes_back(act));
        // It may take from somebody of whom nothing is held but who was shown to belong.
        turn.swept |= matches!(
            act.body(),
            Some(Body::InviteRevoke(_) | Body::Remove(_) | Body::Grant(_))
        );
        let sweeping = may_take_away(act, &change);
        self.roster_changed(&change, sweeping, turn);
        let admitted = |join: &Message| self.roster.is_admitted(&join.id());
        if self.pending_join.as_ref().is_some_and(admitted) {
            self.end_joining(turn);
        }
    }

    /// We belong: what was shown at doors is shown no more.
    pub(super) fn end_joining<H>(&mut self, turn: &mut Turn<'_, H>) {
        self.pending_join = None;
        turn.out.push(Output::Event(RoomEvent::Joined));
    }

    /// Tells of a change. A sweeping one may have changed what counts of anybody.
    pub(super) fn roster_changed<H>(
        &mut self,
        change: &Change,
        sweeping: bool,
        turn: &mut Turn<'_, H>,
    ) {
        for author in change.joined.iter().chain(&change.gone) {
            self.mark_chains_of(*author);
        }
        for author in &change.joined {
            self.retracts_due.add(self.roster.taken_back_by(author));
        }
        if !change.changed {
            return;
        }
        turn.out.push(Output::RosterChanged);
        if !change.joined.is_empty() {
            self.receipts.membership_grew(turn.now);
            let joined = change.joined.iter();
            turn.out
                .extend(joined.map(|new| Output::Event(RoomEvent::MemberJoined(*new))));
            let members = self.roster.members().keys();
            let others = members.filter(|member| **member != self.me());
            turn.out
                .push(Output::JoinBootstrap(others.copied().collect()));
        }
        for author in &change.gone {
            self.part_with(*author, turn);
        }
        if sweeping || !change.gone.is_empty() {
            self.mark_cut_chains();
            self.retracts_due = RetractsDue::All;
            turn.swept = true;
        }
    }

    /// Ends the sessions of those who belong by what was shown and not by what is held here, where
    /// that is no longer enough.
    pub(super) fn end_unproven_sessions<H>(&mut self, turn: &mut Turn<'_, H>) {
        if !turn.swept {
            return;
        }
        let sessions = self.sessions.iter();
        let unproven = sessions.filter(|(_, session)| !self.is_still_proven(session));
        let unproven: BTreeSet<SessionId> = unproven.map(|(id, _)| *id).collect();
        abort_sessions(&mut self.sessions, turn, |id, _| unproven.contains(id));
    }

    /// Ends all that goes on with somebody who no longer belongs: nothing is sent to them from
    /// here on.
    fn part_with<H>(&mut self, author: AuthorId, turn: &mut Turn<'_, H>) {
        self.receipts.part_with(&author, turn.now);
        if author == self.me() {
            if self.pending_join.is_none() {
                turn.out.push(Output::Event(RoomEvent::Removed));
            }
            return;
        }
        self.peers.forget(&author);
        self.pending.retain(|place, _| place.0 != author);
        turn.gone.insert(author);
        abort_sessions(&mut self.sessions, turn, |_, it| it.peer == author);
        turn.out.push(Output::Event(RoomEvent::MemberGone(author)));
    }

    /// Erases the messages held that were taken back. One that comes later is appended without its
    /// body.
    pub(super) fn erase_retracted<H: History>(
        &mut self,
        turn: &mut Turn<'_, H>,
    ) -> Result<(), H::Error> {
        let due = match std::mem::take(&mut self.retracts_due) {
            RetractsDue::Some(due) => due,
            RetractsDue::All => self.roster.taken_back().map(taken).collect(),
        };
        for place in due {
            if !self.taken_back.insert(place) {
                continue;
            }
            let (author, chain, seq, id) = place;
            self.bodiless.remove(&(author, chain, seq));
            let held = held_at(&(author, chain), (seq, id), &turn.history)?;
            let has_body =
                |message: &Message| message.wire().body.is_some() && !message.shapes_roster();
            if held.is_some_and(|(_, message)| has_body(&message)) {
                turn.erase(author, chain, seq, id);
            }
        }
        Ok(())
    }
}

/// A message that was taken back, where its retract says that it stands.
pub(super) type Taken = (AuthorId, ChainId, Seq, MessageId);

/// What is to be erased at the end of a call. A retract is looked at when it comes; one that does
/// not count then may only when powers change or its author is let in.
#[derive(Debug)]
pub(super) enum RetractsDue {
    Some(BTreeSet<Taken>),
    All,
}

impl RetractsDue {
    fn add<'a>(&mut self, retracts: impl IntoIterator<Item = &'a Retract>) {
        if let Self::Some(due) = self {
            due.extend(retracts.into_iter().map(taken));
        }
    }
}

impl Default for RetractsDue {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

fn taken(retract: &Retract) -> Taken {
    (retract.author, retract.chain, retract.seq, retract.message)
}

/// Whether an act may have changed what counts of others than those who came or went.
fn may_take_away(act: &Message, change: &Change) -> bool {
    match act.body() {
        Some(Body::Admit(_) | Body::Profile(_) | Body::Retract(_)) => false,
        Some(Body::Invite(invite)) => !invite.lifts.is_empty(),
        Some(Body::Join(_)) => change.changed && change.joined != [act.header().author],
        _ => true,
    }
}

fn abort_sessions<H>(
    sessions: &mut BTreeMap<SessionId, Session>,
    turn: &mut Turn<'_, H>,
    ends: impl Fn(&SessionId, &Session) -> bool,
) {
    sessions.retain(|id, session| {
        let ended = ends(id, session);
        if ended {
            turn.out.push(Output::SyncAbort {
                session: *id,
                code: SyncAbortCode::Gone,
            });
        }
        !ended
    });
}
