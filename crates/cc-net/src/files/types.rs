//! What is asked about a room's files, and what is told of them.

use std::path::{Path, PathBuf};

use cc_log::ReadError;
use cc_proto::files::EntryError;
use cc_proto::id::{ArrivalNo, AuthorId, Hash, MessageId, Timestamp};
use cc_proto::text::file_size;
use serde::{Deserialize, Serialize};

use crate::room::request::SendError;

/// A file or a folder to share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareDraft {
    /// Which. Links in the path are followed; links inside a folder are not.
    pub path: PathBuf,
    /// The agent that shares it; empty for a person.
    pub via: String,
    /// The message it answers.
    pub re: Option<MessageId>,
    /// The hash that it must have, as [`SourceLook`] told it; any where none is given.
    pub hash: Option<Hash>,
}

/// What would be shared, as it was when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceLook {
    /// The hash by which it would be announced.
    pub hash: Hash,
    /// Its size in bytes; of a folder that of all files in it.
    pub size: u64,
    /// Whether it is a folder.
    pub folder: bool,
}

/// Sees every file that would be shared, before anything is announced. `Err` with words for people
/// refuses the whole share.
pub type Inspect = Box<dyn FnMut(Inspected<'_>) -> Result<(), String> + Send>;

/// What an [`Inspect`] is shown, in this order for each file: the file, its bytes, the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inspected<'a> {
    /// A file begins.
    File {
        /// Where it really is, after every link and `..`.
        canonical: &'a Path,
        /// Its path below the folder that is shared; its name where a file is shared.
        relative: &'a Path,
    },
    /// The next of its bytes: those that are shared, not those that are read some other time.
    Bytes(&'a [u8]),
    /// The file is over.
    End,
}

/// A file of a room, as it is on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStatus {
    /// The message that announced it.
    pub id: MessageId,
    /// The line of that message.
    pub n: ArrivalNo,
    /// Whose message it is.
    pub author: AuthorId,
    /// When it was announced, by its author's clock.
    pub ts: Timestamp,
    /// The agent that shared it, cleaned; empty for a person.
    pub via: String,
    /// Its name, made safe for a path, a terminal and a prompt.
    pub name: String,
    /// Its size in bytes, as announced; of a folder that of all files in it.
    pub size: u64,
    /// Its BLAKE3; of a folder that of its list of hashes.
    pub hash: Hash,
    /// Its media type, a claim; cleaned.
    pub media_type: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// How far it has come.
    pub state: FileState,
    /// What it waits for, where it waits.
    pub waits_for: Option<WaitsFor>,
    /// How many of its bytes are here.
    pub have: u64,
    /// Where it is, whole, once it is here.
    pub path: Option<PathBuf>,
    /// Why it is not here, or what of it was left out, in words for people.
    pub fault: Option<String>,
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// It is known of and not asked for.
    Announced,
    /// It is wanted, and nobody who has it was reached.
    Waiting,
    /// Its bytes are coming.
    Fetching,
    /// It is here, whole.
    Here,
    /// It was here, and its bytes are not what was announced, or are gone.
    Damaged,
    /// It cannot be had: what there is is not what was announced, or it is too large.
    Failed,
}

/// What a file waits for that is wanted and not coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// Its turn, or the next try: the fault says what the last one met.
    Try,
    /// Somebody else who may have it: nobody is online.
    Member,
}

/// What of a room's files is fetched by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSettings {
    /// Files up to so many bytes are fetched by themselves; 0 for none.
    pub auto_get_bytes: u64,
    /// As long as all that is here takes no more than so many bytes.
    pub quota_bytes: u64,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            auto_get_bytes: cc_proto::limits::AUTO_GET_BYTES,
            quota_bytes: cc_proto::limits::ROOM_FILES_BYTES,
        }
    }
}

/// Why nothing was shared. Nothing was announced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is neither a file nor a folder.
    #[error("{} is neither a file nor a folder", path.display())]
    NotAFile {
        /// What.
        path: PathBuf,
    },
    /// There is no file in the folder.
    #[error("there is no file in {}", path.display())]
    EmptyFolder {
        /// Which.
        path: PathBuf,
    },
    /// It was changed while it was read.
    #[error("{} changed while it was read; share it again once it is at rest", path.display())]
    Changed {
        /// What.
        path: PathBuf,
    },
    /// It does not have the hash that the draft says.
    #[error("{} is not what it was when it was looked at", path.display())]
    Differs {
        /// What.
        path: PathBuf,
    },
    /// The folder has too many files, or one that lies too deep.
    #[error("{} cannot be shared as one folder: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: EntryError,
    },
    /// The names in the folder are too long together.
    #[error("the names of the files in {} take more than {bytes_max} bytes together", path.display())]
    FolderNames {
        /// Which.
        path: PathBuf,
        /// How long they may be.
        bytes_max: usize,
    },
    /// The inspector's words.
    #[error("{0}")]
    Refused(String),
    /// There is no room for a copy.
    #[error(
        "the disk is too full: a copy takes {}, and {} are free above its reserve",
        file_size(*size),
        file_size(*free)
    )]
    NoSpace {
        /// Its size in bytes.
        size: u64,
        /// What is free above the reserve, in bytes.
        free: u64,
    },
    /// The copy in the room's folder could not be made.
    #[error("cannot keep a copy in {}: {source}", path.display())]
    Copy {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The room's store of files does not work.
    #[error("the room's store of files does not work: {0}")]
    Store(String),
    /// The announcement was not sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The room is closed.
    #[error("the room is closed")]
    Closed,
}

/// Why nothing is told of a room's files, or nothing was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// No message of that id announces a file that counts.
    #[error("no file was announced by that message, or it was taken back")]
    NoSuchFile,
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// One of the room's files about files could not be read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// So much is wanted already that nothing more is noted down.
    #[error("{count} files are wanted already; wait for some, or cancel some")]
    TooManyWanted {
        /// How many.
        count: usize,
    },
    /// It is not fetched without a person's word.
    #[error(
        "{size} bytes do not fit into the room's quota of {quota_bytes}, of which {taken} are taken"
    )]
    OverQuota {
        /// Its size in bytes.
        size: u64,
        /// What is here and what is wanted, in bytes.
        taken: u64,
        /// What may be.
        quota_bytes: u64,
    },
    /// The room is closed.
    #[error("the room is closed")]
    Closed,
}
