//! `pause` and `resume`: agents are told nothing for a while. Hooks read the file; no daemon is needed.

use cc_hook_generic::pause::{self, PauseError};
use cc_proto::id::Timestamp;

use super::objects::{Paused, object};
use crate::args::{PauseArgs, RoomArg};
use crate::daemon;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Printer;
use crate::rooms::{self, KnownRoom};
use crate::when;

/// Pauses a room, or everything.
pub fn pause(home: &Home, args: &PauseArgs, output: Printer<'_>) -> CliResult {
    let now = when::now();
    let until = match &args.span {
        Some(span) => Some(end(span, now)?),
        None => None,
    };
    let room = meant(home, &args.of)?;
    pause::pause(home.path(), room.as_ref().map(|room| room.id), until, now).map_err(failed)?;
    write_views(home);
    let end = until.map_or_else(
        || "until cc-connect resume".to_owned(),
        |until| format!("until {}", when::short_time(until, now)),
    );
    output.data(
        &object(&Paused {
            room: room.as_ref().map(|room| room.id.to_hex()),
            paused: true,
            until: until.map(|until| until.0),
        }),
        format!("no agent is told anything of {} {end}", what(room.as_ref())),
    );
    Ok(())
}

/// Goes on.
pub fn resume(home: &Home, args: &RoomArg, output: Printer<'_>) -> CliResult {
    let now = when::now();
    let room = meant(home, args)?;
    let was = pause::resume(home.path(), room.as_ref().map(|room| room.id), now).map_err(failed)?;
    write_views(home);
    let what = what(room.as_ref());
    output.data(
        &object(&Paused {
            room: room.as_ref().map(|room| room.id.to_hex()),
            paused: false,
            until: None,
        }),
        if was {
            format!("agents are told of {what} again, what they missed included")
        } else {
            format!("{what} was not paused")
        },
    );
    Ok(())
}

/// Has agents that read a file read of the change too. A daemon does that by itself; while none runs, and none can start
/// for the lock, it is done here.
fn write_views(home: &Home) {
    if let Ok(lock) = home.open_lock("daemon.lock")
        && lock.try_lock().is_ok()
    {
        daemon::write_views(home.path());
    }
}

/// The room that is named; nothing is meant where none is, whatever folder this is.
fn meant(home: &Home, of: &RoomArg) -> CliResult<Option<KnownRoom>> {
    let named = of.room.as_deref();
    named.map(|name| rooms::find(home, Some(name))).transpose()
}

fn what(room: Option<&KnownRoom>) -> String {
    room.map_or_else(|| "any room".to_owned(), KnownRoom::shown_name)
}

fn end(span: &str, now: Timestamp) -> CliResult<Timestamp> {
    when::parse_expires(span, now)
        .ok()
        .flatten()
        .ok_or_else(|| {
            CliError::new(Kind::Usage, format!("cannot understand --for {span}"))
                .hint("30m, 1h, 2d, or leave it out: until cc-connect resume")
        })
}

fn failed(error: PauseError) -> CliError {
    match error {
        PauseError::AllPaused => {
            CliError::new(Kind::Room, "everything is paused, not this room alone")
                .hint("cc-connect resume ends every pause")
        }
        other => CliError::new(Kind::Home, "the pause cannot be changed").because(&other),
    }
}
