//! Who may connect to which room's gossip and files, judged for both directions.
//!
//! A check where connections are accepted is not enough: another member's gossip can make ours
//! *dial* an outsider. The endpoint's hooks see every connection of every protocol.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cc_proto::frames::SYNC_ALPN;
use cc_proto::id::{AuthorId, RoomId};
use iroh::endpoint::{
    AfterHandshakeOutcome, BeforeConnectOutcome, Connection, EndpointHooks, VarInt,
    WeakConnectionHandle,
};
use iroh::{EndpointAddr, EndpointId};

use crate::tuning::{
    BLOBS_CONNECTIONS_MAX, BLOBS_CONNECTIONS_PER_PEER_MAX, GOSSIP_CONNECTIONS_MAX,
    GOSSIP_CONNECTIONS_PER_PEER_MAX,
};

/// Closes a connection that the gate refused, the same for every cause.
pub const REFUSED: VarInt = VarInt::from_u32(1);
/// Closes the connections of a member that may no longer be there, and of gossip being rebuilt.
pub const DROPPED: VarInt = VarInt::from_u32(2);

/// How many connections a protocol of a room may have, in both directions.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// In all; further ones are refused.
    all: usize,
    /// Of one member; a further one closes the oldest.
    per_peer: usize,
}

/// Those of gossip.
pub const GOSSIP_BOUNDS: Bounds = Bounds {
    all: GOSSIP_CONNECTIONS_MAX,
    per_peer: GOSSIP_CONNECTIONS_PER_PEER_MAX,
};
/// Those of files.
pub const BLOBS_BOUNDS: Bounds = Bounds {
    all: BLOBS_CONNECTIONS_MAX,
    per_peer: BLOBS_CONNECTIONS_PER_PEER_MAX,
};
/// Those of a protocol that the room does not have.
pub const CLOSED: Bounds = Bounds {
    all: 0,
    per_peer: 0,
};

/// The gate of one endpoint. Cheap to clone; all clones are one gate.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    // By protocol; held for look-ups only, never across an await.
    rooms: Arc<RwLock<HashMap<Vec<u8>, RoomGate>>>,
}

#[derive(Debug)]
struct RoomGate {
    room: RoomId,
    bounds: Bounds,
    allowed: BTreeSet<AuthorId>,
    /// The oldest first.
    connections: Vec<(AuthorId, WeakConnectionHandle)>,
}

impl Gate {
    /// Opens a protocol of a room to nobody yet.
    pub fn open_room(&self, alpn: &[u8], room: RoomId, bounds: Bounds) {
        self.write()
            .entry(alpn.to_vec())
            .or_insert_with(|| RoomGate {
                room,
                bounds,
                allowed: BTreeSet::new(),
                connections: Vec::new(),
            });
    }

    /// Closes a protocol of a room to everybody, and its connections.
    pub fn close_room(&self, alpn: &[u8]) {
        let closed = self.write().remove(alpn);
        for (_, handle) in closed.into_iter().flat_map(|room| room.connections) {
            close(&handle);
        }
    }

    /// Sets who may connect, and drops the connections of those who no longer may.
    pub fn allow(&self, alpn: &[u8], allowed: BTreeSet<AuthorId>) {
        let mut dropped = Vec::new();
        if let Some(room) = self.write().get_mut(alpn) {
            room.allowed = allowed;
            room.connections.retain(|(peer, handle)| {
                let keep = room.allowed.contains(peer);
                if !keep {
                    dropped.push(handle.clone());
                }
                keep
            });
        }
        for handle in dropped {
            close(&handle);
        }
    }

    /// Drops all connections of a protocol, which stays open.
    pub fn drop_connections(&self, alpn: &[u8]) {
        let dropped = self
            .write()
            .get_mut(alpn)
            .map(|room| std::mem::take(&mut room.connections));
        for (_, handle) in dropped.into_iter().flatten() {
            close(&handle);
        }
    }

    /// Whose protocol this is.
    pub fn room_of(&self, alpn: &[u8]) -> Option<RoomId> {
        self.read().get(alpn).map(|room| room.room)
    }

    /// Whether some room lists this peer.
    pub fn is_member(&self, peer: &AuthorId) -> bool {
        self.read().values().any(|room| room.allowed.contains(peer))
    }

    fn allows(&self, alpn: &[u8], peer: &AuthorId) -> bool {
        let allowed = |room: &RoomGate| room.lets_in(peer);
        alpn == SYNC_ALPN || self.read().get(alpn).is_some_and(allowed)
    }

