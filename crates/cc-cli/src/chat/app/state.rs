//! What the chat knows: what `view` draws, and what `App::handle` changes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::chat::editor::Editor;
use crate::chat::slash::Slash;
use crate::chat::types::{Entry, FileCard, Member, RoomEntry};
use crate::chat::view::{Motion, Scroll};

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
    /// The text being typed in it.
    pub editor: Editor,
    /// The lines that are loaded, the oldest first: what is shown of `first..=last`.
    pub entries: VecDeque<Entry>,
    /// The first line that is loaded.
    pub first: u64,
    /// The last line that is loaded.
    pub last: u64,
    /// The newest line of the log.
    pub len: u64,
    /// Where the view stands.
    pub scroll: Scroll,
    /// What it moves by at the next drawing.
    pub motion: Motion,
    /// Messages that came below while the view stood elsewhere.
    pub news: u64,
    /// The line that is selected, for an answer, a file or its details.
    pub selected: Option<u64>,
    /// The last line that was there when the room was last looked at: the unread line stands after it.
    pub seen: Option<u64>,
    /// The last line that the worker was told of as seen.
    pub told_seen: u64,
    /// What was typed and is not known to be on disk, the oldest first.
    pub pending: Vec<Pending>,
    /// Of those, what stands among the lines already, though nobody has said yet that it was sent.
    pub arrived: BTreeSet<u64>,
    /// Who belongs.
    pub members: Vec<Member>,
    /// What the next message answers.
    pub answers: Option<Answered>,
    /// What of the text being typed is on disk, as far as is known.
    pub kept: Kept,
    /// What was typed the last time and is only among what was sent before, as another text was being typed already.
    pub earlier: Option<Kept>,
    /// Whether something in the text being typed was sent the last time, and is not known to have arrived.
    pub unsure: bool,
    /// When what has changed of it is to be kept, in unix milliseconds.
    pub keep_at: Option<u64>,
    /// Of what was last looked at for that.
    pub kept_mark: Mark,
    /// Whether somebody else was online when it was last known.
    pub company: bool,
    /// The invites that are open: the id, and what to say of it; none before they were asked for.
    pub invites: Option<Vec<(String, String)>>,
    /// The search whose hits are shown.
    pub search: Option<Search>,
    /// Whether something is being loaded.
    pub loading: bool,
    /// Whether the first window has come.
    pub opened: bool,
    /// How the files are, by the line that announced them: as they were told, loaded or not.
    pub files: BTreeMap<u64, FileCard>,
    /// The own messages on the screen whose receipts were asked for, and whether there is news of them.
    pub receipts: Option<(u64, u64)>,
}

/// A message that is answered. It is remembered as it is, as its line may be loaded no longer by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Its line.
    pub n: u64,
    /// Its id.
    pub id: String,
    /// The name of who wrote it.
    pub name: String,
    /// Its beginning.
    pub text: String,
}

/// The text that was being typed in a room, for the next time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The text.
    pub text: String,
    /// What it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answered>,
    /// Whether something in it was sent and is not known to have arrived.
    #[serde(default)]
    pub unsure: bool,
}

impl Kept {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// By what a change of what is to be kept is seen: the text's revision, what is on its way, and what is answered.
pub type Mark = (u64, usize, Option<u64>);

/// Something typed that is not known to be on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Told apart by this.
    pub local: u64,
    /// What was typed, as it is sent.
    pub text: String,
    /// What it answers.
    pub answers: Option<Answered>,
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
#[derive(Debug)]
pub enum Overlay {
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
    /// The search of the room in front.
    Hits {
        /// The words that are typed.
        editor: Box<Editor>,
    },
    /// A question that is answered with a typed `y`; whatever else is typed is no answer.
    Confirm {
        /// The question; clean.
        question: Vec<String>,
        /// What is carried out after a yes.
        then: Box<Slash>,
        /// The room that it is about, where it names no other.
        room: String,
        /// Keys before this time were not meant for it, in unix milliseconds.
        since_ms: u64,
    },
}

impl Pane {
    /// A room that was not looked at yet.
    pub fn new(entry: RoomEntry) -> Self {
        Self {
            entry,
            editor: Editor::default(),
            entries: VecDeque::new(),
            first: 1,
            last: 0,
            len: 0,
            scroll: Scroll::default(),
            motion: Motion::default(),
            news: 0,
            selected: None,
            seen: None,
            told_seen: 0,
            pending: Vec::new(),
            arrived: BTreeSet::new(),
            members: Vec::new(),
            answers: None,
            kept: Kept::default(),
            earlier: None,
            unsure: false,
            keep_at: None,
            kept_mark: Mark::default(),
            company: false,
            invites: None,
            search: None,
            loading: false,
            opened: false,
            files: BTreeMap::new(),
            receipts: None,
        }
    }

    /// Where the entry of this number is.
    pub fn at(&self, n: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&n, |entry| entry.n).ok()
    }

    /// The loaded entry of this number.
    pub fn by_n(&self, n: u64) -> Option<&Entry> {
        self.entries.get(self.at(n)?)
    }

    /// Whether there are lines before what is loaded.
    pub const fn has_older(&self) -> bool {
        self.first > 1
    }

    /// Whether there are lines after what is loaded.
    pub const fn has_newer(&self) -> bool {
        self.last < self.len
    }

    /// Whether what comes is followed.
    pub const fn follows(&self) -> bool {
        self.scroll.bottom.is_none() && !self.has_newer()
    }

    /// Stands at the newest line, as far as it is loaded, and follows what comes.
    pub fn follow(&mut self) {
        self.scroll = Scroll::default();
        self.motion = Motion::default();
        self.news = 0;
    }
}
