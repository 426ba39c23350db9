//! Rooms, members and messages to draw.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::chat::app::{Connection, Hit, Pending, Toast};
use crate::chat::theme::{Depth, Theme};
use crate::chat::types::{Entry, FileCard, Marks, Member, RoomEntry, What};
use crate::chat::view::{Choice, Composer, Motion, Over, Screen, Scroll};
use crate::rpc::{FileState, State, Trust};

/// Sunday 2026-11-22 10:00Z
pub const NOW: u64 = 1_795_341_600_000;
pub const MINUTE: u64 = 60_000;

/// What a [`Screen`] borrows.
#[derive(Debug, Clone)]
pub struct Sample {
    pub rooms: Vec<RoomEntry>,
    pub current: usize,
    pub entries: VecDeque<Entry>,
    pub has_older: bool,
    pub has_newer: bool,
    pub opened: bool,
    pub seen: Option<u64>,
    pub scroll: Scroll,
    pub motion: Motion,
    pub news: u64,
    pub selected: Option<u64>,
    pub pending: Vec<Pending>,
    pub members: Vec<Member>,
    pub sidebar: bool,
    pub typed: Vec<String>,
    pub cursor: (u16, u16),
    pub bytes: usize,
    pub label: Option<String>,
    pub answers: Option<(String, String)>,
    pub choices: Vec<Choice>,
    pub toasts: Vec<Toast>,
    pub connection: Connection,
    pub paused: bool,
    pub held: u64,
    pub theme: Theme,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            rooms: vec![room("kitchen")],
            current: 0,
            entries: VecDeque::new(),
            has_older: false,
            has_newer: false,
            opened: true,
            seen: None,
            scroll: Scroll::default(),
            motion: Motion::default(),
            news: 0,
            selected: None,
            pending: Vec::new(),
            members: members(),
            sidebar: true,
            typed: vec![String::new()],
            cursor: (0, 0),
            bytes: 0,
            label: None,
            answers: None,
            choices: Vec::new(),
            toasts: Vec::new(),
            connection: Connection::Up,
            paused: false,
            held: 0,
            theme: Theme {
                depth: Depth::Cube,
                unicode: true,
            },
        }
    }
}

impl Sample {
    /// What is drawn, with something over it.
    pub fn screen<'a>(&'a self, overlay: Option<Over<'a>>) -> Screen<'a> {
        Screen {
            rooms: self.rooms.iter().collect(),
            current: self.current,
            entries: &self.entries,
            has_older: self.has_older,
            has_newer: self.has_newer,
            loading: false,
            opened: self.opened,
            seen: self.seen,
            scroll: self.scroll,
            motion: self.motion,
            news: self.news,
            selected: self.selected,
            pending: &self.pending,
            members: &self.members,
            sidebar: self.sidebar,
            composer: Composer {
                rows: &self.typed,
                cursor: self.cursor,
                first_row: 0,
                total_rows: self.typed.len(),
                bytes: self.bytes,
                hint: "Say something, or / for commands",
                label: self.label.as_deref(),
                answers: self
                    .answers
                    .as_ref()
                    .map(|(whom, text)| (whom.as_str(), text.as_str())),
            },
            completion: (!self.choices.is_empty()).then_some(crate::chat::view::Completion {
                choices: &self.choices,
                chosen: 1.min(self.choices.len().saturating_sub(1)),
            }),
            overlay,
            toasts: self.toasts.iter().collect(),
            connection: &self.connection,
            paused: self.paused,
            held: self.held,
            user: Some(Path::new("/home/alice")),
            now_ms: NOW,
            theme: &self.theme,
        }
    }

    pub fn type_text(&mut self, text: &str) {
        self.typed = vec![text.to_owned()];
        self.cursor = (0, crate::chat::wrap::width(text) as u16);
        self.bytes = text.len();
    }
}

pub fn room(name: &str) -> RoomEntry {
    RoomEntry {
        room: "ab".repeat(32),
        name: name.to_owned(),
        nick: "alice".to_owned(),
        state: State::Joined,
        members: 3,
        online: 2,
        looking: false,
        unread: 0,
        mentions: 0,
    }
}

pub fn three_rooms() -> Vec<RoomEntry> {
    vec![
        room("kitchen"),
        RoomEntry {
            unread: 1204,
            mentions: 2,
            ..room("a trip to Kraków in the spring")
        },
        RoomEntry {
            state: State::Joining,
            ..room("book club")
        },
        RoomEntry {
            online: 1,
            ..room("on call")
        },
    ]
}

fn member(name: &str, online: bool) -> Member {
    Member {
        author: key(name),
        name: name.to_owned(),
        nick: name.to_owned(),
        online,
        me: false,
        root: false,
        admin: false,
        forked: false,
        trust: Trust::Inline,
        agents: Vec::new(),
    }
}

