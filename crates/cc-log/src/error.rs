//! What can go wrong, one enum per family of operations.

use std::io;
use std::path::PathBuf;

use cc_proto::id::{ArrivalNo, MessageId, RoomId};
use cc_proto::message::MessageError;

/// Why a log did not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process writes to this log.
    #[error("another process has the log in {} open for writing", dir.display())]
    Locked {
        /// The room's folder.
        dir: PathBuf,
    },
    /// The disk is full. Nothing stored is harmed.
    #[error("the disk is full")]
    StorageFull {
        /// What the file system said.
        source: io::Error,
    },
    /// A file operation failed.
    #[error("cannot {action} in {}", dir.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The room's folder.
        dir: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// A file operation failed while reading what is stored.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why messages were not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The disk is full. What was committed before is unharmed, and a later commit succeeds once
    /// there is space.
    #[error("the disk is full")]
    StorageFull {
        /// What the file system said.
        source: io::Error,
    },
    /// A file operation failed. What was committed before is unharmed.
    #[error("cannot write the log")]
    Io {
        /// What the file system said.
        source: io::Error,
    },
    /// The message belongs to another room.
    #[error("the message belongs to room {}", room.short())]
    WrongRoom {
        /// The message's room.
        room: RoomId,
    },
    /// The place of the message is beyond what the log could hold: the one before it is missing.
    #[error("the message's place {seq} does not follow what is stored of its chain")]
    OutOfOrder {
        /// The message's place.
        seq: u64,
    },
    /// The line named as damaged is not.
    #[error("line {} is not damaged", n.0)]
    NotDamaged {
        /// Its number.
        n: ArrivalNo,
    },
    /// What is stored could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl WriteError {
    pub(crate) fn from_io(source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::StorageFull { source }
            }
            _ => Self::Io { source },
        }
    }
}

/// Why stored messages were not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no line of that number.
    #[error("there is no line {}", n.0)]
    NoSuchLine {
        /// The number.
        n: ArrivalNo,
    },
    /// A file operation failed.
    #[error("cannot read the log")]
    Io(#[from] io::Error),
}

/// What is wrong with a damaged line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DamagedLine {
    /// It is not a JSON object with the fields that a reader needs.
    #[error("the line is not the JSON of a message")]
    NotJson,
    /// Its `raw` is not base64.
    #[error("the line's raw bytes are not base64")]
    NotBase64,
    /// Its `raw` does not decode to a message.
    #[error("the line's raw bytes are not a message")]
    NotAMessage(#[source] MessageError),
    /// Its `raw` is another message than its `id` says.
    #[error("the line's raw bytes are message {}, not what its id says", actual.short())]
    IdMismatch {
        /// The message that the bytes are.
        actual: MessageId,
    },
    /// It is longer than any message's line can be.
    #[error("the line is {bytes} bytes long")]
    TooLong {
        /// Its length.
        bytes: u64,
    },
    /// Its number is missing from the log: its bytes were swallowed by a damaged neighbour.
    #[error("the line is gone; a damaged line stands where it was")]
    Swallowed,
}

/// Why a cursor was not read or moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// Someone else held the cursor's lock until the deadline.
    #[error("the cursor of {reader} is in use")]
    Locked {
        /// Whose cursor.
        reader: String,
    },
    /// A cursor never moves backwards.
    #[error("the cursor is at line {} and cannot move back to line {}", at.0, to.0)]
    Backwards {
        /// Where it is.
        at: ArrivalNo,
        /// Where it was to go.
        to: ArrivalNo,
    },
    /// A file operation failed.
    #[error("cannot read or write the cursor")]
    Io(#[from] io::Error),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why a roster view was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// A file operation failed.
    #[error("cannot read or write the roster view")]
    Io(#[from] io::Error),
    /// The file is not a roster view of this version.
    #[error("the roster view does not parse")]
    Malformed(#[from] serde_json::Error),
    /// The file is a roster view of another version.
    #[error("the roster view is of version {v}")]
    Version {
        /// Its version.
        v: u32,
    },
}
