//! The chords: one table, from which both what a key does and what `/help` says of it are made.
//!
//! A key without Ctrl or Alt that stands for a character is never in it: it goes into the text, always. So does a key
//! with both, which is how some terminals tell of AltGr, and one with Alt that is no chord, which is Esc and a letter
//! typed so fast that the terminal takes them for one.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a chord does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Sends the text, or carries out the command.
    Send,
    /// Begins a new line in the text.
    Newline,
    /// A character to the left.
    Left,
    /// A character to the right.
    Right,
    /// A row up; from the first, to what was sent before.
    Up,
    /// A row down; from the last, back towards what is being typed.
    Down,
    /// A word to the left.
    WordLeft,
    /// A word to the right.
    WordRight,
    /// To the beginning of the row; from there, of the line.
    RowStart,
    /// To the end of the row; from there, of the line.
    RowEnd,
    /// To the beginning of the line.
    LineStart,
    /// To the end of the line.
    LineEnd,
    /// Deletes the character before the cursor.
    DeleteBack,
    /// Deletes the character after the cursor.
    DeleteForward,
    /// Cuts the word before the cursor.
    CutWordBack,
    /// Cuts the word after the cursor.
    CutWordForward,
    /// Cuts to the end of the line.
    CutToEnd,
    /// Cuts to the beginning of the line.
    CutToStart,
    /// Puts in what was cut last.
    PutBack,
    /// Takes the last change back.
    Undo,
    /// Makes it again.
    Redo,
    /// Completes, and goes on to the next candidate.
    Complete,
    /// To the candidate before.
    CompleteBack,
    /// Closes what is open.
    Close,
    /// Clears the text; leaves the chat where there is none.
    Interrupt,
    /// Leaves the chat where there is no text; else deletes the character after the cursor.
    EndOfInput,
    /// A page up in the messages.
    PageUp,
    /// A page down in the messages.
    PageDown,
    /// To the oldest message.
    Oldest,
    /// To the newest message.
    Newest,
    /// Selects the message before the selected one.
    SelectOlder,
    /// Selects the message after the selected one.
    SelectNewer,
    /// Goes to the message that the selected one answers.
    Answered,
    /// Looks for words in the room.
    Search,
    /// The next room.
    NextRoom,
    /// The room before.
    PreviousRoom,
    /// The room at this place in the list, counted from 1.
    Room(u8),
    /// Shows or hides the members.
    Members,
    /// Lets clicks and the wheel come to the chat, or to the terminal.
    Mouse,
    /// Draws the screen anew.
    Redraw,
    /// Shows the keys and the commands.
    Help,
}

impl Action {
    /// Whether it is the text's affair, and so [`super::editor::Editor`]'s.
    pub const fn edits(self) -> bool {
        matches!(
            self,
            Self::Send
                | Self::Newline
                | Self::Left
                | Self::Right
                | Self::Up
                | Self::Down
                | Self::WordLeft
                | Self::WordRight
                | Self::RowStart
                | Self::RowEnd
                | Self::LineStart
                | Self::LineEnd
                | Self::DeleteBack
                | Self::DeleteForward
                | Self::CutWordBack
                | Self::CutWordForward
                | Self::CutToEnd
                | Self::CutToStart
                | Self::PutBack
                | Self::Undo
                | Self::Redo
        )
    }
}

/// Under which heading `/help` has a chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Typing.
    Typing,
    /// Reading.
    Reading,
    /// Rooms, and the chat itself.
    Rooms,
}

impl Group {
    /// All of them, in the order of `/help`.
    pub const ALL: [Self; 3] = [Self::Typing, Self::Reading, Self::Rooms];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Typing => "Typing",
            Self::Reading => "Reading",
            Self::Rooms => "Rooms",
        }
    }
}

/// Keys that do one thing.
#[derive(Debug)]
pub struct Chord {
    /// The keys, each of which does it.
    pub keys: &'static [Key],
    /// What they do.
    pub action: Action,
    /// Where `/help` has it.
    pub group: Group,
    /// How `/help` writes the keys.
    pub shown: &'static str,
    /// What `/help` says of it; empty: it stands with another.
    pub told: &'static str,
}

/// A key with what is held down beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The key; a letter is the small one.
    pub code: KeyCode,
    /// Ctrl, Alt and, of keys that stand for no character, Shift.
    pub held: KeyModifiers,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
const CTRL_SHIFT: KeyModifiers = KeyModifiers::CONTROL.union(KeyModifiers::SHIFT);

const fn key(held: KeyModifiers, code: KeyCode) -> Key {
    Key { code, held }
}

const fn ctrl(letter: char) -> Key {
    key(CTRL, KeyCode::Char(letter))
}

const fn alt(letter: char) -> Key {
    key(ALT, KeyCode::Char(letter))
}

macro_rules! chords {
    ($($group:ident $action:expr, $shown:literal, $told:literal: $($key:expr),+;)+) => {
        &[$(Chord { keys: &[$($key),+], action: $action, group: Group::$group, shown: $shown, told: $told }),+]
    };
}

