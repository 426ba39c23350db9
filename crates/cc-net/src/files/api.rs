//! What a room's handle does with its files.

use std::path::Path;
use std::sync::Arc;

use cc_proto::id::{ArrivalNo, MessageId};
use cc_proto::limits::WANTED_FILES_MAX;

use super::announced::Announcement;
use super::types::{
    FileSettings, FileState, FileStatus, FilesError, Inspect, ShareDraft, ShareError, SourceLook,
};
use super::{Files, check, place, share};
use crate::room::Room;

impl Room {
    /// Shares a file or a folder: keeps a copy of it in the room's folder and announces that. The
    /// inspector sees the very bytes that are shared, before anything is announced. Links inside a folder
    /// are left out, as are folders without files; the status says so.
    ///
    /// Cancel safe: dropped, nothing is announced, but for the instant in which it is being signed.
    ///
    /// # Errors
    /// [`ShareError`]; nothing was announced.
    pub async fn share(
        &self,
        draft: ShareDraft,
        media_type: String,
        inspect: Option<Inspect>,
    ) -> Result<FileStatus, ShareError> {
        share::share(self.room_files(), draft, media_type, inspect).await
    }

    /// Reads what would be shared, as [`Room::share`] does, and announces nothing: so that it can be shared later only as
    /// it is now, by the draft's hash. Cancel safe.
    ///
    /// # Errors
    /// [`ShareError`].
    pub async fn look_at_source(
        &self,
        path: &Path,
        inspect: Option<Inspect>,
    ) -> Result<SourceLook, ShareError> {
        share::look(self.room_files(), path.to_owned(), inspect).await
    }

    /// Files that were announced in lines before `before` and count, the newest first, `count` at most.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn files(
        &self,
        before: Option<ArrivalNo>,
        count: usize,
    ) -> Result<Vec<FileStatus>, FilesError> {
        let listed = self.room_files().blocking(move |files| {
            let found = files.announced(|announced| announced.newest(before, count))?;
            Ok(found.iter().map(|file| files.status(file)).collect())
        });
        listed.await?
    }

    /// The file that a message announced.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn file(&self, id: &MessageId) -> Result<FileStatus, FilesError> {
        self.with_file(id, |files, file| Ok(files.status(file)))
            .await
    }

    /// Notes down that a file is wanted, and returns at once: it is fetched as soon as somebody who has
    /// it is there, over restarts too. [`crate::RoomEvent::File`] tells how far it has come.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn get_file(&self, id: &MessageId) -> Result<FileStatus, FilesError> {
        self.with_file(id, |files, file| want(files, file, false))
            .await
    }

    /// The same for somebody who may not fill the disk: what does not fit into the room's quota beside what is here and
    /// what is wanted is not fetched. What is wanted by a person stays so.
    ///
    /// # Errors
    /// [`FilesError`], [`FilesError::OverQuota`] among it.
    pub async fn get_file_within_quota(&self, id: &MessageId) -> Result<FileStatus, FilesError> {
        self.with_file(id, |files, file| want(files, file, true))
            .await
    }

    /// No longer wants a file. What is here of it stays for later.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn cancel_file(&self, id: &MessageId) -> Result<FileStatus, FilesError> {
        self.with_file(id, cancel).await
    }

    /// Reads a file that is here from end to end. Where it is not what was announced, it is damaged from
    /// then on, and can be fetched again.
    ///
    /// # Errors
    /// [`FilesError`].
    pub async fn verify_file(&self, id: &MessageId) -> Result<FileStatus, FilesError> {
        self.with_file(id, check::verify).await
    }

    /// What of the room's files is fetched by itself.
    pub fn file_settings(&self) -> FileSettings {
        self.room_files().book().settings
    }

    /// Whether what was chosen to be fetched by itself could not be read, and nothing was chosen since: nothing is fetched by
    /// itself, and the quota is that of a new room.
    pub fn file_settings_lost(&self) -> bool {
        self.room_files().book().lost
    }

    /// Changes what is fetched by itself, durably. It applies to what is announced from then on.
    ///
    /// # Errors
    /// [`FilesError::File`]; nothing is changed then.
    pub async fn set_file_settings(&self, settings: FileSettings) -> Result<(), FilesError> {
        let set = self.room_files().blocking(move |files| {
            let before = {
                let mut book = files.book();
                let lost = std::mem::take(&mut book.lost);
                (std::mem::replace(&mut book.settings, settings), lost)
            };
            files.save().inspect_err(|_| {
                let mut book = files.book();
                (book.settings, book.lost) = before;
            })
        });
        set.await?
    }

    /// How many bytes of the room's files are on this machine's disk, where a file in a folder counts at least
    /// [`FOLDER_FILE_BYTES_MIN`](crate::tuning::FOLDER_FILE_BYTES_MIN).
    ///
    /// # Errors
    /// When the room is closed.
    pub async fn files_used(&self) -> Result<u64, FilesError> {
        self.room_files().blocking(Files::used).await
    }

    async fn with_file<T: Send + 'static>(
        &self,
        id: &MessageId,
        act: impl FnOnce(&Files, &Announcement) -> Result<T, FilesError> + Send + 'static,
    ) -> Result<T, FilesError> {
        let id = *id;
        let files: &Arc<Files> = self.room_files();
        let done = files.blocking(move |files| act(files, &files.find(&id)?));
        done.await?
    }
}

