//! The accept loop: bounded, with a deadline on every step, open to noise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cc_proto::frames::{RoomTag, SYNC_ALPN, hello_tag, refusal_frame};
use cc_proto::limits::HELLO_BYTES_MAX;
use iroh::EndpointId;
use iroh::endpoint::{Connection, Incoming};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::Net;
use crate::gate::author;
use crate::room::inbox::RoomMessage;
use crate::sync_io::{BROKEN, GOING_AWAY, SyncStream, TOO_SLOW, run_session, session_handle};
use crate::tuning::{
    CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, CONNECTIONS_UNPROVEN_MAX, FIRST_FRAME_TIMEOUT,
    HANDSHAKE_TIMEOUT,
};

/// Accepts until cancelled or the endpoint is closed.
pub async fn accept_loop(net: Arc<Net>, cancelled: CancellationToken) {
    let mut connections = JoinSet::new();
    let peers = PeerCounts::default();
    loop {
        let incoming = tokio::select! {
            () = cancelled.cancelled() => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(%error, "a connection's task panicked");
                }
                continue;
            }
            incoming = net.endpoint.accept() => incoming,
        };
        let Some(incoming) = incoming else { break };
        if connections.len() >= CONNECTIONS_MAX {
            tracing::debug!("too many connections: one was refused");
            incoming.refuse();
        } else if connections.len() >= CONNECTIONS_UNPROVEN_MAX && !incoming.remote_addr_validated()
        {
            incoming.retry().ok();
        } else {
            let (net, peers) = (net.clone(), peers.clone());
            connections.spawn(handle(net, incoming, peers).in_current_span());
        }
    }
    connections.shutdown().await;
}

async fn handle(net: Arc<Net>, incoming: Incoming, peers: PeerCounts) {
    let connection = match timeout(HANDSHAKE_TIMEOUT, incoming).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return tracing::debug!(%error, "no handshake"),
        Err(_) => return tracing::debug!("no handshake in time"),
    };
    if connection.alpn() != SYNC_ALPN {
        // The gate has checked the peer against the room of this protocol.
        match net
            .gate
            .room_of(connection.alpn())
            .and_then(|room| net.room(&room))
        {
            Some(room) => {
                net.observe(&connection);
                room.accept_gossip(connection);
            }
            None => connection.close(crate::gate::REFUSED, b""),
        }
        return;
    }
    let peer = connection.remote_id();
    let Some(_counted) = peers.enter(peer) else {
        return connection.close(crate::gate::REFUSED, b"");
    };
    let span = tracing::debug_span!("sync", peer = %peer.fmt_short());
    handle_sync(&net, connection).instrument(span).await;
}

async fn handle_sync(net: &Net, connection: Connection) {
    let opened = timeout(FIRST_FRAME_TIMEOUT, async {
        let (send, receive) = connection.accept_bi().await?;
        let mut stream = SyncStream::new(connection.clone(), send, receive);
        let first = stream.first_frame(HELLO_BYTES_MAX).await?;
        Ok::<_, crate::sync_io::SessionError>((stream, first))
    });
    let (stream, first) = match opened.await {
        Ok(Ok((stream, Some(first)))) => (stream, first),
        Ok(Ok((_, None))) => return connection.close(BROKEN, b""),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no first frame");
            return connection.close(BROKEN, b"");
        }
        Err(_) => return connection.close(TOO_SLOW, b""),
    };
    let Some(room) = hello_tag(&first).and_then(|tag: RoomTag| net.room_by_tag(&tag)) else {
        // The very bytes that a room gives to someone who is no member.
        return stream.refuse(&refusal_frame()).await;
    };
    let session = net.next_session();
    let (handle, commands) = session_handle();
    let peer = author(connection.remote_id());
    let inbox = room.inbox().clone();
    let opened = RoomMessage::SessionOpened {
        session,
        peer,
        dialed: false,
        handle,
    };
    if inbox.send(opened).await.is_err() {
        return connection.close(GOING_AWAY, b"");
    }
    let observe = async {
        // Only members get into the address book, also those whom this very session lets in.
        room.belongs(&peer).await;
        net.observe(&connection);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = run_session(stream, session, Some(first), commands, inbox) => {}
        () = observe => {}
    }
}

/// How many connections each remote endpoint has under way.
#[derive(Debug, Clone, Default)]
struct PeerCounts(Arc<Mutex<HashMap<EndpointId, usize>>>);

impl PeerCounts {
    fn enter(&self, peer: EndpointId) -> Option<PeerCounted> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(peer).or_default();
        if *count >= CONNECTIONS_PER_PEER_MAX {
            return None;
        }
        *count += 1;
        Some(PeerCounted {
            counts: self.clone(),
            peer,
        })
    }
}

#[derive(Debug)]
struct PeerCounted {
    counts: PeerCounts,
    peer: EndpointId,
}

impl Drop for PeerCounted {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_has_so_many_connections_and_leaves_no_trace() {
        let counts = PeerCounts::default();
        let peer = iroh::SecretKey::from_bytes(&[1; 32]).public();
        let entered: Vec<_> = (0..CONNECTIONS_PER_PEER_MAX)
            .map(|_| counts.enter(peer))
            .collect();
        assert!(entered.iter().all(Option::is_some));
        assert!(counts.enter(peer).is_none());
        drop(entered);
        assert!(counts.0.lock().unwrap().is_empty());
    }
}