/// Every chord there is.
pub const CHORDS: &[Chord] = chords! {
    Typing Action::Send, "Enter", "send": key(NONE, KeyCode::Enter);
    Typing Action::Newline, "Alt+Enter, Shift+Enter, Ctrl+J", "a new line in the text":
        key(ALT, KeyCode::Enter), key(SHIFT, KeyCode::Enter), key(CTRL, KeyCode::Enter), ctrl('j');
    Typing Action::Complete, "Tab, Shift+Tab", "complete a name, a command or a path":
        key(NONE, KeyCode::Tab);
    Typing Action::CompleteBack, "", "": key(SHIFT, KeyCode::BackTab), key(NONE, KeyCode::BackTab), key(SHIFT, KeyCode::Tab);
    Typing Action::Up, "Up, Down", "a row up or down; past the first, what was sent before":
        key(NONE, KeyCode::Up);
    Typing Action::Down, "", "": key(NONE, KeyCode::Down);
    Typing Action::Left, "", "": key(NONE, KeyCode::Left), ctrl('b');
    Typing Action::Right, "", "": key(NONE, KeyCode::Right);
    Typing Action::WordLeft, "Ctrl+Left, Ctrl+Right, Alt+B, Alt+F", "a word to the left or the right":
        key(CTRL, KeyCode::Left), key(ALT, KeyCode::Left), alt('b');
    Typing Action::WordRight, "", "": key(CTRL, KeyCode::Right), key(ALT, KeyCode::Right), alt('f');
    Typing Action::RowStart, "Home, End", "to the beginning or the end of the row; again, of the line":
        key(NONE, KeyCode::Home);
    Typing Action::RowEnd, "", "": key(NONE, KeyCode::End);
    Typing Action::LineStart, "Ctrl+A, Ctrl+E", "to the beginning or the end of the line": ctrl('a');
    Typing Action::LineEnd, "", "": ctrl('e');
    Typing Action::DeleteBack, "", "": key(NONE, KeyCode::Backspace), key(SHIFT, KeyCode::Backspace), ctrl('h');
    Typing Action::DeleteForward, "", "": key(NONE, KeyCode::Delete);
    Typing Action::CutWordBack, "Ctrl+W, Alt+D", "cut the word before or after the cursor":
        ctrl('w'), key(ALT, KeyCode::Backspace), key(CTRL, KeyCode::Backspace);
    Typing Action::CutWordForward, "", "": alt('d'), key(CTRL, KeyCode::Delete), key(ALT, KeyCode::Delete);
    Typing Action::CutToStart, "Ctrl+U, Ctrl+K", "cut to the beginning or the end of the line": ctrl('u');
    Typing Action::CutToEnd, "", "": ctrl('k');
    Typing Action::PutBack, "Alt+Y", "put in what was cut last": alt('y');
    Typing Action::Undo, "Ctrl+Z, Ctrl+Y", "take back the last change, make it again": ctrl('z');
    Typing Action::Redo, "", "": ctrl('y'), key(CTRL_SHIFT, KeyCode::Char('z'));
    Reading Action::PageUp, "PgUp, PgDn", "a page up or down": key(NONE, KeyCode::PageUp);
    Reading Action::PageDown, "", "": key(NONE, KeyCode::PageDown);
    Reading Action::Oldest, "Ctrl+Home, Ctrl+End", "to the oldest or the newest message": key(CTRL, KeyCode::Home);
    Reading Action::Newest, "", "": key(CTRL, KeyCode::End);
    Reading Action::SelectOlder, "Alt+Up, Alt+Down", "select a message, for /reply, /retract and /get":
        key(ALT, KeyCode::Up);
    Reading Action::SelectNewer, "", "": key(ALT, KeyCode::Down);
    Reading Action::Answered, "Ctrl+O", "to the message that the selected one answers": ctrl('o');
    Reading Action::Search, "Ctrl+F", "look for words": ctrl('f');
    Reading Action::Close, "Esc", "close what is open": key(NONE, KeyCode::Esc);
    Rooms Action::NextRoom, "Ctrl+N, Ctrl+P", "the next room, the one before": ctrl('n');
    Rooms Action::PreviousRoom, "", "": ctrl('p');
    Rooms Action::Room(1), "Alt+1 to Alt+9", "the room at that place": alt('1');
    Rooms Action::Room(2), "", "": alt('2');
    Rooms Action::Room(3), "", "": alt('3');
    Rooms Action::Room(4), "", "": alt('4');
    Rooms Action::Room(5), "", "": alt('5');
    Rooms Action::Room(6), "", "": alt('6');
    Rooms Action::Room(7), "", "": alt('7');
    Rooms Action::Room(8), "", "": alt('8');
    Rooms Action::Room(9), "", "": alt('9');
    Rooms Action::Members, "F2", "show or hide the members": key(NONE, KeyCode::F(2));
    Rooms Action::Mouse, "F3", "use the mouse here, or for the terminal's own selection": key(NONE, KeyCode::F(3));
    Rooms Action::Redraw, "Ctrl+L", "draw the screen anew": ctrl('l');
    Rooms Action::Help, "F1", "this list": key(NONE, KeyCode::F(1));
    Rooms Action::Interrupt, "Ctrl+C", "clear the text; without any, leave the chat": ctrl('c');
    Rooms Action::EndOfInput, "Ctrl+D", "leave the chat, where nothing is typed": ctrl('d');
};

