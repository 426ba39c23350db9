//! The log of a room: append-only, one line a message in order of arrival, with an index beside it,
//! cursors for its readers, and recovery from whatever a crash or a disk did to it.
//!
//! Blocking IO only: no async, no network, no thread of its own, no clock. What a message is, and
//! whether it may be stored, is `cc-proto`'s business. Specified in `spec/log.md`.
//!
//! ```
//! use std::time::Instant;
//!
//! use cc_log::{CursorStore, FsStorage, LineInfo, LogReader, LogWriter};
//! use cc_proto::body::{Body, Chat};
//! use cc_proto::id::{ChainId, RoomId, Seq, Timestamp};
//! use cc_proto::identity::Identity;
//! use cc_proto::message::{Message, NewMessage};
//!
//! let home = tempfile::tempdir()?;
//! let (room, bob) = (RoomId::from_bytes([1; 32]), Identity::from_seed([2; 32]));
//! let message = Message::write(&bob, NewMessage {
//!     room,
//!     chain: ChainId(7),
//!     seq: Seq::FIRST,
//!     prev: None,
//!     ts: Timestamp(1_800_000_000_000),
//!     via: String::new(),
//!     re: None,
//!     body: Body::Chat(Chat { text: "postgres, we have it".into() }),
//! })?;
//!
//! // The daemon appends, and acknowledges after the commit.
//! let (mut log, _recovery) = LogWriter::open(FsStorage, home.path(), room, bob.author())?;
//! log.append(&message, Timestamp(1_800_000_000_050), LineInfo { nick: "bob", names_owner: false })?;
//! log.commit()?;
//!
//! // A hook, in another process, reads what its session was not shown, and moves its cursor.
//! let reader = LogReader::open(home.path())?;
//! let mut cursor = CursorStore::new(home.path()).lock("claude-s1", Instant::now())?;
//! let from = cursor.place(&reader)?;
//! for line in reader.lines_after(&from) {
//!     assert_eq!(line?.message?.text(), Some("postgres, we have it"));
//! }
//! cursor.advance(reader.end()?, Timestamp(1_800_000_001_000))?;
//! assert_eq!(cursor.place(&reader)?, reader.end()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod census;
mod chains;
mod checkpoint;
mod checksum;
mod cursor;
mod entries;
mod erase;
mod error;
#[cfg(feature = "fault-storage")]
pub mod fault;
mod fs;
mod index;
mod kinds;
mod layout;
mod line;
mod lines;
mod lookup;
mod outline;
mod owner;
mod reader;
mod record;
mod records;
mod recover;
mod scan;
mod storage;
mod view;
mod writer;

pub use census::{Census, JUDGED_LINES_MAX};
pub use checkpoint::Rebuilt;
pub use cursor::{
    AWAITED_FILES_MAX, AwaitedFile, Cursor, CursorStore, LockedCursor, Position, reader_file_name,
};
pub use error::{CursorError, DamagedLine, OpenError, ReadError, ViewError, WriteError};
pub use fs::{FsLock, FsStorage};
pub use line::{Line, LineInfo};
pub use lines::Lines;
pub use outline::{Outline, author_tag};
pub use reader::{LogReader, may_have_unread};
pub use record::Flags;
pub use recover::Recovery;
pub use storage::{Access, Durability, Storage, StorageFile};
pub use view::{RosterView, Trust, ViewCut, ViewMember};
pub use writer::LogWriter;
