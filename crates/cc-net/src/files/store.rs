//! The room's store of bytes: iroh-blobs on disk, in the folder `blobs` of the room's own.
//!
//! One a room, so that nothing that came in one room is ever served in another, whatever is announced
//! there. It is opened at first need, and never by two at once: the room's thread holds the room.
//! Everything in it can be made again from the room's files and from other members, so that a damaged
//! one is put aside and a new one begun.
//!
//! The bytes of hash `h` are in `blobs/data/<h>.data`, and in the room's `files` as a further name of
//! the same file on disk.

use std::path::{Path, PathBuf};

use iroh_blobs::Hash;
use iroh_blobs::api::blobs::{AddPathOptions, BlobStatus, ImportMode};
use iroh_blobs::store::fs::FsStore;
use iroh_blobs::store::fs::options::{InlineOptions, Options};
use iroh_blobs::{BlobFormat, api::Store};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::place;
use crate::tuning::{
    STORE_CLOSE_TIMEOUT, STORE_LOCKED_INTERVAL, STORE_LOCKED_TRIES, STORE_RETRY_INTERVAL,
};

/// The folder of the store in the room's own.
const STORE_DIR: &str = "blobs";
/// Where one goes that does not open.
const DAMAGED_DIR: &str = "blobs.damaged";
/// What a store says that another process has open.
const LOCKED_WORDS: &str = "already open";

/// A room's store, opened at first need.
#[derive(Debug)]
pub struct StoreCell {
    dir: PathBuf,
    // Async, as it is held while the store opens or closes.
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Unopened,
    Open(FsStore),
    /// Until then it is not tried again.
    Failed(String, Instant),
    Closed,
}

impl StoreCell {
    /// That of the room in `room_dir`; nothing is opened yet.
    pub fn new(room_dir: &Path) -> Self {
        Self::at(room_dir.join(STORE_DIR))
    }

    /// A store in a folder of its own.
    pub fn at(dir: PathBuf) -> Self {
        Self {
            dir,
            state: Mutex::new(State::Unopened),
        }
    }

    /// The store.
    ///
    /// # Errors
    /// Words for people, where it cannot be opened or the room is closing.
    pub async fn open(&self) -> Result<Store, String> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Open(store) => return Ok(store.clone().into()),
            State::Failed(words, until) if Instant::now() < *until => return Err(words.clone()),
            State::Closed => return Err("the room is closed".to_owned()),
            State::Unopened | State::Failed(..) => {}
        }
        match load(&self.dir).await {
            Ok(store) => {
                *state = State::Open(store.clone());
                Ok(store.into())
            }
            Err(words) => {
                tracing::error!(%words, "the store of a room's files does not open");
                let until = Instant::now() + STORE_RETRY_INTERVAL;
                *state = State::Failed(words.clone(), until);
                Err(words)
            }
        }
    }

    /// Closes it until the next need, and runs `work` meanwhile, which may block.
    pub async fn while_closed(&self, work: impl FnOnce() + Send + 'static) {
        let mut state = self.state.lock().await;
        if let State::Open(store) = &*state {
            shut(store).await;
            *state = State::Unopened;
        }
        tokio::task::spawn_blocking(work).await.ok();
    }

    /// Lets go of it for good, without waiting for it to close: of a room whose node was dropped.
    pub fn abandon(&self) {
        if let Ok(mut state) = self.state.try_lock() {
            *state = State::Closed;
        }
    }

    /// Closes it for good.
    pub async fn close(&self) {
        let mut state = self.state.lock().await;
        if let State::Open(store) = std::mem::replace(&mut *state, State::Closed) {
            shut(&store).await;
        }
    }

    /// Where the bytes of a hash are.
    pub fn data_path(&self, hash: &Hash) -> PathBuf {
        self.dir.join("data").join(format!("{hash}.data"))
    }

    /// Removes what is kept of a hash, unless its bytes are still those of a file of the room. Only while
    /// the store is closed. Blocking.
    pub fn forget(dir: &Path, hash: &Hash) {
        let data = dir.join("data").join(format!("{hash}.data"));
        let is_used = |it: std::fs::Metadata| std::os::unix::fs::MetadataExt::nlink(&it) > 1;
        if std::fs::symlink_metadata(data).is_ok_and(is_used) {
            return;
        }
        for part in ["data", "obao4", "sizes4", "bitfield"] {
            std::fs::remove_file(dir.join("data").join(format!("{hash}.{part}"))).ok();
        }
    }

    /// The store's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the store know the bytes at `path`, which it shares with the file there from then on.
    ///
    /// # Errors
    /// Words for people; also where the bytes there are others.
    pub async fn take(&self, hash: Hash, path: &Path) -> Result<(), String> {
        let store = self.open().await?;
        if hash == Hash::EMPTY {
            return Ok(());
        }
        let (data, from) = (self.data_path(&hash), path.to_owned());
        let linked = tokio::task::spawn_blocking(move || place::link(&from, &data).map(|()| data));
        // Where the file system has no further names for a file, the store looks at this one.
        let path = match linked.await {
            Ok(Ok(data)) => data,
            _ => path.to_owned(),
        };
        let added = store.blobs().add_path_with_opts(AddPathOptions {
            path,
            format: BlobFormat::Raw,
            mode: ImportMode::TryReference,
        });
        let tag = added
            .temp_tag()
            .await
            .map_err(|error| format!("{error:#}"))?;
        if tag.hash() == hash {
            Ok(())
        } else {
            Err("the bytes are not those of the hash".to_owned())
        }
    }
}

