//! `pause.json`: whether the owner wants agents left alone, and until when.
//!
//! While a room is paused nothing of it reaches an agent: no injection, no waking, and no tool. A file that cannot be read or
//! understood pauses everything: what was meant is not known, and silence is what harms nobody.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use cc_log::{Durability, FsStorage, Storage as _};
use cc_proto::id::{RoomId, Timestamp};
use serde::{Deserialize, Serialize};

/// The file in the home.
pub const PAUSE_FILE: &str = "pause.json";
const VERSION: u32 = 1;

/// What is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    damaged: bool,
    all: Option<Hold>,
    rooms: BTreeMap<RoomId, Hold>,
}

/// Until when something is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// `None`: until it is resumed.
    pub until: Option<Timestamp>,
}

impl Hold {
    fn holds(self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[derive(Serialize, Deserialize)]
struct PauseFile {
    v: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all: Option<HoldEntry>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    rooms: BTreeMap<String, HoldEntry>,
}

#[derive(Serialize, Deserialize)]
struct HoldEntry {
    until: Option<u64>,
}

/// Why a pause was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PauseError {
    /// The file could not be read or written.
    #[error("pause.json cannot be written: {0}")]
    Io(#[from] io::Error),
    /// A room cannot be resumed by itself.
    #[error("everything is paused, not this room alone")]
    AllPaused,
}

impl Pause {
    /// Reads the home's file. A missing one pauses nothing.
    pub fn load(home: &Path) -> Self {
        let nothing = Self {
            damaged: false,
            all: None,
            rooms: BTreeMap::new(),
        };
        match fs::read(home.join(PAUSE_FILE)) {
            Ok(bytes) => decode(&bytes).unwrap_or(Self {
                damaged: true,
                ..nothing
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => nothing,
            Err(_) => Self {
                damaged: true,
                ..nothing
            },
        }
    }

    /// Whether nothing of this room may reach an agent now.
    pub fn holds(&self, room: &RoomId, now: Timestamp) -> bool {
        let of_room = self.rooms.get(room).is_some_and(|hold| hold.holds(now));
        of_room || self.holds_all(now)
    }

    /// Whether everything is paused now.
    pub fn holds_all(&self, now: Timestamp) -> bool {
        self.damaged || self.all.is_some_and(|hold| hold.holds(now))
    }

    /// Whether the file is not understood, which pauses everything.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// The pause of everything, where there is one now.
    pub fn all(&self, now: Timestamp) -> Option<Hold> {
        self.all.filter(|hold| hold.holds(now))
    }

    /// The rooms that are paused by themselves now.
    pub fn rooms(&self, now: Timestamp) -> impl Iterator<Item = (RoomId, Hold)> {
        let held = self.rooms.iter().filter(move |(_, hold)| hold.holds(now));
        held.map(|(room, hold)| (*room, *hold))
    }

    fn save(&self, home: &Path, now: Timestamp) -> io::Result<()> {
        let path = home.join(PAUSE_FILE);
        let entry = |hold: Hold| HoldEntry {
            until: hold.until.map(|until| until.0),
        };
        let file = PauseFile {
            v: VERSION,
            all: self.all(now).map(entry),
            rooms: self
                .rooms(now)
                .map(|(room, hold)| (room.to_hex(), entry(hold)))
                .collect(),
        };
        if file.all.is_none() && file.rooms.is_empty() {
            return match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => FsStorage.sync_dir(home),
            };
        }
        let mut bytes = serde_json::to_vec(&file)?;
        bytes.push(b'\n');
        FsStorage.replace(&path, &bytes, Durability::Synced)
    }
}

fn decode(bytes: &[u8]) -> Option<Pause> {
    let file: PauseFile = serde_json::from_slice(bytes).ok()?;
    let hold = |entry: HoldEntry| Hold {
        until: entry.until.map(Timestamp),
    };
    let rooms = file.rooms.into_iter();
    let rooms = rooms.map(|(room, entry)| Some((room.parse().ok()?, hold(entry))));
    (file.v == VERSION).then_some(Pause {
        damaged: false,
        all: file.all.map(hold),
        rooms: rooms.collect::<Option<_>>()?,
    })
}

/// Pauses a room, or everything; `until` is `None` for "until resumed".
///
/// # Errors
/// [`PauseError::Io`].
pub fn pause(
    home: &Path,
    room: Option<RoomId>,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), PauseError> {
    change(home, now, |pause| {
        let hold = Hold { until };
        if pause.damaged || room.is_none() {
            // Of a damaged file nothing may become less paused by pausing.
            pause.all = Some(if pause.damaged && room.is_some() {
                Hold { until: None }
            } else {
                hold
            });
            pause.damaged = false;
        }
        if let Some(room) = room {
            pause.rooms.insert(room, hold);
        }
        Ok(true)
    })
    .map(drop)
}

/// Ends the pause of a room, or of everything and every room; gives whether there was one.
///
/// # Errors
/// [`PauseError::AllPaused`] for a room while everything is paused; [`PauseError::Io`].
pub fn resume(home: &Path, room: Option<RoomId>, now: Timestamp) -> Result<bool, PauseError> {
    change(home, now, |pause| {
        let Some(room) = room else {
            let was = pause.holds_all(now) || pause.rooms(now).next().is_some();
            *pause = Pause {
                damaged: false,
                all: None,
                rooms: BTreeMap::new(),
            };
            return Ok(was);
        };
        if pause.holds_all(now) {
            return Err(PauseError::AllPaused);
        }
        Ok(pause
            .rooms
            .remove(&room)
            .is_some_and(|hold| hold.holds(now)))
    })
}

/// Under a lock, so that of two commands at once none is forgotten.
fn change<T>(
    home: &Path,
    now: Timestamp,
    edit: impl FnOnce(&mut Pause) -> Result<T, PauseError>,
) -> Result<T, PauseError> {
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(home.join(format!("{PAUSE_FILE}.lock")))?;
    lock.lock()?;
    let mut pause = Pause::load(home);
    let done = edit(&mut pause)?;
    pause.save(home, now)?;
    Ok(done)
}
