//! What goes into the chat and what comes out of it: the terminal's events, and the worker's questions and answers.

use std::collections::BTreeMap;

use ratatui::crossterm::event::{KeyEvent, MouseEvent};

use super::state::{Connection, Hit, Kept};
use crate::chat::slash::{Reply, Slash};
use crate::chat::types::{Entry, FileCard, Marks, Member, RoomEntry};
use crate::rpc::State;

/// What happens to the chat.
#[derive(Debug)]
pub enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Something was pasted: it goes into the text as it is.
    Paste(String),
    /// The terminal has another size.
    Resized,
    /// The terminal got or lost the person's attention.
    Focus(bool),
    /// Time has passed.
    Tick,
    /// The worker has something.
    Told(Told),
}

/// What the chat wants done.
#[derive(Debug)]
pub enum Ask {
    /// End the chat.
    Leave {
        /// Whether by Ctrl+C.
        interrupted: bool,
    },
    /// Draw everything anew.
    Redraw,
    /// Put this into the clipboard.
    Copy(String),
    /// Say that somebody named us: the bell, and this in a notification where the terminal has them.
    Notify(String),
    /// Take clicks and the wheel, or leave them to the terminal.
    Mouse(bool),
    /// Something for the worker.
    Work(Work),
}

/// What the worker does.
#[derive(Debug)]
pub enum Work {
    /// Read lines of a room.
    Load {
        /// Its id.
        room: String,
        /// Which.
        what: Load,
    },
    /// Send what was typed, once.
    Send(Draft),
    /// Ask how far the messages after one line through another have come.
    Receipts {
        /// The room's id.
        room: String,
        /// The line before the first.
        after: u64,
        /// The last.
        through: u64,
    },
    /// Ask who belongs.
    Members(String),
    /// Ask how the newest files of a room are.
    Files(String),
    /// Ask how the files are that were announced in these lines of a room.
    FilesOf {
        /// The room's id.
        room: String,
        /// The first line.
        first: u64,
        /// The last line.
        last: u64,
    },
    /// The room is looked at, and everything through this line was seen.
    Seen {
        /// Its id.
        room: String,
        /// The line.
        n: u64,
    },
    /// Look for a text, backwards; a search that goes on is given up.
    Search {
        /// The room's id.
        room: String,
        /// What to look for.
        text: String,
    },
    /// Give the search up.
    StopSearch,
    /// Ask what waits for our yes.
    Held,
    /// Ask which invites of a room are open.
    Invites(String),
    /// Keep the text that is being typed in a room, or that there is none.
    Keep {
        /// The room's id.
        room: String,
        /// What to keep.
        kept: Box<Kept>,
    },
    /// Carry a command out.
    Run {
        /// The room that it is about, where it names no other.
        room: String,
        /// The command.
        slash: Box<Slash>,
    },
    /// Give up the commands that run.
    StopRuns,
    /// Look again which rooms there are.
    Look,
    /// Find a daemon, and start one where there is none.
    Reconnect,
}

/// Which lines of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// The newest, anew.
    End,
    /// Those before this one.
    Older(u64),
    /// Those after this one.
    Newer(u64),
    /// Those around this one.
    Around(u64),
    /// Those around the message that this one answers.
    Answered(u64),
}

/// Something that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The room's id.
    pub room: String,
    /// Told apart by this.
    pub local: u64,
    /// What to say.
    pub text: String,
    /// The id of the message that it answers.
    pub re: Option<String>,
}

/// What the worker has.
#[derive(Debug)]
pub enum Told {
    /// How it stands with the daemon.
    Connection(Connection),
    /// All rooms, as they are now; what is unread in them is told apart.
    Rooms(Vec<RoomEntry>),
    /// Whether we are in a room.
    State {
        /// Its id.
        room: String,
        /// Whether we are in.
        state: State,
    },
    /// Lines of a room.
    Lines(Lines),
    /// The lines that were asked for cannot be had, in words.
    NoLines {
        /// The room's id.
        room: String,
        /// Why.
        why: String,
    },
    /// What is unread in a room.
    Unread {
        /// Its id.
        room: String,
        /// Messages since it was last looked at.
        unread: u64,
        /// How many of them name us.
        mentions: u64,
    },
    /// Somebody named us in a room.
    Mention {
        /// The room's id.
        room: String,
        /// The name of who did.
        name: String,
    },
    /// Something that was typed is on disk.
    Sent {
        /// Which.
        local: u64,
        /// The room's id.
        room: String,
        /// Its line.
        n: u64,
    },
    /// Something that was typed could not be sent.
    NotSent {
        /// Which.
        local: u64,
        /// The room's id.
        room: String,
        /// Why.
        why: String,
        /// Whether it will be tried again.
        again: bool,
    },
    /// Who belongs to a room.
    Members {
        /// The room's id.
        room: String,
        /// Who.
        members: Vec<Member>,
    },
    /// How far messages have come, by their lines.
    Receipts {
        /// The room's id.
        room: String,
        /// How far.
        marks: BTreeMap<u64, Marks>,
    },
    /// There is news of how far messages have come.
    NewReceipts(String),
    /// What was being typed in a room the last time.
    Kept {
        /// The room's id.
        room: String,
        /// What was kept; never empty.
        kept: Kept,
    },
    /// The invites of a room that are open: the id, and what to say of it.
    Invites {
        /// The room's id.
        room: String,
        /// Which.
        invites: Vec<(String, String)>,
    },
    /// Who belongs, or how they are called, has changed.
    Names {
        /// The room's id.
        room: String,
        /// The name of everybody who belongs or did, by key.
        names: BTreeMap<String, String>,
    },
    /// Files as they are now, by the line that announced them.
    Files {
        /// The room's id.
        room: String,
        /// How they are.
        files: Vec<(u64, FileCard)>,
    },
    /// How a search goes.
    Found {
        /// The room's id.
        room: String,
        /// What is looked for.
        text: String,
        /// Hits that were not told before, the newest first.
        hits: Vec<Hit>,
        /// How many lines were looked at.
        looked: u64,
        /// How many there are.
        of: u64,
        /// Whether it is over.
        done: bool,
    },
    /// What came of a command.
    Replied {
        /// The room that it was about.
        room: String,
        /// What came of it; a failure in lines, clean.
        reply: Result<Reply, Vec<String>>,
    },
    /// A word to the person.
    Word {
        /// What to say.
        text: String,
        /// Whether something went wrong.
        bad: bool,
    },
    /// Messages of our agents that wait for our yes.
    Held(u64),
    /// Rooms in which nothing reaches our agents for now, by id.
    Paused(Vec<String>),
}

/// Lines of a room, in order and without a gap.
#[derive(Debug)]
pub struct Lines {
    /// The room's id.
    pub room: String,
    /// What they are.
    pub came: Came,
    /// The lines that are shown of the range.
    pub entries: Vec<Entry>,
    /// The first line that was read.
    pub first: u64,
    /// The last line that was read.
    pub last: u64,
    /// The newest line of the log.
    pub len: u64,
}

/// Why lines came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// The room was opened; the last line that was seen before, if that is known.
    Opened(Option<u64>),
    /// The newest, in place of what is loaded.
    End,
    /// Those around one that is to be shown, in place of what is loaded.
    Around(u64),
    /// Those before what is loaded.
    Older,
    /// Those after what is loaded.
    Newer,
    /// They have arrived just now.
    New,
    /// These have changed.
    Changed,
}
