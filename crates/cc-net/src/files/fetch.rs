//! One try to get a file: from what is here already, else from one member after another.

use std::path::Path;
use std::sync::Arc;

use cc_proto::files::PlaceOwner;
use cc_proto::id::{ArrivalNo, AuthorId, MessageId};
use cc_proto::text::{clean_nick, file_size};
use iroh_blobs::api::Store;
use iroh_blobs::{Hash, HashAndFormat};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::announced::Announcement;
use super::folder::{FolderList, LINKS_BYTES_MAX, links_in};
use super::peer::{self, PeerError};
use super::place::{self, Staging};
use super::store::{StoreCell, has};
use super::{Files, announced_status, blob_hash, check};
use crate::files::types::FileState;
use crate::tuning::FILE_PROGRESS_INTERVAL;

/// Where files are fetched anew whose bytes in the room's store are damaged.
pub const FRESH_DIR: &str = "blobs.fresh";

/// What became of a try.
#[derive(Debug)]
pub enum Outcome {
    /// It is here.
    Here(Announcement),
    /// It cannot be had.
    Failed(Announcement, String),
    /// It was to come by itself, and is too much for that.
    NotByItself(Announcement, String),
    /// Not now.
    Later(Announcement, String),
    /// Nobody who may have it is there.
    Alone(Announcement),
    /// It was taken back, or does not count any more.
    Gone,
    /// Somebody said so.
    Cancelled,
    /// What was announced could not be read just now.
    Unread(String),
}

/// Tries to get the file of a message.
pub async fn fetch(
    files: Arc<Files>,
    id: MessageId,
    n: ArrivalNo,
    cancelled: CancellationToken,
) -> (MessageId, Outcome) {
    let outcome = tokio::select! {
        () = cancelled.cancelled() => Outcome::Cancelled,
        outcome = attempt(&files, id, n) => outcome,
    };
    (id, outcome)
}

async fn attempt(files: &Arc<Files>, id: MessageId, n: ArrivalNo) -> Outcome {
    let found = files.blocking(move |files| {
        files.announced(|announced| {
            let found = announced.at(n)?.filter(|file| file.id == id);
            Ok(found.map(|file| (place::fault(files.dir(), &file), file)))
        })
    });
    let (fault, file) = match found.await.flatten() {
        Ok(Some(found)) => found,
        Ok(None) => return Outcome::Gone,
        Err(error) => return Outcome::Unread(error.to_string()),
    };
    if let Some(words) = fault {
        return Outcome::Failed(file, words);
    }
    match get(files, &file).await {
        Ok(()) => Outcome::Here(file),
        Err(Miss::Failed(words)) => Outcome::Failed(file, words),
        Err(Miss::Later(words)) => Outcome::Later(file, words),
        Err(Miss::Alone) => Outcome::Alone(file),
        Err(Miss::NotByItself(words)) => Outcome::NotByItself(file, words),
    }
}

/// Why a file is not here.
#[derive(Debug)]
enum Miss {
    Failed(String),
    Later(String),
    Alone,
    NotByItself(String),
}

impl From<std::io::Error> for Miss {
    fn from(error: std::io::Error) -> Self {
        Self::Later(format!("it could not be kept: {error}"))
    }
}

async fn get(files: &Arc<Files>, file: &Announcement) -> Result<(), Miss> {
    let here = file.clone();
    let is_here = files.blocking(move |files| files.status(&here).state == FileState::Here);
    if is_here.await.map_err(|error| later(&error))? {
        return Ok(());
    }
    let hash = blob_hash(&file.hash);
    if !file.folder && (file.size == 0) != (hash == Hash::EMPTY) {
        return Err(Miss::Failed(
            "its size and its hash cannot both be true".into(),
        ));
    }
    if !file.folder && file.size == 0 {
        return put(files, file, &files.store, None, false).await;
    }
    let store = files.store.open().await.map_err(Miss::Later)?;
    let whole = is_whole(&store, file).await?;
    if whole {
        let list = list_of(&files.store, file).await;
        if let Ok(list) = list {
            match put(files, file, &files.store, list, true).await {
                Err(Miss::Later(_)) => {}
                done => return done,
            }
        }
    }
    // The store believes that it has it, and what it has is damaged: somewhere else, then.
    let fresh = whole.then(|| StoreCell::at(files.dir.join(FRESH_DIR).join(&file.place)));
    let cell = fresh.as_ref().unwrap_or(&files.store);
    let from_before = fresh.is_none() && files.is_from_before(file);
    let got = from_members(files, file, cell).await;
    let got = match got {
        Ok(list) => put(files, file, cell, list, from_before).await,
        Err(miss) => Err(miss),
    };
    if let Some(fresh) = fresh {
        fresh.close().await;
        if got.is_ok() {
            let dir = fresh.dir().to_owned();
            tokio::task::spawn_blocking(move || std::fs::remove_dir_all(dir))
                .await
                .ok();
            files.relearn(file).await.map_err(Miss::Later)?;
        }
    }
    got
}

