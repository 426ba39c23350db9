//! The fast path of one room: iroh-gossip, supervised.
//!
//! Gossip is best effort: it loses bursts, partitions, and can stall for ever without an error
//! (its actor then waits for one peer's full queue). So nobody but the tasks in here ever awaits
//! it, each await has a deadline, and gossip that stalls, fails or panics is dropped and built
//! anew. What was lost meanwhile comes by sync.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cc_proto::id::AuthorId;
use cc_proto::limits::GOSSIP_FRAME_BYTES_MAX;
use futures_util::StreamExt;
use iroh::endpoint::Connection;
use iroh_gossip::TopicId;
use iroh_gossip::api::{Event, GossipReceiver, GossipSender, JoinOptions};
use iroh_gossip::net::Gossip;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::addresses::AddressBook;
use crate::gate::{author, endpoint_id};
use crate::node::Net;
use crate::room::inbox::{RoomInbox, RoomMessage};
use crate::tuning::{
    GOSSIP_BACKOFF_MAX, GOSSIP_BACKOFF_MIN, GOSSIP_JOIN_INTERVAL, GOSSIP_JOIN_PEERS_MAX,
    GOSSIP_MERGE_INTERVAL, GOSSIP_PROBE_INTERVAL, GOSSIP_REPORT_INTERVAL, GOSSIP_SEND_QUEUE_MAX,
    GOSSIP_STALL_TIMEOUT, GOSSIP_SUBSCRIPTION_MAX,
};

/// What iroh-gossip wraps around a payload, rounded up.
const ENVELOPE_BYTES: usize = 128;
/// Longest connection backlog: they are dialled anew if dropped.
const ACCEPT_QUEUE_MAX: usize = 16;

/// How a room's fast path is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum GossipState {
    /// Switched off, or the room has not been joined yet.
    #[default]
    Off,
    /// Running.
    Up,
    /// It stalled or failed and is being built anew; messages come by sync.
    Rebuilding,
}

/// How a room's fast path is doing, with its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GossipStatus {
    /// How it is now.
    pub state: GossipState,
    /// Peers directly connected by gossip.
    pub neighbors: usize,
    /// How often it had to be built anew since the node started.
    pub rebuilds: u64,
}

/// What one room's gossip needs.
#[derive(Debug, Clone)]
pub struct GossipConfig {
    /// The protocol name of the room's gossip.
    pub alpn: Vec<u8>,
    /// The topic within it, from the room id by hash.
    pub topic: [u8; 32],
}

/// Talks to a room's gossip without ever waiting for it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GossipHandle {
    frames: mpsc::Sender<Vec<u8>>,
    accepted: mpsc::Sender<Connection>,
    peers: watch::Sender<Arc<[AuthorId]>>,
    wanted: watch::Sender<Vec<AuthorId>>,
    status: watch::Receiver<GossipStatus>,
}

impl GossipHandle {
    /// Queues a frame; says whether it was taken. Refused are frames too long for gossip, which
    /// would kill a connection in silence, and any frame while the queue is full.
    pub fn broadcast(&self, frame: Vec<u8>) -> bool {
        if frame.len() > GOSSIP_FRAME_BYTES_MAX - ENVELOPE_BYTES {
            tracing::warn!(
                bytes = frame.len(),
                "a frame too long for gossip was left to sync"
            );
            return false;
        }
        self.frames.try_send(frame).is_ok()
    }

    /// Hands over an incoming connection; closed if gossip is not there to take it.
    pub fn accept(&self, connection: Connection) {
        if let Err(error) = self.accepted.try_send(connection) {
            let (mpsc::error::TrySendError::Full(connection)
            | mpsc::error::TrySendError::Closed(connection)) = error;
            connection.close(crate::gate::DROPPED, b"");
        }
    }

    /// Sets whom to join when there are no neighbours.
    pub fn set_peers(&self, peers: Vec<AuthorId>) {
        self.peers.send_replace(peers.into());
    }

    /// Names peers to join soon, neighbours or not.
    pub fn join(&self, peers: Vec<AuthorId>) {
        self.wanted.send_replace(peers);
    }

    /// How it is doing.
    pub fn status(&self) -> GossipStatus {
        *self.status.borrow()
    }
}

