//! Cores that reach one another at once and in order, over stores in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;

use cc_proto::body::{Body, Chat, Genesis, Invite, InvitePolicy};
use cc_proto::clock::Now;
use cc_proto::frames::GossipFrame;
use cc_proto::history::History;
use cc_proto::id::{
    ArrivalNo, AuthorId, ChainId, Head, InviteKey, MessageId, RoomId, Seq, Timestamp,
};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};
use cc_proto::room::{
    Act, Input, Output, RejectReason, RoomConfig, RoomCore, RoomEvent, SessionId, Stored,
    SyncAbortCode,
};
use cc_proto::roster::join_body;

pub const WALL: u64 = 1_800_000_000_000;

#[derive(Default, Clone)]
pub struct Store {
    pub messages: Vec<Message>,
    places: BTreeMap<(AuthorId, ChainId, Seq), Vec<usize>>,
}

impl Store {
    pub fn push(&mut self, message: Message) {
        let header = message.header();
        let place = (header.author, header.chain, header.seq);
        self.places
            .entry(place)
            .or_default()
            .push(self.messages.len());
        self.messages.push(message);
    }

    /// The place of a message with that text.
    pub fn find(&self, text: &str) -> &Message {
        let mut messages = self.messages.iter();
        messages.find(|m| m.text() == Some(text)).unwrap()
    }

    fn put_again(&mut self, message: Message) {
        match self.messages.iter_mut().find(|m| m.id() == message.id()) {
            Some(known) => *known = message,
            None => self.push(message),
        }
    }

    fn erase(&mut self, id: &MessageId) {
        for message in self.messages.iter_mut().filter(|m| m.id() == *id) {
            *message = message.clone().without_body();
        }
    }

    fn tips(&self) -> Vec<Head> {
        let before: BTreeSet<MessageId> = self
            .messages
            .iter()
            .filter_map(|m| m.header().prev)
            .collect();
        // What stands before a lost place is no tip.
        let top = |m: &Message| {
            let header = m.header();
            let chain = (header.author, header.chain);
            let mut after = self.places.range((chain.0, chain.1, header.seq.next())..);
            let next = after.next().map(|(place, _)| *place);
            next.is_none_or(|(author, of, seq)| (author, of) != chain || seq == header.seq.next())
        };
        let tips = self
            .messages
            .iter()
            .filter(|m| !before.contains(&m.id()) && top(m));
        let tip = |m: &Message| Head {
            author: m.header().author,
            chain: m.header().chain,
            seq: m.header().seq,
            id: m.id(),
        };
        tips.map(tip).collect()
    }

    fn forks(&self) -> Vec<(AuthorId, ChainId, Seq)> {
        let more = |(place, held): (&(AuthorId, ChainId, Seq), &Vec<usize>)| {
            std::iter::repeat_n(*place, held.len() - 1)
        };
        self.places.iter().flat_map(more).collect()
    }

    pub fn texts(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = self.messages.iter().filter_map(Message::text).collect();
        texts.sort_unstable();
        texts
    }

    pub fn roster(&self) -> Vec<Message> {
        self.messages
            .iter()
            .filter(|m| m.shapes_roster())
            .cloned()
            .collect()
    }
}

impl History for Store {
    type Error = Infallible;

