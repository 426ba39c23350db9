//! The machine's incoming connections: how many, whose, and who makes way.
//!
//! Nobody's key is known before the handshake, so until then the address stands for it. What is
//! kept for members cannot be taken by strangers, however many keys one address shows; and one
//! crowded address makes way for others.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use cc_proto::id::AuthorId;
use iroh::endpoint::{Connection, IncomingAddr, WeakConnectionHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::leaving::{Leaving, Trace};
use crate::tuning::{
    CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, CONNECTIONS_PER_STRANGER_MAX,
    CONNECTIONS_STRANGERS_MAX, UNFINISHED_LEAVE_TIME,
};

/// Where a connection comes from, as coarse as one attacker can hold addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// An IPv4 address, or the first half of an IPv6 address.
    Network([u8; 8]),
    /// Some relay: it shows keys, and keys cost nothing.
    Relay,
}

impl Origin {
    /// That of an incoming connection.
    pub fn of(address: &IncomingAddr) -> Self {
        let IncomingAddr::Ip(address) = address else {
            return Self::Relay;
        };
        let mut network = [0; 8];
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => network[4..].copy_from_slice(&ip.octets()),
            IpAddr::V6(ip) => network.copy_from_slice(&ip.octets()[..8]),
        }
        Self::Network(network)
    }
}

/// All slots of one endpoint. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Slots(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    last: u64,
    /// By age.
    held: BTreeMap<u64, Held>,
    leaving: Leaving,
}

#[derive(Debug)]
struct Held {
    origin: Origin,
    /// Counted among those kept for members: by its key, or so far by its address.
    reserved: bool,
    peer: Option<AuthorId>,
    evicted: CancellationToken,
}

/// One incoming connection's slot, free again when dropped. A stranger's then counts as leaving until QUIC
/// has forgotten it.
#[derive(Debug)]
pub struct Slot {
    slots: Slots,
    id: u64,
    origin: Origin,
    evicted: CancellationToken,
    /// Where it has one, past its handshake.
    connection: OnceLock<WeakConnectionHandle>,
    /// A stranger's, so far.
    is_strangers: AtomicBool,
}

