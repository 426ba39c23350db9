//! `chat`, and what `room start` and `room join` end with: the chat, full screen where the terminal can be, else line by
//! line.

use super::objects::Opened;
use crate::args::ChatArgs;
use crate::chat::{plain, run};
use crate::client::Client;
use crate::error::CliResult;
use crate::home::Home;
use crate::launch;
use crate::output::Output;
use crate::rooms::{self, KnownRoom};
use crate::rpc::{RoomParams, State, Subscribed};

/// Opens the chat of the rooms of the home.
pub async fn open(home: &Home, args: &ChatArgs, output: Output) -> CliResult {
    let is_full = !args.plain && run::is_possible(output);
    let room = match rooms::find(home, args.room.as_deref()) {
        Ok(room) => Some(room),
        // Full screen, the person chooses one there.
        Err(error) if args.room.is_some() || !is_full || rooms::all(home)?.is_empty() => {
            return Err(error);
        }
        Err(_) => None,
    };
    match room {
        Some(room) if !is_full => line_by_line(home, &room, output).await,
        room => {
            let front = room.map(|room| room.id.to_hex());
            run::run(home, front.as_deref(), output).await
        }
    }
}

/// The chat of a room that was just opened.
pub async fn after_opening(
    home: &Home,
    client: Client,
    opened: Opened,
    plain: bool,
    output: Output,
) -> CliResult {
    if plain || !run::is_possible(output) {
        return plain::run(home, client, opened, output).await;
    }
    drop(client);
    run::run(home, Some(&opened.room), output).await
}

async fn line_by_line(home: &Home, room: &KnownRoom, output: Output) -> CliResult {
    let mut client = launch::connect_or_start(home).await?;
    let params = RoomParams {
        room: room.id.to_hex(),
    };
    let subscribed: Subscribed = client.call("subscribe", &params).await?;
    let opened = Opened {
        room: params.room,
        name: room.name.clone(),
        nick: room.nick.clone(),
        ticket: String::new(),
        state: subscribed.state,
        refusal: None,
        bound: None,
    };
    if let Some(aside) = opened
        .state
        .aside()
        .filter(|_| opened.state != State::Joined)
    {
        output.note(aside);
    }
    plain::run(home, client, opened, output).await
}
