//! Embeddable peer-to-peer rooms: the cc-connect protocol over iroh.
//!
//! A [`Node`] is one machine: its endpoint, its identity, its home folder. A [`Room`] is a cheap
//! handle to one room of it. What [`Room::send`] has acknowledged is on this machine's disk and
//! reaches every member who comes online.
//!
//! ```
//! use cc_net::{Draft, Node, NodeBuilder, RelayChoice};
//! use cc_proto::identity::Identity;
//!
//! /// A node on loopback: no relay, no multicast, a free port.
//! async fn node(home: &std::path::Path, seed: u8) -> Result<Node, cc_net::NodeError> {
//!     NodeBuilder::new(home)
//!         .identity(Identity::from_seed([seed; 32]))
//!         .relay(RelayChoice::None)
//!         .mdns(false)
//!         .bind(([127, 0, 0, 1], 0).into())
//!         .spawn()
//!         .await
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (home_of_alice, home_of_bob) = (tempfile::tempdir()?, tempfile::tempdir()?);
//! let alice = node(home_of_alice.path(), 1).await?;
//! let bob = node(home_of_bob.path(), 2).await?;
//!
//! let hers = alice.create_room("planning", "alice", Default::default()).await?;
//! let his = bob.join_room(hers.ticket().await?, "bob").await?;
//! his.joined().await?;
//!
//! let mut events = hers.events();
//! his.send(Draft::text("postgres, we have it")).await?;
//! while let Some(event) = events.next().await {
//!     if let Some((text, _)) = event.chat() {
//!         assert_eq!(text, "postgres, we have it");
//!         break;
//!     }
//! }
//!
//! bob.shutdown().await;
//! alice.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! | module | what belongs there |
//! |---|---|
//! | `node` | the machine: builder, endpoint, accept loop, what rooms share |
//! | `room` | one room: handle, thread, dials and timers |
//! | `engine` | core and log as one, blocking, without a network |
//! | `files` | what is shared in a room: its copies on disk, fetched from and served to members |
//! | `gate` | who may connect to which room's gossip and files |
//! | `gossip` | the fast path and its supervisor |
//! | `sync_io` | sync sessions as bytes on a stream |
//! | `addresses` | the address book |
//! | `allowance` | so much at once, so much a second |
//! | [`tuning`] | every timeout and queue size |

mod addresses;
mod allowance;
pub mod engine;
mod files;
mod gate;
mod gossip;
mod node;
mod room;
mod sync_io;
pub mod tuning;

pub use engine::{
    Appended, DraftError, EngineConfig, EngineError, LocalError, Note, RoomEngine, StoredDraft,
    Turn,
};
pub use files::{
    FileSettings, FileState, FileStatus, FilesError, Inspect, Inspected, ShareDraft, ShareError,
    SourceLook, WaitsFor,
};
pub use gossip::{GossipFault, GossipState, GossipStatus};
pub use node::{
    ClosedRoom, CreateOptions, EndpointError, LeaveError, Left, Node, NodeBuilder, NodeError,
    RelayChoice,
};
pub use room::Room;
pub use room::events::{RoomEvent, RoomEvents, StoredMessage};
pub use room::people::{FormerStatus, InviteOptions, NewInvite, People, PersonStatus};
pub use room::request::{Draft, MemberStatus, RoomError, RoomState, RoomStatus, SendError, Sent};
