//! What one author or one peer may cost us. Above a rate, what a flooder sends is left for later:
//! live messages for a sync, synced ones for a further session. Nothing of anybody else waits for
//! it. Only what would have to be kept in memory for ever is refused for good, and people are told.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Now;
use crate::id::AuthorId;
use crate::limits;
use crate::message::Message;

/// Authors and peers of whom an allowance is kept; those whose is full again are forgotten first.
const KEPT_MAX: usize = 4_096;

/// What may be taken at once, and what comes back each second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub burst: u64,
    pub per_second: u64,
}

const NEIGHBOR_FRAMES: Rate = Rate {
    burst: limits::NEIGHBOR_FRAMES_BURST,
    per_second: limits::NEIGHBOR_FRAMES_PER_SECOND,
};
const LIVE: Rate = Rate {
    burst: limits::LIVE_BURST,
    per_second: limits::LIVE_PER_SECOND,
};
const STORED: Rate = Rate {
    burst: limits::AUTHOR_BYTES_BURST,
    per_second: limits::AUTHOR_BYTES_PER_SECOND,
};
const BUNDLES: Rate = Rate {
    burst: limits::BUNDLES_BURST,
    per_second: limits::BUNDLES_PER_SECOND,
};

const RECEIPTS: Rate = Rate {
    burst: limits::RECEIPTS_BURST,
    per_second: limits::RECEIPTS_PER_SECOND,
};

/// What is left of a rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// In thousandths.
    left: u64,
    filled_at: u64,
}

impl Allowance {
    pub(super) fn full(rate: Rate, now: Now) -> Self {
        Self {
            left: rate.burst * 1000,
            filled_at: now.mono_ms,
        }
    }

    fn fill(&mut self, rate: Rate, now: Now) {
        let passed = now.mono_ms.saturating_sub(self.filled_at);
        let filled = passed.saturating_mul(rate.per_second);
        self.left = self.left.saturating_add(filled).min(rate.burst * 1000);
        self.filled_at = now.mono_ms;
    }

    /// Takes `amount` where there is as much.
    pub(super) fn take(&mut self, amount: u64, rate: Rate, now: Now) -> bool {
        self.fill(rate, now);
        let amount = amount.saturating_mul(1000);
        let enough = amount <= self.left;
        if enough {
            self.left -= amount;
        }
        enough
    }
}

/// The allowances of many.
#[derive(Debug, Clone)]
struct Allowances {
    rate: Rate,
    of: BTreeMap<AuthorId, Allowance>,
}

impl Allowances {
    fn new(rate: Rate) -> Self {
        Self {
            rate,
            of: BTreeMap::new(),
        }
    }

    fn take(&mut self, who: AuthorId, amount: u64, now: Now) -> bool {
        let rate = self.rate;
        if self.of.len() >= KEPT_MAX && !self.of.contains_key(&who) {
            self.of.retain(|_, allowance| {
                allowance.fill(rate, now);
                allowance.left < rate.burst * 1000
            });
        }
        let full = Allowance::full(rate, now);
        self.of.entry(who).or_insert(full).take(amount, rate, now)
    }
}

/// What everybody has left.
#[derive(Debug, Clone)]
pub(super) struct Flood {
    frames: Allowances,
    live: Allowances,
    stored: Allowances,
    receipts: Allowances,
    bundles: Allowance,
    act_bytes: BTreeMap<AuthorId, u64>,
    blocked: BTreeSet<AuthorId>,
}

impl Flood {
    /// With the acts that are held already.
    pub(super) fn new(acts: &[Message], now: Now) -> Self {
        let mut flood = Self {
            frames: Allowances::new(NEIGHBOR_FRAMES),
            live: Allowances::new(LIVE),
            stored: Allowances::new(STORED),
            receipts: Allowances::new(RECEIPTS),
            bundles: Allowance::full(BUNDLES, now),
            act_bytes: BTreeMap::new(),
            blocked: BTreeSet::new(),
        };
        for act in acts {
            flood.keep_act(act);
        }
        flood
    }

    /// Whether one more gossip frame of a neighbour is looked at.
    pub(super) fn takes_frame(&mut self, neighbor: AuthorId, now: Now) -> bool {
        self.frames.take(neighbor, 1, now)
    }

    /// Whether one more live message of an author is appended as it comes.
    pub(super) fn takes_live(&mut self, author: AuthorId, now: Now) -> bool {
        self.live.take(author, 1, now)
    }

    /// Whether one more message of an author is appended by sync for now.
    pub(super) fn takes_synced(&mut self, message: &Message, now: Now) -> bool {
        self.stored
            .take(message.header().author, bytes_of(message), now)
    }

    /// Whether one more receipt that a peer brought is verified.
    pub(super) fn takes_receipt(&mut self, from: AuthorId, now: Now) -> bool {
        self.receipts.take(from, 1, now)
    }

    /// Whether the proof of somebody who is not known here is looked at.
    pub(super) fn takes_bundle(&mut self, now: Now) -> bool {
        self.bundles.take(1, BUNDLES, now)
    }

    /// Whether one more act of its author may be kept in memory.
    pub(super) fn takes_act(&self, act: &Message) -> bool {
        let kept = self.act_bytes.get(&act.header().author).copied();
        kept.unwrap_or(0) + bytes_of(act) <= limits::ACT_BYTES_PER_AUTHOR_MAX
    }

    pub(super) fn keep_act(&mut self, act: &Message) {
        let kept = self.act_bytes.entry(act.header().author).or_default();
        *kept += bytes_of(act);
    }

    /// Takes note that nothing more is taken of an author; gives whether that is new.
    pub(super) fn block(&mut self, author: AuthorId) -> bool {
        self.blocked.len() < KEPT_MAX && self.blocked.insert(author)
    }
}

fn bytes_of(message: &Message) -> u64 {
    let header = message.header();
    let body = message.wire().body.as_ref().map_or(0, Vec::len);
    (body + header.via.len()) as u64 + limits::MESSAGE_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Timestamp;

    #[test]
    fn an_allowance_comes_back_with_time_and_is_each_ones_own() {
        let at = |mono_ms| Now {
            wall: Timestamp(0),
            mono_ms,
        };
        let (mallory, bob) = (AuthorId::from_bytes([1; 32]), AuthorId::from_bytes([2; 32]));
        let mut live = Allowances::new(Rate {
            burst: 10,
            per_second: 5,
        });
        let taken = (0..100).filter(|_| live.take(mallory, 1, at(0))).count();
        assert_eq!(taken, 10);
        assert!(live.take(bob, 1, at(0)));
        assert!(!live.take(mallory, 1, at(199)));
        assert!(live.take(mallory, 1, at(400)));
        let taken = (0..100)
            .filter(|_| live.take(mallory, 1, at(60_000)))
            .count();
        assert_eq!(taken, 10);
    }
}
