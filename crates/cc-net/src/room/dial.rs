//! Dialling one member for one sync session.

use std::sync::Arc;

use cc_proto::frames::SYNC_ALPN;
use cc_proto::id::AuthorId;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::inbox::{RoomInbox, RoomMessage};
use crate::gate::endpoint_id;
use crate::node::Net;
use crate::sync_io::{BUFFER_BYTES, SyncStream, run_session, session_handle};
use crate::tuning::DIAL_TIMEOUT;

/// Dials `peer` and runs the session to its end. Tells the room either way.
pub async fn dial_and_run(net: Arc<Net>, peer: AuthorId, inbox: RoomInbox) {
    let Some(stream) = dial(&net, &peer).await else {
        inbox.send(RoomMessage::DialFailed(peer)).await.ok();
        return;
    };
    let session = net.next_session();
    let (handle, commands) = session_handle(&CancellationToken::new());
    let opened = RoomMessage::SessionOpened {
        session,
        peer,
        dialed: true,
        handle,
    };
    if inbox.send(opened).await.is_ok() {
        run_session(stream, session, None, commands, inbox).await;
    }
}

async fn dial(net: &Net, peer: &AuthorId) -> Option<SyncStream> {
    let endpoint = endpoint_id(peer)?;
    // Waiting for a turn does not count against the dial's own time.
    let _turn = net.dials.acquire().await.ok()?;
    let dialed = timeout(DIAL_TIMEOUT, async {
        let connection = net.endpoint.connect(endpoint, SYNC_ALPN).await?;
        let (send, receive) = connection.open_bi().await?;
        Ok::<_, DialError>(SyncStream::new(connection, send, receive, BUFFER_BYTES))
    });
    match dialed.await {
        Ok(Ok(stream)) => {
            net.observe(stream.connection());
            Some(stream)
        }
        Ok(Err(error)) => {
            tracing::debug!(peer = %peer.short(), %error, "dial failed");
            None
        }
        Err(_) => {
            tracing::debug!(peer = %peer.short(), "nobody answered");
            None
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error(transparent)]
    Connect(#[from] iroh::endpoint::ConnectError),
    #[error(transparent)]
    Stream(#[from] iroh::endpoint::ConnectionError),
}
