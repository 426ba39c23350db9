//! One room: a handle for those who use it, a thread that owns it, tasks that move its bytes.
//!
//! | file | what |
//! |---|---|
//! | `request.rs`, `events.rs` | what a handle asks and hears |
//! | `people.rs` | who belongs, and what is done about it |
//! | `receipts.rs` | how far messages have come, and whether others are told |
//! | `inbox.rs` | the queue to the thread |
//! | `thread.rs` | the thread: turns, commits, outputs |
//! | `report.rs` | what the thread tells of itself |
//! | `driver.rs`, `dial.rs` | dials and timers |
//! | `../engine.rs` | core and log as one |

pub(crate) mod dial;
pub(crate) mod driver;
pub(crate) mod events;
pub(crate) mod inbox;
pub(crate) mod open;
pub(crate) mod people;
pub(crate) mod receipts;
pub(crate) mod report;
pub(crate) mod request;
pub(crate) mod thread;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use cc_log::LogReader;
use cc_proto::frames::RoomTag;
use cc_proto::id::{AuthorId, RoomId};
use cc_proto::ticket::Ticket;
use iroh::endpoint::Connection;
use tokio::sync::{Notify, broadcast, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::files::Files;
use crate::gossip::GossipHandle;
use crate::node::{Net, NodeError};
use driver::Pulse;
use events::{RoomEvent, RoomEvents};
use inbox::{RoomInbox, RoomMessage};
use request::{Draft, Request, RoomError, RoomStatus, SendError, Sent};
use thread::Face;

/// A room on this machine. Cheap to clone; all clones are one room, which lives as long as its node.
#[derive(Debug, Clone)]
pub struct Room {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    id: RoomId,
    tag: RoomTag,
    dir: PathBuf,
    // Weak, so that a handle does not keep the sockets of a dropped node open.
    net: Weak<Net>,
    inbox: RoomInbox,
    gossip: Option<GossipHandle>,
    files: Arc<Files>,
    // Weak, so that listeners hear of the end when the thread drops its own.
    events: broadcast::WeakSender<RoomEvent>,
    face: watch::Receiver<Face>,
    pulse: watch::Receiver<Pulse>,
    network_changed: Arc<Notify>,
    stopping: Arc<AtomicBool>,
    /// Ends the driver and the gossip.
    cancelled: CancellationToken,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Room {
    /// The room's id.
    pub fn id(&self) -> RoomId {
        self.shared.id
    }

    /// The room's name, as its founder gave it. Not cleaned for a terminal.
    pub fn name(&self) -> String {
        self.shared.face.borrow().name.clone()
    }

    /// Our nickname in it.
    pub fn nick(&self) -> String {
        self.shared.face.borrow().nick.clone()
    }

    /// The ticket of the invite that we made or came by, with the addresses of today. Waits a moment
    /// for a node that has just started to know its own.
    ///
    /// # Errors
    /// [`RoomError`].
    pub async fn ticket(&self) -> Result<Ticket, RoomError> {
        self.address_settled().await;
        self.ask(|reply| Request::Ticket { reply })
            .await?
            .ok_or(RoomError::NoTicket)
    }

    async fn address_settled(&self) {
        if let Some(net) = self.shared.net.upgrade() {
            net.address_settled().await;
        }
    }

    /// Asks to be let in by another ticket.
    pub(crate) async fn renew(&self, ticket: Ticket, nick: String) -> Result<(), NodeError> {
        let ticket = Box::new(ticket);
        let answer = self
            .ask(|reply| Request::Renew {
                ticket,
                nick,
                reply,
            })
            .await;
        Ok(answer.map_err(|_| NodeError::ShutDown)??)
    }

    /// Stores a message and sends it to everyone. Ready when it is durable here.
    ///
    /// Cancel safe in this sense: dropped, the message may still be stored and sent.
    ///
    /// # Errors
    /// [`SendError`]: nothing was stored, but for [`SendError::Closed`].
    pub async fn send(&self, draft: Draft) -> Result<Sent, SendError> {
        let answer = self.ask(|reply| Request::Send { draft, reply }).await;
        answer.unwrap_or(Err(SendError::Closed))
    }

    /// Claims another nickname.
    ///
    /// # Errors
    /// As [`Room::send`].
    pub async fn set_nick(&self, nick: impl Into<String>) -> Result<Sent, SendError> {
        let nick = nick.into();
        let answer = self.ask(|reply| Request::SetNick { nick, reply }).await;
        answer.unwrap_or(Err(SendError::Closed))
    }

    /// What happens from now on.
    pub fn events(&self) -> RoomEvents {
        match self.shared.events.upgrade() {
            Some(sender) => RoomEvents::new(sender.subscribe()),
            None => RoomEvents::ended(),
        }
    }

    /// How the room is.
    ///
    /// # Errors
    /// When the room is closed.
    pub async fn status(&self) -> Result<RoomStatus, RoomError> {
        self.ask(|reply| Request::Status { reply }).await
    }

    /// Returns when somebody has let us in; at once if that was long ago.
    ///
    /// # Errors
    /// When the room is closed before.
    pub async fn joined(&self) -> Result<(), RoomError> {
        let mut face = self.shared.face.clone();
        face.wait_for(|face| face.joined)
            .await
            .map(|_| ())
            .map_err(|_| RoomError::Closed)
    }

    /// The history, read without a lock and without the thread.
    ///
    /// # Errors
    /// Those of the log.
    pub fn reader(&self) -> Result<LogReader, cc_log::ReadError> {
        LogReader::open(&self.shared.dir)
    }

    /// Where the room's files are.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// The protocols of the room alone.
    pub(crate) fn alpns(&self) -> [Vec<u8>; 2] {
        [self.shared.tag.gossip_alpn(), self.shared.tag.blobs_alpn()]
    }

    pub(crate) fn room_files(&self) -> &Arc<Files> {
        &self.shared.files
    }

    pub(crate) fn tag(&self) -> RoomTag {
        self.shared.tag
    }

    pub(crate) fn inbox(&self) -> &RoomInbox {
        &self.shared.inbox
    }

    /// Takes a member's connection on one of the room's own protocols.
    pub(crate) fn accept(&self, connection: Connection) {
        if connection.alpn() == self.shared.tag.blobs_alpn() {
            return self.shared.files.accept(connection);
        }
        match &self.shared.gossip {
            Some(gossip) => gossip.accept(connection),
            None => connection.close(crate::gate::REFUSED, b""),
        }
    }

    /// Returns once `peer` belongs; never, if it never does or the room closes before.
    pub(crate) async fn belongs(&self, peer: &AuthorId) {
        let mut pulse = self.shared.pulse.clone();
        if pulse
            .wait_for(|pulse| pulse.peers.contains(peer))
            .await
            .is_err()
        {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) async fn mark_left(&self) -> Result<(), NodeError> {
        let answer = self.ask(|reply| Request::MarkLeft { reply }).await;
        Ok(answer.map_err(|_| NodeError::ShutDown)??)
    }

    pub(crate) fn network_changed(&self) {
        self.shared.network_changed.notify_one();
    }

    /// Ends the driver with its sessions, and the gossip.
    pub(crate) fn cancel(&self) {
        self.shared.cancelled.cancel();
    }

    /// Tells the thread to end without waiting for it.
    pub(crate) fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        // A full queue means that the thread is awake and sees the flag.
        self.shared.inbox.try_send(RoomMessage::Stop);
    }

    /// Waits for the thread to commit and end, `patience` at most.
    pub(crate) async fn closed(&self, patience: Duration) {
        self.stop();
        let thread = self
            .shared
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(thread) = thread else { return };
        let joined = tokio::task::spawn_blocking(move || thread.join());
        match tokio::time::timeout(patience, joined).await {
            Ok(Ok(Ok(()))) => {}
            Ok(_) => tracing::error!(room = %self.id().short(), "the room's thread panicked"),
            Err(_) => tracing::warn!(room = %self.id().short(), "the room's thread is still busy"),
        }
    }

    /// Whether the thread ended that nobody told to.
    pub(crate) fn has_failed(&self) -> bool {
        let thread = self.shared.thread.lock();
        let thread = thread.unwrap_or_else(PoisonError::into_inner);
        !self.shared.stopping.load(Ordering::Acquire)
            && thread
                .as_ref()
                .is_some_and(std::thread::JoinHandle::is_finished)
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, RoomError> {
        let (reply, answer) = oneshot::channel();
        self.shared
            .inbox
            .send(RoomMessage::Request(request(reply)))
            .await?;
        answer.await.map_err(|_| RoomError::Closed)
    }
}
