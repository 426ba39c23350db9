//! What is wanted of a room's files, what went wrong with some, and what is fetched by itself:
//! `files.json` in the room's folder, replaced as a whole. Files that are merely announced, or here,
//! are not in it: the log and the disk say that.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use cc_log::{Durability, FsStorage, Storage};
use cc_proto::id::{ArrivalNo, MessageId};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::types::{FileSettings, FilesError};

const FILE_NAME: &str = "files.json";
const VERSION: u32 = 1;
/// Longest `files.json`, in bytes.
const BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What is noted of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// The line that announced it.
    pub n: u64,
    /// It is to be fetched.
    pub wanted: bool,
    /// Nobody asked for it.
    pub auto: bool,
    /// Who asked for it is held to the room's quota.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bounded: bool,
    /// It cannot be had.
    pub failed: bool,
    /// It was here, and is not what was announced.
    pub damaged: bool,
    /// Its size, as announced.
    pub size: u64,
    /// How much of it was here when that was last looked at.
    pub have: u64,
    /// Nobody who may have it was there at the last try.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
    /// It is here, and a power loss may still take some of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsynced: bool,
    /// It was so when the last run ended: it is not here before it was read.
    #[serde(skip)]
    pub unchecked: bool,
    /// It may still have its name, of which others would tell: that is taken before it is read.
    #[serde(skip)]
    pub named: bool,
    /// What was said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A file that is being fetched, or waits for its next try.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Ends the try under way; none between two tries.
    pub cancel: Option<CancellationToken>,
    /// Whether bytes are coming.
    pub coming: bool,
    /// Not before then.
    pub not_before: Option<Instant>,
    /// Tries without success.
    pub tries: u32,
}

/// All notes of a room.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    /// What is fetched by itself.
    pub settings: FileSettings,
    /// By the message that announced the file.
    pub notes: BTreeMap<MessageId, Note>,
    /// Of this run, for those that are wanted.
    pub runs: HashMap<MessageId, Run>,
    /// How many bytes of the room's files are here; none until that was counted.
    pub used: Option<u64>,
    /// How often something came or went in this run.
    pub arrivals: u64,
    /// Something was noted that is not written yet.
    pub dirty: bool,
    /// What was chosen could not be read, and nothing was chosen since: nothing comes by itself.
    pub lost: bool,
    /// What is in the file's place could not be read, and is put aside before anything is written there.
    pub put_aside: bool,
}

/// What is to be written.
#[derive(Debug)]
pub struct Rendered {
    path: PathBuf,
    bytes: Vec<u8>,
    put_aside: bool,
}

#[derive(Serialize, Deserialize)]
struct BookFile {
    v: u32,
    auto_get: u64,
    quota: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lost: bool,
    files: Vec<NoteLine>,
}

#[derive(Serialize, Deserialize)]
struct NoteLine {
    id: String,
    #[serde(flatten)]
    note: Note,
}

impl Book {
    /// That of the room in `dir`. What cannot be read is kept as `files.json.damaged` once something is written, and until
    /// then read again by the next run. Blocking.
    pub fn read(dir: &Path) -> Self {
        let path = dir.join(FILE_NAME);
        let mut book = Self {
            path,
            settings: FileSettings::default(),
            notes: BTreeMap::new(),
            runs: HashMap::new(),
            used: None,
            arrivals: 0,
            dirty: false,
            lost: false,
            put_aside: false,
        };
        let bytes = match FsStorage.read(&book.path, BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // A kill may have come after it was put aside.
                if std::fs::symlink_metadata(aside(&book.path)).is_ok() {
                    book.lose();
                }
                return book;
            }
            Err(error) => {
                tracing::error!(%error, "{FILE_NAME} cannot be read: nothing is fetched by itself");
                book.lose();
                book.put_aside = true;
                return book;
            }
        };
        let Some(file) = parse(&bytes) else {
            tracing::error!("{FILE_NAME} is damaged: it is kept as {FILE_NAME}.damaged");
            book.lose();
            (book.put_aside, book.dirty) = (true, true);
            return book;
        };
        book.settings = FileSettings {
            auto_get_bytes: file.auto_get,
            quota_bytes: file.quota,
        };
        book.lost = file.lost;
        let notes = file.files.into_iter();
        book.notes = notes
            .filter_map(|line| Some((line.id.parse().ok()?, line.note)))
            .collect();
        for note in book.notes.values_mut() {
            if note.unsynced && !note.damaged {
                (note.wanted, note.unchecked, note.named) = (true, true, true);
            }
        }
        book
    }

    /// Takes note that what was chosen is not known: the owner may have said that nothing is to come by itself.
    fn lose(&mut self) {
        self.lost = true;
        self.settings.auto_get_bytes = 0;
    }

    /// What is to be written, and where.
    pub fn render(&self) -> Rendered {
        let files = self.notes.iter().map(|(id, note)| NoteLine {
            id: id.to_hex(),
            note: note.clone(),
        });
        let file = BookFile {
            v: VERSION,
            auto_get: self.settings.auto_get_bytes,
            quota: self.settings.quota_bytes,
            lost: self.lost,
            files: files.collect(),
        };
        let mut bytes = serde_json::to_vec(&file).unwrap_or_default();
        bytes.push(b'\n');
        Rendered {
            path: self.path.clone(),
            bytes,
            put_aside: self.put_aside,
        }
    }

    /// The note of a file, made where there is none.
    pub fn note(&mut self, id: MessageId, n: ArrivalNo) -> &mut Note {
        let note = self.notes.entry(id).or_default();
        note.n = n.0;
        note
    }

    /// Forgets a file, and ends what is under way.
    pub fn forget(&mut self, id: &MessageId) {
        self.dirty |= self.notes.remove(id).is_some();
        self.stop(id);
    }

    /// Ends what is under way.
    pub fn stop(&mut self, id: &MessageId) {
        if let Some(cancel) = self.runs.remove(id).and_then(|run| run.cancel) {
            cancel.cancel();
        }
    }

    /// How many bytes are wanted and not here.
    pub fn coming(&self) -> u64 {
        let coming = self.notes.values().filter(|note| note.wanted);
        coming.fold(0, |sum, note| sum.saturating_add(note.size))
    }

    /// How many are wanted.
    pub fn wanted(&self) -> usize {
        self.notes.values().filter(|note| note.wanted).count()
    }
}

