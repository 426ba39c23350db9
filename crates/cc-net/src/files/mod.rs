//! What is shared in a room: announced by a `file` message, kept in the room's folder, fetched from
//! and served to its members. `spec/files.md`.
//!
//! | file | what |
//! |---|---|
//! | `types.rs` | what is asked and told |
//! | `api.rs` | what a [`Room`](crate::Room) does with files |
//! | `announced.rs` | which lines of the log announce what |
//! | `book.rs` | what is wanted, and what is fetched by itself |
//! | `place.rs` | the files on disk |
//! | `store.rs` | the store of bytes that are fetched and served |
//! | `folder.rs` | a folder as a list of hashes |
//! | `share.rs`, `source.rs` | from somebody's file to an announcement |
//! | `keeper.rs` | the task: when to do what |
//! | `new.rs` | what is new in the log: what comes by itself, what was taken back |
//! | `fetch.rs`, `peer.rs` | one try to get a file, and one member who is asked |
//! | `serve.rs` | a member who asks |
//! | `sync.rs` | what a power loss may not take, or is looked for after one |
//! | `check.rs` | reading a file that is here from end to end |
//!
//! Nothing of it runs on the room's thread but the signing of an announcement, and nobody waits for it
//! who only reads and writes.

mod announced;
mod api;
mod book;
mod check;
mod fetch;
mod folder;
mod keeper;
mod new;
mod peer;
mod place;
mod serve;
mod share;
mod source;
mod store;
mod sync;
#[cfg(test)]
mod tests;
mod types;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use cc_proto::id::{AuthorId, Hash, MessageId};
use iroh::endpoint::Connection;
use tokio::sync::{Notify, broadcast, mpsc};

use announced::{Announced, Announcement, News};
pub(crate) use book::Book;
pub(crate) use keeper::Keeper;
use store::StoreCell;
pub use types::{
    FileSettings, FileState, FileStatus, FilesError, Inspect, Inspected, ShareDraft, ShareError,
    SourceLook, WaitsFor,
};

use crate::node::Net;
use crate::room::events::RoomEvent;
use crate::room::inbox::{RoomInbox, RoomMessage};
use crate::room::request::{Request, RoomError, RoomStatus};

/// The files of one room: what its handle, its keeper and those who are served share.
#[derive(Debug)]
pub(crate) struct Files {
    me: AuthorId,
    /// The room's folder.
    dir: PathBuf,
    alpn: Vec<u8>,
    net: Weak<Net>,
    inbox: RoomInbox,
    events: broadcast::WeakSender<RoomEvent>,
    // Held for look-ups only, never across an await.
    book: Mutex<Book>,
    /// How often the book was written. Held while it is, so that an older one never replaces a newer. On blocking threads.
    saving: Mutex<u64>,
    // Held while the log is read. On blocking threads.
    announced: Mutex<Announced>,
    /// Hashes of which bytes are kept that are not announced yet, and by how many shares. Held while
    /// something is taken back. On blocking threads.
    publishing: Mutex<HashMap<Hash, usize>>,
    /// What was found in the log and not seen to yet.
    news: Mutex<Vec<News>>,
    store: StoreCell,
    /// Hashes that were begun with in this run, and whether some of their bytes were there before it.
    begun: Mutex<HashMap<Hash, bool>>,
    /// One file at a time is taken into the store.
    taking: tokio::sync::Mutex<()>,
    /// There is something for the keeper to do.
    wake: Notify,
    connections: mpsc::Sender<Connection>,
}

/// Where a room's files are and whom they are shared with.
pub(crate) struct FilesConfig {
    /// The room's folder.
    pub dir: PathBuf,
    /// The protocol name of the room's files.
    pub alpn: Vec<u8>,
    /// The room's queue.
    pub inbox: RoomInbox,
    /// To those who listen.
    pub events: broadcast::WeakSender<RoomEvent>,
}

/// Clears away what a kill left of the files of the room in `dir`, before anybody uses them, and reads what
/// is wanted of them. Blocking.
pub(crate) fn prepare(dir: &Path) -> Book {
    place::sweep(dir);
    std::fs::remove_dir_all(dir.join(fetch::FRESH_DIR)).ok();
    Book::read(dir)
}

