//! A message: a frozen header, the body it names by hash, and a signature over the header.
//!
//! [`SignedMessage`] is what came over a wire and proves nothing. [`Message`] was verified, by its
//! own signature or by that of a later message of its chain. Only a [`Message`] can be appended.

use serde::{Deserialize, Serialize};

use crate::body::{BODY_VERSION, Body, BodyError, File, Kind};
use crate::codec::{self, CodecError};
use crate::id::{AuthorId, ChainId, Hash, MessageId, RoomId, Seq, Timestamp};
use crate::identity::{self, Identity, MESSAGE_DOMAIN, Signature};
use crate::limits;

/// The header, frozen for ever: fields in the order of their encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The room; all zeros in a genesis, whose hash is the room id.
    pub room: RoomId,
    /// Who wrote it.
    pub author: AuthorId,
    /// Which of the author's chains it belongs to.
    pub chain: ChainId,
    /// Its place in the chain, from 1.
    pub seq: Seq,
    /// The message before it; absent exactly at place 1.
    pub prev: Option<MessageId>,
    /// The author's hybrid logical clock.
    pub ts: Timestamp,
    /// Empty for a human; the agent's name when an agent wrote it.
    pub via: String,
    /// The message it answers.
    pub re: Option<MessageId>,
    /// The number of its kind.
    pub kind: u16,
    /// The version of its kind's body.
    pub v: u16,
    /// BLAKE3 of the body.
    pub body_hash: Hash,
    /// Length of the body in bytes.
    pub body_len: u32,
}

impl Header {
    /// BLAKE3 of the header's encoding.
    pub fn id(&self) -> MessageId {
        MessageId::from_bytes(*blake3::hash(&codec::encode(self)).as_bytes())
    }
}

/// Why a message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The bytes are not a canonical message.
    #[error("message: {0}")]
    Encoding(#[from] CodecError),
    /// The body breaks a rule of its kind.
    #[error("message: {0}")]
    Body(#[from] BodyError),
    /// The body is not the one that the header names.
    #[error("message: the body does not match the hash in the header")]
    BodyMismatch,
    /// The body is longer than any may be.
    #[error("message: the body is {bytes} bytes long")]
    BodyTooLong {
        /// Its length.
        bytes: u64,
    },
    /// The name of the agent is too long.
    #[error("message: via is {bytes} bytes long")]
    ViaTooLong {
        /// Its length.
        bytes: usize,
    },
    /// Place 1 has a message before it, or a later place has none, or the place is 0.
    #[error("message: place {seq} and its link to the one before do not fit")]
    BadLink {
        /// The place.
        seq: u64,
    },
    /// It is a message of another room.
    #[error("message: it belongs to another room")]
    WrongRoom,
    /// It has no signature.
    #[error("message: it is not signed")]
    Unsigned,
    /// Its signature does not verify.
    #[error("message: the signature does not verify")]
    BadSignature,
    /// A genesis or another roster-shaping message came without the body it is judged by.
    #[error("message: a message that shapes the roster has no body")]
    BodyMissing,
}

/// A message as it stands on a wire or in `raw`: checked for form, not for authorship.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedMessage {
    /// The header.
    pub header: Header,
    /// The author's signature; absent where a later one of the chain vouches for it.
    pub signature: Option<Signature>,
    /// The body; absent where it was erased.
    pub body: Option<Vec<u8>>,
}

