//! The few file operations that the log needs, so that tests can run it over a disk that fails.
//!
//! [`FsStorage`](crate::FsStorage) is the real one; `cc_log::fault::FaultStorage` (feature
//! `fault-storage`) drops what was not synced, tears last writes and runs full.

use std::io;
use std::path::{Path, PathBuf};

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For reading; a missing file is [`io::ErrorKind::NotFound`].
    Read,
    /// For reading and writing; a missing file is created, empty and private to its owner.
    Write,
}

/// What a [`Storage::replace`] promises about a power loss after it returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The new contents are on disk under that name.
    Synced,
    /// The file may then hold the old contents, the new ones, or garbage. A mere crash of the
    /// process leaves the old or the new.
    Unsynced,
}

/// A disk: files by path, an advisory lock, and an atomic replace.
pub trait Storage: Clone + Send + Sync + 'static {
    /// An open file.
    type File: StorageFile;
    /// A held lock, released when dropped or when its process ends.
    type Lock: Send + 'static;

    /// Makes `dir` and what is missing above it, private to the owner.
    ///
    /// # Errors
    /// As the file system reports them.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Opens a file.
    ///
    /// # Errors
    /// As the file system reports them.
    fn open(&self, path: &Path, access: Access) -> io::Result<Self::File>;

    /// Puts `bytes` at `path` by writing a temporary file beside it and renaming that over it.
    ///
    /// # Errors
    /// As the file system reports them; the old contents then stand.
    fn replace(&self, path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()>;

    /// Makes the names in `dir` durable: files created in it survive a power loss.
    ///
    /// # Errors
    /// As the file system reports them.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the exclusive lock at `path` without waiting; `None` while someone else holds it.
    ///
    /// # Errors
    /// As the file system reports them.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Self::Lock>>;

    /// The size in bytes of the file at `path`, without opening it.
    ///
    /// # Errors
    /// As the file system reports them; [`io::ErrorKind::NotFound`] where there is none.
    fn size(&self, path: &Path) -> io::Result<u64>;

    /// The files in `dir`, in no order.
    ///
    /// # Errors
    /// As the file system reports them.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the file system reports them.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The whole of a small file.
    ///
    /// # Errors
    /// As the file system reports them, and [`io::ErrorKind::InvalidData`] above `bytes_max`.
    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
        let file = self.open(path, Access::Read)?;
        let size = file.size()?;
        if size > bytes_max {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the file is too large",
            ));
        }
        let mut bytes = vec![0; size as usize];
        let filled = file.read_at(&mut bytes, 0)?;
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// An open file of a [`Storage`]. All access is by position; no handle has a cursor of its own.
pub trait StorageFile: Send + Sync + 'static {
    /// The size now, in bytes.
    ///
    /// # Errors
    /// As the file system reports them.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buf` from `offset` on; fewer bytes than asked for mean the end of the file.
    ///
    /// # Errors
    /// As the file system reports them.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. After an error any part of them may be there.
    ///
    /// # Errors
    /// As the file system reports them; [`io::ErrorKind::StorageFull`] on a full disk.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file to `size`, or extends it with zeros.
    ///
    /// # Errors
    /// As the file system reports them.
    fn truncate(&self, size: u64) -> io::Result<()>;

    /// Returns once the contents and size are on disk.
    ///
    /// # Errors
    /// As the file system reports them; what was not yet synced may then be lost.
    fn sync_data(&self) -> io::Result<()>;
}
