//! The thread that owns a room: takes what came, lets the engine make it durable in one commit,
//! and only then lets anything out.
//!
//! It never waits for the network: every queue it fills is filled without waiting, and what does
//! not fit is dropped (gossip), aborted (a session that ran ahead) or asked for again (dials).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cc_proto::body::{Body, Chat, Profile, Summary};
use cc_proto::clock::Now;
use cc_proto::id::{AuthorId, Timestamp};
use cc_proto::limits::LEARNED_ADDRESSES_MAX;
use cc_proto::room::{Input, Output, RoomEvent as CoreEvent, SessionId, SyncAbortCode};
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::driver::Pulse;
use super::events::{RoomEvent, StoredMessage};
use super::inbox::RoomMessage;
use super::request::{Request, SendError, Sent};
use crate::engine::{RoomEngine, Turn};
use crate::gossip::GossipHandle;
use crate::node::{Net, now_since};
use crate::sync_io::SessionHandle;
use crate::tuning::ROOM_TURN_MAX;

/// What is shown of a room without asking its thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Face {
    /// The room's name; while joining the ticket's hint.
    pub name: String,
    /// Our nickname here.
    pub nick: String,
    /// Whether we have been let in.
    pub joined: bool,
}

/// An answer that is given after the turn.
type Answer = Box<dyn FnOnce(&mut RoomThread)>;

/// All that the thread holds.
pub struct RoomThread {
    /// The room itself.
    pub engine: RoomEngine,
    /// The machine's connections.
    pub net: Arc<Net>,
    /// The protocol names of the room's gossip and of its files.
    pub alpns: [Vec<u8>; 2],
    /// The fast path, where there is one.
    pub gossip: Option<GossipHandle>,
    /// What came.
    pub inbox: mpsc::Receiver<RoomMessage>,
    /// Dials to begin.
    pub dials: mpsc::Sender<AuthorId>,
    /// To those who listen.
    pub events: broadcast::Sender<RoomEvent>,
    /// To the driver.
    pub pulse: watch::Sender<Pulse>,
    /// To the handles.
    pub face: watch::Sender<Face>,
    /// Set when the room is to end though its queue may be full.
    pub stopping: Arc<AtomicBool>,
    /// Open sync sessions, each with whom.
    pub sessions: HashMap<SessionId, (AuthorId, SessionHandle)>,
    /// Who belonged when that was last told.
    pub members: BTreeSet<AuthorId>,
    /// Drafts that were not answered yet.
    pub waiting: HashMap<u64, oneshot::Sender<Result<Sent, SendError>>>,
    /// The last draft's token.
    pub last_token: u64,
    /// Neighbours that gossip told of.
    pub neighbors: BTreeSet<AuthorId>,
    /// What the next turn begins with.
    pub next_inputs: Vec<Input>,
    /// Where the clock of [`Now::mono_ms`] begins.
    pub epoch: Instant,
}

impl RoomThread {
    /// Runs until told to stop or until nobody is left who could ask for anything.
    pub fn run(mut self) {
        self.publish();
        while let Some(first) = self.inbox.blocking_recv() {
            if !self.turn(first) || self.stopping.load(Ordering::Acquire) {
                break;
            }
        }
        tracing::debug!("the room's thread ends");
        if let Err(error) = self.engine.close() {
            tracing::warn!(%error, "the room was not closed well: opening it will take longer");
        }
    }

    /// One commit for all that waits, up to a bound. False if the room is to end.
    fn turn(&mut self, first: RoomMessage) -> bool {
        let mut inputs = std::mem::take(&mut self.next_inputs);
        let mut requests = Vec::new();
        // Given back after the commit: until then the peers are read no further.
        let mut permits: Vec<OwnedSemaphorePermit> = Vec::new();
        let mut next = Some(first);
        let mut go_on = true;
        let mut taken = 0;
        while let Some(message) = next {
            match message {
                RoomMessage::Stop => go_on = false,
                RoomMessage::Request(request) => self.request(request, &mut inputs, &mut requests),
                message => inputs.extend(self.input(message, &mut permits)),
            }
            taken += 1;
            next = if taken < ROOM_TURN_MAX {
                self.inbox.try_recv().ok()
            } else {
                None
            };
        }
        let now = self.now();
        if self.engine.core().next_tick() <= now.mono_ms {
            inputs.push(Input::Tick);
        }
        let turn = self.engine.turn(inputs, now);
        self.carry_out(turn, now.wall);
        drop(permits);
        self.publish();
        for answer in requests {
            answer(self);
        }
        go_on
    }

