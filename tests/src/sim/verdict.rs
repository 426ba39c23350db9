//! What must hold at the end of a run.
//!
//! Who belongs is worked out from everything that the machines hold which belong by it: from all of
//! them first, and then without those that turn out not to. Those machines must agree with it.

use std::collections::{BTreeMap, BTreeSet};

use cc_log::fault::FaultStorage;
use cc_net::engine::RoomEngine;
use cc_proto::body::Body;
use cc_proto::clock::Now;
use cc_proto::id::{ArrivalNo, AuthorId, MessageId, Timestamp};
use cc_proto::message::Message;
use cc_proto::roster::{Roster, join_body};

use super::{Report, WALL, World};

/// What all the machines that belong come to together.
struct Truth {
    roster: Roster,
    /// The machines that belong.
    members: Vec<usize>,
    /// Everything that counts.
    counting: BTreeMap<MessageId, Message>,
}

impl World {
    fn engine(&self, index: usize) -> Option<&RoomEngine<FaultStorage>> {
        self.machines[index].engine.as_ref()
    }

    fn truth(&self) -> Option<Truth> {
        let room = self.tickets.first()?.room;
        let mut members: Vec<usize> = (0..self.machines.len())
            .filter(|index| self.engine(*index).is_some())
            .collect();
        loop {
            let mut all: BTreeMap<MessageId, &Message> = BTreeMap::new();
            for index in &members {
                let held = &self.machines[*index].held;
                all.extend(held.iter().map(|(id, message)| (*id, message)));
            }
            // Who was there longest has followed every branch, so that its word on what strays is
            // as good as any: it is compared with all others below.
            let acts = all
                .values()
                .copied()
                .filter(|message| message.shapes_roster());
            let mut roster = Roster::load(room, acts);
            tell_strays(&mut roster, &all);
            let belong = |index: &usize| roster.contains(&self.machines[*index].me());
            let remaining: Vec<usize> = members.iter().copied().filter(belong).collect();
            if remaining == members {
                let counting = all.iter().filter(|(_, message)| roster.counts(message));
                let counting = counting
                    .map(|(id, message)| (*id, (*message).clone()))
                    .collect();
                return Some(Truth {
                    roster,
                    members,
                    counting,
                });
            }
            members = remaining;
        }
    }

    /// The first difference between the members, if there is one.
    pub(super) fn differences(&self) -> Option<String> {
        let truth = self.truth()?;
        for index in &truth.members {
            let Some(engine) = self.engine(*index) else {
                continue;
            };
            let core = engine.core();
            if !self.machines[*index].is_member() {
                return Some(format!("machine {index} does not know that it belongs"));
            }
            if *core.roster() != truth.roster {
                let other = (core.roster().members().len(), truth.roster.members().len());
                return Some(format!(
                    "roster of machine {index}: {} and {} members",
                    other.0, other.1
                ));
            }
            let held = &self.machines[*index].held;
            let lacked = truth.counting.iter();
            let (lacked, excused): (Vec<_>, Vec<_>) = lacked
                .filter(|(id, _)| !held.contains_key(id))
                .partition(|(_, message)| self.can_be_proven(message, &truth));
            let lacking = lacked.len();
            if lacking > 0 {
                return Some(format!(
                    "machine {index} lacks {lacking} messages that count"
                ));
            }
            let counts = |message: &&Message| core.roster().counts(message);
            let counting = held.values().filter(counts).count();
            if counting + excused.len() != truth.counting.len() {
                let other = truth.counting.len();
                return Some(format!(
                    "machine {index} counts {counting} messages, not {other}"
                ));
            }
        }
        let waits = |index: &usize| self.could_be_let_in(*index, &truth);
        let index = (0..self.machines.len()).find(waits)?;
        Some(format!("machine {index} was not let in"))
    }

