//! What a seed lets happen, and when.

use cc_proto::body::{Body, Chat};
use cc_proto::frames::{Hello, Proof, RoomTag, SYNC_VERSION, SyncFrame};
use cc_proto::id::{ChainId, Hash, MessageId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};
use cc_proto::room::{Input, SessionId};

use super::machine::{Crash, Machine};
use super::{Event, PLAN_MS, WALL, World};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Something that happens to the machines from outside.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    /// A machine makes the room, or asks to join it.
    Start(usize),
    /// Somebody says so many things at once.
    Say { machine: usize, lines: u64 },
    /// A process or a machine dies, after so many more disk operations, and comes back.
    Crash {
        machine: usize,
        crash: Crash,
        after: u64,
        down_ms: u64,
    },
    /// What [`Action::Crash`] has begun.
    Restart(usize),
    /// The machines of one side do not reach those of the other.
    Partition(u64),
    /// They do again.
    Heal,
    /// A home is copied now, and the copy put back later.
    CopyHome { machine: usize, back_at: u64 },
    /// See [`Action::CopyHome`].
    PutBack { machine: usize },
    /// Somebody who does not belong sends forged frames.
    Forge { machine: usize },
    /// An agent session prompts.
    Prompt { machine: usize, session: usize },
}

impl World {
    pub(super) fn lay_plan(&mut self) {
        let machines = 2 + self.below(4) as usize;
        let gossip_dead_for_all = self.chance(15);
        for index in 0..machines {
            let skew_ms = match self.below(6) {
                0 => DAY_MS,
                1 => -DAY_MS,
                2 => self.below(1_000_000).cast_signed() - 500_000,
                _ => 0,
            };
            let gossip = !gossip_dead_for_all;
            let deaf = self.chance(10);
            self.machines
                .push(Machine::new(self.seed, index, skew_ms, gossip, deaf));
            let start = if index == 0 { 0 } else { self.below(40_000) };
            self.at(start, Event::Act(Action::Start(index)));
        }
        if self.chance(10) && machines > 2 {
            // Two machines that run at once with one key: whoever copied it, or forks on purpose.
            let last = machines - 1;
            let at = 30_000 + self.below(10_000);
            self.machines
                .push(Machine::twin(&self.machines[last], machines));
            self.at(at, Event::Act(Action::Start(machines)));
        }
        let count = self.machines.len() as u64;
        for _ in 0..10 + self.below(40) {
            let machine = self.below(count) as usize;
            let lines = if self.chance(5) {
                40 + self.below(60)
            } else {
                1
            };
            self.some_time(Action::Say { machine, lines });
        }
        for _ in 0..self.below(6) {
            let machine = self.below(count) as usize;
            let crash = if self.chance(50) {
                Crash::Power
            } else {
                Crash::Kill
            };
            let (after, down_ms) = (self.below(12), 100 + self.below(15_000));
            self.some_time(Action::Crash {
                machine,
                crash,
                after,
                down_ms,
            });
        }
        for _ in 0..self.below(3) {
            let side = self.random.next_u64();
            let from = self.below(PLAN_MS);
            let end = from + self.below(30_000);
            self.at(from, Event::Act(Action::Partition(side)));
            self.at(end, Event::Act(Action::Heal));
        }
        if self.chance(15) {
            let (machine, copied) = (self.below(count) as usize, 5_000 + self.below(30_000));
            let back_at = copied + self.below(20_000);
            self.at(copied, Event::Act(Action::CopyHome { machine, back_at }));
        }
        for _ in 0..self.below(6) {
            let machine = self.below(count) as usize;
            self.some_time(Action::Forge { machine });
        }
        for _ in 0..30 {
            let (machine, session) = (self.below(count) as usize, self.below(2) as usize);
            self.some_time(Action::Prompt { machine, session });
        }
    }

    fn some_time(&mut self, action: Action) {
        let at = self.below(PLAN_MS);
        self.at(at, Event::Act(action));
    }

    pub(super) fn act(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Start(machine) => self.start(machine)?,
            Action::Say { machine, lines } => self.say(machine, lines),
            Action::Crash {
                machine,
                crash,
                after,
                down_ms,
            } => {
                if self.machines[machine].engine.is_some() {
                    self.machines[machine].die_after(after);
                    // If nothing is written until then, it dies idle.
                    self.say(machine, 1);
                    self.crash(machine, crash);
                    let up = self.now_ms + down_ms;
                    self.at(up, Event::Act(Action::Restart(machine)));
                }
            }
            Action::Restart(machine) => self.restart(machine)?,
            Action::Partition(side) => self.partition(side),
            Action::Heal => self.network.side = 0,
            Action::CopyHome { machine, back_at } => {
                if self.machines[machine].copy_home() {
                    self.at(back_at, Event::Act(Action::PutBack { machine }));
                }
            }
            Action::PutBack { machine } => self.put_back(machine)?,
            Action::Forge { machine } => {
                self.forge(machine);
                self.vouch_falsely(machine);
            }
            Action::Prompt { machine, session } => self.prompt(machine, session, true)?,
        }
        Ok(())
    }

    /// The plan is over: everybody runs and reaches everybody.
    pub(super) fn heal(&mut self) {
        self.network.side = 0;
        for machine in 0..self.machines.len() {
            self.at(self.now_ms, Event::Act(Action::Restart(machine)));
        }
    }

    fn say(&mut self, machine: usize, lines: u64) {
        for line in 0..lines {
            let life = self.machines[machine].life;
            let Some(token) = self.machines[machine].next_token() else {
                return;
            };
            let text = format!("line {line} of {machine} at {}", self.now_ms);
            let body = Body::Chat(Chat { text });
            let via = if self.chance(20) {
                "claude-code".to_owned()
            } else {
                String::new()
            };
            self.input(
                machine,
                life,
                Input::Draft {
                    token,
                    body,
                    via,
                    re: None,
                },
            );
        }
    }

    /// Forged messages by gossip, and a session by somebody who does not belong.
    fn forge(&mut self, machine: usize) {
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
            let bytes = cc_proto::frames::GossipFrame::Message(wire).encode();
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
    fn vouch_falsely(&mut self, machine: usize) {
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
        self.network.last_session += 1;
        let session = SessionId(self.network.last_session);
        let (peer, life) = (liar.author(), self.machines[machine].life);
        self.input(
            machine,
            life,
            Input::SyncOpened {
                session,
                peer,
                dialed: false,
            },
        );
        let hello = SyncFrame::Hello(Hello {
            version: SYNC_VERSION,
            tag: RoomTag::of(&room),
            proof: Proof::Member { bundle: Vec::new() },
            digest: Hash::of(b"other"),
        });
        let heads = SyncFrame::Heads {
            heads: Vec::new(),
            more: false,
        };
        let messages = vec![said, voucher.wire().clone()];
        for frame in [
            hello,
            heads,
            SyncFrame::Asked,
            SyncFrame::Segment { messages },
        ] {
            let frame = frame.encode();
            self.input(machine, life, Input::SyncReceived { session, frame });
        }
        self.input(machine, life, Input::SyncClosed { session });
    }

    pub(super) fn acknowledge(&mut self, id: MessageId) {
        self.acknowledged.insert(id);
    }
}
