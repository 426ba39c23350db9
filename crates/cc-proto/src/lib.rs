//! The cc-connect protocol, pure: no file, clock, socket, thread, randomness or async in here.
//!
//! ```
//! use cc_proto::body::{Body, Chat};
//! use cc_proto::id::{ChainId, MessageId, RoomId, Seq, Timestamp};
//! use cc_proto::identity::Identity;
//! use cc_proto::message::{Message, NewMessage, SignedMessage};
//!
//! let room = RoomId::from_bytes([1; 32]);
//! let bob = Identity::from_seed([2; 32]);
//! let new = NewMessage {
//!     room,
//!     chain: ChainId(7),
//!     seq: Seq(2),
//!     prev: Some(MessageId::from_bytes([3; 32])),
//!     ts: Timestamp(1_800_000_000_000),
//!     via: String::new(),
//!     re: None,
//!     body: Body::Chat(Chat { text: "postgres, we have it".into() }),
//! };
//! let sent = Message::write(&bob, new)?.to_raw();
//! let received = SignedMessage::decode(&sent)?.verify(&room)?;
//! assert_eq!(received.text(), Some("postgres, we have it"));
//! assert_eq!(received.header().author, bob.author());
//! # Ok::<(), cc_proto::message::MessageError>(())
//! ```

pub mod body;
pub mod chains;
pub mod clock;
pub mod codec;
pub mod files;
pub mod frames;
pub mod history;
pub mod id;
pub mod identity;
pub mod limits;
pub mod message;
pub mod outbox;
pub mod proof;
pub mod random;
pub mod receipt;
pub mod render;
pub mod room;
pub mod roster;
pub mod segment;
pub mod text;
pub mod ticket;
pub mod via;
