//! Keeps the file views of the bound folders fresh: what agents without a hook read instead of being told.
//!
//! What a view shows hangs on files alone: the bindings, the pause, and of each room the log and the view for readers,
//! in which names, trust and what counts stand. So these are looked at, several times a second, rather than all that
//! may change them being listened to: commands change some of them without the daemon, and erasing a body is no event.
//! Nothing is read but the times of a few files while nothing changes. A file that was announced is here once something is
//! at its path.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cc_hook_generic::{
    BINDINGS_FILE, Pause, VIEW_FILE, VIEWS_DIR, bound_directories, rooms_bound_to, view_path,
    write_view,
};
use cc_proto::id::{RoomId, Timestamp};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at; a view is fresh within a second.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How often the folders are looked at anew though the bindings did not change: one may be moved, or gone.
const FOLDERS_EVERY_MS: u64 = 5_000;
/// A file that changed this shortly before it was looked at may change again without its time saying so.
const TIME_GRAIN: Duration = Duration::from_millis(50);
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Keeps the views of `home` fresh until told to end.
///
/// Cancel safe, but for a look that is under way: it is carried to its end.
pub async fn keep_fresh(home: PathBuf, end: CancellationToken) {
    let mut views = Views::new(home);
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let look = tokio::task::spawn_blocking(move || {
            views.look(SystemTime::now());
            views
        });
        let Ok(looked) = look.await else {
            tracing::error!("file views are no longer kept fresh");
            return;
        };
        views = looked;
    }
}

/// Writes every view of `home` once: for who changed what they show while no daemon runs.
pub fn write_once(home: &Path) {
    Views::new(home.to_owned()).look(SystemTime::now());
}

/// What tells that a file is another than it was.
type Stamp = Option<(u64, SystemTime, u64)>;

/// The views, and what each was made of.
struct Views {
    home: PathBuf,
    bindings: Stamp,
    folders_at_ms: Option<u64>,
    /// By the path of the view.
    folders: BTreeMap<PathBuf, Folder>,
}

/// A bound folder.
struct Folder {
    rooms: Vec<RoomId>,
    /// What its view shows; `None` where it is to be written whatever else.
    shows: Option<Shown>,
    /// The files that its view says are not here yet: where they will be, and what was there.
    absent: Vec<(PathBuf, Stamp)>,
    /// Whether it was said already that it cannot be written.
    failed: bool,
}

/// What a view shows, as far as the times of files tell.
#[derive(PartialEq, Eq)]
struct Shown {
    rooms: Vec<ShownRoom>,
    /// Messages of other days are shown with theirs.
    day: u64,
}

#[derive(PartialEq, Eq)]
struct ShownRoom {
    room: RoomId,
    paused: bool,
    log: Stamp,
    view: Stamp,
}

impl Views {
    fn new(home: PathBuf) -> Self {
        Self {
            home,
            bindings: None,
            folders_at_ms: None,
            folders: BTreeMap::new(),
        }
    }

    /// Writes every view that shows something else than it should.
    fn look(&mut self, wall: SystemTime) {
        let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp(since.as_millis() as u64);
        let bindings = stamp(&self.home.join(BINDINGS_FILE));
        let due = self
            .folders_at_ms
            .is_none_or(|at| now.0.abs_diff(at) >= FOLDERS_EVERY_MS);
        if due || bindings != self.bindings {
            self.folders_at_ms = Some(now.0);
            self.bindings = bindings;
            self.find_folders(now);
        }
        let pause = Pause::load(&self.home);
        for (path, folder) in &mut self.folders {
            let shows = Shown::of(&self.home, &folder.rooms, &pause, now);
            let came = folder.absent.iter().any(|(path, was)| stamp(path) != *was);
            if folder.shows.as_ref() == Some(&shows) && !came && path.exists() {
                continue;
            }
            let written = write_view(&self.home, &folder.rooms, path, now);
            let mut came_meanwhile = false;
            match &written {
                Ok(view) => {
                    for room in &view.missing {
                        tracing::warn!("not in a file view: {room}");
                    }
                    came_meanwhile = folder.await_files(&view.absent);
                }
                Err(error) if !folder.failed => {
                    tracing::warn!(%error, "a file view cannot be written");
                }
                Err(_) => {}
            }
            folder.failed = written.is_err();
            let is_true = written.is_ok() && !came_meanwhile && shows.is_settled(wall);
            folder.shows = Some(shows).filter(|_| is_true);
        }
    }

