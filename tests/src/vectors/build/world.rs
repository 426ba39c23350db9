//! The people of the vectors, their keys, and a pen for each chain.

use cc_proto::body::{Body, Chat, Genesis, Invite, InvitePolicy};
use cc_proto::codec;
use cc_proto::id::{AuthorId, ChainId, Hash, InviteKey, MessageId, RoomId, Seq, Timestamp};
use cc_proto::identity::{Identity, MESSAGE_DOMAIN};
use cc_proto::message::{Header, Message, NewMessage, SignedMessage};
use serde_json::Value;

use crate::vectors::input::hex;

/// 2026-11-22T14:02:00Z, a Sunday.
pub const NOW: u64 = 1_795_356_120_000;
/// The founder.
pub const ALICE: u8 = 1;
/// A member.
pub const BOB: u8 = 2;
/// Another.
pub const CAROL: u8 = 3;
/// A stranger.
pub const MALLORY: u8 = 5;
/// The secret of the room's invite.
pub const INVITE: u8 = 9;
/// A room whose genesis is not needed.
pub const ROOM: RoomId = RoomId::from_bytes([0x1a; 32]);

/// The identity whose seed is 32 times this byte.
pub fn identity(seed: u8) -> Identity {
    Identity::from_seed([seed; 32])
}

/// Its public key.
pub fn author(seed: u8) -> AuthorId {
    identity(seed).author()
}

/// The public key of an invite's secret.
pub fn invite_key(seed: u8) -> InviteKey {
    InviteKey::from_bytes(*author(seed).as_bytes())
}

/// Writes one chain of one author.
#[derive(Clone)]
pub struct Pen {
    pub identity: Identity,
    pub new: NewMessage,
}

impl Pen {
    /// At the start of a chain.
    pub fn new(seed: u8, room: RoomId) -> Self {
        let body = chat("");
        Self {
            identity: identity(seed),
            new: NewMessage {
                room,
                chain: ChainId(u32::from(seed) * 1000),
                seq: Seq::FIRST,
                prev: None,
                ts: Timestamp(NOW),
                via: String::new(),
                re: None,
                body,
            },
        }
    }

    /// The next message, a second after the one before.
    pub fn write(&mut self, body: Body) -> Message {
        let new = NewMessage {
            body,
            ..self.new.clone()
        };
        let message = Message::write(&self.identity, new).expect("a good message");
        self.new.prev = Some(message.id());
        self.new.seq = self.new.seq.next();
        self.new.ts.0 += 1000;
        message
    }

    /// The next chat message.
    pub fn say(&mut self, text: &str) -> Message {
        self.write(chat(text))
    }
}

/// A chat body.
pub fn chat(text: &str) -> Body {
    Body::Chat(Chat { text: text.into() })
}

/// Alice's genesis, and her pen for what follows.
pub fn founded(invite_policy: InvitePolicy) -> (RoomId, Pen, Message) {
    let mut pen = Pen::new(ALICE, RoomId::from_bytes([0; 32]));
    let genesis = pen.write(Body::Genesis(Genesis {
        name: "db".into(),
        nick: "alice".into(),
        invite_policy,
        nonce: [0xaa; 16],
    }));
    pen.new.room = genesis.room();
    (genesis.room(), pen, genesis)
}

/// An invite without bounds.
pub fn invite(seed: u8) -> Invite {
    Invite {
        key: invite_key(seed),
        expires: None,
        uses_max: None,
        note: String::new(),
        lifts: Vec::new(),
    }
}

/// Signs a header as its author would, whatever rules it breaks.
pub fn signed(author: &Identity, header: Header, body: Option<Vec<u8>>) -> SignedMessage {
    let signature = author.sign(MESSAGE_DOMAIN, &codec::encode(&header));
    SignedMessage {
        header,
        signature: Some(signature),
        body,
    }
}

/// The header that a good second message of Bob's has, for `body`.
pub fn header(kind: u16, body: &[u8]) -> Header {
    Header {
        room: ROOM,
        author: author(BOB),
        chain: ChainId(2000),
        seq: Seq(2),
        prev: Some(MessageId::from_bytes([0x33; 32])),
        ts: Timestamp(NOW),
        via: String::new(),
        re: None,
        kind,
        v: 1,
        body_hash: Hash::of(body),
        body_len: body.len() as u32,
    }
}

/// The raw bytes of each.
pub fn raws<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<Value> {
    messages
        .into_iter()
        .map(|message| hex(&message.to_raw()))
        .collect()
}
