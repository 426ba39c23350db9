//! `room start`, `room join` and `room list`.

use std::io::{BufRead as _, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cc_proto::limits::TICKET_CHARS_MAX;
use cc_proto::text::{clean_line, clean_nick, fingerprint};
use cc_proto::ticket::{Ticket, TicketError};

use super::chat;
use super::files;
use super::objects::{ListedRoom, Opened, object};
use crate::args::{JoinArgs, RoomOptions, StartArgs};
use crate::bindings::{self, BindTo, Bindings};
use crate::client::{ANSWER_DEADLINE, Client};
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::launch;
use crate::output::{Output, Printer, Style};
use crate::rooms;
use crate::rpc::{FileSettingsParams, JoinParams, StartParams, State};

/// How long the chat waits to be let in before it says that nobody is there.
const CHAT_JOIN_WAIT: Duration = Duration::from_secs(2);
/// The longest wait that `--wait` can ask for; joining goes on by itself after it.
const JOIN_WAIT_SECS_MAX: u64 = 600;
/// Said when no member answers.
const NOBODY: &str = "nobody is online yet; you will get the history as soon as someone is";

/// Makes a room, prints its ticket, and opens the chat unless told not to.
pub async fn start(home: &Home, args: &StartArgs, output: Output) -> CliResult {
    let auto_get = files::size_of("--auto-get", args.common.auto_get.as_deref())?;
    let bind = choose_binding(args.common.bind.as_deref(), output)?;
    let params = StartParams {
        name: args.name.clone().unwrap_or_else(default_name),
        nick: nick(home, &args.common)?,
        bind: Some(bind),
        relay: args.common.relay.clone(),
    };
    let mut client = launch::connect_or_start(home).await?;
    let opened: Opened = client.call("room.start", &params).await?;
    choose_auto_get(&mut client, &opened, auto_get).await?;
    if !output.json() {
        output.note(format!(
            "Room {} is open. Whoever has this ticket can join:",
            shown(&opened)
        ));
    }
    output.data(&object(&opened), &opened.ticket);
    if !output.json() {
        output.note(format!(
            "  cc-connect room join {}",
            short_ticket(&opened.ticket)
        ));
        note_bound(&opened, output);
    }
    finish(home, client, opened, &args.common, output).await
}

/// Joins a room and opens the chat unless told not to.
pub async fn join(home: &Home, args: &JoinArgs, output: Output) -> CliResult {
    let ticket = read_ticket(&args.ticket)?;
    parse_ticket(&ticket)?;
    let auto_get = files::size_of("--auto-get", args.common.auto_get.as_deref())?;
    let bind = choose_binding(args.common.bind.as_deref(), output)?;
    let wait = if args.common.no_ui {
        Duration::from_secs(args.wait.min(JOIN_WAIT_SECS_MAX))
    } else {
        CHAT_JOIN_WAIT
    };
    let params = JoinParams {
        ticket,
        nick: nick(home, &args.common)?,
        bind: Some(bind),
        relay: args.common.relay.clone(),
        wait_ms: wait.as_millis() as u64,
    };
    let mut client = launch::connect_or_start(home).await?;
    let opened: Opened = client
        .call_within("room.join", &params, wait + ANSWER_DEADLINE)
        .await?;
    choose_auto_get(&mut client, &opened, auto_get).await?;
    let name = shown(&opened);
    let text = match opened.state {
        State::Joined => format!(
            "joined {} as @{}",
            output.style(Style::Bold, &name),
            opened.nick
        ),
        _ => format!(
            "joining {} as @{}",
            output.style(Style::Bold, &name),
            opened.nick
        ),
    };
    output.data(&object(&opened), text);
    if opened.state != State::Joined {
        match &opened.refusal {
            Some(reason) => output.note(format!(
                "a member's door was closed: {}",
                clean_line(reason, usize::MAX)
            )),
            None => output.note(NOBODY),
        }
    }
    if !output.json() {
        note_bound(&opened, output);
    }
    finish(home, client, opened, &args.common, output).await
}

async fn choose_auto_get(client: &mut Client, opened: &Opened, auto_get: Option<u64>) -> CliResult {
    if auto_get.is_some() {
        let settings = FileSettingsParams {
            room: opened.room.clone(),
            auto_get,
            quota: None,
        };
        files::choose(client, &settings).await?;
    }
    Ok(())
}

/// Lists the rooms of the home.
pub fn list(home: Option<&Home>, output: Printer<'_>) -> CliResult {
    let Some(home) = home else {
        output.text("no rooms yet: cc-connect room start, or cc-connect room join TICKET");
        return Ok(());
    };
    let rooms = rooms::all(home)?;
    let bindings = Bindings::load(home).map_err(|error| {
        CliError::new(Kind::Home, "cannot understand bindings.json").because(&error)
    })?;
    if rooms.is_empty() {
        output.text("no rooms yet: cc-connect room start, or cc-connect room join TICKET");
    }
    for room in rooms {
        let places = bindings.places_of(&room.id);
        let listed = ListedRoom {
            room: room.id.to_hex(),
            name: room.name.clone(),
            nick: room.nick.clone(),
            state: room.state,
            bound: places
                .iter()
                .flatten()
                .map(|path| path.to_path_buf())
                .collect(),
            global: places.contains(&None),
        };
        let name = room.shown_name();
        let mut text = format!(
            "{}  {}",
            output.style(Style::Dim, &room.id.short()),
            output.style(Style::Bold, &name)
        );
        if let Some(aside) = room.state.aside() {
            text.push_str("  (");
            text.push_str(aside);
            text.push(')');
        }
        for path in &listed.bound {
            text.push_str("  ");
            text.push_str(&clean_line(&path.to_string_lossy(), usize::MAX));
        }
        if listed.global {
            text.push_str("  everywhere");
        }
        output.data(&object(&listed), text);
    }
    Ok(())
}

async fn finish(
    home: &Home,
    client: Client,
    opened: Opened,
    options: &RoomOptions,
    output: Output,
) -> CliResult {
    if options.no_ui {
        return Ok(());
    }
    chat::after_opening(home, client, opened, options.plain, output).await
}

/// The folder to bind: what was asked for, else the current folder unless that would reach too far.
pub fn choose_binding(asked: Option<&Path>, output: Printer<'_>) -> CliResult<BindTo> {
    match asked {
        Some(path) if path == Path::new("none") => return Ok(BindTo::None),
        Some(path) if path == Path::new("global") => return Ok(BindTo::Global),
        Some(path) => {
            return path.canonicalize().map(BindTo::Dir).map_err(|error| {
                CliError::new(Kind::Usage, format!("cannot bind {}", path.display()))
                    .because(&error)
                    .hint("name an existing folder, `global` or `none`")
            });
        }
        None => {}
    }
    let here: PathBuf = match std::env::current_dir().and_then(|dir| dir.canonicalize()) {
        Ok(here) => here,
        Err(error) => {
            output.note(format!(
                "the room is bound to no folder: the current one cannot be found ({error})"
            ));
            return Ok(BindTo::None);
        }
    };
    if let Some(too_wide) = bindings::too_wide(&here) {
        output.note(format!(
            "the room is not bound to {}: {}. Bind it to a project with --bind DIR",
            here.display(),
            too_wide.reason()
        ));
        return Ok(BindTo::None);
    }
    Ok(BindTo::Dir(here))
}

fn nick(home: &Home, options: &RoomOptions) -> CliResult<String> {
    match claimed_nick(options) {
        Some(nick) => Ok(nick),
        None => Ok(fingerprint(&home.identity()?.author())),
    }
}

/// The nick that was asked for, or the user's name; without either the fingerprint is the nick.
pub fn claimed_nick(options: &RoomOptions) -> Option<String> {
    options.nick.clone().or_else(|| {
        ["USER", "LOGNAME"]
            .iter()
            .find_map(|name| clean_nick(&std::env::var(name).ok()?))
    })
}

fn default_name() -> String {
    let here = std::env::current_dir().ok();
    let name = here
        .as_deref()
        .and_then(Path::file_name)
        .map(|name| clean_line(&name.to_string_lossy(), 64));
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| "room".to_owned())
}

