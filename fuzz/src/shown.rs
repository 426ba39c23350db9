//! What people and agents get to see of a peer's words.

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use cc_proto::files::{EntryPaths, FilePlace, SharedFile};
use cc_proto::id::{ArrivalNo, AuthorId, RoomId, Timestamp};
use cc_proto::limits::{FILE_NAME_BYTES_MAX, FOLDER_DEPTH_MAX};
use cc_proto::render::{
    Candidate, INJECTION_BYTES_MAX, MESSAGES_SHOWN_MAX, Quote, ROOMS_TOLD_MAX, Request, RoomUnread,
    fence, render as rendered,
};
use cc_proto::text::{
    MemberName, clean_for_agent, clean_line, clean_line_for_agent, clean_nick, clean_text,
    display_names, file_name, is_shown_as_is, names_reader,
};

/// A text: cleaned as one of many lines, as one line, as a nick, and looked through for a nick.
pub fn text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let clean = clean_text(&text);
    assert!(
        clean
            .chars()
            .all(|c| is_shown_as_is(c) || matches!(c, '\n' | '\t'))
    );
    assert_eq!(clean_text(&clean), clean, "cleaning twice is as once");
    for chars_max in [0, 1, 40, usize::MAX] {
        let line = clean_line(&text, chars_max);
        assert!(line.chars().count() <= chars_max);
        assert!(line.chars().all(is_shown_as_is));
        assert_eq!(clean_line(&line, chars_max), line);
    }
    names_of_files(&text);
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    if let Some(nick) = clean_nick(first) {
        assert_eq!(clean_nick(&nick).as_ref(), Some(&nick));
        assert!(nick.chars().all(is_shown_as_is));
        assert!(
            !nick.contains(['[', ']', '(', ')', '@', '#', ':', ' ', '"']),
            "{nick}"
        );
        assert!(
            names_reader(&format!("@{nick}"), first),
            "{nick} is not called by its name"
        );
    }
    names_reader(rest, first);
    let keys = [AuthorId::from_bytes([1; 32]), AuthorId::from_bytes([2; 32])];
    let members = [(keys[0], first), (keys[1], rest)].map(|(author, nick)| MemberName {
        author,
        nick,
        petname: None,
    });
    let names = display_names(&members, None);
    assert_ne!(names[&keys[0]], names[&keys[1]], "two members of one name");
}

/// A name that a file is claimed to have, and each line as one of a file in a folder.
fn names_of_files(text: &str) {
    let name = file_name(text);
    assert_eq!(file_name(&name), name, "what is safe stays as it is");
    assert!((1..=FILE_NAME_BYTES_MAX).contains(&name.len()));
    assert!(!name.contains(['/', '\\', ':', '"', '<', '[', '\n']) && name != ".." && name != ".");
    assert_eq!(
        clean_line_for_agent(&name, usize::MAX),
        name,
        "cleaning changes nothing of it"
    );
    let mut paths = EntryPaths::new();
    let mut taken = BTreeSet::new();
    for line in text.lines() {
        let Ok(path) = paths.place(line) else {
            break;
        };
        assert!(path.split('/').count() <= FOLDER_DEPTH_MAX);
        assert!(
            path.split('/').all(|part| file_name(part) == part),
            "{path}"
        );
        assert!(taken.insert(path.to_lowercase()), "two files at {path}");
    }
    let said = SharedFile {
        name: text.to_owned(),
        size: text.len() as u64,
        folder: false,
        place: FilePlace::Here {
            path: Some(format!("/h/{name}")),
        },
    }
    .said("1a2b3c4d5e", 2048);
    assert!(!said.contains('\n'));
    assert_eq!(said.matches("@file:").count(), 1, "{said}");
    assert_eq!(
        clean_for_agent(text).to_ascii_lowercase().find("@file:"),
        None,
        "words that pass for a file"
    );
}

