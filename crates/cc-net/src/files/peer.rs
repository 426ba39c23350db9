//! One member who is asked for a file: how large it truly is, then its bytes. What comes is checked as it
//! comes; what came stays, whoever sent it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cc_proto::files::EntryError;
use cc_proto::id::AuthorId;
use cc_proto::limits::{FOLDER_FILES_MAX, FOLDER_LIST_BYTES_MAX};
use cc_proto::text::file_size;
use futures_util::StreamExt as _;
use iroh::endpoint::{ConnectOptions, Connection};
use iroh_blobs::api::Store;
use iroh_blobs::api::remote::GetProgressItem;
use iroh_blobs::get::request::{get_hash_seq_and_sizes, get_verified_size};
use iroh_blobs::get::{GetError, GetResult};
use iroh_blobs::protocol::{ChunkRanges, ERR_LIMIT, ERR_PERMISSION, GetRequest};
use iroh_blobs::{HashAndFormat, api::remote::GetProgress};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::announced::Announcement;
use super::fetch::{Progress, list_of};
use super::folder::{FolderList, LINKS_BYTES_MAX, is_links_len};
use super::store::StoreCell;
use super::{Files, blob_hash, place};
use crate::gate::{DROPPED, endpoint_id};
use crate::node::{Net, fetching_transport};
use crate::tuning::{
    DIAL_TIMEOUT, FETCH_BYTES_PER_SECOND_MIN, FETCH_FOLDER_TIMEOUT, FETCH_SIZE_TIMEOUT,
    FETCH_STALL_TIMEOUT, FILE_PROGRESS_INTERVAL,
};

/// Why a member did not give a file.
#[derive(Debug)]
pub enum PeerError {
    /// The bytes of that hash are not what was announced; nobody has others.
    NotAsAnnounced(String),
    /// It was to come by itself, and is too much for that.
    NotByItself(String),
    /// This machine cannot take it.
    Here(String),
    /// This member does not give it, or not right.
    There(String),
}

/// What a member is asked for, and where it goes.
pub struct Fetching<'a> {
    /// The room's files.
    pub files: &'a Arc<Files>,
    /// The machine's connections.
    pub net: &'a Arc<Net>,
    /// Which file.
    pub file: &'a Announcement,
    /// Where its bytes go.
    pub store: &'a Store,
    /// The same.
    pub cell: &'a StoreCell,
}

/// A connection that ends with whoever asked.
struct Dialed(Connection);

impl Drop for Dialed {
    fn drop(&mut self) {
        self.0.close(DROPPED, b"");
    }
}

/// A transfer on a thread of its own, which ends with whoever waits for it. What comes is hashed there: on the
/// threads that carry the connection, one would wait for the other, and chat for both.
struct Transfer {
    ended: JoinHandle<Result<(), Option<GetError>>>,
    /// Bytes so far.
    come: Arc<AtomicU64>,
    _stop: DropGuard,
}

impl Transfer {
    fn begin(get: GetProgress) -> Self {
        let come = Arc::new(AtomicU64::new(0));
        let stop = CancellationToken::new();
        let (stopped, counted) = (stop.clone(), come.clone());
        let runtime = Handle::current();
        let ended = tokio::task::spawn_blocking(move || {
            runtime.block_on(async move {
                tokio::select! {
                    biased;
                    () = stopped.cancelled() => Err(None),
                    ended = drain(get, &counted) => ended,
                }
            })
        });
        Self {
            ended,
            come,
            _stop: stop.drop_guard(),
        }
    }
}

/// Takes all of a transfer. An error of none: it ended without a word.
async fn drain(get: GetProgress, come: &AtomicU64) -> Result<(), Option<GetError>> {
    let mut items = std::pin::pin!(get.stream());
    while let Some(item) = items.next().await {
        match item {
            GetProgressItem::Progress(bytes) => come.store(bytes, Ordering::Relaxed),
            GetProgressItem::Done(_) => return Ok(()),
            GetProgressItem::Error(error) => return Err(Some(error)),
        }
    }
    Err(None)
}

