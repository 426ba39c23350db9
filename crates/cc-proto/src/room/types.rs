//! What goes into a room's core and what comes out.

use crate::body::Body;
use crate::frames::Refusal;
use crate::id::{AuthorId, ChainId, InviteKey, MessageId, RoomId, Seq, Timestamp};
use crate::identity::Identity;
use crate::message::{Message, MessageError};
use crate::receipt::{ReceiptError, Shown};
use crate::roster::NotAllowed;
use crate::ticket::PeerAddress;

/// Names one sync session; chosen by the caller, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// How a room is opened.
#[derive(Debug, Clone)]
pub struct RoomConfig {
    /// The machine's key.
    pub identity: Identity,
    /// The room.
    pub room: RoomId,
    /// The chain that this log's own messages go to.
    pub own_chain: ChainId,
    /// Our join, where nobody has let us in yet.
    pub pending_join: Option<Message>,
    /// Whom to ask before any member is known: those of the ticket.
    pub bootstrap: Vec<AuthorId>,
    /// Whether there is gossip at all.
    pub gossip: bool,
    /// The randomness of this run.
    pub seed: [u8; 32],
}

/// What happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input {
    /// Somebody at this machine has something to say.
    Draft {
        /// Given back with the append or the rejection.
        token: u64,
        /// What.
        body: Body,
        /// The agent's name, or empty for a human.
        via: String,
        /// The message it answers.
        re: Option<MessageId>,
    },
    /// Somebody at this machine does something about who belongs.
    Act {
        /// Given back with the last append that it made, or the rejection.
        token: u64,
        /// What.
        act: Act,
    },
    /// An agent at this machine was shown some messages.
    Offered {
        /// The agent's name.
        agent: String,
        /// Which.
        shown: Vec<Shown>,
    },
    /// Whether others are told what is on this machine's disk and what its agents were shown.
    ShareReceipts(bool),
    /// A gossip frame came.
    Gossip {
        /// The neighbour that delivered it, who need not be its author.
        from: AuthorId,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// Gossip has a neighbour.
    NeighborUp(AuthorId),
    /// Gossip lost a neighbour.
    NeighborDown(AuthorId),
    /// Gossip lost frames.
    GossipLagged,
    /// A stream for a session is open.
    SyncOpened {
        /// The session.
        session: SessionId,
        /// The proven endpoint id of the other side.
        peer: AuthorId,
        /// Whether we dialed.
        dialed: bool,
    },
    /// A frame of a session came.
    SyncReceived {
        /// The session.
        session: SessionId,
        /// The frame.
        frame: Vec<u8>,
    },
    /// The transport took one frame that the core gave it for a session.
    SyncReady {
        /// The session.
        session: SessionId,
    },
    /// The stream of a session is gone, for whatever reason.
    SyncClosed {
        /// The session.
        session: SessionId,
    },
    /// A peer could not be reached.
    DialFailed {
        /// Who.
        peer: AuthorId,
    },
    /// Time has passed.
    Tick,
}

/// Something done about who belongs. The core writes the messages that it takes: what of a member's
/// chains counts, and who stays, it knows best itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Makes an invite.
    Invite {
        /// The public key of the secret that the ticket will carry.
        key: InviteKey,
        /// No admission after this.
        expires: Option<Timestamp>,
        /// Most distinct keys that may come by it.
        uses_max: Option<u32>,
        /// For people.
        note: String,
        /// Lifts every removal of this member.
        back: Option<AuthorId>,
    },
    /// Ends an invite; who came by it, as far as is known here, stays.
    Revoke {
        /// Which.
        invite: InviteKey,
    },
    /// Removes a member; everybody else, as far as is known here, stays.
    Remove {
        /// Who.
        member: AuthorId,
        /// Whether the invites that the member came by stay good.
        keep_invite: bool,
    },
    /// Makes or unmakes an admin.
    Grant {
        /// Who.
        member: AuthorId,
        /// Made or unmade.
        admin: bool,
    },
    /// Leaves the room.
    Leave,
    /// Takes a message back.
    Retract {
        /// Whose.
        author: AuthorId,
        /// In which chain.
        chain: ChainId,
        /// At which place.
        seq: Seq,
        /// Which.
        message: MessageId,
    },
}