impl SignedMessage {
    /// Decodes the canonical encoding.
    ///
    /// # Errors
    /// [`MessageError::Encoding`].
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        Ok(codec::decode(bytes)?)
    }

    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// The room it belongs to: of a genesis, the room that it makes.
    pub fn room(&self) -> RoomId {
        room_of(&self.header)
    }

    /// Checks form, body, room and the message's own signature.
    ///
    /// # Errors
    /// [`MessageError`] says which check it failed.
    pub fn verify(self, room: &RoomId) -> Result<Message, MessageError> {
        let checked = self.check(room)?;
        if checked.signature_holds()? {
            Ok(checked)
        } else {
            Err(MessageError::BadSignature)
        }
    }

    /// Checks all but the signature. Private to the crate: what it gives is vouched for by nobody
    /// until the caller has verified a signature at it or after it.
    pub(crate) fn check(self, room: &RoomId) -> Result<Message, MessageError> {
        let header = &self.header;
        if room_of(header) != *room {
            return Err(MessageError::WrongRoom);
        }
        if header.via.len() > limits::VIA_BYTES_MAX {
            return Err(MessageError::ViaTooLong {
                bytes: header.via.len(),
            });
        }
        let kind = Kind::from_number(header.kind);
        if header.body_len as usize > kind.body_bytes_max() {
            return Err(MessageError::BodyTooLong {
                bytes: header.body_len.into(),
            });
        }
        if header.seq.0 == 0 || (header.seq == Seq::FIRST) != header.prev.is_none() {
            return Err(MessageError::BadLink { seq: header.seq.0 });
        }
        if kind == Kind::Genesis && header.seq != Seq::FIRST {
            return Err(MessageError::BadLink { seq: header.seq.0 });
        }
        let body = match &self.body {
            Some(bytes) => {
                if bytes.len() != header.body_len as usize || Hash::of(bytes) != header.body_hash {
                    return Err(MessageError::BodyMismatch);
                }
                Body::decode(kind, header.v, bytes)?
            }
            None if kind.shapes_roster() => return Err(MessageError::BodyMissing),
            None => None,
        };
        Ok(Message {
            id: header.id(),
            body,
            wire: self,
        })
    }
}

fn room_of(header: &Header) -> RoomId {
    if Kind::from_number(header.kind) == Kind::Genesis {
        // Any other room named in a genesis gives a hash that is no room's.
        RoomId::from_bytes(*header.id().as_bytes())
    } else {
        header.room
    }
}

/// A message whose authorship was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    id: MessageId,
    body: Option<Body>,
    wire: SignedMessage,
}

/// What a new message says, and where it goes; see [`Message::write`].
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// The room; all zeros for a genesis.
    pub room: RoomId,
    /// The author's chain.
    pub chain: ChainId,
    /// The place in it.
    pub seq: Seq,
    /// The message before it.
    pub prev: Option<MessageId>,
    /// The author's clock.
    pub ts: Timestamp,
    /// The agent's name, or empty.
    pub via: String,
    /// The message it answers.
    pub re: Option<MessageId>,
    /// What it says.
    pub body: Body,
}

impl Message {
    /// Writes and signs a message.
    ///
    /// # Errors
    /// [`MessageError`] where a text is too long.
    pub fn write(identity: &Identity, new: NewMessage) -> Result<Self, MessageError> {
        new.body.check()?;
        if new.via.len() > limits::VIA_BYTES_MAX {
            return Err(MessageError::ViaTooLong {
                bytes: new.via.len(),
            });
        }
        let bytes = new.body.encode();
        if bytes.len() > new.body.kind().body_bytes_max() {
            return Err(MessageError::BodyTooLong {
                bytes: bytes.len() as u64,
            });
        }
        let header = Header {
            room: new.room,
            author: identity.author(),
            chain: new.chain,
            seq: new.seq,
            prev: new.prev,
            ts: new.ts,
            via: new.via,
            re: new.re,
            kind: new.body.kind().number(),
            v: BODY_VERSION,
            body_hash: Hash::of(&bytes),
            body_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        };
        let encoded = codec::encode(&header);
        let signature = identity.sign(MESSAGE_DOMAIN, &encoded);
        Ok(Self {
            id: MessageId::from_bytes(*blake3::hash(&encoded).as_bytes()),
            body: Some(new.body),
            wire: SignedMessage {
                header,
                signature: Some(signature),
                body: Some(bytes),
            },
        })
    }

    /// Reads `raw` of one's own log: form and body are checked; the signature was verified before
    /// the line was appended and is not verified again.
    ///
    /// # Errors
    /// [`MessageError`] where the bytes were damaged.
    pub fn from_log(raw: &[u8]) -> Result<Self, MessageError> {
        let wire = SignedMessage::decode(raw)?;
        let room = wire.room();
        wire.check(&room)
    }

    /// The id.
    pub fn id(&self) -> MessageId {
        self.id
    }

    /// The room.
    pub fn room(&self) -> RoomId {
        self.wire.room()
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.wire.header
    }

    /// What it says; absent where the body was erased or its kind or version is not known.
    pub fn body(&self) -> Option<&Body> {
        self.body.as_ref()
    }

    /// The text of a chat message.
    pub fn text(&self) -> Option<&str> {
        match &self.body {
            Some(Body::Chat(chat)) => Some(&chat.text),
            _ => None,
        }
    }

