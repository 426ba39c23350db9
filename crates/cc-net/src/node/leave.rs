//! Leaving a room: the word of it, and the end of the room on this machine.

use cc_proto::frames::Refusal;
use cc_proto::id::{MessageId, RoomId};
use cc_proto::room::{Act, RejectReason, RoomEvent as CoreEvent};

use super::{Node, NodeError};
use crate::engine::DraftError;
use crate::room::Room;
use crate::room::events::{RoomEvent, RoomEvents};
use crate::room::request::{SendError, Sent};
use crate::tuning::{LEAVE_DIAL_INTERVAL, LEAVE_TIMEOUT, SHUTDOWN_TIMEOUT};

/// A room that was left. Its folder stays as it is; a ticket opens it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Left {
    /// The message that says so; none where we did not belong.
    pub sent: Option<Sent>,
    /// Whether somebody has it. If not, nobody was there to take it: the others go on listing us.
    pub told: bool,
}

/// Why a room was not left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaveError {
    /// No room of that id is open here.
    #[error("there is no such room on this machine")]
    NoRoom,
    /// We may not leave, or the word of it could not be stored. The room is open as before.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The folder could not be marked. The room is open, and we are no longer a member.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl Node {
    /// Leaves a room: says so to whoever is there, within a bound, and closes it. Its folder stays,
    /// and is not opened again until [`Node::join_room`] does.
    ///
    /// Cancel safe in this sense: dropped, we may have left while the room is still open.
    ///
    /// # Errors
    /// [`LeaveError`].
    pub async fn leave(&self, id: RoomId) -> Result<Left, LeaveError> {
        let _one_at_a_time = self.inner.opening.lock().await;
        let room = self.room(&id).ok_or(LeaveError::NoRoom)?;
        let events = room.events();
        let status = room.status().await.map_err(|_| SendError::Closed)?;
        let sent = match room.act(Act::Leave).await {
            Ok(sent) => Some(sent),
            Err(SendError::Draft(DraftError::Rejected(
                RejectReason::NotJoined | RejectReason::NotAMember,
            ))) => None,
            Err(error) => return Err(error.into()),
        };
        let told = match &sent {
            Some(sent) if status.members.len() > 1 => told(&room, events, sent.id).await,
            _ => false,
        };
        room.mark_left().await?;
        self.close_room(&room).await;
        Ok(Left { sent, told })
    }

    async fn close_room(&self, room: &Room) {
        let net = &self.inner.net;
        for alpn in room.alpns() {
            net.gate.close_room(&alpn);
        }
        net.remove_room(&room.id());
        room.closed(SHUTDOWN_TIMEOUT).await;
        room.cancel();
    }
}

/// Returns once somebody has the word: whoever takes it ends its session with us, and whoever has it
/// already refuses us. A session that ends well shows nothing, as it began before; nor do neighbours
/// in gossip that go, as they come and go.
async fn told(room: &Room, mut events: RoomEvents, word: MessageId) -> bool {
    let parted = async {
        let mut said = false;
        while let Some(event) = events.next().await {
            match event {
                RoomEvent::Message(stored) => said |= stored.message.id() == word,
                RoomEvent::Lagged(_) => said = true,
                RoomEvent::Parted(_) if said => return,
                RoomEvent::Core(CoreEvent::DoorClosed { refusal, .. })
                    if said && refusal != Refusal::Busy =>
                {
                    return;
                }
                _ => {}
            }
        }
        std::future::pending::<()>().await;
    };
    let dials = async {
        loop {
            room.network_changed();
            tokio::time::sleep(LEAVE_DIAL_INTERVAL).await;
        }
    };
    tokio::select! {
        () = parted => true,
        () = dials => false,
        () = tokio::time::sleep(LEAVE_TIMEOUT) => false,
    }
}
