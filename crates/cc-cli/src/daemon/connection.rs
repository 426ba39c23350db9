//! One client: lines in, requests at the same time, lines out through one bounded queue.
//!
//! Every line that leaves, answers and events alike, goes through the queue. A client that does not read fills it and
//! thereby holds up its own requests and subscriptions, and nobody else: a subscription that waits falls behind the
//! room, is told how much it missed, and goes on.

use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::AsyncWrite;
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::codec::{FramedRead, FramedWrite, LinesCodec, LinesCodecError};
use tokio_util::sync::CancellationToken;

use super::keeper::KeeperHandle;
use super::methods::{self, Session};
use crate::rpc::{self, LINE_BYTES_MAX, RpcError, code};
use crate::socket;

/// Lines waiting for a client to read; when it is full, whoever has one more waits.
const OUT_LINES_MAX: usize = 64;
/// Requests of one connection under way; when there are as many, no further line is read.
const REQUESTS_MAX: usize = 32;
/// How long the last answers may take when the daemon ends.
const LAST_ANSWERS_DEADLINE: Duration = Duration::from_secs(1);

/// Serves one client until it goes away or the daemon ends.
pub async fn serve(stream: UnixStream, keeper: KeeperHandle, end: CancellationToken) {
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == socket::own_uid() => {}
        Ok(peer) => {
            return tracing::warn!(uid = peer.uid(), "another user's connection was closed");
        }
        Err(error) => {
            return tracing::warn!(%error, "a client that cannot be identified was closed");
        }
    }
    let peer = match stream.as_fd().try_clone_to_owned() {
        Ok(peer) => Arc::new(peer),
        Err(error) => return tracing::warn!(%error, "a client cannot be served"),
    };
    let (read, write) = stream.into_split();
    let (out, queue) = mpsc::channel(OUT_LINES_MAX);
    let mut writer = JoinSet::new();
    writer.spawn(write_lines(write, queue));
    let lines = FramedRead::new(read, LinesCodec::new_with_max_length(LINE_BYTES_MAX));
    let mut subscriptions = JoinSet::new();
    tokio::select! {
        () = read_lines(lines, Session { keeper, out, end: end.clone(), peer }, &mut subscriptions) => {}
        // The client is gone: nothing that it asked for matters any more.
        _ = writer.join_next() => return,
    }
    subscriptions.shutdown().await;
    // The queue closes with its last sender; what is in it still goes out, for as long as the client reads.
    tokio::select! {
        _ = writer.join_next() => {}
        () = async { end.cancelled().await; tokio::time::sleep(LAST_ANSWERS_DEADLINE).await } => {}
    }
}

async fn write_lines(write: impl AsyncWrite + Unpin, mut queue: mpsc::Receiver<String>) {
    let mut lines = FramedWrite::new(write, LinesCodec::new());
    while let Some(line) = queue.recv().await {
        if lines.send(line).await.is_err() {
            return;
        }
    }
}

async fn read_lines<R>(
    mut lines: FramedRead<R, LinesCodec>,
    session: Session,
    subscriptions: &mut JoinSet<()>,
) where
    R: tokio::io::AsyncRead + Unpin,
{
    let mut requests = JoinSet::new();
    let slots = Arc::new(Semaphore::new(REQUESTS_MAX));
    loop {
        while requests.try_join_next().is_some() {}
        let slot = Arc::clone(&slots).acquire_owned();
        let next = async {
            let slot = slot.await.ok();
            (slot, lines.next().await)
        };
        let (slot, line) = tokio::select! {
            () = session.end.cancelled() => break,
            next = next => next,
        };
        let line = match line {
            None => break,
            Some(Ok(line)) => line,
            Some(Err(error)) => {
                answer(&session, &Value::Null, Err(fault(&error))).await;
                break;
            }
        };
        if line.trim().is_empty() {
            continue;
        }
        let call = match rpc::parse_call(&line) {
            Ok(call) => call,
            Err((id, error)) => {
                answer(&session, &id, Err(error)).await;
                continue;
            }
        };
        if call.method == "subscribe" {
            let outcome = methods::subscribe(&session, call.params, subscriptions).await;
            if let Some(id) = call.id {
                answer(&session, &id, outcome).await;
            }
            continue;
        }
        let session = session.clone();
        requests.spawn(async move {
            let outcome = methods::call(&session, &call.method, call.params).await;
            if let Some(id) = call.id {
                answer(&session, &id, outcome).await;
            }
            if call.method == "stop" {
                session.end.cancel();
            }
            drop(slot);
        });
    }
    // A client may close its sending side and still wait for answers.
    tokio::select! {
        () = async { while requests.join_next().await.is_some() {} } => {}
        () = async { session.end.cancelled().await; tokio::time::sleep(LAST_ANSWERS_DEADLINE).await } => {}
    }
}

fn fault(error: &LinesCodecError) -> RpcError {
    match error {
        LinesCodecError::MaxLineLengthExceeded => RpcError::new(
            code::INVALID_REQUEST,
            format!("a line is at most {LINE_BYTES_MAX} bytes"),
        ),
        LinesCodecError::Io(_) => RpcError::new(code::PARSE_ERROR, "not UTF-8"),
    }
}

async fn answer(session: &Session, id: &Value, outcome: Result<Value, RpcError>) {
    // A closed queue means that the client is gone.
    let _ = session.out.send(rpc::answer_line(id, &outcome)).await;
}