pub fn members() -> Vec<Member> {
    vec![
        Member {
            me: true,
            root: true,
            agents: vec!["claude-code".to_owned()],
            ..member("alice", true)
        },
        Member {
            admin: true,
            agents: vec!["codex".to_owned(), "opencode".to_owned()],
            ..member("bob", true)
        },
        Member {
            trust: Trust::Muted,
            forked: true,
            ..member("bob#0123456789", false)
        },
    ]
}

/// A key for a name.
pub fn key(name: &str) -> String {
    let bytes: Vec<u8> = name.bytes().cycle().take(32).collect();
    data_encoding::HEXLOWER.encode(&bytes)
}

pub fn entry(n: u64, name: &str, what: What) -> Entry {
    Entry {
        n,
        id: Some("cd".repeat(32)),
        author: key(name),
        name: name.to_owned(),
        mine: name == "alice",
        via: None,
        ts: NOW - (40 - n.min(40)) * MINUTE,
        skewed: false,
        fork: false,
        for_me: false,
        re: None,
        what,
        marks: Marks::default(),
    }
}

pub fn said(n: u64, name: &str, text: &str) -> Entry {
    entry(n, name, What::Said(text.to_owned()))
}

pub fn file(n: u64, name: &str, state: FileState) -> Entry {
    let is_here = state == FileState::Here;
    let card = FileCard {
        name: name.to_owned(),
        size: 151_552,
        folder: name.ends_with('/'),
        state,
        have: if is_here { 151_552 } else { 68_000 },
        path: is_here
            .then(|| PathBuf::from(format!("/home/alice/.cc-connect/rooms/abab/files/{name}"))),
        fault: matches!(state, FileState::Damaged | FileState::Failed)
            .then(|| "its bytes are not what was announced".to_owned()),
    };
    entry(n, "bob", What::File(card))
}

/// Something of each kind.
pub fn conversation() -> VecDeque<Entry> {
    let yesterday = NOW - 30 * 60 * MINUTE;
    let mut all = vec![
        Entry {
            ts: yesterday,
            ..entry(
                1,
                "bob",
                What::System("bob joined, let in by alice".to_owned()),
            )
        },
        Entry {
            ts: yesterday,
            ..said(2, "bob", "hello there\nwhich database?")
        },
        Entry {
            ts: yesterday + MINUTE,
            ..said(3, "bob", "I would rather not run another one")
        },
        Entry {
            marks: Marks {
                others: Some(2),
                reached: vec!["bob".to_owned()],
                offered: Vec::new(),
            },
            ..said(4, "alice", "postgres, we have it: port 5432")
        },
        Entry {
            via: Some("claude-code".to_owned()),
            re: Some(("alice".to_owned(), "postgres, we have it".to_owned())),
            ..said(
                5,
                "bob",
                "The schema is in place. A longer text that has to be broken into more than one row on any screen that is as wide as this one is, and so it goes on for a while.",
            )
        },
        Entry {
            for_me: true,
            ..said(
                6,
                "bob#0123456789",
                "@alice can you look at this? 日本語のテキスト 👍",
            )
        },
        Entry {
            skewed: true,
            ts: NOW + 90 * 24 * 60 * MINUTE,
            ..said(7, "carol", "my clock is off")
        },
        Entry {
            fork: true,
            ..said(8, "carol", "and I said two things at once")
        },
        entry(9, "bob", What::TakenBack),
        entry(10, "", What::Damaged),
        entry(11, "carol", What::Nothing),
        entry(
            12,
            "bob",
            What::Summary("We chose postgres.\nBob writes the schema.".to_owned()),
        ),
        file(13, "design.svg", FileState::Fetching),
        said(14, "alice", "thanks"),
        Entry {
            marks: Marks {
                others: Some(2),
                reached: vec!["bob".to_owned(), "carol".to_owned()],
                offered: vec![("bob".to_owned(), "codex".to_owned())],
            },
            ..said(15, "alice", "shipping it")
        },
    ];
    all[13].marks.others = Some(2);
    all.into()
}

pub fn many(count: u64) -> VecDeque<Entry> {
    (1..=count)
        .map(|n| Entry {
            ts: NOW + n * MINUTE / 10,
            ..said(
                n,
                if n % 7 < 3 { "bob" } else { "carol" },
                &format!("message {n}"),
            )
        })
        .collect()
}

pub fn hits() -> Vec<Hit> {
    let hit = |n, name: &str, text: &str| Hit {
        n,
        name: name.to_owned(),
        ts: NOW - n * MINUTE,
        text: text.to_owned(),
    };
    vec![
        hit(14, "alice", "postgres, we have it: port 5432"),
        hit(
            9,
            "bob",
            "… so Postgres it is, 日本語 and all the rest of a long line that does not fit",
        ),
        hit(2, "carol", "what is postgres?"),
    ]
}
