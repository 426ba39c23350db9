//! Which messages are held, chain by chain: only the tips are in memory, whatever the history.
//!
//! What is held and what is **told** differ where an author was removed or left: what lies beyond
//! the last message that counts stays in the log, and is neither advertised nor served.

use std::collections::{BTreeMap, BTreeSet};

use crate::codec;
use crate::history::History;
use crate::id::{ArrivalNo, AuthorId, ChainId, Hash, Head, MessageId, Seq};
use crate::limits;
use crate::message::{Header, Message};

/// Names a chain.
pub type ChainKey = (AuthorId, ChainId);
/// A place in a chain and the message there.
pub type Tip = (Seq, MessageId);

/// Where a message stands towards those that are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// It follows a tip.
    Next,
    /// It is held already.
    Known,
    /// The one before it is held, and so is another message at its place.
    Fork,
    /// Its place lies within what was held, and what stood there was lost.
    Lost,
    /// The one before it is not held.
    Gap,
    /// The chain has forked more often than is kept.
    TooManyForks,
    /// Its author has more chains than are kept.
    TooManyChains,
}

#[derive(Debug, Clone, Default)]
struct Chain {
    tips: Vec<Tip>,
    /// Messages held beyond the first at their place.
    alternates: usize,
    /// The lowest place with more than one message: below it the chain has no branches.
    floor: Option<Seq>,
}

impl Chain {
    fn branch(&mut self, seq: Seq) {
        self.alternates += 1;
        self.floor = Some(self.floor.map_or(seq, |floor| floor.min(seq)));
    }

    fn top(&self) -> Seq {
        self.tips
            .iter()
            .map(|(seq, _)| *seq)
            .max()
            .unwrap_or(Seq(0))
    }
}

/// What of a chain counts, where not all of it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The last messages that count, one on each branch, in the order of place and id.
    pub tips: Vec<Tip>,
    /// The last place that counts on any branch.
    pub end: Seq,
    /// Messages held up to there that stand on a branch which does not count.
    pub strays: BTreeSet<MessageId>,
    /// Whether nothing that is not held yet can count any more.
    pub settled: bool,
}

/// The tips of every chain.
#[derive(Debug, Clone, Default)]
pub struct Chains {
    chains: BTreeMap<ChainKey, Chain>,
    told: BTreeMap<ChainKey, Told>,
    digest: Option<Hash>,
}

impl Chains {
    /// The chains of a log that holds these heads, and more than one message at each of `forks`.
    pub fn load(heads: &[Head], forks: &[(AuthorId, ChainId, Seq)]) -> Self {
        let mut chains: BTreeMap<ChainKey, Chain> = BTreeMap::new();
        for head in heads {
            let chain = chains.entry((head.author, head.chain)).or_default();
            chain.tips.push((head.seq, head.id));
        }
        for (author, chain, seq) in forks {
            chains.entry((*author, *chain)).or_default().branch(*seq);
        }
        Self {
            chains,
            told: BTreeMap::new(),
            digest: None,
        }
    }

    /// Every tip that counts, in the order of author, chain, place and id.
    pub fn heads(&self) -> Vec<Head> {
        let mut heads: Vec<Head> = self
            .chains
            .iter()
            .flat_map(|(key, state)| {
                let (author, chain) = *key;
                let told = self.told.get(key).map(|told| &told.tips);
                told.unwrap_or(&state.tips)
                    .iter()
                    .map(move |&(seq, id)| Head {
                        author,
                        chain,
                        seq,
                        id,
                    })
            })
            .collect();
        heads.sort_unstable();
        heads
    }

