//! One run of a hook: event in, answer out, and nothing that could hold up the human.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::panic;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use cc_proto::id::{RoomId, Timestamp};

use crate::adapter::{Adapter, Event, Heard, Moment};
use crate::answer::{Access, Answer};
use crate::bindings::rooms_bound_to;
use crate::deadline::Watchdog;
use crate::hook_log::{HookLog, wall_clock};
use crate::offer::{Asked, Offer};
use crate::pause::Pause;
use crate::sessions::{self, DIRECTORY_BYTES_MAX, Seen, session_id};

/// Names the home, where it is not `~/.cc-connect`.
pub const HOME_VARIABLE: &str = "CC_CONNECT_HOME";
/// Names the one room of a session, whatever its directory is bound to.
pub const ROOM_VARIABLE: &str = "CC_CONNECT_ROOM";
/// What a woken session is told. An agent trusts it more than what a hook adds to a prompt, so these are fixed words.
pub const WAKE_TEXT: &str =
    "A cc-connect chat room has a new message that names the user of this session.";

/// The longest event that is read, in bytes. A prompt with a pasted file is long; this is longer.
const EVENT_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// What wakes an agent that waits for its hook's exit code.
const WAKE_EXIT_CODE: u8 = 2;

/// What a hook takes from the process it runs in.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The home; `None` where there is no telling.
    pub home: Option<PathBuf>,
    /// The value of [`ROOM_VARIABLE`].
    pub room: Option<OsString>,
}

impl Environment {
    /// Reads the three variables that matter. The rest of the environment, keys among it, is not looked at.
    pub fn of_process() -> Self {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let beside_user = || set("HOME").map(|user| PathBuf::from(user).join(".cc-connect"));
        Self {
            home: set(HOME_VARIABLE).map(PathBuf::from).or_else(beside_user),
            room: env::var_os(ROOM_VARIABLE),
        }
    }

    /// [`of_process`](Self::of_process) with the home that `--home` names. In a session that `cc-connect run`
    /// started, its room's home counts instead.
    pub fn with_home(home: Option<&OsStr>) -> Self {
        let mut environment = Self::of_process();
        let named = env::var_os(HOME_VARIABLE).is_some_and(|home| !home.is_empty());
        let is_run = named && environment.room.is_some();
        if let Some(home) = home.filter(|home| !home.is_empty() && !is_run) {
            environment.home = Some(home.into());
        }
        environment
    }

    /// The room that is named; `None` where none is.
    ///
    /// # Errors
    /// Where what is named is no room's id.
    pub fn named_room(&self) -> Result<Option<RoomId>, String> {
        let Some(named) = &self.room else {
            return Ok(None);
        };
        let room = named.to_str().and_then(|hex| hex.parse().ok());
        room.map(Some)
            .ok_or_else(|| format!("{ROOM_VARIABLE} is not a room id"))
    }
}

/// Runs a hook on this process's stdin and stdout. `named` is the event's name where the agent's JSON does not say it.
///
/// The exit code is 0 whatever happens, but for [`Moment::Wake`], where 2 means that there is a reason to wake. See `hook.log` for
/// what went wrong. May end the process itself (with exit code 0) when the deadline passes. Replaces the process's panic hook.
pub fn hook_main(adapter: &dyn Adapter, named: Option<&str>) -> ExitCode {
    hook_main_in(adapter, named, None)
}

/// [`hook_main`] with this home; see [`Environment::with_home`].
pub fn hook_main_in(adapter: &dyn Adapter, named: Option<&str>, home: Option<&OsStr>) -> ExitCode {
    let environment = Environment::with_home(home);
    let log = HookLog::new(environment.home.as_deref(), adapter.name());
    let watchdog = Watchdog::start(log.clone());
    let panic_log = log.clone();
    panic::set_hook(Box::new(move |info| {
        // The place only: a panic's message may quote what was being read.
        let place = info
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        panic_log.note(&format!("a fault in the hook itself{place}"));
        process::exit(0);
    }));
    let hook = Hook {
        environment: &environment,
        log: &log,
        watchdog: &watchdog,
    };
    let done = hook.run(adapter, named, io::stdin().lock(), io::stdout().lock());
    let wakes = done.unwrap_or_else(|reason| {
        log.note(&reason);
        false
    });
    watchdog.call_off();
    if wakes {
        let _ = writeln!(io::stderr(), "{WAKE_TEXT}");
        return ExitCode::from(WAKE_EXIT_CODE);
    }
    ExitCode::SUCCESS
}

/// Notes a reason in `hook.log` for which no hook was run at all.
pub fn note_failure(home: Option<&OsStr>, agent: &str, reason: &str) {
    let environment = Environment::with_home(home);
    HookLog::new(environment.home.as_deref(), agent).note(reason);
}

/// What a run has around it.
struct Hook<'a> {
    environment: &'a Environment,
    log: &'a HookLog,
    watchdog: &'a Watchdog,
}