    /// Whether a member can show that a message is its author's: it holds the signature, or that of a
    /// later one of the chain that counts. What a cut parted from the only signature that vouched for it
    /// can be told to nobody.
    fn can_be_proven(&self, message: &Message, truth: &Truth) -> bool {
        let (author, chain) = (message.header().author, message.header().chain);
        let held = truth
            .members
            .iter()
            .flat_map(|at| self.machines[*at].held.values());
        let mut vouching = held.filter(|other| {
            let header = other.header();
            (header.author, header.chain) == (author, chain)
                && header.seq >= message.header().seq
                && truth.counting.contains_key(&other.id())
        });
        vouching.any(Message::has_signature)
    }

    /// Whether somebody waits at doors of which one would open.
    fn could_be_let_in(&self, index: usize, truth: &Truth) -> bool {
        let Some(engine) = self
            .engine(index)
            .filter(|engine| engine.core().is_joining())
        else {
            return false;
        };
        let (Some(ticket), me) = (engine.ticket(), self.machines[index].me()) else {
            return false;
        };
        let join = join_body(&ticket.invite(), &ticket.room, &me, String::new());
        truth.members.iter().any(|door| {
            let now = Now {
                // An invite that ends while it waits may or may not have let it in.
                wall: Timestamp(WALL + 4 * super::END_MS + 24 * 60 * 60 * 1000),
                mono_ms: 0,
            };
            let known = |id: AuthorId| ticket.addresses.iter().any(|address| address.id == id);
            *door != index
                && known(self.machines[*door].me())
                && truth.roster.judge(&me, &join, now).is_ok()
        })
    }

    fn stored(&self, index: usize) -> Result<Vec<Message>, String> {
        let Some(engine) = self.engine(index) else {
            return Ok(Vec::new());
        };
        let log = engine.log();
        (1..=log.len().0)
            .map(|n| {
                let line = log.read(ArrivalNo(n)).map_err(|error| error.to_string())?;
                line.message
                    .map_err(|error| format!("line {n} of machine {index}: {error}"))
            })
            .collect()
    }

    pub(super) fn check_end(&mut self) -> Result<(), String> {
        let Some(truth) = self.truth() else {
            return Ok(());
        };
        self.check_counting(&truth)?;
        for index in truth.members.clone() {
            let messages = self.stored(index)?;
            let ids: BTreeSet<MessageId> = messages.iter().map(Message::id).collect();
            if ids.len() != messages.len() {
                return Err(format!("machine {index} holds a message twice"));
            }
            if let Some(forged) = ids.intersection(&self.forged).next() {
                return Err(format!("machine {index} holds the forged {forged}"));
            }
            check_retracted(index, &messages, &truth)?;
            self.check_readers(index, &messages, &truth)?;
        }
        Ok(())
    }

    /// What was acknowledged to those of whom nothing was ever cut off counts; what was written
    /// against a removal does not.
    fn check_counting(&self, truth: &Truth) -> Result<(), String> {
        for index in &truth.members {
            let me = self.machines[*index].me();
            if truth.roster.bounds(&me).is_some() {
                continue;
            }
            let own = self.machines[*index]
                .acknowledged
                .intersection(&self.acknowledged);
            if let Some(lost) = own.into_iter().find(|id| !truth.counting.contains_key(id)) {
                return Err(format!(
                    "{lost} of machine {index} was acknowledged, and is lost"
                ));
            }
        }
        let former = truth.roster.former();
        let mut against = truth.counting.values().filter(|message| {
            let author = former.get(&message.header().author);
            self.after_removal.contains(&message.id())
                && author.is_some_and(|former| former.removed)
        });
        match against.next() {
            Some(message) => Err(format!(
                "{} counts, after its author's removal",
                message.id()
            )),
            None => Ok(()),
        }
    }

