//! A peer with a key of its own that speaks our protocols by hand: it writes frames as bytes, signs what
//! it likes, and follows no rule.

use std::time::{SystemTime, UNIX_EPOCH};

use cc_net::Room;
use cc_proto::body::{Body, Chat};
use cc_proto::frames::{
    GossipFrame, Hello, Proof, RoomTag, SYNC_ALPN, SYNC_VERSION, SyncFrame, gossip_topic,
};
use cc_proto::id::{AuthorId, ChainId, Hash, MessageId, RoomId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage, SignedMessage};
use cc_proto::roster::join_body;
use cc_proto::ticket::{PeerAddress, Ticket};
use iroh::endpoint::{
    Connection, ConnectionError, PortmapperConfig, QuicTransportConfig, RecvStream, SendStream,
    presets,
};
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayMode, SecretKey};

use crate::common::{Machine, identity, within};

/// The code that closes a session which went well.
pub const DONE: u64 = 0;
/// The code of a refusal.
pub const REFUSED: u64 = 1;
/// The code for one who broke the protocol.
pub const MISBEHAVED: u64 = 2;
/// The code for one who takes too long to tell what it holds.
pub const SLOW_TO_TELL: u64 = 5;
/// The code for one who broke the framing.
pub const BROKEN: u64 = 16;
/// The code for one who was too slow.
pub const TOO_SLOW: u64 = 17;

/// What came back to one who connected: every byte, and how the connection was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub bytes: Vec<u8>,
    pub code: u64,
    pub reason: Vec<u8>,
}

/// A key and an endpoint. Accepts nothing: who dials it waits in vain.
pub struct HostilePeer {
    pub identity: Identity,
    pub endpoint: Endpoint,
}

impl HostilePeer {
    pub async fn start(seed: u8) -> Self {
        Self::with_identity(identity(seed)).await
    }

    pub async fn with_identity(identity: Identity) -> Self {
        let small = QuicTransportConfig::builder()
            .stream_receive_window(4096u32.into())
            .build();
        let endpoint = Endpoint::builder(presets::Minimal)
            .relay_mode(RelayMode::Disabled)
            .portmapper_config(PortmapperConfig::Disabled)
            .clear_ip_transports()
            .bind_addr("127.0.0.1:0")
            .unwrap()
            .secret_key(SecretKey::from_bytes(identity.seed()))
            .transport_config(small)
            .bind()
            .await
            .unwrap();
        Self { identity, endpoint }
    }

    pub fn id(&self) -> AuthorId {
        self.identity.author()
    }

    pub async fn dial(&self, to: &impl Reachable, alpn: &[u8]) -> Connection {
        let dialed = self.endpoint.connect(to.endpoint_addr(), alpn);
        within("a connection", dialed).await.unwrap()
    }

    /// How a connection ends on which nothing is said.
    pub async fn knock(&self, to: &impl Reachable, alpn: &[u8]) -> String {
        let dialed = self.endpoint.connect(to.endpoint_addr(), alpn);
        match within("an answer", dialed).await {
            Ok(connection) => format!("closed: {:?}", closed(&connection).await),
            Err(error) => format!("turned down: {error:#}"),
        }
    }

    /// Sends bytes as a dialer would, and takes all that comes back.
    pub async fn talk(&self, to: &impl Reachable, bytes: &[u8], finish: bool) -> Answer {
        let mut session = self.open(to).await;
        session.raw(bytes).await.unwrap();
        if finish {
            session.send.finish().unwrap();
        }
        let mut answer = Vec::new();
        while let Ok(Some(chunk)) = within("an answer", session.receive.read_chunk(1 << 16)).await {
            answer.extend_from_slice(&chunk);
        }
        let (code, reason) = closed(&session.connection).await;
        Answer {
            bytes: answer,
            code,
            reason,
        }
    }

    /// A stream of the sync protocol on which nothing was said yet.
    pub async fn open(&self, to: &impl Reachable) -> Session {
        let connection = self.dial(to, SYNC_ALPN).await;
        let (send, receive) = connection.open_bi().await.unwrap();
        Session {
            connection,
            send,
            receive,
        }
    }

    /// Is let in as any joiner would be, and goes again.
    pub async fn join(&self, to: &impl Reachable, by: &Room) -> Pen {
        self.join_by(to, &by.ticket().await.unwrap(), "mallory")
            .await
            .unwrap_or_else(|answer| panic!("not let in: {answer:?}"))
    }

