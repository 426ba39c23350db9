//! The accept loop: bounded, with a deadline on every step, open to noise.

use std::sync::Arc;

use cc_proto::frames::{RoomTag, SYNC_ALPN, hello_tag, refusal_frame};
use cc_proto::limits::HELLO_BYTES_MAX;
use iroh::endpoint::{Connection, Incoming, IncomingAddr};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::Net;
use super::slots::{Origin, Slot};
use crate::gate::author;
use crate::room::inbox::RoomMessage;
use crate::sync_io::{
    BROKEN, BUFFER_BYTES, GOING_AWAY, STRANGER_BUFFER_BYTES, SessionError, SyncStream, TOO_SLOW,
    run_session, session_handle,
};
use crate::tuning::{
    CONNECTIONS_UNPROVEN_MAX, FIRST_FRAME_TIMEOUT, HANDSHAKE_TIMEOUT, MEMBER_WINDOW_BYTES,
};

/// Accepts until cancelled or the endpoint is closed.
pub async fn accept_loop(net: Arc<Net>, cancelled: CancellationToken) {
    let mut connections = JoinSet::new();
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
        if net.slots.under_way() >= CONNECTIONS_UNPROVEN_MAX && !incoming.remote_addr_validated() {
            incoming.retry().ok();
            continue;
        }
        let address = incoming.remote_addr();
        let slot = net
            .slots
            .enter(Origin::of(&address), || is_expected(&net, &address));
        if let Some(slot) = slot {
            connections.spawn(handle(net.clone(), incoming, slot).in_current_span());
        } else {
            tracing::debug!("too many connections: one was refused");
            incoming.refuse();
        }
    }
    connections.shutdown().await;
}

/// Whether a member was seen at the address of a connection that has shown nothing else yet.
fn is_expected(net: &Net, address: &IncomingAddr) -> bool {
    match address {
        IncomingAddr::Ip(address) => net.book.seen_at(address, |id| net.gate.is_member(id)),
        IncomingAddr::Relay { endpoint_id, .. } => net.gate.is_member(&author(*endpoint_id)),
        _ => false,
    }
}

async fn handle(net: Arc<Net>, incoming: Incoming, slot: Slot) {
    let evicted = slot.evicted().clone();
    let config = net.incomings.config(&net.endpoint, &incoming);
    let accepting = match incoming.accept_with(config) {
        Ok(accepting) => accepting,
        Err(error) => return tracing::debug!(%error, "not accepted"),
    };
    let handshake = tokio::select! {
        handshake = timeout(HANDSHAKE_TIMEOUT, accepting) => handshake,
        () = evicted.cancelled() => return tracing::debug!("made way during the handshake"),
    };
    let connection = match handshake {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return tracing::debug!(%error, "no handshake"),
        Err(_) => return tracing::debug!("no handshake in time"),
    };
    slot.watch(&connection);
    if connection.alpn() != SYNC_ALPN {
        slot.hand_over();
        return accept_for_room(&net, connection);
    }
    let peer = connection.remote_id();
    let member = net.gate.is_member(&author(peer));
    if !slot.prove(author(peer), member) {
        return connection.close(crate::gate::REFUSED, b"");
    }
    let span = tracing::debug_span!("sync", peer = %peer.fmt_short());
    handle_sync(&net, connection, &slot, member)
        .instrument(span)
        .await;
}

/// The gate has checked the peer against the room of this protocol.
fn accept_for_room(net: &Net, connection: Connection) {
    let room = net.gate.room_of(connection.alpn());
    match room.and_then(|room| net.room(&room)) {
        Some(room) => {
            connection.set_receive_window(MEMBER_WINDOW_BYTES.into());
            net.observe(&connection);
            room.accept(connection);
        }
        None => connection.close(crate::gate::REFUSED, b""),
    }
}

/// Nobody gets past the first frame but those whom it lets in: members, and joiners at the door.
async fn handle_sync(net: &Net, connection: Connection, slot: &Slot, member: bool) {
    let first = tokio::select! {
        first = timeout(FIRST_FRAME_TIMEOUT, read_first(net, &connection, member)) => first,
        () = slot.evicted().cancelled() => return connection.close(crate::gate::REFUSED, b""),
    };
    let (stream, first, room_in_pool) = match first {
        Ok(Ok(Some(first))) => first,
        Ok(Ok(None)) => return connection.close(BROKEN, b""),
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
    let (handle, commands) = session_handle(slot.evicted());
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
    let proven = async {
        // Only members get into the address book, also those whom this very session lets in.
        room.belongs(&peer).await;
        slot.prove(peer, true);
        drop(room_in_pool);
        connection.set_receive_window(MEMBER_WINDOW_BYTES.into());
        net.observe(&connection);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = run_session(stream, session, Some(first), commands, inbox) => {}
        () = proven => {}
    }
}

type First = (SyncStream, Vec<u8>, Option<OwnedSemaphorePermit>);

/// The first frame of an incoming session, and the place that it takes among those of strangers.
async fn read_first(
    net: &Net,
    connection: &Connection,
    member: bool,
) -> Result<Option<First>, SessionError> {
    let (send, receive) = connection.accept_bi().await?;
    let buffer_bytes = if member {
        BUFFER_BYTES
    } else {
        STRANGER_BUFFER_BYTES
    };
    let mut stream = SyncStream::new(connection.clone(), send, receive, buffer_bytes);
    let pool = (!member).then_some(&net.first_frames);
    let first = stream.first_frame(HELLO_BYTES_MAX, pool).await?;
    Ok(first.map(|(frame, place)| (stream, frame, place)))
}
