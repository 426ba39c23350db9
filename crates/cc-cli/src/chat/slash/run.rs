//! Carrying a command out: what the command line's commands do, told in lines instead of printed.

mod ask;
mod people;

use std::time::Duration;

use cc_proto::text::{clean_line, clean_nick, clean_text, fingerprint};
use cc_proto::ticket::Ticket;

use self::ask::Asked;
use super::{FileArg, Slash, SlashGetArgs, SlashJoinArgs, SlashRetractArgs, help};
use crate::args::{GetArgs, RetractArgs, RoomArg};
use crate::client::ANSWER_DEADLINE;
use crate::commands::{
    audit, belong, files, get, held, invite, members, pause, preview, receipts,
    room as room_command, share, status, wake,
};
use crate::error::{CliError, CliResult, Kind};
use crate::files as room_files;
use crate::home::Home;
use crate::launch;
use crate::output::{Kept, Piece, Printer};
use crate::qr;
use crate::rooms::{self, KnownRoom};
use crate::rpc::{FileState, JoinParams, Opened, RoomParams, State, TicketResult};

#[cfg(test)]
pub use people::lines as members_lines;
#[cfg(test)]
pub use people::tests::sample as members_sample;

/// How long `/join` waits to be let in; joining goes on by itself.
const JOIN_WAIT: Duration = Duration::from_secs(2);
/// So many lines of what a command says are shown.
const LINES_MAX: usize = 2_000;
/// How a command of the command line begins.
const PROGRAM: &str = "cc-connect ";

/// What came of a command.
#[derive(Debug)]
pub enum Reply {
    /// Something to show.
    Said(Said),
    /// It needs a yes; then `then` is to be carried out.
    Confirm {
        /// What cannot be undone, and the question at the end; clean.
        question: Vec<String>,
        /// What is carried out after the yes.
        then: Box<Slash>,
    },
    /// A ticket: a secret, to be shown with its code and copied.
    Ticket {
        /// The ticket.
        ticket: String,
        /// Its QR code, two rows of it a line, without colours.
        qr: Vec<String>,
        /// What to say beside it; clean.
        note: String,
    },
}

/// What a command has to say; clean.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it is about.
    pub title: String,
    /// The lines.
    pub lines: Vec<String>,
}

/// Carries a command out, about `room` where it names no other. Connects to the daemon by itself, and starts one where
/// there is none. Reads files, so it is to run where that holds nobody up.
pub async fn run(home: &Home, room: &KnownRoom, mut slash: Slash) -> CliResult<Reply> {
    if let Some(named) = named_room(&mut slash)
        && named.is_none()
    {
        *named = Some(room.id.to_hex());
    }
    let done = carried_out(home, room, slash).await;
    done.map_err(|mut error| {
        error.hint = error.hint.map(|hint| as_typed_here(&hint));
        error
    })
}

async fn carried_out(home: &Home, room: &KnownRoom, slash: Slash) -> CliResult<Reply> {
    let slash = match ask::before(home, room, slash).await? {
        Asked::Go(slash) => slash,
        Asked::Wait { question, then } => return Ok(Reply::Confirm { question, then }),
    };
    let kept = Kept::default();
    let output = Printer::keeping(&kept);
    if let Slash::Ticket(args) = &slash {
        return ticket(home, args).await;
    }
    let done = command(home, room, &slash, output).await;
    let pieces = kept.take();
    if done.is_ok() && matches!(slash, Slash::Invite(_) | Slash::Remove(_)) {
        return with_ticket(&slash, pieces);
    }
    let mut said = said(&slash, pieces);
    match done {
        Ok(()) if said.lines.is_empty() => said.lines.push(nothing(&slash).to_owned()),
        Ok(()) => {}
        Err(error) if said.lines.is_empty() => return Err(error),
        // What was done before it failed is told as well.
        Err(error) => said.lines.extend(lines(&error.in_full(), true)),
    }
    Ok(Reply::Said(said))
}

