//! A machine's node: one endpoint, its rooms, and the tasks that serve them.
//!
//! | file | what |
//! |---|---|
//! | `builder.rs` | from settings to a running node |
//! | `endpoint.rs`, `lookups.rs` | the socket, and how others are found |
//! | `accept.rs` | who knocks, and at which room's door |
//! | `slots.rs`, `leaving.rs`, `transport.rs` | how many may knock, and what they may hold of ours |
//! | `net.rs` | what all rooms share |
//! | `leave.rs` | the end of a room here |

mod accept;
mod builder;
mod endpoint;
mod leave;
mod leaving;
mod lookups;
mod net;
mod ports;
mod slots;
mod transport;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cc_log::FsStorage;
use cc_proto::clock::Now;
use cc_proto::id::{AuthorId, RoomId};
use cc_proto::identity::Identity;
use cc_proto::ticket::{PeerAddress, Ticket};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

pub use builder::NodeBuilder;
use builder::blocking;
pub use endpoint::{EndpointError, RelayChoice};
pub use leave::{LeaveError, Left};
pub(crate) use net::{Net, now_since};
pub(crate) use transport::fetching as fetching_transport;

use crate::engine::{EngineConfig, EngineError, RoomEngine};
use crate::room::Room;
use crate::room::open::start_room;
use crate::tuning::{ENDPOINT_CLOSE_TIMEOUT, SHUTDOWN_TIMEOUT};

/// Where the rooms are, below the home.
const ROOMS_DIR: &str = "rooms";
/// What is said of a room that is closed though nobody closed it.
const FAILED: &str = "its thread ended on an error, of which the log tells";

