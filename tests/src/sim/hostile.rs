//! Who does not keep the rules: strangers, liars, and members who were removed and go on.

use cc_proto::body::{Body, Chat};
use cc_proto::frames::{GossipFrame, Hello, Proof, RoomTag, SYNC_VERSION, SyncFrame};
use cc_proto::id::{ChainId, Hash, RoomId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};
use cc_proto::room::{Input, SessionId};

use super::{WALL, World};

impl World {
    /// Somebody whom `machine` knows to be removed sends it more of their chain, and another past, by
    /// gossip and in a session of their own.
    pub(super) fn go_on(&mut self, machine: usize) {
        let Some(engine) = &self.machines[machine].engine else {
            return;
        };
        let room = engine.log().room();
        let removed: Vec<usize> = (0..self.machines.len())
            .filter(|other| self.machines[machine].knows_removed(&self.machines[*other].me()))
            .collect();
        let Some(who) = self.random.choose(&removed, 1).first().copied() else {
            return;
        };
        let identity = self.machines[who].identity.clone();
        let mut own: Vec<Message> = self.machines[machine]
            .held
            .values()
            .filter(|message| message.header().author == identity.author())
            .cloned()
            .collect();
        own.sort_by_key(|message| (message.header().chain, message.header().seq));
        let mut written = Vec::new();
        let after = [
            own.len().saturating_sub(1),
            self.below(own.len() as u64) as usize,
        ];
        for before in after.into_iter().filter_map(|at| own.get(at)) {
            let header = before.header();
            let text = format!("I am still here, at {}", self.now_ms);
            // Back-dated to the moment after the message that it follows.
            let ts = Timestamp(header.ts.0 + 1);
            let place = (header.chain, header.seq.next(), Some(before.id()));
            written.extend(chat(&identity, room, place, ts, text));
        }
        self.after_removal.extend(written.iter().map(Message::id));
        let life = self.machines[machine].life;
        for message in &written {
            let bytes = GossipFrame::Message(message.wire().clone()).encode();
            let from = identity.author();
            self.input(machine, life, Input::Gossip { from, bytes });
        }
        let segments = written
            .into_iter()
            .map(|message| SyncFrame::Segment {
                messages: vec![message.wire().clone()],
            })
            .collect();
        self.dial_by_hand(machine, &identity, segments);
    }

    /// A session with whatever frames, after a hello that claims to be a member's.
    fn dial_by_hand(&mut self, machine: usize, identity: &Identity, frames: Vec<SyncFrame>) {
        let Some(engine) = &self.machines[machine].engine else {
            return;
        };
        let room = engine.log().room();
        let bundle = engine.core().roster().bundle(&identity.author());
        self.network.last_session += 1;
        let session = SessionId(self.network.last_session);
        let (peer, life) = (identity.author(), self.machines[machine].life);
        self.network.by_hand.insert((machine, life, session), peer);
        let opened = Input::SyncOpened {
            session,
            peer,
            dialed: false,
        };
        self.input(machine, life, opened);
        let hello = SyncFrame::Hello(Hello {
            version: SYNC_VERSION,
            tag: RoomTag::of(&room),
            proof: Proof::Member {
                bundle: bundle.iter().map(|act| act.wire().clone()).collect(),
            },
            digest: Hash::of(b"other"),
        });
        let heads = SyncFrame::Heads {
            heads: Vec::new(),
            more: false,
        };
        for frame in [hello, heads, SyncFrame::Asked].into_iter().chain(frames) {
            let frame = frame.encode();
            self.input(machine, life, Input::SyncReceived { session, frame });
        }
        self.input(machine, life, Input::SyncClosed { session });
    }

    /// Forged messages by gossip, and a session by somebody who does not belong.
    pub(super) fn forge(&mut self, machine: usize) {
        let Some(engine) = &self.machines[machine].engine else {
            return;
        };
        let room = engine.log().room();
        let members: Vec<_> = engine.core().roster().members().keys().copied().collect();
        let Some(from) = members.first().copied() else {
            return;
        };
        let stranger = Identity::from_seed([251; 32]);
        let new = NewMessage {
            room,
            chain: ChainId(1),
            seq: Seq::FIRST,
            prev: None,
            ts: Timestamp(WALL + self.now_ms),
            via: String::new(),
            re: None,
            body: Body::Chat(Chat {
                text: format!("forged at {}", self.now_ms),
            }),
        };
        let Ok(message) = Message::write(&stranger, new) else {
            return;
        };
        let mut as_member = message.wire().clone();
        as_member.header.author = from;
        let mut altered = message.wire().clone();
        altered.body = Some(b"other".to_vec());
        let life = self.machines[machine].life;
        for wire in [message.wire().clone(), as_member, altered] {
            self.forged.insert(wire.header.id());
            let bytes = GossipFrame::Message(wire).encode();
            self.input(machine, life, Input::Gossip { from, bytes });
        }
        self.input(
            machine,
            life,
            Input::Gossip {
                from,
                bytes: vec![7; 90],
            },
        );
        self.network.last_session += 1;
        let session = SessionId(self.network.last_session);
        let peer = stranger.author();
        self.input(
            machine,
            life,
            Input::SyncOpened {
                session,
                peer,
                dialed: false,
            },
        );
        let segment = SyncFrame::Segment {
            messages: vec![message.wire().clone()],
        };
        let frame = segment.encode();
        self.input(machine, life, Input::SyncReceived { session, frame });
    }

    /// A member tries to have another's words taken: a message that nobody signed, and one of its
    /// own that names it as the one before.
    pub(super) fn vouch_falsely(&mut self, machine: usize) {
        let (Some(engine), me) = (&self.machines[machine].engine, self.machines[machine].me())
        else {
            return;
        };
        let room = engine.log().room();
        let heads = engine.core().heads();
        let liars = (0..self.machines.len())
            .filter(|other| self.machines[*other].is_member())
            .filter(|other| self.machines[*other].me() != me)
            .collect::<Vec<_>>();
        let Some(liar) = self.random.choose(&liars, 1).first().copied() else {
            return;
        };
        let Some(head) = self.random.choose(&heads, 1).first().copied() else {
            return;
        };
        let liar = self.machines[liar].identity.clone();
        let new = |chain, seq, prev, text: String| NewMessage {
            room,
            chain,
            seq,
            prev: Some(prev),
            ts: Timestamp(WALL + self.now_ms),
            via: String::new(),
            re: None,
            body: Body::Chat(Chat { text }),
        };
        let text = format!("never said, at {}", self.now_ms);
        let Ok(said) = Message::write(&liar, new(head.chain, head.seq.next(), head.id, text))
        else {
            return;
        };
        let mut said = said.wire().clone();
        said.header.author = head.author;
        said.signature = None;
        let id = said.header.id();
        let fresh = ChainId(self.now_ms as u32);
        let Ok(voucher) = Message::write(&liar, new(fresh, Seq(2), id, "I say so".into())) else {
            return;
        };
        self.forged.extend([id, voucher.id()]);
        let messages = vec![said, voucher.wire().clone()];
        self.dial_by_hand(machine, &liar, vec![SyncFrame::Segment { messages }]);
    }
}

fn chat(
    identity: &Identity,
    room: RoomId,
    (chain, seq, prev): (ChainId, Seq, Option<cc_proto::id::MessageId>),
    ts: Timestamp,
    text: String,
) -> Option<Message> {
    let new = NewMessage {
        room,
        chain,
        seq,
        prev,
        ts,
        via: String::new(),
        re: None,
        body: Body::Chat(Chat { text }),
    };
    Message::write(identity, new).ok()
}
