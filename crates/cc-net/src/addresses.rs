//! The address book: where members were last seen, kept across restarts in `addresses.json`.
//!
//! Everything in it is a hint. The key in a connection's handshake decides who is there.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cc_log::{Durability, FsStorage, Storage};
use cc_proto::id::AuthorId;
use cc_proto::limits::DIRECT_ADDRESSES_MAX;
use cc_proto::ticket::{PeerAddress, RELAY_BYTES_MAX};
use iroh::address_lookup::MemoryLookup;
use iroh::endpoint::Connection;
use iroh::{EndpointAddr, RelayUrl, TransportAddr};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::gate::{author, endpoint_id};
use crate::tuning::ADDRESS_BOOK_PEERS_MAX;

const FILE_NAME: &str = "addresses.json";
const VERSION: u32 = 1;

/// One machine's address book, shared by its rooms, and the look-up that iroh dials from.
#[derive(Debug)]
pub struct AddressBook {
    path: PathBuf,
    lookup: MemoryLookup,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    peers: HashMap<AuthorId, Entry>,
    dirty: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    relay: Option<RelayUrl>,
    /// The most recently seen first.
    direct: Vec<SocketAddr>,
    seen_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct BookFile {
    v: u32,
    peers: Vec<PeerLine>,
}

#[derive(Serialize, Deserialize)]
struct PeerLine {
    id: String,
    relay: Option<String>,
    direct: Vec<SocketAddr>,
    seen: u64,
}

impl AddressBook {
    /// Reads the book of `home`. A missing or damaged file is an empty book: its content is only
    /// hints, and members tell of each other again.
    pub fn load(home: &Path) -> Self {
        let path = home.join(FILE_NAME);
        let book = Self {
            lookup: MemoryLookup::new(),
            state: Mutex::default(),
            changed: Notify::new(),
            path,
        };
        let lines = match std::fs::read(&book.path) {
            Ok(bytes) => parse(&bytes).unwrap_or_else(|| {
                tracing::warn!("the address book is damaged and starts anew");
                Vec::new()
            }),
            Err(error) => {
                if error.kind() != std::io::ErrorKind::NotFound {
                    tracing::warn!(%error, "the address book cannot be read and starts anew");
                }
                Vec::new()
            }
        };
        for (id, entry) in lines {
            book.insert(id, entry);
        }
        book.state().dirty = false;
        book
    }

    /// The look-up that an endpoint dials from.
    pub fn lookup(&self) -> MemoryLookup {
        self.lookup.clone()
    }

    /// Takes note of addresses that a ticket or another member told of. They come after the few that
    /// we saw ourselves last, before older ones, and do not count as seen. A relay is taken only where none is
    /// known: hearsay must not lead away from one that works.
    pub fn learn(&self, address: &PeerAddress) {
        let mut entry = self.entry(&address.id);
        for direct in &address.direct {
            if !entry.direct.contains(direct) {
                // A list full of old places must not keep a new one out.
                let at = entry.direct.len().min(DIRECT_ADDRESSES_MAX / 2);
                entry.direct.insert(at, *direct);
                entry.direct.truncate(DIRECT_ADDRESSES_MAX);
            }
        }
        if entry.relay.is_none() {
            entry.relay = address.relay.as_deref().and_then(relay_url);
        }
        if !entry.direct.is_empty() || entry.relay.is_some() {
            self.insert(address.id, entry);
        }
    }

    /// Takes note of where a connected peer really is.
    pub fn observe(&self, connection: &Connection, now_ms: u64) {
        let id = author(connection.remote_id());
        let mut entry = self.entry(&id);
        entry.seen_ms = entry.seen_ms.max(now_ms);
        for path in &connection.paths() {
            match path.remote_addr() {
                TransportAddr::Ip(direct) => {
                    entry.direct.retain(|known| known != direct);
                    entry.direct.insert(0, *direct);
                }
                TransportAddr::Relay(relay) => entry.relay = Some(relay.clone()),
                _ => {}
            }
        }
        entry.direct.truncate(DIRECT_ADDRESSES_MAX);
        self.insert(id, entry);
    }

    /// What is known of a peer, for a ticket.
    pub fn address(&self, id: &AuthorId) -> Option<PeerAddress> {
        let state = self.state();
        let entry = state.peers.get(id)?;
        Some(PeerAddress {
            id: *id,
            relay: entry.relay.as_ref().map(ToString::to_string),
            direct: entry.direct.clone(),
        })
    }

    /// When a peer was last connected, in unix milliseconds; 0 if never.
    pub fn last_seen(&self, id: &AuthorId) -> u64 {
        self.state().peers.get(id).map_or(0, |entry| entry.seen_ms)
    }

    /// Whether a peer of which `counts` is true was seen or told of at this address.
    pub fn seen_at(&self, address: &SocketAddr, counts: impl Fn(&AuthorId) -> bool) -> bool {
        let state = self.state();
        let mut there = state
            .peers
            .iter()
            .filter(|(_, entry)| entry.direct.contains(address));
        there.any(|(id, _)| counts(id))
    }

    /// Returns when something has changed that may not be written yet. Cancel safe.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Writes the book by rename if it has changed. Blocking.
    ///
    /// # Errors
    /// Those of the file system; the old file then stays, and the next call tries again.
    pub fn save(&self) -> std::io::Result<()> {
        let file = {
            let mut state = self.state();
            if !std::mem::take(&mut state.dirty) {
                return Ok(());
            }
            render(&state.peers)
        };
        let written = write_by_rename(&self.path, &file);
        if written.is_err() {
            self.state().dirty = true;
            self.changed.notify_one();
        }
        written
    }

