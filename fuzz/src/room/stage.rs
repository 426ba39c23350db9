//! The room under test, and the steps of a script.

use arbitrary::Unstructured;
use cc_proto::clock::Now;
use cc_proto::frames::{GossipFrame, Hello, Proof, Refusal, RoomTag, SyncFrame};
use cc_proto::id::{AuthorId, ChainId, Hash, Head, Seq, Timestamp};
use cc_proto::limits;
use cc_proto::message::{Message, SignedMessage};
use cc_proto::receipt::{Reached, Receipt};
use cc_proto::room::{Act, Input, Output, RoomConfig, RoomCore, SessionId};
use cc_proto::roster::Roster;

use super::log::Log;
use super::pens::{Pens, WALL, author, invite_key};
use super::{byte, bytes, flag};
use crate::world::identity;

pub struct Stage {
    pens: Pens,
    me: u8,
    own_chain: ChainId,
    core: RoomCore,
    log: Log,
    now: Now,
    sessions: Vec<SessionId>,
    opened: u64,
    tokens: u64,
}

impl Stage {
    pub fn open(choice: u8) -> Self {
        let (pens, messages) = Pens::prelude();
        let me = choice % 3;
        let mut log = Log::default();
        messages
            .iter()
            .cloned()
            .for_each(|message| log.append(message));
        let now = Now {
            wall: Timestamp(WALL + 1000),
            mono_ms: 0,
        };
        let own_chain = ChainId(1);
        Self {
            core: core(me, own_chain, pens, &log, now, choice & 4 > 0),
            pens: pens.clone(),
            me,
            own_chain,
            log,
            now,
            sessions: Vec::new(),
            opened: 0,
            tokens: 0,
        }
    }

    pub fn step(&mut self, script: &mut Unstructured<'_>) {
        match byte(script) % 16 {
            0..=2 => self.pens.write(script),
            3 => self.pens.alter(script),
            4 | 5 => {
                let message = self.pens.any(byte(script)).clone();
                self.gossip(script, &GossipFrame::Message(message).encode());
            }
            6 => {
                let heads = self.heads(script);
                self.gossip(script, &GossipFrame::Heights(heads).encode());
            }
            7 => {
                let frame = bytes(script).to_vec();
                self.gossip(script, &frame);
            }
            8 => self.open_session(script),
            9..=11 => {
                let frame = self.frame(script).encode();
                self.receive(script, &frame);
            }
            12 => {
                let session = self.session(script);
                self.handle(match byte(script) % 3 {
                    0 => Input::SyncClosed { session },
                    _ => Input::SyncReady { session },
                });
            }
            13 if flag(script) => self.receipts(script),
            13 => self.pass(script),
            14 => self.draft(script),
            _ => self.act(script),
        }
    }

    fn gossip(&mut self, script: &mut Unstructured<'_>, frame: &[u8]) {
        let from = self.other(byte(script));
        let bytes = garbled(script, frame);
        self.handle(Input::Gossip { from, bytes });
    }

    fn receive(&mut self, script: &mut Unstructured<'_>, frame: &[u8]) {
        let session = self.session(script);
        let frame = garbled(script, frame);
        self.handle(Input::SyncReceived { session, frame });
    }

    fn open_session(&mut self, script: &mut Unstructured<'_>) {
        let peer = self.other(byte(script));
        self.opened += 1;
        let session = SessionId(self.opened);
        self.sessions.push(session);
        let dialed = flag(script);
        self.handle(Input::SyncOpened {
            session,
            peer,
            dialed,
        });
    }

    /// A peer: nobody is connected to themselves.
    fn other(&self, choice: u8) -> AuthorId {
        author(self.me + 1 + choice % 3)
    }

    /// A session that was opened, or one that is over.
    fn session(&self, script: &mut Unstructured<'_>) -> SessionId {
        let choice = usize::from(byte(script));
        let open = self.sessions.len();
        if choice == 255 || open == 0 {
            return SessionId(u64::from(byte(script)));
        }
        self.sessions[open - 1 - choice % open]
    }

    fn heads(&self, script: &mut Unstructured<'_>) -> Vec<Head> {
        let some = self.pens.some(script);
        let heads = some.iter().map(|message| {
            let header = &message.header;
            Head {
                author: header.author,
                chain: header.chain,
                seq: header.seq,
                id: header.id(),
            }
        });
        heads.collect()
    }

