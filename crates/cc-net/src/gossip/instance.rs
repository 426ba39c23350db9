//! One instance of a room's gossip, from its start until it fails.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cc_proto::id::AuthorId;
use cc_proto::limits::GOSSIP_FRAME_BYTES_MAX;
use futures_util::StreamExt;
use iroh::endpoint::Connection;
use iroh_gossip::TopicId;
use iroh_gossip::api::{Event, GossipReceiver, GossipSender, JoinOptions};
use iroh_gossip::net::Gossip;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;

use super::{GossipFault, GossipStatus, Seen};
use crate::addresses::AddressBook;
use crate::allowance::Allowance;
use crate::gate::{author, endpoint_id};
use crate::node::Net;
use crate::room::inbox::{RoomInbox, RoomMessage};
use crate::tuning::{
    GOSSIP_CONNECTIONS_MAX, GOSSIP_JOIN_INTERVAL, GOSSIP_JOIN_PEERS_MAX, GOSSIP_MERGE_INTERVAL,
    GOSSIP_NEIGHBOR_BURST, GOSSIP_NEIGHBOR_PER_SECOND, GOSSIP_PROBE_INTERVAL, GOSSIP_STALL_TIMEOUT,
    GOSSIP_SUBSCRIPTION_MAX,
};

/// What an instance works with; all of it outlives the instance.
#[derive(Debug)]
pub(super) struct Parts {
    pub config: super::GossipConfig,
    pub net: Arc<Net>,
    pub inbox: RoomInbox,
    pub frames: mpsc::Receiver<Vec<u8>>,
    pub accepted: mpsc::Receiver<Connection>,
    pub peers: watch::Receiver<Arc<[AuthorId]>>,
    pub wanted: watch::Receiver<Vec<AuthorId>>,
    pub seen: watch::Sender<Seen>,
    pub status: watch::Sender<GossipStatus>,
    /// Bounds the frames that wait for the room's thread.
    pub waiting: Arc<Semaphore>,
}

impl Parts {
    /// Runs gossip until it fails. Dropping the future aborts its actor wherever that waits.
    pub async fn run_instance(&mut self) -> GossipFault {
        let Err(fault) = self.instance().await;
        fault
    }

    async fn instance(&mut self) -> Never {
        let gossip = Gossip::builder()
            .alpn(&self.config.alpn)
            .max_message_size(GOSSIP_FRAME_BYTES_MAX)
            .spawn(self.net.endpoint.clone());
        let topic = TopicId::from_bytes(self.config.topic);
        let (sender, receiver) = subscribe(&gossip, topic).await?.split();
        let (seen, status) = (&self.seen, &self.status);
        let delivery = Delivery {
            inbox: &self.inbox,
            waiting: &self.waiting,
            neighbors: HashMap::new(),
        };
        tokio::select! {
            fault = receive(receiver, seen, status, delivery) => fault,
            fault = send(&sender, &mut self.frames, seen) => fault,
            fault = accept(&gossip, &mut self.accepted) => fault,
            fault = probe(&gossip, topic, seen) => fault,
            fault = join(&sender, &self.peers, &self.net.book, seen) => fault,
            fault = join_wanted(&sender, &mut self.wanted, seen) => fault,
        }
    }
}

type Never = Result<std::convert::Infallible, GossipFault>;

async fn within<T, E>(future: impl Future<Output = Result<T, E>>) -> Result<T, GossipFault> {
    match timeout(GOSSIP_STALL_TIMEOUT, future).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => Err(GossipFault::Stopped),
        Err(_) => Err(GossipFault::Stalled),
    }
}

async fn subscribe(
    gossip: &Gossip,
    topic: TopicId,
) -> Result<iroh_gossip::api::GossipTopic, GossipFault> {
    let options = JoinOptions {
        bootstrap: BTreeSet::new(),
        subscription_capacity: GOSSIP_SUBSCRIPTION_MAX,
    };
    within(gossip.subscribe_with_opts(topic, options)).await
}

/// Hands frames to the room, each neighbour's within its own bounds.
struct Delivery<'a> {
    inbox: &'a RoomInbox,
    waiting: &'a Arc<Semaphore>,
    neighbors: HashMap<AuthorId, Allowance>,
}

impl Delivery<'_> {
    /// Says whether the room will see the frame.
    fn deliver(&mut self, from: AuthorId, bytes: Vec<u8>) -> bool {
        if self.neighbors.len() > GOSSIP_CONNECTIONS_MAX {
            self.neighbors.retain(|_, allowance| !allowance.is_full());
        }
        let allowance = self
            .neighbors
            .entry(from)
            .or_insert_with(|| Allowance::new(GOSSIP_NEIGHBOR_BURST, GOSSIP_NEIGHBOR_PER_SECOND));
        if !allowance.debt().is_zero() {
            return false;
        }
        allowance.spend(1);
        let Ok(permit) = self.waiting.clone().try_acquire_owned() else {
            return false;
        };
        let message = RoomMessage::Gossip {
            from,
            bytes,
            permit,
        };
        self.inbox.try_send(message)
    }
}

async fn receive(
    mut receiver: GossipReceiver,
    seen: &watch::Sender<Seen>,
    status: &watch::Sender<GossipStatus>,
    mut delivery: Delivery<'_>,
) -> Never {
    loop {
        match receiver.next().await {
            Some(Ok(Event::Received(message))) => {
                let from = author(message.delivered_from);
                if !delivery.deliver(from, message.content.to_vec()) {
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
            Some(Err(_)) | None => return Err(GossipFault::Stopped),
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
            Ok(_) => return Err(GossipFault::Stopped),
            Err(_) if seen.borrow().neighbors.is_empty() => {}
            Err(_) => return Err(GossipFault::Stalled),
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