    /// Takes up the folders that are bound now, and empties the views of those that no longer are.
    fn find_folders(&mut self, now: Timestamp) {
        let found = bound_directories(&self.home).and_then(|directories| {
            let of = |directory: &PathBuf| {
                let rooms = rooms_bound_to(&self.home, directory)?;
                Ok((view_path(&self.home, directory), rooms))
            };
            directories.iter().map(of).collect::<Result<Vec<_>, _>>()
        });
        let found = match found {
            Ok(found) => found,
            // What was bound stays bound until it is known to be otherwise.
            Err(error) => {
                tracing::warn!(%error, "file views stay as they are");
                return;
            }
        };
        let mut before = std::mem::take(&mut self.folders);
        for (path, rooms) in found {
            let rooms: Vec<RoomId> = rooms.into_iter().collect();
            if rooms.is_empty() {
                continue;
            }
            let same = before.remove(&path).filter(|folder| folder.rooms == rooms);
            let folder = same.unwrap_or(Folder {
                rooms,
                shows: None,
                absent: Vec::new(),
                failed: false,
            });
            self.folders.insert(path, folder);
        }
        for path in self
            .written()
            .difference(&self.folders.keys().cloned().collect())
        {
            self.empty(path, now);
        }
    }

    /// The views that there are.
    fn written(&self) -> BTreeSet<PathBuf> {
        let folders = fs::read_dir(self.home.join(VIEWS_DIR));
        let folders = folders.into_iter().flatten().flatten();
        let views = folders.map(|folder| folder.path().join(VIEW_FILE));
        views.filter(|view| view.is_file()).collect()
    }

    /// Has a view say that no room is connected to its folder, once.
    fn empty(&self, path: &Path, now: Timestamp) {
        let text = cc_proto::render::NO_ROOM_TEXT;
        if fs::read(path).is_ok_and(|held| held == text.as_bytes()) {
            return;
        }
        if let Err(error) = write_view(&self.home, &[], path, now) {
            tracing::warn!(%error, "a file view cannot be emptied");
        }
    }
}

impl Folder {
    /// Notes which files the view says are not here; gives whether there is something at such a place that was not
    /// there when the view before was written, so that the view is to be written once more.
    fn await_files(&mut self, absent: &[PathBuf]) -> bool {
        let before = std::mem::take(&mut self.absent);
        self.absent = absent
            .iter()
            .map(|path| (path.clone(), stamp(path)))
            .collect();
        let known = |file: &(PathBuf, Stamp)| file.1.is_none() || before.contains(file);
        !self.absent.iter().all(known)
    }
}

impl Shown {
    fn of(home: &Path, rooms: &[RoomId], pause: &Pause, now: Timestamp) -> Self {
        let of = |room: &RoomId| {
            let dir = home.join("rooms").join(room.to_hex());
            ShownRoom {
                room: *room,
                paused: pause.holds(room, now),
                log: stamp(&dir.join("log.jsonl")),
                view: stamp(&dir.join("view.json")),
            }
        };
        Self {
            rooms: rooms.iter().map(of).collect(),
            day: now.0 / DAY_MS,
        }
    }

    /// Whether a later change would show in the times of the files.
    fn is_settled(&self, wall: SystemTime) -> bool {
        let mut stamps = self.rooms.iter().flat_map(|room| [room.log, room.view]);
        stamps.all(|stamp| {
            stamp.is_none_or(|(_, changed, _)| {
                wall.duration_since(changed)
                    .is_ok_and(|age| age > TIME_GRAIN)
            })
        })
    }
}

fn stamp(path: &Path) -> Stamp {
    let meta = fs::metadata(path).ok()?;
    Some((meta.len(), meta.modified().ok()?, meta.ino()))
}

#[cfg(test)]
mod tests;
