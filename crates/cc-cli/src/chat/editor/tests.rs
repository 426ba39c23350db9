use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation as _;

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

/// The editor, having a text with `|` where the cursor is to be.
fn at(text: &str) -> Editor {
    let (before, after) = text.split_once('|').unwrap();
    let mut editor = with(&format!("{before}{after}"));
    editor.buffer.go(before.len());
    editor
}

#[test]
fn digits_and_letters_arrive_as_typed() {
    let mut editor = Editor::default();
    type_in(&mut editor, "port 5432 x9");
    assert_eq!(editor.text(), "port 5432 x9");
    assert_eq!(
        press(&mut editor, NONE, KeyCode::Enter),
        Outcome::Submit("port 5432 x9".to_owned())
    );
    // It stays until it is taken.
    assert_eq!(editor.text(), "port 5432 x9");
    editor.accepted();
    assert!(editor.is_empty());
    // AltGr, as some terminals tell of it.
    for c in "@€{[]}\\|~q".chars() {
        press(&mut editor, CTRL | ALT, KeyCode::Char(c));
    }
    assert_eq!(editor.text(), "@€{[]}\\|~q");
}

#[test]
fn each_chord_does_what_it_says() {
    for (before, held, code, after) in [
        ("ab|c", NONE, KeyCode::Left, "a|bc"),
        ("ab|c", NONE, KeyCode::Right, "abc|"),
        ("one, two| x", CTRL, KeyCode::Left, "one, |two x"),
        ("one, |two", ALT, KeyCode::Char('b'), "|one, two"),
        ("a\n|b", ALT, KeyCode::Char('b'), "a|\nb"),
        ("|one, two", CTRL, KeyCode::Right, "one|, two"),
        ("one|, two", ALT, KeyCode::Char('f'), "one, two|"),
        ("a|\nb", ALT, KeyCode::Char('f'), "a\n|b"),
        ("a\nb|c\nd", CTRL, KeyCode::Char('a'), "a\n|bc\nd"),
        ("a\nb|c\nd", CTRL, KeyCode::Char('e'), "a\nbc|\nd"),
        ("a\nb|c\nd", NONE, KeyCode::Home, "a\n|bc\nd"),
        ("a\nb|c\nd", NONE, KeyCode::End, "a\nbc|\nd"),
        ("ab|c", NONE, KeyCode::Backspace, "a|c"),
        ("ab|c", CTRL, KeyCode::Char('h'), "a|c"),
        ("ab|c", NONE, KeyCode::Delete, "ab|"),
        ("ab|c", CTRL, KeyCode::Char('d'), "ab|"),
        ("ab|c", CTRL, KeyCode::Char('j'), "ab\n|c"),
        ("ab|c", ALT, KeyCode::Enter, "ab\n|c"),
        ("ab|c", KeyModifiers::SHIFT, KeyCode::Enter, "ab\n|c"),
        ("one two| x", CTRL, KeyCode::Char('w'), "one | x"),
        ("one |two x", ALT, KeyCode::Char('d'), "one | x"),
        ("a\nb|c", CTRL, KeyCode::Char('u'), "a\n|c"),
        ("a\n|c", CTRL, KeyCode::Char('u'), "a|c"),
        ("b|c\nd", CTRL, KeyCode::Char('k'), "b|\nd"),
        ("b|\nd", CTRL, KeyCode::Char('k'), "b|d"),
        ("a|b", CTRL, KeyCode::Char('c'), "|"),
        ("|", NONE, KeyCode::Backspace, "|"),
        ("|", NONE, KeyCode::Delete, "|"),
    ] {
        let mut editor = at(before);
        assert_eq!(
            press(&mut editor, held, code),
            Outcome::Changed,
            "{before} {code:?}"
        );
        assert_eq!(shown(&editor), after, "{before} {code:?}");
    }
}

