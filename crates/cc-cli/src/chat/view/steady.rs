//! A backend on which no glyph can move what stands behind it.

use std::io;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Cell, CellWidth as _};
use ratatui::layout::{Position, Size};
use unicode_width::UnicodeWidthChar as _;

/// Tells the terminal the place of each glyph that follows one on whose width terminals may differ: pictographs, symbols,
/// private characters and those that Unicode counts among the wide ones only next to Chinese, Japanese or Korean.
///
/// Others write what is shown, so a glyph that a terminal draws wider than is counted here would otherwise push the rest of its
/// row to the right, and its last cell onto the next row.
#[derive(Debug)]
pub struct Steady<B>(pub B);

/// Whether all terminals agree on how many columns it takes.
fn is_sure(cell: &Cell) -> bool {
    let mut chars = cell.symbol().chars();
    match (chars.next(), chars.next()) {
        // Among them lines and blocks of our own.
        (Some(' '..='~' | '─' | '│' | '█' | '▀' | '▄' | '░') | None, None) => true,
        // Later scripts have signs that some terminals draw with the letter before them.
        (Some(c), None) => {
            c < '\u{900}' && c.is_alphabetic() && c.width() == Some(1) && c.width_cjk() == Some(1)
        }
        _ => false,
    }
}

impl<B: Backend> Backend for Steady<B> {
    type Error = B::Error;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Self::Error>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        // The inner backend writes a place where a cell does not follow the one before, and at the beginning.
        let mut run: Vec<(u16, u16, &'a Cell)> = Vec::new();
        for (x, y, cell) in content {
            let follows_unsure = run.last().is_some_and(|(last_x, last_y, last)| {
                *last_y == y && last_x + 1 == x && (last.cell_width() > 1 || !is_sure(last))
            });
            if follows_unsure {
                self.0.draw(run.drain(..))?;
            }
            run.push((x, y, cell));
        }
        if run.is_empty() {
            return Ok(());
        }
        self.0.draw(run.into_iter())
    }

    fn append_lines(&mut self, n: u16) -> Result<(), Self::Error> {
        self.0.append_lines(n)
    }

    fn hide_cursor(&mut self) -> Result<(), Self::Error> {
        self.0.hide_cursor()
    }

    fn show_cursor(&mut self) -> Result<(), Self::Error> {
        self.0.show_cursor()
    }

    fn get_cursor_position(&mut self) -> Result<Position, Self::Error> {
        self.0.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Self::Error> {
        self.0.set_cursor_position(position)
    }

    fn clear(&mut self) -> Result<(), Self::Error> {
        self.0.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), Self::Error> {
        self.0.clear_region(clear_type)
    }

    fn size(&self) -> Result<Size, Self::Error> {
        self.0.size()
    }

    fn window_size(&mut self) -> Result<WindowSize, Self::Error> {
        self.0.window_size()
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.flush()
    }
}

impl<W: io::Write> io::Write for Steady<ratatui::backend::CrosstermBackend<W>> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut self.0, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::Write::flush(&mut self.0)
    }
}
