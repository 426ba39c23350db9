//! One run of a hook: event in, injection out, and nothing that could hold up the human.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::panic;
use std::path::PathBuf;
use std::process::{self, ExitCode};

use cc_proto::id::RoomId;

use crate::agent::{Agent, Heard, PromptEvent};
use crate::bindings::rooms_bound_to;
use crate::deadline::Watchdog;
use crate::hook_log::{HookLog, wall_clock};
use crate::offer::Offer;

/// Names the home, where it is not `~/.cc-connect`.
pub const HOME_VARIABLE: &str = "CC_CONNECT_HOME";
/// Names the one room of a session, whatever its directory is bound to.
pub const ROOM_VARIABLE: &str = "CC_CONNECT_ROOM";

/// The longest event that is read, in bytes. A prompt with a pasted file is long; this is longer.
const EVENT_BYTES_MAX: u64 = 32 * 1024 * 1024;

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
}

/// Runs a hook on this process's stdin and stdout. Always succeeds; see `hook.log` for what went wrong.
///
/// May end the process itself (with exit code 0) when the deadline passes. Replaces the process's panic hook.
pub fn hook_main(agent: &Agent) -> ExitCode {
    let environment = Environment::of_process();
    let log = HookLog::new(environment.home.as_deref(), agent.name);
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
    let run = prompt(
        agent,
        &environment,
        &log,
        &watchdog,
        io::stdin().lock(),
        io::stdout().lock(),
    );
    if let Err(reason) = run {
        log.note(&reason);
    }
    watchdog.call_off();
    ExitCode::SUCCESS
}

/// Answers one event; the error is the line for `hook.log`.
fn prompt(
    agent: &Agent,
    environment: &Environment,
    log: &HookLog,
    watchdog: &Watchdog,
    stdin: impl Read,
    mut stdout: impl Write,
) -> Result<(), String> {
    watchdog.doing("reading the event");
    let mut bytes = Vec::new();
    let read = stdin.take(EVENT_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot read the event: {error}"))?;
    if bytes.len() as u64 > EVENT_BYTES_MAX {
        return Err(format!("the event is longer than {EVENT_BYTES_MAX} bytes"));
    }
    let event = match (agent.read)(&bytes).map_err(|error| error.to_string())? {
        Heard::Prompt(event) => event,
        Heard::Other => return Ok(()),
    };
    drop(bytes);
    log.name_session(&event.session);

    watchdog.doing("looking for the session's rooms");
    let home = environment
        .home
        .as_deref()
        .ok_or("neither CC_CONNECT_HOME nor HOME is set")?;
    if !home.is_dir() {
        return Err(format!("there is no home at {}", home.display()));
    }
    let rooms = rooms_of(environment, &event)?;
    if rooms.is_empty() {
        return Ok(());
    }
    watchdog.doing("reading the rooms");
    let now = wall_clock();
    let note = |reason: &str| log.note(reason);
    let reader = format!("{}-{}", agent.name, event.session);
    let mut offer = Offer::collect(home, &reader, rooms, now, &note);
    let text = offer.render(now, &note)?;
    let answer = text.map(|text| (agent.write)(&text));

    // From here on the answer goes out whole and the cursors with it.
    watchdog.call_off();
    if let Some(answer) = answer {
        let written = stdout.write_all(&answer).and_then(|()| stdout.flush());
        written.map_err(|error| format!("cannot write to stdout: {error}; the cursor stays"))?;
    }
    offer.delivered(now, &note);
    Ok(())
}

fn rooms_of(environment: &Environment, event: &PromptEvent) -> Result<Vec<RoomId>, String> {
    if let Some(named) = &environment.room {
        let room = named.to_str().and_then(|hex| hex.parse().ok());
        return room
            .map(|room| vec![room])
            .ok_or_else(|| format!("{ROOM_VARIABLE} is not a room id"));
    }
    let home = environment
        .home
        .as_deref()
        .unwrap_or_else(|| std::path::Path::new(""));
    let bound = rooms_bound_to(home, &event.directory).map_err(|error| error.to_string())?;
    Ok(bound.into_iter().collect())
}