#[test]
fn what_is_not_the_texts_affair_is_given_back() {
    let mut editor = Editor::default();
    for (held, code) in [
        (CTRL, KeyCode::Char('c')),
        (CTRL, KeyCode::Char('d')),
        (CTRL, KeyCode::Char('f')),
        (NONE, KeyCode::PageUp),
        (NONE, KeyCode::Esc),
        (NONE, KeyCode::Tab),
        (ALT, KeyCode::Char('1')),
        (NONE, KeyCode::F(1)),
        (CTRL, KeyCode::Char('g')),
        (NONE, KeyCode::CapsLock),
    ] {
        assert_eq!(press(&mut editor, held, code), Outcome::NotMine, "{code:?}");
    }
    assert_eq!(press(&mut editor, NONE, KeyCode::Enter), Outcome::Nothing);
    type_in(&mut editor, "  ");
    assert_eq!(press(&mut editor, NONE, KeyCode::Enter), Outcome::Nothing);
}

#[test]
fn a_character_of_several_code_points_is_one() {
    for one in ["👩‍👩‍👧", "🇩🇪", "e\u{301}", "👍🏽", "क्षि", "1\u{fe0f}\u{20e3}"]
    {
        let mut editor = with(&format!("a{one}b"));
        press(&mut editor, NONE, KeyCode::Left);
        press(&mut editor, NONE, KeyCode::Left);
        assert_eq!(shown(&editor), format!("a|{one}b"));
        press(&mut editor, NONE, KeyCode::Right);
        assert_eq!(shown(&editor), format!("a{one}|b"));
        press(&mut editor, NONE, KeyCode::Backspace);
        assert_eq!(shown(&editor), "a|b");
    }
    // What was typed comes together with what stood there.
    let mut editor = with("\u{1f1e9}x");
    editor.buffer.go(4);
    type_in(&mut editor, "\u{1f1ea}");
    assert_eq!(shown(&editor), "\u{1f1e9}\u{1f1ea}|x");
}

#[test]
fn undo_goes_word_by_word_and_brings_back_what_was_cleared() {
    let mut editor = Editor::default();
    type_in(&mut editor, "one two  three");
    let undo = |editor: &mut Editor| press(editor, CTRL, KeyCode::Char('z'));
    let redo = |editor: &mut Editor| press(editor, CTRL, KeyCode::Char('y'));
    for left in ["one two  ", "one ", ""] {
        assert_eq!(undo(&mut editor), Outcome::Changed);
        assert_eq!(editor.text(), left);
    }
    assert_eq!(undo(&mut editor), Outcome::Nothing);
    for left in ["one ", "one two  ", "one two  three"] {
        assert_eq!(redo(&mut editor), Outcome::Changed);
        assert_eq!(editor.text(), left);
    }
    assert_eq!(redo(&mut editor), Outcome::Nothing);
    press(&mut editor, CTRL, KeyCode::Char('c'));
    assert!(editor.is_empty());
    undo(&mut editor);
    assert_eq!(editor.text(), "one two  three");
    // A movement parts what is typed before it from what is typed after it.
    let mut editor = at("ab|");
    type_in(&mut editor, "c");
    press(&mut editor, NONE, KeyCode::Left);
    press(&mut editor, NONE, KeyCode::Right);
    type_in(&mut editor, "d");
    undo(&mut editor);
    assert_eq!(shown(&editor), "abc|");
    // Deleting goes on as one, too.
    for _ in 0..3 {
        press(&mut editor, NONE, KeyCode::Backspace);
    }
    assert!(editor.is_empty());
    undo(&mut editor);
    assert_eq!(shown(&editor), "abc|");
}

