//! Text in cells: what a terminal surely shows in how many columns, and where a line is broken.
//!
//! Nothing reaches the screen but through [`glyphs`], which trusts nobody to have cleaned a text: what cannot be printed is
//! not in what it gives. What terminals do not agree on is brought to a form on which they do:
//!
//! | in | out |
//! |---|---|
//! | a character that [`is_shown_as_is`] refuses: control, bidi, zero-width, variation selectors, tags | nothing |
//! | tab | spaces up to the next multiple of [`TAB`] columns |
//! | a space of any other width | as many plain spaces as it is wide |
//! | a skin tone behind an emoji | nothing: it is two columns more to some terminals |
//! | a mark with nothing beneath it, and marks above the [`MARKS_MAX`]th | nothing |
//! | a cluster of several characters that have a width: a flag, a conjunct | each for itself, as in most terminals |
//! | a character of three columns, halfwidth sound marks, U+FDFD, U+FFFD | what stands for it |

use std::borrow::Cow;
use std::ops::Range;

use cc_proto::text::is_shown_as_is;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthChar as _;

/// Columns from one tab stop to the next.
pub const TAB: usize = 4;

/// The most marks and other characters without a width that one glyph keeps.
pub const MARKS_MAX: usize = 4;

/// What is shown in one cell, or in two side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glyph<'a> {
    /// What is printed.
    pub symbol: Cow<'a, str>,
    /// How many columns it takes: one or two.
    pub width: usize,
    /// Where it begins in the text, in bytes.
    pub at: usize,
}

impl Glyph<'_> {
    /// Whether it is a plain space.
    pub fn is_space(&self) -> bool {
        self.symbol == " "
    }
}

/// The glyphs of one line of text. What would break the line is dropped like all else that cannot be printed.
pub fn glyphs(line: &str) -> Vec<Glyph<'_>> {
    let mut out = Glyphs {
        found: Vec::with_capacity(line.len().min(256)),
        column: 0,
    };
    for (at, cluster) in line.grapheme_indices(true) {
        let bytes = cluster.as_bytes();
        if matches!(bytes, [b' '..=b'~']) {
            out.push(Cow::Borrowed(cluster), 1, at);
        } else {
            out.cluster(cluster, at);
        }
    }
    out.found
}

/// How many columns one line of text takes.
pub fn width(line: &str) -> usize {
    glyphs(line).iter().map(|glyph| glyph.width).sum()
}

/// As much of one line of text as fits into `columns`, with `…` for the rest.
pub fn fit(line: &str, columns: usize) -> String {
    let glyphs = glyphs(line);
    let total: usize = glyphs.iter().map(|glyph| glyph.width).sum();
    let room = if total > columns {
        columns.saturating_sub(1)
    } else {
        columns
    };
    let mut out = String::new();
    let mut used = 0;
    for glyph in &glyphs {
        if used + glyph.width > room {
            break;
        }
        used += glyph.width;
        out.push_str(&glyph.symbol);
    }
    if total > columns && columns > 0 {
        out.push('…');
    }
    out
}

