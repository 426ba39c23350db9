//! A room as a state machine: inputs in, outputs out, with `now` and randomness as arguments.
//!
//! | file | what it decides |
//! |---|---|
//! | [`types`](self) | the inputs, outputs and events |
//! | `acts.rs` | invites, removals and the like, made into messages |
//! | `write.rs` | drafts: signing, own chains, adoption after a copied home |
//! | `accept.rs` | what may be appended, from whichever source; gossip frames |
//! | `cuts.rs` | what of the held chains counts |
//! | `members.rs` | what a change of the roster brings with it |
//! | `flood.rs` | what one author or peer may cost us |
//! | `session.rs` | the sync session: its beginning and end |
//! | `door.rs` | who gets a session: proofs, joins, turns |
//! | `exchange.rs` | what goes over in it: heads, locators, segments |
//! | `receipts.rs` | what members say of their disks and agents |
//! | `peers.rs` | who is online, with whom to sync and when |
//!
//! Nothing here stores anything. The caller appends what it is told to, makes it durable, and only
//! then lets the other outputs of the same call out; what a peer is served is thereby durable.

mod accept;
mod acts;
mod cuts;
mod door;
mod exchange;
mod flood;
mod members;
mod peers;
mod receipts;
mod session;
mod types;
mod write;

use std::collections::{BTreeMap, BTreeSet};

pub use types::{
    Act, Input, MisbehaviourKind, Output, RejectReason, RoomConfig, RoomEvent, SessionId,
    SyncAbortCode,
};

use crate::chains::{ChainKey, Chains};
use crate::clock::{HybridClock, Now};
use crate::frames::RoomTag;
use crate::history::{History, Overlay};
use crate::id::{AuthorId, ChainId, Head, MessageId, RoomId, Seq};
use crate::identity::Identity;
use crate::message::Message;
use crate::random::Random;
use crate::roster::Roster;
use crate::ticket::PeerAddress;

use flood::Flood;
use members::{RetractsDue, Taken};
use peers::{Pace, Peers};
use receipts::Receipts;
use session::Session;

/// One member's view of one room.
#[derive(Debug)]
pub struct RoomCore {
    identity: Identity,
    room: RoomId,
    tag: RoomTag,
    own_chain: ChainId,
    /// Our join, until it is admitted.
    pending_join: Option<Message>,
    roster: Roster,
    chains: Chains,
    clock: HybridClock,
    random: Random,
    /// Live messages whose predecessor is missing.
    pending: BTreeMap<(AuthorId, ChainId, Seq), Message>,
    /// Places whose line in the log was damaged: peers are asked for them again.
    lost: BTreeSet<(AuthorId, ChainId, Seq)>,
    /// Messages that came without their body though nobody took them back: every peer is asked for
    /// them once.
    bodiless: BTreeMap<(AuthorId, ChainId, Seq), Bodiless>,
    bodiless_since: u64,
    /// By peer, the last of them that it was asked for.
    bodies_asked: BTreeMap<AuthorId, u64>,
    /// What was taken back and erased, so that it is not read again.
    taken_back: BTreeSet<Taken>,
    retracts_due: RetractsDue,
    /// By chain, the acts that cut it of which all is held that they name there, and the last place
    /// that they name: what comes at or below it stands on a branch that they do not name.
    closed: BTreeMap<ChainKey, Vec<(MessageId, Seq)>>,
    /// Chains of which it is to be worked out anew what counts.
    unsurveyed: BTreeSet<ChainKey>,
    flood: Flood,
    sessions: BTreeMap<SessionId, Session>,
    /// Who was told `busy`: since when, and when last.
    waiting: BTreeMap<AuthorId, (u64, u64)>,
    peers: Peers,
    pace: Pace,
    receipts: Receipts,
    addresses: Vec<PeerAddress>,
}

/// A message that came without its body.
#[derive(Debug, Clone, Copy)]
struct Bodiless {
    id: MessageId,
    /// Counts up with each of them.
    since: u64,
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
    /// Who was a member before this call, and is none any more.
    gone: BTreeSet<AuthorId>,
    /// Whether who was shown to belong, by acts that are not held, is to be judged again.
    swept: bool,
    /// Whether other messages are told than before, of a chain that did not just grow.
    retold: bool,
}

impl<'a, H> Turn<'a, H> {
    fn new(now: Now, history: &'a H) -> Self {
        Self {
            now,
            history: Overlay::new(history),
            out: Vec::new(),
            gone: BTreeSet::new(),
            swept: false,
            retold: false,
        }
    }

    fn append(&mut self, message: Message, token: Option<u64>) {
        self.history.append(message.clone());
        self.out.push(Output::Append { message, token });
    }