#[test]
fn what_is_cut_in_a_row_is_put_back_as_one() {
    let mut editor = at("one two |three");
    press(&mut editor, CTRL, KeyCode::Char('w'));
    press(&mut editor, CTRL, KeyCode::Char('k'));
    press(&mut editor, CTRL, KeyCode::Char('w'));
    assert_eq!(shown(&editor), "|");
    press(&mut editor, ALT, KeyCode::Char('y'));
    assert_eq!(shown(&editor), "one two three|");
    press(&mut editor, CTRL, KeyCode::Char('w'));
    press(&mut editor, NONE, KeyCode::Left);
    press(&mut editor, CTRL, KeyCode::Char('u'));
    press(&mut editor, ALT, KeyCode::Char('y'));
    assert_eq!(editor.text(), "one two ");
}

#[test]
fn a_paste_goes_in_as_it_is_but_for_what_acts_on_a_terminal() {
    let mut editor = with("a\r\nb\rc\td\u{1b}[31m\u{7}\u{0}e\u{85}f\u{2028}g\u{9b}h");
    assert_eq!(editor.text(), "a\nb\nc    d[31me\nf\ngh");
    let layout = editor.layout(40, 10);
    assert_eq!(layout.rows, ["a", "b", "c    d[31me", "f", "gh"]);
    assert_eq!(layout.cursor, (4, 2));
    // Nothing pasted is a key: no line of it is sent.
    let lines: Vec<String> = (0..200).map(|n| format!("line {n}")).collect();
    let lines = lines.join("\n") + "\n";
    let mut editor = with(&lines);
    assert_eq!(editor.text(), lines);
    assert_eq!(editor.layout(40, 5).total_rows, 201);
    assert_eq!(
        press(&mut editor, NONE, KeyCode::Enter),
        Outcome::Submit(lines.trim_end().to_owned())
    );
}

#[test]
fn what_is_too_long_is_kept_and_can_be_split() {
    let line = "0123456789 ".repeat(10) + "\n";
    let text = line.repeat(200);
    assert!(text.len() > TEXT_BYTES_MAX);
    let mut editor = with(&text);
    let Outcome::TooLong(too_long) = press(&mut editor, NONE, KeyCode::Enter) else {
        panic!();
    };
    assert_eq!(too_long.bytes - too_long.over, TEXT_BYTES_MAX);
    assert_eq!(too_long.parts, Some(2));
    assert!(
        too_long.told().contains("2 messages"),
        "{}",
        too_long.told()
    );
    assert_eq!(editor.text(), text);
    // Whoever changes it is asked anew.
    type_in(&mut editor, "x");
    assert!(matches!(
        press(&mut editor, NONE, KeyCode::Enter),
        Outcome::TooLong(_)
    ));
    press(&mut editor, NONE, KeyCode::Backspace);
    press(&mut editor, NONE, KeyCode::Enter);
    let Outcome::SubmitParts(parts) = press(&mut editor, NONE, KeyCode::Enter) else {
        panic!();
    };
    assert!(parts.join("\n") == text.trim_end_matches('\n'));
    assert!(parts.iter().all(|part| part.len() <= TEXT_BYTES_MAX));

    let mut editor = with(&"x".repeat(EDITOR_BYTES_MAX));
    for _ in 0..2 {
        let Outcome::TooLong(too_long) = press(&mut editor, NONE, KeyCode::Enter) else {
            panic!();
        };
        assert!(too_long.parts.is_none() && too_long.told().contains("/drop"));
    }
    assert_eq!(editor.paste("yy"), Pasted::TooLarge(EDITOR_BYTES_MAX + 2));
    assert_eq!(editor.text().len(), EDITOR_BYTES_MAX);
}

