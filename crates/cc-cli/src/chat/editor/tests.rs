use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use super::*;

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;

fn press(editor: &mut Editor, held: KeyModifiers, code: KeyCode) -> Outcome {
    editor.handle(&KeyEvent::new(code, held))
}

fn type_in(editor: &mut Editor, text: &str) {
    for c in text.chars() {
        assert_eq!(press(editor, NONE, KeyCode::Char(c)), Outcome::Changed);
    }
}

fn with(text: &str) -> Editor {
    let mut editor = Editor::default();
    assert_eq!(editor.paste(text), Pasted::Taken);
    editor
}

/// The text with `|` where the cursor is.
fn shown(editor: &Editor) -> String {
    let (before, after) = editor.text().split_at(editor.cursor());
    format!("{before}|{after}")
}