/// Notes down that a file is not wanted.
pub(super) fn cancel(files: &Files, file: &Announcement) -> Result<FileStatus, FilesError> {
    let has_no_name = !place::is_there(files.dir(), file);
    {
        let mut book = files.book();
        book.stop(&file.id);
        if let Some(note) = book.notes.get_mut(&file.id) {
            (note.wanted, note.alone, note.fault) = (false, false, None);
            // Nothing is told to be here of it, so that nothing is to be read: the next start wants it no more either.
            // What the store has of it is read before it gets its name.
            if note.unchecked && has_no_name {
                (note.unsynced, note.unchecked) = (false, false);
            }
        }
    }
    files.save()?;
    let status = files.status(file);
    files.tell_status(status.clone());
    Ok(status)
}

/// Notes down that a file is wanted by somebody; `bounded`, by somebody who is held to the quota.
fn want(files: &Files, file: &Announcement, bounded: bool) -> Result<FileStatus, FilesError> {
    let status = files.status(file);
    if status.state == FileState::Here {
        return Ok(status);
    }
    let counted = files.used();
    {
        let mut book = files.book();
        // What came since is no longer among what is coming.
        let used = book.used.unwrap_or(counted);
        let count = book.wanted();
        let before = book.notes.get(&file.id).filter(|note| note.wanted);
        if before.is_none() && count >= WANTED_FILES_MAX {
            return Err(FilesError::TooManyWanted { count });
        }
        let is_a_persons = before.is_some_and(|note| !note.auto && !note.bounded);
        let size = before.map_or(file.size, |note| note.size.max(file.size));
        if bounded && !is_a_persons {
            let itself = before.map_or(0, |note| note.size);
            let others = book.coming().saturating_sub(itself);
            let taken = used.saturating_add(others);
            let quota_bytes = book.settings.quota_bytes;
            if taken.saturating_add(size) > quota_bytes {
                return Err(FilesError::OverQuota {
                    size,
                    taken,
                    quota_bytes,
                });
            }
        }
        let note = book.note(file.id, file.n);
        note.damaged |= status.state == FileState::Damaged;
        (note.wanted, note.auto, note.failed, note.size) = (true, false, false, size);
        note.bounded = bounded && !is_a_persons;
        if status.state != FileState::Fetching {
            (note.fault, note.alone) = (None, false);
        }
        let run = book.runs.entry(file.id).or_default();
        (run.not_before, run.tries) = (None, 0);
    }
    files.save()?;
    files.wake.notify_one();
    let status = files.status(file);
    files.tell_status(status.clone());
    Ok(status)
}

impl Files {
    /// How many bytes of the room's files are here. They are counted once; then it is kept. Blocking.
    pub(super) fn used(&self) -> u64 {
        let (known, arrivals) = {
            let book = self.book();
            (book.used, book.arrivals)
        };
        known.unwrap_or_else(|| {
            let used = place::used_bytes(&place::files_dir(self.dir()));
            let mut book = self.book();
            // Not where something came or went while it was counted.
            if book.arrivals == arrivals {
                book.used = Some(used);
            }
            used
        })
    }

    /// Has them counted again: something came or went.
    pub(super) fn used_changed(&self) {
        let mut book = self.book();
        book.arrivals += 1;
        book.used = None;
    }
}