    fn frame(&self, script: &mut Unstructured<'_>) -> SyncFrame {
        let digest = Hash::of(&[byte(script)]);
        let kind = byte(script) % 12;
        match kind {
            0 | 1 => SyncFrame::Hello(Hello {
                version: 1,
                tag: RoomTag::of(&self.pens.room),
                proof: if kind == 0 {
                    Proof::Member {
                        bundle: self.pens.some(script),
                    }
                } else {
                    Proof::Join {
                        join: self.pens.any(byte(script)).clone(),
                    }
                },
                digest,
            }),
            2 => SyncFrame::Welcome {
                bundle: self.pens.some(script),
                digest,
            },
            3 => SyncFrame::Refused(Refusal::Expired),
            4 => SyncFrame::Heads {
                heads: self.heads(script),
                more: flag(script),
            },
            5 => {
                let heads = self.heads(script);
                let any = &self.pens.any(byte(script)).header;
                SyncFrame::Locator {
                    author: any.author,
                    chain: any.chain,
                    places: heads.iter().map(|head| (head.seq, head.id)).collect(),
                }
            }
            6 => SyncFrame::Asked,
            7 => SyncFrame::Done,
            8 => SyncFrame::Addresses(Vec::new()),
            _ => SyncFrame::Segment {
                messages: self.segment(script),
            },
        }
    }

    /// Some messages, a few of them without their signatures.
    fn segment(&self, script: &mut Unstructured<'_>) -> Vec<SignedMessage> {
        let mut messages = self.pens.some(script);
        let unsigned = byte(script);
        for (at, message) in messages.iter_mut().enumerate() {
            if unsigned & (1 << (at % 8)) > 0 {
                message.signature = None;
            }
        }
        messages
    }

    /// A receipt by whomever, in whoever's name, or what an agent here was shown.
    fn receipts(&mut self, script: &mut Unstructured<'_>) {
        let choice = byte(script);
        let header = self.pens.any(byte(script)).header.clone();
        let place = (header.author, header.chain, header.seq);
        if choice.is_multiple_of(3) {
            let shown = vec![place, (place.0, place.1, Seq(u64::from(byte(script))))];
            let agent = String::from_utf8_lossy(bytes(script)).into_owned();
            return self.handle(Input::Offered { agent, shown });
        }
        if choice % 11 == 1 {
            return self.handle(Input::ShareReceipts(choice & 64 > 0));
        }
        let said = Receipt {
            room: self.pens.room,
            member: author(byte(script)),
            at: Timestamp(WALL + u64::from(byte(script))),
            reached: vec![Reached {
                author: place.0,
                chain: place.1,
                seq: Seq(u64::from(byte(script)) + 1),
            }],
            offered: Vec::new(),
        };
        let by = identity([1, 2, 3, 4][usize::from(choice % 4)]);
        let receipt = said.sign(&by).wire().clone();
        if choice & 128 > 0 {
            self.gossip(script, &GossipFrame::Receipt(receipt).encode());
        } else {
            self.receive(script, &SyncFrame::Receipts(vec![receipt]).encode());
        }
    }

    fn pass(&mut self, script: &mut Unstructured<'_>) {
        let (what, choice) = (byte(script), byte(script));
        self.now.mono_ms += u64::from(choice) * 400;
        self.now.wall.0 += u64::from(choice) * 400;
        let peer = self.other(choice);
        self.handle(match what % 6 {
            0 => Input::NeighborUp(peer),
            1 => Input::NeighborDown(peer),
            2 => Input::GossipLagged,
            3 => Input::DialFailed { peer },
            4 => return self.reopen(),
            _ => Input::Tick,
        });
    }

    fn draft(&mut self, script: &mut Unstructured<'_>) {
        let body = self.pens.body(self.me, script);
        let via = String::from_utf8_lossy(bytes(script)).into_owned();
        let re = flag(script).then(|| self.pens.id(0));
        self.tokens += 1;
        let token = self.tokens;
        self.handle(Input::Draft {
            token,
            body,
            via,
            re,
        });
    }

    fn act(&mut self, script: &mut Unstructured<'_>) {
        let (kind, choice) = (byte(script) % 6, byte(script));
        let member = author(choice);
        let chosen = self.pens.any(choice).header.clone();
        let act = match kind {
            0 => Act::Invite {
                key: invite_key(choice),
                expires: (choice & 8 > 0).then_some(Timestamp(WALL)),
                uses_max: (choice & 16 > 0).then_some(1),
                note: String::new(),
                back: (choice & 32 > 0).then_some(member),
            },
            1 => Act::Revoke {
                invite: invite_key(choice),
            },
            2 => Act::Remove {
                member,
                keep_invite: choice & 4 > 0,
            },
            3 => Act::Grant {
                member,
                admin: choice & 4 > 0,
            },
            4 => Act::Leave,
            _ => Act::Retract {
                author: chosen.author,
                chain: chosen.chain,
                seq: chosen.seq,
                message: chosen.id(),
            },
        };
        self.tokens += 1;
        self.handle(Input::Act {
            token: self.tokens,
            act,
        });
    }

    /// The machine was off for a moment: its sessions are gone, what is stored is not.
    fn reopen(&mut self) {
        self.agrees();
        self.sessions.clear();
        let gossip = self.now.mono_ms.is_multiple_of(2);
        self.core = core(
            self.me,
            self.own_chain,
            &self.pens,
            &self.log,
            self.now,
            gossip,
        );
        self.agrees();
    }