/// The ticket from the command line or from the first line of standard input (the rest is the chat's).
pub fn read_ticket(argument: &str) -> CliResult<String> {
    let ticket = if argument == "-" {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .take(TICKET_CHARS_MAX as u64 + 64)
            .read_line(&mut text)
            .map_err(|error| {
                CliError::new(Kind::Ticket, "cannot read the ticket from standard input")
                    .because(&error)
            })?;
        text
    } else {
        argument.to_owned()
    };
    Ok(ticket.trim().to_owned())
}

/// Checks a ticket, before a daemon is started for it.
pub fn parse_ticket(ticket: &str) -> CliResult<Ticket> {
    ticket.parse().map_err(|error: TicketError| {
        CliError::new(Kind::Ticket, "this is not a whole ticket")
            .because(&error)
            .hint("copy the whole ticket, from cc1- to its end")
    })
}

fn shown(opened: &Opened) -> String {
    rooms::shown_name(&opened.name, &opened.room)
}

/// Enough of a ticket to see which one is meant; it stands in full on standard output.
fn short_ticket(ticket: &str) -> String {
    ticket
        .get(..12)
        .map_or_else(|| ticket.to_owned(), |start| format!("{start}…"))
}

fn note_bound(opened: &Opened, output: Output) {
    match opened.bound.as_deref() {
        Some("global") => output.note("Agent sessions everywhere read this room."),
        Some(dir) => output.note(format!(
            "Agent sessions in {} read this room.",
            clean_line(dir, usize::MAX)
        )),
        None => output.note(format!(
            "Agent sessions read this room with: cc-connect run {} -- CMD",
            rooms::short(&opened.room)
        )),
    }
}