/// What the command line does, by its own code.
async fn command(home: &Home, room: &KnownRoom, slash: &Slash, output: Printer<'_>) -> CliResult {
    match slash {
        Slash::Drop(args) => share::run(home, args, output).await,
        Slash::Files(args) => files::run(home, args, output).await,
        Slash::Get(args) => fetch(home, room, args, output).await,
        Slash::Cancel(args) => cancel(home, room, args, output).await,
        Slash::Invite(args) => invite::invite(home, args, output).await,
        Slash::Invites(args) => invite::list(home, args, output).await,
        Slash::Revoke(args) => invite::revoke(home, &args.revoke, output).await,
        Slash::Members(args) => people::list(home, args, output).await,
        Slash::Remove(args) => belong::remove(home, args, output).await,
        Slash::Admin(args) => belong::admin(home, &args.admin, output).await,
        Slash::Trust(args) => members::trust(home, args, output).await,
        Slash::Petname(args) => members::petname(home, args, output).await,
        Slash::Verify(args) => members::verify(home, args, output).await,
        Slash::Retract(args) => retract(home, room, args, output).await,
        Slash::Pause(args) => pause::pause(home, &args.pause, output),
        Slash::Resume(args) => pause::resume(home, &args.of, output),
        Slash::Preview(args) => preview::run(Some(home.path()), args, output),
        Slash::Audit(args) => audit::run(home, args, output),
        Slash::Held(args) => held::list(home, args, output).await,
        Slash::Approve(args) => held::approve(home, args, output).await,
        Slash::Refuse(args) => held::refuse(home, args, output).await,
        Slash::Wake(args) => wake::run(home, args, output).await,
        Slash::Receipts(args) => receipts::run(home, args, output).await,
        Slash::Rooms => room_command::list(Some(home), output),
        Slash::Join(args) => join(home, room, args, output).await,
        Slash::Leave(args) => belong::leave(home, args, output).await,
        Slash::Status => status::status(Some(home), output).await,
        // The chat's own, of which `plan` knows; and the ticket, which is no text.
        Slash::Reply(_)
        | Slash::Copy
        | Slash::Find(_)
        | Slash::Room(_)
        | Slash::Ticket(_)
        | Slash::Quit
        | Slash::Help(_) => Ok(()),
    }
}

/// What is said where a command lists nothing.
const fn nothing(slash: &Slash) -> &'static str {
    match slash {
        Slash::Held(_) => "nothing of your agents waits for your yes",
        _ => "done",
    }
}

/// The room that a command names, to be filled in where it names none. Not of a command that is about every room then.
fn named_room(slash: &mut Slash) -> Option<&mut Option<String>> {
    Some(match slash {
        Slash::Drop(args) => &mut args.room,
        Slash::Files(args) => &mut args.room,
        Slash::Invite(args) => &mut args.room,
        Slash::Invites(of) | Slash::Members(of) | Slash::Ticket(of) => &mut of.room,
        Slash::Revoke(args) => &mut args.revoke.of.room,
        Slash::Remove(args) => &mut args.who.of.room,
        Slash::Admin(args) => &mut args.admin.who.of.room,
        Slash::Trust(args) => &mut args.who.of.room,
        Slash::Petname(args) => &mut args.who.of.room,
        Slash::Verify(args) => &mut args.of.room,
        Slash::Pause(args) if !args.everywhere => &mut args.pause.of.room,
        Slash::Resume(args) if !args.everywhere => &mut args.of.room,
        Slash::Audit(args) => &mut args.of.room,
        Slash::Wake(args) => &mut args.of.room,
        Slash::Receipts(args) => &mut args.of.room,
        Slash::Leave(args) => &mut args.of.room,
        _ => return None,
    })
}

/// Has a file fetched, and does not wait for it, which its card shows; with `--out` waits, for the copy.
async fn fetch(
    home: &Home,
    room: &KnownRoom,
    args: &SlashGetArgs,
    output: Printer<'_>,
) -> CliResult {
    let asked = named_file(&args.get)?;
    if let Some(out) = &args.out {
        let args = GetArgs {
            room: Some(room.id.to_hex()),
            out: Some(out.clone()),
            cancel: false,
            file: asked.to_owned(),
        };
        return get::run(home, &args, output).await;
    }
    let mut client = launch::connect_or_start(home).await?;
    let file = room_files::meant(&mut client, home, room, asked).await?;
    let file = room_files::ask(&mut client, "file.get", &file).await?;
    match file.state {
        FileState::Failed | FileState::Damaged => return Err(get::not_fetched(&file)),
        FileState::Here => {
            let path = file.path.as_deref().map(room_files::shown_path);
            let path = path.unwrap_or_else(|| room_files::said_of(&file));
            output.text(format!("it is here: {path}"));
        }
        _ => output.text(format!(
            "{}: {}",
            room_files::said_of(&file),
            room_files::state(&file)
        )),
    }
    Ok(())
}

async fn cancel(home: &Home, room: &KnownRoom, args: &FileArg, output: Printer<'_>) -> CliResult {
    let args = GetArgs {
        room: Some(room.id.to_hex()),
        out: None,
        cancel: true,
        file: named_file(args)?.to_owned(),
    };
    get::run(home, &args, output).await
}

fn named_file(args: &FileArg) -> CliResult<&str> {
    args.file
        .as_deref()
        .ok_or_else(|| CliError::new(Kind::Usage, "no file is named").hint("/files lists them"))
}

