//! Segments: one verified signature vouches for what lies before it in its chain.

use std::collections::BTreeMap;

use crate::id::{AuthorId, ChainId, MessageId, RoomId, Seq};
use crate::limits;
use crate::message::{Header, Message, MessageError, SignedMessage};

/// Why a segment was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// It holds more messages than a segment may.
    #[error("the segment holds {messages} messages")]
    TooMany {
        /// How many.
        messages: usize,
    },
    /// Its messages are longer than a segment may be.
    #[error("the segment is {bytes} bytes long")]
    TooLong {
        /// How long.
        bytes: usize,
    },
    /// A message in it is refused, and with it the whole segment.
    #[error("message {index} of the segment: {source}")]
    Message {
        /// Counted from 0.
        index: usize,
        /// Why.
        source: MessageError,
    },
}

/// The messages that later ones vouch for: each names the one before it in the same chain.
#[derive(Debug, Default)]
pub(crate) struct Vouched(BTreeMap<MessageId, (AuthorId, ChainId, Seq)>);

impl Vouched {
    /// Whether a message at this place is vouched for. The id alone would not do: anybody can name
    /// anybody's message as the one before their own.
    pub(crate) fn covers(&self, id: &MessageId, header: &Header) -> bool {
        let place = (header.author, header.chain, header.seq);
        self.0.get(id) == Some(&place)
    }

    /// A message that is proven vouches for the one before it.
    pub(crate) fn extend(&mut self, header: &Header) {
        if let Some(prev) = header.prev {
            let seq = Seq(header.seq.0.saturating_sub(1));
            self.0.insert(prev, (header.author, header.chain, seq));
        }
    }
}

/// Verifies a segment: the last message of each unbroken run of a chain by its own signature, the
/// ones before it by the links between. Messages that shape the roster must verify by their own
/// signature wherever they stand. An inner signature that was not verified is dropped.
///
/// # Errors
/// [`SegmentError`]; nothing of a refused segment may be kept.
pub fn verify_segment(
    room: &RoomId,
    messages: Vec<SignedMessage>,
) -> Result<Vec<Message>, SegmentError> {
    if messages.len() > limits::SEGMENT_MESSAGES_HARD_MAX {
        return Err(SegmentError::TooMany {
            messages: messages.len(),
        });
    }
    let bytes = messages.iter().map(|message| message.encode().len()).sum();
    if bytes > limits::SEGMENT_BYTES_HARD_MAX {
        return Err(SegmentError::TooLong { bytes });
    }
    let mut vouched = Vouched::default();
    let mut verified = Vec::with_capacity(messages.len());
    for (index, message) in messages.into_iter().enumerate().rev() {
        let refused = |source| SegmentError::Message { index, source };
        let message = message.check(room).map_err(refused)?;
        let message = if vouched.covers(&message.id(), message.header()) && !message.shapes_roster()
        {
            message.without_signature()
        } else if message.signature_holds().map_err(refused)? {
            message
        } else {
            return Err(refused(MessageError::BadSignature));
        };
        vouched.extend(message.header());
        verified.push(message);
    }
    verified.reverse();
    Ok(verified)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::{Body, Chat, Profile};
    use crate::id::{ChainId, Seq, Timestamp};
    use crate::identity::{Identity, Signature};
    use crate::message::NewMessage;

    const ROOM: RoomId = RoomId::from_bytes([9; 32]);

    fn chain(bodies: Vec<Body>) -> Vec<SignedMessage> {
        let mut prev = None;
        let identity = Identity::from_seed([1; 32]);
        (1..)
            .zip(bodies)
            .map(|(seq, body)| {
                let new = NewMessage {
                    room: ROOM,
                    chain: ChainId(1),
                    seq: Seq(seq),
                    prev,
                    ts: Timestamp(seq),
                    via: String::new(),
                    re: None,
                    body,
                };
                let message = Message::write(&identity, new).unwrap();
                prev = Some(message.id());
                message.wire().clone()
            })
            .collect()
    }

    fn chats(n: usize) -> Vec<Body> {
        (0..n)
            .map(|i| {
                Body::Chat(Chat {
                    text: format!("line {i}"),
                })
            })
            .collect()
    }

    #[test]
    fn the_last_signature_vouches_for_all_before_it() {
        let mut messages = chain(chats(5));
        for inner in &mut messages[..4] {
            inner.signature = Some(Signature([0; 64]));
        }
        let verified = verify_segment(&ROOM, messages).unwrap();
        let signed: Vec<bool> = verified.iter().map(Message::has_signature).collect();
        assert_eq!(signed, [false, false, false, false, true]);
    }

    #[test]
    fn an_end_without_a_good_signature_vouches_for_nothing() {
        let mut messages = chain(chats(3));
        messages[2].signature = None;
        assert!(verify_segment(&ROOM, messages).is_err());
        let mut messages = chain(chats(3));
        messages[1].body = Some(b"other".to_vec());
        assert!(verify_segment(&ROOM, messages).is_err());
        let mut messages = chain(chats(3));
        messages.remove(1);
        messages[0].signature = None;
        assert!(verify_segment(&ROOM, messages).is_err());
    }

    #[test]
    fn nobody_vouches_for_anothers_chain() {
        let victim = chain(chats(2));
        let forged = SignedMessage {
            signature: None,
            ..victim[1].clone()
        };
        for (seed, number, seq) in [(2, 1, 3), (1, 9, 3), (1, 1, 9)] {
            let new = NewMessage {
                room: ROOM,
                chain: ChainId(number),
                seq: Seq(seq),
                prev: Some(forged.header.id()),
                ts: Timestamp(1),
                via: String::new(),
                re: None,
                body: chats(1).remove(0),
            };
            let voucher = Message::write(&Identity::from_seed([seed; 32]), new).unwrap();
            let segment = vec![forged.clone(), voucher.wire().clone()];
            assert!(
                verify_segment(&ROOM, segment).is_err(),
                "{seed} {number} {seq}"
            );
        }
    }

    #[test]
    fn more_than_a_receiver_takes_is_refused_before_anything_is_verified() {
        let many = vec![chain(chats(1)).remove(0); limits::SEGMENT_MESSAGES_HARD_MAX + 1];
        assert!(matches!(
            verify_segment(&ROOM, many),
            Err(SegmentError::TooMany { .. })
        ));
        let text = "x".repeat(limits::TEXT_BYTES_MAX);
        let long = chain(vec![Body::Chat(Chat { text }); 128]);
        assert!(matches!(
            verify_segment(&ROOM, long),
            Err(SegmentError::TooLong { .. })
        ));
    }

    #[test]
    fn what_shapes_the_roster_must_carry_its_own() {
        let mut bodies = chats(3);
        bodies[1] = Body::Profile(Profile { nick: "bob".into() });
        let mut messages = chain(bodies);
        assert!(verify_segment(&ROOM, messages.clone()).is_ok_and(|m| m[1].has_signature()));
        messages[1].signature = None;
        assert!(verify_segment(&ROOM, messages).is_err());
    }
}