    /// The keys of all chains.
    pub fn keys(&self) -> impl Iterator<Item = ChainKey> + '_ {
        self.chains.keys().copied()
    }

    /// The tips of a chain; none where it is not held.
    pub fn tips(&self, key: &ChainKey) -> &[Tip] {
        self.chains.get(key).map_or(&[], |chain| &chain.tips)
    }

    /// The tips of a chain that count: of one that was not cut, all.
    pub fn told_tips(&self, key: &ChainKey) -> &[Tip] {
        match self.told.get(key) {
            Some(told) => &told.tips,
            None => self.tips(key),
        }
    }

    /// The highest place of a chain that counts; 0 where there is none.
    pub fn told_top(&self, key: &ChainKey) -> Seq {
        let tips = self.told_tips(key).iter();
        tips.map(|(seq, _)| *seq).max().unwrap_or(Seq(0))
    }

    /// What of a chain counts; `None` where all of it does.
    pub fn told(&self, key: &ChainKey) -> Option<&Told> {
        self.told.get(key)
    }

    /// The held messages on branches that do not count.
    pub fn strays(&self) -> impl Iterator<Item = MessageId> + '_ {
        self.told
            .values()
            .flat_map(|told| told.strays.iter().copied())
    }

    /// The chains of which not all counts.
    pub fn cut_chains(&self) -> impl Iterator<Item = ChainKey> + '_ {
        self.told.keys().copied()
    }

    /// Says what of a chain counts. Gives whether that is other than before.
    pub fn set_told(&mut self, key: ChainKey, told: Option<Told>) -> bool {
        let before = match told {
            Some(told) => {
                if self.told.get(&key) == Some(&told) {
                    return false;
                }
                self.told.insert(key, told)
            }
            None => match self.told.remove(&key) {
                None => return false,
                before => before,
            },
        };
        self.digest = None;
        before.is_none_or(|before| Some(&before) != self.told.get(&key))
    }

    /// Takes note of a message that counts and follows what is told of its chain. Gives whether it
    /// does: otherwise what counts is to be worked out anew.
    pub fn advance_told(&mut self, id: MessageId, header: &Header) -> bool {
        let Some(told) = self.told.get_mut(&(header.author, header.chain)) else {
            return false;
        };
        let before = header.prev.map(|prev| (Seq(header.seq.0 - 1), prev));
        let tip = told.tips.iter_mut().find(|tip| Some(**tip) == before);
        let Some(tip) = tip.filter(|_| header.seq < told.end) else {
            return false;
        };
        *tip = (header.seq, id);
        told.tips.sort_unstable();
        self.digest = None;
        true
    }

    /// The highest place held of a chain; 0 where there is none.
    pub fn top(&self, key: &ChainKey) -> Seq {
        self.chains.get(key).map_or(Seq(0), Chain::top)
    }

    /// Whether a chain has forked.
    pub fn is_forked(&self, key: &ChainKey) -> bool {
        self.chains
            .get(key)
            .is_some_and(|chain| chain.alternates > 0)
    }

    /// The lowest place of a chain that holds more than one message.
    pub fn floor(&self, key: &ChainKey) -> Option<Seq> {
        self.chains.get(key).and_then(|chain| chain.floor)
    }

    /// The chains held of an author.
    pub fn of(&self, author: AuthorId) -> impl Iterator<Item = ChainKey> + '_ {
        self.chains
            .range((author, ChainId(0))..=(author, ChainId(u32::MAX)))
            .map(|(key, _)| *key)
    }

    /// The authors of forked chains.
    pub fn forkers(&self) -> Vec<AuthorId> {
        let mut authors: Vec<AuthorId> = self
            .chains
            .iter()
            .filter(|(_, chain)| chain.alternates > 0)
            .map(|((author, _), _)| *author)
            .collect();
        authors.dedup();
        authors
    }

    /// BLAKE3 over the encoding of all heads: equal exactly where the same messages that count are
    /// held.
    pub fn digest(&mut self) -> Hash {
        if let Some(digest) = self.digest {
            return digest;
        }
        let digest = Hash::of(&codec::encode(&self.heads()));
        self.digest = Some(digest);
        digest
    }

    /// Whether the message `id` at a place is held.
    ///
    /// # Errors
    /// The history's own.
    pub fn holds<H: History>(
        &self,
        key: &ChainKey,
        (seq, id): Tip,
        history: &H,
    ) -> Result<bool, H::Error> {
        let Some(chain) = self.chains.get(key) else {
            return Ok(false);
        };
        if chain.tips.contains(&(seq, id)) {
            return Ok(true);
        }
        if seq > chain.top() || (chain.alternates == 0 && seq == chain.top()) {
            return Ok(false);
        }
        Ok(history
            .at(&key.0, key.1, seq)?
            .iter()
            .any(|(_, held)| held.id() == id))
    }

    /// Where a message stands.
    ///
    /// # Errors
    /// The history's own.
    pub fn place<H: History>(
        &self,
        id: MessageId,
        header: &Header,
        history: &H,
    ) -> Result<Place, H::Error> {
        let key = (header.author, header.chain);
        let Some(chain) = self.chains.get(&key) else {
            let full = self.of(header.author).count() >= limits::CHAINS_PER_AUTHOR_MAX;
            return Ok(match header.seq {
                _ if full => Place::TooManyChains,
                Seq::FIRST => Place::Next,
                _ => Place::Gap,
            });
        };
        let before = header
            .prev
            .map(|prev| (Seq(header.seq.0.saturating_sub(1)), prev));
        let extends_tip = before.is_some_and(|tip| chain.tips.contains(&tip));
        if extends_tip && header.seq > chain.top() {
            return Ok(Place::Next);
        }
        if self.holds(&key, (header.seq, id), history)? {
            return Ok(Place::Known);
        }
        let within = header.seq <= chain.top();
        if within && history.at(&key.0, key.1, header.seq)?.is_empty() {
            return Ok(Place::Lost);
        }
        let follows = match before {
            Some(tip) => extends_tip || self.holds(&key, tip, history)?,
            None => true,
        };
        let full = chain.alternates >= limits::FORK_REGION_MAX
            || (!extends_tip && chain.tips.len() >= limits::FORK_TIPS_MAX);
        Ok(match (follows, full) {
            (false, _) => Place::Gap,
            (true, true) => Place::TooManyForks,
            (true, false) => Place::Fork,
        })
    }

    /// Takes note of a message that is about to be appended.
    pub fn add(&mut self, message: &Message) {
        self.digest = None;
        let header = message.header();
        let chain = self
            .chains
            .entry((header.author, header.chain))
            .or_default();
        if header.seq <= chain.top() {
            chain.branch(header.seq);
        }
        let before = header.prev.map(|prev| (Seq(header.seq.0 - 1), prev));
        let tip = (header.seq, message.id());
        match chain.tips.iter_mut().find(|known| Some(**known) == before) {
            Some(known) => *known = tip,
            None => chain.tips.push(tip),
        }
        chain.tips.sort_unstable();
    }
}

/// The message held at a place, with its arrival number.
///
/// # Errors
/// The history's own.
pub(crate) fn held_at<H: History>(
    key: &ChainKey,
    (seq, id): Tip,
    history: &H,
) -> Result<Option<(ArrivalNo, Message)>, H::Error> {
    let held = history.at(&key.0, key.1, seq)?;
    Ok(held.into_iter().find(|(_, held)| held.id() == id))
}
