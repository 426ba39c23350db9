//! A room as a state machine: inputs in, outputs out, with `now` and randomness as arguments.
//!
//! | file | what it decides |
//! |---|---|
//! | [`types`](self) | the inputs, outputs and events |
//! | `write.rs` | drafts: signing, own chains, adoption after a copied home |
//! | `accept.rs` | what may be appended, from whichever source; gossip frames |
//! | `session.rs` | the sync session: its beginning and end, hello, the door |
//! | `exchange.rs` | what goes over in it: heads, locators, segments |
//! | `peers.rs` | who is online, with whom to sync and when |
//!
//! Nothing here stores anything. The caller appends what it is told to, makes it durable, and only
//! then lets the other outputs of the same call out; what a peer is served is thereby durable.

mod accept;
mod exchange;
mod peers;
mod session;
mod types;
mod write;

use std::collections::{BTreeMap, BTreeSet};

pub use types::{
    Input, MisbehaviourKind, Output, RejectReason, RoomConfig, RoomEvent, SessionId, SyncAbortCode,
};

use crate::chains::Chains;
use crate::clock::{HybridClock, Now};
use crate::frames::RoomTag;
use crate::history::{History, Overlay};
use crate::id::{AuthorId, ChainId, Head, RoomId, Seq};
use crate::identity::Identity;
use crate::message::Message;
use crate::random::Random;
use crate::roster::Roster;
use crate::ticket::PeerAddress;

use peers::{Pace, Peers};
use session::Session;

/// One member's view of one room.
#[derive(Debug)]
pub struct RoomCore {
    identity: Identity,
    room: RoomId,
    tag: RoomTag,
    own_chain: ChainId,
    /// Our join, until we are admitted.
    pending_join: Option<Message>,
    roster: Roster,
    chains: Chains,
    clock: HybridClock,
    random: Random,
    /// Live messages whose predecessor is missing.
    pending: BTreeMap<(AuthorId, ChainId, Seq), Message>,
    /// Places whose line in the log was damaged: peers are asked for them again.
    lost: BTreeSet<(AuthorId, ChainId, Seq)>,
    sessions: BTreeMap<SessionId, Session>,
    peers: Peers,
    pace: Pace,
    addresses: Vec<PeerAddress>,
}

/// What is stored of a room when it is opened.
#[derive(Debug, Default)]
pub struct Stored {
    /// Every tip of every chain.
    pub heads: Vec<Head>,
    /// The places that hold more than one message.
    pub forks: Vec<(AuthorId, ChainId, Seq)>,
    /// The messages that shape the roster, in order of arrival.
    pub roster: Vec<Message>,
    /// The places whose message can no longer be read.
    pub lost: Vec<(AuthorId, ChainId, Seq)>,
}

/// What one call works on.
struct Turn<'a, H> {
    now: Now,
    history: Overlay<'a, H>,
    out: Vec<Output>,
}

impl<H> Turn<'_, H> {
    fn append(&mut self, message: Message, token: Option<u64>) {
        self.history.append(message.clone());
        self.out.push(Output::Append { message, token });
    }

    fn refused(&mut self, peer: AuthorId, kind: MisbehaviourKind) {
        self.out
            .push(Output::Event(RoomEvent::Refused { peer, kind }));
    }
}

impl RoomCore {
    /// Opens a room from what is stored of it.
    ///
    /// # Errors
    /// The history's own.
    pub fn open<H: History>(
        config: RoomConfig,
        stored: &Stored,
        now: Now,
        history: &H,
    ) -> Result<Self, H::Error> {
        let mut roster = Roster::new(config.room);
        for act in &stored.roster {
            roster.insert(act);
        }
        let mut clock = HybridClock::default();
        for head in &stored.heads {
            for (_, tip) in history.at(&head.author, head.chain, head.seq)? {
                clock.observe(tip.header().ts, now.wall);
            }
        }
        let me = config.identity.author();
        let pending_join = config.pending_join.filter(|_| !roster.contains(&me));
        Ok(Self {
            tag: RoomTag::of(&config.room),
            room: config.room,
            own_chain: config.own_chain,
            pending_join,
            chains: Chains::load(&stored.heads, &stored.forks),
            clock,
            random: Random::new(config.seed),
            pending: BTreeMap::new(),
            lost: stored.lost.iter().copied().collect(),
            sessions: BTreeMap::new(),
            peers: Peers::new(me, config.bootstrap, now),
            pace: Pace::new(config.gossip, now),
            addresses: Vec::new(),
            roster,
            identity: config.identity,
        })
    }