    fn erase(&mut self, author: AuthorId, chain: ChainId, seq: Seq, id: MessageId) {
        self.history.erase(author, chain, seq, id);
        self.out.push(Output::Erase {
            author,
            chain,
            seq,
            id,
        });
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
        let roster = Roster::load(config.room, &stored.roster);
        let mut clock = HybridClock::default();
        for head in &stored.heads {
            for (_, tip) in history.at(&head.author, head.chain, head.seq)? {
                clock.observe(tip.header().ts, now.wall);
            }
        }
        let me = config.identity.author();
        let pending_join = config.pending_join;
        let pending_join = pending_join.filter(|join| !roster.is_admitted(&join.id()));
        let mut core = Self {
            tag: RoomTag::of(&config.room),
            room: config.room,
            own_chain: config.own_chain,
            pending_join,
            chains: Chains::load(&stored.heads, &stored.forks),
            clock,
            random: Random::new(config.seed),
            pending: BTreeMap::new(),
            lost: stored.lost.iter().copied().collect(),
            bodiless: BTreeMap::new(),
            bodiless_since: 0,
            bodies_asked: BTreeMap::new(),
            taken_back: BTreeSet::new(),
            retracts_due: RetractsDue::All,
            closed: BTreeMap::new(),
            unsurveyed: BTreeSet::new(),
            flood: Flood::new(&stored.roster, now),
            sessions: BTreeMap::new(),
            waiting: BTreeMap::new(),
            peers: Peers::new(me, config.bootstrap, now),
            pace: Pace::new(config.gossip, now),
            receipts: Receipts::new(now),
            addresses: Vec::new(),
            roster,
            identity: config.identity,
        };
        core.mark_cut_chains();
        core.survey(&mut Turn::new(now, history))?;
        Ok(core)
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
        let mut turn = Turn::new(now, history);
        match input {
            Input::Draft {
                token,
                body,
                via,
                re,
            } => self.draft(token, body, via, re, &mut turn),
            Input::Act { token, act } => self.act(token, act, &mut turn),
            Input::Offered { agent, shown } => self.offered(&agent, shown, now),
            Input::ShareReceipts(share) => self.share_receipts(share, now),
            Input::Gossip { from, bytes } => self.gossip(from, &bytes, &mut turn)?,
            Input::NeighborUp(peer) => self.peers.neighbor_up(peer, now),
            Input::NeighborDown(peer) => {
                self.peers.neighbor_down(&peer);
                self.receipts.forget_told(&peer);
            }
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
            Input::DialFailed { peer } => {
                self.peers.failed(&peer, now);
                self.receipts.forget_told(&peer);
            }
            Input::Tick => {}
        }
        self.survey(&mut turn)?;
        self.erase_retracted(&mut turn)?;
        self.end_unproven_sessions(&mut turn);
        self.run_timers(&mut turn);
        Ok(turn.out)
    }

    /// When [`Input::Tick`] is due, in milliseconds of [`Now::mono_ms`].
    pub fn next_tick(&self) -> u64 {
        self.peers
            .next_due(!self.sessions.is_empty(), self.is_removed())
            .min(self.pace.next_due())
            .min(self.receipts.next_due())
            .min(self.sessions_due())
    }

    /// The roster.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Whether we ask to be let in and nobody has done so yet. Our own roster may list us all the
    /// same, where we have not heard that we were removed.
    pub fn is_joining(&self) -> bool {
        self.pending_join.is_some()
    }

    /// Whether we belonged and no longer do, and do not ask to be let back.
    pub fn is_removed(&self) -> bool {
        !self.is_joining() && self.roster.is_founded() && !self.roster.contains(&self.me())
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

    /// Messages that are held and count for nothing, though their place is within their author's
    /// bounds: they stand on a branch that was cut off.
    pub fn strays(&self) -> Vec<MessageId> {
        self.chains.strays().collect()
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
        let removed = self.is_removed();
        if self
            .peers
            .redial_due(!self.sessions.is_empty(), removed, now)
        {
            self.redial(turn);
        }
        if self.peers.digest_due(now) && !removed {
            self.sync_with_any(1, now);
        }
        if self.peers.seek_due(now) && !removed {
            self.seek(now);
        }
        if let Some(changed) = self.pace.heights_due(now) {
            self.announce(&changed, turn);
        }
        self.run_receipts(turn);
        let busy = self.sessions.values().map(|session| session.peer).collect();
        for peer in self.peers.take_due(&busy, now) {
            if self.may_dial(&peer) {
                turn.out.push(Output::StartSync { peer });
            } else {
                self.peers.forget(&peer);
            }
        }
    }

    fn may_dial(&self, peer: &AuthorId) -> bool {
        !self.roster.is_founded()
            || self.roster.contains(peer)
            || (self.is_joining() && self.peers.is_bootstrap(peer))
    }
}
