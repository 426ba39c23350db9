//! One home: its disk, its engine and its clock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cc_log::fault::FaultStorage;
use cc_net::engine::{EngineConfig, EngineError, RoomEngine};
use cc_proto::clock::Now;
use cc_proto::id::{ArrivalNo, AuthorId, MessageId, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::Message;
use cc_proto::room::Input;
use cc_proto::ticket::{PeerAddress, Ticket};

use super::readers::Session;
use super::{Broken, Event, WALL, World};

/// How a machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crash {
    /// The process is killed; what it wrote is there.
    Kill,
    /// The power goes; what was not synced may be lost or torn.
    Power,
}

pub(super) struct Machine {
    pub identity: Identity,
    pub engine: Option<RoomEngine<FaultStorage>>,
    /// Counts starts: what was meant for an earlier life is not delivered.
    pub life: u32,
    /// It hears no gossip and spreads none.
    pub deaf: bool,
    pub sessions: Vec<Session>,
    /// The ids that this disk is known to hold durably, by acknowledgement.
    pub acknowledged: BTreeSet<MessageId>,
    /// What its log holds; bodies that were erased since are still here.
    pub held: BTreeMap<MessageId, Message>,
    /// Which ticket it joins by, among those there are by then.
    pub ticket: usize,
    index: usize,
    storage: FaultStorage,
    skew_ms: i64,
    gossip: bool,
    started: bool,
    tokens: u64,
    ticks_until: u64,
    copy: Option<(FaultStorage, BTreeSet<MessageId>)>,
    twin_of: Option<usize>,
    crash_seed: u64,
}

pub(super) fn rooms() -> PathBuf {
    PathBuf::from("/home/rooms")
}

impl Machine {
    pub fn new(seed: u64, index: usize, skew_ms: i64, gossip: bool, deaf: bool) -> Self {
        let mut key = [index as u8 + 1; 32];
        key[8..16].copy_from_slice(&seed.to_le_bytes());
        Self {
            identity: Identity::from_seed(key),
            engine: None,
            life: 0,
            deaf,
            sessions: vec![Session::default(), Session::default()],
            acknowledged: BTreeSet::new(),
            held: BTreeMap::new(),
            ticket: 0,
            index,
            storage: FaultStorage::new(),
            skew_ms,
            gossip,
            started: false,
            tokens: 0,
            ticks_until: 0,
            copy: None,
            twin_of: None,
            crash_seed: seed,
        }
    }

    /// A second machine that will run on a copy of the first's home.
    pub fn twin(of: &Self, index: usize) -> Self {
        let mut twin = Self::new(of.crash_seed, index, 0, of.gossip, false);
        twin.identity = of.identity.clone();
        twin.twin_of = Some(of.index);
        twin
    }

    pub fn now(&self, now_ms: u64) -> Now {
        Now {
            wall: Timestamp((WALL + now_ms).saturating_add_signed(self.skew_ms)),
            mono_ms: now_ms,
        }
    }

    pub fn me(&self) -> AuthorId {
        self.identity.author()
    }

    pub fn storage(&self) -> &FaultStorage {
        &self.storage
    }

    pub fn is_member(&self) -> bool {
        self.engine.as_ref().is_some_and(|engine| {
            let core = engine.core();
            !core.is_joining() && core.roster().contains(&self.me())
        })
    }

    /// Whether it knows that somebody was removed.
    pub fn knows_removed(&self, who: &AuthorId) -> bool {
        let roster = self.engine.as_ref().map(|engine| engine.core().roster());
        roster.is_some_and(|roster| !roster.contains(who) && !roster.removes_of(who).is_empty())
    }

    pub fn next_token(&mut self) -> Option<u64> {
        self.engine.as_ref()?;
        self.tokens += 1;
        Some(self.tokens)
    }

    /// Reads what its log holds.
    fn read_log(&mut self) -> Result<(), String> {
        self.held.clear();
        let Some(engine) = &self.engine else {
            return Ok(());
        };
        let log = engine.log();
        for n in 1..=log.len().0 {
            let line = log.read(ArrivalNo(n)).map_err(|error| error.to_string())?;
            if let Ok(message) = line.message {
                self.held.insert(message.id(), message);
            }
        }
        Ok(())
    }