/// Owns a room's gossip and builds it anew when it must.
#[derive(Debug)]
pub struct GossipSupervisor {
    config: GossipConfig,
    net: Arc<Net>,
    inbox: RoomInbox,
    frames: mpsc::Receiver<Vec<u8>>,
    accepted: mpsc::Receiver<Connection>,
    peers: watch::Receiver<Arc<[AuthorId]>>,
    wanted: watch::Receiver<Vec<AuthorId>>,
    seen: watch::Sender<Seen>,
    status: watch::Sender<GossipStatus>,
}

/// What gossip said and the room may not know yet.
#[derive(Debug, Default)]
struct Seen {
    neighbors: BTreeSet<AuthorId>,
    lagged: bool,
}

/// Why an instance of gossip came to its end.
#[derive(Debug, thiserror::Error)]
enum GossipFailure {
    #[error("it took nothing for {GOSSIP_STALL_TIMEOUT:?}")]
    Stalled,
    #[error("it stopped")]
    Stopped,
}

impl GossipSupervisor {
    /// A supervisor, to be run by its own task, and its handle.
    pub fn new(config: GossipConfig, net: Arc<Net>, inbox: RoomInbox) -> (Self, GossipHandle) {
        let (frames_tx, frames) = mpsc::channel(GOSSIP_SEND_QUEUE_MAX);
        let (accepted_tx, accepted) = mpsc::channel(ACCEPT_QUEUE_MAX);
        let (peers_tx, peers) = watch::channel(Arc::default());
        let (wanted_tx, wanted) = watch::channel(Vec::new());
        let (status, status_rx) = watch::channel(GossipStatus::default());
        let handle = GossipHandle {
            frames: frames_tx,
            accepted: accepted_tx,
            peers: peers_tx,
            wanted: wanted_tx,
            status: status_rx,
        };
        let seen = watch::Sender::default();
        let supervisor = Self {
            config,
            net,
            inbox,
            frames,
            accepted,
            peers,
            wanted,
            seen,
            status,
        };
        (supervisor, handle)
    }

    /// Runs until cancelled.
    pub async fn run(mut self, cancelled: CancellationToken) {
        let reporter = report(self.seen.subscribe(), self.seen.clone(), self.inbox.clone());
        tokio::select! {
            () = self.supervise() => {}
            () = reporter => {}
            () = cancelled.cancelled() => {}
        }
    }

    async fn supervise(&mut self) {
        let mut backoff = GOSSIP_BACKOFF_MIN;
        loop {
            self.set_state(GossipState::Up);
            let started = Instant::now();
            let Err(failure) = self.run_instance().await;
            // The peers' gossip must see the end too: a half-dead connection is what stalled it.
            self.net.gate.drop_connections(&self.config.alpn);
            self.seen.send_modify(|seen| {
                seen.neighbors.clear();
                seen.lagged = true;
            });
            if started.elapsed() > GOSSIP_BACKOFF_MAX {
                backoff = GOSSIP_BACKOFF_MIN;
            }
            tracing::warn!(%failure, ?backoff, "gossip is built anew");
            self.net.prune_lookups();
            self.status.send_modify(|status| status.rebuilds += 1);
            self.set_state(GossipState::Rebuilding);
            self.discard_while(backoff).await;
            backoff = (backoff * 2).min(GOSSIP_BACKOFF_MAX);
        }
    }

    /// While there is no gossip its queues must not fill with what will be stale.
    async fn discard_while(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                Some(_) = self.frames.recv() => {}
                Some(_) = self.accepted.recv() => {}
            }
        }
    }

    async fn run_instance(&mut self) -> Result<std::convert::Infallible, GossipFailure> {
        let gossip = Gossip::builder()
            .alpn(&self.config.alpn)
            .max_message_size(GOSSIP_FRAME_BYTES_MAX)
            .spawn(self.net.endpoint.clone());
        let topic = TopicId::from_bytes(self.config.topic);
        let (sender, receiver) = subscribe(&gossip, topic).await?.split();
        let (seen, status) = (&self.seen, &self.status);
        tokio::select! {
            failure = receive(receiver, seen, status, &self.inbox) => failure,
            failure = send(&sender, &mut self.frames, seen) => failure,
            failure = accept(&gossip, &mut self.accepted) => failure,
            failure = probe(&gossip, topic, seen) => failure,
            failure = join(&sender, &self.peers, &self.net.book, seen) => failure,
            failure = join_wanted(&sender, &mut self.wanted, seen) => failure,
        }
        // Dropping the instance aborts its actor wherever it waits.
    }

    fn set_state(&self, state: GossipState) {
        self.status.send_modify(|status| {
            status.state = state;
            status.neighbors = self.seen.borrow().neighbors.len();
        });
    }
}

