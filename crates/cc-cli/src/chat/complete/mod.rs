//! Completion: members after `@`, commands and what they take after `/`, paths after `/drop`.
//!
//! Nothing here waits; of a folder at most [`paths::ENTRIES_MAX`] entries are looked at.
//!
//! | file | what |
//! |---|---|
//! | `mention.rs` | members after `@` |
//! | `command.rs` | commands and what they take |
//! | `paths.rs` | the entries of a folder |

mod command;
mod mention;
mod paths;

use std::ops::Range;
use std::path::Path;

use cc_proto::text::fold_case;

use super::editor::Editor;
use super::types::{Member, RoomEntry};

/// So many candidates are listed.
const CANDIDATES_MAX: usize = 100;

/// What there is to complete with.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The members of the room.
    pub members: &'a [Member],
    /// The rooms.
    pub rooms: &'a [RoomEntry],
    /// The files of the room that are known: id and safe name.
    pub files: &'a [(String, String)],
    /// The invites of the room that are open: id and what to say of it, clean.
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
        let before = editor.text().get(..editor.cursor())?;
        let is_command = before.starts_with('/')
            && !before.starts_with("//")
            && !editor.text().trim_end().contains('\n');
        let (from, mut candidates) = if is_command {
            command::candidates(before, sources, asked)?
        } else {
            mention::candidates(before, sources.members)?
        };
        candidates.truncate(CANDIDATES_MAX);
        let replace = from..before.len();
        // What stands there already is nothing to offer while somebody types.
        let is_there =
            |candidate: &Candidate| candidate.insert.trim_end() == before[from..].trim_end();
        if candidates.is_empty() || (!asked && candidates.iter().all(is_there)) {
            return None;
        }
        Some(Self {
            replace,
            candidates,
            chosen: None,
        })
    }

    /// Puts the next candidate into the text; with a single one nothing is left to choose, and it returns true: close it.
    pub fn next(&mut self, editor: &mut Editor) -> bool {
        let last = self.candidates.len() - 1;
        let next = self
            .chosen
            .map_or(0, |at| if at == last { 0 } else { at + 1 });
        self.choose(next, editor)
    }

    /// Puts the candidate before into the text.
    pub fn previous(&mut self, editor: &mut Editor) -> bool {
        let last = self.candidates.len() - 1;
        let before = self.chosen.and_then(|at| at.checked_sub(1)).unwrap_or(last);
        self.choose(before, editor)
    }

    /// Puts this candidate into the text.
    pub fn choose(&mut self, at: usize, editor: &mut Editor) -> bool {
        let Some(candidate) = self.candidates.get(at) else {
            return false;
        };
        editor.complete(self.replace.clone(), &candidate.insert);
        self.replace.end = self.replace.start + candidate.insert.len();
        self.chosen = Some(at);
        self.candidates.len() == 1
    }
}

/// How well a name goes with what was typed: the beginning of it, within it, or not at all.
fn fits(name: &str, typed: &str) -> Option<bool> {
    let (name, typed) = (fold_case(name), fold_case(typed));
    if name.starts_with(&typed) {
        Some(true)
    } else {
        name.contains(&typed).then_some(false)
    }
}

/// Those that begin with what was typed, then those that have it within, each in the order that they came.
fn sorted<T>(all: impl IntoIterator<Item = T>, fit: impl Fn(&T) -> Option<bool>) -> Vec<T> {
    let (mut begin, mut within) = (Vec::new(), Vec::new());
    for one in all {
        match fit(&one) {
            Some(true) => begin.push(one),
            Some(false) => within.push(one),
            None => {}
        }
    }
    begin.append(&mut within);
    begin
}

#[cfg(test)]
mod tests;
