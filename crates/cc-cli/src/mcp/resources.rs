//! `cc://room/<id>/…`: the same texts as the tools give, to be attached rather than called for.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::arguments::{FilesArguments, MembersArguments, ReadArguments};
use super::desk::{self, Desk};
use super::refusal::{Outcome, Refusal};
use super::{files, people, read, summary};

/// What there is of each room.
pub const PARTS: [(&str, &str); 4] = [
    ("recent", "The newest messages of the room"),
    ("members", "Who is in the room"),
    ("summary", "The newest summary of the room"),
    ("files", "The files of the room"),
];

/// The address of a part.
pub fn uri(room: &str, part: &str) -> String {
    format!("cc://room/{room}/{part}")
}

/// The rooms and parts that can be read now; none where no room is connected.
pub fn list(desk: &Desk) -> Vec<(String, &'static str, &'static str)> {
    let Ok(connected) = desk.connected() else {
        return Vec::new();
    };
    let rooms = connected.all().iter().map(|room| room.id.to_hex());
    rooms
        .flat_map(|room| PARTS.map(|(part, what)| (room.clone(), part, what)))
        .collect()
}

/// Reads what stands at an address; `None` where nothing can.
pub async fn read(
    desk: &Arc<Desk>,
    uri: &str,
    stop: &CancellationToken,
) -> Option<Outcome<Answer>> {
    let (room, part) = uri.strip_prefix("cc://room/")?.split_once('/')?;
    // The whole id: an address is kept, and must not mean another room one day.
    let is_id = room.len() == 64 && room.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (part, _) = PARTS.iter().find(|(known, _)| is_id && *known == part)?;
    let room = Some(room.to_owned());
    Some(match *part {
        "recent" => {
            let (desk, stop) = (Arc::clone(desk), stop.clone());
            let arguments = ReadArguments {
                room,
                ..ReadArguments::default()
            };
            desk::blocking(move || read::read(&desk, &arguments, &stop)).await
        }
        "members" => people::members(desk, MembersArguments { room }).await,
        "summary" => {
            let desk = Arc::clone(desk);
            desk::blocking(move || summary::read(&desk, room.as_deref())).await
        }
        "files" => {
            let arguments = FilesArguments {
                room,
                ..FilesArguments::default()
            };
            files::list(desk, arguments).await
        }
        _ => Err(Refusal::new(
            "no_such_resource",
            "there is no such resource",
        )),
    })
}