    fn handle(&mut self, input: Input) {
        let asked = match &input {
            Input::Draft { token, .. } | Input::Act { token, .. } => Some(*token),
            _ => None,
        };
        let closed = match &input {
            Input::SyncClosed { session } => Some(*session),
            _ => None,
        };
        let Ok(outputs) = self.core.handle(input, self.now, &self.log);
        let mut answered = Vec::new();
        for output in outputs {
            answered.extend(self.carry_out(output));
        }
        assert_eq!(
            answered,
            Vec::from_iter(asked),
            "each draft is answered, once"
        );
        self.sessions.retain(|session| Some(*session) != closed);
        self.core.next_tick();
        self.core.online(self.now);
    }

    fn carry_out(&mut self, output: Output) -> Option<u64> {
        match output {
            Output::Append { message, token } => {
                self.appended(message);
                return token;
            }
            Output::Rejected { token, .. } => return Some(token),
            Output::NewChain(chain) => self.own_chain = chain,
            Output::Erase {
                author,
                chain,
                seq,
                id,
            } => {
                let there = self.log.at.get(&(author, chain, seq)).into_iter().flatten();
                let held = there.copied().find(|at| self.log.messages[*at].id() == id);
                let at = held.expect("only what is held can be erased");
                let message = &mut self.log.messages[at];
                *message = message.clone().without_body();
            }
            Output::Broadcast(frame) => {
                assert!(
                    GossipFrame::decode(&frame).is_ok(),
                    "we broadcast what nobody takes"
                );
            }
            Output::SyncSend { session, frame } => {
                assert!(
                    self.sessions.contains(&session),
                    "a frame for a session that is over"
                );
                assert!(
                    SyncFrame::decode(&frame).is_ok(),
                    "we send what nobody takes"
                );
            }
            Output::SyncFinish { session } | Output::SyncAbort { session, .. } => {
                self.sessions.retain(|open| *open != session);
            }
            Output::StartSync { peer } => {
                assert_ne!(peer, author(self.me), "a session with ourselves");
            }
            Output::Learned(addresses) => assert!(addresses.len() <= limits::LEARNED_ADDRESSES_MAX),
            _ => {}
        }
        None
    }

    fn appended(&mut self, message: Message) {
        assert_eq!(message.room(), self.pens.room);
        if message.has_signature() {
            let wire = message.wire().clone();
            assert_eq!(
                wire.verify(&self.pens.room).as_ref(),
                Ok(&message),
                "a forgery was appended"
            );
        } else {
            let written = self
                .pens
                .pool
                .iter()
                .any(|wire| wire.header == *message.header());
            assert!(written, "a header that nobody signed was appended");
        }
        if message.header().author == author(self.me) {
            self.pens.pool.push(message.wire().clone());
        }
        self.log.append(message);
    }

    /// What the core says of the room is what its log holds, in whichever order it is read.
    pub fn agrees(&self) {
        let known = self.core.receipts();
        for (member, receipt) in &known.receipts {
            assert!(receipt.member == *member && known.members.contains(member));
        }
        let mut heads = self.core.heads();
        heads.sort_unstable();
        let acts = self.log.acts();
        let roster = self.core.roster();
        let counting = self.log.heads(|message| roster.counts(message));
        assert_eq!(heads, counting, "the heads of what counts");
        assert!(
            Roster::load(self.pens.room, &acts) == *roster,
            "the roster, read at once"
        );
        let mut one_by_one = Roster::new(self.pens.room);
        for act in acts.iter().rev().chain(&acts) {
            one_by_one.insert(act);
        }
        assert!(
            one_by_one == *roster,
            "the roster, read from the end and again"
        );
        assert!(
            self.core
                .forkers()
                .iter()
                .all(|forker| acts_or_words(&self.log, forker))
        );
    }
}

fn acts_or_words(log: &Log, author: &AuthorId) -> bool {
    log.at
        .iter()
        .any(|((by, _, _), all)| by == author && all.len() > 1)
}

fn core(me: u8, own_chain: ChainId, pens: &Pens, log: &Log, now: Now, gossip: bool) -> RoomCore {
    let config = RoomConfig {
        identity: identity([1, 2, 3][usize::from(me)]),
        room: pens.room,
        own_chain,
        pending_join: None,
        bootstrap: Vec::new(),
        gossip,
        seed: [3; 32],
    };
    let Ok(core) = RoomCore::open(config, &log.stored(), now, log);
    core
}

/// One frame in four with a byte altered, cut off, or put behind.
fn garbled(script: &mut Unstructured<'_>, frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let how = byte(script);
    if how < 192 || frame.is_empty() {
        return frame;
    }
    let at = usize::from(u16::from_le_bytes([byte(script), byte(script)])) % frame.len();
    match how % 3 {
        0 => frame[at] ^= byte(script),
        1 => frame.truncate(at),
        _ => frame.push(0),
    }
    frame
}
