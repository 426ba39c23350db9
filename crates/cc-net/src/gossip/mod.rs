//! The fast path of one room: iroh-gossip, supervised.
//!
//! Gossip is best effort: it loses bursts, partitions, and can stall for ever without an error
//! (its actor then waits for one peer's full queue). So nobody but the tasks in here ever awaits
//! it, each await has a deadline, and gossip that stalls, fails or panics is dropped and built
//! anew. What was lost meanwhile comes by sync.

mod instance;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use cc_proto::id::AuthorId;
use cc_proto::limits::GOSSIP_FRAME_BYTES_MAX;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use iroh::endpoint::Connection;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::node::Net;
use crate::room::inbox::{RoomInbox, RoomMessage};
use crate::tuning::{
    GOSSIP_BACKOFF_MAX, GOSSIP_BACKOFF_MIN, GOSSIP_RECEIVE_QUEUE_MAX, GOSSIP_REPORT_INTERVAL,
    GOSSIP_SEND_QUEUE_MAX, GOSSIP_STALL_TIMEOUT,
};

use instance::Parts;
pub use instance::choose;

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

/// Why gossip had to be built anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GossipFault {
    /// It took no frame, or gave no sign of life.
    #[error("it took nothing for {GOSSIP_STALL_TIMEOUT:?}")]
    Stalled,
    /// It stopped by itself, or its actor panicked.
    #[error("it stopped")]
    Stopped,
    /// What drives it panicked.
    #[error("it panicked")]
    Panicked,
}

/// How a room's fast path is doing, with its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct GossipStatus {
    /// How it is now.
    pub state: GossipState,
    /// Peers directly connected by gossip.
    pub neighbors: usize,
    /// How often it had to be built anew since the node started.
    pub rebuilds: u64,
    /// Why it had to be, the last time.
    pub last_fault: Option<GossipFault>,
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
    parts: Parts,
}

/// What gossip said and the room may not know yet.
#[derive(Debug, Default)]
struct Seen {
    neighbors: BTreeSet<AuthorId>,
    lagged: bool,
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
        let parts = Parts {
            config,
            net,
            inbox,
            frames,
            accepted,
            peers,
            wanted,
            seen: watch::Sender::default(),
            status,
            waiting: Arc::new(Semaphore::new(GOSSIP_RECEIVE_QUEUE_MAX)),
        };
        (Self { parts }, handle)
    }

    /// Runs until cancelled.
    pub async fn run(mut self, cancelled: CancellationToken) {
        let parts = &self.parts;
        let reporter = report(
            parts.seen.subscribe(),
            parts.seen.clone(),
            parts.inbox.clone(),
        );
        tokio::select! {
            () = self.supervise(|parts| parts.run_instance().boxed()) => {}
            () = reporter => {}
            () = cancelled.cancelled() => {}
        }
    }

    /// Runs instance after instance.
    async fn supervise(
        &mut self,
        mut instance: impl for<'a> FnMut(&'a mut Parts) -> BoxFuture<'a, GossipFault>,
    ) {
        let mut backoff = GOSSIP_BACKOFF_MIN;
        loop {
            self.set_state(GossipState::Up);
            let started = Instant::now();
            // What an instance leaves half done is thrown away with it.
            let ended = AssertUnwindSafe(instance(&mut self.parts)).catch_unwind();
            let fault = ended.await.unwrap_or(GossipFault::Panicked);
            let parts = &self.parts;
            // The peers' gossip must see the end too: a half-dead connection is what stalled it.
            parts.net.gate.drop_connections(&parts.config.alpn);
            parts.seen.send_modify(|seen| {
                seen.neighbors.clear();
                seen.lagged = true;
            });
            if started.elapsed() > GOSSIP_BACKOFF_MAX {
                backoff = GOSSIP_BACKOFF_MIN;
            }
            tracing::warn!(%fault, ?backoff, "gossip is built anew");
            parts.net.prune_lookups();
            parts.status.send_modify(|status| {
                status.rebuilds += 1;
                status.last_fault = Some(fault);
            });
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
                Some(_) = self.parts.frames.recv() => {}
                Some(_) = self.parts.accepted.recv() => {}
            }
        }
    }

    fn set_state(&self, state: GossipState) {
        self.parts.status.send_modify(|status| {
            status.state = state;
            status.neighbors = self.parts.seen.borrow().neighbors.len();
        });
    }
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
            if inbox.try_send(RoomMessage::NeighborDown(peer)) {
                reported.remove(&peer);
            }
        }
        for peer in goal.difference(&reported).copied().collect::<Vec<_>>() {
            if inbox.try_send(RoomMessage::NeighborUp(peer)) {
                reported.insert(peer);
            }
        }
        complete &= reported == goal;
        if lagged {
            if inbox.try_send(RoomMessage::GossipLagged) {
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
    use crate::{NodeBuilder, RelayChoice};
    use cc_proto::identity::Identity;

    #[tokio::test]
    async fn gossip_that_stalls_or_panics_is_built_anew_and_it_shows() {
        let home = tempfile::tempdir().unwrap();
        let node = NodeBuilder::new(home.path())
            .identity(Identity::from_seed([1; 32]))
            .relay(RelayChoice::None)
            .mdns(false)
            .bind(([127, 0, 0, 1], 0).into())
            .spawn()
            .await
            .unwrap();
        let config = GossipConfig {
            alpn: b"cc-connect/gossip/1/test".to_vec(),
            topic: [7; 32],
        };
        let (inbox, _received) = RoomInbox::new();
        let (mut supervisor, handle) = GossipSupervisor::new(config, node.net().clone(), inbox);
        let mut instances = 0;
        let supervised = supervisor.supervise(|parts| {
            instances += 1;
            match instances {
                1 => async { GossipFault::Stalled }.boxed(),
                2 => async { panic!("as a test wants it") }.boxed(),
                _ => parts.run_instance().boxed(),
            }
        });
        let mut status = handle.status.clone();
        let watched = async {
            let mut seen = Vec::new();
            for rebuilds in 1..=2 {
                let stalled = |status: &GossipStatus| {
                    status.rebuilds == rebuilds && status.state == GossipState::Rebuilding
                };
                seen.extend(status.wait_for(stalled).await.unwrap().last_fault);
            }
            let up = |status: &GossipStatus| status.state == GossipState::Up;
            status.wait_for(up).await.unwrap();
            seen
        };
        let watched = tokio::time::timeout(Duration::from_secs(30), watched);
        let seen = tokio::select! {
            () = supervised => unreachable!("it never ends by itself"),
            seen = watched => seen.unwrap(),
        };
        assert_eq!(seen, [GossipFault::Stalled, GossipFault::Panicked]);
        assert_eq!(handle.status().state, GossipState::Up);
        assert_eq!(seen[1].to_string(), "it panicked");
        node.shutdown().await;
    }
}