    pub fn die_after(&self, operations: u64) {
        self.storage
            .die_at(self.storage.operations() + 1 + operations);
    }

    pub fn copy_home(&mut self) -> bool {
        if self.is_member() {
            self.copy = Some((self.storage.kill(), self.acknowledged.clone()));
        }
        self.copy.is_some()
    }

    fn config(&self, salt: u64) -> EngineConfig {
        let mut seed = [self.index as u8; 32];
        seed[..8].copy_from_slice(&salt.to_le_bytes());
        seed[8..12].copy_from_slice(&self.life.to_le_bytes());
        EngineConfig {
            identity: self.identity.clone(),
            gossip: self.gossip,
            seed,
        }
    }
}

impl World {
    pub(super) fn start(&mut self, index: usize) -> Result<(), String> {
        if let Some(of) = self.machines[index].twin_of {
            if !self.machines[of].is_member() {
                return Ok(());
            }
            let image = self.machines[of].storage.kill();
            let sessions = self.machines[of].sessions.clone();
            self.machines[index].sessions = sessions;
            self.machines[index].storage = image;
            self.machines[index].started = true;
            return self.restart(index);
        }
        let chosen = self.machines[index].ticket % self.tickets.len().max(1);
        let ticket = match self.tickets.get(chosen).cloned() {
            Some(ticket) => self.with_addresses(ticket),
            None if index == 0 => return self.found(),
            None => return Ok(()),
        };
        let machine = &mut self.machines[index];
        machine.started = true;
        let now = machine.now(self.now_ms);
        let nick = format!("peer {index}");
        let engine = RoomEngine::join(
            machine.storage.clone(),
            &rooms(),
            machine.config(self.seed),
            &ticket,
            &nick,
            now,
        );
        machine.engine = Some(engine.map_err(|error| format!("join: {error}"))?);
        self.schedule_tick(index);
        Ok(())
    }

    fn found(&mut self) -> Result<(), String> {
        let machine = &mut self.machines[0];
        machine.started = true;
        let now = machine.now(self.now_ms);
        let engine = RoomEngine::create(
            machine.storage.clone(),
            &rooms(),
            machine.config(self.seed),
            "simulated",
            "founder",
            now,
        )
        .map_err(|error| format!("create: {error}"))?;
        self.tickets.extend(engine.ticket().cloned());
        machine.engine = Some(engine);
        machine.read_log()?;
        self.schedule_tick(0);
        Ok(())
    }

    /// Asks to be let in again.
    pub(super) fn ask_again(&mut self, index: usize, ticket: &Ticket) -> Result<(), String> {
        let ticket = self.with_addresses(ticket.clone());
        let machine = &mut self.machines[index];
        let (now, me) = (machine.now(self.now_ms), machine.me());
        let Some(engine) = &mut machine.engine else {
            return Ok(());
        };
        if !engine.core().is_joining() && engine.core().roster().contains(&me) {
            return Ok(());
        }
        let renewed = engine.renew(&ticket, "back again", now);
        if renewed.map_err(|error| format!("machine {index} does not ask again: {error}"))? {
            // Its sessions and timers are those of a core that is gone.
            machine.life += 1;
            machine.ticks_until = 0;
            self.drop_sessions(index);
            self.schedule_tick(index);
        }
        Ok(())
    }

    pub(super) fn with_addresses(&mut self, mut ticket: Ticket) -> Ticket {
        let known: Vec<AuthorId> = self
            .machines
            .iter()
            .filter(|m| m.is_member())
            .map(Machine::me)
            .collect();
        let mut ids = self.random.choose(&known, 3);
        ids.push(self.machines[0].me());
        ticket.addresses = ids
            .into_iter()
            .map(|id| PeerAddress {
                id,
                relay: None,
                direct: Vec::new(),
            })
            .collect();
        ticket
    }

