//! How far a room's messages have come, and what others are told of this machine.

use cc_proto::id::ArrivalNo;
use cc_proto::receipt::ReceiptView;
use cc_proto::room::Input;
use tokio::sync::oneshot;

use super::Room;
use super::inbox::RoomMessage;
use super::request::{Request, RoomError};
use crate::engine::{LocalError, RoomEngine};

/// What a handle asks of the room's thread.
#[derive(Debug)]
pub(crate) enum ReceiptRequest {
    /// What is known by receipts.
    View {
        /// The answer.
        reply: oneshot::Sender<ReceiptView>,
    },
    /// An agent was shown lines of the log.
    Offered {
        /// Its name.
        agent: String,
        /// Which lines.
        lines: Vec<ArrivalNo>,
    },
    /// Whether others are told.
    IsShared {
        /// The answer.
        reply: oneshot::Sender<bool>,
    },
    /// Tell others, or no longer.
    Share {
        /// Which.
        share: bool,
        /// Answered when it is durable.
        reply: oneshot::Sender<Result<(), LocalError>>,
    },
}

impl ReceiptRequest {
    /// Answers, and gives what the core is to be told.
    pub(super) fn take(self, engine: &mut RoomEngine) -> Option<Input> {
        match self {
            Self::View { reply } => {
                reply.send(engine.core().receipts()).ok();
                None
            }
            Self::Offered { agent, lines } => Some(engine.offered(agent, &lines)),
            Self::IsShared { reply } => {
                reply.send(engine.shares_receipts()).ok();
                None
            }
            Self::Share { share, reply } => {
                let (told, noted) = match engine.set_receipts(share) {
                    Ok(told) => (Some(told), Ok(())),
                    Err(error) => (None, Err(error)),
                };
                reply.send(noted).ok();
                told
            }
        }
    }
}

impl Room {
    /// What the members' receipts say at this moment: on whose disks a message is, and whose agents
    /// were shown it. [`cc_proto::room::RoomEvent::Receipts`] says when there is more.
    ///
    /// # Errors
    /// When the room is closed.
    pub async fn receipts(&self) -> Result<ReceiptView, RoomError> {
        self.ask(|reply| Request::Receipts(ReceiptRequest::View { reply }))
            .await
    }

    /// Takes note that an agent at this machine was shown these lines of the log. Unless the owner
    /// said not to, the members are told, by the agent's name and nothing else of it.
    ///
    /// # Errors
    /// When the room is closed.
    pub async fn offered(
        &self,
        agent: impl Into<String>,
        lines: Vec<ArrivalNo>,
    ) -> Result<(), RoomError> {
        let agent = agent.into();
        let request = Request::Receipts(ReceiptRequest::Offered { agent, lines });
        self.inbox().send(RoomMessage::Request(request)).await
    }

    /// Whether the members are told what is on this machine's disk and what its agents were shown.
    ///
    /// # Errors
    /// When the room is closed.
    pub async fn shares_receipts(&self) -> Result<bool, RoomError> {
        self.ask(|reply| Request::Receipts(ReceiptRequest::IsShared { reply }))
            .await
    }

    /// Tells the members what is on this machine's disk and what its agents were shown, or no longer:
    /// then they are told once that nothing is told, and what they knew by receipts is gone. Kept
    /// durably.
    ///
    /// # Errors
    /// [`LocalError`]: nothing is changed then.
    pub async fn share_receipts(&self, share: bool) -> Result<(), LocalError> {
        let request = |reply| Request::Receipts(ReceiptRequest::Share { share, reply });
        let answer = self.ask(request).await;
        answer.unwrap_or(Err(LocalError::Closed))
    }
}