impl Slots {
    /// How many are taken.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.state().held.len()
    }

    /// How many are taken, and how many strangers' that were let go are still in memory.
    pub fn under_way(&self) -> usize {
        let mut state = self.state();
        state.held.len() + state.leaving.count()
    }

    /// A slot for a connection that has shown nothing but its address; `expected` tells whether a
    /// member was seen there. None where it must be refused.
    pub fn enter(&self, origin: Origin, expected: impl FnOnce() -> bool) -> Option<Slot> {
        let mut state = self.state();
        let full = state.held.len() >= CONNECTIONS_MAX;
        let crowded = full || state.strangers() >= CONNECTIONS_STRANGERS_MAX;
        let held_up = state.leaving.hold_up(origin);
        let reserved = (crowded || held_up) && expected();
        if held_up && !reserved {
            return None;
        }
        if (full || (crowded && !reserved)) && !state.make_way(origin, reserved) {
            return None;
        }
        let evicted = CancellationToken::new();
        state.last += 1;
        let id = state.last;
        state.held.insert(
            id,
            Held {
                origin,
                reserved,
                peer: None,
                evicted: evicted.clone(),
            },
        );
        Some(Slot {
            slots: self.clone(),
            id,
            origin,
            evicted,
            connection: OnceLock::new(),
            is_strangers: AtomicBool::new(true),
        })
    }

    /// Ends every connection of a key that no room lists any more.
    pub fn expel(&self, peer: &AuthorId) {
        self.state().held.retain(|_, held| {
            let stays = held.peer.as_ref() != Some(peer);
            if !stays {
                held.evicted.cancel();
            }
            stays
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn strangers(&self) -> usize {
        self.held.values().filter(|held| !held.reserved).count()
    }

    /// Ends the oldest stranger of the most crowded origin: for a member whatever the origin, else
    /// where it is more crowded than `origin` would be with one more.
    fn make_way(&mut self, origin: Origin, for_member: bool) -> bool {
        let mut crowds: HashMap<Origin, (usize, u64)> = HashMap::new();
        for (id, held) in self.held.iter().filter(|(_, held)| !held.reserved) {
            let (count, _) = crowds.entry(held.origin).or_insert((0, *id));
            *count += 1;
        }
        let own = crowds.get(&origin).map_or(0, |(count, _)| *count);
        let crowded = crowds
            .values()
            .max_by_key(|(count, oldest)| (*count, *oldest));
        match crowded {
            Some((count, oldest)) if for_member || *count > own + 1 => {
                if let Some(held) = self.held.remove(oldest) {
                    held.evicted.cancel();
                }
                true
            }
            _ => false,
        }
    }
}

impl Slot {
    /// Takes note of the key that the handshake has proven, and of whether a room lists it. False
    /// where the connection must be refused.
    pub fn prove(&self, peer: AuthorId, member: bool) -> bool {
        let mut state = self.slots.state();
        let max = if member {
            CONNECTIONS_PER_PEER_MAX
        } else {
            CONNECTIONS_PER_STRANGER_MAX
        };
        let others = state.held.iter().filter(|(id, _)| **id != self.id);
        let of_peer = others.filter(|(_, held)| held.peer == Some(peer)).count();
        let crowd = state.strangers();
        let Some(held) = state.held.get_mut(&self.id) else {
            return false;
        };
        // A member's address with another's key takes no more than any stranger's would.
        if of_peer >= max || (!member && held.reserved && crowd >= CONNECTIONS_STRANGERS_MAX) {
            return false;
        }
        held.peer = Some(peer);
        held.reserved = member;
        self.is_strangers.store(!member, Ordering::Relaxed);
        true
    }

    /// Takes note of the connection that the handshake has led to.
    pub fn watch(&self, connection: &Connection) {
        self.connection.get_or_init(|| connection.weak_handle());
    }

    /// Frees the slot of a connection that goes on elsewhere.
    pub fn hand_over(self) {
        self.is_strangers.store(false, Ordering::Relaxed);
    }

    /// Set when the connection has to make way.
    pub fn evicted(&self) -> &CancellationToken {
        &self.evicted
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        state.held.remove(&self.id);
        if *self.is_strangers.get_mut() {
            let trace = match self.connection.take() {
                Some(connection) => Trace::Of(connection),
                None => Trace::Until(Instant::now() + UNFINISHED_LEAVE_TIME),
            };
            state.leaving.add(self.origin, trace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuning::{CONNECTIONS_LEAVING_FREE, CONNECTIONS_LEAVING_MAX};

    fn origin(n: u8) -> Origin {
        Origin::of(&IncomingAddr::Ip(([10, 0, 0, n], 7).into()))
    }

    fn author(n: u8) -> AuthorId {
        AuthorId::from_bytes([n; 32])
    }

    fn fill(slots: &Slots, from: Origin) -> Vec<Slot> {
        std::iter::from_fn(|| slots.enter(from, || false)).collect()
    }

    #[test]
    fn one_address_keeps_neither_members_nor_other_addresses_out() {
        let slots = Slots::default();
        let crowd = fill(&slots, origin(1));
        assert_eq!(crowd.len(), CONNECTIONS_STRANGERS_MAX);
        let member = slots.enter(origin(1), || true).unwrap();
        assert!(member.prove(author(1), true));
        let other = slots.enter(origin(2), || false).unwrap();
        assert!(crowd[0].evicted().is_cancelled(), "the oldest makes way");
        assert!(!crowd[1].evicted().is_cancelled());
        assert!(!other.evicted().is_cancelled() && !member.evicted().is_cancelled());
        assert!(slots.enter(origin(1), || false).is_none());
        drop(crowd);
        assert_eq!(slots.len(), 2);
    }

    #[test]
    fn no_more_than_the_bound_are_held() {
        let slots = Slots::default();
        let strangers = fill(&slots, origin(1));
        let members: Vec<_> = std::iter::from_fn(|| slots.enter(origin(2), || true)).collect();
        assert_eq!(members.len(), CONNECTIONS_MAX);
        assert_eq!(slots.len(), CONNECTIONS_MAX);
        let gone = strangers
            .iter()
            .filter(|slot| slot.evicted().is_cancelled());
        assert_eq!(
            gone.count(),
            strangers.len(),
            "strangers make way for members"
        );
        assert!(slots.enter(origin(3), || false).is_none());
    }

    #[test]
    fn one_key_has_so_many_connections_and_leaves_no_trace() {
        let slots = Slots::default();
        let taken: Vec<_> = (0..12)
            .map(|_| slots.enter(origin(1), || false).unwrap())
            .collect();
        let proven = |member| {
            taken
                .iter()
                .filter(|slot| slot.prove(author(1), member))
                .count()
        };
        assert_eq!(proven(false), CONNECTIONS_PER_STRANGER_MAX);
        assert_eq!(proven(true), CONNECTIONS_PER_PEER_MAX);
        slots.expel(&author(1));
        assert_eq!(slots.len(), taken.len() - CONNECTIONS_PER_PEER_MAX);
        drop(taken);
        assert_eq!(slots.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_again_and_again_waits_and_nobody_else_does() {
        let slots = Slots::default();
        let crowd = fill(&slots, origin(1));
        let member = slots.enter(origin(1), || true).unwrap();
        assert!(member.prove(author(1), true));
        drop(member);
        assert_eq!(slots.under_way(), crowd.len(), "members leave no trace");
        drop(crowd);
        assert_eq!(slots.len(), 0);
        assert_eq!(slots.under_way(), CONNECTIONS_LEAVING_MAX);
        assert!(
            slots.enter(origin(2), || false).is_none(),
            "too many for anybody"
        );
        drop(slots.enter(origin(1), || true).expect("a member's address"));

        tokio::time::advance(UNFINISHED_LEAVE_TIME).await;
        assert_eq!(slots.under_way(), 0);
        for _ in 0..CONNECTIONS_LEAVING_FREE {
            drop(slots.enter(origin(1), || false).unwrap());
        }
        assert!(slots.enter(origin(1), || false).is_none());
        let other = slots.enter(origin(2), || false).unwrap();
        other.hand_over();
        drop(slots.enter(origin(2), || false).expect("left no trace"));
        assert!(slots.enter(origin(2), || false).is_none());

        tokio::time::advance(UNFINISHED_LEAVE_TIME).await;
        assert!(slots.enter(origin(1), || false).is_some());
    }

    #[test]
    fn a_members_address_with_a_strangers_key_takes_a_strangers_place() {
        let slots = Slots::default();
        let crowd = fill(&slots, origin(1));
        let guest = slots.enter(origin(1), || true).unwrap();
        assert!(!guest.prove(author(9), false));
        drop(crowd);
        assert!(guest.prove(author(9), false));
    }
}
