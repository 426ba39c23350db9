//! From lines of the log to what the chat shows of them. Everything that a peer wrote is cleaned here.

use std::collections::HashMap;

use cc_log::Line;
use cc_proto::body::{Body, Kind as MessageKind};
use cc_proto::clock::is_skewed;
use cc_proto::files::FOLDER_MEDIA_TYPE;
use cc_proto::id::{ArrivalNo, MessageId};
use cc_proto::message::Message;
use cc_proto::text::{clean_line, clean_nick, clean_text, file_name};

use crate::chat::types::{Entry, FileCard, Marks, What};
use crate::reading::{Reading, Tips, is_fork};
use crate::rpc::FileState;

/// How far back the message that another answers is looked for, in lines.
const ANSWERED_LINES_MAX: u64 = 2000;
/// How much of it is shown, in characters.
const ANSWERED_CHARS_MAX: usize = 80;
/// Answered messages that are remembered; then they are looked for anew.
const ANSWERED_KEPT_MAX: usize = 4096;

/// The name and the beginning of a message that another answers; none where it is not found.
type Answered = Option<(String, String)>;

/// Turns the lines of one room into entries.
#[derive(Default)]
pub struct Entries {
    answered: HashMap<MessageId, Answered>,
}

impl Entries {
    /// The entry of a line; none of what counts for nothing, or is nothing to show.
    pub fn of(&mut self, reading: &Reading, tips: &mut Tips, line: &Line) -> Option<Entry> {
        if reading.is_void(line) {
            return None;
        }
        let fork = is_fork(tips, line);
        let Ok(message) = &line.message else {
            return Some(damaged(line.n));
        };
        let what = what(reading, message);
        if what == What::Nothing {
            return None;
        }
        let header = message.header();
        Some(Entry {
            n: line.n.0,
            id: Some(message.id().to_hex()),
            author: header.author.to_hex(),
            name: reading.name(&header.author),
            mine: reading.view().is_some_and(|view| view.me == header.author),
            via: via(&header.via),
            ts: header.ts.0,
            skewed: is_skewed(header.ts, line.at),
            fork,
            for_me: line.flags.names_owner(),
            re: header.re.and_then(|re| self.answered(reading, re)),
            what,
            marks: Marks::default(),
        })
    }

    /// Names or texts may have changed.
    pub fn forget(&mut self) {
        self.answered.clear();
    }

    fn answered(&mut self, reading: &Reading, re: MessageId) -> Answered {
        if let Some(known) = self.answered.get(&re) {
            return known.clone();
        }
        // One that cannot be read is shown as one that is not there.
        let line = reading.log().find(&re, ANSWERED_LINES_MAX).ok().flatten();
        let found = line
            .filter(|line| !reading.is_void(line))
            .and_then(|line| line.message.ok())
            .map(|message| (reading.name(&message.header().author), beginning(&message)));
        if self.answered.len() >= ANSWERED_KEPT_MAX {
            self.answered.clear();
        }
        self.answered.insert(re, found.clone());
        found
    }
}

/// The beginning of what a message says, in one line.
pub fn beginning(message: &Message) -> String {
    match message.body() {
        None => "a message that was taken back".to_owned(),
        Some(Body::File(file)) => file_name(&file.name),
        _ => clean_line(message.text().unwrap_or_default(), ANSWERED_CHARS_MAX),
    }
}

/// The agent that wrote a message, fit for a terminal; none for a person.
pub fn via(via: &str) -> Option<String> {
    if via.is_empty() {
        return None;
    }
    Some(clean_nick(via).unwrap_or_else(|| "an agent".to_owned()))
}

fn what(reading: &Reading, message: &Message) -> What {
    let Some(body) = message.body() else {
        let was_shown = [MessageKind::Chat, MessageKind::File, MessageKind::Summary];
        let erased = was_shown.contains(&message.kind());
        return if erased {
            What::TakenBack
        } else {
            What::Nothing
        };
    };
    match body {
        Body::Chat(chat) => What::Said(clean_text(&chat.text)),
        Body::Summary(summary) => What::Summary(clean_text(&summary.text)),
        Body::File(file) => What::File(FileCard {
            name: file_name(&file.name),
            size: file.size,
            folder: file.media_type == FOLDER_MEDIA_TYPE,
            state: FileState::Announced,
            have: 0,
            path: None,
            fault: None,
        }),
        // The text that was taken back says so itself.
        Body::Retract(_) => What::Nothing,
        _ => reading.deed(body).map_or(What::Nothing, |deed| {
            let who = reading.name(&message.header().author);
            What::System(format!("@{who} {deed}"))
        }),
    }
}

fn damaged(n: ArrivalNo) -> Entry {
    Entry {
        n: n.0,
        id: None,
        author: String::new(),
        name: String::new(),
        mine: false,
        via: None,
        ts: 0,
        skewed: false,
        fork: false,
        for_me: false,
        re: None,
        what: What::Damaged,
        marks: Marks::default(),
    }
}
