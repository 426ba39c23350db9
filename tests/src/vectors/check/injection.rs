//! What an agent's prompt gets, byte for byte.

use std::collections::BTreeMap;

use cc_proto::files::{FilePlace, SharedFile};
use cc_proto::id::{ArrivalNo, RoomId, Timestamp};
use cc_proto::render::{self, Candidate, Quote, Request, RoomUnread};
use cc_proto::text::names_reader;
use serde_json::{Value, json};

use super::{Outcome, room_of};
use crate::vectors::input::{self, number, u64_of};
use crate::vectors::refusals::Refused;

/// `nonce`, `now`, `rooms_path`, `rooms` with their unread `messages`.
pub fn render(input: &Value) -> Outcome {
    let mut quotes = BTreeMap::new();
    let rooms: Vec<RoomUnread<'_>> = input::list(input, "rooms")
        .iter()
        .map(|room| unread(room, &mut quotes))
        .collect();
    let request = Request {
        nonce: input::array(input, "nonce"),
        now: Timestamp(u64_of(input, "now")),
        rooms_path: input::text(input, "rooms_path"),
        bytes_max: render::INJECTION_BYTES_MAX,
        rooms,
    };
    let load = |room: RoomId, n: ArrivalNo| quotes.get(&(room, n)).cloned();
    let injection = render::render(&request, load).ok_or_else(|| Refused::plain("nothing"))?;
    assert!(injection.text.len() <= render::INJECTION_BYTES_MAX);
    let told: Vec<Value> = injection
        .rooms
        .iter()
        .map(|told| {
            let shown: Vec<Value> = told.shown.iter().map(|n| number(n.0)).collect();
            json!({ "room": told.room.to_hex(), "shown": shown, "counted": number(told.counted) })
        })
        .collect();
    let lines: Vec<&str> = injection.text.split('\n').collect();
    Ok(json!({ "bytes": injection.text.len(), "lines": lines, "rooms": told }))
}

fn unread<'a>(
    input: &'a Value,
    quotes: &mut BTreeMap<(RoomId, ArrivalNo), Quote>,
) -> RoomUnread<'a> {
    let room = room_of(input);
    let reader_nick = input::text(input, "reader_nick");
    let messages = input::list(input, "messages");
    let mut authors = Vec::new();
    let mut candidate = |message: &'a Value| {
        let n = ArrivalNo(u64_of(message, "n"));
        let author = input::text(message, "author");
        if !authors.contains(&author) {
            authors.push(author);
        }
        let author_tag = authors.iter().position(|known| *known == author);
        if !input::flag(message, "damaged") {
            quotes.insert((room, n), quote(message));
        }
        Candidate {
            n,
            author_tag: author_tag.unwrap_or_default() as u64,
            addressed: names_reader(text_of(message), reader_nick),
        }
    };
    let candidates = messages.iter().map(&mut candidate).collect();
    let arrived = input::list(input, "arrived");
    let arrived = arrived.iter().map(&mut candidate).collect();
    RoomUnread {
        room,
        name: input::text(input, "name"),
        reader_nick,
        unread: u64_of(input, "unread"),
        arrived,
        noticed: noticed(input),
        candidates,
    }
}

/// Of whom only a number is told; most rooms have nobody.
fn noticed(room: &Value) -> Vec<(String, u64)> {
    let people = room.get("noticed").and_then(Value::as_array);
    let counted = |person: &Value| {
        (
            input::text(person, "shown_as").to_owned(),
            u64_of(person, "count"),
        )
    };
    people.into_iter().flatten().map(counted).collect()
}

fn quote(message: &Value) -> Quote {
    Quote {
        name: input::text(message, "shown_as").to_owned(),
        own: input::flag(message, "own"),
        via: input::text(message, "via").to_owned(),
        ts: Timestamp(u64_of(message, "ts")),
        at: Timestamp(u64_of(message, "at")),
        text: text_of(message).to_owned(),
        file: message.get("file").map(file),
    }
}

/// What a message says; nothing where it announces a file.
fn text_of(message: &Value) -> &str {
    match message.get("file") {
        Some(_) => "",
        None => input::text(message, "text"),
    }
}

fn file(file: &Value) -> SharedFile {
    let path = input::field(file, "path");
    SharedFile {
        name: input::text(file, "name").to_owned(),
        size: u64_of(file, "size"),
        folder: input::flag(file, "folder"),
        place: if path.is_null() {
            FilePlace::NotHere
        } else {
            FilePlace::Here {
                path: path.as_str().map(str::to_owned),
            }
        },
    }
}