#[test]
fn up_and_down_go_by_rows_and_then_through_what_was_sent() {
    let mut editor = Editor::default();
    for text in ["first", "second\nof two lines"] {
        editor.set_text(text);
        editor.accepted();
    }
    type_in(&mut editor, "draft");
    let up = |editor: &mut Editor| press(editor, NONE, KeyCode::Up);
    let down = |editor: &mut Editor| press(editor, NONE, KeyCode::Down);
    up(&mut editor);
    assert_eq!(shown(&editor), "second\nof two lines|");
    up(&mut editor);
    assert_eq!(shown(&editor), "second|\nof two lines");
    up(&mut editor);
    assert_eq!(shown(&editor), "first|");
    up(&mut editor);
    assert_eq!(shown(&editor), "|first");
    down(&mut editor);
    assert_eq!(shown(&editor), "second\nof two lines|");
    down(&mut editor);
    assert_eq!(shown(&editor), "draft|");
    down(&mut editor);
    assert_eq!(shown(&editor), "draft|");
}

#[test]
fn the_column_is_kept_over_shorter_rows_and_wide_characters() {
    let mut editor = at("abcdef|\nx\n日本語日本語");
    for wanted in ["abcdef\nx|\n日本語日本語", "abcdef\nx\n日本語|日本語"] {
        press(&mut editor, NONE, KeyCode::Down);
        assert_eq!(shown(&editor), wanted);
    }
    press(&mut editor, NONE, KeyCode::Left);
    press(&mut editor, NONE, KeyCode::Up);
    press(&mut editor, NONE, KeyCode::Up);
    assert_eq!(shown(&editor), "abcd|ef\nx\n日本語日本語");
}

#[test]
fn home_and_end_go_by_rows_first() {
    let mut editor = at("abcdef|ghij");
    // Four cells a row, and one for the cursor.
    assert_eq!(editor.layout(5, 9).rows, ["abcd", "efgh", "ij"]);
    press(&mut editor, NONE, KeyCode::End);
    assert_eq!(
        (shown(&editor).as_str(), editor.layout(5, 9).cursor),
        ("abcdefgh|ij", (1, 4))
    );
    press(&mut editor, NONE, KeyCode::End);
    assert_eq!(
        (shown(&editor).as_str(), editor.layout(5, 9).cursor),
        ("abcdefghij|", (2, 2))
    );
    press(&mut editor, NONE, KeyCode::Home);
    assert_eq!(editor.layout(5, 9).cursor, (2, 0));
    press(&mut editor, NONE, KeyCode::Home);
    assert_eq!(editor.layout(5, 9).cursor, (0, 0));
    press(&mut editor, NONE, KeyCode::End);
    press(&mut editor, NONE, KeyCode::Down);
    assert_eq!(editor.layout(5, 9).cursor, (1, 4));
    type_in(&mut editor, "-");
    assert_eq!(editor.text(), "abcdefgh-ij");
}

#[test]
fn the_cursor_is_always_among_the_rows_that_are_drawn() {
    let mut editor = with(&"line\n".repeat(30));
    let layout = editor.layout(20, 4);
    assert_eq!(
        (layout.first_row, layout.cursor, layout.total_rows),
        (27, (3, 0), 31)
    );
    for _ in 0..2 {
        press(&mut editor, NONE, KeyCode::Up);
    }
    // It does not scroll while it need not.
    assert_eq!(editor.layout(20, 4).first_row, 27);
    for _ in 0..5 {
        press(&mut editor, NONE, KeyCode::Up);
    }
    assert_eq!(editor.layout(20, 4).first_row, 23);
    editor.clear();
    assert_eq!(editor.layout(20, 4).rows, [""]);
    // Whatever the size, nothing panics and the cursor stays inside.
    let mut editor = with("日本 語👍 abc\n\ndef");
    for width in 0..8 {
        for rows in 0..4 {
            let layout = editor.layout(width, rows);
            assert!(
                layout.cursor.1 < width.max(1) && usize::from(layout.cursor.0) < layout.rows.len()
            );
        }
    }
}

#[test]
fn candidates_in_a_row_are_one_change() {
    let mut editor = Editor::default();
    type_in(&mut editor, "hi @b");
    editor.complete(3..5, "@bob ");
    editor.complete(3..8, "@bert ");
    assert_eq!(shown(&editor), "hi @bert |");
    press(&mut editor, CTRL, KeyCode::Char('z'));
    assert_eq!(editor.text(), "hi @b");
}