async fn retract(
    home: &Home,
    room: &KnownRoom,
    args: &SlashRetractArgs,
    output: Printer<'_>,
) -> CliResult {
    let args = RetractArgs {
        message: args.message.clone().unwrap_or_default(),
        of: RoomArg {
            room: Some(room.id.to_hex()),
        },
    };
    belong::retract(home, &args, output).await
}

async fn join(
    home: &Home,
    here: &KnownRoom,
    args: &SlashJoinArgs,
    output: Printer<'_>,
) -> CliResult {
    let ticket = args.ticket.trim().to_owned();
    room_command::parse_ticket(&ticket)?;
    let nick = match args.nick.clone().or_else(|| clean_nick(&here.nick)) {
        Some(nick) => nick,
        None => fingerprint(&home.identity()?.author()),
    };
    let params = JoinParams {
        ticket,
        nick,
        bind: Some(room_command::choose_binding(args.bind.as_deref(), output)?),
        relay: None,
        wait_ms: JOIN_WAIT.as_millis() as u64,
    };
    let mut client = launch::connect_or_start(home).await?;
    let opened: Opened = client
        .call_within("room.join", &params, JOIN_WAIT + ANSWER_DEADLINE)
        .await?;
    let name = rooms::shown_name(&opened.name, &opened.room);
    let nick = clean_nick(&opened.nick).unwrap_or_default();
    output.text(match opened.state {
        State::Joined => format!("joined {name} as @{nick}"),
        _ => match &opened.refusal {
            Some(reason) => format!("a member's door was closed: {reason}"),
            None => format!("joining {name} as @{nick}: you are in as soon as a member is online"),
        },
    });
    Ok(())
}

async fn ticket(home: &Home, args: &RoomArg) -> CliResult<Reply> {
    let room = rooms::find(home, args.room.as_deref())?;
    let mut client = launch::connect_or_start(home).await?;
    let params = RoomParams {
        room: room.id.to_hex(),
    };
    let answer: TicketResult = client.call("room.ticket", &params).await?;
    let note = format!(
        "Whoever has this ticket can join {}: it is a secret. /invite makes one that ends, or is good for one person alone.",
        room.shown_name()
    );
    shown_ticket(answer.ticket, note)
}

fn shown_ticket(ticket: String, note: String) -> CliResult<Reply> {
    let code = qr::render(&ticket, false)?;
    Ok(Reply::Ticket {
        ticket,
        qr: code.lines().map(str::to_owned).collect(),
        note,
    })
}

/// What a command said that gives a ticket; one that gave none in the end just said something.
fn with_ticket(slash: &Slash, pieces: Vec<Piece>) -> CliResult<Reply> {
    let ticket = pieces.iter().find_map(|piece| match piece {
        Piece::Data(text) => text.parse::<Ticket>().is_ok().then(|| text.clone()),
        Piece::Note(_) => None,
    });
    let Some(ticket) = ticket else {
        return Ok(Reply::Said(said(slash, pieces)));
    };
    let notes = pieces.iter().filter_map(|piece| match piece {
        Piece::Note(text) => Some(clean_line(&as_typed_here(text), usize::MAX)),
        Piece::Data(_) => None,
    });
    let note = notes.collect::<Vec<_>>().join(" ");
    shown_ticket(ticket, note)
}

fn said(slash: &Slash, pieces: Vec<Piece>) -> Said {
    // These quote what somebody wrote; their own words name no command.
    let translate = !matches!(slash, Slash::Held(_) | Slash::Preview(_) | Slash::Drop(_));
    let mut all = Vec::new();
    for piece in pieces {
        let (Piece::Data(text) | Piece::Note(text)) = piece;
        all.extend(lines(&text, translate));
    }
    if all.len() > LINES_MAX {
        let more = all.len() - LINES_MAX;
        all.truncate(LINES_MAX);
        all.push(format!(
            "and {more} more lines, which the command line shows"
        ));
    }
    Said {
        title: slash.title().to_owned(),
        lines: all,
    }
}

fn lines(text: &str, translate: bool) -> Vec<String> {
    let text = clean_text(text);
    let text = if translate {
        as_typed_here(&text)
    } else {
        text
    };
    text.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Words of our own, for somebody who types the commands here: `cc-connect trust` becomes `/trust`.
fn as_typed_here(text: &str) -> String {
    if !text.contains(PROGRAM) {
        return text.to_owned();
    }
    let mut text = text.replace("cc-connect room join ", "/join ");
    for (name, _) in help::names() {
        // On the command line it has commands of its own.
        if name != "room" {
            text = text.replace(&format!("{PROGRAM}{name}"), &format!("/{name}"));
        }
    }
    text
}

#[cfg(test)]
mod tests;
