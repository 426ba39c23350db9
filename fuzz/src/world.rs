//! The people of the targets, and signing past the rules.

use cc_proto::codec;
use cc_proto::id::RoomId;
use cc_proto::identity::{Identity, MESSAGE_DOMAIN};
use cc_proto::message::{Header, SignedMessage};

/// A room whose genesis is not needed: that of the vectors.
pub const ROOM: RoomId = RoomId::from_bytes([0x1a; 32]);

/// The identity whose seed is 32 times this byte, as in the vectors: Alice is 1, Bob 2, Carol 3, Mallory 5.
pub fn identity(seed: u8) -> Identity {
    Identity::from_seed([seed; 32])
}

/// Signs a header as its author would, whatever rules it breaks.
pub fn signed(author: &Identity, mut header: Header, body: Option<Vec<u8>>) -> SignedMessage {
    header.author = author.author();
    let signature = author.sign(MESSAGE_DOMAIN, &codec::encode(&header));
    SignedMessage {
        header,
        signature: Some(signature),
        body,
    }
}