/// Any key that an editor may get.
fn keys() -> impl Strategy<Value = KeyEvent> {
    let code = prop_oneof![
        4 => prop_oneof![any::<char>(), proptest::char::range(' ', '~'), Just('日'), Just('\u{200d}'), Just('👩')]
            .prop_map(KeyCode::Char),
        2 => proptest::sample::select(vec![
            KeyCode::Left, KeyCode::Right, KeyCode::Up, KeyCode::Down, KeyCode::Home, KeyCode::End, KeyCode::Backspace,
            KeyCode::Delete, KeyCode::Enter, KeyCode::Tab, KeyCode::Esc,
        ]),
    ];
    let held = prop_oneof![
        4 => Just(NONE),
        1 => Just(CTRL),
        1 => Just(ALT),
        1 => Just(KeyModifiers::SHIFT),
        1 => Just(CTRL | ALT),
    ];
    (held, code).prop_map(|(held, code)| KeyEvent::new(code, held))
}

proptest! {
    #[test]
    fn printable_keys_are_the_text(
        typed in proptest::collection::vec(
            (any::<char>().prop_filter("printable", |c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')), 0..3_u8),
            0..40,
        )
    ) {
        let mut editor = Editor::default();
        let mut wanted = String::new();
        for (c, held) in typed {
            let held = [NONE, KeyModifiers::SHIFT, CTRL | ALT][usize::from(held)];
            prop_assert_eq!(press(&mut editor, held, KeyCode::Char(c)), Outcome::Changed);
            wanted.push(c);
        }
        prop_assert_eq!(editor.text(), wanted);
    }

    #[test]
    fn whatever_is_pressed_the_cursor_is_between_characters_and_undo_leads_back(
        pressed in proptest::collection::vec(keys(), 0..60),
        width in 1..20_u16,
    ) {
        let mut editor = Editor::default();
        for event in &pressed {
            editor.handle(event);
            let (text, cursor) = (editor.text(), editor.cursor());
            let mut boundaries = text.grapheme_indices(true).map(|(at, _)| at);
            prop_assert!(cursor == text.len() || boundaries.any(|at| at == cursor));
            let layout = editor.layout(width, 5);
            prop_assert!(layout.cursor.1 < width);
            prop_assert!(usize::from(layout.cursor.0) < layout.rows.len());
            let shown = layout.rows.concat();
            prop_assert!(shown.chars().all(cc_proto::text::is_shown_as_is), "{:?}", shown);
        }
        let last = editor.text().to_owned();
        let mut undone = 0;
        while press(&mut editor, CTRL, KeyCode::Char('z')) == Outcome::Changed {
            undone += 1;
        }
        prop_assert_eq!(editor.text(), "");
        for _ in 0..undone {
            press(&mut editor, CTRL, KeyCode::Char('y'));
        }
        prop_assert_eq!(editor.text(), last);
    }

    #[test]
    fn any_paste_is_shown_without_anything_that_acts(text in any::<String>()) {
        let mut editor = with(&text);
        prop_assert!(!editor.text().contains(|c: char| c.is_control() && c != '\n'));
        for row in editor.layout(30, 100).rows {
            prop_assert!(row.chars().all(cc_proto::text::is_shown_as_is), "{:?}", row);
        }
    }

    #[test]
    fn parts_lose_nothing_but_what_they_are_cut_at(
        words in proptest::collection::vec("[a-z日👍]{1,3000}[ \n]?", 1..12)
    ) {
        let text = words.concat();
        let text = text.trim_end();
        let parts = parts(text);
        prop_assert!(parts.iter().all(|part| part.len() <= TEXT_BYTES_MAX));
        let without = |text: &str| text.replace([' ', '\n'], "");
        prop_assert_eq!(without(&parts.concat()), without(text));
    }
}
