//! What an engine is given and gives back, and why it did not.

use std::path::PathBuf;

use cc_log::{ReadError, WriteError};
use cc_proto::id::{ArrivalNo, MessageId};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, MessageError};
use cc_proto::room::{Output, RejectReason};

/// Why a room was not made or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Its log does not open.
    #[error(transparent)]
    Open(#[from] cc_log::OpenError),
    /// What is stored could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What it starts with could not be stored.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The view for readers could not be written.
    #[error(transparent)]
    View(#[from] cc_log::ViewError),
    /// A name is too long.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// One of its small files could not be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The folder holds no room: its making was cut short, or it is damaged.
    #[error("{} holds no room", dir.display())]
    NoRoom {
        /// The folder.
        dir: PathBuf,
    },
}

/// Why a draft was not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// The room does not take it.
    #[error(transparent)]
    Rejected(#[from] RejectReason),
    /// The disk is full; nothing stored is harmed.
    #[error("the disk is full, the message is not stored")]
    StorageFull,
    /// The disk failed; nothing stored is harmed.
    #[error("the message could not be stored: {reason}")]
    Storage {
        /// What the file system said.
        reason: String,
    },
}

/// A stored draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredDraft {
    /// The message's id.
    pub id: MessageId,
    /// Its line in our log.
    pub n: ArrivalNo,
}

/// A message that was appended.
#[derive(Debug, Clone)]
pub struct Appended {
    /// Its line.
    pub n: ArrivalNo,
    /// The message.
    pub message: Message,
}

/// What a turn did; all of it durable.
#[derive(Debug, Default)]
pub struct Turn {
    /// Messages appended, in order.
    pub appended: Vec<Appended>,
    /// What became of drafts, by token.
    pub drafts: Vec<(u64, Result<StoredDraft, DraftError>)>,
    /// What is to be sent and told, in order. No [`Output::Append`], [`Output::NewChain`] or
    /// [`Output::Rejected`] is among them.
    pub outputs: Vec<Output>,
    /// Set where the disk failed: the turn's inputs other than drafts are undone, all sessions
    /// are gone, and the room was opened anew from what is stored.
    pub failed: bool,
}

/// Where a room is kept and how it runs.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The machine's key.
    pub identity: Identity,
    /// Whether there is gossip at all.
    pub gossip: bool,
    /// The randomness of this run.
    pub seed: [u8; 32],
}
