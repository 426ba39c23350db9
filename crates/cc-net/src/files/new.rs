//! What is new in the log: what is announced may come by itself, what is taken back goes. Blocking.

use cc_log::Trust;
use cc_proto::id::{ArrivalNo, Hash, MessageId};
use cc_proto::limits::WANTED_FILES_MAX;
use std::sync::PoisonError;

use super::announced::{Announcement, News};
use super::book::Run;
use super::folder::FolderList;
use super::types::{FileState, FilesError};
use super::{Files, blob_hash, place};
use crate::tuning::{AUTO_FOLDER_FILES_MAX, FILES_NEWS_BATCH, FOLDER_FILE_BYTES_MIN};

/// What came of seeing to what is new.
#[derive(Debug, Default)]
pub struct Seen {
    /// To be removed from the store.
    pub forgotten: Vec<iroh_blobs::Hash>,
    /// Why not all of it was seen to. The rest waits.
    pub fault: Option<FilesError>,
    /// There is more.
    pub more: bool,
}

impl Files {
    /// Sees to some of what is new, and writes down once what is to come of it. Only when nothing is left
    /// does the index say that the log was looked through: what a kill leaves is seen to in the next run.
    pub fn see_to_news(&self) -> Seen {
        let batch: Vec<News> = {
            let mut news = self.news();
            let count = news.len().min(FILES_NEWS_BATCH);
            news.drain(..count).collect()
        };
        let (mut seen, mut coming, mut failed) = (Seen::default(), Vec::new(), Vec::new());
        let mut took_back = false;
        for one in batch {
            let back = match one {
                News::TakenBack(hash) => Some(hash),
                News::ShareEnded(hash, announced) => {
                    self.share_ended(&hash);
                    (!announced).then_some(hash)
                }
                News::Announced(_) | News::Unchecked(..) => None,
            };
            took_back |= back.is_some();
            let done = match (back, &one) {
                (Some(hash), _) => self
                    .take_back(&hash)
                    .map(|gone| seen.forgotten.extend(gone)),
                (None, News::Announced(n)) => self.consider(*n).map(|file| coming.extend(file)),
                (None, News::Unchecked(id, n)) => self.withdraw(id, *n),
                (None, _) => Ok(()),
            };
            if let Err(error) = done {
                seen.fault.get_or_insert(error);
                failed.push(back.map_or(one, News::TakenBack));
            }
        }
        // What cannot be seen to just now holds up nothing else.
        self.news().extend(failed);
        let finished = self.finish(took_back);
        for file in coming {
            self.tell(&file);
        }
        seen.fault = seen.fault.or(finished.err());
        seen.more = !self.news().is_empty();
        seen
    }

    /// Writes down what came of the news.
    fn finish(&self, took_back: bool) -> Result<(), FilesError> {
        if took_back {
            self.forget_what_is_void()?;
        }
        if self.book().dirty {
            self.save()?;
        }
        let announced = self.announced.lock();
        let mut announced = announced.unwrap_or_else(PoisonError::into_inner);
        // Whatever is found in the log becomes news while this lock is held.
        if self.news().is_empty() {
            announced.save()?;
        }
        Ok(())
    }

    /// Wants a file that was announced, if the owner said that such come by themselves. The file, if so.
    fn consider(&self, n: ArrivalNo) -> Result<Option<Announcement>, FilesError> {
        let found = self.announced(|announced| {
            let Some(file) = announced.at(n)? else {
                return Ok(None);
            };
            let trust = announced.trust(&file.author)?;
            Ok(Some((file, trust)))
        })?;
        let Some((file, trust)) = found else {
            return Ok(None);
        };
        let (settings, is_noted) = {
            let book = self.book();
            (book.settings, book.notes.contains_key(&file.id))
        };
        let wanted = file.author != self.me
            && trust == Trust::Inline
            && !is_noted
            && settings.auto_get_bytes > 0
            && file.size <= settings.auto_get_bytes
            && matches!(
                self.status(&file).state,
                FileState::Announced | FileState::Damaged
            )
            && self.fits(&file, settings.quota_bytes);
        if !wanted {
            return Ok(None);
        }
        let mut book = self.book();
        let note = book.note(file.id, file.n);
        (note.wanted, note.auto, note.size) = (true, true, file.size);
        book.runs.insert(file.id, Run::default());
        book.dirty = true;
        drop(book);
        Ok(Some(file))
    }

