//! The real disk. The one module of this crate that uses what only Unix has.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::storage::{Access, Durability, Storage, StorageFile};

/// Only the owner reads and writes.
const FILE_MODE: u32 = 0o600;
/// Only the owner looks inside.
const DIR_MODE: u32 = 0o700;

/// The file system: files of mode 0600, directories of mode 0700, `flock` for locks.
#[derive(Debug, Clone, Copy, Default)]
pub struct FsStorage;

/// A lock on a file, held until dropped or until the process ends, however it ends.
#[derive(Debug)]
pub struct FsLock {
    _file: File,
}

impl FsStorage {
    /// The file that a replace writes before its rename. One name, so that a killed process leaves
    /// at most one such file, which the next replace uses up; callers hold a lock on `path`.
    fn temporary(path: &Path) -> PathBuf {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".tmp");
        path.with_file_name(name)
    }

    fn write_temporary(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(path)?;
        file.write_all_at(bytes, 0)?;
        match durability {
            Durability::Synced => file.sync_all(),
            Durability::Unsynced => Ok(()),
        }
    }
}

impl Storage for FsStorage {
    type File = File;
    type Lock = FsLock;

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        if access == Access::Write {
            options.write(true).create(true).mode(FILE_MODE);
        }
        options.open(path)
    }

    fn replace(&self, path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
        let temporary = Self::temporary(path);
        let written = Self::write_temporary(&temporary, bytes, durability)
            .and_then(|()| std::fs::rename(&temporary, path));
        if let Err(error) = written {
            // It is of no use to anyone, and on a full disk its bytes are needed.
            let _ = std::fs::remove_file(&temporary);
            return Err(error);
        }
        match (durability, path.parent()) {
            (Durability::Synced, Some(dir)) => self.sync_dir(dir),
            _ => Ok(()),
        }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<FsLock>> {
        loop {
            let file = self.open(path, Access::Write)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // A sweep may have removed the file between our open and our lock: then the lock is
            // on a file that nobody else will find, and guards nothing.
            let ours = file.metadata()?;
            match std::fs::metadata(path) {
                Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => {
                    return Ok(Some(FsLock { _file: file }));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        Ok(std::fs::metadata(path)?.len())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(dir)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}

impl StorageFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match FileExt::read_at(self, &mut buf[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }
}
