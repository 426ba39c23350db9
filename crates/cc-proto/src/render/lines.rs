//! The lines inside a fence that are not a message's. Whatever of them is not ours is on its line behind words of ours.

use std::fmt::Write as _;

use super::entry::shown_name;
use super::{NOTICED_NAMED_MAX, ROOM_NAME_CHARS_MAX};
use crate::id::RoomId;
use crate::text::clean_line_for_agent;

/// Begins what is told of a room.
pub(super) fn room_line(room: RoomId, name: &str) -> String {
    let name = clean_line_for_agent(name, ROOM_NAME_CHARS_MAX).replace('"', "'");
    format!("room \"{name}\" {}\n", room.short())
}

/// Says how many messages are only counted.
pub(super) fn count_line(room: RoomId, count: u64) -> String {
    format!(
        "{count} earlier {} not shown: cc-connect log --room {}\n",
        messages(count),
        room.short()
    )
}

/// A line for each of the first authors of whom only the number is told, and one for the others.
pub(super) fn notice_lines(noticed: &[(String, u64)]) -> String {
    let mut lines = String::new();
    let mut rest = (0_usize, 0_u64);
    for (at, (name, count)) in noticed.iter().enumerate() {
        if at < NOTICED_NAMED_MAX {
            let name = shown_name(name);
            let _ = writeln!(lines, "{count} {} from @{name} not shown", messages(*count));
        } else {
            rest = (rest.0 + 1, rest.1.saturating_add(*count));
        }
    }
    if rest.0 > 0 {
        let (others, count) = rest;
        let others = if others == 1 {
            "1 other".to_owned()
        } else {
            format!("{others} others")
        };
        let _ = writeln!(lines, "{count} {} from {others} not shown", messages(count));
    }
    lines
}

/// The word for that many of them.
pub(super) fn messages(count: u64) -> &'static str {
    if count == 1 { "message" } else { "messages" }
}