    /// Whether it still fits beside what is here and what comes by itself.
    fn fits(&self, file: &Announcement, quota_bytes: u64) -> bool {
        let counted = self.used();
        let book = self.book();
        let used = book.used.unwrap_or(counted);
        let all = used.saturating_add(book.coming()).saturating_add(file.size);
        all <= quota_bytes && book.wanted() < WANTED_FILES_MAX
    }

    /// Whether a folder of files of these sizes may come. What a person asked for may.
    ///
    /// # Errors
    /// Words for people: it does not come by itself.
    pub fn admit(&self, id: &MessageId, sizes: &[u64]) -> Result<(), String> {
        let counted = self.used();
        let mut book = self.book();
        let used = book.used.unwrap_or(counted);
        let note = book.notes.get_mut(id);
        let Some(note) = note.filter(|note| note.auto || note.bounded) else {
            return Ok(());
        };
        let count = sizes.len();
        if note.auto && count > AUTO_FOLDER_FILES_MAX {
            return Err(format!(
                "a folder of {count} files does not come by itself; get it to have it"
            ));
        }
        let charged = sizes.iter().map(|size| (*size).max(FOLDER_FILE_BYTES_MIN));
        note.size = charged.fold(0, u64::saturating_add);
        if used.saturating_add(book.coming()) > book.settings.quota_bytes {
            return Err(format!(
                "its {count} files do not fit into the room's quota; a person can get them all the same"
            ));
        }
        Ok(())
    }

    fn share_ended(&self, hash: &Hash) {
        let mut publishing = self.publishing();
        if let Some(count) = publishing.get_mut(hash) {
            *count -= 1;
            if *count == 0 {
                publishing.remove(hash);
            }
        }
    }

    /// Removes what is here of a hash that no announcement that counts is of any more, and gives what is
    /// to be removed from the store. What is in its place with another hash stays.
    fn take_back(&self, hash: &Hash) -> Result<Vec<iroh_blobs::Hash>, FilesError> {
        // Held, so that no share begins to keep what is being removed.
        let publishing = self.publishing();
        if publishing.contains_key(hash) {
            // Either it is announced, or it ends here once more.
            return Ok(Vec::new());
        }
        let (counts, is_place_of_one) = self.announced(|announced| {
            let counts = announced.by_hash(hash, |_| true)?.is_some();
            Ok((counts, announced.has_place(hash)?))
        })?;
        if counts {
            return Ok(Vec::new());
        }
        let (place, _) = cc_proto::files::file_place(hash, "");
        let dir = place::files_dir(self.dir()).join(&place);
        let owner = place::owner(&dir).map_err(|source| FilesError::File {
            path: dir.clone(),
            source,
        })?;
        let is_its_own = if let Some(owner) = owner {
            owner.hash == *hash
        } else {
            // Something may be on its way there.
            let mut shared = publishing.keys();
            let alike = |other: &Hash| cc_proto::files::file_place(other, "").0 == place;
            !is_place_of_one && !shared.any(alike)
        };
        let mut hashes = vec![blob_hash(hash)];
        if is_its_own {
            hashes.extend(FolderList::linked(&dir));
            match std::fs::remove_dir_all(&dir) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(FilesError::File {
                        path: dir,
                        source: error,
                    });
                }
                _ => {}
            }
            self.used_changed();
        }
        hashes.retain(|hash| self.store.data_path(hash).exists());
        Ok(hashes)
    }

    /// Forgets what was noted of files that do not count any more.
    fn forget_what_is_void(&self) -> Result<(), FilesError> {
        let noted: Vec<(MessageId, ArrivalNo)> = {
            let book = self.book();
            let notes = book.notes.iter();
            notes.map(|(id, note)| (*id, ArrivalNo(note.n))).collect()
        };
        for (id, n) in noted {
            let still = self.announced(|announced| announced.at(n))?;
            if still.is_none_or(|file| file.id != id) {
                self.book().forget(&id);
            }
        }
        Ok(())
    }
}
