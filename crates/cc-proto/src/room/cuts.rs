//! What of the held chains counts: the tips that are told, and the messages on branches that no
//! cut names. Read from the cuts downwards to the lowest fork, so that it costs what the branches
//! are long and not what the room is old.

use std::collections::{BTreeMap, BTreeSet};

use super::{RoomCore, Turn};
use crate::body::Cut;
use crate::chains::{ChainKey, Tip, Told, held_at};
use crate::history::History;
use crate::id::{AuthorId, MessageId, Seq};
use crate::limits;
use crate::message::{Header, Message};

/// Rounds in which what strays and what counts may settle each other. One is enough but where a
/// branch that does not count holds acts that cut a further chain.
const ROUNDS_MAX: usize = 16;

/// The held messages of a chain at some places of interest and, where it forked, from there down
/// to the place below the lowest fork.
#[derive(Debug)]
struct Region {
    /// By place and id, the one before it.
    before: BTreeMap<Tip, Option<Tip>>,
    /// Below it the chain has no branches, so that there is nothing to tell apart.
    floor: Seq,
}

impl Region {
    /// What of the region lies at or before one of `tips`, down to its floor.
    fn up_to(&self, tips: impl IntoIterator<Item = Tip>) -> BTreeSet<MessageId> {
        let mut ids = BTreeSet::new();
        for tip in tips {
            let mut at = Some(tip);
            while let Some(tip) = at.filter(|tip| self.before.contains_key(tip)) {
                if !ids.insert(tip.1) {
                    break;
                }
                at = self.before.get(&tip).copied().flatten();
            }
        }
        ids
    }

    fn holds(&self, cut: &Cut) -> bool {
        self.before.contains_key(&(cut.seq, cut.id))
    }

    /// What an act leaves out that cuts the chain at `cuts`. As long as one of its cuts is not held,
    /// whatever is there may yet turn out to lie before it.
    fn strays(&self, cuts: &[Cut]) -> BTreeSet<MessageId> {
        let Some(end) = cuts.iter().map(|cut| cut.seq).max() else {
            return BTreeSet::new();
        };
        if !cuts.iter().all(|cut| self.holds(cut)) {
            return BTreeSet::new();
        }
        let named = self.up_to(cuts.iter().map(|cut| (cut.seq, cut.id)));
        let branches = self
            .before
            .keys()
            .filter(|tip| tip.0 >= self.floor && tip.0 <= end);
        branches
            .map(|tip| tip.1)
            .filter(|id| !named.contains(id))
            .collect()
    }
}

impl RoomCore {
    /// Has all chains of `author` looked at again.
    pub(super) fn mark_chains_of(&mut self, author: AuthorId) {
        self.unsurveyed.extend(self.chains.of(author));
    }

    /// Has all chains looked at again that are cut or may be.
    pub(super) fn mark_cut_chains(&mut self) {
        let mut last: Option<(AuthorId, bool)> = None;
        for key in self.chains.keys() {
            let bounded = match last {
                Some((author, bounded)) if author == key.0 => bounded,
                _ => self.roster.bounds(&key.0).is_some(),
            };
            last = Some((key.0, bounded));
            if bounded
                || self.chains.told(&key).is_some()
                || !self.roster.cuts(&key.0, key.1).is_empty()
            {
                self.unsurveyed.insert(key);
            }
        }
    }

    /// Takes note of a message that was appended, where its chain is cut or may be.
    pub(super) fn mark_appended(&mut self, id: MessageId, header: &Header) {
        let key = (header.author, header.chain);
        let told = self.chains.told(&key).is_some();
        if !told && self.roster.bounds(&key.0).is_none() && !self.chains.is_forked(&key) {
            return;
        }
        let cuts = self.roster.cuts(&key.0, key.1);
        let closed = self.closed.get(&key).map_or(0, Vec::len);
        if !told && closed == cuts.len() && self.roster.bounds(&key.0).is_none() {
            return; // it strays, and that was noted, or it does not
        }
        let mut places = cuts.iter().flat_map(|(_, cuts)| cuts);
        let is_cut = places.any(|cut| cut.id == id);
        if is_cut || !self.chains.advance_told(id, header) {
            self.unsurveyed.insert(key);
        }
    }

    /// The acts of which a message at that place strays, where it is not held.
    pub(super) fn closed_at(&self, header: &Header) -> impl Iterator<Item = MessageId> {
        let closed = self.closed.get(&(header.author, header.chain));
        let seq = header.seq;
        let closed = closed.into_iter().flatten();
        closed
            .filter(move |(_, end)| seq <= *end)
            .map(|(act, _)| *act)
    }

    /// Takes note of what a message strays from, before it has any effect. Gives whether it does.
    pub(super) fn note_stray(&mut self, message: &Message) -> bool {
        let chain = message.header().chain;
        let acts: Vec<MessageId> = self.closed_at(message.header()).collect();
        for act in &acts {
            self.roster.note_stray(*act, chain, message.id());
        }
        !acts.is_empty()
    }

