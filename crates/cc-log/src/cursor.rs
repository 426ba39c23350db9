//! How far each reader of a room was shown its log.
//!
//! A cursor counts by arrival, never by a clock: whatever comes late, skewed or backfilled is a new
//! line at the end. It is written by rename, under a lock that is held from the read to the write.
//! It need not be synced: a power loss leaves the cursor before, the new one, or garbage. The one
//! before and garbage (which counts as none) mean that lines are offered twice; none is skipped,
//! because the new one names only lines that were on disk before anybody was shown them.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use cc_proto::id::{ArrivalNo, MessageId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::CursorError;
use crate::fs::FsStorage;
use crate::layout;
use crate::line::Line;
use crate::reader::LogReader;
use crate::storage::{Durability, Storage};

/// The version of the file.
const CURSOR_VERSION: u32 = 1;
/// No cursor is larger.
const CURSOR_BYTES_MAX: u64 = 4096;
/// The most files that a cursor waits for.
pub const AWAITED_FILES_MAX: usize = 32;
/// A cursor not used for this long is swept.
const UNUSED_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1000;
/// A cursor that is used without moving says so this often.
const TOUCH_MS: u64 = 24 * 60 * 60 * 1000;
/// How long the name of a file's folder is.
const FILE_FOLDER_CHARS: usize = 16;
/// How long to wait between two tries for a lock.
const RETRY: Duration = Duration::from_millis(1);
/// Longest reader name that is a file name as it is.
const READER_BYTES_MAX: usize = 64;

/// A place between two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line before it; 0 at the start.
    pub n: ArrivalNo,
    /// Where that line ends, in bytes.
    pub offset: u64,
    /// That line's message; `None` at the start and after a damaged line.
    pub id: Option<MessageId>,
}

impl Position {
    /// Before the first line.
    pub const START: Self = Self {
        n: ArrivalNo(0),
        offset: 0,
        id: None,
    };

    /// Just after a line.
    pub fn after(line: &Line) -> Self {
        Self {
            n: line.n,
            offset: line.end(),
            id: line.id(),
        }
    }
}

/// A file that a reader was shown as announced, and that was not here then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwaitedFile {
    /// The line that announces it.
    pub n: ArrivalNo,
    /// The name of the folder that it will be in, the beginning of its hash: by it alone one sees that it is not here,
    /// and that another line has its number now.
    pub folder: String,
}

impl AwaitedFile {
    /// `None` where `folder` is no name of such a folder.
    fn parse((n, folder): (u64, String)) -> Option<Self> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (folder.len() == FILE_FOLDER_CHARS && folder.bytes().all(is_hex)).then_some(Self {
            n: ArrivalNo(n),
            folder,
        })
    }
}

/// How far a reader was shown the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The last line shown; 0 for a new reader.
    pub n: ArrivalNo,
    /// Where that line ends, in bytes.
    pub offset: u64,
    /// That line's message; `None` for a new reader and after a damaged line.
    pub id: Option<MessageId>,
    /// When the cursor was last moved or used.
    pub at: Timestamp,
    /// The files that the reader is to be told of once they are here, in order of arrival; nearly always none.
    pub files: Vec<AwaitedFile>,
}

#[derive(Serialize, Deserialize)]
struct CursorFile {
    v: u32,
    n: u64,
    offset: u64,
    id: Option<String>,
    at: u64,
    /// Pairs of a line and the name of a file's folder.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    files: Value,
}

