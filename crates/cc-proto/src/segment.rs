//! Segments: one verified signature vouches for what lies before it in its chain.

use std::collections::BTreeSet;

use crate::id::{MessageId, RoomId};
use crate::limits;
use crate::message::{Message, MessageError, SignedMessage};

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
    /// A message in it is refused, and with it the whole segment.
    #[error("message {index} of the segment: {source}")]
    Message {
        /// Counted from 0.
        index: usize,
        /// Why.
        source: MessageError,
    },
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
    if messages.len() > limits::SEGMENT_MESSAGES_MAX {
        return Err(SegmentError::TooMany {
            messages: messages.len(),
        });
    }
    let mut vouched: BTreeSet<MessageId> = BTreeSet::new();
    let mut verified = Vec::with_capacity(messages.len());
    for (index, message) in messages.into_iter().enumerate().rev() {
        let refused = |source| SegmentError::Message { index, source };
        let message = message.check(room).map_err(refused)?;
        let message = if vouched.contains(&message.id()) && !message.shapes_roster() {
            message.without_signature()
        } else if message.signature_holds().map_err(refused)? {
            message
        } else {
            return Err(refused(MessageError::BadSignature));
        };
        vouched.extend(message.header().prev);
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
    fn what_shapes_the_roster_must_carry_its_own() {
        let mut bodies = chats(3);
        bodies[1] = Body::Profile(Profile { nick: "bob".into() });
        let mut messages = chain(bodies);
        assert!(verify_segment(&ROOM, messages.clone()).is_ok_and(|m| m[1].has_signature()));
        messages[1].signature = None;
        assert!(verify_segment(&ROOM, messages).is_err());
    }
}