impl Fetching<'_> {
    /// Gets it from `member`; of a folder also the list of what is in it.
    pub async fn from(&self, member: &AuthorId) -> Result<Option<FolderList>, PeerError> {
        let connection = Dialed(self.dial(member).await?);
        self.net.observe(&connection.0);
        let content = if self.file.folder {
            self.check_folder(&connection.0).await?
        } else {
            self.check_file(&connection.0).await?
        };
        let local = self.store.remote().local(content).await;
        let local = local.map_err(|error| PeerError::Here(format!("{error:#}")))?;
        let have = local.local_bytes();
        if place::free_bytes(self.files.dir()) < self.file.size.saturating_sub(have) {
            return Err(self.disk_is_full());
        }
        if !local.is_complete() {
            let mut progress = Progress::new(self.files, self.file);
            progress.is(have);
            let get = self
                .store
                .remote()
                .execute_get(connection.0.clone(), local.missing());
            self.take(get, |bytes| progress.is(have + bytes)).await?;
        }
        let list = list_of(self.cell, self.file).await;
        list.map_err(PeerError::NotAsAnnounced)
    }

    async fn dial(&self, member: &AuthorId) -> Result<Connection, PeerError> {
        let gone = || PeerError::There("not reached".to_owned());
        let endpoint = endpoint_id(member).ok_or_else(gone)?;
        // Waiting for a turn does not count against the dial's own time.
        let _turn = self.net.dials.acquire().await.map_err(|_| gone())?;
        let options = ConnectOptions::new().with_transport_config(fetching_transport());
        let dialed = timeout(DIAL_TIMEOUT, async {
            let connecting = self
                .net
                .endpoint
                .connect_with_opts(endpoint, &self.files.alpn, options)
                .await
                .ok()?;
            connecting.await.ok()
        });
        dialed.await.ok().flatten().ok_or_else(gone)
    }

    async fn check_file(&self, connection: &Connection) -> Result<HashAndFormat, PeerError> {
        let hash = blob_hash(&self.file.hash);
        let asked = timeout(FETCH_SIZE_TIMEOUT, get_verified_size(connection, &hash));
        let (size, _) = self.answer(asked.await)?;
        self.check_size(size)?;
        Ok(HashAndFormat::raw(hash))
    }

    /// How many files there are, how large they are, and under which names, before any of them comes.
    async fn check_folder(&self, connection: &Connection) -> Result<HashAndFormat, PeerError> {
        let hash = blob_hash(&self.file.hash);
        let size = timeout(FETCH_SIZE_TIMEOUT, get_verified_size(connection, &hash));
        let (links, _) = self.answer(size.await)?;
        if links > LINKS_BYTES_MAX {
            let too_many = EntryError::TooMany {
                files_max: FOLDER_FILES_MAX,
            };
            return Err(PeerError::NotAsAnnounced(too_many.to_string()));
        }
        let no_folder =
            || PeerError::NotAsAnnounced("what was announced as a folder is none".into());
        if !is_links_len(links) {
            return Err(no_folder());
        }
        let sizes = get_hash_seq_and_sizes(connection, &hash, LINKS_BYTES_MAX, None);
        let (links, sizes) = self.answer(timeout(FETCH_FOLDER_TIMEOUT, sizes).await)?;
        let (names_bytes, of_files) = sizes.split_first().ok_or_else(no_folder)?;
        if links.len() != sizes.len() {
            return Err(no_folder());
        }
        if *names_bytes > FOLDER_LIST_BYTES_MAX as u64 {
            let words = "the names of the folder's files are too long together";
            return Err(PeerError::NotAsAnnounced(words.to_owned()));
        }
        let total = of_files
            .iter()
            .fold(0_u64, |sum, size| sum.saturating_add(*size));
        self.check_size(total)?;
        let (file, sizes) = (self.file.id, of_files.to_vec());
        let admitted = self
            .files
            .blocking(move |files| files.admit(&file, &sizes))
            .await;
        admitted
            .map_err(|error| PeerError::Here(error.to_string()))?
            .map_err(PeerError::NotByItself)?;
        let names = GetRequest::builder()
            .root(ChunkRanges::all())
            .child(0, ChunkRanges::all())
            .build(hash);
        let get = self.store.remote().execute_get(connection.clone(), names);
        self.take(get, |_| {}).await?;
        let list = list_of(self.cell, self.file).await;
        list.map_err(PeerError::NotAsAnnounced)?;
        Ok(HashAndFormat::hash_seq(hash))
    }

    fn check_size(&self, size: u64) -> Result<(), PeerError> {
        if size == self.file.size {
            return Ok(());
        }
        Err(PeerError::NotAsAnnounced(format!(
            "it was announced with {} and has {}: nothing of it was fetched",
            exact(self.file.size),
            exact(size)
        )))
    }

    /// Waits for a transfer, as long as enough of it comes.
    async fn take(&self, get: GetProgress, mut has_come: impl FnMut(u64)) -> Result<(), PeerError> {
        let mut transfer = Transfer::begin(get);
        let mut looks = interval(FILE_PROGRESS_INTERVAL);
        let (mut since, mut had) = (Instant::now(), 0);
        loop {
            tokio::select! {
                ended = &mut transfer.ended => return match ended {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(Some(error))) => Err(self.failed(&error)),
                    Ok(Err(None)) | Err(_) => {
                        Err(PeerError::There("the connection ended".to_owned()))
                    }
                },
                _ = looks.tick() => {}
            }
            let now = transfer.come.load(Ordering::Relaxed);
            if now > 0 {
                has_come(now);
            }
            let passed = since.elapsed();
            if passed >= FETCH_STALL_TIMEOUT {
                if now - had < FETCH_BYTES_PER_SECOND_MIN * passed.as_secs() {
                    return Err(PeerError::There("gives it too slowly".to_owned()));
                }
                (since, had) = (Instant::now(), now);
            }
        }
    }

    fn answer<T>(
        &self,
        answer: Result<GetResult<T>, tokio::time::error::Elapsed>,
    ) -> Result<T, PeerError> {
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(PeerError::There("does not answer".to_owned())),
        }
    }

    fn failed(&self, error: &GetError) -> PeerError {
        tracing::debug!(error = format!("{error:#}"), "a member did not give a file");
        let here = match error {
            GetError::LocalFailure { source, .. } => Some(format!(": {source:#}")),
            // The store, to which what came is sent, took no more of it, and says elsewhere why.
            GetError::IrpcSend { .. } => Some(String::new()),
            _ => None,
        };
        if let Some(why) = here {
            if place::free_bytes(self.files.dir()) == 0 {
                return self.disk_is_full();
            }
            return PeerError::Here(format!("it could not be stored on this disk{why}"));
        }
        let code = error.iroh_error_code();
        let words = match error {
            _ if code == Some(ERR_PERMISSION) => "does not have it",
            _ if code == Some(ERR_LIMIT) => "is not ready to give it",
            _ if code.is_some() => "cannot give all of it",
            GetError::Decode { .. } => "gave bytes that are not those of the file",
            _ => "does not have all of it, or the connection broke",
        };
        PeerError::There(words.to_owned())
    }

    fn disk_is_full(&self) -> PeerError {
        PeerError::Here(format!(
            "the disk is too full for {} and a reserve",
            file_size(self.file.size)
        ))
    }
}

/// A size that tells two apart that are nearly the same.
fn exact(bytes: u64) -> String {
    format!("{bytes} bytes")
}