/// Why a node did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// No identity was given to the builder.
    #[error("a node needs an identity")]
    NoIdentity,
    /// No endpoint could be bound.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// n0's look-up was wanted and its client could not be built.
    #[error("the look-up of addresses could not be set up")]
    Lookup(#[from] iroh::address_lookup::AddressLookupBuilderError),
    /// The home cannot be used.
    #[error("the folder {} cannot be used", path.display())]
    Home {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The room could not be made, joined or opened.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No thread could be started.
    #[error("no thread could be started")]
    Thread(#[source] std::io::Error),
    /// The system gave no randomness.
    #[error("the system gave no randomness")]
    NoRandomness,
    /// The node was shut down.
    #[error("the node is shut down")]
    ShutDown,
}

/// A room whose folder is here and that is not open.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClosedRoom {
    /// Which.
    pub id: RoomId,
    /// Why, with its causes.
    pub error: String,
}

/// Choices in making a room. None so far: members may invite, and the first invite lasts a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CreateOptions {}

/// A running node. Cheap to clone; dropping the last clone ends it without waiting, as
/// [`Node::shutdown`] does with.
#[derive(Debug, Clone)]
pub struct Node {
    inner: Arc<NodeInner>,
}

#[derive(Debug)]
struct NodeInner {
    net: Arc<Net>,
    identity: Identity,
    epoch: Instant,
    cancelled: CancellationToken,
    /// None once shut down. Held for spawning only, never across an await.
    tasks: Mutex<Option<JoinSet<()>>>,
    // Held for look-ups only.
    closed_rooms: Mutex<Vec<ClosedRoom>>,
    /// Rooms are opened one at a time, so that one room is never opened twice.
    opening: tokio::sync::Mutex<()>,
}

impl Node {
    /// Starts to build a node whose files are below `home`.
    pub fn builder(home: impl Into<std::path::PathBuf>) -> NodeBuilder {
        NodeBuilder::new(home)
    }

    /// This machine's author and endpoint id.
    pub fn id(&self) -> AuthorId {
        self.inner.net.me
    }

    /// Where this machine can be reached, as far as it knows by now.
    pub fn addr(&self) -> PeerAddress {
        self.inner.net.own_address()
    }

    #[cfg(test)]
    pub(crate) fn net(&self) -> &Arc<Net> {
        &self.inner.net
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        &self.inner.net.home
    }

    /// Every room of this machine.
    pub fn rooms(&self) -> Vec<Room> {
        self.inner.net.rooms()
    }

    /// The room of this id.
    pub fn room(&self, id: &RoomId) -> Option<Room> {
        self.inner.net.room(id)
    }

    /// Rooms that could not be opened when the node started and are still closed, and those that ended by themselves
    /// since, on a fault of this program.
    pub fn closed_rooms(&self) -> Vec<ClosedRoom> {
        let mut closed = self.inner.closed_rooms().clone();
        closed.retain(|room| self.room(&room.id).is_none());
        let failed = self.rooms().into_iter().filter(Room::has_failed);
        closed.extend(failed.map(|room| ClosedRoom {
            id: room.id(),
            error: FAILED.to_owned(),
        }));
        closed
    }

    /// Makes a room, of which this machine is the root, and its first invite.
    ///
    /// # Errors
    /// [`NodeError`]; nothing is left behind.
    pub async fn create_room(
        &self,
        name: &str,
        nick: &str,
        options: CreateOptions,
    ) -> Result<Room, NodeError> {
        let _one_at_a_time = self.inner.opening.lock().await;
        let (name, nick) = (name.to_owned(), nick.to_owned());
        let CreateOptions {} = options;
        self.open(move |rooms, config, now| {
            RoomEngine::create(FsStorage, rooms, config, &name, &nick, now)
        })
        .await
    }

    /// Takes up a ticket. Returns at once with a room that is joining; [`Room::joined`] waits until
    /// a member has let us in. A room that is here already, also one that was left, is told of the
    /// ticket's addresses, and asks by this ticket unless we came by its invite.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn join_room(&self, ticket: Ticket, nick: &str) -> Result<Room, NodeError> {
        let _one_at_a_time = self.inner.opening.lock().await;
        if let Some(room) = self.room(&ticket.room) {
            for address in &ticket.addresses {
                self.inner.net.book.learn(address);
            }
            room.renew(ticket, nick.to_owned()).await?;
            room.network_changed();
            return Ok(room);
        }
        let nick = nick.to_owned();
        self.open(move |rooms, config, now| {
            RoomEngine::join(FsStorage, rooms, config, &ticket, &nick, now)
        })
        .await
    }

    /// Opens a room by `work`, which may block, and starts it.
    async fn open(
        &self,
        work: impl FnOnce(&Path, EngineConfig, Now) -> Result<RoomEngine, EngineError> + Send + 'static,
    ) -> Result<Room, NodeError> {
        let rooms = self.home().join(ROOMS_DIR);
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| NodeError::NoRandomness)?;
        let config = EngineConfig {
            identity: self.inner.identity.clone(),
            gossip: self.inner.net.options.gossip,
            seed,
        };
        let now = now_since(self.inner.epoch);
        let opened = blocking(rooms, move |rooms| {
            let engine = work(&rooms, config, now)?;
            let book = crate::files::prepare(engine.dir());
            Ok((engine, book))
        });
        let (engine, book) = opened.await?;
        // A crash may have come before the book was written, and then the ticket alone knows them.
        for address in engine
            .ticket()
            .into_iter()
            .flat_map(|ticket| &ticket.addresses)
        {
            self.inner.net.book.learn(address);
        }
        let mut tasks = self.inner.tasks();
        let tasks = tasks.as_mut().ok_or(NodeError::ShutDown)?;
        let inner = &self.inner;
        start_room(
            &inner.net,
            (engine, book),
            inner.epoch,
            tasks,
            &inner.cancelled,
        )
        .map_err(NodeError::Thread)
    }

    /// Tells the node that the machine's network may have changed; it notices most changes itself.
    pub async fn network_change(&self) {
        self.inner.net.endpoint.network_change().await;
        self.rooms().iter().for_each(Room::network_changed);
    }

    /// Commits and closes every room, ends every session and waits for it all, within a bound. The
    /// rooms' handles then answer that they are closed. A second call returns at once.
    pub async fn shutdown(&self) {
        self.inner.shutdown().await;
    }
}

impl NodeInner {
    async fn shutdown(&self) {
        let Some(mut tasks) = self.tasks().take() else {
            return;
        };
        let rooms = self.net.rooms();
        rooms.iter().for_each(Room::stop);
        for room in &rooms {
            room.closed(SHUTDOWN_TIMEOUT).await;
        }
        self.cancelled.cancel();
        self.net.clear_rooms();
        let drained = async { while tasks.join_next().await.is_some() {} };
        if timeout(SHUTDOWN_TIMEOUT, drained).await.is_err() {
            tracing::warn!("tasks did not end in time and are aborted");
        }
        tasks.shutdown().await;
        // What is left after this is closed with the endpoint, when the node is dropped.
        timeout(ENDPOINT_CLOSE_TIMEOUT, self.net.endpoint.close())
            .await
            .ok();
        save_book(&self.net).await;
    }

    fn closed_rooms(&self) -> MutexGuard<'_, Vec<ClosedRoom>> {
        self.closed_rooms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, Option<JoinSet<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for NodeInner {
    fn drop(&mut self) {
        self.cancelled.cancel();
        self.net.rooms().iter().for_each(Room::stop);
        // Rooms hold what they share and are held by it.
        self.net.clear_rooms();
    }
}

async fn save_book(net: &Arc<Net>) {
    let book = net.book.clone();
    match tokio::task::spawn_blocking(move || book.save()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the address book could not be written"),
        Err(error) => tracing::error!(%error, "writing the address book panicked"),
    }
}
