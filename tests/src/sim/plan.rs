//! What a seed lets happen, and when.

use cc_proto::body::{Body, Chat};
use cc_proto::id::MessageId;
use cc_proto::room::Input;

use super::deeds::Deed;
use super::machine::{Crash, Machine};
use super::{Event, PLAN_MS, World};

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
    /// Somebody does something about who belongs.
    Deed { machine: usize, deed: Deed },
    /// Somebody who was removed goes on as if nothing had happened, and writes the past anew.
    GoOn { machine: usize },
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
        self.lay_deeds(count);
        for _ in 0..30 {
            let (machine, session) = (self.below(count) as usize, self.below(2) as usize);
            self.some_time(Action::Prompt { machine, session });
        }
    }

    /// Half of the rooms see their members come and go.
    fn lay_deeds(&mut self, count: u64) {
        if self.chance(50) {
            return;
        }
        for machine in 1..count as usize {
            self.machines[machine].ticket = if self.chance(50) {
                0
            } else {
                self.below(6) as usize
            };
        }
        for _ in 0..=self.below(12) {
            let machine = self.below(count) as usize;
            let deed = match self.below(100) {
                0..20 => Deed::Invite,
                20..30 => Deed::Revoke,
                30..50 => Deed::Remove,
                50..62 => Deed::GrantOn,
                62..70 => Deed::GrantOff,
                70..80 => Deed::Back,
                80..84 => Deed::Leave,
                84..90 => Deed::Return,
                _ => Deed::Retract,
            };
            // The one who made the room may do the most.
            let machine = if deed != Deed::Leave && self.chance(40) {
                0
            } else {
                machine
            };
            self.some_time(Action::Deed { machine, deed });
        }
        for _ in 0..self.below(8) {
            let machine = self.below(count) as usize;
            self.some_time(Action::GoOn { machine });
        }
        if self.chance(4) {
            let machine = self.below(count) as usize;
            self.some_time(Action::Say {
                machine,
                lines: 300,
            });
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
            Action::Deed { machine, deed } => self.deed(machine, deed)?,
            Action::GoOn { machine } => self.go_on(machine),
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

    pub(super) fn acknowledge(&mut self, id: MessageId) {
        self.acknowledged.insert(id);
    }
}