    pub(super) fn crash(&mut self, index: usize, crash: Crash) {
        self.crashes += 1;
        let seed = self.random.next_u64();
        let machine = &mut self.machines[index];
        machine.engine = None;
        machine.life += 1;
        machine.storage = match crash {
            Crash::Kill => machine.storage.kill(),
            Crash::Power => {
                machine
                    .sessions
                    .iter_mut()
                    .for_each(Session::may_repeat_all);
                machine.storage.crash(seed)
            }
        };
        self.drop_sessions(index);
    }

    pub(super) fn restart(&mut self, index: usize) -> Result<(), String> {
        let machine = &mut self.machines[index];
        if machine.engine.is_some() {
            return Ok(());
        }
        machine.life += 1;
        let room = self
            .tickets
            .first()
            .map(|ticket| rooms().join(ticket.room.to_hex()));
        let opened = room.filter(|_| machine.started).map(|dir| {
            let now = machine.now(self.now_ms);
            RoomEngine::open(
                machine.storage.clone(),
                &dir,
                machine.config(self.seed),
                now,
            )
        });
        match opened {
            Some(Ok(engine)) => {
                machine.engine = Some(engine);
                machine.read_log()?;
            }
            // It died before the making or joining was acknowledged.
            None | Some(Err(EngineError::NoRoom { .. })) if machine.acknowledged.is_empty() => {
                return if index == 0 && !self.tickets.is_empty() {
                    Ok(())
                } else {
                    self.start(index)
                };
            }
            None => return Err(format!("machine {index} lost its room")),
            Some(Err(error)) => return Err(format!("machine {index} does not open: {error}")),
        }
        self.schedule_tick(index);
        Ok(())
    }

    pub(super) fn put_back(&mut self, index: usize) -> Result<(), String> {
        let Some((image, acknowledged)) = self.machines[index].copy.take() else {
            return Ok(());
        };
        self.crash(index, Crash::Kill);
        let machine = &mut self.machines[index];
        machine.storage = image;
        machine
            .sessions
            .iter_mut()
            .for_each(Session::may_repeat_all);
        // What was acknowledged after the copy was thrown away by hand; whether others have it
        // is chance.
        let thrown: Vec<MessageId> = machine
            .acknowledged
            .difference(&acknowledged)
            .copied()
            .collect();
        machine.acknowledged = acknowledged;
        for id in thrown {
            self.acknowledged.remove(&id);
        }
        self.restart(index)
    }

    pub(super) fn input(&mut self, index: usize, life: u32, input: Input) {
        let now_ms = self.now_ms;
        let machine = &mut self.machines[index];
        if machine.life != life {
            return;
        }
        let now = machine.now(now_ms);
        let Some(engine) = &mut machine.engine else {
            return;
        };
        let before = (self.broken == Broken::ToldBeforeDurable).then(|| machine.storage.kill());
        let turn = engine.turn(vec![input], now);
        if let Some(before) = before
            && self.random.next_u64().is_multiple_of(8)
        {
            // As if the sync had come after the answer, and the power had gone in between.
            machine.storage = before;
            machine.engine = None;
            machine.life += 1;
        }
        let appended = turn.appended.iter();
        let held = appended.map(|line| (line.message.id(), line.message.clone()));
        self.machines[index].held.extend(held);
        for stored in turn
            .drafts
            .into_iter()
            .filter_map(|(_, verdict)| verdict.ok())
        {
            self.machines[index].acknowledged.insert(stored.id);
            self.acknowledge(stored.id);
        }
        if turn.failed {
            self.drop_sessions(index);
            // What the disk refused may be there or not: it is read again, unless the disk is dead.
            let _ = self.machines[index].read_log();
        }
        for output in turn.outputs {
            self.carry_out(index, output);
        }
        if self.machines[index].engine.is_none() {
            self.drop_sessions(index);
            let at = now_ms + 500;
            self.at(at, Event::Act(super::plan::Action::Restart(index)));
        }
        self.schedule_tick(index);
    }

    fn schedule_tick(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        let Some(engine) = &machine.engine else {
            return;
        };
        let due = engine.core().next_tick().max(self.now_ms + 1);
        let life = machine.life;
        if due < machine.ticks_until || machine.ticks_until <= self.now_ms {
            machine.ticks_until = due;
            self.at(
                due,
                Event::Tick {
                    machine: index,
                    life,
                },
            );
        }
    }
}
