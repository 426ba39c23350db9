//! Putting text into the cells of the screen: the only place that does.

use std::borrow::Cow;

use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::chat::wrap;

/// A piece of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run<'a> {
    /// The text; whoever wrote it.
    pub text: Cow<'a, str>,
    /// How it is written.
    pub style: Style,
}

/// A piece of text in one style.
pub fn run<'a>(text: impl Into<Cow<'a, str>>, style: Style) -> Run<'a> {
    Run {
        text: text.into(),
        style,
    }
}

/// Writes one line of text, and gives the column behind it. What does not fit before the column `end` is left out.
pub fn put(buffer: &mut Buffer, (x, y): (u16, u16), end: u16, text: &str, style: Style) -> u16 {
    let area = buffer.area;
    let end = end.min(area.right());
    if y < area.top() || y >= area.bottom() || x < area.left() {
        return x;
    }
    let mut x = x;
    for glyph in wrap::glyphs(text) {
        let next = x.saturating_add(glyph.width as u16);
        if next > end {
            break;
        }
        buffer[(x, y)].set_symbol(&glyph.symbol).set_style(style);
        for behind in x + 1..next {
            buffer[(behind, y)].reset();
        }
        x = next;
    }
    x
}

/// Writes pieces of text behind one another.
pub fn put_runs(buffer: &mut Buffer, at: (u16, u16), end: u16, runs: &[Run<'_>]) -> u16 {
    let (mut x, y) = at;
    for run in runs {
        x = put(buffer, (x, y), end, &run.text, run.style);
    }
    x
}

/// Writes one line of text that ends before the column `end`, not before the column `start`.
pub fn put_right(
    buffer: &mut Buffer,
    (start, y): (u16, u16),
    end: u16,
    text: &str,
    style: Style,
) -> u16 {
    let text = wrap::fit(text, usize::from(end.saturating_sub(start)));
    let x = end.saturating_sub(wrap::width(&text) as u16).max(start);
    put(buffer, (x, y), end, &text, style);
    x
}

/// Fills a part of a row with a sign of one column.
pub fn fill(buffer: &mut Buffer, (x, y): (u16, u16), end: u16, sign: &str, style: Style) {
    for x in x..end {
        put(buffer, (x, y), end, sign, style);
    }
}

/// Makes room for what lies over the rest. A wide glyph that reaches into the area goes as a whole: half of it would
/// swallow the first column.
pub fn clear(buffer: &mut Buffer, area: Rect) {
    let area = area.intersection(buffer.area);
    for y in area.rows().map(|row| row.y) {
        if area.x > buffer.area.x && buffer[(area.x - 1, y)].cell_width() > 1 {
            buffer[(area.x - 1, y)].set_symbol(" ");
        }
        for x in area.x..area.right() {
            buffer[(x, y)].reset();
        }
    }
}