    fn input(
        &mut self,
        message: RoomMessage,
        permits: &mut Vec<OwnedSemaphorePermit>,
    ) -> Option<Input> {
        Some(match message {
            RoomMessage::SessionOpened {
                session,
                peer,
                dialed,
                handle,
            } => {
                // Dialled while its removal was on the way: it gets nothing, the handle's end closes it.
                if dialed && self.is_gone(&peer) {
                    return Some(Input::DialFailed { peer });
                }
                self.sessions.insert(session, (peer, handle));
                let addresses = self.member_addresses(LEARNED_ADDRESSES_MAX);
                self.engine.core_mut().set_addresses(addresses);
                Input::SyncOpened {
                    session,
                    peer,
                    dialed,
                }
            }
            RoomMessage::SessionFrame {
                session,
                frame,
                permit,
            } => {
                permits.push(permit);
                Input::SyncReceived { session, frame }
            }
            RoomMessage::SessionReady { session } => Input::SyncReady { session },
            RoomMessage::SessionClosed { session, parted } => {
                let ended = self.sessions.remove(&session);
                if let Some((peer, _)) = ended.filter(|_| parted) {
                    self.tell(RoomEvent::Parted(peer));
                }
                Input::SyncClosed { session }
            }
            RoomMessage::DialFailed(peer) => Input::DialFailed { peer },
            RoomMessage::Gossip {
                from,
                bytes,
                permit,
            } => {
                drop(permit);
                Input::Gossip { from, bytes }
            }
            RoomMessage::NeighborUp(peer) => {
                self.neighbors.insert(peer);
                Input::NeighborUp(peer)
            }
            RoomMessage::NeighborDown(peer) => {
                self.neighbors.remove(&peer);
                Input::NeighborDown(peer)
            }
            RoomMessage::GossipLagged => Input::GossipLagged,
            RoomMessage::Tick => Input::Tick,
            RoomMessage::Request(_) | RoomMessage::Stop => return None,
        })
    }

    fn request(&mut self, request: Request, inputs: &mut Vec<Input>, answers: &mut Vec<Answer>) {
        match request {
            Request::Send { draft, reply } => {
                let token = self.token(reply);
                let text = draft.text;
                let body = match draft.summary {
                    Some(through) => Body::Summary(Summary { text, through }),
                    None => Body::Chat(Chat { text }),
                };
                inputs.push(Input::Draft {
                    token,
                    body,
                    via: draft.via,
                    re: draft.re,
                });
            }
            Request::Announce {
                file,
                via,
                re,
                reply,
            } => {
                let token = self.token(reply);
                let body = Body::File(file);
                inputs.push(Input::Draft {
                    token,
                    body,
                    via,
                    re,
                });
            }
            Request::SetNick { nick, reply } => {
                let token = self.token(reply);
                let body = Body::Profile(Profile { nick });
                inputs.push(Input::Draft {
                    token,
                    body,
                    via: String::new(),
                    re: None,
                });
            }
            Request::Act { act, reply } => {
                let token = self.token(reply);
                inputs.push(Input::Act { token, act: *act });
            }
            Request::People { reply } => answers.push(Box::new(move |thread| {
                reply.send(thread.people()).ok();
            })),
            Request::Note { who, change, reply } => answers.push(Box::new(move |thread| {
                reply.send(thread.note(who, change)).ok();
            })),
            Request::Receipts(request) => inputs.extend(request.take(&mut self.engine)),
            Request::MarkLeft { reply } => answers.push(Box::new(move |thread| {
                reply.send(thread.engine.mark_left()).ok();
            })),
            Request::Place { reply } => answers.push(Box::new(move |thread| {
                reply.send(thread.place()).ok();
            })),
            Request::Status { reply } => answers.push(Box::new(move |thread| {
                reply.send(thread.status()).ok();
            })),
            Request::Renew {
                ticket,
                nick,
                reply,
            } => answers.push(Box::new(move |thread| {
                let renewed = thread.engine.renew(&ticket, &nick, thread.now());
                if matches!(renewed, Ok(true)) {
                    thread.begin_anew();
                }
                reply.send(renewed.map(|_| ())).ok();
            })),
            Request::Ticket { reply } => answers.push(Box::new(move |thread| {
                reply.send(thread.ticket()).ok();
            })),
        }
    }

    fn token(&mut self, reply: oneshot::Sender<Result<Sent, SendError>>) -> u64 {
        self.last_token += 1;
        self.waiting.insert(self.last_token, reply);
        self.last_token
    }

