//! The simulator: many machines, virtual time, one seed.
//!
//! It runs the shipped [`RoomEngine`](cc_net::engine::RoomEngine) over a disk that loses and tears
//! what was not synced. Between the machines is a network that loses, doubles and reorders gossip
//! and cuts sync streams. [`run`] plays the plan of a seed and then checks what must always hold:
//! members end with equal rosters and equal sets of messages that count, what was acknowledged and
//! counts is there, what was forged is not, what was taken back is erased, nothing was sent to whom its
//! sender knew to be removed, and every session was offered every message that counts and is shown no
//! other. The same seed plays the same run.
//!
//! | file | what it holds |
//! |---|---|
//! | `plan.rs` | what a seed lets happen, and when |
//! | `deeds.rs` | invites, removals, grants, leaving and returning, taking back |
//! | `hostile.rs` | forgers, removed members who go on, floods |
//! | `machine.rs` | one home: its disk, its engine, its clock |
//! | `network.rs` | gossip, sync streams, partitions |
//! | `readers.rs` | agent sessions and their cursors |
//! | `verdict.rs` | what must hold at the end |

mod deeds;
mod hostile;
mod machine;
mod network;
mod plan;
mod readers;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use cc_proto::id::MessageId;
use cc_proto::random::Random;
use cc_proto::room::Input;
use cc_proto::ticket::Ticket;

use machine::Machine;
use network::Network;
use plan::Action;

/// The wall clock at the start of every run: 2026-11-01T00:00:00Z.
const WALL: u64 = 1_793_491_200_000;
/// The plan ends here, in milliseconds; then all machines run and reach each other.
const PLAN_MS: u64 = 60_000;
/// By then all must be equal.
const END_MS: u64 = 600_000;

/// Rules of ours that a run may break on purpose, to show that the simulator notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Broken {
    /// None.
    #[default]
    Nothing,
    /// Sessions take what is later by the author's clock, not by arrival.
    CursorByClock,
    /// Outputs leave before what they speak of is durable.
    ToldBeforeDurable,
    /// The cursor moves before the text is printed.
    CursorBeforePrint,
    /// Gossip goes on with whom the roster says was removed.
    RemovedStaysConnected,
    /// Sessions are shown what counts for nothing.
    ShowsWhatIsCut,
}

/// What a run was like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Chat messages acknowledged to their senders.
    pub acknowledged: usize,
    /// Messages that count, which every member ended with.
    pub messages: usize,
    /// Machines that belonged at the end.
    pub members: usize,
    /// Those who were removed or left, as the members have it.
    pub former: usize,
    /// Messages that were taken back.
    pub taken_back: usize,
    /// Messages that somebody holds and that count for nothing.
    pub void: usize,
    /// Crashes, of processes and of whole machines.
    pub crashes: usize,
    /// Milliseconds from the end of the plan until all were equal.
    pub healed_ms: u64,
}

enum Event {
    Input { to: usize, life: u32, input: Input },
    Tick { machine: usize, life: u32 },
    Act(Action),
    Gossip,
}

struct World {
    seed: u64,
    broken: Broken,
    random: Random,
    now_ms: u64,
    order: u64,
    events: BTreeMap<(u64, u64), Event>,
    machines: Vec<Machine>,
    network: Network,
    /// Of every invite that was made, the first one's first.
    tickets: Vec<Ticket>,
    /// Written by somebody removed after whoever removed them had said so.
    after_removal: BTreeSet<MessageId>,
    /// What no run may do, as soon as it is done.
    broke: Option<String>,
    forged: BTreeSet<MessageId>,
    /// Acknowledged, and not lost by putting back an old disk on purpose.
    acknowledged: BTreeSet<MessageId>,
    crashes: usize,
}

/// Plays the run of a seed.
///
/// # Errors
/// What did not hold, with the seed.
pub fn run(seed: u64, broken: Broken) -> Result<Report, String> {
    let mut world = World::new(seed, broken);
    world.play().map_err(|what| format!("seed {seed}: {what}"))
}

impl World {
    fn new(seed: u64, broken: Broken) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self {
            seed,
            broken,
            random: Random::new(bytes),
            now_ms: 0,
            order: 0,
            events: BTreeMap::new(),
            machines: Vec::new(),
            network: Network::default(),
            tickets: Vec::new(),
            after_removal: BTreeSet::new(),
            broke: None,
            forged: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            crashes: 0,
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random.next_u64() % end.max(1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn at(&mut self, time: u64, event: Event) {
        self.order += 1;
        self.events
            .insert((time.max(self.now_ms), self.order), event);
    }

    fn play(&mut self) -> Result<Report, String> {
        self.lay_plan();
        self.at(500, Event::Gossip);
        let mut healed = None;
        let mut check_ms = PLAN_MS;
        while let Some((&key, _)) = self.events.first_key_value() {
            if key.0 > check_ms {
                self.now_ms = check_ms;
                if check_ms == PLAN_MS {
                    self.heal();
                } else if self.differences().is_none() {
                    healed = Some(check_ms - PLAN_MS);
                    break;
                }
                if check_ms >= END_MS {
                    break;
                }
                check_ms += 5_000;
                continue;
            }
            let Some(event) = self.events.remove(&key) else {
                break;
            };
            self.now_ms = key.0;
            self.handle(event)?;
            if let Some(broke) = self.broke.take() {
                return Err(broke);
            }
        }
        if let Some(differences) = self.differences() {
            return Err(format!(
                "not equal after {} ms: {differences}",
                END_MS - PLAN_MS
            ));
        }
        self.check_end()?;
        Ok(self.report(healed.unwrap_or(END_MS - PLAN_MS)))
    }

    fn handle(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Input { to, life, input } => self.input(to, life, input),
            Event::Tick { machine, life } => self.input(machine, life, Input::Tick),
            Event::Gossip => {
                self.gossip_round();
                self.at(self.now_ms + 500, Event::Gossip);
            }
            Event::Act(action) => return self.act(action),
        }
        Ok(())
    }
}
