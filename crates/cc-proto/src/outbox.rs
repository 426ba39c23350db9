//! What one sync session still has to send: computed once from both sides' heads, then read from
//! the history frame by frame, in order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use crate::chains::{ChainKey, Chains, Tip, held_at};
use crate::history::History;
use crate::id::{ArrivalNo, AuthorId, Seq};
use crate::limits;
use crate::message::{Message, SignedMessage};
use crate::segment::Vouched;

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
    /// Something was left out, for want of a signature that proves it.
    partial: bool,
    /// Something was left for a further session, so that one author does not hold up the others.
    more: bool,
}

/// How much one segment may hold.
#[derive(Debug, Clone, Copy)]
struct Size {
    messages: usize,
    bytes: usize,
}

const USUAL: Size = Size {
    messages: limits::SEGMENT_MESSAGES_MAX,
    bytes: limits::SEGMENT_BYTES_MAX,
};
/// For a run whose signature lies further on: damage can double what lies between two of them.
const HARD: Size = Size {
    messages: limits::SEGMENT_MESSAGES_HARD_MAX,
    bytes: limits::SEGMENT_BYTES_HARD_MAX,
};

/// Where a message of a window came from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Stretch(usize),
    Branch(ArrivalNo),
}

impl Outbox {
    /// Adds what the other side lacks of a chain, given places it is known to hold there. A side
    /// that told as many tips as are kept is `full`: it takes no further branches.
    ///
    /// # Errors
    /// The history's own.
    pub fn add_chain<H: History>(
        &mut self,
        key: ChainKey,
        chains: &Chains,
        known: &BTreeSet<Tip>,
        full: bool,
        history: &H,
    ) -> Result<(), H::Error> {
        let mut theirs: BTreeSet<Tip> = BTreeSet::new();
        for tip in known {
            if chains.holds(&key, *tip, history)? {
                theirs.insert(*tip);
            }
        }
        let highest = theirs.last().map_or(Seq(0), |tip| tip.0);
        let top = chains.told_top(&key);
        let Some(floor) = chains.floor(&key).filter(|floor| *floor <= top) else {
            self.add_stretch(key, highest, top);
            return Ok(());
        };
        // Below its lowest fork the chain is one stretch, however long.
        self.add_stretch(key, highest, Seq(floor.0 - 1));
        if full {
            return Ok(());
        }
        self.add_branches(key, floor, chains, theirs, history)
    }

    fn add_stretch(&mut self, key: ChainKey, held: Seq, end: Seq) {
        if held < end {
            self.stretches.retain(|stretch| stretch.key != key);
            self.stretches.push(Stretch {
                key,
                next: held.next(),
                end,
            });
        }
    }

    /// Walks down from our tips, and from theirs at the same pace, to where they meet or to the
    /// chain's lowest fork.
    fn add_branches<H: History>(
        &mut self,
        key: ChainKey,
        floor: Seq,
        chains: &Chains,
        mut theirs: BTreeSet<Tip>,
        history: &H,
    ) -> Result<(), H::Error> {
        let mut ours: BTreeSet<Tip> = chains.told_tips(&key).iter().copied().collect();
        while let Some(tip) = ours.pop_last() {
            while theirs.last().is_some_and(|their| their.0 > tip.0) {
                if let Some(their) = theirs.pop_last() {
                    let held = held_at(&key, their, history)?;
                    theirs.extend(held.and_then(|(_, message)| before(&message)));
                }
            }
            if tip.0 < floor || theirs.contains(&tip) {
                continue;
            }
            if let Some((n, message)) = held_at(&key, tip, history)? {
                self.branches.insert(n, (key, tip));
                ours.extend(before(&message));
            }
        }
        Ok(())
    }

    /// Drops what does not count any more.
    pub fn keep_told(&mut self, chains: &Chains) {
        for stretch in &mut self.stretches {
            stretch.end = stretch.end.min(chains.told_top(&stretch.key));
        }
        self.stretches.retain(|stretch| stretch.next <= stretch.end);
        self.branches.retain(|_, (key, (seq, id))| {
            let told = chains.told(key);
            told.is_none_or(|told| *seq <= told.end && !told.strays.contains(id))
        });
    }

    /// Where there is something to send of several authors, leaves of each what is too much for
    /// one session to a further one.
    pub fn share(&mut self) {
        let authors = self.stretches.iter().map(|stretch| stretch.key.0);
        let branched = self.branches.values().map(|(key, _)| key.0);
        let authors: BTreeSet<AuthorId> = authors.chain(branched).collect();
        if authors.len() < 2 {
            return;
        }
        let mut left: BTreeMap<AuthorId, u64> = BTreeMap::new();
        for stretch in &mut self.stretches {
            let most = limits::SESSION_MESSAGES_PER_AUTHOR_MAX;
            let left = left.entry(stretch.key.0).or_insert(most);
            let end = Seq((stretch.next.0 - 1).saturating_add(*left));
            if end < stretch.end {
                stretch.end = end;
                self.more = true;
            }
            *left = left.saturating_sub(stretch.end.0 + 1 - stretch.next.0);
        }
        self.stretches.retain(|stretch| stretch.next <= stretch.end);
    }