impl Cursor {
    fn encode(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(&CursorFile {
            v: CURSOR_VERSION,
            n: self.n.0,
            offset: self.offset,
            id: self.id.map(|id| id.to_hex()),
            at: self.at.0,
            files: self.encode_files(),
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn encode_files(&self) -> Value {
        if self.files.is_empty() {
            return Value::Null;
        }
        let pairs = self.files.iter().map(|file| json!([file.n.0, file.folder]));
        pairs.collect()
    }

    /// `None` for garbage; a list of files that is garbage is none.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let file: CursorFile = serde_json::from_slice(bytes).ok()?;
        if file.v != CURSOR_VERSION {
            return None;
        }
        Some(Self {
            n: ArrivalNo(file.n),
            offset: file.offset,
            id: file.id.map(|id| id.parse()).transpose().ok()?,
            at: Timestamp(file.at),
            files: decode_files(file.files).unwrap_or_default(),
        })
    }
}

fn decode_files(files: Value) -> Option<Vec<AwaitedFile>> {
    let pairs: Vec<(u64, String)> = serde_json::from_value(files).ok()?;
    if pairs.len() > AWAITED_FILES_MAX {
        return None;
    }
    pairs.into_iter().map(AwaitedFile::parse).collect()
}

/// The name of a reader's files, without an extension. Names that could be taken for a path, or that differ only in
/// case, as some file systems do not, become a hash.
pub fn reader_file_name(reader: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let usable = !reader.is_empty() && reader.len() <= READER_BYTES_MAX;
    if usable && !reader.starts_with('.') && reader.chars().all(plain) {
        reader.to_owned()
    } else {
        format!("h-{}", blake3::hash(reader.as_bytes()).to_hex())
    }
}

/// The cursors of one room.
#[derive(Debug, Clone)]
pub struct CursorStore<S: Storage = FsStorage> {
    storage: S,
    dir: PathBuf,
}

impl CursorStore<FsStorage> {
    /// The cursors in `dir`, the room's folder.
    pub fn new(dir: &Path) -> Self {
        Self::new_in(FsStorage, dir)
    }
}

impl<S: Storage> CursorStore<S> {
    /// The cursors in `dir`, the room's folder, on `storage`.
    pub fn new_in(storage: S, dir: &Path) -> Self {
        Self {
            storage,
            dir: layout::cursors(dir),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn lock_path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.lock"))
    }

    /// Reads a cursor without its lock: good for seeing that there is nothing to do.
    ///
    /// # Errors
    /// As the file system reports them. A missing or garbage cursor is a new reader's.
    pub fn peek(&self, reader: &str) -> io::Result<Cursor> {
        self.read(&reader_file_name(reader))
    }

    fn read(&self, name: &str) -> io::Result<Cursor> {
        match self.storage.read(&self.path(name), CURSOR_BYTES_MAX) {
            Ok(bytes) => Ok(Cursor::decode(&bytes).unwrap_or_default()),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidData
                ) =>
            {
                Ok(Cursor::default())
            }
            Err(error) => Err(error),
        }
    }

    /// Takes a reader's cursor for itself alone, waiting until `deadline`. Hold it from before
    /// the log is read until after what was read is printed.
    ///
    /// # Errors
    /// [`CursorError::Locked`] at the deadline, [`CursorError::Io`].
    pub fn lock(&self, reader: &str, deadline: Instant) -> Result<LockedCursor<S>, CursorError> {
        let name = reader_file_name(reader);
        let path = self.lock_path(&name);
        loop {
            let taken = match self.storage.try_lock(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.storage.create_dir_all(&self.dir)?;
                    self.storage.try_lock(&path)?
                }
                taken => taken?,
            };
            if let Some(lock) = taken {
                let cursor = self.read(&name)?;
                let path = self.path(&name);
                return Ok(LockedCursor {
                    storage: self.storage.clone(),
                    path,
                    cursor,
                    _lock: lock,
                });
            }
            if Instant::now() >= deadline {
                return Err(CursorError::Locked {
                    reader: reader.to_owned(),
                });
            }
            thread::sleep(RETRY);
        }
    }

    /// Every cursor by the name of its file: the reader's name, or its hash where that is odd.
    ///
    /// # Errors
    /// As the file system reports them.
    pub fn list(&self) -> io::Result<Vec<(String, Cursor)>> {
        let mut cursors = Vec::new();
        for name in self.names("json")? {
            let cursor = self.read(&name)?;
            cursors.push((name, cursor));
        }
        Ok(cursors)
    }

    fn names(&self, extension: &str) -> io::Result<Vec<String>> {
        let files = match self.storage.list(&self.dir) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let ours = files
            .iter()
            .filter(|path| path.extension().is_some_and(|it| it == extension));
        let mut names: Vec<String> = ours
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Removes the cursors that were not used for 30 days; gives how many. One that is in use is
    /// left alone.
    ///
    /// # Errors
    /// As the file system reports them.
    pub fn sweep(&self, now: Timestamp) -> io::Result<usize> {
        let mut swept = 0;
        for name in self.names("lock")? {
            let lock_path = self.lock_path(&name);
            let Some(lock) = self.storage.try_lock(&lock_path)? else {
                continue;
            };
            // Read under the lock: the reader may have come back since.
            if self.read(&name)?.at.0.saturating_add(UNUSED_MS_MAX) >= now.0 {
                continue;
            }
            remove_if_there(&self.storage, &self.path(&name))?;
            // Whoever waits for the lock finds, once it has it, that its file is gone, and makes
            // a new one.
            remove_if_there(&self.storage, &lock_path)?;
            drop(lock);
            swept += 1;
        }
        Ok(swept)
    }
}

fn remove_if_there<S: Storage>(storage: &S, path: &Path) -> io::Result<()> {
    match storage.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// A cursor that nobody else can read for use or move, until dropped.
pub struct LockedCursor<S: Storage = FsStorage> {
    storage: S,
    path: PathBuf,
    cursor: Cursor,
    _lock: S::Lock,
}

impl<S: Storage> std::fmt::Debug for LockedCursor<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LockedCursor")
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

impl<S: Storage> LockedCursor<S> {
    /// The cursor.
    pub fn get(&self) -> &Cursor {
        &self.cursor
    }

    /// Finds the cursor's place in the log, and again where the log was rewritten; see
    /// [`LogReader::place`]. Lines are to be shown from there on.
    ///
    /// # Errors
    /// [`CursorError::Read`].
    pub fn place<L: Storage>(&mut self, log: &LogReader<L>) -> Result<Position, CursorError> {
        let position = log.place(&self.cursor)?;
        self.cursor.n = position.n;
        self.cursor.offset = position.offset;
        self.cursor.id = position.id;
        Ok(position)
    }

    /// Moves the cursor: everything through `to` was shown. It waits for the same files.
    ///
    /// # Errors
    /// As [`advance_awaiting`](Self::advance_awaiting).
    pub fn advance(&mut self, to: Position, now: Timestamp) -> Result<(), CursorError> {
        let files = self.cursor.files.clone();
        self.advance_awaiting(to, now, files)
    }

    /// Moves the cursor: everything through `to` was shown. From now on it waits for these files, the newest
    /// [`AWAITED_FILES_MAX`] of them.
    ///
    /// # Errors
    /// [`CursorError::Backwards`] before where it stands; [`CursorError::Io`], and it then stands
    /// where it stood.
    pub fn advance_awaiting(
        &mut self,
        to: Position,
        now: Timestamp,
        mut files: Vec<AwaitedFile>,
    ) -> Result<(), CursorError> {
        if to.n < self.cursor.n {
            return Err(CursorError::Backwards {
                at: self.cursor.n,
                to: to.n,
            });
        }
        self.write(Cursor {
            n: to.n,
            offset: to.offset,
            id: to.id,
            at: now,
            files: files.split_off(files.len().saturating_sub(AWAITED_FILES_MAX)),
        })
    }

    /// Notes that the reader is alive, at most once a day, so that its cursor is not swept.
    ///
    /// # Errors
    /// [`CursorError::Io`].
    pub fn touch(&mut self, now: Timestamp) -> Result<(), CursorError> {
        if self.cursor.at.0.saturating_add(TOUCH_MS) >= now.0 {
            return Ok(());
        }
        self.write(Cursor {
            at: now,
            ..self.cursor.clone()
        })
    }

    fn write(&mut self, cursor: Cursor) -> Result<(), CursorError> {
        self.storage
            .replace(&self.path, &cursor.encode()?, Durability::Unsynced)?;
        self.cursor = cursor;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_reader_names_become_hashes_and_plain_ones_stay() {
        assert_eq!(reader_file_name("claude-0b1c.d_2"), "claude-0b1c.d_2");
        let odd = ["", "..", ".hidden", "a/b", "A", "a b", "ä", &"x".repeat(65)];
        for reader in odd {
            let name = reader_file_name(reader);
            assert!(
                name.starts_with("h-") && name.len() == 66,
                "{reader:?} gave {name}"
            );
        }
        assert_ne!(reader_file_name("A"), reader_file_name("a"));
    }
}