type Never = Result<std::convert::Infallible, GossipFailure>;

async fn within<T, E>(future: impl Future<Output = Result<T, E>>) -> Result<T, GossipFailure> {
    match timeout(GOSSIP_STALL_TIMEOUT, future).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => Err(GossipFailure::Stopped),
        Err(_) => Err(GossipFailure::Stalled),
    }
}

async fn subscribe(
    gossip: &Gossip,
    topic: TopicId,
) -> Result<iroh_gossip::api::GossipTopic, GossipFailure> {
    let options = JoinOptions {
        bootstrap: BTreeSet::new(),
        subscription_capacity: GOSSIP_SUBSCRIPTION_MAX,
    };
    within(gossip.subscribe_with_opts(topic, options)).await
}

async fn receive(
    mut receiver: GossipReceiver,
    seen: &watch::Sender<Seen>,
    status: &watch::Sender<GossipStatus>,
    inbox: &RoomInbox,
) -> Never {
    loop {
        match receiver.next().await {
            Some(Ok(Event::Received(message))) => {
                let from = author(message.delivered_from);
                let message = RoomMessage::Gossip {
                    from,
                    bytes: message.content.to_vec(),
                };
                if inbox.try_send(message).is_err() {
                    seen.send_modify(|seen| seen.lagged = true);
                }
            }
            Some(Ok(Event::NeighborUp(peer))) => {
                seen.send_modify(|seen| {
                    seen.neighbors.insert(author(peer));
                });
            }
            Some(Ok(Event::NeighborDown(peer))) => {
                seen.send_modify(|seen| {
                    seen.neighbors.remove(&author(peer));
                });
            }
            Some(Ok(Event::Lagged)) => seen.send_modify(|seen| seen.lagged = true),
            Some(Err(_)) | None => return Err(GossipFailure::Stopped),
        }
        let neighbors = seen.borrow().neighbors.len();
        status.send_if_modified(|status| {
            std::mem::replace(&mut status.neighbors, neighbors) != neighbors
        });
    }
}

async fn send(
    sender: &GossipSender,
    frames: &mut mpsc::Receiver<Vec<u8>>,
    seen: &watch::Sender<Seen>,
) -> Never {
    while let Some(frame) = frames.recv().await {
        // Without a neighbour gossip would only throw it away.
        if !seen.borrow().neighbors.is_empty() {
            within(sender.broadcast(frame.into())).await?;
        }
    }
    std::future::pending().await
}

async fn accept(gossip: &Gossip, accepted: &mut mpsc::Receiver<Connection>) -> Never {
    while let Some(connection) = accepted.recv().await {
        within(gossip.handle_connection(connection)).await?;
    }
    std::future::pending().await
}

/// Asks for a sign of life: a new subscriber is told of the present neighbours by the very actor
/// that would hang. Without neighbours there is no queue that it could hang on.
async fn probe(gossip: &Gossip, topic: TopicId, seen: &watch::Sender<Seen>) -> Never {
    let mut changes = seen.subscribe();
    loop {
        tokio::time::sleep(GOSSIP_PROBE_INTERVAL).await;
        changes
            .wait_for(|seen| !seen.neighbors.is_empty())
            .await
            .ok();
        let mut subscription = subscribe(gossip, topic).await?;
        let answer = timeout(GOSSIP_STALL_TIMEOUT, subscription.next()).await;
        match answer {
            Ok(Some(Ok(_))) => {}
            Ok(_) => return Err(GossipFailure::Stopped),
            Err(_) if seen.borrow().neighbors.is_empty() => {}
            Err(_) => return Err(GossipFailure::Stalled),
        }
    }
}