    /// Works out anew what counts of the chains that were marked, and tells the roster what strays.
    pub(super) fn survey<H: History>(&mut self, turn: &mut Turn<'_, H>) -> Result<(), H::Error> {
        for _ in 0..ROUNDS_MAX {
            if self.unsurveyed.is_empty() {
                return Ok(());
            }
            for key in std::mem::take(&mut self.unsurveyed) {
                self.survey_chain(key, turn)?;
            }
        }
        Ok(())
    }

    fn survey_chain<H: History>(
        &mut self,
        key: ChainKey,
        turn: &mut Turn<'_, H>,
    ) -> Result<(), H::Error> {
        let acts = self.roster.cuts(&key.0, key.1);
        let end = self.last_that_counts(&key);
        if acts.is_empty() && end.is_none_or(|end| end.0 == 0) {
            self.closed.remove(&key);
            let nothing = end.map(|_| Told::default());
            turn.retold |= self.chains.set_told(key, nothing);
            return Ok(());
        }
        let mut places: BTreeSet<Seq> = acts
            .iter()
            .flat_map(|(_, cuts)| cuts.iter().map(|cut| cut.seq))
            .collect();
        places.extend(end);
        let region = self.region(key, &places, &turn.history)?;
        let closed = acts.iter().filter_map(|(act, cuts)| {
            let end = cuts.iter().map(|cut| cut.seq).max();
            let is_closed = cuts.iter().all(|cut| region.holds(cut));
            is_closed.then_some((*act, end?))
        });
        self.closed.insert(key, closed.collect());
        for (act, cuts) in &acts {
            let change = self.roster.set_strays(*act, key.1, region.strays(cuts));
            self.roster_changed(&change, true, turn);
        }
        // The strays may have changed what counts.
        let told = match self.last_that_counts(&key) {
            Some(end) => {
                let mut told = self.tell(key, end, &region, &turn.history)?;
                let mut cuts = acts.iter().flat_map(|(_, cuts)| cuts);
                told.settled = !acts.is_empty() && cuts.all(|cut| region.holds(cut));
                Some(told)
            }
            None => None,
        };
        turn.retold |= self.chains.set_told(key, told);
        Ok(())
    }

    /// The last place of a chain that counts; `None` where all do.
    fn last_that_counts(&self, key: &ChainKey) -> Option<Seq> {
        let bounds = self.roster.bounds(&key.0)?;
        match bounds.chains.get(&key.1) {
            Some(end) => Some(*end),
            None => (!bounds.others).then_some(Seq(0)),
        }
    }

    fn tell<H: History>(
        &self,
        key: ChainKey,
        end: Seq,
        region: &Region,
        history: &H,
    ) -> Result<Told, H::Error> {
        let mut told = Told {
            end,
            ..Told::default()
        };
        let mut covered: BTreeSet<Tip> = BTreeSet::new();
        for (tip, before) in region.before.iter().rev() {
            let is_below = tip.0 < region.floor && !told.tips.is_empty();
            if tip.0 > end || is_below {
                continue;
            }
            if !covered.contains(tip) {
                let message = held_at(&key, *tip, history)?;
                if !message.is_some_and(|(_, message)| self.roster.counts(&message)) {
                    told.strays.insert(tip.1);
                    continue;
                }
                told.tips.push(*tip);
            }
            covered.extend(before);
        }
        told.tips.sort_unstable();
        Ok(told)
    }

    /// What is held at `places`, and down from there: to below the lowest fork, or in a chain
    /// without forks to the next place.
    fn region<H: History>(
        &self,
        key: ChainKey,
        places: &BTreeSet<Seq>,
        history: &H,
    ) -> Result<Region, H::Error> {
        let highest = places.last().copied().unwrap_or_default();
        let tips = self.chains.tips(&key).iter().copied();
        let mut open: BTreeSet<Tip> = tips.filter(|tip| tip.0 <= highest).collect();
        for place in places
            .iter()
            .filter(|place| **place <= self.chains.top(&key))
        {
            let held = history.at(&key.0, key.1, *place)?;
            open.extend(held.iter().map(|(_, message)| (*place, message.id())));
        }
        let floor = self.chains.floor(&key).unwrap_or(Seq(u64::MAX));
        let starts = open.clone();
        let mut before: BTreeMap<Tip, Option<Tip>> = BTreeMap::new();
        while let Some(tip) = open.pop_last() {
            if before.contains_key(&tip) || before.len() >= limits::FORK_REGION_MAX {
                continue;
            }
            let Some((_, message)) = held_at(&key, tip, history)? else {
                continue;
            };
            let one_before = place_before(&message);
            before.insert(tip, one_before);
            if tip.0 >= floor || starts.contains(&tip) {
                open.extend(one_before);
            }
        }
        Ok(Region { before, floor })
    }
}

fn place_before(message: &Message) -> Option<Tip> {
    let header = message.header();
    header.prev.map(|prev| (Seq(header.seq.0 - 1), prev))
}