impl Hook<'_> {
    /// Answers one event; gives whether the session is to be woken. The error is the line for `hook.log`.
    fn run(
        &self,
        adapter: &dyn Adapter,
        named: Option<&str>,
        stdin: impl Read,
        stdout: impl Write,
    ) -> Result<bool, String> {
        self.watchdog.doing("reading the event");
        let bytes = read_event(stdin)?;
        let other = adapter.instead(&bytes);
        let adapter = other.as_deref().unwrap_or(adapter);
        let heard = adapter.read(&bytes, named);
        drop(bytes);
        let event = match heard.map_err(|error| error.to_string())? {
            Heard::Event(event) => tame(event),
            Heard::Other => return Ok(false),
        };
        self.log.name_session(adapter.name(), &event.session);

        self.watchdog.doing("looking for the session's rooms");
        let home = self.environment.home.as_deref();
        let home = home.ok_or("neither CC_CONNECT_HOME nor HOME is set")?;
        if !home.is_dir() {
            return Err(format!("there is no home at {}", home.display()));
        }
        let now = wall_clock();
        let named_room = self.environment.named_room();
        let seen = Seen {
            agent: adapter.name(),
            session: &event.session,
            directory: &event.directory,
            room: named_room.as_ref().ok().copied().flatten(),
        };
        if let Err(error) = sessions::record(home, seen, now) {
            self.log
                .note(&format!("the session cannot be noted: {error}"));
        }
        let rooms = self.rooms(home, named_room?, &event, now)?;
        if rooms.is_empty() {
            return Ok(false);
        }
        self.watchdog.doing("reading the rooms");
        self.tell(adapter, home, &event, rooms, now, stdout)
    }

    /// The rooms that reach the session and are not paused.
    fn rooms(
        &self,
        home: &Path,
        named: Option<RoomId>,
        event: &Event,
        now: Timestamp,
    ) -> Result<Vec<RoomId>, String> {
        let rooms = rooms_of(home, named, &event.directory)?;
        if rooms.is_empty() {
            return Ok(rooms);
        }
        let pause = Pause::load(home);
        if pause.is_damaged() {
            self.log.note(
                "pause.json is damaged, so everything is paused; cc-connect resume ends that",
            );
        }
        let heard = rooms.into_iter().filter(|room| !pause.holds(room, now));
        Ok(heard.collect())
    }

    fn tell(
        &self,
        adapter: &dyn Adapter,
        home: &Path,
        event: &Event,
        rooms: Vec<RoomId>,
        now: Timestamp,
        mut stdout: impl Write,
    ) -> Result<bool, String> {
        let note = |reason: &str| self.log.note(reason);
        let asked = Asked {
            home,
            agent: adapter.name(),
            session: &event.session,
            now,
            bytes_max: adapter.bytes_max(),
        };
        if event.moment == Moment::Wake {
            return Ok(Offer::look(&asked, rooms, &note).names_reader());
        }
        let mut answer = Answer::prepare(adapter, &asked, event, rooms, Access::Move, &note)?;

        // From here on the answer goes out whole.
        self.watchdog.call_off();
        let written = answer.said.as_ref().map_or(Ok(()), |said| {
            stdout.write_all(&said.stdout).and_then(|()| stdout.flush())
        });
        // An agent drops what a hook printed that does not end by itself: whatever the disk does, it ends.
        self.watchdog.doing("moving the cursors");
        self.watchdog.watch_end();
        written.map_err(|error| format!("cannot write to stdout: {error}; the cursor stays"))?;
        answer.move_cursors(&asked, &note);
        self.watchdog.doing("writing the audit");
        answer.audit(&asked, &note);
        Ok(false)
    }
}

fn read_event(stdin: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = stdin.take(EVENT_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot read the event: {error}"))?;
    if bytes.len() as u64 > EVENT_BYTES_MAX {
        return Err(format!("the event is longer than {EVENT_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

/// An event says what an agent was told by others, too: no session id is used as it comes, and a directory
/// that cannot be one is none.
fn tame(event: Event) -> Event {
    let directory = event.directory;
    let usable = directory.as_os_str().len() <= DIRECTORY_BYTES_MAX
        && !directory.as_os_str().as_encoded_bytes().contains(&0);
    Event {
        moment: event.moment,
        session: session_id(&event.session),
        directory: if usable {
            std::path::absolute(&directory).unwrap_or(directory)
        } else {
            PathBuf::new()
        },
    }
}

/// The rooms that reach a session: the one named, else those bound to its directory.
pub(crate) fn rooms_of(
    home: &Path,
    named: Option<RoomId>,
    directory: &Path,
) -> Result<Vec<RoomId>, String> {
    if let Some(room) = named {
        return Ok(vec![room]);
    }
    let bound = rooms_bound_to(home, directory).map_err(|error| error.to_string())?;
    Ok(bound.into_iter().collect())
}
