//! The look-ups that the core may make in what is already stored.

use crate::id::{ArrivalNo, AuthorId, ChainId, Seq};
use crate::message::Message;

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
