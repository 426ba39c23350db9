//! Completion: members after `@`, commands and what they take after `/`, paths after `/drop`.
//!
//! Nothing here waits; of a folder at most [`paths::ENTRIES_MAX`] entries are looked at.

mod paths;

use std::ops::Range;
use std::path::Path;

use super::editor::Editor;
use super::types::{Member, RoomEntry};

/// What there is to complete with.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The members of the room.
    pub members: &'a [Member],
    /// The rooms.
    pub rooms: &'a [RoomEntry],
    /// The files of the room that are known: id and safe name.
    pub files: &'a [(String, String)],
    /// The invites of the room that are known: id and note, clean.
    pub invites: &'a [(String, String)],
    /// The folder that relative paths are of.
    pub folder: &'a Path,
    /// Our own home, of which nothing is listed.
    pub home: &'a Path,
}

/// Something to complete with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What it is listed as; clean.
    pub shown: String,
    /// What is said beside it, such as a fingerprint; clean.
    pub detail: String,
    /// What goes into the text.
    pub insert: String,
}

/// A list of candidates that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What of the text a candidate takes the place of.
    pub replace: Range<usize>,
    /// The candidates; never empty.
    pub candidates: Vec<Candidate>,
    /// The one that is in the text.
    pub chosen: Option<usize>,
}

impl Completion {
    /// The candidates at the cursor; `None` where there are none. Unless it was `asked` for, by Tab, only members after an
    /// `@` and the names of commands are offered: no folder is read while somebody types.
    pub fn find(editor: &Editor, sources: &Sources<'_>, asked: bool) -> Option<Self> {
        let _ = (editor, sources, asked);
        None
    }

    /// Puts the next candidate into the text; with a single one nothing is left to choose, and it returns true: close it.
    pub fn next(&mut self, editor: &mut Editor) -> bool {
        let _ = editor;
        true
    }

    /// Puts the candidate before into the text.
    pub fn previous(&mut self, editor: &mut Editor) -> bool {
        let _ = editor;
        true
    }
}
