//! A ticket to hand on: as text that can be selected, and as a QR code where it fits.

use cc_proto::text::clean_line;
use ratatui::layout::Rect;

use super::overlay::qr_style;
use super::paint::{Run, run};
use super::screen::Screen;
use crate::chat::theme;
use crate::chat::wrap::{glyphs, width, wrap};

/// The edges of a frame.
const EDGES: u16 = 2;
/// The columns that a frame takes beside its text.
const SIDES: u16 = 4;
/// The longest note, in characters.
const NOTE_CHARS_MAX: usize = 400;

/// What to show of a ticket in this much room: the code is whole or not there.
pub fn lines(
    screen: &Screen<'_>,
    ticket: &str,
    qr: &[String],
    note: &str,
    area: Rect,
) -> Vec<Vec<Run<'static>>> {
    let theme = screen.theme;
    let columns = usize::from(area.width.saturating_sub(SIDES).min(80)).max(4);
    let mut out: Vec<Vec<Run<'static>>> = Vec::new();
    let ticket = clean_line(ticket, usize::MAX);
    let letters: Vec<char> = ticket.chars().collect();
    for piece in letters.chunks(columns) {
        out.push(vec![run(piece.iter().collect::<String>(), theme::plain())]);
    }
    let note = clean_line(note, NOTE_CHARS_MAX);
    let glyphs = glyphs(&note);
    for row in wrap(&glyphs, columns)
        .into_iter()
        .filter(|_| !note.is_empty())
    {
        let row: String = glyphs[row].iter().map(|it| it.symbol.as_ref()).collect();
        out.push(vec![run(row, theme::dim())]);
    }
    let wide = qr.first().map_or(0, |row| width(row));
    let fits_across = wide <= columns;
    let fits_down = qr.len() + out.len() + usize::from(EDGES) <= usize::from(area.height);
    if qr.is_empty() {
        return out;
    }
    if !theme.unicode {
        let words = "No QR code: this terminal's locale has no half blocks.";
        out.push(vec![run(words, theme::dim())]);
    } else if fits_across && fits_down {
        let style = qr_style(theme.depth);
        let code = qr.iter().map(|row| vec![run(row.clone(), style)]);
        out = code.chain(out).collect();
    } else {
        let needed = qr.len() + out.len() + usize::from(EDGES) + 6;
        let words = format!(
            "No QR code: it needs a window of {} x {needed}.",
            wide + usize::from(SIDES) + 2
        );
        out.push(vec![run(words, theme::dim())]);
    }
    out
}