    /// Asks to be let in by a ticket; gives the answer where it was not the welcome.
    pub async fn join_by(
        &self,
        to: &impl Reachable,
        ticket: &Ticket,
        nick: &str,
    ) -> Result<Pen, Answer> {
        let mut pen = Pen::new(&self.identity, ticket.room);
        let join = pen.join(ticket, nick);
        self.join_with(to, join).await.map(|()| pen)
    }

    /// Asks to be let in by a join of any making.
    pub async fn join_with(&self, to: &impl Reachable, join: SignedMessage) -> Result<(), Answer> {
        let room = join.header.room;
        let mut session = self.open(to).await;
        let hello = hello(room, Proof::Join { join });
        session.send(&hello).await;
        let first = session.frame().await;
        if matches!(first, Some(SyncFrame::Welcome { .. })) {
            return Ok(());
        }
        let (code, reason) = closed(&session.connection).await;
        Err(Answer {
            bytes: first.map_or_else(Vec::new, |frame| frame.encode()),
            code,
            reason,
        })
    }

    /// Opens a session as a member, up to where messages go over; what the other side holds is
    /// said to be held, so that it sends none.
    pub async fn enter(&self, to: &impl Reachable, room: RoomId) -> Session {
        let mut session = self.open(to).await;
        let bundle = Vec::new();
        session.send(&hello(room, Proof::Member { bundle })).await;
        let welcome = session.frame().await;
        assert!(
            matches!(welcome, Some(SyncFrame::Welcome { .. })),
            "{welcome:?}"
        );
        loop {
            let frame = session.frame().await.expect("heads");
            let SyncFrame::Heads { more, .. } = &frame else {
                panic!("heads, not {frame:?}")
            };
            session.send(&frame).await;
            if !more {
                break;
            }
        }
        session.send(&SyncFrame::Asked).await;
        session
    }

    /// Hands messages over in a session of its own; gives the code it was closed with.
    pub async fn deliver(&self, to: &impl Reachable, messages: &[SignedMessage]) -> u64 {
        self.deliver_to(to, messages[0].room(), messages).await
    }

    /// The same, where the messages may be another room's.
    pub async fn deliver_to(
        &self,
        to: &impl Reachable,
        room: RoomId,
        messages: &[SignedMessage],
    ) -> u64 {
        let mut session = self.enter(to, room).await;
        for part in messages.chunks(64) {
            let messages = part.to_vec();
            session.send(&SyncFrame::Segment { messages }).await;
        }
        session.send(&SyncFrame::Done).await;
        session.end().await
    }

    /// Becomes a neighbour by hand.
    pub async fn gossip(&self, to: &impl Reachable, room: RoomId) -> Neighbor {
        let connection = self.dial(to, &RoomTag::of(&room).gossip_alpn()).await;
        let mut stream = connection.open_uni().await.unwrap();
        // A frame is its length, big-endian, and postcard: the topic, then Swarm(Join(None)).
        let topic = gossip_framed(&gossip_topic(&room));
        let join = gossip_framed(&[0, 0, 0]);
        stream.write_all(&[topic, join].concat()).await.unwrap();
        Neighbor { connection, stream }
    }
}

/// What can be dialed.
pub trait Reachable {
    /// Where.
    fn endpoint_addr(&self) -> EndpointAddr;
}

impl Reachable for Machine {
    fn endpoint_addr(&self) -> EndpointAddr {
        self.node.addr().endpoint_addr()
    }
}

impl Reachable for PeerAddress {
    fn endpoint_addr(&self) -> EndpointAddr {
        let id = EndpointId::from_bytes(self.id.as_bytes()).unwrap();
        EndpointAddr::new(id).with_ip_addr(self.direct[0])
    }
}

/// A frame as it goes over a sync stream.
pub fn framed(frame: &[u8]) -> Vec<u8> {
    let len = u32::try_from(frame.len()).unwrap();
    [&len.to_le_bytes()[..], frame].concat()
}

/// The first frame of a dialer.
pub fn hello(room: RoomId, proof: Proof) -> SyncFrame {
    SyncFrame::Hello(Hello {
        version: SYNC_VERSION,
        tag: RoomTag::of(&room),
        proof,
        digest: Hash::of(b"nothing"),
    })
}

/// How the other side closed a connection.
pub async fn closed(connection: &Connection) -> (u64, Vec<u8>) {
    match within("the close", connection.closed()).await {
        ConnectionError::ApplicationClosed(close) => {
            (close.error_code.into_inner(), close.reason.to_vec())
        }
        other => panic!("not closed by the other side: {other}"),
    }
}

