//! What the daemon does about the agents of this machine: what they say passes a gate, and who is addressed is woken.
//!
//! | file | what |
//! |---|---|
//! | `gate` | what an agent says: pause, secrets, budget, the owner's yes |
//! | `pace` | how much agents may say |
//! | `held` | what waits for the owner's yes |
//! | `wake` | who is woken, when, and how |
//! | `settings` | what the owner chose for a room |
//!
//! One task a room hears what is said there. What it and the requests share lies behind one lock that is held for no
//! longer than a look.

mod gate;
mod held;
mod pace;
mod settings;
mod wake;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cc_hook_generic::{Profile, Session};
use cc_log::{CursorStore, LogReader, RosterView, Trust};
use cc_net::{Room, RoomEvent, RoomEvents, StoredMessage};
use cc_proto::body::Kind;
use cc_proto::id::{ArrivalNo, AuthorId, RoomId, Timestamp};
use cc_proto::limits::AGENT_RUN_MAX;
use cc_proto::message::Message;
use cc_proto::via::{Role, Via};
use futures_util::future::join_all;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use self::held::Held;
use self::pace::{Pace, Voice};
use self::wake::{Turn, Woken};
use crate::rpc::{AgentsInfo, HeldBackInfo, RpcError, code};

pub use gate::{Approved, Sharing, Speech};
pub use settings::AgentSettings;

/// What happened with agents, until the slowest subscriber has heard of it; beyond that a subscriber misses some.
const EVENTS_MAX: usize = 256;
/// So many of a room's newest lines tell how much agents said before the daemon started.
const LINES_BEFORE: u64 = 512;
/// So many messages of a room wake somebody, or wait to, at once; further ones wake nobody.
const WAKES_AT_ONCE_MAX: usize = 64;

/// What the daemon knows of the agents of this machine. Cheap to clone.
#[derive(Clone)]
pub struct Agents(Arc<Inner>);

struct Inner {
    home: PathBuf,
    me: AuthorId,
    rooms: Mutex<BTreeMap<RoomId, RoomAgents>>,
    held: Mutex<Held>,
    woken: Mutex<Woken>,
    events: broadcast::Sender<(RoomId, AgentEvent)>,
}

/// The agents in one room.
#[derive(Default)]
struct RoomAgents {
    pace: Pace,
    settings: AgentSettings,
    last_held_back: Option<HeldBackInfo>,
}

/// What happened with agents in a room.
#[derive(Debug, Clone)]
pub enum AgentEvent {
    /// A message of an agent waits for the owner's yes.
    Held {
        /// Its number.
        held: u64,
        /// The agent.
        via: String,
    },
    /// What was held waits no longer.
    Decided {
        /// Its number.
        held: u64,
        /// Whether the owner let it out; else it was thrown away.
        approved: bool,
    },
    /// An agent of this machine was not let speak.
    HeldBack(HeldBackInfo),
    /// A session of an agent of this machine was woken.
    Woken {
        /// The agent.
        agent: String,
    },
    /// Agents of several members have answered each other as often as they may.
    Stopped {
        /// How many messages in a row.
        run: u64,
    },
}

impl Agents {
    /// The agents of a home.
    pub fn new(home: &Path, me: AuthorId) -> Self {
        Self(Arc::new(Inner {
            home: home.to_owned(),
            me,
            rooms: Mutex::default(),
            held: Mutex::new(Held::load(home)),
            woken: Mutex::default(),
            events: broadcast::channel(EVENTS_MAX).0,
        }))
    }

    /// What happens with agents from now on.
    pub fn events(&self) -> broadcast::Receiver<(RoomId, AgentEvent)> {
        self.0.events.subscribe()
    }

    /// How agents are doing in a room, for `status`.
    pub fn info(&self, room: &RoomId) -> AgentsInfo {
        let rooms = self.rooms();
        let agents = rooms.get(room);
        AgentsInfo {
            run: agents.map_or(0, |agents| agents.pace.run(now())),
            run_max: AGENT_RUN_MAX,
            stopped: agents.is_some_and(|agents| agents.pace.is_stopped(now())),
            held_back: agents.and_then(|agents| agents.last_held_back.clone()),
        }
    }

