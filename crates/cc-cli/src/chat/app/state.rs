//! What the chat knows: what `view` draws, and what `App::handle` changes.

use std::collections::VecDeque;

use ratatui::layout::Rect;

use crate::chat::types::{Entry, Member, RoomEntry};

/// The daemon, as far as the chat is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// It is there.
    Up,
    /// It is looked for, or started.
    Looking,
    /// Somebody stopped it for good; the next message starts one again.
    Stopped,
    /// It cannot be had, in words; looked for again by itself.
    Failed(String),
}

/// One room in the chat.
#[derive(Debug)]
pub struct Pane {
    /// What the list of rooms says of it.
    pub entry: RoomEntry,
    /// The lines that are loaded, the oldest first, without gaps in their order.
    pub entries: VecDeque<Entry>,
    /// Whether there are lines before the first of `entries` that are not loaded.
    pub has_older: bool,
    /// Whether there are lines after the last of `entries` that are not loaded.
    pub has_newer: bool,
    /// Where the view stands.
    pub place: Place,
    /// The line that is selected, for an answer, a file or its details.
    pub selected: Option<u64>,
    /// The last line that was there when the room was last looked at: the unread line stands after it.
    pub seen: Option<u64>,
    /// What was typed and is not known to be on disk, the oldest first.
    pub pending: Vec<Pending>,
    /// Who belongs.
    pub members: Vec<Member>,
    /// The line that the next message answers.
    pub answers: Option<u64>,
    /// The search that goes on, or whose hits are shown.
    pub search: Option<Search>,
    /// Whether something is being loaded at the top or the bottom.
    pub loading: bool,
    /// Whether the first window has come.
    pub opened: bool,
}

/// Where the view of a room stands. The view works out what a line takes on the screen, so it also carries out
/// scrolling: `by` is what was asked for since the last drawing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The entry at the bottom of the screen; none: the newest, and what comes is followed.
    pub bottom: Option<u64>,
    /// How many rows of that entry are below the screen.
    pub below: u16,
    /// Rows to scroll by at the next drawing: up where positive.
    pub by: i32,
    /// Pages to scroll by at the next drawing: up where positive.
    pub pages: i32,
    /// An entry to bring on the screen at the next drawing.
    pub show: Option<u64>,
    /// Set by drawing: the numbers of the first and the last entry on the screen.
    pub shown: Option<(u64, u64)>,
    /// Set by drawing: whether the first loaded entry is on the screen.
    pub at_top: bool,
    /// Set by drawing: whether the last loaded entry is on the screen, whole.
    pub at_end: bool,
    /// Set while following is interrupted: messages that came meanwhile.
    pub news: u64,
}

/// Something typed that is not known to be on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Told apart by this.
    pub local: u64,
    /// What was typed, as it is sent.
    pub text: String,
    /// The line that it answers.
    pub answers: Option<u64>,
    /// The id of the message that it answers.
    pub re: Option<String>,
    /// Its line, once it is known.
    pub n: Option<u64>,
    /// Why it could not be sent, and that it is not tried again by itself; none while it is being sent.
    pub fault: Option<String>,
}

/// A search in a room, backwards from its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// What is looked for.
    pub text: String,
    /// The lines that have it, the newest first, with their beginnings.
    pub hits: Vec<Hit>,
    /// The hit that is shown.
    pub at: usize,
    /// How many lines were looked at.
    pub looked: u64,
    /// How many there are.
    pub of: u64,
    /// Whether it goes on.
    pub running: bool,
    /// Whether there were more hits than are kept.
    pub more: bool,
}

/// A line that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its number.
    pub n: u64,
    /// The name of who wrote it.
    pub name: String,
    /// When, in unix milliseconds.
    pub ts: u64,
    /// The text around what was looked for; one line.
    pub text: String,
}

/// A word to the person that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// What it says; clean.
    pub text: String,
    /// Whether it is about something that went wrong.
    pub bad: bool,
    /// When it goes away, in unix milliseconds.
    pub until_ms: u64,
}

/// What lies over the messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// The keys and the commands.
    Help {
        /// Rows scrolled down.
        scroll: u16,
    },
    /// Some lines of text, such as members or files.
    Text {
        /// Its title.
        title: String,
        /// Its lines; clean.
        lines: Vec<String>,
        /// Rows scrolled down.
        scroll: u16,
    },
    /// A ticket and its QR code.
    Ticket {
        /// The ticket: a secret.
        ticket: String,
        /// The code, two rows of it in each line.
        qr: Vec<String>,
        /// What to say beside it; clean.
        note: String,
    },
    /// The hits of the search.
    Hits,
    /// A question that is answered with `y`, or with anything else.
    Confirm {
        /// The question; clean.
        question: Vec<String>,
    },
}

/// Where things are on the screen, set by drawing: what a click means.
#[derive(Debug, Default)]
pub struct Areas {
    /// The entries that are on the screen, by number.
    pub entries: Vec<(Rect, u64)>,
    /// The rooms in the list, by index.
    pub rooms: Vec<(Rect, usize)>,
    /// The messages.
    pub messages: Rect,
    /// The text being typed.
    pub composer: Rect,
    /// How many rows of an overlay do not fit: what it can be scrolled down by.
    pub overlay_rest: u16,
}

impl Pane {
    /// A room that was not looked at yet.
    pub fn new(entry: RoomEntry) -> Self {
        Self {
            entry,
            entries: VecDeque::new(),
            has_older: false,
            has_newer: false,
            place: Place::default(),
            selected: None,
            seen: None,
            pending: Vec::new(),
            members: Vec::new(),
            answers: None,
            search: None,
            loading: false,
            opened: false,
        }
    }

    /// The loaded entry of this number.
    pub fn by_n(&self, n: u64) -> Option<&Entry> {
        let at = self
            .entries
            .binary_search_by_key(&n, |entry| entry.n)
            .ok()?;
        self.entries.get(at)
    }

    /// The number of the last loaded line; 0 where there is none.
    pub fn last_n(&self) -> u64 {
        self.entries.back().map_or(0, |entry| entry.n)
    }
}
