//! What is drawn: plain data, so that drawing is a function of it and of the size of the terminal.

use std::collections::VecDeque;
use std::path::Path;

use ratatui::layout::{Position, Rect};

use crate::chat::app::{Connection, Hit, Pending, Toast};
use crate::chat::theme::Theme;
use crate::chat::types::{Entry, Member, RoomEntry};

/// All that one frame shows.
#[derive(Debug, Clone)]
pub struct Screen<'a> {
    /// The rooms, in the order of the list.
    pub rooms: Vec<&'a RoomEntry>,
    /// The one that is looked at.
    pub current: usize,
    /// Its loaded lines, the oldest first: a window of the log.
    pub entries: &'a VecDeque<Entry>,
    /// Whether there are lines before the window.
    pub has_older: bool,
    /// Whether there are lines after the window.
    pub has_newer: bool,
    /// Whether lines are being loaded.
    pub loading: bool,
    /// Whether the window is there at all.
    pub opened: bool,
    /// The unread line stands before the first entry above this one.
    pub seen: Option<u64>,
    /// Where the view stands.
    pub scroll: Scroll,
    /// What to move by before drawing.
    pub motion: Motion,
    /// Messages that came below while the view stood elsewhere.
    pub news: u64,
    /// The line that is selected.
    pub selected: Option<u64>,
    /// What was typed and is not known to be on disk, the oldest first.
    pub pending: &'a [Pending],
    /// Who belongs.
    pub members: &'a [Member],
    /// Whether the list of members is wanted where there is room for it.
    pub sidebar: bool,
    /// The text being typed.
    pub composer: Composer<'a>,
    /// What can be completed; over the composer.
    pub completion: Option<Completion<'a>>,
    /// What lies over the messages.
    pub overlay: Option<Over<'a>>,
    /// Words that go away by themselves, the newest last.
    pub toasts: Vec<&'a Toast>,
    /// The daemon.
    pub connection: &'a Connection,
    /// Whether nothing of the room reaches our agents for now.
    pub paused: bool,
    /// Messages of our agents that wait for our yes.
    pub held: u64,
    /// The person's own folder, which `~` stands for.
    pub user: Option<&'a Path>,
    /// The wall clock, in unix milliseconds.
    pub now_ms: u64,
    /// Colours and signs.
    pub theme: &'a Theme,
}

/// Where the view of a room stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The entry at the bottom of the screen; none: the newest, and what comes is followed.
    pub bottom: Option<u64>,
    /// How many rows of that entry are below the screen.
    pub below: u16,
}

/// What to move by before drawing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Motion {
    /// Rows: up where positive.
    pub rows: i32,
    /// Pages: up where positive.
    pub pages: i32,
    /// An entry to bring on the screen.
    pub show: Option<u64>,
}

/// The text being typed, broken into rows for the room that [`composer_room`](super::composer_room) gives it.
#[derive(Debug, Clone, Copy)]
pub struct Composer<'a> {
    /// The rows that are shown.
    pub rows: &'a [String],
    /// Where the cursor is: one of `rows`, and a column.
    pub cursor: (u16, u16),
    /// How many rows there are above the first that is shown.
    pub first_row: usize,
    /// How many rows there are in all.
    pub total_rows: usize,
    /// How many bytes the text has.
    pub bytes: usize,
    /// What stands there while nothing is typed.
    pub hint: &'a str,
    /// A word for what is typed where it is no message, such as `search`.
    pub label: Option<&'a str>,
    /// The name and the beginning of the message that is answered.
    pub answers: Option<(&'a str, &'a str)>,
}

/// What can be completed.
#[derive(Debug, Clone, Copy)]
pub struct Completion<'a> {
    /// What would be put in, and what to say beside it.
    pub choices: &'a [Choice],
    /// The one that is chosen.
    pub chosen: usize,
}

/// One way to complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What would be put in.
    pub text: String,
    /// What to say beside it; may be empty.
    pub aside: String,
}