    /// What the turn gave is durable now; everything may go out.
    fn carry_out(&mut self, turn: Turn, at: Timestamp) {
        // First of all: nothing of this turn may go to somebody whom it removed.
        let mut changed = false;
        for output in &turn.outputs {
            match output {
                Output::RosterChanged | Output::Event(CoreEvent::Joined) => changed = true,
                Output::SyncAbort {
                    session,
                    code: SyncAbortCode::Gone,
                } => {
                    if let Some((_, handle)) = self.sessions.remove(session) {
                        handle.part();
                    }
                }
                _ => {}
            }
        }
        if changed {
            self.roster_changed();
        }
        for stored in turn.appended {
            let event = StoredMessage {
                n: stored.n,
                at,
                message: stored.message,
            };
            self.tell(RoomEvent::Message(Arc::new(event)));
        }
        for (token, outcome) in turn.drafts {
            if let Some(reply) = self.waiting.remove(&token) {
                let outcome = outcome.map(|stored| Sent {
                    id: stored.id,
                    n: stored.n,
                });
                reply.send(outcome.map_err(SendError::from)).ok();
            }
        }
        for output in turn.outputs {
            self.output(output);
        }
        if turn.failed {
            tracing::error!("the disk failed: the room goes on from what is stored");
            self.begin_anew();
        }
    }

    /// The core has forgotten its sessions, its neighbours and what gossip brought this turn.
    fn begin_anew(&mut self) {
        self.sessions.clear();
        self.roster_changed();
        self.next_inputs.push(Input::GossipLagged);
        self.next_inputs
            .extend(self.neighbors.iter().copied().map(Input::NeighborUp));
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Broadcast(frame) => {
                if let Some(gossip) = &self.gossip {
                    gossip.broadcast(frame);
                }
            }
            Output::StartSync { peer } => {
                self.dials.try_send(peer).ok();
            }
            Output::SyncSend { session, frame } => {
                self.session(session, |handle| handle.send(frame));
            }
            Output::SyncFinish { session } => self.session(session, SessionHandle::finish),
            Output::SyncAbort { session, code } => {
                self.session(session, |handle| handle.abort(code));
            }
            Output::RosterChanged => self.tell(RoomEvent::RosterChanged),
            Output::Learned(addresses) => {
                for address in &addresses {
                    self.net.book.learn(address);
                }
            }
            Output::JoinBootstrap(peers) => {
                if let Some(gossip) = &self.gossip {
                    gossip.join(peers);
                }
            }
            Output::Event(event) => self.tell(RoomEvent::Core(event)),
            // Appends, chains and rejections are the engine's and were carried out there.
            _ => {}
        }
    }

    /// Whether nothing of this room is for `peer`. While joining, whoever the ticket names may be
    /// dialled.
    fn is_gone(&self, peer: &AuthorId) -> bool {
        let core = self.engine.core();
        !core.is_joining() && !core.roster().contains(peer)
    }

    fn session(&self, session: SessionId, act: impl FnOnce(&SessionHandle)) {
        if let Some((_, handle)) = self.sessions.get(&session) {
            act(handle);
        }
    }

    /// Tells those who listen.
    pub fn tell(&self, event: RoomEvent) {
        // Nobody listening is no fault.
        self.events.send(event).ok();
    }

    /// Tells gate, gossip, driver and handles who belongs now, and ends at once whatever is open to
    /// those who no longer do.
    pub fn roster_changed(&mut self) {
        let roster = self.engine.core().roster();
        let peers = self.peers();
        let joined = roster.contains(&self.net.me);
        let mut members: BTreeSet<AuthorId> = roster.members().keys().copied().collect();
        members.remove(&self.net.me);
        // Where we are gone ourselves the others close their doors as they hear of it. They may have
        // it from us: a leave goes out after this.
        for alpn in &self.alpns {
            self.net.gate.allow(alpn, members.clone());
        }
        let before = std::mem::replace(&mut self.members, members);
        for peer in before.difference(&self.members) {
            let ended = self.sessions.extract_if(|_, (with, _)| with == peer);
            ended.for_each(|(_, (_, handle))| handle.part());
            if !self.net.gate.is_member(peer) {
                self.net.slots.expel(peer);
            }
        }
        if let Some(gossip) = &self.gossip {
            gossip.set_peers(if joined { peers.clone() } else { Vec::new() });
        }
        let face = Face {
            name: self.name(),
            nick: self.engine.nick().to_owned(),
            joined: joined && !self.engine.core().is_joining(),
        };
        self.face.send_if_modified(|shown| {
            let changed = *shown != face;
            *shown = face;
            changed
        });
        self.pulse.send_modify(|pulse| pulse.peers = peers.into());
    }

    fn publish(&self) {
        let tick = self.engine.core().next_tick();
        let tick_at = (tick < u64::MAX)
            .then(|| self.epoch.checked_add(Duration::from_millis(tick)))
            .flatten();
        self.pulse
            .send_if_modified(|pulse| std::mem::replace(&mut pulse.tick_at, tick_at) != tick_at);
    }

    /// The time as the core is told it.
    pub fn now(&self) -> Now {
        now_since(self.epoch)
    }
}
