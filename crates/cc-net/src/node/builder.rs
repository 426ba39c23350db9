//! From settings to a running node.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cc_log::FsStorage;
use cc_proto::id::RoomId;
use cc_proto::identity::Identity;
use futures_util::StreamExt;
use iroh::Watcher;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::accept::accept_loop;
use super::endpoint::RelayChoice;
use super::lookups::Lookups;
use super::net::NetOptions;
use super::ports::bind_again;
use super::{ClosedRoom, Net, Node, NodeError, NodeInner, ROOMS_DIR, save_book};
use crate::addresses::AddressBook;
use crate::engine::{RoomEngine, is_left};
use crate::gate::Gate;
use crate::room::Room;
use crate::tuning::ADDRESS_BOOK_SAVE_INTERVAL;

/// Settings of a [`Node`], and [`NodeBuilder::spawn`].
#[derive(Debug, Clone)]
pub struct NodeBuilder {
    home: PathBuf,
    identity: Option<Identity>,
    relay: RelayChoice,
    mdns: bool,
    bind: Option<SocketAddr>,
    gossip: bool,
}

impl NodeBuilder {
    /// A node with its files below `home`: n0's relays, mDNS, every network interface.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            identity: None,
            relay: RelayChoice::Default,
            mdns: true,
            bind: None,
            gossip: true,
        }
    }

    /// The machine's key. Required. Two running nodes must not share one: packets for one would
    /// reach the other.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Which relay helps where there is no direct path.
    #[must_use]
    pub fn relay(mut self, relay: RelayChoice) -> Self {
        self.relay = relay;
        self
    }

    /// Whether to find and be found by mDNS on the local network. Where multicast does not work
    /// the node goes without.
    #[must_use]
    pub fn mdns(mut self, mdns: bool) -> Self {
        self.mdns = mdns;
        self
    }

    /// Listens on this address alone; port 0 takes a free one. Without it: on every interface, IPv4
    /// and IPv6.
    #[must_use]
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.bind = Some(address);
        self
    }

    /// Whether rooms have their fast path. Without it everything still comes, by sync.
    #[must_use]
    pub fn gossip(mut self, gossip: bool) -> Self {
        self.gossip = gossip;
        self
    }

    /// Binds the endpoint, opens every room found below the home that was not left, and begins to
    /// serve them. A room that cannot be opened is an error in the log, is among
    /// [`Node::closed_rooms`], and does not keep the others closed.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn spawn(self) -> Result<Node, NodeError> {
        let identity = self.identity.ok_or(NodeError::NoIdentity)?;
        let home = self.home;
        let book = blocking(home, |home| {
            let rooms = home.join(ROOMS_DIR);
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&rooms)
                .map_err(|source| NodeError::Home {
                    path: rooms,
                    source,
                })?;
            Ok((AddressBook::load(&home), home))
        });
        let (book, home) = book.await?;
        let gate = Gate::default();
        let endpoint = bind_again(&home, &identity, &self.relay, self.bind, &gate).await?;
        let n0 = self.relay == RelayChoice::Default;
        let lookups = Lookups::install(&endpoint, &book, self.mdns, n0)?;
        let me = identity.author();
        let book = Arc::new(book);
        let options = NetOptions {
            gossip: self.gossip,
            has_relay: self.relay != RelayChoice::None,
        };
        let net = Arc::new(Net::new(me, home, endpoint, gate, book, lookups, options));
        let cancelled = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let span = tracing::info_span!("node", me = %me.short());
        let accepting = accept_loop(net.clone(), cancelled.clone());
        tasks.spawn(accepting.instrument(span.clone()));
        tasks.spawn(keep_book(net.clone(), cancelled.clone()).instrument(span.clone()));
        tasks.spawn(watch_network(net.clone(), cancelled.clone()).instrument(span));
        let inner = NodeInner {
            net,
            identity,
            epoch: Instant::now(),
            cancelled,
            tasks: Mutex::new(Some(tasks)),
            closed_rooms: Mutex::default(),
            opening: tokio::sync::Mutex::new(()),
        };
        let node = Node {
            inner: Arc::new(inner),
        };
        node.open_stored().await?;
        Ok(node)
    }
}

impl Node {
    async fn open_stored(&self) -> Result<(), NodeError> {
        let rooms = self.home().join(ROOMS_DIR);
        let ids = blocking(rooms, |rooms| {
            stored_rooms(&rooms).map_err(|source| NodeError::Home {
                path: rooms,
                source,
            })
        });
        for id in ids.await? {
            let opened = self
                .open(move |rooms, config, now| {
                    RoomEngine::open(FsStorage, &rooms.join(id.to_hex()), config, now)
                })
                .await;
            match opened {
                Err(NodeError::ShutDown) => return Err(NodeError::ShutDown),
                Err(error) => {
                    tracing::error!(room = %id.short(), %error, "a room stays closed");
                    let error = with_causes(&error);
                    self.inner.closed_rooms().push(ClosedRoom { id, error });
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }
}

/// Runs blocking work of a builder where it may block.
pub async fn blocking<A, T>(
    argument: A,
    work: impl FnOnce(A) -> Result<T, NodeError> + Send + 'static,
) -> Result<T, NodeError>
where
    A: Send + 'static,
    T: Send + 'static,
{
    match tokio::task::spawn_blocking(move || work(argument)).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(NodeError::ShutDown),
    }
}

/// An error's text with those of its causes, each once.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

fn stored_rooms(rooms: &Path) -> std::io::Result<Vec<RoomId>> {
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(rooms)? {
        let entry = entry?;
        let id: Option<RoomId> = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let path = entry.path();
        ids.extend(id.filter(|_| path.is_dir() && !is_left(&path)));
    }
    ids.sort();
    Ok(ids)
}

/// Writes a change at once, as a room's maker who is killed now knows its first member from nowhere
/// else; a stream of changes is written now and then.
async fn keep_book(net: Arc<Net>, cancelled: CancellationToken) {
    let keep = async {
        loop {
            net.book.changed().await;
            save_book(&net).await;
            tokio::time::sleep(ADDRESS_BOOK_SAVE_INTERVAL).await;
        }
    };
    tokio::select! {
        () = cancelled.cancelled() => {}
        () = keep => {}
    }
}

/// A new address of ours most often means another network.
async fn watch_network(net: Arc<Net>, cancelled: CancellationToken) {
    let mut addresses = net.endpoint.watch_addr().stream();
    loop {
        tokio::select! {
            () = cancelled.cancelled() => return,
            Some(_) = addresses.next() => net.rooms().iter().for_each(Room::network_changed),
            else => return,
        }
    }
}
