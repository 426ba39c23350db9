//! What travels between peers: the frames of a sync session and of gossip, and the labels by
//! which a room is named to those who know it. `spec/sync.md` has the sequence.

use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecError};
use crate::id::{AuthorId, ChainId, Hash, Head, MessageId, RoomId, Seq};
use crate::limits;
use crate::message::SignedMessage;
use crate::receipt::SignedReceipt;
use crate::ticket::PeerAddress;

/// The ALPN of sync connections, the same for all rooms.
pub const SYNC_ALPN: &[u8] = b"cc-connect/sync/1";
/// What the ALPN of a room's gossip starts with; the label follows.
pub const GOSSIP_ALPN_PREFIX: &str = "cc-connect/gossip/1/";
/// What the ALPN of a room's files starts with; the label follows.
pub const BLOBS_ALPN_PREFIX: &str = "cc-connect/blobs/1/";
/// The version that a hello names.
pub const SYNC_VERSION: u16 = 1;

const TAG_CONTEXT: &str = "cc-connect 2026-11 room tag";
const TOPIC_CONTEXT: &str = "cc-connect 2026-11 gossip topic";

/// Names a room to those who know its id, and tells nothing to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoomTag(pub [u8; 32]);

impl RoomTag {
    /// The tag of a room.
    pub fn of(room: &RoomId) -> Self {
        Self(blake3::derive_key(TAG_CONTEXT, room.as_bytes()))
    }

    /// The ALPN of the room's gossip.
    pub fn gossip_alpn(&self) -> Vec<u8> {
        self.alpn(GOSSIP_ALPN_PREFIX)
    }

    /// The ALPN of the room's files.
    pub fn blobs_alpn(&self) -> Vec<u8> {
        self.alpn(BLOBS_ALPN_PREFIX)
    }

    fn alpn(&self, prefix: &str) -> Vec<u8> {
        let label = data_encoding::HEXLOWER.encode(&self.0[..16]);
        format!("{prefix}{label}").into_bytes()
    }
}

/// The gossip topic of a room.
pub fn gossip_topic(room: &RoomId) -> [u8; 32] {
    blake3::derive_key(TOPIC_CONTEXT, room.as_bytes())
}

/// How the dialing side shows that it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// A member: the acts that prove it, for a peer who has not heard of them.
    Member {
        /// See [`crate::roster::Roster::bundle`].
        bundle: Vec<SignedMessage>,
    },
    /// Somebody with a ticket who asks to be let in.
    Join {
        /// The first message of the joiner's chain.
        join: SignedMessage,
    },
}

/// The first frame, from the dialing side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`SYNC_VERSION`].
    pub version: u16,
    /// Which room.
    pub tag: RoomTag,
    /// Why the dialer may.
    pub proof: Proof,
    /// The digest of the dialer's heads.
    pub digest: Hash,
}

/// Why a session was refused. All but the first are told only to who proved an invite's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No word why: no such room, no member, no valid invite.
    #[error("refused")]
    Refused,
    /// The invite has expired.
    #[error("the invite has expired")]
    Expired,
    /// The invite was used as often as it may be.
    #[error("the invite was used as often as it may be")]
    UsedUp,
    /// A member already: too many sessions are under way, try again.
    #[error("busy, try again")]
    Busy,
    /// The invite was revoked.
    #[error("the invite was revoked")]
    Revoked,
    /// This key was removed from the room, and the invite does not lift that.
    #[error("you were removed from the room, and this invite does not let you back")]
    Removed,
}

