//! What is typed, through the editor and the screen to the terminal: the cursor stands behind what is before it.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::sample::Sample;
use super::terminal::{Watched, row};
use crate::chat::editor::Editor;
use crate::chat::view::composer_room;
use crate::chat::wrap;

/// Texts on whose width terminals and tables differ.
const TEXTS: [&str; 14] = [
    "plain",
    "ｶﾞｷﾞﾊﾟ",
    "ﾞﾟaﾞ",
    "カ\u{3099}ガ",
    "👩\u{200d}👩\u{200d}👧 👍🏽 ❤\u{fe0f}",
    "1\u{fe0f}\u{20e3} 🏳\u{fe0f}\u{200d}🌈 🇵🇱🇵",
    "e\u{301}\u{20dd} o\u{488}",
    "ᄀ\u{1161}\u{11a8} 각 \u{1161}",
    "क\u{94d}षि ำนำ น้ำ",
    "قلب لا שלום",
    "\u{2e3a}\u{2e3b}\u{fdfd}\u{fffd}",
    "a\u{200b}\u{301}b\u{202e}c\u{ad}d",
    "\u{3000}ａ　日本語、「」ｰ",
    "½ ± § … ─ █ ✓ ● \u{e000}",
];

#[test]
fn the_cursor_stands_where_the_terminal_has_come_to() {
    const SIZE: (u16, u16) = (60, 10);
    for text in TEXTS {
        let mut editor = Editor::default();
        editor.set_text(text);
        let mut watched = Watched::new(SIZE.0, SIZE.1);
        loop {
            let mut sample = Sample::default();
            let area = ratatui::layout::Rect::new(0, 0, SIZE.0, SIZE.1);
            let (width, rows_max) = composer_room(area);
            let layout = editor.layout(width, rows_max);
            (sample.typed, sample.cursor) = (layout.rows, layout.cursor);
            let (drawn, buffer) = watched.draw(&sample.screen(None));
            let cursor = drawn.cursor.unwrap();
            let before = row(&buffer, cursor.y, 2, cursor.x);
            let wanted = cc_proto::text::clean_text(&text[..editor.cursor()]);
            let wanted = wrap::glyphs(&wanted);
            let wanted: String = wanted.iter().map(|glyph| glyph.symbol.as_ref()).collect();
            // A mark that stands behind the cursor is drawn on the character before it, and takes no column.
            assert!(before.starts_with(&wanted), "{before:?} {wanted:?}");
            assert_eq!(
                wrap::width(&before),
                wrap::width(&wanted),
                "{text:?} up to {}",
                editor.cursor()
            );
            let at = editor.cursor();
            if at == text.len() {
                let behind = row(&buffer, cursor.y, cursor.x, SIZE.0);
                assert_eq!(behind.trim(), "", "{text:?}");
            }
            editor.handle(&KeyEvent::new(KeyCode::Left, KeyModifiers::NONE));
            if editor.cursor() == at {
                break;
            }
        }
    }
}