    /// Judges a finished handshake and remembers the connection, under one lock: else a member
    /// dropped in between would keep it.
    fn admit(&self, connection: &Connection) -> bool {
        let alpn = connection.alpn();
        if alpn == SYNC_ALPN {
            return true;
        }
        let peer = author(connection.remote_id());
        let mut rooms = self.write();
        let Some(room) = rooms.get_mut(alpn).filter(|room| room.lets_in(&peer)) else {
            return false;
        };
        let surplus = room.make_room(&peer);
        let fits = room.connections.len() < room.bounds.all;
        if fits {
            room.connections.push((peer, connection.weak_handle()));
        }
        drop(rooms);
        for handle in surplus {
            close(&handle);
        }
        fits
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Vec<u8>, RoomGate>> {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Vec<u8>, RoomGate>> {
        self.rooms.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RoomGate {
    fn lets_in(&self, peer: &AuthorId) -> bool {
        self.bounds.all > 0 && self.allowed.contains(peer)
    }

    /// Forgets closed connections, and gives the oldest of `peer` that one more would be too many.
    fn make_room(&mut self, peer: &AuthorId) -> Vec<WeakConnectionHandle> {
        self.connections.retain(|(_, handle)| is_open(handle));
        let held = self.connections.iter().filter(|(id, _)| id == peer);
        let mut too_many = (held.count() + 1).saturating_sub(self.bounds.per_peer);
        let mut surplus = Vec::new();
        self.connections.retain(|(id, handle)| {
            let goes = too_many > 0 && id == peer;
            if goes {
                too_many -= 1;
                surplus.push(handle.clone());
            }
            !goes
        });
        surplus
    }
}

impl EndpointHooks for Gate {
    async fn before_connect<'a>(
        &'a self,
        remote: &'a EndpointAddr,
        alpn: &'a [u8],
    ) -> BeforeConnectOutcome {
        if self.allows(alpn, &author(remote.id)) {
            BeforeConnectOutcome::Accept
        } else {
            tracing::debug!(peer = %remote.id.fmt_short(), "a dial to an outsider was prevented");
            BeforeConnectOutcome::Reject
        }
    }

    async fn after_handshake<'a>(&'a self, connection: &'a Connection) -> AfterHandshakeOutcome {
        if self.admit(connection) {
            AfterHandshakeOutcome::Accept
        } else {
            tracing::debug!(peer = %connection.remote_id().fmt_short(), "an outsider was refused");
            AfterHandshakeOutcome::Reject {
                error_code: REFUSED,
                reason: Vec::new(),
            }
        }
    }
}

/// The author whose machine has this endpoint id: the same key.
pub fn author(endpoint: EndpointId) -> AuthorId {
    AuthorId::from_bytes(*endpoint.as_bytes())
}

/// The endpoint id of an author's machine; none if the bytes are not a point of the curve.
pub fn endpoint_id(author: &AuthorId) -> Option<EndpointId> {
    EndpointId::from_bytes(author.as_bytes()).ok()
}

fn is_open(handle: &WeakConnectionHandle) -> bool {
    handle
        .upgrade()
        .is_some_and(|connection| connection.close_reason().is_none())
}

fn close(handle: &WeakConnectionHandle) {
    if let Some(connection) = handle.upgrade() {
        connection.close(DROPPED, b"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_pass_and_only_while_they_are_members() {
        let (gate, alpn) = (Gate::default(), b"cc-connect/gossip/1/x".as_slice());
        let [alice, mallory] = [1, 2].map(|n| AuthorId::from_bytes([n; 32]));
        assert!(
            gate.allows(SYNC_ALPN, &mallory),
            "sync judges by its first frame"
        );
        assert!(
            !gate.allows(alpn, &alice),
            "an unknown protocol is open to nobody"
        );
        gate.open_room(alpn, RoomId::from_bytes([9; 32]), GOSSIP_BOUNDS);
        assert!(!gate.allows(alpn, &alice), "a new room is open to nobody");
        gate.allow(alpn, BTreeSet::from([alice]));
        assert!(gate.allows(alpn, &alice) && !gate.allows(alpn, &mallory));
        assert!(gate.is_member(&alice) && !gate.is_member(&mallory));
        gate.allow(alpn, BTreeSet::new());
        assert!(!gate.allows(alpn, &alice) && !gate.is_member(&alice));
        gate.allow(alpn, BTreeSet::from([alice]));
        gate.close_room(alpn);
        assert!(!gate.allows(alpn, &alice) && !gate.is_member(&alice));
    }

    #[test]
    fn a_room_without_gossip_knows_its_members_and_lets_nobody_gossip() {
        let (gate, alpn) = (Gate::default(), b"cc-connect/gossip/1/x".as_slice());
        let alice = AuthorId::from_bytes([1; 32]);
        gate.open_room(alpn, RoomId::from_bytes([9; 32]), CLOSED);
        gate.allow(alpn, BTreeSet::from([alice]));
        assert!(gate.is_member(&alice) && !gate.allows(alpn, &alice));
    }
}