    fn entry(&self, id: &AuthorId) -> Entry {
        self.state().peers.get(id).cloned().unwrap_or(Entry {
            relay: None,
            direct: Vec::new(),
            seen_ms: 0,
        })
    }

    fn insert(&self, id: AuthorId, entry: Entry) {
        let Some(endpoint) = endpoint_id(&id) else {
            return;
        };
        let mut state = self.state();
        if state.peers.get(&id) == Some(&entry) {
            return;
        }
        let relay = entry.relay.iter().cloned().map(TransportAddr::Relay);
        let direct = entry.direct.iter().copied().map(TransportAddr::Ip);
        self.lookup
            .set_endpoint_info(EndpointAddr::from_parts(endpoint, relay.chain(direct)));
        state.peers.insert(id, entry);
        state.dirty = true;
        self.changed.notify_one();
        if state.peers.len() > ADDRESS_BOOK_PEERS_MAX {
            let oldest = state
                .peers
                .iter()
                .min_by_key(|(id, entry)| (entry.seen_ms, **id));
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                state.peers.remove(&oldest);
                endpoint_id(&oldest).map(|id| self.lookup.remove_endpoint_info(id));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn relay_url(text: &str) -> Option<RelayUrl> {
    let fits = |url: &RelayUrl| url.as_str().len() <= RELAY_BYTES_MAX;
    (text.len() <= RELAY_BYTES_MAX)
        .then(|| text.parse().ok().filter(fits))
        .flatten()
}

fn parse(bytes: &[u8]) -> Option<Vec<(AuthorId, Entry)>> {
    let file: BookFile = serde_json::from_slice(bytes).ok()?;
    if file.v != VERSION {
        return None;
    }
    let mut peers = Vec::new();
    for line in file.peers {
        let entry = Entry {
            relay: line.relay.as_deref().and_then(relay_url),
            direct: line.direct.into_iter().take(DIRECT_ADDRESSES_MAX).collect(),
            seen_ms: line.seen,
        };
        peers.push((line.id.parse().ok()?, entry));
    }
    Some(peers)
}

fn render(peers: &HashMap<AuthorId, Entry>) -> BookFile {
    let mut peers: Vec<PeerLine> = peers
        .iter()
        .map(|(id, entry)| PeerLine {
            id: id.to_hex(),
            relay: entry.relay.as_ref().map(ToString::to_string),
            direct: entry.direct.clone(),
            seen: entry.seen_ms,
        })
        .collect();
    peers.sort_by(|a, b| (b.seen, &a.id).cmp(&(a.seen, &b.id)));
    BookFile { v: VERSION, peers }
}

fn write_by_rename(path: &Path, file: &BookFile) -> std::io::Result<()> {
    let mut bytes = serde_json::to_vec(file)?;
    bytes.push(b'\n');
    FsStorage.replace(path, &bytes, Durability::Synced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> AuthorId {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&n.to_le_bytes());
        author(iroh::SecretKey::from_bytes(&seed).public())
    }

    fn address(n: u32, ports: std::ops::Range<u16>) -> PeerAddress {
        let direct = ports
            .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
            .collect();
        PeerAddress {
            id: id(n),
            relay: None,
            direct,
        }
    }

    #[test]
    fn what_was_learned_survives_a_restart() {
        let home = tempfile::tempdir().unwrap();
        let book = AddressBook::load(home.path());
        let learned = address(1, 1000..1003);
        book.learn(&learned);
        book.save().unwrap();
        let again = AddressBook::load(home.path());
        assert_eq!(again.address(&id(1)).unwrap().direct, learned.direct);
        let looked_up = again
            .lookup()
            .get_endpoint_info(endpoint_id(&id(1)).unwrap())
            .unwrap();
        assert_eq!(looked_up.ip_addrs().count(), 3);
    }

    #[test]
    fn damage_gives_an_empty_book_that_can_be_written() {
        let home = tempfile::tempdir().unwrap();
        for damage in ["", "{", r#"{"v":2,"peers":[]}"#, "\u{0}\u{0}"] {
            std::fs::write(home.path().join(FILE_NAME), damage).unwrap();
            let book = AddressBook::load(home.path());
            assert!(book.address(&id(1)).is_none());
            book.learn(&address(1, 1..2));
            book.save().unwrap();
            assert!(AddressBook::load(home.path()).address(&id(1)).is_some());
        }
    }

    #[test]
    fn hearsay_does_not_replace_a_relay() {
        let home = tempfile::tempdir().unwrap();
        let book = AddressBook::load(home.path());
        let told = |relay: &str| {
            book.learn(&PeerAddress {
                relay: Some(relay.to_owned()),
                ..address(1, 1..2)
            });
            book.address(&id(1)).unwrap().relay
        };
        let long = format!("https://{}.example./", "a".repeat(RELAY_BYTES_MAX));
        assert_eq!(told(&long), None);
        let first = Some("https://first.example./".to_owned());
        assert_eq!(told("https://first.example./"), first);
        assert_eq!(told("https://other.example./"), first);
    }

    #[test]
    fn both_bounds_hold() {
        let home = tempfile::tempdir().unwrap();
        let book = AddressBook::load(home.path());
        for n in 0..ADDRESS_BOOK_PEERS_MAX as u32 + 20 {
            book.learn(&address(n, 0..100));
        }
        let state = book.state();
        assert_eq!(state.peers.len(), ADDRESS_BOOK_PEERS_MAX);
        assert!(
            state
                .peers
                .values()
                .all(|entry| entry.direct.len() <= DIRECT_ADDRESSES_MAX)
        );
    }
}