#[derive(Debug, Arbitrary)]
struct Unread<'a> {
    nonce: [u8; 8],
    now: u64,
    rooms_path: &'a str,
    rooms: Vec<Room<'a>>,
}

#[derive(Debug, Arbitrary)]
struct Room<'a> {
    id: u8,
    name: &'a str,
    reader_nick: &'a str,
    more_unread: u16,
    messages: Vec<Said<'a>>,
}

#[derive(Debug, Arbitrary)]
struct Said<'a> {
    author: u8,
    addressed: bool,
    damaged: bool,
    own: bool,
    name: &'a str,
    via: &'a str,
    ts: u64,
    at: u64,
    text: &'a str,
    repeat: u8,
}

/// What is unread in some rooms, rendered for a prompt: within its budget, and with nothing of a peer's that could
/// pass for anything else.
pub fn render(data: &[u8]) {
    let Ok(unread) = Unread::arbitrary(&mut Unstructured::new(data)) else {
        return;
    };
    let request = Request {
        nonce: unread.nonce,
        now: Timestamp(unread.now),
        rooms_path: unread.rooms_path,
        bytes_max: INJECTION_BYTES_MAX,
        rooms: (unread.rooms.iter()).map(room_of).collect(),
    };
    let said = |id: RoomId, n: ArrivalNo| {
        let room = (unread.rooms.iter()).find(|room| RoomId::from_bytes([room.id; 32]) == id)?;
        let said = room.messages.get(n.0 as usize - 1)?;
        (!said.damaged).then(|| Quote {
            name: said.name.to_owned(),
            own: said.own,
            via: said.via.to_owned(),
            ts: Timestamp(said.ts),
            at: Timestamp(said.at),
            text: said.text.repeat(usize::from(said.repeat)),
            file: None,
        })
    };
    let Some(injection) = rendered(&request, said) else {
        assert!(request.rooms.iter().all(|room| room.unread == 0));
        return;
    };
    assert!(
        injection.text.len() <= INJECTION_BYTES_MAX,
        "{} bytes",
        injection.text.len()
    );
    assert!(injection.rooms.len() <= ROOMS_TOLD_MAX);
    let shown: usize = injection.rooms.iter().map(|room| room.shown.len()).sum();
    assert!(shown <= MESSAGES_SHOWN_MAX);
    fenced(&injection.text, &fence(unread.nonce), shown);
}

fn room_of<'a>(room: &Room<'a>) -> RoomUnread<'a> {
    let messages = room.messages.iter().zip(1..);
    RoomUnread {
        room: RoomId::from_bytes([room.id; 32]),
        name: room.name,
        reader_nick: room.reader_nick,
        unread: room.messages.len() as u64 + u64::from(room.more_unread),
        arrived: Vec::new(),
        noticed: Vec::new(),
        candidates: messages
            .map(|(said, n)| Candidate {
                n: ArrivalNo(n),
                author_tag: u64::from(said.author),
                addressed: said.addressed,
            })
            .collect(),
    }
}

fn fenced(text: &str, fence: &str, shown: usize) {
    assert!(
        text.chars()
            .all(|c| is_shown_as_is(c) || matches!(c, '\n' | '\t'))
    );
    let lines: Vec<&str> = text.split('\n').collect();
    let fences: Vec<usize> = (0..lines.len()).filter(|at| lines[*at] == fence).collect();
    assert_eq!(fences, [1, lines.len() - 1], "the fences");
    let inside = &lines[2..lines.len() - 1];
    let begins = |line: &str, with: &str| line.starts_with(with);
    let headers = inside
        .iter()
        .filter(|line| begins(line, "[chatroom @"))
        .count();
    assert_eq!(headers, shown, "a header for each message shown");
    for line in inside {
        let counts = line.starts_with(|c: char| c.is_ascii_digit());
        let known = counts
            || ["[chatroom @", "room \"", "    "]
                .iter()
                .any(|with| begins(line, with));
        assert!(known, "{line:?} begins like none of ours");
    }
}