    /// Whether something is left for a further session with the same peer.
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty() && self.branches.is_empty()
    }

    /// Whether something was left out that no signature here proves to others.
    pub fn is_partial(&self) -> bool {
        self.partial
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
        loop {
            for size in [USUAL, HARD] {
                let window = self.window(size, history)?;
                let proven = proven(&window);
                if proven.contains(&true) {
                    return Ok(self.take(window, &proven));
                }
                // The signatures that vouched for it were lost with the end of this log, or it is
                // damaged. A peer who has them will send it.
                let first = window.first().map(|(source, _)| *source);
                if size.messages == HARD.messages && !self.leave_out(first) {
                    return Ok(Vec::new());
                }
            }
        }
    }

    /// Gives up the chain that `source` belongs to, or all where nothing can be read. Gives
    /// whether anything else is left.
    fn leave_out(&mut self, source: Option<Source>) -> bool {
        self.partial |= !self.is_empty();
        let key = match source {
            Some(Source::Stretch(i)) => self.stretches.get(i).map(|stretch| stretch.key),
            Some(Source::Branch(n)) => self.branches.get(&n).map(|branch| branch.0),
            None => None,
        };
        self.stretches
            .retain(|stretch| key.is_some_and(|key| stretch.key != key));
        self.branches
            .retain(|_, branch| key.is_some_and(|key| branch.0 != key));
        !self.is_empty()
    }

    /// What of a window is proven; the rest stays for the next segment.
    fn take(&mut self, window: Vec<(Source, Message)>, proven: &[bool]) -> Vec<SignedMessage> {
        let mut segment = Vec::with_capacity(window.len());
        let mut waits: BTreeSet<usize> = BTreeSet::new();
        for ((source, message), proven) in window.into_iter().zip(proven.iter().copied()) {
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
        segment
    }

    /// As many of the next messages, by arrival, as a segment may hold.
    fn window<H: History>(
        &self,
        size: Size,
        history: &H,
    ) -> Result<Vec<(Source, Message)>, H::Error> {
        let mut nexts: Vec<Seq> = self.stretches.iter().map(|stretch| stretch.next).collect();
        let mut queue: BTreeMap<ArrivalNo, Source> = BTreeMap::new();
        for (i, stretch) in self.stretches.iter().enumerate() {
            let (author, chain) = stretch.key;
            let n = history.arrival(&author, chain, stretch.next)?;
            queue.extend(n.map(|n| (n, Source::Stretch(i))));
        }
        let branches = self.branches.keys().take(size.messages);
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
            if bytes > size.bytes || window.len() >= size.messages {
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
    let mut vouched = Vouched::default();
    let mut proven: Vec<bool> = window
        .iter()
        .rev()
        .map(|(_, message)| {
            let proven = message.has_signature() || vouched.covers(&message.id(), message.header());
            if proven {
                vouched.extend(message.header());
            }
            proven
        })
        .collect();
    proven.reverse();
    proven
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
    let mut places: Vec<Tip> = chains.told_tips(key).to_vec();
    let top = chains.told_top(key);
    let strays = chains.told(key).map(|told| &told.strays);
    let mut back = 1;
    while back < top.0 && places.len() < limits::LOCATOR_PLACES_MAX {
        let seq = Seq(top.0 - back);
        let held = history.at(&key.0, key.1, seq)?;
        let ids = held.iter().map(|(_, held)| held.id());
        let told = ids.filter(|id| strays.is_none_or(|strays| !strays.contains(id)));
        places.extend(told.map(|id| (seq, id)));
        back = back.saturating_mul(2);
    }
    places.truncate(limits::LOCATOR_PLACES_MAX);
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ChainId;

    #[test]
    fn with_others_to_send_the_most_of_one_author_is_left_for_later() {
        let key = |author, chain| (AuthorId::from_bytes([author; 32]), ChainId(chain));
        let most = limits::SESSION_MESSAGES_PER_AUTHOR_MAX;
        let mut alone = Outbox::default();
        alone.add_stretch(key(1, 1), Seq(5), Seq(most * 3));
        alone.share();
        assert!(!alone.has_more());
        let mut both = alone.clone();
        both.add_stretch(key(1, 2), Seq(0), Seq(10));
        both.add_stretch(key(2, 1), Seq(0), Seq(most));
        both.share();
        assert!(both.has_more());
        let ends: Vec<(ChainKey, Seq)> = both.stretches.iter().map(|it| (it.key, it.end)).collect();
        assert_eq!(ends, [(key(1, 1), Seq(most + 5)), (key(2, 1), Seq(most))]);
    }
}
