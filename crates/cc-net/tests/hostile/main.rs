//! Peers that do not follow the protocol, against real nodes on loopback. `spec/security.md` has a row for
//! each case.
//!
//! | file | who |
//! |---|---|
//! | `strangers.rs` | those who know an address, or a room's id, and belong nowhere |
//! | `door.rs` | those who come with an invite that is none |
//! | `messages.rs` | members who send what they should not |
//! | `receipts.rs` | members who say of others what those did not say |
//! | `streams.rs` | streams that are too long, too slow, half open or out of order |
//! | `answers.rs` | peers that are dialed, and answer what they should not |
//! | `gossip.rs` | neighbours that do not read, or send what no gossip sends |
//! | `floods.rs` | very many of everything |
//! | `peer.rs` | the peer that all of these are |
//! | `scene.rs` | the room that they are let loose on |
//!
//! Very many connections are a test binary of their own, `../attack/`.

mod answers;
#[path = "../common/mod.rs"]
mod common;
mod door;
mod floods;
mod gossip;
mod messages;
mod peer;
mod receipts;
mod scene;
mod strangers;
mod streams;
