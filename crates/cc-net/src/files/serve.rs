//! A member who asks for files. Given is what a `file` message of this room announces that counts, and
//! that is here, whole; of a folder its files by the folder's own hash alone. Nothing else is answered:
//! not what is in the store for another reason, and no other kind of request.

use std::sync::Arc;

use iroh::endpoint::{Connection, RecvStream, SendStream};
use iroh_blobs::Hash;
use iroh_blobs::protocol::{ERR_INTERNAL, ERR_LIMIT, ERR_PERMISSION, GetRequest, Request};
use iroh_blobs::provider::events::EventSender;
use iroh_blobs::provider::{StreamPair, handle_get};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::announced::Announcement;
use super::store::has;
use super::{Files, blob_hash};
use crate::tuning::{BLOBS_IDLE_TIMEOUT, BLOBS_REQUEST_TIMEOUT};

/// Serves a member until it goes, or nothing moves.
pub async fn serve(files: Arc<Files>, connection: Connection) {
    let id = connection.stable_id() as u64;
    let mut requests = JoinSet::new();
    let mut looks = interval(BLOBS_IDLE_TIMEOUT);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks.reset();
    let (mut asked, mut moved) = (0_u64, (0, 0));
    loop {
        tokio::select! {
            stream = connection.accept_bi() => {
                let Ok((send, receive)) = stream else { break };
                asked += 1;
                requests.spawn(answer(files.clone(), id, send, receive));
            }
            Some(ended) = requests.join_next(), if !requests.is_empty() => {
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(%error, "serving a file panicked");
                }
            }
            _ = looks.tick() => {
                let now = (asked, connection.stats().frame_tx.stream);
                if now == moved {
                    tracing::debug!("a connection for files is idle: closed");
                    break;
                }
                moved = now;
            }
        }
    }
    connection.close(crate::gate::DROPPED, b"");
    requests.shutdown().await;
}

async fn answer(files: Arc<Files>, connection: u64, mut send: SendStream, mut receive: RecvStream) {
    let read = timeout(BLOBS_REQUEST_TIMEOUT, Request::read_async(&mut receive));
    let Ok(Ok((Request::Get(request), _))) = read.await else {
        tracing::debug!("what no member asks for was refused");
        send.reset(ERR_PERMISSION).ok();
        return;
    };
    let (hash, alone) = (request.hash, request.ranges.is_blob());
    let Some(file) = allowed(&files, hash, alone).await else {
        tracing::debug!(%hash, "a file that is not given was refused");
        send.reset(ERR_PERMISSION).ok();
        return;
    };
    let Ok(store) = files.store.open().await else {
        send.reset(ERR_INTERNAL).ok();
        return;
    };
    if !has(&store, hash).await
        && let Err(words) = files.settle(&file).await
    {
        tracing::warn!(%words, "a file that is here cannot be given");
        send.reset(ERR_LIMIT).ok();
        return;
    }
    let pair = StreamPair::new(connection, receive, send, EventSender::DEFAULT);
    give(&files, &file, pair, store, request).await;
}

async fn give(
    files: &Arc<Files>,
    file: &Announcement,
    pair: StreamPair,
    store: iroh_blobs::api::Store,
    request: GetRequest,
) {
    if let Err(error) = handle_get(pair, store, request).await {
        tracing::debug!(
            error = format!("{error:#}"),
            "a file was not given to its end"
        );
        if file.folder {
            // Something of it may be missing in the store that is there on disk.
            files.settle(file).await.ok();
        }
    }
}

/// The file that a member may have who asks for a hash; alone, or with what it links to.
async fn allowed(files: &Arc<Files>, hash: Hash, alone: bool) -> Option<Announcement> {
    let found = files.blocking(move |files| {
        let hash = cc_proto::id::Hash::from_bytes(*hash.as_bytes());
        files.announced(|announced| {
            announced.by_hash(&hash, |file| (alone || file.folder) && files.is_here(file))
        })
    });
    let file = found.await.ok()?.ok()??;
    debug_assert_eq!(blob_hash(&file.hash), hash);
    Some(file)
}

impl Files {
    /// Whether a file is here, as far as a look shows it. Blocking.
    fn is_here(&self, file: &Announcement) -> bool {
        self.status(file).state == super::FileState::Here
    }
}
