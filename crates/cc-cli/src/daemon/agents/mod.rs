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
use std::time::{SystemTime, UNIX_EPOCH};

use cc_log::{LogReader, RosterView};
use cc_net::{Room, RoomEvent, RoomEvents, StoredMessage};
use cc_proto::body::Kind;
use cc_proto::id::{ArrivalNo, AuthorId, RoomId, Timestamp};
use cc_proto::limits::AGENT_RUN_MAX;
use cc_proto::message::Message;
use cc_proto::via::{Role, Via};
use tokio::sync::broadcast;

use self::held::Held;
use self::pace::{Pace, Voice};
use self::wake::Woken;
use crate::rpc::{AgentsInfo, HeldBackInfo, RpcError, code};

pub use gate::Speech;
pub use settings::AgentSettings;

/// What happened with agents, until the slowest subscriber has heard of it; beyond that a subscriber misses some.
const EVENTS_MAX: usize = 256;
/// So many of a room's newest lines tell how much agents said before the daemon started.
const LINES_BEFORE: u64 = 512;

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
        let dir = self.dir(&id);
        let before = tokio::task::spawn_blocking(move || said_before(&dir)).await;
        let mut through = ArrivalNo(0);
        for (n, at, author, voice) in before.unwrap_or_default() {
            through = n;
            self.note(id, at, author, voice);
        }
        while let Some(event) = events.next().await {
            let RoomEvent::Message(stored) = event else {
                continue;
            };
            self.wake(id, &stored).await;
            let author = stored.message.header().author;
            let Some(voice) = voice(&stored.message).filter(|_| stored.n > through) else {
                continue;
            };
            // What this machine's agents say was noted when the gate let it through.
            if author == self.0.me && voice != Voice::Person {
                continue;
            }
            self.note(id, stored.at, author, voice);
        }
    }

    /// Wakes whom a message calls, where the owner wants that.
    async fn wake(&self, id: RoomId, stored: &Arc<StoredMessage>) {
        let dir = self.dir(&id);
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
        for (session, profile) in reached.await.ok().flatten().unwrap_or_default() {
            let may = {
                let mut woken = self.0.woken.lock().unwrap_or_else(PoisonError::into_inner);
                woken.may(&session.file, now())
            };
            if !may {
                continue;
            }
            match wake::wake(&self.0.home, &session, &profile).await {
                Ok(()) => self.tell(
                    id,
                    AgentEvent::Woken {
                        agent: profile.name,
                    },
                ),
                Err(error) => tracing::warn!(agent = %profile.name, %error, "cannot wake it"),
            }
        }
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
        agents.pace.note(at, author, voice);
        let run = agents.pace.run(now());
        drop(rooms);
        if voice == Voice::Agent && run == AGENT_RUN_MAX {
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

/// By whom a message is, where it is one that people and agents say.
fn voice(message: &Message) -> Option<Voice> {
    if message.kind() != Kind::Chat {
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

/// What the newest lines of a room's log say of who spoke.
fn said_before(dir: &Path) -> Vec<(ArrivalNo, Timestamp, AuthorId, Voice)> {
    let Ok(log) = LogReader::open(dir) else {
        return Vec::new();
    };
    let first = log.len().0.saturating_sub(LINES_BEFORE) + 1;
    let lines = (first..=log.len().0).filter_map(|n| log.line(ArrivalNo(n)).ok());
    lines
        .filter_map(|line| {
            let message = line.message.ok()?;
            let voice = voice(&message)?;
            Some((line.n, line.at, message.header().author, voice))
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