/// What a key does; `None` where it is no chord.
pub fn action(event: &KeyEvent) -> Option<Action> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let pressed = normal(event);
    let chord = CHORDS.iter().find(|chord| chord.keys.contains(&pressed))?;
    Some(chord.action)
}

/// The character that a key puts into the text; `None` where it is a chord, or stands for no character.
pub fn typed(event: &KeyEvent) -> Option<char> {
    let KeyCode::Char(c) = event.code else {
        return None;
    };
    if event.kind == KeyEventKind::Release || c.is_control() || action(event).is_some() {
        return None;
    }
    let held = event.modifiers - SHIFT;
    // Ctrl and Alt together are AltGr.
    let types = held.is_empty() || held == ALT || held == CTRL | ALT;
    types.then_some(c)
}

/// A key as the table has it: terminals differ in whether they tell of Shift beside a character, and which letter it is then.
fn normal(event: &KeyEvent) -> Key {
    let KeyCode::Char(c) = event.code else {
        return Key {
            code: event.code,
            held: event.modifiers,
        };
    };
    let small = c.to_ascii_lowercase();
    let held = event.modifiers;
    // Ctrl+Shift+Z is the one chord where Shift beside a letter counts.
    let counts = held.contains(CTRL) && small == 'z' && (held.contains(SHIFT) || c == 'Z');
    Key {
        code: KeyCode::Char(small),
        held: if counts { held | SHIFT } else { held - SHIFT },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(held: KeyModifiers, code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, held)
    }

    #[test]
    fn no_character_without_ctrl_or_alt_is_a_chord() {
        for chord in CHORDS {
            for key in chord.keys {
                let KeyCode::Char(c) = key.code else {
                    continue;
                };
                let held = key.held - SHIFT;
                assert!(held == CTRL || held == ALT, "{key:?}");
                assert!(!c.is_uppercase(), "{key:?}");
                // Digits are text with Ctrl, too.
                assert!(!c.is_ascii_digit() || held == ALT, "{key:?}");
            }
        }
        for c in (' '..='~').chain("ßéЖ日👍".chars()) {
            for held in [NONE, SHIFT, CTRL | ALT, CTRL | ALT | SHIFT] {
                let event = event(held, KeyCode::Char(c));
                assert_eq!(action(&event), None, "{event:?}");
                assert_eq!(typed(&event), Some(c), "{event:?}");
            }
        }
    }

    #[test]
    fn no_two_chords_have_a_key_in_common() {
        let keys: Vec<&Key> = CHORDS.iter().flat_map(|chord| chord.keys).collect();
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{key:?}");
        }
    }

    #[test]
    fn each_chord_is_told_of_or_stands_with_another() {
        for chord in CHORDS {
            assert_eq!(chord.shown.is_empty(), chord.told.is_empty(), "{chord:?}");
        }
        // What stands without words of its own follows what tells of it.
        assert!(CHORDS.first().is_some_and(|chord| !chord.told.is_empty()));
    }

    #[test]
    fn a_chord_is_known_however_the_terminal_tells_it() {
        let is = |held, code, wanted| assert_eq!(action(&event(held, code)), wanted, "{code:?}");
        is(CTRL, KeyCode::Char('C'), Some(Action::Interrupt));
        is(CTRL | SHIFT, KeyCode::Char('c'), Some(Action::Interrupt));
        is(ALT, KeyCode::Char('B'), Some(Action::WordLeft));
        is(CTRL, KeyCode::Char('z'), Some(Action::Undo));
        is(CTRL | SHIFT, KeyCode::Char('z'), Some(Action::Redo));
        is(CTRL, KeyCode::Char('Z'), Some(Action::Redo));
        is(SHIFT, KeyCode::Enter, Some(Action::Newline));
        is(SHIFT, KeyCode::BackTab, Some(Action::CompleteBack));
        is(ALT, KeyCode::Char('7'), Some(Action::Room(7)));
        is(NONE, KeyCode::Char('7'), None);
        is(CTRL, KeyCode::Char('g'), None);
        let mut up = event(CTRL, KeyCode::Char('c'));
        up.kind = KeyEventKind::Release;
        assert_eq!(action(&up), None);
    }

    #[test]
    fn esc_and_a_letter_typed_fast_lose_no_letter() {
        assert_eq!(typed(&event(ALT, KeyCode::Char('x'))), Some('x'));
        assert_eq!(typed(&event(CTRL, KeyCode::Char('g'))), None);
        assert_eq!(typed(&event(KeyModifiers::SUPER, KeyCode::Char('v'))), None);
        assert_eq!(typed(&event(NONE, KeyCode::Char('\u{1b}'))), None);
        assert_eq!(typed(&event(NONE, KeyCode::Enter)), None);
    }
}
