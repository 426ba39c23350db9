//! Reading a file that is here from end to end, and making the store know it. Blocking where it reads.

use std::path::Path;
use std::sync::Arc;

use iroh_blobs::Hash;

use super::announced::Announcement;
use super::folder::FolderList;
use super::store::has;
use super::types::{FileState, FileStatus, FilesError};
use super::{Files, blob_hash, place};

/// Where something goes that is not what was announced, until that is here.
const DAMAGED: &str = ".damaged";

/// Reads a file that is here, or was. Where it is not what was announced it is moved aside.
pub fn verify(files: &Files, file: &Announcement) -> Result<FileStatus, FilesError> {
    let status = files.status(file);
    let fault = match status.state {
        FileState::Here => fault_of(files.dir(), file),
        // Gone: so that it is known after its empty place is.
        FileState::Damaged => status.fault.clone(),
        _ => return Ok(status),
    };
    let Some(fault) = fault else {
        return Ok(status);
    };
    damaged(files, file, fault)?;
    let status = files.status(file);
    files.tell_status(status.clone());
    Ok(status)
}

/// Takes note that what is here is not what was announced, and moves it aside.
pub fn damaged(files: &Files, file: &Announcement, fault: String) -> Result<(), FilesError> {
    tracing::warn!(%fault, "a file of the room is damaged");
    let path = place::path_of(files.dir(), file);
    let aside = path.with_file_name(DAMAGED);
    if path.exists() {
        remove(&aside);
        std::fs::rename(&path, &aside).map_err(|source| FilesError::File { path, source })?;
    }
    {
        let mut book = files.book();
        let note = book.note(file.id, file.n);
        (note.damaged, note.have, note.fault) = (true, 0, Some(fault));
        note.size = file.size;
    }
    files.used_changed();
    files.save()
}

/// Removes what was moved aside: the file is here again.
pub fn mended(files: &Files, file: &Announcement) {
    remove(&place::path_of(files.dir(), file).with_file_name(DAMAGED));
}

/// What is wrong with a file that is here.
fn fault_of(room_dir: &Path, file: &Announcement) -> Option<String> {
    let path = place::path_of(room_dir, file);
    if !file.folder {
        return fault_in(&path, &blob_hash(&file.hash));
    }
    let dir = path.parent()?;
    match FolderList::read(dir, &blob_hash(&file.hash)) {
        Err(error) => Some(error.to_string()),
        Ok(list) => list.files.iter().find_map(|(name, hash)| {
            Some(format!("{name}: {}", fault_in(&path.join(name), hash)?))
        }),
    }
}

/// What is wrong with the bytes of one file.
pub fn fault_in(path: &Path, hash: &Hash) -> Option<String> {
    match place::hash_file(path) {
        Ok((found, _)) if found == *hash.as_bytes() => None,
        Ok(_) => Some("its bytes are not those that were announced".to_owned()),
        Err(error) => Some(format!("it cannot be read: {error}")),
    }
}

fn remove(path: &Path) {
    std::fs::remove_file(path).ok();
    std::fs::remove_dir_all(path).ok();
}

impl Files {
    /// Makes the store know what is at `path`; of a folder also what is in it.
    ///
    /// # Errors
    /// Words for people; also where the bytes are others.
    pub(super) async fn take(
        &self,
        hash: Hash,
        path: &Path,
        place: &Path,
        list: Option<&FolderList>,
    ) -> Result<(), String> {
        let Some(list) = list else {
            return self.store.take(hash, path).await;
        };
        let store = self.store.open().await?;
        for (name, hash) in &list.files {
            if !has(&store, *hash).await {
                self.store.take(*hash, &path.join(name)).await?;
            }
        }
        let [links, names] = FolderList::paths(place);
        self.store.take(list.names_hash(), &names).await?;
        self.store.take(hash, &links).await
    }

    /// Makes sure that the store knows a file that is here, as it does not after it was put aside.
    ///
    /// # Errors
    /// Words for people.
    pub(super) async fn settle(self: &Arc<Self>, file: &Announcement) -> Result<(), String> {
        let _one_at_a_time = self.taking.lock().await;
        let (hash, path) = (blob_hash(&file.hash), place::path_of(&self.dir, file));
        let store = self.store.open().await?;
        let dir = path.parent().unwrap_or(&path).to_owned();
        let (read_from, folder) = (dir.clone(), file.folder);
        let list = self.blocking(move |_| {
            folder.then(|| FolderList::read(&read_from, &hash).map_err(|error| error.to_string()))
        });
        let list = list.await.map_err(|error| error.to_string())?.transpose()?;
        if list.is_none() && has(&store, hash).await {
            return Ok(());
        }
        self.take(hash, &path, &dir, list.as_ref()).await
    }
}
