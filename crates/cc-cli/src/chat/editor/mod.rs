//! The text being typed. One editor a room, so that each keeps its draft and what was sent there.
//!
//! Our own, over a `String` with a cursor on the boundaries of grapheme clusters. ratatui-textarea counts its columns in
//! `char`s: its cursor stops within an emoji of several, and Backspace tears it apart; its undo takes single characters
//! back; and it draws by itself what was pasted, where here everything goes through `cc_proto::text` first.
//!
//! | file | what |
//! |---|---|
//! | `buffer.rs` | text, cursor, undo |
//! | `parts.rs` | what is too long for one message, cut into several |
//! | `rows.rs` | how the text falls into rows, and what of it is shown |
//! | `sent.rs` | what was sent before |

mod buffer;
mod parts;
mod rows;
mod sent;

use std::ops::Range;

use cc_proto::limits::TEXT_BYTES_MAX;
use ratatui::crossterm::event::KeyEvent;

use self::buffer::{Buffer, Edit};
use self::parts::parts;
use self::rows::{Row, Rows};
use self::sent::Sent;
use super::keys::{self, Action};
use super::slash::said;

/// The longest text that the editor takes; more is no message but a file.
pub const EDITOR_BYTES_MAX: usize = 1024 * 1024;
/// Into so many messages a text that is too long may be split.
pub const PARTS_MAX: usize = 8;

/// What came of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The text or the cursor is another.
    Changed,
    /// The key is the text's affair, and there was nothing to do.
    Nothing,
    /// Enter: this is to be sent or carried out. It stays in the editor until [`Editor::accepted`] says that it was taken.
    Submit(String),
    /// Enter: the text is too long for a message. Enter once more gives [`Outcome::SubmitParts`], where that is possible.
    TooLong(TooLong),
    /// Enter for the second time: these are to be sent as they are, in this order. As with [`Outcome::Submit`].
    SubmitParts(Vec<String>),
    /// The key is not the text's affair.
    NotMine,
}

/// By how much a text is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// How many bytes it has.
    pub bytes: usize,
    /// How many of them are too many.
    pub over: usize,
    /// Into how many messages it would be split; `None` where that is more than [`PARTS_MAX`].
    pub parts: Option<usize>,
}

impl TooLong {
    /// What to tell the person.
    pub fn told(&self) -> String {
        let Self { bytes, over, parts } = self;
        match parts {
            Some(parts) => format!(
                "{over} bytes too long ({bytes} of at most {TEXT_BYTES_MAX}): Enter again sends it as {parts} messages"
            ),
            None => format!(
                "{over} bytes too long ({bytes} of at most {TEXT_BYTES_MAX}): put it into a file, and /drop that"
            ),
        }
    }
}

/// Whether something pasted was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pasted {
    /// It is in the text.
    Taken,
    /// With it the text would have so many bytes, more than [`EDITOR_BYTES_MAX`]: nothing was taken.
    TooLarge(usize),
}

/// What to draw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// The rows that fit, clean: nothing in them acts on a terminal.
    pub rows: Vec<String>,
    /// Where the cursor is: a row of `rows`, and a column in cells, less than the width.
    pub cursor: (u16, u16),
    /// How many rows there are above the first that is shown.
    pub first_row: usize,
    /// How many rows there are in all.
    pub total_rows: usize,
}

/// The text being typed in a room.
#[derive(Debug, Default)]
pub struct Editor {
    buffer: Buffer,
    rows: Rows,
    sent: Sent,
    /// What was cut last.
    cut: String,
    /// Whether the last key cut, so that the next adds to it.
    cutting: bool,
    /// Whether the person was told that the text is too long, and changed nothing since.
    warned: bool,
    /// Whether the cursor is at the end of a row that the next goes on with, rather than at the beginning of that.
    at_row_end: bool,
    /// In which column going up and down began.
    column: Option<usize>,
    /// The first row that was drawn.
    first_row: usize,
}

