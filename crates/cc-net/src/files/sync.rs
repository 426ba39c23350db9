//! What is told to be here stays here, also where the power is lost: synced before it is told, or, where that takes long,
//! noted down as not synced, told, and synced then. What was noted when the last run ended is read before it is told again.
//! Blocking.

use std::fs;
use std::io;
use std::path::Path;

use cc_proto::id::{ArrivalNo, MessageId};

use super::announced::{Announcement, News};
use super::types::FilesError;
use super::{Files, place};
use crate::tuning::SYNC_FIRST_BYTES_MAX;

impl Files {
    /// Whether some bytes of a file were in the store before this run: those are read before it is told to be here, as the
    /// store may have noted down what the disk never got.
    pub(super) fn is_from_before(&self, file: &Announcement) -> bool {
        let data = self.store.data_path(&super::blob_hash(&file.hash));
        let mut begun = self.begun();
        *begun.entry(file.hash).or_insert_with(|| data.exists())
    }

    /// Before a file of so many bytes, which is at `staged`, is put in its place: syncs it, or notes down that it is not.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn before_it_is_put(
        &self,
        file: &Announcement,
        staged: &std::path::Path,
        size: u64,
    ) -> Result<(), std::io::Error> {
        if !file.folder && size <= SYNC_FIRST_BYTES_MAX {
            return place::sync_below(staged);
        }
        {
            let mut book = self.book();
            let note = book.note(file.id, file.n);
            note.unsynced = true;
        }
        self.save().map_err(|error| match error {
            FilesError::File { source, .. } => source,
            other => std::io::Error::other(other),
        })
    }

    /// Syncs what was put in its place unsynced.
    pub(super) fn sync(&self, file: &Announcement) {
        if let Err(error) = place::sync_below(&place::path_of(self.dir(), file)) {
            tracing::warn!(%error, "a file of the room could not be synced: it is read at the next start");
            return;
        }
        let mut book = self.book();
        let Some(note) = book.notes.get_mut(&file.id) else {
            return;
        };
        note.unsynced = false;
        let is_of_use = note.wanted || note.damaged || note.failed;
        book.dirty = true;
        if !is_of_use {
            book.forget(&file.id);
        }
    }

    /// Takes the names of those that were not synced when the last run ended, so that nobody is told of them before they
    /// were read. Their bytes are in the store. What cannot be withdrawn now is seen to with what is new in the log.
    pub(super) fn withdraw_unchecked(&self) {
        let lines: Vec<_> = {
            let book = self.book();
            let notes = book.notes.iter().filter(|(_, note)| note.named);
            notes.map(|(id, note)| (*id, ArrivalNo(note.n))).collect()
        };
        for (id, n) in lines {
            if let Err(error) = self.withdraw(&id, n) {
                tracing::warn!(%error, "a file that was not synced keeps its name for now");
                self.news().push(News::Unchecked(id, n));
            }
        }
    }

    /// Takes the name of one of them, announced in line `n`. It is not fetched, and so gets no name, before.
    ///
    /// # Errors
    /// [`FilesError`]: it may still have its name.
    pub(super) fn withdraw(&self, id: &MessageId, n: ArrivalNo) -> Result<(), FilesError> {
        if !self.book().notes.get(id).is_some_and(|note| note.named) {
            return Ok(());
        }
        let found = self.announced(|announced| announced.at(n))?;
        if let Some(file) = found.filter(|file| file.id == *id) {
            let path = place::path_of(self.dir(), &file);
            remove(&path).map_err(|source| FilesError::File { path, source })?;
            self.used_changed();
        }
        if let Some(note) = self.book().notes.get_mut(id) {
            note.named = false;
        }
        Ok(())
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