    /// Hears what is said in a room until it is closed; `None` where somebody does already.
    pub fn attend(&self, room: &Room) -> Option<impl Future<Output = ()> + Send + 'static + use<>> {
        let id = room.id();
        let mut rooms = self.rooms();
        if rooms.contains_key(&id) {
            return None;
        }
        let settings = AgentSettings::load(&self.dir(&id));
        let agents = RoomAgents {
            settings,
            ..RoomAgents::default()
        };
        rooms.insert(id, agents);
        drop(rooms);
        // The events first: what is in both is known by its line.
        let events = room.events();
        let agents = self.clone();
        Some(async move {
            agents.listen(id, events).await;
            agents.rooms().remove(&id);
        })
    }

    async fn listen(&self, id: RoomId, mut events: RoomEvents) {
        let mut through = self.take_in(id, ArrivalNo(0)).await;
        let mut wakes = JoinSet::new();
        while let Some(event) = events.next().await {
            while wakes.try_join_next().is_some() {}
            let stored = match event {
                RoomEvent::Message(stored) if stored.n > through => stored,
                // What was missed is in the log; it is too late to wake anybody for it.
                RoomEvent::Lagged(_) => {
                    through = self.take_in(id, through).await;
                    continue;
                }
                _ => continue,
            };
            through = stored.n;
            let header = stored.message.header();
            if let Some(voice) = voice(&stored.message) {
                // What this machine's agents say was noted when the gate let it through.
                let is_noted = header.author == self.0.me && voice != Voice::Person;
                let counts = voice == Voice::Person || self.listens_to(id, header.author).await;
                if !is_noted && counts {
                    self.note(id, stored.at.min(header.ts), header.author, voice);
                }
            }
            if wakes.len() < WAKES_AT_ONCE_MAX && !self.settings(&id).is_off() {
                let agents = self.clone();
                wakes.spawn(async move { agents.wake(id, &stored).await });
            }
        }
    }

    /// Takes into account what the log holds after a line; gives its last one.
    async fn take_in(&self, id: RoomId, after: ArrivalNo) -> ArrivalNo {
        let dir = self.dir(&id);
        let said = tokio::task::spawn_blocking(move || said_after(&dir, after)).await;
        let mut through = after;
        for (n, at, author, voice) in said.unwrap_or_default() {
            through = n;
            self.note(id, at, author, voice);
        }
        through
    }

    /// Whether what a member's agents say reaches the owner's: what is muted takes nobody's turn.
    async fn listens_to(&self, id: RoomId, author: AuthorId) -> bool {
        let dir = self.dir(&id);
        let view = tokio::task::spawn_blocking(move || RosterView::load(&dir)).await;
        match view {
            Ok(Ok(Some(view))) => view.trust(&author) == Trust::Inline,
            _ => true,
        }
    }

    /// Wakes whom a message calls, where the owner wants that.
    async fn wake(&self, id: RoomId, stored: &Arc<StoredMessage>) {
        let dir = self.dir(&id);
        let n = stored.n;
        let (home, stored) = (self.0.home.clone(), Arc::clone(stored));
        let settings = self.settings(&id);
        if settings.is_off() {
            return;
        }
        let reached = tokio::task::spawn_blocking(move || {
            let view = RosterView::load(&dir).ok()??;
            let now = now();
            let call = wake::call(&stored, &view, &settings, now)?;
            Some(wake::reached(&home, id, &call, now))
        });
        let reached = reached.await.ok().flatten().unwrap_or_default();
        join_all(reached.into_iter().map(|it| self.wake_one(id, n, it))).await;
    }

    /// Wakes a session, at the end of its quiet time if need be, unless it was told of that line by then.
    async fn wake_one(&self, id: RoomId, n: ArrivalNo, (session, profile): (Session, Profile)) {
        loop {
            let turn = self.woken().turn(&session.file, now());
            let wait_ms = match turn {
                Turn::Now => break,
                Turn::Never => return,
                Turn::Later { wait_ms } => wait_ms,
            };
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            let (dir, reader) = (self.dir(&id), session.reader());
            let cursor = tokio::task::spawn_blocking(move || CursorStore::new(&dir).peek(&reader));
            if cursor
                .await
                .is_ok_and(|told| told.is_ok_and(|told| told.n >= n))
            {
                return;
            }
        }
        match wake::wake(&self.0.home, &session, &profile).await {
            Ok(()) => self.tell(
                id,
                AgentEvent::Woken {
                    agent: profile.name,
                },
            ),
            Err(error) => {
                self.woken().undo(&session.file);
                tracing::warn!(agent = %profile.name, %error, "cannot wake it");
            }
        }
    }

    fn woken(&self) -> MutexGuard<'_, Woken> {
        self.0.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the owner chose for a room.
    pub fn settings(&self, room: &RoomId) -> AgentSettings {
        let rooms = self.rooms();
        let agents = rooms.get(room);
        agents.map_or_else(AgentSettings::default, |agents| agents.settings.clone())
    }

    /// Notes down what the owner chose for a room.
    ///
    /// # Errors
    /// `disk`.
    pub async fn choose(&self, room: &RoomId, settings: AgentSettings) -> Result<(), RpcError> {
        let (dir, chosen) = (self.dir(room), settings.clone());
        let stored = tokio::task::spawn_blocking(move || chosen.store(&dir)).await;
        let failed = |error: &dyn std::fmt::Display| {
            RpcError::new(code::DISK, format!("cannot write agents.json: {error}"))
        };
        stored
            .map_err(|error| failed(&error))?
            .map_err(|error| failed(&error))?;
        self.rooms().entry(*room).or_default().settings = settings;
        Ok(())
    }

    fn dir(&self, room: &RoomId) -> PathBuf {
        self.0.home.join("rooms").join(room.to_hex())
    }

    /// Takes a message into account, and tells where agents have answered each other as often as they may.
    fn note(&self, id: RoomId, at: Timestamp, author: AuthorId, voice: Voice) {
        let mut rooms = self.rooms();
        let Some(agents) = rooms.get_mut(&id) else {
            return;
        };
        let stopped = agents.pace.note(at, author, voice, now());
        drop(rooms);
        self.tell_if_stopped(id, stopped);
    }

    fn tell_if_stopped(&self, id: RoomId, stopped: Option<u64>) {
        if let Some(run) = stopped {
            self.tell(id, AgentEvent::Stopped { run });
        }
    }

    fn tell(&self, room: RoomId, event: AgentEvent) {
        // With nobody who listens it is told to nobody.
        let _ = self.0.events.send((room, event));
    }

    fn rooms(&self) -> MutexGuard<'_, BTreeMap<RoomId, RoomAgents>> {
        // Each change is whole before anything in it can fail.
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By whom a message is, where it is one by which people and agents say something: a file, too, takes a turn.
fn voice(message: &Message) -> Option<Voice> {
    if !matches!(message.kind(), Kind::Chat | Kind::Summary | Kind::File) {
        return None;
    }
    Some(match Via::parse(&message.header().via) {
        None => Voice::Person,
        Some(Via {
            role: Role::Message,
            ..
        }) => Voice::Agent,
        Some(_) => Voice::Note,
    })
}

/// What the newest lines of a room's log after a line say of who spoke.
fn said_after(dir: &Path, after: ArrivalNo) -> Vec<(ArrivalNo, Timestamp, AuthorId, Voice)> {
    let Ok(log) = LogReader::open(dir) else {
        return Vec::new();
    };
    let view = RosterView::load(dir).ok().flatten();
    let first = log.len().0.saturating_sub(LINES_BEFORE).max(after.0) + 1;
    let lines = (first..=log.len().0).filter_map(|n| log.line(ArrivalNo(n)).ok());
    lines
        .filter_map(|line| {
            let message = line.message.ok()?;
            let (voice, header) = (voice(&message)?, message.header());
            let is_heard = view
                .as_ref()
                .is_none_or(|view| view.trust(&header.author) == Trust::Inline);
            let counts = voice == Voice::Person || is_heard;
            counts.then_some((line.n, line.at.min(header.ts), header.author, voice))
        })
        .collect()
}

/// The machine's clock.
fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(since.as_millis() as u64)
}