async fn is_whole(store: &Store, file: &Announcement) -> Result<bool, Miss> {
    let hash = blob_hash(&file.hash);
    if !file.folder {
        return Ok(has(store, hash).await);
    }
    if !has(store, hash).await {
        return Ok(false);
    }
    let local = store.remote().local(HashAndFormat::hash_seq(hash)).await;
    Ok(local.is_ok_and(|local| local.is_complete()))
}

/// Asks one member after another.
async fn from_members(
    files: &Arc<Files>,
    file: &Announcement,
    cell: &StoreCell,
) -> Result<Option<FolderList>, Miss> {
    let store = cell.open().await.map_err(Miss::Later)?;
    let net = files
        .net
        .upgrade()
        .ok_or_else(|| Miss::Later("the node is shut down".into()))?;
    let members = candidates(files, file).await?;
    if members.is_empty() {
        return Err(Miss::Alone);
    }
    // Waiting for a turn among the rooms.
    let _turn = net.fetches.acquire().await.map_err(|error| later(&error))?;
    check_space(files, file, 0)?;
    let mut words = Vec::new();
    for (member, nick) in members {
        let fetching = peer::Fetching {
            files,
            net: &net,
            file,
            store: &store,
            cell,
        };
        match fetching.from(&member).await {
            Ok(list) => return Ok(list),
            Err(PeerError::NotAsAnnounced(words)) => return Err(Miss::Failed(words)),
            Err(PeerError::NotByItself(words)) => return Err(Miss::NotByItself(words)),
            Err(PeerError::Here(words)) => return Err(Miss::Later(words)),
            Err(PeerError::There(why)) => words.push(format!("{nick}: {why}")),
        }
    }
    Err(Miss::Later(words.join("; ")))
}

/// Whom to ask: its author first, then whoever else is online. An author who does not seem to be there
/// is asked last.
async fn candidates(files: &Files, file: &Announcement) -> Result<Vec<(AuthorId, String)>, Miss> {
    let status = files.room_status().await.map_err(|error| later(&error))?;
    let others = status
        .members
        .into_iter()
        .filter(|member| member.author != files.me);
    let mut asked: Vec<_> = others
        .filter(|member| member.online || member.author == file.author)
        .collect();
    asked.sort_by_key(|member| (!member.online, member.author != file.author));
    let named = asked.into_iter().map(|member| {
        let nick = clean_nick(&member.nick);
        (member.author, nick.unwrap_or_else(|| member.author.short()))
    });
    Ok(named.collect())
}

/// Whether what is missing of a file fits on the disk.
fn check_space(files: &Files, file: &Announcement, have: u64) -> Result<(), Miss> {
    let (need, free) = (
        file.size.saturating_sub(have),
        place::free_bytes(files.dir()),
    );
    if need > free {
        return Err(Miss::Later(format!(
            "the disk is too full: {} are missing, and {} are free above its reserve",
            file_size(need),
            file_size(free)
        )));
    }
    Ok(())
}

/// The list of a folder whose links and names are in the store.
pub async fn list_of(cell: &StoreCell, file: &Announcement) -> Result<Option<FolderList>, String> {
    if !file.folder {
        return Ok(None);
    }
    let root = blob_hash(&file.hash);
    let cell_paths = |hash: &Hash| cell.data_path(hash);
    let links_at = cell_paths(&root);
    let links = read(&links_at, LINKS_BYTES_MAX).await?;
    let names = links_in(&links).and_then(|links| links.first().copied());
    let names = names.ok_or("what was announced as a folder is none")?;
    let names_at = cell_paths(&names);
    let names = read(&names_at, cc_proto::limits::FOLDER_LIST_BYTES_MAX as u64).await?;
    let decoded = tokio::task::spawn_blocking(move || FolderList::decode(&root, links, names));
    let decoded = decoded.await.map_err(|error| error.to_string())?;
    decoded.map(Some).map_err(|error| error.to_string())
}

async fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        if std::fs::metadata(&path)?.len() > bytes_max {
            return Err(std::io::Error::other("it is too long"));
        }
        std::fs::read(path)
    });
    match read.await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Puts a file that is whole in a store where it belongs; `checking` its bytes, which may be damaged.
async fn put(
    files: &Arc<Files>,
    file: &Announcement,
    cell: &StoreCell,
    list: Option<FolderList>,
    checking: bool,
) -> Result<(), Miss> {
    let (file, data) = (file.clone(), cell.dir().to_owned());
    let placed = files.blocking(move |files| {
        let cell = StoreCell::at(data);
        let staging = Staging::new(files.dir())?;
        let target = staging.path().join(&file.name);
        let one = |hash: &Hash, to: &Path| {
            if *hash == Hash::EMPTY {
                place::write_private(to, &[])?;
                return Ok(0);
            }
            let from = cell.data_path(hash);
            if checking && let Some(fault) = check::fault_in(&from, hash) {
                return Err(std::io::Error::other(fault));
            }
            place::link_or_copy(&from, to)?;
            Ok(std::fs::metadata(to)?.len())
        };
        let mut size = 0;
        match &list {
            None => size = one(&blob_hash(&file.hash), &target)?,
            Some(list) => {
                place::make_dir(&target)?;
                for (name, hash) in &list.files {
                    let to = target.join(name);
                    to.parent().map_or(Ok(()), place::make_dir)?;
                    size += one(hash, &to)?;
                }
            }
        }
        if let Some(words) = place::wrong_size(file.size, size) {
            return Err(Miss::Failed(words));
        }
        let dir = place::files_dir(files.dir()).join(&file.place);
        let hash = file.hash;
        place::claim(&dir, PlaceOwner { hash, size })?;
        if let Some(list) = &list {
            list.write(&dir)?;
        }
        files.before_it_is_put(&file, &target, size)?;
        staging.put(files.dir(), &file.place, &file.name)?;
        check::mended(files, &file);
        Ok(())
    });
    placed.await.map_err(|error| later(&error))?
}

fn later(error: &dyn std::fmt::Display) -> Miss {
    Miss::Later(error.to_string())
}

impl Files {
    /// Has the store look again at what was fetched anew.
    async fn relearn(self: &Arc<Self>, file: &Announcement) -> Result<(), String> {
        let path = place::path_of(&self.dir, file);
        let dir = path.parent().unwrap_or(&path).to_owned();
        let (hash, root) = (blob_hash(&file.hash), dir.clone());
        if !file.folder {
            return self.store.take(hash, &path).await;
        }
        let list = self.blocking(move |_| FolderList::read(&root, &hash));
        let list = list.await.map_err(|error| error.to_string())?;
        let list = list.map_err(|error| error.to_string())?;
        for (name, hash) in &list.files {
            self.store.take(*hash, &path.join(name)).await?;
        }
        let [links, names] = FolderList::paths(&dir);
        self.store.take(list.names_hash(), &names).await?;
        self.store.take(hash, &links).await
    }
}

/// Tells how much of a file is here, now and then.
pub struct Progress<'a> {
    files: &'a Files,
    file: &'a Announcement,
    told: Option<Instant>,
}

impl<'a> Progress<'a> {
    /// Of one file.
    pub fn new(files: &'a Files, file: &'a Announcement) -> Self {
        Self {
            files,
            file,
            told: None,
        }
    }

    /// So much is here by now.
    pub fn is(&mut self, have: u64) {
        let have = have.min(self.file.size);
        let now = Instant::now();
        if self
            .told
            .is_some_and(|told| now - told < FILE_PROGRESS_INTERVAL)
        {
            return;
        }
        self.told = Some(now);
        let is_wanted = {
            let mut book = self.files.book();
            if let Some(run) = book.runs.get_mut(&self.file.id) {
                run.coming = true;
            }
            let note = book.notes.get_mut(&self.file.id);
            note.map(|note| (note.have, note.alone, note.fault) = (have, false, None))
                .is_some()
        };
        if is_wanted {
            let mut status = announced_status(self.file, FileState::Fetching);
            status.have = have;
            self.files.tell_status(status);
        }
    }
}