/// Writes what [`Book::render`] gave. Blocking.
///
/// # Errors
/// [`FilesError::File`].
pub fn write(rendered: Rendered) -> Result<(), FilesError> {
    let Rendered { path, bytes, .. } = rendered;
    if rendered.put_aside {
        match std::fs::rename(&path, aside(&path)) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(FilesError::File { path, source });
            }
            _ => {}
        }
    }
    FsStorage
        .replace(&path, &bytes, Durability::Synced)
        .map_err(|source| FilesError::File { path, source })
}

/// Where one is kept that could not be read.
fn aside(path: &Path) -> PathBuf {
    path.with_extension("json.damaged")
}

fn parse(bytes: &[u8]) -> Option<BookFile> {
    let file: BookFile = serde_json::from_slice(bytes).ok()?;
    (file.v == VERSION).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_survives_and_damage_fetches_nothing_by_itself() {
        let home = tempfile::tempdir().unwrap();
        let id = MessageId::from_bytes([7; 32]);
        let mut book = Book::read(home.path());
        assert_eq!(book.settings, FileSettings::default());
        book.note(id, ArrivalNo(3)).wanted = true;
        book.settings.quota_bytes = 5;
        write(book.render()).unwrap();
        let again = Book::read(home.path());
        assert_eq!(again.settings, book.settings);
        assert_eq!(again.notes, book.notes);
        assert_eq!(again.wanted(), 1);

        let path = home.path().join(FILE_NAME);
        std::fs::write(&path, "{").unwrap();
        for is_killed_between in [false, true] {
            if is_killed_between {
                std::fs::rename(&path, aside(&path)).unwrap();
            }
            // However often nothing is written.
            let damaged = Book::read(home.path());
            assert!(damaged.lost);
            assert_eq!(damaged.settings.auto_get_bytes, 0);
        }
        std::fs::rename(aside(&path), &path).unwrap();
        let mut damaged = Book::read(home.path());
        assert!(damaged.dirty);
        write(damaged.render()).unwrap();
        let again = Book::read(home.path());
        assert!(again.lost && !again.dirty);
        assert_eq!(again.settings.auto_get_bytes, 0);
        let kept = std::fs::read_to_string(home.path().join("files.json.damaged"));
        assert_eq!(kept.unwrap(), "{");

        // Chosen anew, it is as any other.
        (damaged.settings, damaged.lost) = (FileSettings::default(), false);
        damaged.put_aside = false;
        write(damaged.render()).unwrap();
        let anew = Book::read(home.path());
        assert!(!anew.lost);
        assert_eq!(anew.settings, FileSettings::default());
    }

    #[test]
    fn what_cannot_be_read_just_now_is_not_written_over() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        // For whoever runs this nothing else is unreadable.
        std::fs::File::create(&path)
            .unwrap()
            .set_len(BYTES_MAX + 1)
            .unwrap();
        let book = Book::read(home.path());
        assert!(book.lost && !book.dirty);
        write(book.render()).unwrap();
        let kept = std::fs::metadata(aside(&path)).unwrap();
        assert_eq!(kept.len(), BYTES_MAX + 1);
        assert!(Book::read(home.path()).lost);
    }
}