/// What is to be done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Output {
    /// From now on own messages go to this chain; to be durable before the next append.
    NewChain(ChainId),
    /// Append a message; with a token, its draft is acknowledged once it is durable.
    Append {
        /// The verified message.
        message: Message,
        /// Of the draft it came from.
        token: Option<u64>,
    },
    /// A draft is refused.
    Rejected {
        /// Of the draft.
        token: u64,
        /// Why.
        reason: RejectReason,
    },
    /// Erase the body of a stored message: it was taken back.
    Erase {
        /// Whose.
        author: AuthorId,
        /// In which chain.
        chain: ChainId,
        /// At which place.
        seq: Seq,
        /// Which of those there.
        id: MessageId,
    },
    /// Give a frame to gossip.
    Broadcast(Vec<u8>),
    /// Open a session with a peer.
    StartSync {
        /// Who.
        peer: AuthorId,
    },
    /// Send a frame.
    SyncSend {
        /// The session.
        session: SessionId,
        /// The frame.
        frame: Vec<u8>,
    },
    /// The session is over and went well.
    SyncFinish {
        /// The session.
        session: SessionId,
    },
    /// The session is over and did not go well. Frames sent before may still be delivered.
    SyncAbort {
        /// The session.
        session: SessionId,
        /// Why.
        code: SyncAbortCode,
    },
    /// The roster changed.
    RosterChanged,
    /// Members were seen at these addresses.
    Learned(Vec<PeerAddress>),
    /// Whom gossip may ask to join.
    JoinBootstrap(Vec<AuthorId>),
    /// Something that people or the program may want to know.
    Event(RoomEvent),
}

/// Why a session was ended; the number is the QUIC application error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum SyncAbortCode {
    /// The dialer was refused.
    Refused = 1,
    /// The other side broke the protocol.
    Misbehaved = 2,
    /// The other side did not prove that it belongs.
    NotAMember = 3,
    /// The same peer opened a newer session.
    Replaced = 4,
    /// The two sides took too long to tell what they hold.
    TooSlow = 5,
    /// The other side no longer belongs.
    Gone = 6,
    /// A member without a session was waiting for this one to end.
    MadeWay = 7,
}

/// Why a draft was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// Nobody has let us in yet.
    #[error("nobody has let you into the room yet")]
    NotJoined,
    /// We belonged, and no longer do.
    #[error("you are no longer a member of the room")]
    NotAMember,
    /// It would count for nothing.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The message breaks a limit.
    #[error(transparent)]
    Message(#[from] MessageError),
}

/// What a peer did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MisbehaviourKind {
    /// A frame does not decode or is too long.
    #[error("a frame does not decode")]
    GarbledFrame,
    /// A frame came where the protocol has none.
    #[error("a frame came out of turn")]
    OutOfTurn,
    /// A message is refused.
    #[error("{0}")]
    Message(MessageError),
    /// A receipt is refused.
    #[error("{0}")]
    Receipt(ReceiptError),
    /// The author does not belong.
    #[error("the author is not a member")]
    NotAMember,
    /// The message before it was not sent.
    #[error("the message before it is missing")]
    Gap,
    /// The chain forked more often than is kept.
    #[error("the chain forked more often than is kept")]
    TooManyForks,
    /// Its author has more chains than are kept.
    #[error("the author has more chains than are kept")]
    TooManyChains,
    /// Its author has more acts about who belongs than are kept.
    #[error("the author has more acts about who belongs than are kept")]
    TooManyActs,
    /// A connection proved no membership.
    #[error("the connection proved no membership")]
    NoProof,
    /// It sent more heads than a room may have.
    #[error("too many heads")]
    TooManyHeads,
}

/// What people or the program may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// We were let in.
    Joined,
    /// A member's door was closed to us.
    DoorClosed {
        /// Whose.
        peer: AuthorId,
        /// Why, as far as we are told.
        refusal: Refusal,
    },
    /// Somebody became a member.
    MemberJoined(AuthorId),
    /// Somebody is no longer a member: removed, left, or the invite they came by was revoked.
    MemberGone(AuthorId),
    /// We ourselves are no longer a member.
    Removed,
    /// An author signed two messages for one place of a chain.
    Forked(AuthorId),
    /// An author wrote more of something than is kept: such messages of theirs are taken no more.
    Blocked {
        /// Who.
        author: AuthorId,
        /// Of what.
        kind: MisbehaviourKind,
    },
    /// A message of our own was met that we lacked: this home was restored or copied.
    Adopted(ChainId),
    /// A frame or message of a peer was refused, and is not kept.
    Refused {
        /// Who delivered it.
        peer: AuthorId,
        /// Why.
        kind: MisbehaviourKind,
    },
    /// Members told more of what is on their disks, or agents were shown more.
    Receipts,
    /// A session with a peer brought both to the same state.
    Synced(AuthorId),
}
