//! A room's dials and timers: the async side of its thread.
//!
//! Whom to dial and when is the core's choice; only a change of the network is seen first here.

use std::sync::Arc;

use cc_proto::id::AuthorId;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::dial::dial_and_run;
use super::inbox::{RoomInbox, RoomMessage};
use crate::gossip::choose;
use crate::node::Net;
use crate::tuning::{NETWORK_CHANGE_DIALS, ROOM_DIALED_SESSIONS_MAX};

/// What a room's thread tells after each turn.
#[derive(Debug, Clone, Default)]
pub struct Pulse {
    /// When the core wants to be woken; none while it waits for nothing.
    pub tick_at: Option<Instant>,
    /// Everyone else who belongs, and while joining those named by the ticket.
    pub peers: Arc<[AuthorId]>,
}

/// Dials and wakes for a room.
#[derive(Debug)]
pub struct Driver {
    /// The machine's connections.
    pub net: Arc<Net>,
    /// The room's queue.
    pub inbox: RoomInbox,
    /// The thread's word after each turn.
    pub pulse: watch::Receiver<Pulse>,
    /// Members that the core wants to sync with.
    pub dials: mpsc::Receiver<AuthorId>,
    /// Another network: whoever was there may be elsewhere now, and so are we.
    pub network_changed: Arc<Notify>,
}

impl Driver {
    /// Runs until cancelled; sessions that it dialled end with it.
    pub async fn run(mut self, cancelled: CancellationToken) {
        let mut sessions = JoinSet::new();
        let mut ticked: Option<Instant> = None;
        loop {
            let tick_at = self
                .pulse
                .borrow_and_update()
                .tick_at
                .filter(|at| ticked != Some(*at));
            tokio::select! {
                () = cancelled.cancelled() => break,
                Some(peer) = self.dials.recv() => self.dial(peer, &mut sessions),
                Some(ended) = sessions.join_next(), if !sessions.is_empty() => {
                    if let Err(error) = ended && error.is_panic() {
                        tracing::error!(%error, "a session's task panicked");
                    }
                }
                () = sleep_until(tick_at.unwrap_or_else(Instant::now)), if tick_at.is_some() => {
                    // A full queue means that the thread is at work and sees the time by itself.
                    self.inbox.try_send(RoomMessage::Tick);
                    ticked = tick_at;
                }
                () = self.network_changed.notified() => {
                    let peers = self.pulse.borrow().peers.to_vec();
                    let last_seen = |peer: &AuthorId| self.net.book.last_seen(peer);
                    for peer in choose(peers, last_seen, NETWORK_CHANGE_DIALS, 0) {
                        self.dial(peer, &mut sessions);
                    }
                }
                changed = self.pulse.changed() => if changed.is_err() { break },
            }
        }
        sessions.shutdown().await;
    }

    fn dial(&self, peer: AuthorId, sessions: &mut JoinSet<()>) {
        if sessions.len() >= ROOM_DIALED_SESSIONS_MAX {
            tracing::debug!("too many sessions: one dial was left out");
            self.inbox.try_send(RoomMessage::DialFailed(peer));
            return;
        }
        let (net, inbox) = (self.net.clone(), self.inbox.clone());
        sessions.spawn(dial_and_run(net, peer, inbox).in_current_span());
    }
}