    /// The file that it announces.
    pub fn file(&self) -> Option<&File> {
        match &self.body {
            Some(Body::File(file)) => Some(file),
            _ => None,
        }
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        Kind::from_number(self.wire.header.kind)
    }

    /// Whether it can change who belongs, or under which name.
    pub fn shapes_roster(&self) -> bool {
        self.kind().shapes_roster()
    }

    /// Whether it carries its own signature.
    pub fn has_signature(&self) -> bool {
        self.wire.signature.is_some()
    }

    /// The wire form.
    pub fn wire(&self) -> &SignedMessage {
        &self.wire
    }

    /// The wire form's bytes, which are also `raw` in the log.
    pub fn to_raw(&self) -> Vec<u8> {
        self.wire.encode()
    }

    /// Verifies the message's own signature.
    pub(crate) fn signature_holds(&self) -> Result<bool, MessageError> {
        let signature = self.wire.signature.as_ref().ok_or(MessageError::Unsigned)?;
        let key = self.wire.header.author.as_bytes();
        let bytes = codec::encode(&self.wire.header);
        Ok(identity::verify(key, MESSAGE_DOMAIN, &bytes, signature))
    }

    /// The message without its body, as it is kept once it was taken back. One that shapes the roster stays as it is: what
    /// the room is depends on its body.
    #[must_use]
    pub fn without_body(mut self) -> Self {
        if !self.shapes_roster() {
            self.wire.body = None;
            self.body = None;
        }
        self
    }

    /// Drops a signature that was not verified.
    pub(crate) fn without_signature(mut self) -> Self {
        self.wire.signature = None;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::{Chat, Genesis, InvitePolicy};

    fn chat(text: &str) -> Message {
        let new = NewMessage {
            room: RoomId::from_bytes([9; 32]),
            chain: ChainId(1),
            seq: Seq(2),
            prev: Some(MessageId::from_bytes([3; 32])),
            ts: Timestamp(5),
            via: String::new(),
            re: None,
            body: Body::Chat(Chat { text: text.into() }),
        };
        Message::write(&Identity::from_seed([1; 32]), new).unwrap()
    }

    #[test]
    fn what_was_written_verifies_and_reads_back() {
        let message = chat("postgres, we have it");
        let wire = SignedMessage::decode(&message.to_raw()).unwrap();
        assert_eq!(wire.verify(&RoomId::from_bytes([9; 32])).unwrap(), message);
        assert_eq!(Message::from_log(&message.to_raw()).unwrap(), message);
    }

    #[test]
    fn every_altered_byte_is_refused() {
        let raw = chat("hi").to_raw();
        let room = RoomId::from_bytes([9; 32]);
        for i in 0..raw.len() {
            let mut altered = raw.clone();
            altered[i] ^= 1;
            let verdict = SignedMessage::decode(&altered).and_then(|wire| wire.verify(&room));
            assert!(verdict.is_err(), "byte {i}");
        }
        assert!(SignedMessage::decode(&raw[..raw.len() - 1]).is_err());
        assert!(SignedMessage::decode(&[&raw[..], &[0]].concat()).is_err());
    }

    #[test]
    fn an_encoding_of_more_bytes_than_needed_is_refused() {
        let message = chat("hi");
        let raw = message.to_raw();
        // chain 1 is at byte 64: as a two-byte varint it decodes to the same value.
        let mut padded = raw.clone();
        padded.splice(64..65, [0x81, 0x00]);
        assert_eq!(
            SignedMessage::decode(&padded),
            Err(MessageError::Encoding(CodecError::NotCanonical))
        );
    }

    #[test]
    fn a_genesis_makes_the_room_that_its_hash_names() {
        let body = Body::Genesis(Genesis {
            name: "db".into(),
            nick: "alice".into(),
            invite_policy: InvitePolicy::Members,
            nonce: [0; 16],
        });
        let new = NewMessage {
            room: RoomId::from_bytes([0; 32]),
            chain: ChainId(1),
            seq: Seq::FIRST,
            prev: None,
            ts: Timestamp(5),
            via: String::new(),
            re: None,
            body,
        };
        let genesis = Message::write(&Identity::from_seed([1; 32]), new).unwrap();
        assert_eq!(genesis.room().as_bytes(), genesis.id().as_bytes());
        let wire = genesis.wire().clone();
        assert!(wire.clone().verify(&genesis.room()).is_ok());
        assert_eq!(
            wire.verify(&RoomId::from_bytes([9; 32])),
            Err(MessageError::WrongRoom)
        );
    }
}
