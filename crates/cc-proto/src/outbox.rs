//! What one sync session still has to send: computed once from both sides' heads, then read from
//! the history frame by frame, in order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use crate::chains::{ChainKey, Chains, Tip};
use crate::history::History;
use crate::id::{ArrivalNo, MessageId, Seq};
use crate::limits;
use crate::message::{Message, SignedMessage};

/// What the other side is known to hold: places, with all that lies before them.
pub type PeerTips = BTreeMap<ChainKey, BTreeSet<Tip>>;

/// A stretch of an unforked chain that the other side lacks.
#[derive(Debug, Clone)]
struct Stretch {
    key: ChainKey,
    next: Seq,
    end: Seq,
}

/// The rest of a session's messages.
#[derive(Debug, Clone, Default)]
pub struct Outbox {
    stretches: Vec<Stretch>,
    /// Places of forked chains, lowest first.
    branches: Vec<(ChainKey, Tip)>,
}

impl Outbox {
    /// Adds what the other side lacks of a chain, given the tips it is known to hold there.
    ///
    /// # Errors
    /// The history's own.
    pub fn add_chain<H: History>(
        &mut self,
        key: ChainKey,
        chains: &Chains,
        known: &BTreeSet<Tip>,
        history: &H,
    ) -> Result<(), H::Error> {
        if chains.is_forked(&key) {
            return self.add_branches(key, chains, known, history);
        }
        let mut held = Seq(0);
        for tip in known {
            if tip.0 > held && chains.holds(&key, *tip, history)? {
                held = tip.0;
            }
        }
        let end = chains.top(&key);
        if held < end {
            self.stretches.retain(|stretch| stretch.key != key);
            self.stretches.push(Stretch {
                key,
                next: held.next(),
                end,
            });
        }
        Ok(())
    }

    /// Walks down from our tips, and from theirs at the same pace, to where they meet.
    fn add_branches<H: History>(
        &mut self,
        key: ChainKey,
        chains: &Chains,
        known: &BTreeSet<Tip>,
        history: &H,
    ) -> Result<(), H::Error> {
        let mut theirs: BTreeSet<Tip> = BTreeSet::new();
        for tip in known {
            if chains.holds(&key, *tip, history)? {
                theirs.insert(*tip);
            }
        }
        let mut ours: BTreeSet<Tip> = chains.tips(&key).iter().copied().collect();
        let mut lacking = Vec::new();
        while let Some(tip) = ours.pop_last() {
            while theirs.last().is_some_and(|their| their.0 > tip.0) {
                if let Some(their) = theirs.pop_last() {
                    theirs.extend(before(&key, their, history)?);
                }
            }
            if theirs.contains(&tip) {
                continue;
            }
            lacking.push((key, tip));
            ours.extend(before(&key, tip, history)?);
        }
        let queued: BTreeSet<Tip> = self
            .branches
            .iter()
            .filter(|b| b.0 == key)
            .map(|b| b.1)
            .collect();
        lacking.reverse();
        self.branches
            .extend(lacking.into_iter().filter(|(_, tip)| !queued.contains(tip)));
        Ok(())
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty() && self.branches.is_empty()
    }

    /// The next segment; empty where nothing is left that can be proven to others.
    ///
    /// A segment ends, chain by chain, at a message that carries a signature: what comes after
    /// the last one waits for the next segment.
    ///
    /// # Errors
    /// The history's own.
    pub fn next_segment<H: History>(
        &mut self,
        history: &H,
    ) -> Result<Vec<SignedMessage>, H::Error> {
        let segment = self.next_stretches(history)?;
        if segment.is_empty() {
            self.next_branches(history)
        } else {
            Ok(segment)
        }
    }

    fn next_stretches<H: History>(&mut self, history: &H) -> Result<Vec<SignedMessage>, H::Error> {
        let mut by_arrival: BTreeMap<ArrivalNo, usize> = BTreeMap::new();
        let mut nexts: Vec<Seq> = self.stretches.iter().map(|stretch| stretch.next).collect();
        for (i, stretch) in self.stretches.iter().enumerate() {
            let (author, chain) = stretch.key;
            if let Some(n) = history.arrival(&author, chain, stretch.next)? {
                by_arrival.insert(n, i);
            }
        }
        let mut window: Vec<(usize, Message)> = Vec::new();
        let mut bytes = 0;
        while let Some((_, i)) = by_arrival.pop_first() {
            let Stretch {
                key: (author, chain),
                end,
                ..
            } = self.stretches[i];
            let Some(message) = history.at(&author, chain, nexts[i])?.into_iter().next() else {
                continue;
            };
            bytes += message.to_raw().len();
            if bytes > limits::SEGMENT_BYTES_MAX || window.len() >= limits::SEGMENT_MESSAGES_MAX {
                break;
            }
            window.push((i, message));
            nexts[i] = nexts[i].next();
            if nexts[i] <= end
                && let Some(n) = history.arrival(&author, chain, nexts[i])?
            {
                by_arrival.insert(n, i);
            }
        }
        let ends = signed_ends(window.iter().map(|(i, message)| (*i, message)));
        self.advance(&nexts, &ends);
        Ok(trimmed(window, &ends))
    }