impl Files {
    /// Takes a member's connection, which the gate has let through.
    pub fn accept(&self, connection: Connection) {
        if let Err(refused) = self.connections.try_send(connection) {
            tracing::debug!("too many connections for files: one was closed");
            refused.into_inner().close(crate::gate::REFUSED, b"");
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publishing(&self) -> MutexGuard<'_, HashMap<Hash, usize>> {
        self.publishing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn begun(&self) -> MutexGuard<'_, HashMap<Hash, bool>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn news(&self) -> MutexGuard<'_, Vec<News>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks through what is new in the log, and then asks for announcements. Blocking.
    fn announced<T>(
        &self,
        ask: impl FnOnce(&mut Announced) -> Result<T, FilesError>,
    ) -> Result<T, FilesError> {
        let mut announced = self
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut news = Vec::new();
        let caught_up = announced.catch_up(&mut news);
        if !news.is_empty() {
            self.news().extend(news);
            self.wake.notify_one();
        }
        caught_up?;
        ask(&mut announced)
    }

    /// Runs what may block where it may.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, FilesError> {
        let files = self.clone();
        match tokio::task::spawn_blocking(move || work(&files)).await {
            Ok(done) => Ok(done),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(FilesError::Closed),
        }
    }

    /// Writes the book. Blocking.
    fn save(&self) -> Result<(), FilesError> {
        let mut saved = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        *saved += 1;
        let rendered = {
            let mut book = self.book();
            book.dirty = false;
            book.render()
        };
        match book::write(rendered) {
            Ok(()) => self.book().put_aside = false,
            Err(error) => {
                self.book().dirty = true;
                return Err(error);
            }
        }
        Ok(())
    }

    /// The same, where there is nobody to tell: what could not be written is not known after a restart.
    fn save_or_warn(&self) {
        if let Err(error) = self.save() {
            tracing::warn!(%error, "what is wanted of a room's files could not be written");
        }
    }

    /// How far a file has come. Looks at the disk, nothing more. Blocking.
    fn status(&self, file: &Announcement) -> FileStatus {
        let (note, coming) = {
            let book = self.book();
            let coming = book.runs.get(&file.id).is_some_and(|run| run.coming);
            (
                book.notes.get(&file.id).cloned().unwrap_or_default(),
                coming,
            )
        };
        let here = !note.damaged && !note.unchecked && place::is_there(&self.dir, file);
        let gone = || !note.wanted && place::is_gone(&self.dir, file);
        let never = if here {
            None
        } else {
            place::fault(&self.dir, file)
        };
        let state = match () {
            () if here => FileState::Here,
            () if note.wanted && coming => FileState::Fetching,
            () if note.wanted => FileState::Waiting,
            () if note.damaged || gone() => FileState::Damaged,
            () if note.failed || never.is_some() => FileState::Failed,
            () => FileState::Announced,
        };
        let fault = match state {
            FileState::Damaged if note.fault.is_none() => Some("its bytes are gone".to_owned()),
            FileState::Failed => note.fault.or(never),
            _ => note.fault,
        };
        FileStatus {
            have: if here {
                file.size
            } else {
                note.have.min(file.size)
            },
            path: here.then(|| place::path_of(&self.dir, file)),
            fault,
            waits_for: (state == FileState::Waiting).then_some(if note.alone {
                WaitsFor::Member
            } else {
                WaitsFor::Try
            }),
            ..announced_status(file, state)
        }
    }

    /// Tells those who listen how far a file has come. Blocking.
    fn tell(&self, file: &Announcement) {
        self.tell_status(self.status(file));
    }

    fn tell_status(&self, status: FileStatus) {
        if let Some(events) = self.events.upgrade() {
            // Nobody listening is no fault.
            events.send(RoomEvent::File(status)).ok();
        }
    }

    /// The file of this message, if it counts. Blocking.
    fn find(&self, id: &MessageId) -> Result<Announcement, FilesError> {
        let found = self.announced(|announced| announced.by_id(id))?;
        found.ok_or(FilesError::NoSuchFile)
    }

    /// How the room is.
    async fn room_status(&self) -> Result<RoomStatus, RoomError> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let request = RoomMessage::Request(Request::Status { reply });
        self.inbox.send(request).await?;
        answer.await.map_err(|_| RoomError::Closed)
    }

    fn dir(&self) -> &Path {
        &self.dir
    }
}

/// What is said of a file of which nothing is here.
fn announced_status(file: &Announcement, state: FileState) -> FileStatus {
    FileStatus {
        id: file.id,
        n: file.n,
        author: file.author,
        ts: file.ts,
        via: file.via.clone(),
        name: file.name.clone(),
        size: file.size,
        hash: file.hash,
        media_type: file.media_type.clone(),
        folder: file.folder,
        state,
        waits_for: None,
        have: 0,
        path: None,
        fault: None,
    }
}

/// The hash as iroh-blobs has it.
fn blob_hash(hash: &Hash) -> iroh_blobs::Hash {
    iroh_blobs::Hash::from_bytes(*hash.as_bytes())
}
