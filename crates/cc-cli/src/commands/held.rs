//! `held`, `approve` and `refuse`: what agents want to say, and the owner's word on it.

use std::time::Duration;

use cc_proto::text::{clean_line, clean_nick, clean_text};

use super::objects::{Decided, object};
use crate::args::{HeldArgs, RoomArg};
use crate::client::Client;
use crate::error::CliResult;
use crate::files;
use crate::home::Home;
use crate::launch;
use crate::output::Printer;
use crate::rooms::{self, KnownRoom};
use crate::rpc::{HeldInfo, HeldList, HeldParams, SendKind, SendResult, SendRole};

/// Lists what waits.
pub async fn list(home: &Home, args: &RoomArg, output: Printer<'_>) -> CliResult {
    let only = match &args.room {
        Some(room) => Some(rooms::find(home, Some(room))?.id.to_hex()),
        None => None,
    };
    let mut client = launch::connect_or_start(home).await?;
    let held = waiting(&mut client).await?;
    let known = rooms::all(home)?;
    for message in held {
        if only.as_ref().is_some_and(|only| *only != message.room) {
            continue;
        }
        let room = known.iter().find(|room| room.id.to_hex() == message.room);
        let room = room.map_or_else(|| "a room that is gone".to_owned(), KnownRoom::shown_name);
        output.data(&object(&message), told(&message, &room));
    }
    Ok(())
}

/// Lets it go out.
pub async fn approve(home: &Home, args: &HeldArgs, output: Printer<'_>) -> CliResult {
    let mut client = launch::connect_or_start(home).await?;
    for held in meant(&mut client, args).await? {
        // What is shared is read first, which takes as long as it takes.
        let sent: SendResult = client
            .call_within("held.approve", &HeldParams { held }, Duration::MAX)
            .await?;
        let line = sent.n.unwrap_or_default();
        let decided = Decided {
            held,
            approved: true,
            id: sent.id,
            n: sent.n,
        };
        output.data(&object(&decided), format!("{held} is sent (line {line})"));
    }
    Ok(())
}

/// Throws it away.
pub async fn refuse(home: &Home, args: &HeldArgs, output: Printer<'_>) -> CliResult {
    let mut client = launch::connect_or_start(home).await?;
    for held in meant(&mut client, args).await? {
        let _: serde_json::Value = client.call("held.refuse", &HeldParams { held }).await?;
        let decided = Decided {
            held,
            approved: false,
            id: None,
            n: None,
        };
        output.data(&object(&decided), format!("{held} is thrown away"));
    }
    Ok(())
}

async fn waiting(client: &mut Client) -> CliResult<Vec<HeldInfo>> {
    let list: HeldList = client.call("held.list", &serde_json::json!({})).await?;
    Ok(list.held)
}

async fn meant(client: &mut Client, args: &HeldArgs) -> CliResult<Vec<u64>> {
    if !args.all {
        return Ok(args.held.clone());
    }
    let held = waiting(client).await?;
    Ok(held.into_iter().map(|message| message.held).collect())
}

fn told(message: &HeldInfo, room: &str) -> String {
    let agent = clean_nick(&message.agent).unwrap_or_else(|| "agent".to_owned());
    let mut what = match message.kind {
        SendKind::Chat => String::new(),
        SendKind::Summary => " as its summary".to_owned(),
    };
    match message.role {
        SendRole::Message => {}
        SendRole::Status => what.push_str(", a status"),
        SendRole::Error => what.push_str(", an error"),
    }
    if let Some(re) = &message.re {
        what = format!("{what}, in answer to {}", rooms::short(re));
    }
    let room = clean_line(room, usize::MAX);
    if let Some(file) = &message.file {
        let path = files::shown_path(file);
        let size = message.size.map_or_else(String::new, |size| {
            format!(" ({})", cc_proto::text::file_size(size))
        });
        let approved = if message.approved {
            "; approved before, and maybe in the room already: approve it again, which shares it once"
        } else {
            ""
        };
        return format!(
            "{} {agent} to {room}{what}: shares {path}{size}{approved}",
            message.held
        );
    }
    let text = clean_text(&message.text).replace('\n', "\n    ");
    format!("{} {agent} to {room}{what}: {text}", message.held)
}