/// What lies over the messages.
#[derive(Debug, Clone)]
pub enum Over<'a> {
    /// Some lines of text.
    Text {
        /// Its title.
        title: &'a str,
        /// Its lines.
        lines: &'a [String],
        /// Rows scrolled down.
        scroll: u16,
    },
    /// A ticket and its QR code.
    Ticket {
        /// The ticket.
        ticket: &'a str,
        /// The code in half blocks, where a light module is a block: two rows of it in each line.
        qr: &'a [String],
        /// What to say beside it.
        note: &'a str,
    },
    /// What was searched for and what was found.
    Hits(Found<'a>),
    /// A question that is answered with a typed `y`; whatever else is typed is no answer.
    Confirm {
        /// The question.
        question: &'a [String],
    },
}

/// A search and its hits.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// What is looked for.
    pub text: &'a str,
    /// The lines that have it, the newest first.
    pub hits: &'a [Hit],
    /// The hit that is chosen.
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

/// What drawing found out: where things are, and where the view stands now.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// Where the view stands after it was moved.
    pub scroll: Scroll,
    /// The first and the last entry on the screen, by number.
    pub shown: Option<(u64, u64)>,
    /// Whether the first loaded entry is on the screen from its first row.
    pub at_top: bool,
    /// Whether the last loaded entry is on the screen to its last row.
    pub at_end: bool,
    /// The rooms in the list, by index.
    pub rooms: Vec<(Rect, usize)>,
    /// The entries on the screen, by number.
    pub entries: Vec<(Rect, u64)>,
    /// The cards of files among them, by number.
    pub files: Vec<(Rect, u64)>,
    /// The members in their list, by index.
    pub members: Vec<(Rect, usize)>,
    /// The ways to complete, by index.
    pub choices: Vec<(Rect, usize)>,
    /// The hits of the search, by index.
    pub hits: Vec<(Rect, usize)>,
    /// Where the messages are.
    pub messages: Rect,
    /// Where the text being typed is.
    pub composer: Rect,
    /// Where what lies over the messages is.
    pub overlay: Option<Rect>,
    /// Rows of the overlay that do not fit: what it can be scrolled down by.
    pub overlay_rest: u16,
    /// Where the cursor was put.
    pub cursor: Option<Position>,
    /// How many entries were laid out: as many as fit on the screen, and a few.
    #[cfg(test)]
    pub laid_out: usize,
}

/// What a click meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A room in the list, by index.
    Room(usize),
    /// A message, by number.
    Entry(u64),
    /// The card of a file, by the number of its message.
    File(u64),
    /// A member, by index.
    Member(usize),
    /// A way to complete, by index.
    Choice(usize),
    /// A hit of the search, by index.
    Hit(usize),
    /// The text being typed.
    Composer,
    /// What lies over the messages, beside its rows.
    Overlay,
    /// Nothing in particular.
    Nothing,
}

impl Drawn {
    /// What is at a place of the screen; what lies over the rest counts first.
    pub fn target(&self, x: u16, y: u16) -> Target {
        fn find<T: Copy>(areas: &[(Rect, T)], at: Position) -> Option<T> {
            let mut areas = areas.iter();
            areas.find_map(|(area, what)| area.contains(at).then_some(*what))
        }
        let at = Position { x, y };
        let over = || {
            find(&self.choices, at)
                .map(Target::Choice)
                .or_else(|| find(&self.hits, at).map(Target::Hit))
                .or_else(|| self.overlay?.contains(at).then_some(Target::Overlay))
        };
        let below = || {
            find(&self.rooms, at)
                .map(Target::Room)
                .or_else(|| find(&self.members, at).map(Target::Member))
                .or_else(|| find(&self.files, at).map(Target::File))
                .or_else(|| find(&self.entries, at).map(Target::Entry))
                .or_else(|| self.composer.contains(at).then_some(Target::Composer))
        };
        over().or_else(below).unwrap_or(Target::Nothing)
    }
}
