//! What a room tells those who listen.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use cc_proto::body::Kind;
use cc_proto::id::{ArrivalNo, AuthorId, Timestamp};
use cc_proto::message::Message;
use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::broadcast;

use crate::files::FileStatus;

/// What happened in a room.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RoomEvent {
    /// A message was stored, from whomever, this machine included. It is durable.
    Message(Arc<StoredMessage>),
    /// Who belongs, or how they are called, may have changed.
    RosterChanged,
    /// This member ended a session with us because we no longer belong, as far as it knows.
    Parted(AuthorId),
    /// How far a file has come: every change, and at most four times a second how much of it is here.
    File(FileStatus),
    /// Something else, as the protocol's core tells it.
    Core(cc_proto::room::RoomEvent),
    /// This listener was too slow, and so many events were dropped for it. The log has them all.
    Lagged(u64),
}

/// A message and its place in this machine's log.
#[derive(Debug, Clone)]
pub struct StoredMessage {
    /// Its line.
    pub n: ArrivalNo,
    /// When it was stored.
    pub at: Timestamp,
    /// The message.
    pub message: Message,
}

impl RoomEvent {
    /// The text and the message, where this is a chat message.
    pub fn chat(&self) -> Option<(&str, &StoredMessage)> {
        match self {
            Self::Message(stored) if stored.message.kind() == Kind::Chat => {
                Some((stored.message.text()?, stored))
            }
            _ => None,
        }
    }
}

/// The events of a room from now on. Ends when the room is closed.
///
/// Cancel safe: dropping a pending `next` loses nothing.
pub struct RoomEvents(BoxStream<'static, RoomEvent>);

impl RoomEvents {
    pub(crate) fn new(receiver: broadcast::Receiver<RoomEvent>) -> Self {
        let events = stream::unfold(receiver, |mut receiver| async {
            match receiver.recv().await {
                Ok(event) => Some((event, receiver)),
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    Some((RoomEvent::Lagged(missed), receiver))
                }
                Err(broadcast::error::RecvError::Closed) => None,
            }
        });
        Self::from_stream(events)
    }

    pub(crate) fn ended() -> Self {
        Self::from_stream(stream::empty())
    }

    fn from_stream(events: impl Stream<Item = RoomEvent> + Send + 'static) -> Self {
        Self(events.boxed())
    }

    /// The next event; none when the room is closed.
    pub async fn next(&mut self) -> Option<RoomEvent> {
        self.0.next().await
    }
}

impl std::fmt::Debug for RoomEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RoomEvents")
    }
}

impl Stream for RoomEvents {
    type Item = RoomEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<RoomEvent>> {
        self.0.poll_next_unpin(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_listener_is_told_how_much_it_missed() {
        let (tx, rx) = broadcast::channel(2);
        let mut events = RoomEvents::new(rx);
        for _ in 0..5 {
            tx.send(RoomEvent::RosterChanged).unwrap();
        }
        drop(tx);
        assert!(matches!(events.next().await, Some(RoomEvent::Lagged(3))));
        assert!(matches!(
            events.next().await,
            Some(RoomEvent::RosterChanged)
        ));
        assert!(matches!(
            events.next().await,
            Some(RoomEvent::RosterChanged)
        ));
        assert!(events.next().await.is_none());
    }
}
