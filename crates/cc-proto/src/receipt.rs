//! Receipts: what a member says of its own disk and its own agents. `spec/receipts.md`.
//!
//! A receipt is signed, goes from member to member, and is never in the log. Each one says all that
//! its member tells, and takes the place of the one before: of one member the latest counts, so any
//! order and any repetition leads to the same. Nobody can say anything for somebody else.
//!
//! | file | what |
//! |---|---|
//! | `receipt.rs` | the receipt, its bytes and its signature |
//! | `book.rs` | the latest of each member, and what they say of one message |
//! | `offers.rs` | what our own agents were shown |

mod book;
mod offers;

use serde::{Deserialize, Serialize};

pub use book::{MessageReceipts, ReceiptBook, ReceiptView};
pub use offers::{Offers, Shown};

use crate::codec::{self, CodecError};
use crate::id::{AuthorId, ChainId, RoomId, Seq, Timestamp};
use crate::identity::{Identity, RECEIPT_DOMAIN, Signature, verify};
use crate::limits;

/// All of a chain through one place is on the member's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Whose chain.
    pub author: AuthorId,
    /// Which.
    pub chain: ChainId,
    /// The last place without a gap before it; at least 1.
    pub seq: Seq,
}

/// Messages in a row of one chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The first place; at least 1.
    pub first: Seq,
    /// How many; at least 1.
    pub count: u64,
}

impl Run {
    /// The last place.
    fn last(&self) -> Option<Seq> {
        let last = self.first.0.checked_add(self.count.checked_sub(1)?)?;
        (self.first.0 > 0).then_some(Seq(last))
    }
}

/// Messages of one chain that an agent was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedChain {
    /// Whose chain.
    pub author: AuthorId,
    /// Which.
    pub chain: ChainId,
    /// At least one; rising, with a gap between each two.
    pub runs: Vec<Run>,
}

/// Messages that one of the member's agents was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The agent's name, see [`is_agent_name`].
    pub agent: String,
    /// At least one; rising by author and chain.
    pub chains: Vec<OfferedChain>,
}

/// What a member says of its own disk and its own agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The room.
    pub room: RoomId,
    /// Who says it.
    pub member: AuthorId,
    /// When it was made, by the member's clock; later than every one of that member before.
    pub at: Timestamp,
    /// Rising by author and chain.
    pub reached: Vec<Reached>,
    /// Rising by the agent's name, at most [`limits::RECEIPT_AGENTS_MAX`].
    pub offered: Vec<Offered>,
}

/// A receipt as it travels: nothing of it is known to be true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReceipt {
    /// What it says.
    pub receipt: Receipt,
    /// By the member's key, under [`RECEIPT_DOMAIN`], over the receipt's encoding.
    pub signature: Signature,
}

/// A receipt that its member has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReceipt(SignedReceipt);

/// Why a receipt is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It is longer than a receipt may be.
    #[error("the receipt is {bytes} bytes long")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It does not decode.
    #[error("the receipt: {0}")]
    Encoding(#[from] CodecError),
    /// It is of another room.
    #[error("the receipt is of another room")]
    WrongRoom,
    /// Its lists are not in order, or hold what says nothing.
    #[error("the receipt's lists are out of order")]
    Disorder,
    /// An agent's name holds what no name may, or there are too many.
    #[error("the receipt names an agent as none is called")]
    Agent,
    /// The member did not sign it.
    #[error("the member did not sign the receipt")]
    BadSignature,
}

/// Whether an agent may be called this: 1 to 64 of `a-z 0-9 . _ -`, so that it can be shown anywhere.
pub fn is_agent_name(name: &str) -> bool {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._-".contains(&c);
    (1..=limits::VIA_BYTES_MAX).contains(&name.len()) && name.bytes().all(fits)
}

impl Receipt {
    /// Signs it. Its lists must be in order.
    pub fn sign(self, identity: &Identity) -> VerifiedReceipt {
        let signature = identity.sign(RECEIPT_DOMAIN, &codec::encode(&self));
        VerifiedReceipt(SignedReceipt {
            receipt: self,
            signature,
        })
    }

    /// Whether it says nothing of anything: its member tells nothing, or takes back what it told.
    pub fn is_empty(&self) -> bool {
        self.reached.is_empty() && self.offered.is_empty()
    }

    /// The last place of a chain through which all is on the member's disk; 0 where it says nothing.
    pub fn reached_through(&self, author: &AuthorId, chain: ChainId) -> Seq {
        let key = (*author, chain);
        let at = self
            .reached
            .binary_search_by_key(&key, |it| (it.author, it.chain));
        at.map_or(Seq(0), |at| self.reached[at].seq)
    }

