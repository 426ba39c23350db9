//! A text with a cursor, and the changes that can be taken back.

use std::collections::VecDeque;
use std::ops::Range;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation as _};

/// So many changes can be taken back; before them the oldest are forgotten.
const CHANGES_MAX: usize = 500;
/// So many bytes of text are kept for that, however few changes they are.
const CHANGES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What kind of change it is: typing goes on in one change, word by word, as deleting does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// A character was typed.
    Type,
    /// A character was deleted.
    Delete,
    /// A candidate took the place of another.
    Complete,
    /// Anything else.
    Other,
}

/// A change, as it is taken back and made again.
#[derive(Debug)]
struct Change {
    at: usize,
    removed: String,
    inserted: String,
    before: usize,
    after: usize,
    edit: Edit,
}

impl Change {
    fn bytes(&self) -> usize {
        self.removed.len() + self.inserted.len()
    }
}

/// The text.
#[derive(Debug, Default)]
pub struct Buffer {
    text: String,
    cursor: usize,
    done: VecDeque<Change>,
    undone: Vec<Change>,
    /// Whether the next change may become part of the last.
    open: bool,
    revision: u64,
}

impl Buffer {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the cursor is, in bytes: on the boundary of a grapheme cluster.
    pub const fn cursor(&self) -> usize {
        self.cursor
    }

    /// Grows with every change of the text.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Puts the cursor somewhere; the change that goes on ends.
    pub fn go(&mut self, to: usize) {
        self.open = false;
        self.cursor = self.boundary(to);
    }

    /// Puts `with` in the place of `range`, and the cursor behind it.
    pub fn replace(&mut self, range: Range<usize>, with: &str, edit: Edit) {
        let range = self.boundary_before(range.start)..self.boundary(range.end);
        if self.text[range.clone()] == *with {
            self.cursor = range.end;
            return;
        }
        let change = Change {
            at: range.start,
            removed: self.text[range.clone()].to_owned(),
            inserted: with.to_owned(),
            before: self.cursor,
            after: range.start + with.len(),
            edit,
        };
        self.text.replace_range(range, with);
        self.cursor = self.boundary(change.after);
        self.revision += 1;
        self.undone.clear();
        self.keep(change);
    }

    /// Takes the last change back; false where there is none.
    pub fn undo(&mut self) -> bool {
        let Some(change) = self.done.pop_back() else {
            return false;
        };
        let end = change.at + change.inserted.len();
        self.text.replace_range(change.at..end, &change.removed);
        self.cursor = self.boundary(change.before);
        self.undone.push(change);
        self.open = false;
        self.revision += 1;
        true
    }

    /// Makes the change again that was taken back last; false where there is none.
    pub fn redo(&mut self) -> bool {
        let Some(change) = self.undone.pop() else {
            return false;
        };
        let end = change.at + change.removed.len();
        self.text.replace_range(change.at..end, &change.inserted);
        self.cursor = self.boundary(change.after);
        self.done.push_back(change);
        self.open = false;
        self.revision += 1;
        true
    }

    /// Begins anew, with nothing to take back.
    pub fn reset(&mut self) {
        *self = Self {
            revision: self.revision + 1,
            ..Self::default()
        };
    }

    /// The beginning of the character before the cursor.
    pub fn left(&self) -> usize {
        let before = self.text[..self.cursor].graphemes(true).next_back();
        self.cursor - before.map_or(0, str::len)
    }

    /// The end of the character after the cursor.
    pub fn right(&self) -> usize {
        let after = self.text[self.cursor..].graphemes(true).next();
        self.cursor + after.map_or(0, str::len)
    }

    /// The beginning of the word before the cursor.
    pub fn word_left(&self) -> usize {
        let line = self.line_start();
        let mut before = self.text[line..self.cursor].unicode_word_indices();
        match before.next_back() {
            Some((at, _)) => line + at,
            // Nothing but signs before it: to the beginning, or over the line break.
            None if line < self.cursor => line,
            None => self.left(),
        }
    }

    /// The end of the word after the cursor.
    pub fn word_right(&self) -> usize {
        let line = self.line_end();
        let mut after = self.text[self.cursor..line].unicode_word_indices();
        match after.next() {
            Some((at, word)) => self.cursor + at + word.len(),
            None if self.cursor < line => line,
            None => self.right(),
        }
    }

    /// The beginning of the line that the cursor is in.
    pub fn line_start(&self) -> usize {
        self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1)
    }

    /// The end of the line that the cursor is in.
    pub fn line_end(&self) -> usize {
        let after = self.text[self.cursor..].find('\n');
        after.map_or(self.text.len(), |at| self.cursor + at)
    }

    /// The boundary at or after a place.
    fn boundary(&self, at: usize) -> usize {
        let at = self.char_boundary(at);
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        match cursor.is_boundary(&self.text, 0) {
            Ok(false) => cursor
                .next_boundary(&self.text, 0)
                .ok()
                .flatten()
                .unwrap_or(self.text.len()),
            _ => at,
        }
    }

    /// The boundary at or before a place.
    fn boundary_before(&self, at: usize) -> usize {
        let at = self.char_boundary(at);
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        match cursor.is_boundary(&self.text, 0) {
            Ok(false) => cursor
                .prev_boundary(&self.text, 0)
                .ok()
                .flatten()
                .unwrap_or(0),
            _ => at,
        }
    }

    fn char_boundary(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn keep(&mut self, change: Change) {
        let goes_on = self.open && self.done.back().is_some_and(|last| goes_on(last, &change));
        match self.done.back_mut() {
            Some(last) if goes_on => match change.edit {
                Edit::Type => {
                    last.inserted.push_str(&change.inserted);
                    last.after = change.after;
                }
                Edit::Complete => {
                    last.inserted = change.inserted;
                    last.after = change.after;
                }
                _ => {
                    if change.at < last.at {
                        last.removed.insert_str(0, &change.removed);
                        last.at = change.at;
                    } else {
                        last.removed.push_str(&change.removed);
                    }
                    last.after = change.after;
                }
            },
            _ => self.done.push_back(change),
        }
        self.open = true;
        let mut bytes: usize = self.done.iter().map(Change::bytes).sum();
        while self.done.len() > CHANGES_MAX || (bytes > CHANGES_BYTES_MAX && self.done.len() > 1) {
            bytes -= self.done.pop_front().map_or(0, |oldest| oldest.bytes());
        }
    }
}

/// Whether a change is more of the last one.
fn goes_on(last: &Change, change: &Change) -> bool {
    if last.edit != change.edit {
        return false;
    }
    match change.edit {
        Edit::Type => {
            let begins_word = last.inserted.ends_with(char::is_whitespace)
                && !change.inserted.starts_with(char::is_whitespace);
            change.removed.is_empty()
                && change.at == last.at + last.inserted.len()
                && !change.inserted.contains('\n')
                && !begins_word
        }
        Edit::Delete => {
            change.inserted.is_empty()
                && last.inserted.is_empty()
                && (change.at + change.removed.len() == last.at || change.at == last.at)
        }
        Edit::Complete => change.at == last.at && change.removed == last.inserted,
        Edit::Other => false,
    }
}
