//! What comes over the network, and tickets.

use std::collections::BTreeMap;

use cc_proto::body::{Body, Kind};
use cc_proto::codec;
use cc_proto::frames::{GossipFrame, SyncFrame, hello_tag};
use cc_proto::id::{AuthorId, ChainId, MessageId, RoomId, Seq};
use cc_proto::limits;
use cc_proto::message::{Message, SignedMessage};
use cc_proto::segment::verify_segment;
use cc_proto::ticket::{TICKET_PREFIX, Ticket};

use crate::world::{ROOM, identity, signed};

/// A message as it stands on a wire: decoded, verified as it is, and verified again under a key that we hold, so
/// that what lies behind the signature is reached too.
pub fn message(data: &[u8]) {
    let Ok(wire) = SignedMessage::decode(data) else {
        assert!(Message::from_log(data).is_err());
        return;
    };
    assert_eq!(wire.encode(), data, "canonical");
    let from_log = Message::from_log(data);
    match wire.clone().verify(&wire.room()) {
        Ok(message) => verified(&message, &wire, &wire.room()),
        Err(_) => assert!(wire.clone().verify(&ROOM).is_err()),
    }
    let resigned = signed(&identity(1), wire.header.clone(), wire.body.clone());
    let room = resigned.room();
    match resigned.clone().verify(&room) {
        Ok(message) => verified(&message, &resigned, &room),
        Err(error) => assert!(from_log.is_err(), "a good signature made it worse: {error}"),
    }
}

fn verified(message: &Message, wire: &SignedMessage, room: &RoomId) {
    assert_eq!(message.wire(), wire);
    assert_eq!(message.room(), *room);
    assert_eq!(message.id(), wire.header.id());
    assert_eq!(Message::from_log(&message.to_raw()).as_ref(), Ok(message));
    assert!(wire.header.via.len() <= limits::VIA_BYTES_MAX);
    assert!(!message.shapes_roster() || wire.body.is_some());
}

/// A body: two bytes of kind, two of version, then its bytes.
pub fn body(data: &[u8]) {
    let Some((&[k0, k1, v0, v1], bytes)) = data.split_first_chunk() else {
        return;
    };
    let kind = Kind::from_number(u16::from_le_bytes([k0, k1]));
    assert_eq!(kind.number(), u16::from_le_bytes([k0, k1]));
    if let Ok(Some(body)) = Body::decode(kind, u16::from_le_bytes([v0, v1]), bytes) {
        assert_eq!(body.encode(), bytes, "canonical");
        assert_eq!(body.kind(), kind);
        assert_eq!(body.check(), Ok(()));
    }
}

/// A ticket: after an even byte the text, after an odd one what the checksum covers.
pub fn ticket(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let text = if mode % 2 == 0 {
        String::from_utf8_lossy(rest).into_owned()
    } else {
        let sum = blake3::hash(rest);
        let bytes = [rest, &sum.as_bytes()[..4]].concat();
        let text = data_encoding::BASE32_NOPAD.encode(&bytes);
        format!("{TICKET_PREFIX}{}", text.to_lowercase())
    };
    if let Ok(ticket) = text.parse::<Ticket>() {
        assert_eq!(ticket.to_string(), text.trim().to_ascii_lowercase());
        assert!(
            !format!("{ticket:?}").contains(&data_encoding::HEXLOWER.encode(&ticket.invite_secret))
        );
    }
}

/// A frame of a sync session.
pub fn sync_frame(data: &[u8]) {
    let frame = SyncFrame::decode(data);
    let tag = hello_tag(data);
    match frame {
        Ok(frame) => {
            assert_eq!(frame.encode(), data, "canonical");
            let named = match frame {
                SyncFrame::Hello(hello) if data.len() <= limits::HELLO_BYTES_MAX => Some(hello.tag),
                _ => None,
            };
            assert_eq!(tag, named);
        }
        Err(_) => assert_eq!(tag, None),
    }
}

/// A frame of gossip.
pub fn gossip_frame(data: &[u8]) {
    if let Ok(frame) = GossipFrame::decode(data) {
        assert_eq!(frame.encode(), data, "canonical");
    }
}

/// A segment: a byte, then the encoding of its list of messages. After an odd byte the messages are chained and
/// signed anew, but for the signatures that are absent.
pub fn segment(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let Ok(mut messages) = codec::decode::<Vec<SignedMessage>>(rest) else {
        return;
    };
    if messages.len() > limits::SEGMENT_MESSAGES_HARD_MAX {
        assert!(verify_segment(&ROOM, messages).is_err());
        return;
    }
    if mode % 2 == 1 {
        messages = rechained(messages);
    }
    let room = messages.first().map_or(ROOM, SignedMessage::room);
    if let Ok(taken) = verify_segment(&room, messages.clone()) {
        assert_eq!(taken.len(), messages.len());
        for (at, (message, sent)) in taken.iter().zip(&messages).enumerate() {
            assert_eq!(message.header(), &sent.header);
            assert_eq!(message.wire().body, sent.body);
            stands(message, &taken[at + 1..], &room);
        }
    }
}

/// Every message of a segment that was taken stands by its own signature or by a later one of its chain.
fn stands(message: &Message, later: &[Message], room: &RoomId) {
    if message.has_signature() {
        let own = message.wire().clone().verify(room);
        assert_eq!(own.as_ref(), Ok(message), "a signature that is kept holds");
        return;
    }
    assert!(!message.shapes_roster());
    let header = message.header();
    let vouches = |next: &&Message| {
        let next = next.header();
        (next.author, next.chain) == (header.author, header.chain)
            && next.seq.0 == header.seq.0 + 1
            && next.prev == Some(message.id())
    };
    assert!(later.iter().any(|next| vouches(&next)), "nobody vouches");
}

fn rechained(messages: Vec<SignedMessage>) -> Vec<SignedMessage> {
    let mut tips: BTreeMap<(AuthorId, ChainId), (Seq, MessageId)> = BTreeMap::new();
    messages
        .into_iter()
        .map(|message| {
            let author = identity(message.header.author.as_bytes()[0] % 3 + 1);
            let mut header = message.header;
            let key = (author.author(), header.chain);
            if let Some((seq, id)) = tips.get(&key).filter(|_| header.prev.is_some()) {
                (header.seq, header.prev) = (seq.next(), Some(*id));
            }
            let signature = message.signature;
            let mut message = signed(&author, header, message.body);
            tips.insert(
                key,
                (Seq(message.header.seq.0 % (1 << 40)), message.header.id()),
            );
            if signature.is_none() {
                message.signature = None;
            }
            message
        })
        .collect()
}