    /// The agents that were shown a message.
    pub fn offered_to(
        &self,
        author: AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> impl Iterator<Item = &str> {
        let was_shown = move |offered: &&Offered| {
            let key = (author, chain);
            let chains = &offered.chains;
            let at = chains.binary_search_by_key(&key, |it| (it.author, it.chain));
            at.is_ok_and(|at| holds(&chains[at].runs, seq))
        };
        let shown = self.offered.iter().filter(was_shown);
        shown.map(|offered| offered.agent.as_str())
    }

    /// Takes out what it says of the chains of `author` beyond the last place of each: nobody can
    /// hold more of somebody's chain than the author does.
    pub fn clamp(&mut self, author: &AuthorId, top: impl Fn(ChainId) -> Seq) {
        for reached in &mut self.reached {
            if reached.author == *author {
                reached.seq = reached.seq.min(top(reached.chain));
            }
        }
        self.reached.retain(|reached| reached.seq.0 > 0);
        for offered in &mut self.offered {
            for chain in &mut offered.chains {
                if chain.author == *author {
                    clamp_runs(&mut chain.runs, top(chain.chain));
                }
            }
            offered.chains.retain(|chain| !chain.runs.is_empty());
        }
        self.offered.retain(|offered| !offered.chains.is_empty());
    }

    fn check(&self) -> Result<(), ReceiptError> {
        let ordered = rising(self.reached.iter().map(|it| (it.author, it.chain)))
            && self.reached.iter().all(|it| it.seq.0 > 0)
            && rising(self.offered.iter().map(|it| it.agent.as_str()))
            && self.offered.iter().all(|offered| {
                !offered.chains.is_empty()
                    && rising(offered.chains.iter().map(|it| (it.author, it.chain)))
                    && offered.chains.iter().all(|it| runs_are_ordered(&it.runs))
            });
        let named = self.offered.iter().all(|it| is_agent_name(&it.agent));
        if !ordered {
            return Err(ReceiptError::Disorder);
        }
        if !named || self.offered.len() > limits::RECEIPT_AGENTS_MAX {
            return Err(ReceiptError::Agent);
        }
        Ok(())
    }
}

fn rising<T: Ord>(mut keys: impl Iterator<Item = T>) -> bool {
    let Some(mut before) = keys.next() else {
        return true;
    };
    keys.all(|key| std::mem::replace(&mut before, key) < before)
}

fn runs_are_ordered(runs: &[Run]) -> bool {
    let mut before: Option<Seq> = None;
    !runs.is_empty()
        && runs.iter().all(|run| {
            let apart = before
                .is_none_or(|last| last.0.checked_add(1).is_some_and(|next| next < run.first.0));
            before = run.last();
            apart && before.is_some()
        })
}

fn holds(runs: &[Run], seq: Seq) -> bool {
    let at = runs.partition_point(|run| run.first <= seq);
    let run = at.checked_sub(1).and_then(|at| runs.get(at));
    run.and_then(Run::last).is_some_and(|last| seq <= last)
}

fn clamp_runs(runs: &mut Vec<Run>, top: Seq) {
    runs.retain(|run| run.first <= top);
    if let Some(run) = runs.last_mut() {
        let up_to_top = (top.0 - run.first.0).saturating_add(1);
        run.count = run.count.min(up_to_top);
    }
}

impl SignedReceipt {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Decodes a receipt. It is not verified yet.
    ///
    /// # Errors
    /// [`ReceiptError::TooLong`] and [`ReceiptError::Encoding`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > limits::RECEIPT_BYTES_MAX {
            return Err(ReceiptError::TooLong { bytes: bytes.len() });
        }
        Ok(codec::decode(bytes)?)
    }

    /// Judges it: the first fault that fits, in the order of [`ReceiptError`].
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn verify(self, room: &RoomId) -> Result<VerifiedReceipt, ReceiptError> {
        let signed = codec::encode(&self.receipt);
        let bytes = signed.len() + self.signature.0.len();
        if bytes > limits::RECEIPT_BYTES_MAX {
            return Err(ReceiptError::TooLong { bytes });
        }
        if self.receipt.room != *room {
            return Err(ReceiptError::WrongRoom);
        }
        self.receipt.check()?;
        let key = self.receipt.member.as_bytes();
        if !verify(key, RECEIPT_DOMAIN, &signed, &self.signature) {
            return Err(ReceiptError::BadSignature);
        }
        Ok(VerifiedReceipt(self))
    }
}

impl VerifiedReceipt {
    /// What it says.
    pub fn receipt(&self) -> &Receipt {
        &self.0.receipt
    }

    /// As it travels.
    pub fn wire(&self) -> &SignedReceipt {
        &self.0
    }
}

#[cfg(test)]
mod tests;