/// A frame of a sync session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncFrame {
    /// First, from the dialing side.
    Hello(Hello),
    /// Lets the dialer in.
    Welcome {
        /// Proves that the answering side belongs.
        bundle: Vec<SignedMessage>,
        /// The digest of the answering side's heads.
        digest: Hash,
    },
    /// Turns the dialer away; nothing follows.
    Refused(Refusal),
    /// What the sender holds.
    Heads {
        /// Tips, at most [`limits::HEADS_PER_FRAME_MAX`].
        heads: Vec<Head>,
        /// Whether another such frame follows.
        more: bool,
    },
    /// Places that the sender holds in a chain of which the other side told an unknown tip.
    Locator {
        /// Whose chain.
        author: AuthorId,
        /// Which.
        chain: ChainId,
        /// Tips, and places ever further below them.
        places: Vec<(Seq, MessageId)>,
    },
    /// The sender has no further locators to ask for: only answers follow, and then segments.
    Asked,
    /// Messages that the other side lacks, in the sender's order of arrival.
    Segment {
        /// At most [`limits::SEGMENT_MESSAGES_MAX`] and [`limits::SEGMENT_BYTES_MAX`].
        messages: Vec<SignedMessage>,
    },
    /// Where members were seen.
    Addresses(Vec<PeerAddress>),
    /// The sender has sent all that it meant to send.
    Done,
    /// What members say of their own disks and agents, the sender among them.
    Receipts(Vec<SignedReceipt>),
}

/// A frame of a room's gossip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GossipFrame {
    /// One whole message.
    Message(SignedMessage),
    /// How high the sender's chains are: the messages come by sync.
    Heights(Vec<Head>),
    /// What a member says of its own disk and agents.
    Receipt(SignedReceipt),
}

/// A frame was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// It is longer than its kind may be.
    #[error("the frame is {bytes} bytes long, more than {bytes_max}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// It does not decode.
    #[error("the frame: {0}")]
    Encoding(#[from] CodecError),
}

impl SyncFrame {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Decodes a frame.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        bounded(bytes, limits::SYNC_FRAME_BYTES_MAX)?;
        Ok(codec::decode(bytes)?)
    }
}

impl GossipFrame {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Decodes a frame.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        bounded(bytes, limits::GOSSIP_FRAME_BYTES_MAX)?;
        Ok(codec::decode(bytes)?)
    }
}

/// The frame that every refusal without a reason is: the same bytes whatever the cause.
pub fn refusal_frame() -> Vec<u8> {
    SyncFrame::Refused(Refusal::Refused).encode()
}

/// The room that a first frame asks for; `None` where it is no hello.
pub fn hello_tag(frame: &[u8]) -> Option<RoomTag> {
    if frame.len() > limits::HELLO_BYTES_MAX {
        return None;
    }
    match SyncFrame::decode(frame) {
        Ok(SyncFrame::Hello(hello)) => Some(hello.tag),
        _ => None,
    }
}

fn bounded(bytes: &[u8], bytes_max: usize) -> Result<(), FrameError> {
    if bytes.len() > bytes_max {
        return Err(FrameError::TooLong {
            bytes: bytes.len(),
            bytes_max,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_named_by_labels_that_do_not_show_its_id() {
        let room = RoomId::from_bytes([5; 32]);
        let tag = RoomTag::of(&room);
        assert_ne!(&tag.0, room.as_bytes());
        assert_ne!(gossip_topic(&room), tag.0);
        let alpn = String::from_utf8(tag.gossip_alpn()).unwrap();
        assert!(alpn.starts_with(GOSSIP_ALPN_PREFIX) && !alpn.contains(&room.to_hex()[..8]));
        let label = alpn.strip_prefix(GOSSIP_ALPN_PREFIX).unwrap();
        assert_eq!(
            tag.blobs_alpn(),
            format!("{BLOBS_ALPN_PREFIX}{label}").into_bytes()
        );
    }

    #[test]
    fn frames_read_back_and_noise_does_not() {
        let frame = SyncFrame::Heads {
            heads: Vec::new(),
            more: false,
        };
        assert_eq!(SyncFrame::decode(&frame.encode()).unwrap(), frame);
        assert!(SyncFrame::decode(&[250, 1, 2]).is_err());
        assert!(SyncFrame::decode(&[&frame.encode()[..], &[0]].concat()).is_err());
        assert_eq!(hello_tag(&frame.encode()), None);
    }
}
