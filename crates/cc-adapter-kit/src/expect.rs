//! What must have been told, and where cursors must stand after it.

use std::collections::BTreeMap;
use std::fs;

use cc_proto::id::{ArrivalNo, Timestamp};
use cc_proto::render::{Candidate, Quote, Request, RoomUnread, render};
use cc_proto::text::names_reader;
use serde_json::Value;

use crate::report::{Checked, Stop};
use crate::room::{ALICE, Room, Said};
use crate::world::{Answer, Ask, World};

/// How much of a text a fault quotes, in characters.
const QUOTED_CHARS_MAX: usize = 160;

/// What is to be told of a room.
pub(crate) struct Told<'a> {
    room: &'a Room,
    lines: Vec<u64>,
    noticed: Vec<(String, u64)>,
    damaged: Vec<u64>,
    arrived: Vec<u64>,
}

impl<'a> Told<'a> {
    /// These lines are unread, and to be told of as the budget allows.
    pub fn of(room: &'a Room, lines: impl IntoIterator<Item = u64>) -> Self {
        Self {
            room,
            lines: lines.into_iter().collect(),
            noticed: Vec::new(),
            damaged: Vec::new(),
            arrived: Vec::new(),
        }
    }

    /// The files of these lines were announced before, and are here now.
    pub fn and_arrived(mut self, lines: &[u64]) -> Self {
        self.arrived = lines.to_vec();
        self
    }

    /// Of these only the number of messages is told.
    pub fn and_noticed(mut self, noticed: &[(&str, u64)]) -> Self {
        let owned = noticed.iter().map(|(name, n)| ((*name).to_owned(), *n));
        self.noticed = owned.collect();
        self
    }

    /// These of the lines cannot be read.
    pub fn damaged(mut self, lines: &[u64]) -> Self {
        self.damaged = lines.to_vec();
        self
    }

    fn unread(&self) -> RoomUnread<'_> {
        let candidate = |n: &u64| {
            let said = self.room.said.get(n).filter(|_| !self.damaged.contains(n));
            let reader = &self.room.view.nick;
            Candidate {
                n: ArrivalNo(*n),
                author_tag: said.map_or(0, |said| said.who as u64 + 1),
                addressed: said
                    .is_some_and(|said| said.who != ALICE && names_reader(&said.text, reader)),
            }
        };
        let lines = self.lines.iter().map(candidate).collect();
        let arrived = self.arrived.iter().map(candidate).collect();
        RoomUnread {
            room: self.room.id,
            name: &self.room.view.name,
            reader_nick: &self.room.view.nick,
            unread: self.lines.len() as u64,
            arrived,
            noticed: self.noticed.clone(),
            candidates: lines,
        }
    }

    fn quote(&self, n: ArrivalNo) -> Option<Quote> {
        let said = self.room.said.get(&n.0)?;
        if self.damaged.contains(&n.0) {
            return None;
        }
        let file = said.shared();
        let Said {
            who,
            via,
            ts,
            at,
            text,
            ..
        } = said.clone();
        Some(Quote {
            name: self.room.names.get(&who).cloned().unwrap_or_default(),
            own: who == ALICE,
            via,
            ts,
            at,
            text,
            file,
        })
    }
}

