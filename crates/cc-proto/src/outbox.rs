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
    /// Messages of forked chains, in order of arrival.
    branches: BTreeMap<ArrivalNo, (ChainKey, Tip)>,
}

/// Where a message of a window came from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Stretch(usize),
    Branch(ArrivalNo),
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
        while let Some(tip) = ours.pop_last() {
            while theirs.last().is_some_and(|their| their.0 > tip.0) {
                if let Some(their) = theirs.pop_last() {
                    let held = held_at(&key, their, history)?;
                    theirs.extend(held.and_then(|(_, message)| before(&message)));
                }
            }
            if theirs.contains(&tip) {
                continue;
            }
            if let Some((n, message)) = held_at(&key, tip, history)? {
                self.branches.insert(n, (key, tip));
                ours.extend(before(&message));
            }
        }
        Ok(())
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty() && self.branches.is_empty()
    }

    /// The next segment; empty where nothing is left that can be proven to others.
    ///
    /// Messages go in our order of arrival, whatever their chains: each could be appended here in
    /// this order, and so it can there. What no signature in the segment vouches for waits for the
    /// next one.
    ///
    /// # Errors
    /// The history's own.
    pub fn next_segment<H: History>(
        &mut self,
        history: &H,
    ) -> Result<Vec<SignedMessage>, H::Error> {
        let window = self.window(history)?;
        let proven = proven(&window);
        if !proven.contains(&true) {
            // Nobody can be shown what is left: the signatures that vouched for it were lost with
            // the end of this log. A peer who has them will send it.
            self.stretches.clear();
            self.branches.clear();
            return Ok(Vec::new());
        }
        let mut segment = Vec::with_capacity(window.len());
        let mut waits: BTreeSet<usize> = BTreeSet::new();
        for ((source, message), proven) in window.into_iter().zip(proven) {
            match source {
                Source::Stretch(i) if proven && !waits.contains(&i) => {
                    self.stretches[i].next = message.header().seq.next();
                }
                Source::Branch(n) if proven => {
                    self.branches.remove(&n);
                }
                Source::Stretch(i) => {
                    waits.insert(i);
                    continue;
                }
                Source::Branch(_) => continue,
            }
            segment.push(message.wire().clone());
        }
        self.stretches.retain(|stretch| stretch.next <= stretch.end);
        Ok(segment)
    }

    /// As many of the next messages, by arrival, as a segment may hold.
    fn window<H: History>(&self, history: &H) -> Result<Vec<(Source, Message)>, H::Error> {
        let mut nexts: Vec<Seq> = self.stretches.iter().map(|stretch| stretch.next).collect();
        let mut queue: BTreeMap<ArrivalNo, Source> = BTreeMap::new();
        for (i, stretch) in self.stretches.iter().enumerate() {
            let (author, chain) = stretch.key;
            let n = history.arrival(&author, chain, stretch.next)?;
            queue.extend(n.map(|n| (n, Source::Stretch(i))));
        }
        let branches = self.branches.keys().take(limits::SEGMENT_MESSAGES_MAX);
        queue.extend(branches.map(|n| (*n, Source::Branch(*n))));
        let mut window = Vec::new();
        let mut bytes = 0;
        while let Some((_, source)) = queue.pop_first() {
            let message = match source {
                Source::Stretch(i) => {
                    let (author, chain) = self.stretches[i].key;
                    history
                        .at(&author, chain, nexts[i])?
                        .into_iter()
                        .next()
                        .map(|(_, held)| held)
                }
                Source::Branch(n) => match self.branches.get(&n) {
                    Some((key, tip)) => held_at(key, *tip, history)?.map(|(_, held)| held),
                    None => None,
                },
            };
            let Some(message) = message else { continue };
            bytes += message.to_raw().len();
            if bytes > limits::SEGMENT_BYTES_MAX || window.len() >= limits::SEGMENT_MESSAGES_MAX {
                break;
            }
            window.push((source, message));
            if let Source::Stretch(i) = source {
                nexts[i] = nexts[i].next();
                if nexts[i] <= self.stretches[i].end {
                    let (author, chain) = self.stretches[i].key;
                    let n = history.arrival(&author, chain, nexts[i])?;
                    queue.extend(n.map(|n| (n, source)));
                }
            }
        }
        Ok(window)
    }
}

/// Which messages a signature in the window vouches for: their own, or that of one after them.
fn proven(window: &[(Source, Message)]) -> Vec<bool> {
    let mut vouched: BTreeSet<MessageId> = BTreeSet::new();
    let mut proven: Vec<bool> = window
        .iter()
        .rev()
        .map(|(_, message)| {
            let proven = message.has_signature() || vouched.contains(&message.id());
            if proven {
                vouched.extend(message.header().prev);
            }
            proven
        })
        .collect();
    proven.reverse();
    proven
}

fn held_at<H: History>(
    key: &ChainKey,
    (seq, id): Tip,
    history: &H,
) -> Result<Option<(ArrivalNo, Message)>, H::Error> {
    let held = history.at(&key.0, key.1, seq)?;
    Ok(held.into_iter().find(|(_, held)| held.id() == id))
}

fn before(message: &Message) -> Option<Tip> {
    let header = message.header();
    header.prev.map(|prev| (Seq(header.seq.0 - 1), prev))
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
                .map(|(_, held)| (seq, held.id())),
        );
        back = back.saturating_mul(2);
    }
    places.truncate(limits::LOCATOR_PLACES_MAX);
    Ok(places)
}
