//! A terminal that keeps what was written to it, and checks that it shows what was drawn.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use ratatui::backend::CrosstermBackend;
use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use crate::chat::view::{Drawn, Screen, Steady, draw};

/// What was written.
#[derive(Debug, Clone, Default)]
struct Tape(Rc<RefCell<Vec<u8>>>);

impl io::Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal of some size.
pub struct Watched {
    terminal: Terminal<Steady<CrosstermBackend<Tape>>>,
    tape: Tape,
    parser: vt100::Parser,
}

impl Watched {
    pub fn new(width: u16, height: u16) -> Self {
        let tape = Tape::default();
        let backend = Steady(CrosstermBackend::new(tape.clone()));
        let options = TerminalOptions {
            viewport: Viewport::Fixed(Rect::new(0, 0, width, height)),
        };
        Self {
            terminal: Terminal::with_options(backend, options).unwrap(),
            tape,
            parser: vt100::Parser::new(height, width, 0),
        }
    }

    /// Draws a frame, and checks the bytes, and what a terminal makes of them, cell by cell.
    pub fn draw(&mut self, screen: &Screen<'_>) -> (Drawn, Buffer) {
        let mut drawn = Drawn::default();
        let frame = self.terminal.draw(|frame| drawn = draw(screen, frame));
        let buffer = frame.unwrap().buffer.clone();
        let bytes = std::mem::take(&mut *self.tape.0.borrow_mut());
        assert_harmless(&bytes);
        self.parser.process(&bytes);
        let cursor = drawn.cursor.map(|cursor| (cursor.y, cursor.x));
        assert_eq!(cursor, Some(self.parser.screen().cursor_position()));
        self.assert_shows(&buffer);
        (drawn, buffer)
    }

    fn assert_shows(&self, buffer: &Buffer) {
        let screen = self.parser.screen();
        for y in 0..buffer.area.height {
            let mut x = 0;
            while x < buffer.area.width {
                let cell = &buffer[(x, y)];
                let columns = cell.cell_width().max(1);
                assert!(x + columns <= buffer.area.width, "half a glyph at {x}, {y}");
                let shown: String = (x..x + columns)
                    .map(|x| screen.cell(y, x).unwrap().contents())
                    .collect();
                assert_eq!(shown.trim_end(), cell.symbol().trim_end(), "at {x}, {y}");
                x += columns;
            }
        }
    }
}

/// The only sequences are those that place the cursor, show or hide it, and choose colours; nothing else can act.
pub fn assert_harmless(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("it is text");
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\x1b' {
            assert!(!c.is_control(), "{c:?} reached the terminal");
            let hides = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}');
            assert!(!hides, "{c:?} reached the terminal");
            continue;
        }
        assert_eq!(chars.next(), Some('['), "a sequence that is no CSI");
        let mut parameters = String::new();
        let last = loop {
            match chars.next() {
                Some(c @ ('0'..='9' | ';' | ':' | '?')) => parameters.push(c),
                other => break other,
            }
        };
        let is_known = match last {
            Some('H' | 'm') => !parameters.contains('?'),
            Some('h' | 'l') => parameters == "?25",
            _ => false,
        };
        assert!(is_known, "CSI {parameters} {last:?}");
    }
}

/// The text of a screen, a line for each row, without the blanks at its end.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let row = row(buffer, y, 0, buffer.area.width);
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// The text of a part of a row.
pub fn row(buffer: &Buffer, y: u16, from: u16, end: u16) -> String {
    let mut row = String::new();
    let mut x = from;
    while x < end {
        let cell = &buffer[(x, y)];
        row.push_str(cell.symbol());
        x += cell.cell_width().max(1);
    }
    row
}