/// A sync stream that the peer dialed.
pub struct Session {
    pub connection: Connection,
    pub send: SendStream,
    pub receive: RecvStream,
}

impl Session {
    pub async fn send(&mut self, frame: &SyncFrame) {
        // A stream that the other side has ended shows in how the connection closes.
        self.raw(&framed(&frame.encode())).await.ok();
    }

    pub async fn raw(&mut self, bytes: &[u8]) -> Result<(), iroh::endpoint::WriteError> {
        within("the other side to read", self.send.write_all(bytes)).await
    }

    /// The next frame; none where there is no whole one.
    pub async fn frame(&mut self) -> Option<SyncFrame> {
        let mut prefix = [0; 4];
        let read = self.receive.read_exact(&mut prefix);
        within("a frame", read).await.ok()?;
        let mut frame = vec![0; u32::from_le_bytes(prefix) as usize];
        let read = self.receive.read_exact(&mut frame);
        within("a frame", read).await.ok()?;
        Some(SyncFrame::decode(&frame).unwrap())
    }

    /// Ends our side, takes what still comes, and gives the code that the connection is closed with.
    pub async fn end(mut self) -> u64 {
        self.send.finish().ok();
        while self.frame().await.is_some() {}
        closed(&self.connection).await.0
    }
}

/// A gossip connection that the peer dialed.
pub struct Neighbor {
    pub connection: Connection,
    pub stream: SendStream,
}

impl Neighbor {
    /// Gossips bytes as if they were a frame of ours.
    pub async fn say(&mut self, content: &[u8]) {
        // Gossip(Gossip { id, content, scope: Swarm(Round(0)) })
        let mut frame = vec![1, 0];
        frame.extend_from_slice(Hash::of(content).as_bytes());
        frame.extend(cc_proto::codec::encode(&content));
        frame.extend([0, 0]);
        self.raw(&gossip_framed(&frame)).await;
    }

    pub async fn message(&mut self, message: &SignedMessage) {
        self.say(&GossipFrame::Message(message.clone()).encode())
            .await;
    }

    pub async fn raw(&mut self, bytes: &[u8]) {
        let written = within("gossip to read", self.stream.write_all(bytes)).await;
        written.unwrap();
    }
}

/// A frame as it goes over a gossip stream.
pub fn gossip_framed(frame: &[u8]) -> Vec<u8> {
    let len = u32::try_from(frame.len()).unwrap();
    [&len.to_be_bytes()[..], frame].concat()
}

/// Writes one chain, whatever goes into it.
#[derive(Clone)]
pub struct Pen {
    identity: Identity,
    pub room: RoomId,
    pub chain: ChainId,
    pub seq: u64,
    pub prev: Option<MessageId>,
    /// What the clock says; where it says nothing the true time, later with every message.
    pub clock: Option<Timestamp>,
    last: Timestamp,
}

impl Pen {
    /// At the beginning of a chain.
    pub fn new(identity: &Identity, room: RoomId) -> Self {
        Self {
            identity: identity.clone(),
            room,
            chain: ChainId(1),
            seq: 0,
            prev: None,
            clock: None,
            last: Timestamp(0),
        }
    }

    /// At the beginning of another chain of the same author.
    pub fn on_chain(&self, chain: u32) -> Self {
        Self {
            chain: ChainId(chain),
            ..Self::new(&self.identity, self.room)
        }
    }

    pub fn join(&mut self, ticket: &Ticket, nick: &str) -> SignedMessage {
        let me = self.identity.author();
        let join = join_body(&ticket.invite(), &ticket.room, &me, nick.to_owned());
        self.write(Body::Join(join))
    }

    pub fn chat(&mut self, text: impl Into<String>) -> SignedMessage {
        self.write(Body::Chat(Chat { text: text.into() }))
    }

    pub fn chats(&mut self, label: &str, count: usize) -> Vec<SignedMessage> {
        (0..count)
            .map(|k| self.chat(format!("{label} {k}")))
            .collect()
    }

    pub fn write(&mut self, body: Body) -> SignedMessage {
        self.seq += 1;
        self.last = Timestamp(wall().0.max(self.last.0 + 1));
        let new = NewMessage {
            room: self.room,
            chain: self.chain,
            seq: Seq(self.seq),
            prev: self.prev,
            ts: self.clock.unwrap_or(self.last),
            via: String::new(),
            re: None,
            body,
        };
        let message = Message::write(&self.identity, new).unwrap();
        self.prev = Some(message.id());
        message.wire().clone()
    }
}

/// The true time.
pub fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(since.as_millis()).unwrap())
}