    /// Moves each stretch past what the segment carries of it. A stretch that the window held to
    /// its end, without a signature, cannot be proven from here: it is left to a peer who can.
    fn advance(&mut self, nexts: &[Seq], ends: &BTreeMap<usize, MessageEnd>) {
        let stretches = std::mem::take(&mut self.stretches);
        for (i, mut stretch) in stretches.into_iter().enumerate() {
            match ends.get(&i) {
                Some(end) => stretch.next = end.seq.next(),
                None if nexts[i] > stretch.end => continue,
                None => {}
            }
            if stretch.next <= stretch.end {
                self.stretches.push(stretch);
            }
        }
        if ends.is_empty() {
            self.stretches.clear();
        }
    }

    fn next_branches<H: History>(&mut self, history: &H) -> Result<Vec<SignedMessage>, H::Error> {
        let mut window = Vec::new();
        let mut bytes = 0;
        let mut taken = 0;
        for (key, (seq, id)) in &self.branches {
            if window.len() >= limits::SEGMENT_MESSAGES_MAX {
                break;
            }
            taken += 1;
            let held = history.at(&key.0, key.1, *seq)?;
            let Some(message) = held.into_iter().find(|held| held.id() == *id) else {
                continue;
            };
            bytes += message.to_raw().len();
            if bytes > limits::SEGMENT_BYTES_MAX {
                taken -= 1;
                break;
            }
            window.push(message);
        }
        let (keep, rest) = provable_prefix(&window);
        let segment: Vec<SignedMessage> = window[..keep]
            .iter()
            .map(|message| message.wire().clone())
            .collect();
        // What is not provable yet waits for the messages after it, unless there are none.
        self.branches
            .drain(..if keep == 0 { taken } else { taken - rest });
        if keep == 0 && !self.branches.is_empty() {
            return self.next_branches(history);
        }
        Ok(segment)
    }
}

#[derive(Debug, Clone, Copy)]
struct MessageEnd {
    index: usize,
    seq: Seq,
}

fn signed_ends<'a>(
    window: impl Iterator<Item = (usize, &'a Message)>,
) -> BTreeMap<usize, MessageEnd> {
    let mut ends = BTreeMap::new();
    for (index, (stretch, message)) in window.enumerate() {
        if message.has_signature() {
            ends.insert(
                stretch,
                MessageEnd {
                    index,
                    seq: message.header().seq,
                },
            );
        }
    }
    ends
}

fn trimmed(
    window: Vec<(usize, Message)>,
    ends: &BTreeMap<usize, MessageEnd>,
) -> Vec<SignedMessage> {
    window
        .into_iter()
        .enumerate()
        .filter(|(index, (stretch, _))| ends.get(stretch).is_some_and(|end| *index <= end.index))
        .map(|(_, (_, message))| message.wire().clone())
        .collect()
}

/// How many messages from the start can be proven by signatures among them, and how many are left.
fn provable_prefix(window: &[Message]) -> (usize, usize) {
    let proven = |keep: usize| {
        let mut vouched: BTreeSet<MessageId> = BTreeSet::new();
        window[..keep].iter().rev().all(|message| {
            vouched.extend(message.header().prev);
            message.has_signature() || vouched.contains(&message.id())
        })
    };
    let keep = (0..=window.len())
        .rev()
        .find(|keep| proven(*keep))
        .unwrap_or(0);
    (keep, window.len() - keep)
}

fn before<H: History>(
    key: &ChainKey,
    (seq, id): Tip,
    history: &H,
) -> Result<Option<Tip>, H::Error> {
    let held = history.at(&key.0, key.1, seq)?;
    let message = held.into_iter().find(|held| held.id() == id);
    let prev = message.and_then(|message| message.header().prev);
    Ok(prev.map(|prev| (Seq(seq.0 - 1), prev)))
}

/// Our tips of a chain, and places ever further below the highest.
///
/// # Errors
/// The history's own.
pub fn locator<H: History>(
    key: &ChainKey,
    chains: &Chains,
    history: &H,
) -> Result<Vec<Tip>, H::Error> {
    let mut places: Vec<Tip> = chains.tips(key).to_vec();
    let top = chains.top(key);
    let mut back = 1;
    while back < top.0 && places.len() < limits::LOCATOR_PLACES_MAX {
        let seq = Seq(top.0 - back);
        places.extend(
            history
                .at(&key.0, key.1, seq)?
                .iter()
                .map(|held| (seq, held.id())),
        );
        back = back.saturating_mul(2);
    }
    places.truncate(limits::LOCATOR_PLACES_MAX);
    Ok(places)
}