/// Whether a store says that it has all bytes of a hash.
pub async fn has(store: &Store, hash: Hash) -> bool {
    matches!(
        store.blobs().status(hash).await,
        Ok(BlobStatus::Complete { .. })
    )
}

/// Opens the store in `dir`, puts one aside that does not open, and begins anew.
async fn load(dir: &Path) -> Result<FsStore, String> {
    let mut loaded = try_load(dir).await;
    for _ in 0..STORE_LOCKED_TRIES {
        // One of this process that was let go of is still closing.
        if !matches!(&loaded, Err(words) if words.contains(LOCKED_WORDS)) {
            break;
        }
        tokio::time::sleep(STORE_LOCKED_INTERVAL).await;
        loaded = try_load(dir).await;
    }
    let words = match loaded {
        Ok(store) => return Ok(store),
        Err(words) if words.contains(LOCKED_WORDS) => return Err(words),
        Err(words) => words,
    };
    tracing::warn!(%words, "the store of a room's files is damaged: it is put aside and begun anew");
    let (from, aside) = (dir.to_owned(), dir.with_file_name(DAMAGED_DIR));
    let put_aside = tokio::task::spawn_blocking(move || {
        std::fs::remove_dir_all(&aside).ok();
        std::fs::rename(from, aside)
    });
    match put_aside.await {
        Ok(Ok(())) => try_load(dir).await,
        _ => Err(words),
    }
}

async fn try_load(dir: &Path) -> Result<FsStore, String> {
    let root = dir.to_owned();
    let prepared = tokio::task::spawn_blocking(move || {
        place::make_dir(&root)?;
        // What a kill left of imports.
        match std::fs::remove_dir_all(root.join("temp")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    });
    match prepared.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(format!("{}: {error}", dir.display())),
        Err(_) => return Err("the node is shut down".to_owned()),
    }
    let mut options = Options::new(dir);
    // Bytes are in files alone: what is taken back can then be removed, and none are in memory.
    options.inline = InlineOptions {
        max_data_inlined: 0,
        ..InlineOptions::default()
    };
    let database = dir.join("blobs.db");
    let store = FsStore::load_with_opts(database.clone(), options)
        .await
        .map_err(|error| format!("{error:#}"))?;
    // It makes them for all; only the folder above keeps others out then.
    let folders = ["data", "temp"].map(|name| dir.join(name));
    let made_private = tokio::task::spawn_blocking(move || {
        place::restrict(&database, 0o600)?;
        folders
            .iter()
            .try_for_each(|dir| place::restrict(dir, 0o700))
    });
    if let Ok(Err(error)) = made_private.await {
        tracing::warn!(%error, "the store of a room's files could not be made private");
    }
    Ok(store)
}

async fn shut(store: &FsStore) {
    if timeout(STORE_CLOSE_TIMEOUT, store.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("the store of a room's files did not close in time");
    }
}
