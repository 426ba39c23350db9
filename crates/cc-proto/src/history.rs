//! The look-ups that the core may make in what is already stored.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{ArrivalNo, AuthorId, ChainId, MessageId, Seq};
use crate::message::Message;

/// What is appended in this very call has no number yet; it comes after all that has.
const LAST: ArrivalNo = ArrivalNo(u64::MAX);

/// Read access to the appended messages of one room. The core asks it only where a message forks a
/// chain, or where a peer lacks something: never in the way of an ordinary live message.
pub trait History {
    /// Why a look-up failed.
    type Error;

    /// Every message at a place with its arrival number, in order of arrival: one, or up to four
    /// on a fork, or none.
    ///
    /// # Errors
    /// The storage's own.
    fn at(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Vec<(ArrivalNo, Message)>, Self::Error>;

    /// The arrival number of the first message at a place.
    ///
    /// # Errors
    /// The storage's own.
    fn arrival(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Option<ArrivalNo>, Self::Error>;
}

/// A history with what one call of the core is about to append to it.
#[derive(Debug)]
pub(crate) struct Overlay<'a, H> {
    stored: &'a H,
    fresh: BTreeMap<(AuthorId, ChainId, Seq), Vec<Message>>,
    erased: BTreeSet<(AuthorId, ChainId, Seq, MessageId)>,
}

impl<'a, H> Overlay<'a, H> {
    pub(crate) fn new(stored: &'a H) -> Self {
        Self {
            stored,
            fresh: BTreeMap::new(),
            erased: BTreeSet::new(),
        }
    }

    /// A message that is held already is appended again where its body was missing.
    pub(crate) fn append(&mut self, message: Message) {
        let header = message.header();
        let place = (header.author, header.chain, header.seq);
        let fresh = self.fresh.entry(place).or_default();
        fresh.retain(|known| known.id() != message.id());
        fresh.push(message);
    }

    pub(crate) fn erase(&mut self, author: AuthorId, chain: ChainId, seq: Seq, id: MessageId) {
        self.erased.insert((author, chain, seq, id));
    }
}

impl<H: History> History for Overlay<'_, H> {
    type Error = H::Error;

    fn at(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Vec<(ArrivalNo, Message)>, H::Error> {
        let mut held = self.stored.at(author, chain, seq)?;
        for message in self.fresh.get(&(*author, chain, seq)).into_iter().flatten() {
            match held
                .iter_mut()
                .find(|(_, known)| known.id() == message.id())
            {
                Some((_, known)) => known.clone_from(message),
                None => held.push((LAST, message.clone())),
            }
        }
        if !self.erased.is_empty() {
            for (_, message) in &mut held {
                if self.erased.contains(&(*author, chain, seq, message.id())) {
                    *message = message.clone().without_body();
                }
            }
        }
        Ok(held)
    }

    fn arrival(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Option<ArrivalNo>, H::Error> {
        let fresh = || {
            self.fresh
                .contains_key(&(*author, chain, seq))
                .then_some(LAST)
        };
        Ok(self.stored.arrival(author, chain, seq)?.or_else(fresh))
    }
}