    fn at(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Vec<(ArrivalNo, Message)>, Infallible> {
        let places = self.places.get(&(*author, chain, seq));
        Ok(places
            .into_iter()
            .flatten()
            .map(|i| (ArrivalNo(*i as u64 + 1), self.messages[*i].clone()))
            .collect())
    }

    fn arrival(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Option<ArrivalNo>, Infallible> {
        let places = self.places.get(&(*author, chain, seq));
        Ok(places
            .and_then(|all| all.first())
            .map(|i| ArrivalNo(*i as u64 + 1)))
    }
}

pub struct Peer {
    pub me: AuthorId,
    pub chain: ChainId,
    pub core: RoomCore,
    pub store: Store,
    pub events: Vec<RoomEvent>,
    pub rejected: Vec<RejectReason>,
}

pub fn now(mono_ms: u64) -> Now {
    Now {
        wall: Timestamp(WALL + mono_ms),
        mono_ms,
    }
}

pub fn key(seed: u8) -> Identity {
    Identity::from_seed([seed; 32])
}

/// A peer whose store holds what it holds, and who writes on in the chain named by its seed.
pub fn open(seed: u8, room: RoomId, store: Store, join: Option<Message>, gossip: bool) -> Peer {
    open_in(ChainId(seed.into()), seed, room, store, join, gossip)
}

/// The same, in a chain that the caller names.
pub fn open_in(
    chain: ChainId,
    seed: u8,
    room: RoomId,
    store: Store,
    join: Option<Message>,
    gossip: bool,
) -> Peer {
    let stored = Stored {
        heads: store.tips(),
        forks: store.forks(),
        roster: store.roster(),
        lost: lost(&store),
    };
    let config = RoomConfig {
        identity: key(seed),
        room,
        own_chain: chain,
        pending_join: join,
        bootstrap: vec![key(1).author()],
        gossip,
        seed: [seed; 32],
    };
    let core = RoomCore::open(config, &stored, now(0), &store).unwrap();
    Peer {
        me: key(seed).author(),
        chain,
        core,
        store,
        events: Vec::new(),
        rejected: Vec::new(),
    }
}

/// The places below a chain's tip where nothing is held.
pub fn lost(store: &Store) -> Vec<(AuthorId, ChainId, Seq)> {
    let mut lost = Vec::new();
    for (author, chain, seq) in store.places.keys() {
        let before = (*author, *chain, Seq(seq.0 - 1));
        if seq.0 > 1 && !store.places.contains_key(&before) {
            lost.push(before);
        }
    }
    lost
}

pub fn write(seed: u8, room: RoomId, after: Option<&Message>, body: Body) -> Message {
    write_in(ChainId(seed.into()), seed, room, after, body)
}

pub fn write_in(
    chain: ChainId,
    seed: u8,
    room: RoomId,
    after: Option<&Message>,
    body: Body,
) -> Message {
    let new = NewMessage {
        room,
        chain,
        seq: after.map_or(Seq::FIRST, |m| m.header().seq.next()),
        prev: after.map(Message::id),
        ts: Timestamp(WALL),
        via: String::new(),
        re: None,
        body,
    };
    Message::write(&key(seed), new).unwrap()
}

pub fn founder(gossip: bool) -> (Peer, RoomId) {
    let genesis = Genesis {
        name: "db".into(),
        nick: "alice".into(),
        invite_policy: InvitePolicy::Members,
        nonce: [1; 16],
    };
    let genesis = write(1, RoomId::from_bytes([0; 32]), None, Body::Genesis(genesis));
    let room = genesis.room();
    let invite = Invite {
        key: InviteKey::from_bytes(*key(99).author().as_bytes()),
        expires: Some(Timestamp(WALL + 1_000_000)),
        uses_max: None,
        note: String::new(),
        lifts: Vec::new(),
    };
    let mut store = Store::default();
    store.push(write(1, room, Some(&genesis), Body::Invite(invite)));
    store.messages.insert(0, genesis.clone());
    let mut ordered = Store::default();
    store
        .messages
        .into_iter()
        .for_each(|message| ordered.push(message));
    (open(1, room, ordered, None, gossip), room)
}

pub fn joiner(seed: u8, room: RoomId, invite: &Identity, gossip: bool) -> Peer {
    let body = join_body(invite, &room, &key(seed).author(), format!("peer {seed}"));
    let join = write(seed, room, None, Body::Join(body));
    open(seed, room, Store::default(), Some(join), gossip)
}

/// Everybody reaches everybody, at once and in order.
pub struct World {
    pub peers: Vec<Peer>,
    pub mono_ms: u64,
    sessions: BTreeMap<(usize, SessionId), (usize, SessionId)>,
    last_session: u64,
    pub inputs: VecDeque<(usize, Input)>,
    pub broadcasts: usize,
    /// Peers on different islands do not reach each other; all start on one.
    pub islands: BTreeMap<usize, u8>,
    /// Frames of sessions, by sender and receiver.
    pub frames: BTreeMap<(usize, usize), usize>,
    pub sessions_opened: usize,
    pub aborts: Vec<(usize, SyncAbortCode)>,
}

impl World {
    pub fn new(peers: Vec<Peer>) -> Self {
        Self {
            peers,
            mono_ms: 0,
            sessions: BTreeMap::new(),
            last_session: 0,
            inputs: VecDeque::new(),
            broadcasts: 0,
            islands: BTreeMap::new(),
            frames: BTreeMap::new(),
            sessions_opened: 0,
            aborts: Vec::new(),
        }
    }

    pub fn say(&mut self, at: usize, text: &str) {
        let body = Body::Chat(Chat { text: text.into() });
        self.inputs.push_back((
            at,
            Input::Draft {
                token: 0,
                body,
                via: String::new(),
                re: None,
            },
        ));
        self.settle();
    }

    pub fn act(&mut self, at: usize, act: Act) {
        self.inputs.push_back((at, Input::Act { token: 0, act }));
        self.settle();
    }

    pub fn gossip(&mut self, at: usize, from: AuthorId, message: &Message) {
        let bytes = GossipFrame::Message(message.wire().clone()).encode();
        self.inputs.push_back((at, Input::Gossip { from, bytes }));
        self.settle();
    }

    /// Puts a peer on an island of its own, or back.
    pub fn move_to(&mut self, at: usize, island: u8) {
        self.islands.insert(at, island);
    }

    fn reaches(&self, a: usize, b: usize) -> bool {
        let island = |at: usize| self.islands.get(&at).copied().unwrap_or(0);
        island(a) == island(b)
    }

    /// Opens a peer anew from its store.
    pub fn restart(&mut self, at: usize, seed: u8, join: Option<Message>) {
        let peer = &self.peers[at];
        let room = peer.core.roster().room();
        let chain = join.as_ref().map_or(peer.chain, |join| join.header().chain);
        self.peers[at] = open_in(chain, seed, room, peer.store.clone(), join, false);
    }

    pub fn settle(&mut self) {
        while let Some((at, input)) = self.inputs.pop_front() {
            let peer = &mut self.peers[at];
            let outputs = peer
                .core
                .handle(input, now(self.mono_ms), &peer.store)
                .unwrap();
            for output in outputs {
                self.carry_out(at, output);
            }
        }
    }

    pub fn carry_out(&mut self, at: usize, output: Output) {
        let from = self.peers[at].me;
        match output {
            Output::Append { message, .. } => self.peers[at].store.put_again(message),
            Output::Erase { id, .. } => self.peers[at].store.erase(&id),
            Output::NewChain(chain) => self.peers[at].chain = chain,
            Output::Rejected { reason, .. } => self.peers[at].rejected.push(reason),
            Output::Broadcast(bytes) => {
                self.broadcasts += 1;
                for other in 0..self.peers.len() {
                    if other == at || !self.reaches(at, other) {
                        continue;
                    }
                    let input = Input::Gossip {
                        from,
                        bytes: bytes.clone(),
                    };
                    self.inputs.push_back((other, input));
                }
            }
            Output::StartSync { peer } => self.dial(at, peer),
            Output::SyncSend { session, frame } => {
                self.inputs.push_back((at, Input::SyncReady { session }));
                if let Some((other, there)) = self.sessions.get(&(at, session)) {
                    *self.frames.entry((at, *other)).or_default() += 1;
                    let input = Input::SyncReceived {
                        session: *there,
                        frame,
                    };
                    self.inputs.push_back((*other, input));
                }
            }
            Output::SyncAbort { session, code } => {
                self.aborts.push((at, code));
                if let Some((other, there)) = self.sessions.get(&(at, session)) {
                    self.inputs
                        .push_back((*other, Input::SyncClosed { session: *there }));
                }
            }
            Output::Event(event) => self.peers[at].events.push(event),
            _ => {}
        }
    }

    pub fn dial(&mut self, at: usize, peer: AuthorId) {
        let from = self.peers[at].me;
        let other = self.peers.iter().position(|known| known.me == peer);
        let Some(other) = other.filter(|other| self.reaches(at, *other)) else {
            return self.inputs.push_back((at, Input::DialFailed { peer }));
        };
        self.sessions_opened += 1;
        self.last_session += 2;
        let (here, there) = (
            SessionId(self.last_session),
            SessionId(self.last_session + 1),
        );
        self.sessions.insert((at, here), (other, there));
        self.sessions.insert((other, there), (at, here));
        let open = |session, peer, dialed| Input::SyncOpened {
            session,
            peer,
            dialed,
        };
        self.inputs.push_back((other, open(there, from, false)));
        self.inputs.push_back((at, open(here, peer, true)));
    }

    pub fn pass(&mut self, ms: u64) {
        let end = self.mono_ms + ms;
        loop {
            self.settle();
            let next = self
                .peers
                .iter()
                .map(|peer| peer.core.next_tick())
                .min()
                .unwrap_or(end);
            self.mono_ms = next.max(self.mono_ms + 1);
            if self.mono_ms > end {
                break;
            }
            (0..self.peers.len()).for_each(|at| self.inputs.push_back((at, Input::Tick)));
        }
        self.mono_ms = end;
    }

    pub fn assert_equal(&self) {
        for peer in &self.peers[1..] {
            assert_eq!(peer.store.texts(), self.peers[0].store.texts());
            assert_eq!(peer.core.roster(), self.peers[0].core.roster());
            assert_eq!(peer.core.heads(), self.peers[0].core.heads());
        }
    }

    pub fn make_neighbors(&mut self) {
        for a in 0..self.peers.len() {
            for b in (0..self.peers.len()).filter(|b| *b != a) {
                self.inputs
                    .push_back((a, Input::NeighborUp(self.peers[b].me)));
            }
        }
        self.settle();
    }
}