    fn check_readers(
        &mut self,
        index: usize,
        messages: &[Message],
        truth: &Truth,
    ) -> Result<(), String> {
        for session in 0..self.machines[index].sessions.len() {
            self.prompt(index, session, false)?;
        }
        let me = self.machines[index].me();
        let injectable: BTreeSet<MessageId> = messages
            .iter()
            .filter(|message| {
                message.text().is_some() && truth.counting.contains_key(&message.id())
            })
            .filter(|message| message.header().author != me || message.header().via.is_empty())
            .map(Message::id)
            .collect();
        let shown = self.shown_to_a_newcomer(index)?;
        if let Some(id) = shown.symmetric_difference(&injectable).next() {
            let (is, counts) = (shown.contains(id), injectable.contains(id));
            return Err(format!(
                "machine {index}: {id} is shown: {is}, counts: {counts}"
            ));
        }
        // What did not count when it was passed over, and does now, is not offered again.
        let in_doubt: BTreeSet<AuthorId> = truth
            .counting
            .values()
            .filter_map(|message| match message.body() {
                Some(Body::Remove(remove)) => Some(remove.member),
                Some(Body::Leave) => Some(message.header().author),
                _ => None,
            })
            .collect();
        let certain: Vec<MessageId> = injectable
            .into_iter()
            .filter(|id| !in_doubt.contains(&truth.counting[id].header().author))
            .collect();
        self.check_offers(index, &certain)
    }

    pub(super) fn report(&self, healed_ms: u64) -> Report {
        let mut report = Report {
            acknowledged: self.acknowledged.len(),
            crashes: self.crashes,
            healed_ms,
            ..Report::default()
        };
        let Some(truth) = self.truth() else {
            return report;
        };
        report.members = truth.members.len();
        report.messages = truth.counting.len();
        let former = truth.roster.former().into_values();
        report.former = former.filter(|who| who.removed || who.left).count();
        let taken_back = |message: &&Message| {
            truth
                .roster
                .is_retracted(&message.header().author, &message.id())
        };
        report.taken_back = truth.counting.values().filter(taken_back).count();
        let all: BTreeSet<&MessageId> =
            self.machines.iter().flat_map(|it| it.held.keys()).collect();
        report.void = all.len().saturating_sub(report.messages);
        report
    }
}

/// Whether the bodies that were taken back are gone.
fn check_retracted(index: usize, messages: &[Message], truth: &Truth) -> Result<(), String> {
    let taken_back = |message: &&Message| {
        let author = message.header().author;
        !message.shapes_roster() && truth.roster.is_retracted(&author, &message.id())
    };
    let mut kept = messages
        .iter()
        .filter(taken_back)
        .filter(|it| it.wire().body.is_some());
    match kept.next() {
        Some(message) => Err(format!(
            "machine {index} keeps the body of {}",
            message.id()
        )),
        None => Ok(()),
    }
}

/// Tells a roster which messages stand on a branch that a cut does not name.
fn tell_strays(roster: &mut Roster, all: &BTreeMap<MessageId, &Message>) {
    let chains: BTreeSet<_> = all
        .values()
        .map(|message| (message.header().author, message.header().chain))
        .collect();
    for (author, chain) in chains {
        for (act, cuts) in roster.cuts(&author, chain) {
            if !cuts.iter().all(|cut| all.contains_key(&cut.id)) {
                roster.set_strays(act, chain, BTreeSet::new());
                continue;
            }
            let mut named = BTreeSet::new();
            for cut in &cuts {
                let mut at = Some(cut.id);
                while let Some(id) = at.filter(|id| named.insert(*id)) {
                    at = all.get(&id).and_then(|message| message.header().prev);
                }
            }
            let end = cuts.iter().map(|cut| cut.seq).max();
            let strays = all.values().filter(|message| {
                let header = message.header();
                let of_chain = header.author == author && header.chain == chain;
                of_chain && Some(header.seq) <= end && !named.contains(&message.id())
            });
            let strays = strays.map(|message| message.id()).collect();
            roster.set_strays(act, chain, strays);
        }
    }
}
