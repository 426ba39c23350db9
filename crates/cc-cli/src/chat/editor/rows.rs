//! How a text falls into rows of a width, and where in them a place of the text is.
//!
//! A row is shown through [`clean_text`], as the message will be: what the table there drops takes no cell, and what it
//! escapes takes as many as the escape. One cell is left for the cursor behind the last character of a row.

use cc_proto::text::clean_text;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::chat::wrap;

/// The width before anything was drawn.
const WIDTH_BEFORE: usize = 80;

/// A row: where it begins and ends in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its first byte.
    pub start: usize,
    /// Behind its last byte; a line break is not part of it.
    pub end: usize,
    /// Whether the line ends with it; else the next row goes on with it.
    pub is_last: bool,
}

/// The rows of a text, worked out anew when it or the width changes.
#[derive(Debug, Default)]
pub struct Rows {
    rows: Vec<Row>,
    of: Option<(u64, usize)>,
    width: usize,
}

impl Rows {
    /// Chooses the width.
    pub fn set_width(&mut self, width: usize) {
        self.width = width;
    }

    /// The rows of a text that is known by its revision.
    pub fn of(&mut self, text: &str, revision: u64) -> &[Row] {
        let width = if self.width == 0 {
            WIDTH_BEFORE
        } else {
            self.width
        };
        if self.of != Some((revision, width)) {
            self.rows = wrapped(text, width.saturating_sub(1).max(1));
            self.of = Some((revision, width));
        }
        &self.rows
    }
}

/// The index of the row in which a place is shown. Where one row ends and the next goes on with the same line, that is the
/// next, unless the cursor went to the end of a row.
pub fn row_of(rows: &[Row], at: usize, at_row_end: bool) -> usize {
    let next = rows.partition_point(|row| row.start <= at);
    let index = next.saturating_sub(1);
    let before = index.checked_sub(1).and_then(|before| rows.get(before));
    let is_between = before.is_some_and(|before| !before.is_last && before.end == at);
    if at_row_end && is_between {
        index - 1
    } else {
        index
    }
}

/// In which column of its row a place is.
pub fn column_of(text: &str, row: Row, at: usize) -> usize {
    cells(&clean_text(&text[row.start..at.clamp(row.start, row.end)]))
}

/// The place in a row that is nearest to a column, and not behind it.
pub fn place_at(text: &str, row: Row, column: usize) -> usize {
    let mut taken = 0;
    for (at, grapheme) in text[row.start..row.end].grapheme_indices(true) {
        taken += cells_of(grapheme);
        if taken > column {
            return row.start + at;
        }
    }
    row.end
}

/// What is drawn of a row.
pub fn shown(text: &str, row: Row) -> String {
    clean_text(&text[row.start..row.end])
}

/// The cells that a clean text takes when it is drawn.
fn cells(text: &str) -> usize {
    wrap::width(text)
}

fn cells_of(grapheme: &str) -> usize {
    match grapheme.as_bytes() {
        [b' '..=b'~'] => 1,
        _ => cells(&clean_text(grapheme)),
    }
}

fn wrapped(text: &str, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        wrap_line(line, start, width, &mut rows);
        start += line.len() + 1;
    }
    rows
}

/// Breaks a line behind the last space that fits, else between two characters. Spaces stay in the row that they end.
fn wrap_line(line: &str, offset: usize, width: usize, rows: &mut Vec<Row>) {
    let mut start = 0;
    let mut taken = 0;
    // Behind the last space of the row, and the cells up to there.
    let mut gap: Option<(usize, usize)> = None;
    for (at, grapheme) in line.grapheme_indices(true) {
        let needed = cells_of(grapheme);
        // Behind a space there may still be more than fits with it.
        while taken + needed > width && at > start {
            let (end, before) = gap.take().unwrap_or((at, taken));
            rows.push(Row {
                start: offset + start,
                end: offset + end,
                is_last: false,
            });
            start = end;
            taken -= before;
        }
        taken += needed;
        if grapheme.chars().all(char::is_whitespace) {
            gap = Some((at + grapheme.len(), taken));
        }
    }
    rows.push(Row {
        start: offset + start,
        end: offset + line.len(),
        is_last: true,
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts<'a>(text: &'a str, width: usize) -> Vec<&'a str> {
        let rows = wrapped(text, width);
        rows.iter()
            .map(|row| &text[row.start..row.end])
            .collect::<Vec<&'a str>>()
    }

    #[test]
    fn rows_break_behind_spaces_and_within_long_words() {
        assert_eq!(texts("", 5), [""]);
        assert_eq!(texts("one two", 5), ["one ", "two"]);
        assert_eq!(texts("one two", 7), ["one two"]);
        assert_eq!(texts("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(texts("a bcdefgh", 3), ["a ", "bcd", "efg", "h"]);
        assert_eq!(texts("a\n\nb\n", 3), ["a", "", "b", ""]);
        // Two cells each.
        assert_eq!(texts("日本語", 5), ["日本", "語"]);
        assert_eq!(texts("日本", 1), ["日", "本"]);
        assert_eq!(texts("e\u{301}e\u{301}e", 2), ["e\u{301}e\u{301}", "e"]);
        assert_eq!(texts("      x", 3), ["   ", "   ", "x"]);
    }

    #[test]
    fn what_stands_behind_a_space_is_broken_again_where_it_does_not_fit() {
        assert_eq!(texts(" 👍日👍", 3), [" ", "👍", "日", "👍"]);
    }

    #[test]
    fn a_place_between_two_rows_is_at_the_beginning_of_the_next() {
        let rows = wrapped("abcdef\nx", 3);
        assert_eq!(rows.len(), 3);
        for (at, at_row_end, row) in [
            (0, false, 0),
            (3, false, 1),
            (3, true, 0),
            (6, false, 1),
            (6, true, 1),
            (7, true, 2),
            (8, false, 2),
        ] {
            assert_eq!(row_of(&rows, at, at_row_end), row, "{at}");
        }
    }

    #[test]
    fn what_hides_takes_no_cell_and_what_acts_is_escaped() {
        let text = "a\u{200b}b\u{202e}c";
        let row = wrapped(text, 40)[0];
        assert_eq!(shown(text, row), "ab\\u{202e}c");
        assert_eq!(column_of(text, row, text.len()), 11);
        assert_eq!(column_of(text, row, 4), 1);
    }

    proptest! {
        #[test]
        fn rows_hold_all_of_the_text_and_fit(text in "[a-c \n日👍\u{301}\u{200d}]{0,60}", width in 2..12_usize) {
            let rows = wrapped(&text, width);
            let mut at = 0;
            for (index, row) in rows.iter().enumerate() {
                prop_assert_eq!(row.start, at);
                at = row.end + usize::from(row.is_last);
                // A single cluster can be wider than the row: without its joiners it is shown as several.
                let is_one = text[row.start..row.end].graphemes(true).count() == 1;
                prop_assert!(is_one || cells(&shown(&text, *row)) <= width, "{:?}", shown(&text, *row));
                for place in row.start..=row.end {
                    if !text.is_char_boundary(place) { continue; }
                    let found = row_of(&rows, place, false);
                    prop_assert!(found == index || found == index + 1);
                }
            }
            prop_assert_eq!(at, text.len() + 1);
        }
    }
}
