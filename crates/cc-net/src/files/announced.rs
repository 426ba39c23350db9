//! Which lines of the log announce files: a list beside the log, so that neither a look at the files nor
//! a request for one reads the history.
//!
//! `files.index` in the room's folder is entries of 48 bytes: the line (8, little-endian), the first 8
//! bytes of the message's id, and the file's hash. An entry of line and zeros at the end says how far
//! the log was looked through. Like the log's own index it is never trusted: what is found through it
//! is checked against the log, and it is made anew where they differ. Blocking.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use cc_log::{LogReader, ReadError, RosterView};
use cc_proto::body::{Body, Kind};
use cc_proto::files::{file_place, is_folder};
use cc_proto::id::{ArrivalNo, AuthorId, Hash, MessageId, Timestamp};
use cc_proto::limits::{NOTE_BYTES_MAX, VIA_BYTES_MAX};
use cc_proto::text::clean_line;

use super::types::FilesError;

const FILE_NAME: &str = "files.index";
const ENTRY_BYTES: usize = 48;
const PREFIX_BYTES: usize = 8;

type Prefix = [u8; PREFIX_BYTES];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    n: u64,
    id: Prefix,
    hash: [u8; 32],
}

/// A `file` message that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The message.
    pub id: MessageId,
    /// Its line.
    pub n: ArrivalNo,
    /// Whose it is.
    pub author: AuthorId,
    /// When they wrote it.
    pub ts: Timestamp,
    /// The agent, cleaned.
    pub via: String,
    /// The folder of the file among the room's files: the first 16 digits of its hash.
    pub place: String,
    /// The safe name.
    pub name: String,
    /// The size that was announced.
    pub size: u64,
    /// The BLAKE3 that was announced.
    pub hash: Hash,
    /// The media type, cleaned.
    pub media_type: String,
    /// Whether it is a folder.
    pub folder: bool,
}

/// What a look through the log's new lines brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A file was announced.
    Announced(ArrivalNo),
    /// The announcement of this hash was taken back, or somebody tried to.
    TakenBack(Hash),
    /// A share of this hash is over, and was announced or not.
    ShareEnded(Hash, bool),
    /// What this message announced, in this line, was not synced when the last run ended, and could not be withdrawn.
    Unchecked(MessageId, ArrivalNo),
}

/// The announcements of a room.
#[derive(Debug)]
pub struct Announced {
    dir: PathBuf,
    entries: Vec<Entry>,
    /// Where in `entries` a message is.
    ids: HashMap<Prefix, usize>,
    /// The lines of each place: the first 8 bytes of a hash.
    places: HashMap<Prefix, Vec<usize>>,
    through: u64,
    /// How many entries are in the file, and how far it says that the log was looked through.
    saved: (usize, u64),
    /// Whether the file was read in this run.
    loaded: bool,
    view: Option<(Stamp, Arc<RosterView>)>,
    /// Lines that do not count, by this view: not read again for each who asks.
    void: HashSet<u64>,
}

/// Tells one version of a file that is replaced from another.
type Stamp = (u64, u64, SystemTime);