impl Editor {
    /// The text.
    pub fn text(&self) -> &str {
        self.buffer.text()
    }

    /// What is not sent: the text, and, while one looks back at what was sent, whatever of that was changed, and last the text
    /// from which that began. What was sent and is only looked at is none of it, nor what is blank.
    pub fn drafts(&self) -> Vec<&str> {
        self.sent.drafts(self.text())
    }

    /// What was sent before, from which the text was begun by looking back; none where it was begun from nothing.
    pub fn begun_from(&self) -> Option<&str> {
        self.sent.begun_from()
    }

    /// Grows with every change of the text.
    pub const fn revision(&self) -> u64 {
        self.buffer.revision()
    }

    /// Puts a text among those that were sent, to be found again.
    pub fn remember(&mut self, text: String) {
        self.sent.push(text);
    }

    /// Where the cursor is in the text, in bytes.
    pub const fn cursor(&self) -> usize {
        self.buffer.cursor()
    }

    /// How many bytes the text has as it is sent.
    pub fn said_bytes(&self) -> usize {
        said(self.text()).len()
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// By how much the text is too long for one message; `None` where it fits.
    pub fn too_long(&self) -> Option<TooLong> {
        let text = said(self.text().trim_end_matches('\n'));
        let bytes = text.len();
        let over = bytes.checked_sub(TEXT_BYTES_MAX).filter(|over| *over > 0)?;
        let parts = parts(text).len();
        Some(TooLong {
            bytes,
            over,
            parts: (parts <= PARTS_MAX).then_some(parts),
        })
    }

    /// Does what a key stands for.
    pub fn handle(&mut self, event: &KeyEvent) -> Outcome {
        if let Some(c) = keys::typed(event) {
            let mut bytes = [0; 4];
            let at = self.cursor();
            let typed = taken(c.encode_utf8(&mut bytes));
            self.edit(at..at, &typed, Edit::Type);
            return Outcome::Changed;
        }
        match keys::action(event) {
            Some(action) => self.act(action),
            None => Outcome::NotMine,
        }
    }

    /// Does what a chord stands for. Of [`Action::Interrupt`] and [`Action::EndOfInput`] only what they do to a text is done
    /// here; without one they are [`Outcome::NotMine`].
    pub fn act(&mut self, action: Action) -> Outcome {
        let was_cutting = std::mem::take(&mut self.cutting);
        match action {
            Action::Send => return self.submit(),
            Action::Interrupt | Action::EndOfInput if self.is_empty() => return Outcome::NotMine,
            Action::Interrupt => self.clear(),
            Action::EndOfInput | Action::DeleteForward => {
                let (at, to) = (self.cursor(), self.buffer.right());
                self.edit(at..to, "", Edit::Delete);
            }
            Action::DeleteBack => {
                let (from, at) = (self.buffer.left(), self.cursor());
                self.edit(from..at, "", Edit::Delete);
            }
            Action::Newline => {
                let at = self.cursor();
                self.edit(at..at, "\n", Edit::Type);
            }
            Action::CutWordBack => self.cut(self.buffer.word_left(), was_cutting),
            Action::CutWordForward => self.cut(self.buffer.word_right(), was_cutting),
            Action::CutToStart => {
                let start = self.buffer.line_start();
                // At its beginning, the line break before it.
                let to = if start == self.cursor() {
                    self.buffer.left()
                } else {
                    start
                };
                self.cut(to, was_cutting);
            }
            Action::CutToEnd => {
                let end = self.buffer.line_end();
                let to = if end == self.cursor() {
                    self.buffer.right()
                } else {
                    end
                };
                self.cut(to, was_cutting);
            }
            Action::PutBack => {
                let (at, cut) = (self.cursor(), self.cut.clone());
                self.edit(at..at, &cut, Edit::Other);
            }
            Action::Undo => return self.undo(Buffer::undo),
            Action::Redo => return self.undo(Buffer::redo),
            moves if moves.edits() => self.walk(moves),
            _ => {
                self.cutting = was_cutting;
                return Outcome::NotMine;
            }
        }
        Outcome::Changed
    }

    /// Puts in what was pasted, as it is: nothing of it is a key or a command. Line breaks become `\n`, tabs four spaces, and
    /// other control characters are dropped.
    pub fn paste(&mut self, text: &str) -> Pasted {
        let text = taken(text);
        let bytes = self.text().len() + text.len();
        if bytes > EDITOR_BYTES_MAX {
            return Pasted::TooLarge(bytes);
        }
        let at = self.cursor();
        self.edit(at..at, &text, Edit::Other);
        Pasted::Taken
    }

    /// Puts another text in the place of the whole; undo brings back what was there.
    pub fn set_text(&mut self, text: &str) {
        let end = self.text().len();
        self.edit(0..end, &taken(text), Edit::Other);
    }

    /// Takes all of the text out; undo brings it back.
    pub fn clear(&mut self) {
        self.set_text("");
    }

    /// Puts a candidate in the place of a part of the text.
    pub fn complete(&mut self, replace: Range<usize>, with: &str) {
        self.edit(replace, &taken(with), Edit::Complete);
    }

    /// What was submitted is sent or carried out: it goes to what was sent before, and the editor is empty.
    pub fn accepted(&mut self) {
        let text = self.text().trim_end_matches('\n').to_owned();
        if !text.trim().is_empty() {
            self.sent.push(text);
        }
        self.buffer.reset();
        self.warned = false;
        self.cutting = false;
        self.at_row_end = false;
        self.column = None;
    }

    /// How to draw the text in `width` cells and at most `rows_max` rows, so that the cursor is among them. Up and down go by
    /// the width of the last call.
    pub fn layout(&mut self, width: u16, rows_max: u16) -> Layout {
        let (width, rows_max) = (usize::from(width.max(1)), usize::from(rows_max.max(1)));
        self.rows.set_width(width);
        let (cursor, at_row_end) = (self.cursor(), self.at_row_end);
        let text = self.buffer.text();
        let rows = self.rows.of(text, self.buffer.revision());
        let row = rows::row_of(rows, cursor, at_row_end);
        let first_max = rows.len().saturating_sub(rows_max);
        let least = (row + 1).saturating_sub(rows_max);
        let first = self.first_row.clamp(least, row.max(least)).min(first_max);
        let shown = rows.iter().skip(first).take(rows_max);
        let layout = Layout {
            rows: shown.map(|row| rows::shown(text, *row)).collect(),
            cursor: (
                (row - first) as u16,
                rows::column_of(text, rows[row], cursor).min(width - 1) as u16,
            ),
            first_row: first,
            total_rows: rows.len(),
        };
        self.first_row = first;
        layout
    }

    fn submit(&mut self) -> Outcome {
        let text = self.text().trim_end_matches('\n');
        if text.trim().is_empty() {
            return Outcome::Nothing;
        }
        let Some(too_long) = self.too_long() else {
            return Outcome::Submit(text.to_owned());
        };
        if self.warned && too_long.parts.is_some() {
            return Outcome::SubmitParts(parts(said(text)));
        }
        self.warned = true;
        Outcome::TooLong(too_long)
    }

    fn edit(&mut self, range: Range<usize>, with: &str, edit: Edit) {
        self.buffer.replace(range, with, edit);
        self.moved();
    }

    /// Whatever was kept about the cursor's place and the last key is over.
    fn moved(&mut self) {
        self.warned = false;
        self.cutting = false;
        self.at_row_end = false;
        self.column = None;
    }

    fn undo(&mut self, back: impl Fn(&mut Buffer) -> bool) -> Outcome {
        if !back(&mut self.buffer) {
            return Outcome::Nothing;
        }
        self.sent.went_back_to(self.buffer.text());
        self.moved();
        Outcome::Changed
    }

    /// Cuts from the cursor to a place; with `more`, what was cut just before stays with it.
    fn cut(&mut self, to: usize, more: bool) {
        let at = self.cursor();
        let range = at.min(to)..at.max(to);
        let cut = self.text()[range.clone()].to_owned();
        match (more, to < at) {
            (false, _) => self.cut = cut,
            (true, true) => self.cut.insert_str(0, &cut),
            (true, false) => self.cut.push_str(&cut),
        }
        self.edit(range, "", Edit::Other);
        self.cutting = true;
    }

    fn walk(&mut self, action: Action) {
        match action {
            Action::Up => return self.go_up(),
            Action::Down => return self.go_down(),
            Action::RowStart | Action::RowEnd => return self.go_in_row(action == Action::RowEnd),
            _ => {}
        }
        let to = match action {
            Action::Left => self.buffer.left(),
            Action::Right => self.buffer.right(),
            Action::WordLeft => self.buffer.word_left(),
            Action::WordRight => self.buffer.word_right(),
            Action::LineStart => self.buffer.line_start(),
            Action::LineEnd => self.buffer.line_end(),
            _ => self.cursor(),
        };
        self.buffer.go(to);
        self.moved();
    }

    /// The row of the cursor, and all rows.
    fn rows(&mut self) -> (usize, &[Row]) {
        let (cursor, at_row_end) = (self.buffer.cursor(), self.at_row_end);
        let rows = self.rows.of(self.buffer.text(), self.buffer.revision());
        (rows::row_of(rows, cursor, at_row_end), rows)
    }

    fn go_up(&mut self) {
        let (row, _) = self.rows();
        if let Some(above) = row.checked_sub(1) {
            self.go_to_row(row, above);
        } else if let Some(older) = self.sent.older(self.buffer.text()) {
            self.set_text(&older);
        } else {
            self.buffer.go(0);
            self.moved();
        }
    }

    fn go_down(&mut self) {
        let (row, rows) = self.rows();
        if row + 1 < rows.len() {
            self.go_to_row(row, row + 1);
        } else if let Some(newer) = self.sent.newer(self.buffer.text()) {
            self.set_text(&newer);
        } else {
            let end = self.text().len();
            self.buffer.go(end);
            self.moved();
        }
    }

    /// To another row, in the column where going up or down began.
    fn go_to_row(&mut self, from: usize, to: usize) {
        let cursor = self.cursor();
        let rows = self.rows.of(self.buffer.text(), self.buffer.revision());
        let (from, to) = (rows[from], rows[to]);
        let text = self.buffer.text();
        let column = self
            .column
            .unwrap_or_else(|| rows::column_of(text, from, cursor));
        let at = rows::place_at(text, to, column);
        self.buffer.go(at);
        self.moved();
        self.column = Some(column);
        self.at_row_end = !to.is_last && at == to.end;
    }

    /// To the beginning or the end of the row; from there, of the line.
    fn go_in_row(&mut self, to_end: bool) {
        let (row, rows) = self.rows();
        let row = rows[row];
        let cursor = self.cursor();
        let (to, at_row_end) = match (to_end, self.at_row_end) {
            (true, true) => (self.buffer.line_end(), false),
            (true, false) if cursor == row.end => (self.buffer.line_end(), false),
            (true, false) => (row.end, !row.is_last),
            (false, _) if cursor == row.start => (self.buffer.line_start(), false),
            (false, _) => (row.start, false),
        };
        self.buffer.go(to);
        self.moved();
        self.at_row_end = at_row_end;
    }
}

/// What of a text is taken: line breaks of any kind as `\n`, tabs as four spaces, no other control characters.
fn taken(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\t' => out.push_str("    "),
            '\n' => out.push(c),
            control if control.is_control() => {}
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