impl World<'_> {
    /// At the next prompt of a session in the project these are told, to the byte.
    pub fn told(&self, session: &str, told: &[Told<'_>]) -> Checked<String> {
        self.told_when(&self.ask(session), told)
    }

    /// The same, asked in another way.
    pub fn told_when(&self, ask: &Ask<'_>, told: &[Told<'_>]) -> Checked<String> {
        let answer = self.patiently(ask)?;
        self.is_told(&answer, told)
    }

    /// Whether an answer tells just these; gives its text.
    pub fn is_told(&self, answer: &Answer, told: &[Told<'_>]) -> Checked<String> {
        let Some(text) = &answer.text else {
            return Err(Stop::fault("messages told of", "nothing was printed"));
        };
        let nonce = nonce_of(text)?;
        let right = |now| self.rendered(told, nonce, now);
        let first = right(answer.from)?;
        if *text != first && *text != right(answer.to)? {
            return Err(difference(&first, text));
        }
        Ok(text.clone())
    }

    /// The text as the specification has it.
    fn rendered(&self, told: &[Told<'_>], nonce: [u8; 8], now: Timestamp) -> Checked<String> {
        let rooms_path = self.home.join("rooms");
        let request = Request {
            nonce,
            now,
            rooms_path: &rooms_path.to_string_lossy(),
            bytes_max: self.subject.bytes_max(),
            rooms: told.iter().map(Told::unread).collect(),
        };
        let injection = render(&request, |room, n| {
            let of = told.iter().find(|told| told.room.id == room)?;
            of.quote(n)
        });
        let injection = injection.map(|injection| injection.text);
        injection.ok_or_else(|| Stop::fault("nothing", "a case that expects nothing as a text"))
    }

    /// A session's cursor stands after line `n`.
    pub fn stands_after(&self, room: &Room, session: &str, n: u64) -> Checked {
        let file = self.subject.reader_file(session);
        let path = room.cursors().join(format!("{file}.json"));
        let bytes = fs::read(&path).map_err(|error| {
            Stop::fault(
                format!("the cursor after line {n}"),
                format!("cursors/{file}.json: {error}"),
            )
        })?;
        let came = || String::from_utf8_lossy(&bytes).trim_end().to_owned();
        let cursor: Value =
            serde_json::from_slice(&bytes).map_err(|_| Stop::fault("a cursor in JSON", came()))?;
        let wrong = |expected: String| Err(Stop::fault(expected, came()));
        if cursor["v"] != 1 || cursor["n"] != n {
            return wrong(format!("a cursor of version 1 after line {n}"));
        }
        let ends = room.ends()?;
        if let Some(end) = ends.get((n as usize).wrapping_sub(1))
            && cursor["offset"] != *end
        {
            return wrong(format!("a cursor at byte {end}, where line {n} ends"));
        }
        let at = cursor["at"].as_u64().unwrap_or_default();
        if at.abs_diff(crate::room::now().0) > 60_000 {
            return wrong("a cursor that says when it was moved".into());
        }
        Ok(())
    }

    /// The id in a session's cursor is that of line `n`.
    pub fn names_line(&self, room: &mut Room, session: &str, n: u64) -> Checked {
        let file = self.subject.reader_file(session);
        let bytes = fs::read(room.cursors().join(format!("{file}.json")))?;
        let cursor: Value = serde_json::from_slice(&bytes)?;
        let id = room.id_of(n)?.map(|id| id.to_hex());
        if cursor["id"].as_str() == id.as_deref() {
            return Ok(());
        }
        Err(Stop::fault(
            format!("a cursor with the id of line {n}, {id:?}"),
            cursor["id"].to_string(),
        ))
    }

    /// A session's cursor did not move from where it was, or from nowhere.
    pub fn cursor_bytes(&self, room: &Room, session: &str) -> Option<Vec<u8>> {
        let file = self.subject.reader_file(session);
        fs::read(room.cursors().join(format!("{file}.json"))).ok()
    }
}

/// The digits of the fence, from the line after the introduction.
pub(crate) fn nonce_of(text: &str) -> Checked<[u8; 8]> {
    let line = text.lines().nth(1).unwrap_or_default();
    let digits = line
        .strip_prefix("----- ")
        .and_then(|line| line.strip_suffix(" -----"))
        .filter(|digits| digits.len() == 16)
        .filter(|digits| !digits.bytes().any(|byte| byte.is_ascii_uppercase()));
    let nonce = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    nonce
        .map(u64::to_be_bytes)
        .ok_or_else(|| Stop::fault("a fence of 16 hexadecimal digits in line 2", line))
}

/// The lines between the fences, without the line of the room.
pub(crate) fn inside(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.split('\n').collect();
    let end = lines.len().saturating_sub(1);
    lines.get(2..end).map(<[&str]>::to_vec).unwrap_or_default()
}

/// How often each of the words comes in texts.
pub(crate) fn count(texts: &[String], words: &[String]) -> BTreeMap<String, usize> {
    let whole = |text: &str, word: &str| {
        let lines = text.lines();
        lines
            .filter(|line| line.starts_with("[chatroom @") && line.ends_with(&format!("] {word}")))
            .count()
    };
    let each = words.iter().map(|word| {
        let times = texts.iter().map(|text| whole(text, word)).sum();
        (word.clone(), times)
    });
    each.collect()
}

/// The first line in which two texts differ.
fn difference(expected: &str, came: &str) -> Stop {
    let (expected, came): (Vec<&str>, Vec<&str>) =
        (expected.split('\n').collect(), came.split('\n').collect());
    let line =
        |lines: &[&str], at: usize| lines.get(at).map_or("no line".into(), |line| quoted(line));
    let at = (0..expected.len().max(came.len()))
        .find(|at| expected.get(*at) != came.get(*at))
        .unwrap_or_default();
    Stop::fault(
        format!("in line {}: {}", at + 1, line(&expected, at)),
        line(&came, at),
    )
}

fn quoted(line: &str) -> String {
    let mut short: String = line.chars().take(QUOTED_CHARS_MAX).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    format!("{short:?}")
}