impl Announced {
    /// Those of the room in `dir`; nothing is read yet.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            entries: Vec::new(),
            ids: HashMap::new(),
            places: HashMap::new(),
            through: 0,
            saved: (0, 0),
            loaded: false,
            view: None,
            void: HashSet::new(),
        }
    }

    /// Looks through what is new in the log, and adds it to `news`: also where it fails on the way.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn catch_up(&mut self, news: &mut Vec<News>) -> Result<(), FilesError> {
        let log = match LogReader::open(&self.dir) {
            // Nobody has let us in yet, so there are no files either.
            Err(ReadError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(());
            }
            log => log?,
        };
        if !self.loaded {
            self.load(log.len())?;
        }
        if log.len().0 < self.through {
            // The log is another than it was.
            self.entries.clear();
            self.ids.clear();
            self.places.clear();
            self.void.clear();
            (self.through, self.saved) = (0, (0, 0));
        }
        if log.len().0 == self.through {
            return Ok(());
        }
        let kinds = [Kind::File, Kind::Retract];
        for n in log.lines_of_kinds(&kinds, ArrivalNo(self.through + 1), log.len())? {
            let line = log.line(n)?;
            self.through = n.0;
            let Ok(message) = &line.message else { continue };
            match message.body() {
                Some(Body::File(file)) => {
                    let id = id_prefix(&message.id());
                    // The copy of a line that was damaged after it was listed.
                    if self.ids.contains_key(&id) {
                        continue;
                    }
                    self.push(Entry {
                        n: n.0,
                        id,
                        hash: *file.hash.as_bytes(),
                    });
                    news.push(News::Announced(n));
                }
                Some(Body::Retract(retract)) => {
                    let at = self.ids.get(&id_prefix(&retract.message));
                    let hash = at.map(|at| Hash::from_bytes(self.entries[*at].hash));
                    news.extend(hash.map(News::TakenBack));
                }
                _ => {}
            }
        }
        self.through = log.len().0;
        Ok(())
    }

    /// The announcement in line `n`; none where that announces no file, was taken back or does not count.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn at(&mut self, n: ArrivalNo) -> Result<Option<Announcement>, FilesError> {
        let log = LogReader::open(&self.dir)?;
        let view = self.view()?;
        announcement(&log, &view, n)
    }

    /// Those before `before` that count, the newest first.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn newest(
        &mut self,
        before: Option<ArrivalNo>,
        count: usize,
    ) -> Result<Vec<Announcement>, FilesError> {
        let log = LogReader::open(&self.dir)?;
        let view = self.view()?;
        let before = before.map_or(u64::MAX, |n| n.0);
        let end = self.entries.partition_point(|entry| entry.n < before);
        let mut found = Vec::new();
        for entry in self.entries[..end].iter().rev() {
            if found.len() == count {
                break;
            }
            if self.void.contains(&entry.n) {
                continue;
            }
            match announcement(&log, &view, ArrivalNo(entry.n))? {
                Some(file) => found.push(file),
                None => drop(self.void.insert(entry.n)),
            }
        }
        Ok(found)
    }

    /// The announcement of this id.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn by_id(&mut self, id: &MessageId) -> Result<Option<Announcement>, FilesError> {
        let at = self.ids.get(&id_prefix(id));
        let lines: Vec<u64> = at.map(|at| self.entries[*at].n).into_iter().collect();
        self.first_of(&lines, |found| found.id == *id)
    }

    /// An announcement of this hash that counts, and for which `fits`.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn by_hash(
        &mut self,
        hash: &Hash,
        fits: impl Fn(&Announcement) -> bool,
    ) -> Result<Option<Announcement>, FilesError> {
        let lines = self.lines(hash, |entry| entry.hash == *hash.as_bytes());
        self.first_of(&lines, |found| found.hash == *hash && fits(found))
    }

    /// Whether an announcement that counts, of this hash or another, is of a place: the first digits of
    /// a hash.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn has_place(&mut self, hash: &Hash) -> Result<bool, FilesError> {
        let lines = self.lines(hash, |_| true);
        Ok(self.first_of(&lines, |_| true)?.is_some())
    }

    /// The trust in a member.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn trust(&mut self, author: &AuthorId) -> Result<cc_log::Trust, FilesError> {
        Ok(self.view()?.trust(author))
    }

    fn push(&mut self, entry: Entry) {
        let at = self.entries.len();
        self.ids.insert(entry.id, at);
        self.places
            .entry(place_of(&entry.hash))
            .or_default()
            .push(at);
        self.entries.push(entry);
    }

    /// Those lines of a hash's place that are wanted, the newest first.
    fn lines(&self, hash: &Hash, wanted: impl Fn(&Entry) -> bool) -> Vec<u64> {
        let at = self.places.get(&place_of(hash.as_bytes()));
        let entries = at.into_iter().flatten().rev().map(|at| &self.entries[*at]);
        let found = entries.filter(|entry| wanted(entry));
        found.map(|entry| entry.n).collect()
    }

    fn first_of(
        &mut self,
        lines: &[u64],
        wanted: impl Fn(&Announcement) -> bool,
    ) -> Result<Option<Announcement>, FilesError> {
        if lines.is_empty() {
            return Ok(None);
        }
        let log = LogReader::open(&self.dir)?;
        let view = self.view()?;
        for n in lines {
            if self.void.contains(n) {
                continue;
            }
            match announcement(&log, &view, ArrivalNo(*n))? {
                Some(found) if wanted(&found) => return Ok(Some(found)),
                Some(_) => {}
                None => drop(self.void.insert(*n)),
            }
        }
        Ok(None)
    }

    fn view(&mut self) -> Result<Arc<RosterView>, FilesError> {
        let path = self.dir.join("view.json");
        let stamp = std::fs::metadata(&path).and_then(|it| {
            Ok((
                std::os::unix::fs::MetadataExt::ino(&it),
                it.len(),
                it.modified()?,
            ))
        });
        let failed = |source| FilesError::File {
            path: path.clone(),
            source,
        };
        let stamp = stamp.map_err(failed)?;
        if let Some((known, view)) = &self.view
            && *known == stamp
        {
            return Ok(view.clone());
        }
        let view =
            RosterView::load(&self.dir).map_err(|error| failed(std::io::Error::other(error)))?;
        let view = view.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        let view = Arc::new(view);
        self.view = Some((stamp, view.clone()));
        self.void.clear();
        Ok(view)
    }

    fn load(&mut self, end: ArrivalNo) -> Result<(), FilesError> {
        self.loaded = true;
        let bytes = match std::fs::read(self.path()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.failed(error)),
        };
        let mut last = 0;
        for bytes in bytes.chunks_exact(ENTRY_BYTES) {
            let entry = decode(bytes);
            let is_word = entry.id == [0; PREFIX_BYTES];
            if entry.n == 0 || entry.n > end.0 || entry.n < last || entry.n == last && !is_word {
                // Garbage, or of a log that is no longer there: what stands before it is good.
                break;
            }
            last = entry.n;
            self.through = entry.n;
            if !is_word {
                self.push(entry);
            }
        }
        self.saved = (self.entries.len(), self.through);
        Ok(())
    }

    /// Writes what is new, and how far the log was looked through, over the last such word. Only once all
    /// of that was seen to: what was not is found anew by the next run.
    ///
    /// # Errors
    /// [`FilesError::File`].
    pub fn save(&mut self) -> Result<(), FilesError> {
        let from = self.saved.0;
        if self.saved == (self.entries.len(), self.through) {
            return Ok(());
        }
        let end = Entry {
            n: self.through,
            id: [0; PREFIX_BYTES],
            hash: [0; 32],
        };
        let entries = self.entries[from..].iter();
        let bytes: Vec<u8> = entries.chain([&end]).flat_map(encode).collect();
        let write = || {
            let file = File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(self.path())?;
            let at = (from * ENTRY_BYTES) as u64;
            file.write_all_at(&bytes, at)?;
            file.set_len(at + bytes.len() as u64)
        };
        write().map_err(|error| self.failed(error))?;
        self.saved = (self.entries.len(), self.through);
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.dir.join(FILE_NAME)
    }

    fn failed(&self, source: std::io::Error) -> FilesError {
        FilesError::File {
            path: self.path(),
            source,
        }
    }
}