    /// Takes one input. The outputs are to be carried out in their order, appends first made
    /// durable.
    ///
    /// # Errors
    /// The history's own; the state is then to be thrown away and opened anew from storage.
    pub fn handle<H: History>(
        &mut self,
        input: Input,
        now: Now,
        history: &H,
    ) -> Result<Vec<Output>, H::Error> {
        let mut turn = Turn {
            now,
            history: Overlay::new(history),
            out: Vec::new(),
        };
        match input {
            Input::Draft {
                token,
                body,
                via,
                re,
            } => self.draft(token, body, via, re, &mut turn),
            Input::Gossip { from, bytes } => self.gossip(from, &bytes, &mut turn)?,
            Input::NeighborUp(peer) => self.peers.neighbor_up(peer, now),
            Input::NeighborDown(peer) => self.peers.neighbor_down(&peer),
            Input::GossipLagged => self.sync_with_any(1, now),
            Input::SyncOpened {
                session,
                peer,
                dialed,
            } => {
                self.session_opened(session, peer, dialed, &mut turn)?;
            }
            Input::SyncReceived { session, frame } => {
                self.session_frame(session, &frame, &mut turn)?;
            }
            Input::SyncReady { session } => self.session_ready(session, &mut turn)?,
            Input::SyncClosed { session } => self.session_closed(session, now),
            Input::DialFailed { peer } => self.peers.failed(&peer, now),
            Input::Tick => {}
        }
        self.run_timers(&mut turn);
        Ok(turn.out)
    }

    /// When [`Input::Tick`] is due, in milliseconds of [`Now::mono_ms`].
    pub fn next_tick(&self) -> u64 {
        self.peers
            .next_due(!self.sessions.is_empty())
            .min(self.pace.next_due())
            .min(self.sessions_due())
    }

    /// The roster.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Whether nobody has let us in yet.
    pub fn is_joining(&self) -> bool {
        !self.roster.contains(&self.identity.author())
    }

    /// The members seen of late, oneself not counted.
    pub fn online(&self, now: Now) -> Vec<AuthorId> {
        let online = self.peers.online(now);
        online
            .into_iter()
            .filter(|peer| self.roster.contains(peer))
            .collect()
    }

    /// The authors who signed two messages for one place.
    pub fn forkers(&self) -> Vec<AuthorId> {
        self.chains.forkers()
    }

    /// Every tip held.
    pub fn heads(&self) -> Vec<Head> {
        self.chains.heads()
    }

    /// Tells where members were seen, for peers who ask.
    pub fn set_addresses(&mut self, addresses: Vec<PeerAddress>) {
        self.addresses = addresses;
    }

    fn me(&self) -> AuthorId {
        self.identity.author()
    }

    fn run_timers<H: History>(&mut self, turn: &mut Turn<'_, H>) {
        let now = turn.now;
        self.end_slow_sessions(turn);
        if self.peers.redial_due(!self.sessions.is_empty(), now) {
            self.redial(turn);
        }
        if self.peers.digest_due(now) {
            self.sync_with_any(1, now);
        }
        if self.peers.seek_due(now) {
            self.seek(now);
        }
        if let Some(changed) = self.pace.heights_due(now) {
            self.announce(&changed, turn);
        }
        let busy = self.sessions.values().map(|session| session.peer).collect();
        let founded = self.roster.is_founded();
        for peer in self.peers.take_due(&busy, now) {
            if !founded || self.roster.contains(&peer) {
                turn.out.push(Output::StartSync { peer });
            }
        }
    }
}
