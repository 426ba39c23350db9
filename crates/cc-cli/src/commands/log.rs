//! `log`: a room's history, and what arrives.

use cc_proto::id::{ArrivalNo, Timestamp};
use serde_json::json;

use super::receipts;
use crate::args::LogArgs;
use crate::client::Client;
use crate::error::{CliError, CliResult, Kind};
use crate::history::History;
use crate::home::Home;
use crate::launch;
use crate::output::Output;
use crate::rooms::{self, KnownRoom};
use crate::rpc::{RoomParams, State, Subscribed};
use crate::when::{self, Since};

/// Prints the history in order of arrival; with `--follow` goes on until interrupted.
pub async fn run(home: &Home, args: &LogArgs, output: Output) -> CliResult {
    let room = rooms::find(home, args.room.as_deref())?;
    let since = args
        .since
        .as_deref()
        .map(|since| when::parse_since(since, when::now()))
        .transpose()?;
    if args.follow {
        return follow(home, &room, since, args.receipts, output).await;
    }
    let mut client = if args.receipts {
        Some(launch::connect_or_start(home).await?)
    } else {
        None
    };
    if let Some(mut history) = open(home, &room)? {
        let last = start(&history, since)?;
        print(&mut history, last, &room, client.as_mut(), output).await?;
    } else {
        output.note("nothing has arrived yet");
    }
    Ok(())
}

/// Prints what has arrived after `last`, and with a way to the daemon how far it has come; gives the newest line.
async fn print(
    history: &mut History,
    mut last: ArrivalNo,
    room: &KnownRoom,
    client: Option<&mut Client>,
    output: Output,
) -> CliResult<ArrivalNo> {
    let Some(client) = client else {
        return history.print_after(last, |_| false, output);
    };
    let end = history.refresh(last)?;
    while last < end {
        let (known, through) = receipts::after(client, room, last.0, end.0).await?;
        // An answer about nothing: the daemon does not have what the log has.
        let through = if through > last.0 {
            ArrivalNo(through)
        } else {
            end
        };
        history.print_range(last, through.min(end), &known, |_| false, output)?;
        last = through.min(end);
    }
    Ok(end)
}

/// The history; none before a member let us in.
fn open(home: &Home, room: &KnownRoom) -> CliResult<Option<History>> {
    match History::open(home, room) {
        Ok(history) => Ok(Some(history)),
        Err(_) if room.state == State::Joining => Ok(None),
        Err(error) => Err(error),
    }
}

async fn follow(
    home: &Home,
    room: &KnownRoom,
    since: Option<Since>,
    with_receipts: bool,
    output: Output,
) -> CliResult {
    let mut client = launch::connect_or_start(home).await?;
    // Before the first look, so that nothing falls between.
    let _: Subscribed = client
        .call(
            "subscribe",
            &RoomParams {
                room: room.id.to_hex(),
            },
        )
        .await?;
    let mut shown: Option<(History, ArrivalNo)> = None;
    loop {
        if shown.is_none()
            && let Some(history) = open(home, room)?
        {
            let last = start(&history, since)?;
            shown = Some((history, last));
        }
        if let Some((history, last)) = &mut shown {
            let daemon = with_receipts.then_some(&mut client);
            *last = print(history, *last, room, daemon, output).await?;
        }
        let Some(notification) = client.notification().await else {
            return Err(CliError::new(Kind::Daemon, "the daemon has stopped"));
        };
        if notification.params["event"] == json!("refused") {
            output.note("a member refused to let you in; see cc-connect status");
        }
    }
}

/// The line after which to begin.
fn start(history: &History, since: Option<Since>) -> CliResult<ArrivalNo> {
    match since {
        None => Ok(ArrivalNo(0)),
        Some(Since::Line(n)) => Ok(n),
        Some(Since::Time(time)) => first_since(history, time),
    }
}

/// Goes back from the newest line to one that arrived before `time`. Damaged lines have no time and do not end it.
fn first_since(history: &History, time: Timestamp) -> CliResult<ArrivalNo> {
    let mut n = history.len().0;
    while n > 0 {
        let line = history.line(ArrivalNo(n))?;
        if line.message.is_ok() && line.at < time {
            break;
        }
        n -= 1;
    }
    Ok(ArrivalNo(n))
}