/// Where a line is broken so that no row is wider than `columns`: between words, beside wide glyphs, and within a word
/// that is longer than a row; spaces there are left out. At least one row.
pub fn wrap(glyphs: &[Glyph<'_>], columns: usize) -> Vec<Range<usize>> {
    let mut rows = Vec::new();
    let (mut start, mut used) = (0, 0);
    // Where a new row may begin, behind `start`.
    let mut gap = None;
    let mut at = 0;
    while at < glyphs.len() {
        let glyph = &glyphs[at];
        if glyph.width == 2 && at > start {
            gap = Some(at);
        }
        if used + glyph.width > columns && at > start {
            if glyph.is_space() {
                rows.push(start..trimmed(glyphs, start, at));
                while glyphs.get(at).is_some_and(Glyph::is_space) {
                    at += 1;
                }
                start = at;
            } else {
                let end = gap.unwrap_or(at);
                rows.push(start..trimmed(glyphs, start, end));
                start = end;
            }
            used = glyphs[start..at].iter().map(|glyph| glyph.width).sum();
            gap = None;
            continue;
        }
        used += glyph.width;
        at += 1;
        if glyph.is_space() || glyph.width == 2 {
            gap = Some(at);
        }
    }
    if start < glyphs.len() || rows.is_empty() {
        rows.push(start..glyphs.len());
    }
    rows
}

/// The end of a row without the spaces at its end; of a row of spaces alone, all of them.
fn trimmed(glyphs: &[Glyph<'_>], start: usize, end: usize) -> usize {
    let last = glyphs[start..end]
        .iter()
        .rposition(|glyph| !glyph.is_space());
    last.map_or(end, |last| start + last + 1)
}

/// Glyphs as they are found, from the beginning of a line.
struct Glyphs<'a> {
    found: Vec<Glyph<'a>>,
    column: usize,
}

impl<'a> Glyphs<'a> {
    fn push(&mut self, symbol: Cow<'a, str>, width: usize, at: usize) {
        self.column += width;
        self.found.push(Glyph { symbol, width, at });
    }

    fn spaces(&mut self, count: usize, at: usize) {
        for _ in 0..count {
            self.push(Cow::Borrowed(" "), 1, at);
        }
    }

    /// Each character that has a width, with the marks behind it.
    fn cluster(&mut self, cluster: &str, at: usize) {
        // What the marks go on, and how many it has.
        let mut base: Option<(usize, usize)> = None;
        for (offset, c) in cluster.char_indices() {
            if !is_shown_as_is(c) {
                continue;
            }
            let at = at + offset;
            match columns_of(c) {
                _ if c == '\t' => self.spaces(TAB - self.column % TAB, at),
                columns if c.is_whitespace() => self.spaces(columns.min(2), at),
                _ if is_skin_tone(c) && offset > 0 => {}
                0 => {
                    if let Some((index, marks)) = &mut base
                        && *marks < MARKS_MAX
                    {
                        *marks += 1;
                        self.found[*index].symbol.to_mut().push(c);
                    }
                    continue;
                }
                columns => {
                    let Some(text) = stand_in(c) else {
                        self.push(Cow::Owned(c.to_string()), columns, at);
                        base = Some((self.found.len() - 1, 0));
                        continue;
                    };
                    for c in text.chars() {
                        self.push(Cow::Owned(c.to_string()), columns_of(c).max(1), at);
                    }
                }
            }
            base = None;
        }
    }
}

fn columns_of(c: char) -> usize {
    c.width().unwrap_or(0)
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

/// What is shown for a character that takes more columns than two, or that terminals do not agree on.
fn stand_in(c: char) -> Option<Cow<'static, str>> {
    match c {
        '\u{2e3a}' => Some("——".into()),
        '\u{2e3b}' => Some("———".into()),
        '\u{ff9e}' => Some("゛".into()),
        '\u{ff9f}' => Some("゜".into()),
        '\u{fdfd}' => Some("\\u{fdfd}".into()),
        // What stands for bytes that are no text is taken for such bytes by some.
        '\u{fffd}' => Some("?".into()),
        _ if columns_of(c) > 2 => Some(format!("\\u{{{:x}}}", u32::from(c)).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::buffer::CellWidth as _;

    fn shown(text: &str) -> Vec<String> {
        let glyphs = glyphs(text);
        glyphs
            .iter()
            .map(|glyph| glyph.symbol.to_string())
            .collect()
    }

    fn rows(text: &str, columns: usize) -> Vec<String> {
        let glyphs = glyphs(text);
        let row = |range: Range<usize>| {
            let row = glyphs[range].iter().map(|glyph| glyph.symbol.as_ref());
            row.collect()
        };
        let rows = wrap(&glyphs, columns);
        rows.into_iter().map(row).collect()
    }

    #[test]
    fn what_cannot_be_printed_is_not_there() {
        let text =
            "a\x1b[2J\u{9b}31m\u{7}\u{8}\r\n\u{202e}b\u{200b}\u{fe0f}\u{e0041}\u{2066}\u{feff}c";
        assert_eq!(shown(text).concat(), "a[2J31mbc");
    }

    #[test]
    fn each_cell_is_sure_of_its_width() {
        assert_eq!(shown("👍🏽x"), ["👍", "x"]);
        assert_eq!(shown("👩\u{200d}👩\u{200d}👧"), ["👩", "👩", "👧"]);
        assert_eq!(shown("🇵🇱🇵"), ["🇵", "🇱", "🇵"]);
        assert_eq!(shown("ำนำ"), ["ำ", "น", "ำ"]);
        assert_eq!(shown("e\u{301}"), ["e\u{301}"]);
        assert_eq!(shown("\u{301}e"), ["e"]);
        assert_eq!(shown("a\tb"), ["a", " ", " ", " ", "b"]);
        assert_eq!(shown("\u{3000}\u{a0}"), [" ", " ", " "]);
        assert_eq!(shown("\u{2e3b}"), ["—", "—", "—"]);
        assert_eq!(shown("ｶﾞ"), ["ｶ", "゛"]);
        assert_eq!(
            shown(&format!("z{}", "\u{336}".repeat(300)))[0]
                .chars()
                .count(),
            1 + MARKS_MAX
        );
        // One cluster to Unicode, as wide as its author likes.
        let conjunct = "क\u{94d}".repeat(50) + "क";
        assert!(glyphs(&conjunct).iter().all(|glyph| glyph.width <= 2));
        assert_eq!(shown("ᄀ\u{1161}\u{11a8}"), ["ᄀ\u{1161}\u{11a8}"]);
        let jamo = format!("ᄀ{}", "\u{1161}".repeat(500));
        assert!(shown(&jamo).concat().chars().count() <= 1 + MARKS_MAX);
    }

    #[test]
    fn every_character_takes_the_columns_that_are_counted() {
        for c in ('\0'..=char::MAX).filter(|c| is_shown_as_is(*c)) {
            for text in [c.to_string(), format!("{c}\u{301}")] {
                for glyph in glyphs(&text) {
                    assert_eq!(usize::from(glyph.symbol.cell_width()), glyph.width, "{c:?}");
                    assert!((1..=2).contains(&glyph.width), "{c:?}");
                }
            }
        }
    }

    #[test]
    fn lines_break_between_words_and_within_long_ones() {
        assert_eq!(rows("one two three", 7), ["one two", "three"]);
        assert_eq!(rows("one  two", 4), ["one", "two"]);
        assert_eq!(rows("  indented code", 11), ["  indented", "code"]);
        assert_eq!(rows("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(rows("an abcdefghij", 4), ["an", "abcd", "efgh", "ij"]);
        assert_eq!(
            rows("日本語のテキスト", 5),
            ["日本", "語の", "テキ", "スト"]
        );
        assert_eq!(rows("ab日本", 3), ["ab", "日", "本"]);
        assert_eq!(rows("", 4), [""]);
        assert_eq!(rows("日", 1), ["日"]);
        assert_eq!(rows("word ", 4), ["word"]);
    }

    #[test]
    fn a_line_that_does_not_fit_is_cut() {
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 0), "");
    }

    proptest! {
        #[test]
        fn rows_are_never_too_wide_and_lose_no_word(text in "\\PC{0,80}", columns in 2_usize..30) {
            let glyphs = glyphs(&text);
            for glyph in &glyphs {
                prop_assert!(glyph.symbol.chars().all(is_shown_as_is));
                prop_assert_eq!(usize::from(glyph.symbol.cell_width()), glyph.width);
            }
            let rows = wrap(&glyphs, columns);
            prop_assert!(!rows.is_empty());
            let mut next = 0;
            for row in &rows {
                let row_width: usize = glyphs[row.clone()].iter().map(|g| g.width).sum();
                prop_assert!(row_width <= columns);
                prop_assert!(glyphs[next..row.start].iter().all(Glyph::is_space));
                next = row.end;
            }
            prop_assert!(glyphs[next..].iter().all(Glyph::is_space));
        }
    }
}
