//! What the holder of a [`crate::Room`] may ask of its thread.

use cc_proto::body::File;
use cc_proto::id::{ArrivalNo, AuthorId, MessageId};
use cc_proto::room::Act;
use cc_proto::ticket::{PeerAddress, Ticket};
use tokio::sync::oneshot;

use super::people::{NoteChange, People};
use super::receipts::ReceiptRequest;
use crate::engine::{DraftError, EngineError, LocalError};
use crate::gossip::GossipStatus;

/// Something to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// What, at most [`cc_proto::limits::TEXT_BYTES_MAX`] bytes.
    pub text: String,
    /// The agent's name, or empty for a human.
    pub via: String,
    /// The message it answers.
    pub re: Option<MessageId>,
    /// Where this sums up the room: the newest message that it takes in.
    pub summary: Option<MessageId>,
}

impl Draft {
    /// A human's words.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// A message that is on this machine's disk and will reach every member who comes online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The message.
    pub id: MessageId,
    /// Its line in this machine's log.
    pub n: ArrivalNo,
}

/// Why a draft was not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The protocol or the disk did not take it; nothing of it is stored.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// The room is closed. Whether the message was stored is not known.
    #[error("the room is closed")]
    Closed,
    /// The system gave no randomness for a secret; nothing is stored.
    #[error("the system gave no randomness for a secret")]
    NoRandomness,
}

/// Why a room gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoomError {
    /// Its node was shut down.
    #[error("the room is closed")]
    Closed,
    /// The room's ticket is no longer among its files, or its invite was revoked.
    #[error("this machine has no ticket of the room that still lets anybody in")]
    NoTicket,
}

/// A member, as a status shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStatus {
    /// Whose.
    pub author: AuthorId,
    /// The nickname it claims.
    pub nick: String,
    /// Whether it was heard from within the last minute; oneself always.
    pub online: bool,
}

/// Whether we have been let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomState {
    /// Nobody has let us in yet: none of those the ticket names is online, or all refused.
    Joining,
    /// We belong.
    Open,
}

/// How a room is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomStatus {
    /// Whether we have been let in.
    pub state: RoomState,
    /// Everyone who belongs, oneself included.
    pub members: Vec<MemberStatus>,
    /// How many of them are online, oneself included.
    pub online: usize,
    /// Chat messages in the log.
    pub messages: u64,
    /// Lines in the log.
    pub lines: u64,
    /// Sync sessions under way.
    pub sessions: usize,
    /// The fast path.
    pub gossip: GossipStatus,
    /// Authors who signed two messages for one place.
    pub forked: Vec<AuthorId>,
    /// We belonged and no longer do, and have not asked to be let in again. What was said so far stays.
    pub removed: bool,
}

/// What a ticket says beside its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The room's name.
    pub name: String,
    /// Ourselves and the members seen last.
    pub addresses: Vec<PeerAddress>,
}

/// A request to a room's thread. An answer that nobody waits for is dropped.
#[derive(Debug)]
pub enum Request {
    /// Store and spread a message.
    Send {
        /// What.
        draft: Draft,
        /// Answered when it is durable.
        reply: oneshot::Sender<Result<Sent, SendError>>,
    },
    /// Announce a file that is here.
    Announce {
        /// Which.
        file: File,
        /// The agent's name, or empty for a human.
        via: String,
        /// The message it answers.
        re: Option<MessageId>,
        /// Answered when it is durable.
        reply: oneshot::Sender<Result<Sent, SendError>>,
    },
    /// Claim another nickname.
    SetNick {
        /// Which.
        nick: String,
        /// Answered when it is durable.
        reply: oneshot::Sender<Result<Sent, SendError>>,
    },
    /// Do something about who belongs.
    Act {
        /// What.
        act: Box<Act>,
        /// Answered when it is durable.
        reply: oneshot::Sender<Result<Sent, SendError>>,
    },
    /// Who belongs.
    People {
        /// The answer.
        reply: oneshot::Sender<People>,
    },
    /// Note something down about somebody.
    Note {
        /// About whom.
        who: AuthorId,
        /// What.
        change: NoteChange,
        /// Answered when it is durable.
        reply: oneshot::Sender<Result<(), LocalError>>,
    },
    /// How far messages have come, and whether others are told.
    Receipts(ReceiptRequest),
    /// Mark the folder as that of a room that was left.
    MarkLeft {
        /// Answered when it is durable.
        reply: oneshot::Sender<Result<(), EngineError>>,
    },
    /// What a ticket says beside its secret.
    Place {
        /// The answer.
        reply: oneshot::Sender<Place>,
    },
    /// How the room is.
    Status {
        /// The answer.
        reply: oneshot::Sender<RoomStatus>,
    },
    /// Ask to be let in by another ticket.
    Renew {
        /// The ticket.
        ticket: Box<Ticket>,
        /// The nickname to join with.
        nick: String,
        /// Answered when it is durable.
        reply: oneshot::Sender<Result<(), EngineError>>,
    },
    /// The ticket of the invite that we made or came by.
    Ticket {
        /// The answer, with the addresses of today.
        reply: oneshot::Sender<Option<Ticket>>,
    },
}
