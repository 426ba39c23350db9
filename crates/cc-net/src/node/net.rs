//! What all rooms of a machine share: its endpoint, gate, address book and the table of rooms.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use cc_proto::clock::Now;
use cc_proto::frames::RoomTag;
use cc_proto::id::{AuthorId, RoomId, Timestamp};
use cc_proto::room::SessionId;
use cc_proto::ticket::PeerAddress;
use futures_util::StreamExt;
use iroh::endpoint::Connection;
use iroh::{Endpoint, Watcher};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::lookups::Lookups;
use super::slots::Slots;
use super::transport::Incomings;
use crate::addresses::AddressBook;
use crate::gate::Gate;
use crate::room::Room;
use crate::tuning::{ADDRESS_SETTLE_TIMEOUT, DIALS_MAX, FETCHES_MAX, FIRST_FRAMES_BYTES_MAX};

/// What the rooms of a machine need to know of how its node was built.
#[derive(Debug, Clone, Copy)]
pub struct NetOptions {
    /// Whether rooms have a fast path.
    pub gossip: bool,
    /// Whether a relay is part of our address.
    pub has_relay: bool,
}

/// The machine's connections, shared by all its rooms.
#[derive(Debug)]
pub struct Net {
    /// Whose machine this is.
    pub me: AuthorId,
    /// Where its files are.
    pub home: PathBuf,
    /// The one endpoint.
    pub endpoint: Endpoint,
    /// Who may connect to what.
    pub gate: Gate,
    /// Where others were seen.
    pub book: Arc<AddressBook>,
    /// How others are found.
    pub lookups: Lookups,
    /// Bounds the dials under way.
    pub dials: Semaphore,
    /// Bounds the files that are fetched at once.
    pub fetches: Semaphore,
    /// The incoming connections.
    pub slots: Slots,
    /// What they may hold of ours.
    pub incomings: Incomings,
    /// Bounds, by bytes, the long first frames of strangers.
    pub first_frames: Arc<Semaphore>,
    /// How it was built.
    pub options: NetOptions,
    started: Instant,
    sessions: AtomicU64,
    // Look-ups and inserts only, never held across an await.
    rooms: RwLock<HashMap<RoomId, Room>>,
}

impl Net {
    /// A machine without rooms.
    pub fn new(
        me: AuthorId,
        home: PathBuf,
        endpoint: Endpoint,
        gate: Gate,
        book: Arc<AddressBook>,
        lookups: Lookups,
        options: NetOptions,
    ) -> Self {
        Self {
            me,
            home,
            endpoint,
            gate,
            book,
            lookups,
            dials: Semaphore::new(DIALS_MAX),
            fetches: Semaphore::new(FETCHES_MAX),
            slots: Slots::default(),
            incomings: Incomings::new(),
            first_frames: Arc::new(Semaphore::new(FIRST_FRAMES_BYTES_MAX)),
            options,
            started: Instant::now(),
            sessions: AtomicU64::new(1),
            rooms: RwLock::default(),
        }
    }

    /// A session id that was not used before.
    pub fn next_session(&self) -> SessionId {
        SessionId(self.sessions.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes note of where a connected peer is.
    pub fn observe(&self, connection: &Connection) {
        self.book.observe(connection, wall_ms());
    }

    /// Where this machine can be reached, as far as it knows.
    pub fn own_address(&self) -> PeerAddress {
        let address = self.endpoint.addr();
        PeerAddress {
            id: self.me,
            relay: address.relay_urls().next().map(ToString::to_string),
            direct: address
                .ip_addrs()
                .copied()
                .take(cc_proto::limits::DIRECT_ADDRESSES_MAX)
                .collect(),
        }
    }

    /// Returns when this machine knows where it can be reached, or has been up long enough to have
    /// found out what there is to find out.
    pub async fn address_settled(&self) {
        let mut addresses = self.endpoint.watch_addr().stream();
        let settled = async {
            while let Some(address) = addresses.next().await {
                let relay = !self.options.has_relay || address.relay_urls().next().is_some();
                if relay && address.ip_addrs().next().is_some() {
                    return;
                }
            }
        };
        tokio::time::timeout_at(self.started + ADDRESS_SETTLE_TIMEOUT, settled)
            .await
            .ok();
    }

    /// The room of this id.
    pub fn room(&self, id: &RoomId) -> Option<Room> {
        self.rooms
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
    }

    /// The room of this tag.
    pub fn room_by_tag(&self, tag: &RoomTag) -> Option<Room> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        rooms.values().find(|room| room.tag() == *tag).cloned()
    }

    /// Every room, by id.
    pub fn rooms(&self) -> Vec<Room> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        let mut rooms: Vec<Room> = rooms.values().cloned().collect();
        rooms.sort_by_key(Room::id);
        rooms
    }

    /// Adds a room; from now on it is reachable.
    pub fn insert_room(&self, room: Room) {
        let id = room.id();
        self.rooms
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, room);
    }

    /// Takes a room away: from now on nobody finds it here.
    pub fn remove_room(&self, id: &RoomId) {
        self.rooms
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
    }

    /// Takes away the look-ups that dropped gossip instances left behind.
    pub fn prune_lookups(&self) {
        let rooms = self
            .rooms
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len();
        self.lookups.prune(&self.endpoint, rooms);
    }

    /// Forgets all rooms, so that their handles do not keep each other alive.
    pub fn clear_rooms(&self) {
        self.rooms
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// The time as the core is told it, with a clock that begins at `epoch`.
pub fn now_since(epoch: Instant) -> Now {
    Now {
        wall: Timestamp(wall_ms()),
        mono_ms: epoch.elapsed().as_millis() as u64,
    }
}

/// The wall clock in unix milliseconds.
fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
