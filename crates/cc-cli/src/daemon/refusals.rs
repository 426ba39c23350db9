//! Of whom something was refused in a room, and how often: for `status`.

use std::collections::BTreeMap;

use cc_net::{RoomEvent, RoomEvents};
use cc_proto::id::AuthorId;
use cc_proto::room::RoomEvent as CoreEvent;
use tokio::sync::watch;

use crate::rpc::RefusedPeer;

/// Peers that are kept of one room; a further one takes the place of the one refused least often.
const PEERS_MAX: usize = 16;

/// Counts until the room is closed, and shows what it counted.
pub async fn count(mut events: RoomEvents, shown: watch::Sender<Vec<RefusedPeer>>) {
    let mut peers: BTreeMap<AuthorId, (u64, String)> = BTreeMap::new();
    while let Some(event) = events.next().await {
        let RoomEvent::Core(CoreEvent::Refused { peer, kind }) = event else {
            continue;
        };
        note(&mut peers, peer, kind.to_string());
        shown.send_replace(list(&peers));
    }
}

fn note(peers: &mut BTreeMap<AuthorId, (u64, String)>, peer: AuthorId, reason: String) {
    if peers.len() >= PEERS_MAX && !peers.contains_key(&peer) {
        let least = peers.iter().min_by_key(|(_, (count, _))| *count);
        if let Some(least) = least.map(|(least, _)| *least) {
            peers.remove(&least);
        }
    }
    let (count, last) = peers.entry(peer).or_default();
    *count += 1;
    *last = reason;
}

fn list(peers: &BTreeMap<AuthorId, (u64, String)>) -> Vec<RefusedPeer> {
    let peers = peers.iter().map(|(peer, (count, reason))| RefusedPeer {
        peer: peer.to_hex(),
        reason: reason.clone(),
        count: *count,
    });
    peers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_peers_are_kept_and_the_worst_ones_stay() {
        let author = |byte| AuthorId::from_bytes([byte; 32]);
        let mut peers = BTreeMap::new();
        note(&mut peers, author(0), "first".to_owned());
        note(&mut peers, author(0), "second".to_owned());
        for byte in 1..=100 {
            note(&mut peers, author(byte), "once".to_owned());
        }
        let listed = list(&peers);
        assert_eq!(listed.len(), PEERS_MAX);
        assert_eq!((&*listed[0].reason, listed[0].count), ("second", 2));
    }
}
