//! What reaches a room's thread: one bounded queue for requests and for the network.

use cc_proto::id::AuthorId;
use cc_proto::room::SessionId;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::request::{Request, RoomError};
use crate::sync_io::SessionHandle;
use crate::tuning::ROOM_QUEUE_MAX;

/// One entry of the queue.
#[derive(Debug)]
pub enum RoomMessage {
    /// Somebody holding a [`crate::Room`] wants something.
    Request(Request),
    /// A sync session is open.
    SessionOpened {
        /// Which.
        session: SessionId,
        /// The other end, proven by the handshake.
        peer: AuthorId,
        /// Whether we dialled.
        dialed: bool,
        /// Where its frames go.
        handle: SessionHandle,
    },
    /// A session's peer sent a frame.
    SessionFrame {
        /// Which.
        session: SessionId,
        /// Its bytes, untrusted.
        frame: Vec<u8>,
        /// Given back when the frame was handled; until then the peer is read no further.
        permit: OwnedSemaphorePermit,
    },
    /// The transport took a frame of a session.
    SessionReady {
        /// Which.
        session: SessionId,
    },
    /// A session is over, whatever the reason.
    SessionClosed {
        /// Which.
        session: SessionId,
        /// Whether the peer ended it because we no longer belong, as far as it knows.
        parted: bool,
    },
    /// Nobody answered.
    DialFailed(AuthorId),
    /// Gossip delivered a frame.
    Gossip {
        /// Who delivered it, which is not who wrote it.
        from: AuthorId,
        /// Its bytes, untrusted.
        bytes: Vec<u8>,
        /// Given back when the thread has taken the frame.
        permit: OwnedSemaphorePermit,
    },
    /// Gossip has a new neighbour.
    NeighborUp(AuthorId),
    /// Gossip lost a neighbour.
    NeighborDown(AuthorId),
    /// Gossip lost an unknown number of frames.
    GossipLagged,
    /// The time that the core asked to be woken at has come.
    Tick,
    /// The room is to commit and end.
    Stop,
}

/// The sending end of a room's queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RoomInbox(mpsc::Sender<RoomMessage>);

impl RoomInbox {
    /// A queue and its receiving end.
    pub fn new() -> (Self, mpsc::Receiver<RoomMessage>) {
        let (tx, rx) = mpsc::channel(ROOM_QUEUE_MAX);
        (Self(tx), rx)
    }

    /// Waits for room in the queue.
    ///
    /// # Errors
    /// When the room's thread is gone.
    pub async fn send(&self, message: RoomMessage) -> Result<(), RoomError> {
        self.0.send(message).await.map_err(|_| RoomError::Closed)
    }

    /// Does not wait. Whether it was taken: not when the queue is full or the thread gone.
    pub fn try_send(&self, message: RoomMessage) -> bool {
        self.0.try_send(message).is_ok()
    }
}
