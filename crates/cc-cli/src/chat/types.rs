//! What the parts of the chat hand to each other. Nothing in here does anything.
//!
//! Every text is cleaned before it gets in here: what a peer wrote cannot hold a control character, and a name
//! cannot hold a line break.

use std::path::PathBuf;

use crate::rpc::{FileState, State};

/// A room in the list of rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomEntry {
    /// Its id, 64 hexadecimal digits.
    pub room: String,
    /// Its name.
    pub name: String,
    /// Our nick in it.
    pub nick: String,
    /// Whether we belong.
    pub state: State,
    /// How many members there are.
    pub members: u64,
    /// How many of them are online, ourselves included.
    pub online: u64,
    /// Whether nobody was met yet, and it is too early to say that nobody is online.
    pub looking: bool,
    /// Messages that came since the room was last looked at.
    pub unread: u64,
    /// How many of those name us.
    pub mentions: u64,
}

/// A line of a room's log, as the chat shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub n: u64,
    /// The message's id; none of a damaged line.
    pub id: Option<String>,
    /// The key of who wrote it: what the colour is chosen by. Empty of a damaged line.
    pub author: String,
    /// The name under which they are shown, with a fingerprint where two look alike.
    pub name: String,
    /// Whether we wrote it.
    pub mine: bool,
    /// The agent that wrote it, with its role; none for a person.
    pub via: Option<String>,
    /// When it was written, by its author's clock, in unix milliseconds.
    pub ts: u64,
    /// Whether that clock was too far ahead.
    pub skewed: bool,
    /// Whether its author wrote another message for the same place.
    pub fork: bool,
    /// Whether it names us.
    pub for_me: bool,
    /// What it answers: the name and the beginning of the text.
    pub re: Option<(String, String)>,
    /// What it is.
    pub what: What,
    /// How far it has come, as far as is known.
    pub marks: Marks,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Somebody said something; lines end with `\n`.
    Said(String),
    /// Somebody summed up the room.
    Summary(String),
    /// It was taken back.
    TakenBack,
    /// A file.
    File(FileCard),
    /// Something happened: who joined, was removed …; one line.
    System(String),
    /// The line is damaged.
    Damaged,
    /// Nothing to show: a kind of a later version, or an act nobody needs to hear of.
    Nothing,
}

/// A file, as its card shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCard {
    /// Its safe name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it is a folder.
    pub folder: bool,
    /// How far it has come.
    pub state: FileState,
    /// How many bytes are here.
    pub have: u64,
    /// Where it is, once it is here.
    pub path: Option<PathBuf>,
    /// What is wrong with it, in words.
    pub fault: Option<String>,
}

/// How far a message has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// How many members there are beside us and its author; none while that is not known.
    pub others: Option<u64>,
    /// The names of those on whose disks it is.
    pub reached: Vec<String>,
    /// Whose agents were shown it: name and agent.
    pub offered: Vec<(String, String)>,
}

/// A member, as the list of members shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The key.
    pub author: String,
    /// The name under which they are shown.
    pub name: String,
    /// The nick that they claim, clean: what a mention of them is written with. Empty where nothing of it can be shown.
    pub nick: String,
    /// Whether they are online.
    pub online: bool,
    /// Whether it is us.
    pub me: bool,
    /// Whether they made the room.
    pub root: bool,
    /// Whether they are an admin.
    pub admin: bool,
    /// Whether they signed two messages for one place.
    pub forked: bool,
    /// Whether their words do not reach our agents: `notice` or `muted`.
    pub trust: crate::rpc::Trust,
    /// Their agents, as far as receipts and messages told.
    pub agents: Vec<String>,
}
