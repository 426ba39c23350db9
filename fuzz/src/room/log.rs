//! The log of the room under test, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use cc_proto::history::History;
use cc_proto::id::{ArrivalNo, AuthorId, ChainId, Head, MessageId, Seq};
use cc_proto::message::Message;
use cc_proto::room::Stored;

/// What was appended, in order of arrival.
#[derive(Default)]
pub struct Log {
    pub messages: Vec<Message>,
    pub at: BTreeMap<(AuthorId, ChainId, Seq), Vec<usize>>,
    ids: BTreeSet<MessageId>,
}

impl History for Log {
    type Error = Infallible;

    fn at(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Vec<(ArrivalNo, Message)>, Infallible> {
        let there = self.at.get(&(*author, chain, seq)).into_iter().flatten();
        Ok(there
            .map(|at| (ArrivalNo(*at as u64 + 1), self.messages[*at].clone()))
            .collect())
    }

    fn arrival(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Option<ArrivalNo>, Infallible> {
        let there = self.at.get(&(*author, chain, seq));
        Ok(there
            .and_then(|all| all.first())
            .map(|at| ArrivalNo(*at as u64 + 1)))
    }
}

impl Log {
    pub fn append(&mut self, message: Message) {
        let header = message.header();
        assert!(self.ids.insert(message.id()), "appended twice");
        assert!(
            header.prev.is_none_or(|prev| self.ids.contains(&prev)),
            "appended over a gap"
        );
        let at = self
            .at
            .entry((header.author, header.chain, header.seq))
            .or_default();
        at.push(self.messages.len());
        self.messages.push(message);
    }

    /// Every message of a kind that none of that kind names as the one before it.
    pub fn heads(&self, of: impl Fn(&Message) -> bool) -> Vec<Head> {
        let there = || self.messages.iter().filter(|message| of(message));
        let named: BTreeSet<MessageId> = there()
            .filter_map(|message| message.header().prev)
            .collect();
        let tips = there().filter(|message| !named.contains(&message.id()));
        let mut heads: Vec<Head> = tips
            .map(|message| {
                let header = message.header();
                Head {
                    author: header.author,
                    chain: header.chain,
                    seq: header.seq,
                    id: message.id(),
                }
            })
            .collect();
        heads.sort_unstable();
        heads
    }

    pub fn stored(&self) -> Stored {
        let forks = self
            .at
            .iter()
            .flat_map(|(place, all)| vec![*place; all.len() - 1]);
        Stored {
            heads: self.heads(|_| true),
            forks: forks.collect(),
            roster: self.acts(),
            lost: Vec::new(),
        }
    }

    pub fn acts(&self) -> Vec<Message> {
        self.messages
            .iter()
            .filter(|message| message.shapes_roster())
            .cloned()
            .collect()
    }
}
