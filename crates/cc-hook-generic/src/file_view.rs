//! The file view: what a folder's rooms say, as a file, for agents that have no hook and read files.
//!
//! `<home>/views/<folder>/ROOM.md`, where `<folder>` is made from the bound folder's canonical path. Only the owner can
//! read it. Whoever keeps it fresh calls [`write_view`] when something changed.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use cc_log::{Durability, FsStorage, Line, RosterView, Storage as _, Trust};
use cc_proto::files::{FilePlace, SharedFile, file_path};
use cc_proto::id::{ArrivalNo, AuthorId, Hash, RoomId, Timestamp};
use cc_proto::render::{
    FILE_VIEW_MESSAGES_MAX, FileView, FileViewMessage, FileViewRoom, file_view,
};

use crate::offer::{judged_through, message_quote, nonce, open_log, unreadable, with_view};
use crate::pause::Pause;

/// The folder in the home.
pub const VIEWS_DIR: &str = "views";
/// The name of each view.
pub const VIEW_FILE: &str = "ROOM.md";

/// How many of a room's newest lines are looked through.
const LINES_LOOKED_AT_MAX: u64 = 2000;

/// Where the view of a folder stands, whether or not there is one. A folder that is there is known by its canonical path.
pub fn view_path(home: &Path, directory: &Path) -> PathBuf {
    let canonical = directory.canonicalize();
    let path = canonical.as_deref().unwrap_or(directory);
    let hash = Hash::of(path.as_os_str().as_encoded_bytes()).to_hex();
    home.join(VIEWS_DIR).join(&hash[..16]).join(VIEW_FILE)
}

/// A view that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenView {
    /// Why a room is missing from it, for those that are.
    pub missing: Vec<String>,
    /// Where the files will be that it says are not here yet.
    pub absent: Vec<PathBuf>,
}

/// Writes the view of these rooms to `path`, by rename.
///
/// # Errors
/// Where the file cannot be written, or there is no randomness for its fence.
pub fn write_view(
    home: &Path,
    rooms: &[RoomId],
    path: &Path,
    now: Timestamp,
) -> io::Result<WrittenView> {
    let pause = Pause::load(home);
    let mut open = Vec::new();
    let mut missing = Vec::new();
    let told = rooms.iter().filter(|room| !pause.holds(room, now));
    for room in told {
        match Room::open(home, *room) {
            Ok(found) => open.push(found),
            Err(reason) => missing.push(format!("room {}: {reason}", room.short())),
        }
    }
    let paused = rooms.iter().any(|room| pause.holds(room, now)) && open.is_empty();
    let text = file_view(&FileView {
        nonce: nonce().map_err(io::Error::other)?,
        now,
        rooms: open.iter().map(Room::shown).collect(),
        paused,
    });
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    FsStorage.replace(path, text.as_bytes(), Durability::Unsynced)?;
    let absent = open.into_iter().flat_map(|room| room.absent).collect();
    Ok(WrittenView { missing, absent })
}

/// A room as it is read for a view.
struct Room {
    view: RosterView,
    all: u64,
    noticed: Vec<(String, u64)>,
    messages: Vec<FileViewMessage>,
    absent: Vec<PathBuf>,
}

impl Room {
    fn open(home: &Path, room: RoomId) -> Result<Self, String> {
        let dir = home.join("rooms").join(room.to_hex());
        let (log, view) = with_view(open_log(&dir)?, room)?;
        let through = judged_through(&log, &view)?;
        let from = ArrivalNo(through.0.saturating_sub(LINES_LOOKED_AT_MAX));
        let older = log
            .injectable_between(ArrivalNo(0), from)
            .map_err(|error| unreadable(&error))?;
        let census = log
            .census(&view, from, through, FILE_VIEW_MESSAGES_MAX)
            .map_err(|error| unreadable(&error))?;
        let lines = census.newest.iter().filter_map(|outline| {
            let line = log.line_of(outline).ok()?;
            message(log.dir(), &view, &line, outline.author_tag)
        });
        let (messages, absent): (Vec<_>, Vec<_>) = lines.unzip();
        Ok(Self {
            all: older + census.unread,
            noticed: by_number(&view, &census.noticed),
            messages,
            absent: absent.into_iter().flatten().collect(),
            view,
        })
    }

    fn shown(&self) -> FileViewRoom<'_> {
        FileViewRoom {
            room: self.view.room,
            name: &self.view.name,
            reader_nick: &self.view.nick,
            all: self.all,
            noticed: self.noticed.clone(),
            messages: self.messages.clone(),
        }
    }
}

/// The message of a line, unless it is not to be shown: the index, by which it was chosen, is not believed. Where it
/// announces a file that is not here, also where that will be.
fn message(
    dir: &Path,
    view: &RosterView,
    line: &Line,
    author_tag: u64,
) -> Option<(FileViewMessage, Option<PathBuf>)> {
    let message = line.message.as_ref().ok()?;
    let header = message.header();
    let withheld = view.trust(&header.author) != Trust::Inline;
    if withheld || view.voids(header, &message.id()) {
        return None;
    }
    let quote = message_quote(dir, view, message, line.at)?;
    let is_absent = |file: &SharedFile| file.place == FilePlace::NotHere;
    let absent = message
        .file()
        .filter(|_| quote.file.as_ref().is_some_and(is_absent))
        .map(|file| dir.join(file_path(&file.hash, &file.name)));
    let message = FileViewMessage {
        n: line.n,
        author_tag,
        quote,
    };
    Some((message, absent))
}

/// Under the names they are shown by, those with the most in front.
fn by_number(view: &RosterView, noticed: &BTreeMap<AuthorId, u64>) -> Vec<(String, u64)> {
    let mut named: Vec<(String, u64)> = noticed
        .iter()
        .map(|(author, count)| (view.name_of(author), *count))
        .collect();
    named.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    named
}
