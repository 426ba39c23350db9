//! The latest receipt of each member, and what all of them say of one message.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Offers, Receipt, Shown, SignedReceipt, VerifiedReceipt};
use crate::chains::ChainKey;
use crate::id::{AuthorId, ChainId, Seq};

#[derive(Debug, Clone)]
struct Held {
    /// As its member signed it, to be passed on.
    signed: VerifiedReceipt,
    /// What of it is taken.
    taken: Arc<Receipt>,
    /// Counts up with every receipt that is taken.
    since: u64,
}

/// The latest receipt of each member. In memory alone; which one is the latest follows from the
/// receipts, whatever order they come in.
#[derive(Debug, Clone, Default)]
pub struct ReceiptBook {
    held: BTreeMap<AuthorId, Held>,
    since: u64,
}

impl ReceiptBook {
    /// Whether a receipt is later than what is held of its member. Of two made at the same time the one
    /// whose bytes are greater is the later one, so that all members settle on the same.
    pub fn is_newer(&self, signed: &SignedReceipt) -> bool {
        let Some(held) = self.held.get(&signed.receipt.member) else {
            return true;
        };
        let wire = held.signed.wire();
        match signed.receipt.at.cmp(&wire.receipt.at) {
            std::cmp::Ordering::Equal => signed.encode() > wire.encode(),
            order => order.is_gt(),
        }
    }

    /// Takes a receipt where it is later than what is held of its member; says whether it was. Of
    /// the chains of `me`, nothing is taken beyond their `top`.
    pub fn insert(
        &mut self,
        signed: VerifiedReceipt,
        me: &AuthorId,
        top: impl Fn(ChainId) -> Seq,
    ) -> bool {
        if !self.is_newer(signed.wire()) {
            return false;
        }
        let mut taken = signed.receipt().clone();
        taken.clamp(me, top);
        self.since += 1;
        let held = Held {
            taken: Arc::new(taken),
            since: self.since,
            signed,
        };
        self.held.insert(held.taken.member, held);
        true
    }

    /// Forgets what somebody said: they no longer belong.
    pub fn remove(&mut self, member: &AuthorId) -> bool {
        self.held.remove(member).is_some()
    }

    /// Forgets everybody.
    pub fn clear(&mut self) {
        self.held.clear();
    }

    /// The latest receipt of a member.
    pub fn of(&self, member: &AuthorId) -> Option<&VerifiedReceipt> {
        self.held.get(member).map(|held| &held.signed)
    }

    /// Counts up with every receipt that is taken.
    pub fn newest(&self) -> u64 {
        self.since
    }

    /// What was taken since, each with its number, the first taken first.
    pub fn taken_since(&self, since: u64) -> Vec<(u64, &VerifiedReceipt)> {
        let later = self.held.values().filter(|held| held.since > since);
        let mut later: Vec<_> = later.map(|held| (held.since, &held.signed)).collect();
        later.sort_unstable_by_key(|(since, _)| *since);
        later
    }

    /// What is held of everybody.
    pub fn all(&self) -> BTreeMap<AuthorId, Arc<Receipt>> {
        let held = self.held.iter();
        held.map(|(member, held)| (*member, held.taken.clone()))
            .collect()
    }
}

/// What is known of how far one message has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageReceipts {
    /// Members on whose disks it is, by key. Neither we nor the author are counted.
    pub reached: Vec<AuthorId>,
    /// How many members there are beside us and the author.
    pub others: usize,
    /// Whose agents were shown it, by key and name; ours too.
    pub offered: Vec<(AuthorId, String)>,
}

/// What all receipts say, at one moment. Cheap to make.
#[derive(Debug, Clone, Default)]
pub struct ReceiptView {
    /// Who we are.
    pub me: Option<AuthorId>,
    /// Who belongs.
    pub members: BTreeSet<AuthorId>,
    /// The latest receipt of each.
    pub receipts: BTreeMap<AuthorId, Arc<Receipt>>,
    /// What our own agents were shown.
    pub offers: Arc<Offers>,
    /// The chains that have forked, and the lowest place where each did: from there on a place names
    /// no message.
    pub forks: BTreeMap<ChainKey, Seq>,
}

impl ReceiptView {
    /// What is known of a message that we hold.
    pub fn of(&self, place: Shown) -> MessageReceipts {
        let (author, chain, seq) = place;
        let is_other = |member: &&AuthorId| **member != author && Some(**member) != self.me;
        let mut told = MessageReceipts {
            others: self.members.iter().filter(is_other).count(),
            ..MessageReceipts::default()
        };
        if self
            .forks
            .get(&(author, chain))
            .is_some_and(|floor| seq >= *floor)
        {
            return told;
        }
        for member in &self.members {
            if Some(*member) == self.me {
                let agents = self.offers.agents_shown(&place);
                told.offered
                    .extend(agents.map(|agent| (*member, agent.to_owned())));
                continue;
            }
            let Some(receipt) = self.receipts.get(member) else {
                continue;
            };
            let before = told.offered.len();
            let agents = receipt.offered_to(author, chain, seq);
            told.offered
                .extend(agents.map(|agent| (*member, agent.to_owned())));
            // What an agent was shown is on the disk that it was read from.
            let reached =
                receipt.reached_through(&author, chain) >= seq || told.offered.len() > before;
            if reached && *member != author {
                told.reached.push(*member);
            }
        }
        told
    }
}