/// The announcement in a line, if that is one and counts.
fn announcement(
    log: &LogReader,
    view: &RosterView,
    n: ArrivalNo,
) -> Result<Option<Announcement>, FilesError> {
    let line = match log.line(n) {
        Ok(line) => line,
        Err(ReadError::NoSuchLine { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Ok(message) = &line.message else {
        return Ok(None);
    };
    let (header, id) = (message.header(), message.id());
    let Some(Body::File(file)) = message.body() else {
        return Ok(None);
    };
    if view.voids(header, &id) {
        return Ok(None);
    }
    let (place, name) = file_place(&file.hash, &file.name);
    Ok(Some(Announcement {
        id,
        n,
        author: header.author,
        ts: header.ts,
        via: clean_line(&header.via, VIA_BYTES_MAX),
        place,
        name,
        size: file.size,
        hash: file.hash,
        media_type: clean_line(&file.media_type, NOTE_BYTES_MAX),
        folder: is_folder(file),
    }))
}

fn place_of(hash: &[u8; 32]) -> Prefix {
    let mut prefix = [0; PREFIX_BYTES];
    prefix.copy_from_slice(&hash[..PREFIX_BYTES]);
    prefix
}

fn id_prefix(id: &MessageId) -> Prefix {
    let mut prefix = [0; PREFIX_BYTES];
    prefix.copy_from_slice(&id.as_bytes()[..PREFIX_BYTES]);
    prefix
}

fn encode(entry: &Entry) -> [u8; ENTRY_BYTES] {
    let mut bytes = [0; ENTRY_BYTES];
    bytes[..8].copy_from_slice(&entry.n.to_le_bytes());
    bytes[8..16].copy_from_slice(&entry.id);
    bytes[16..].copy_from_slice(&entry.hash);
    bytes
}

fn decode(bytes: &[u8]) -> Entry {
    let (mut n, mut id, mut hash) = ([0; 8], [0; PREFIX_BYTES], [0; 32]);
    n.copy_from_slice(&bytes[..8]);
    id.copy_from_slice(&bytes[8..16]);
    hash.copy_from_slice(&bytes[16..ENTRY_BYTES]);
    Entry {
        n: u64::from_le_bytes(n),
        id,
        hash,
    }
}