/// Gossip does not join again by itself, and partitions do not merge by themselves.
async fn join(
    sender: &GossipSender,
    peers: &watch::Receiver<Arc<[AuthorId]>>,
    book: &AddressBook,
    seen: &watch::Sender<Seen>,
) -> Never {
    let mut peers = peers.clone();
    let mut changes = seen.subscribe();
    let mut round = 0;
    loop {
        let alone = seen.borrow().neighbors.is_empty();
        let count = if alone { GOSSIP_JOIN_PEERS_MAX } else { 1 };
        let candidates = {
            let known = peers.borrow_and_update();
            let seen = seen.borrow();
            let others = known.iter().filter(|peer| !seen.neighbors.contains(peer));
            choose(
                others.copied().collect(),
                |peer| book.last_seen(peer),
                count,
                round,
            )
        };
        round += 1;
        let endpoints: Vec<_> = candidates.iter().filter_map(endpoint_id).collect();
        if !endpoints.is_empty() {
            within(sender.join_peers(endpoints)).await?;
        }
        if alone {
            tokio::select! {
                () = tokio::time::sleep(GOSSIP_JOIN_INTERVAL) => {}
                // A new member is joined at once.
                Ok(()) = peers.changed() => {}
            }
        } else {
            tokio::select! {
                () = tokio::time::sleep(GOSSIP_MERGE_INTERVAL) => {}
                Ok(_) = changes.wait_for(|seen| seen.neighbors.is_empty()) => {}
            }
        }
    }
}

/// Joins those that the core names: new members, and whoever it dials when it is alone.
async fn join_wanted(
    sender: &GossipSender,
    wanted: &mut watch::Receiver<Vec<AuthorId>>,
    seen: &watch::Sender<Seen>,
) -> Never {
    while wanted.changed().await.is_ok() {
        let endpoints: Vec<_> = {
            let (wanted, seen) = (wanted.borrow_and_update(), seen.borrow());
            let others = wanted.iter().filter(|peer| !seen.neighbors.contains(peer));
            others
                .take(GOSSIP_JOIN_PEERS_MAX)
                .filter_map(endpoint_id)
                .collect()
        };
        if !endpoints.is_empty() {
            within(sender.join_peers(endpoints)).await?;
        }
    }
    std::future::pending().await
}

/// Half of `count` are those seen last, the rest take turns, so that no member is never tried.
pub fn choose(
    mut peers: Vec<AuthorId>,
    last_seen: impl Fn(&AuthorId) -> u64,
    count: usize,
    round: usize,
) -> Vec<AuthorId> {
    peers.sort_by_cached_key(|peer| (std::cmp::Reverse(last_seen(peer)), *peer));
    if peers.len() <= count {
        return peers;
    }
    let recent = count / 2;
    let rest = peers.split_off(recent);
    let turns = count - recent;
    peers.extend((0..turns).map(|k| rest[(round * turns + k) % rest.len()]));
    peers
}

/// Tells the room of neighbours and lag, again and again until its queue takes them.
async fn report(mut changes: watch::Receiver<Seen>, seen: watch::Sender<Seen>, inbox: RoomInbox) {
    let mut reported = BTreeSet::new();
    loop {
        let (goal, lagged) = {
            let seen = changes.borrow_and_update();
            (seen.neighbors.clone(), seen.lagged)
        };
        let mut complete = true;
        for peer in reported.difference(&goal).copied().collect::<Vec<_>>() {
            if inbox.try_send(RoomMessage::NeighborDown(peer)).is_ok() {
                reported.remove(&peer);
            }
        }
        for peer in goal.difference(&reported).copied().collect::<Vec<_>>() {
            if inbox.try_send(RoomMessage::NeighborUp(peer)).is_ok() {
                reported.insert(peer);
            }
        }
        complete &= reported == goal;
        if lagged {
            if inbox.try_send(RoomMessage::GossipLagged).is_ok() {
                seen.send_if_modified(|seen| {
                    seen.lagged = false;
                    false
                });
            } else {
                complete = false;
            }
        }
        // Never more often than this: a flood must not become a flood of lag reports.
        tokio::time::sleep(if lagged {
            GOSSIP_REPORT_INTERVAL
        } else {
            Duration::ZERO
        })
        .await;
        if complete {
            if changes.changed().await.is_err() {
                return;
            }
        } else {
            tokio::time::sleep(GOSSIP_REPORT_INTERVAL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_tried_in_turn_and_the_last_seen_always() {
        let peers: Vec<_> = (0..20).map(|n| AuthorId::from_bytes([n; 32])).collect();
        let mut tried = BTreeSet::new();
        for round in 0..10 {
            let chosen = choose(
                peers.clone(),
                |peer| u64::from(peer.as_bytes()[0]),
                4,
                round,
            );
            assert_eq!(chosen.len(), 4);
            assert!(chosen.contains(&peers[19]) && chosen.contains(&peers[18]));
            tried.extend(chosen);
        }
        assert_eq!(tried.len(), 20);
        assert_eq!(choose(peers[..3].to_vec(), |_| 0, 4, 7).len(), 3);
    }
}
