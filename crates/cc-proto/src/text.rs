//! Making other people's text harmless to read, and telling whom it names.
//!
//! Everything here is pure and the same for a terminal and for an agent's prompt. It decides what
//! a text may hold when it is *shown*; what is stored and signed stays as its author wrote it.
//!
//! # The cleaning table
//!
//! Each character is judged alone, by the first row that lists it. Nothing else is changed, so
//! plain text, accents, CJK and ordinary emoji come out as they went in.
//!
//! | class | characters | [`clean_text`] | [`clean_line`] |
//! |---|---|---|---|
//! | line break | CR LF (as one), U+000A, U+000B, U+000C, U+000D, U+0085, U+2028, U+2029 | LF | space |
//! | tab | U+0009 | kept | space |
//! | wide or odd space | U+00A0, U+1680, U+2000–U+200A, U+202F, U+205F, U+3000 | kept | space |
//! | control | the rest of U+0000–U+001F, U+007F–U+009F | escaped | escaped |
//! | bidi override, embedding, isolate | U+202A–U+202E, U+2066–U+2069 | escaped | escaped |
//! | annotation | U+FFF9–U+FFFB | escaped | escaped |
//! | noncharacter | U+FDD0–U+FDEF, and U+xxFFFE and U+xxFFFF of every plane | escaped | escaped |
//! | invisible | U+00AD, U+034F, U+061C, U+115F, U+1160, U+17B4, U+17B5, U+180B–U+180F, U+200B–U+200F, U+2060–U+2065, U+206A–U+206F, U+3164, U+FE00–U+FE0F, U+FEFF, U+FFA0, U+FFF0–U+FFF8, U+1BCA0–U+1BCA3, U+1D173–U+1D17A, U+E0000–U+E0FFF | dropped | dropped |
//!
//! Of combining marks in a row (general category M) the first [`MARKS_IN_A_ROW_MAX`] are kept and the others dropped, as a
//! pile of them paints over the lines around it. What was dropped above them does not part them.
//!
//! *Escaped* is `\u{hex}` in lower-case digits without leading zeros: U+001B becomes the six
//! characters `\u{1b}`. The invisible class is Unicode's Default_Ignorable_Code_Point less the bidi
//! controls above: zero-width characters, bidi marks, variation selectors and tag characters. They
//! can carry a hidden text to an agent and mean next to nothing to a person, so they go.
//!
//! [`clean_line`] then makes one space of each run of spaces and takes them off both ends. Both
//! functions are idempotent.

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

mod agent;
mod file_name;
mod names;

pub use agent::{clean_for_agent, clean_line_for_agent};
pub use file_name::{file_name, file_size, numbered_file_name};
pub use names::{LOOK_ALIKE_UNICODE, MemberName, display_names, fingerprint, look_alike};

/// The longest nick or petname, in characters after cleaning.
pub const NICK_CHARS_MAX: usize = 32;

/// The most combining marks in a row; no script needs as many.
pub const MARKS_IN_A_ROW_MAX: usize = 8;

/// The most combining marks that one letter of a nick keeps.
const NICK_MARKS_MAX: usize = 3;

/// What happens to one character when it is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treatment {
    Keep,
    Break,
    Space,
    Escape,
    Drop,
}

fn treatment(c: char) -> Treatment {
    match c {
        ' '..='~' => Treatment::Keep,
        '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Treatment::Break,
        '\t'
        | '\u{a0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200a}'
        | '\u{202f}'
        | '\u{205f}'
        | '\u{3000}' => Treatment::Space,
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{fdd0}'..='\u{fdef}' => Treatment::Escape,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => Treatment::Drop,
        other if u32::from(other) & 0xfffe == 0xfffe => Treatment::Escape,
        _ => Treatment::Keep,
    }
}

fn push_escaped(out: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
}

/// Cleans a text of any number of lines by the [table](self): line breaks become LF, tabs stay.
pub fn clean_text(text: &str) -> String {
    if text
        .bytes()
        .all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\t'))
    {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut marks = MarksInARow::default();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match treatment(c) {
            Treatment::Keep if marks.is_too_many(c) => {}
            Treatment::Keep => out.push(c),
            Treatment::Space => {
                marks.end();
                out.push(c);
            }
            Treatment::Break => {
                if c == '\r' && chars.peek() == Some(&'\n') {
                    chars.next();
                }
                marks.end();
                out.push('\n');
            }
            Treatment::Escape => {
                marks.end();
                push_escaped(&mut out, c);
            }
            Treatment::Drop => {}
        }
    }
    out
}

/// How many combining marks were met in a row.
#[derive(Default)]
struct MarksInARow(usize);

impl MarksInARow {
    /// Counts a character that is kept, unless it is a mark too many.
    fn is_too_many(&mut self, c: char) -> bool {
        // No mark lies below; most texts are.
        self.0 = if c >= '\u{300}' && is_combining_mark(c) {
            self.0 + 1
        } else {
            0
        };
        self.0 > MARKS_IN_A_ROW_MAX
    }

    /// Something else than a mark comes out.
    fn end(&mut self) {
        self.0 = 0;
    }
}

/// Whether [`clean_text`] leaves `c` as it is: it can neither act on a terminal nor hide there.
pub fn is_shown_as_is(c: char) -> bool {
    matches!(treatment(c), Treatment::Keep | Treatment::Space)
}

/// Cleans a text that must stay on one line (a name of a room, a file, a member) by the
/// [table](self), and cuts it to `chars_max` characters, the last of which is then `…`.
pub fn clean_line(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = MarksInARow::default();
    for c in text.chars() {
        match treatment(c) {
            Treatment::Keep if c != ' ' => {
                if !marks.is_too_many(c) {
                    out.push(c);
                }
            }
            Treatment::Escape => {
                marks.end();
                push_escaped(&mut out, c);
            }
            Treatment::Drop => {}
            Treatment::Keep | Treatment::Space | Treatment::Break => {
                marks.end();
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
        }
    }
    out.truncate(out.trim_end_matches(' ').len());
    if let Some((end, _)) = out.char_indices().nth(chars_max) {
        let keep = out[..end]
            .char_indices()
            .next_back()
            .map_or(0, |(last, _)| last);
        out.truncate(out[..keep].trim_end_matches(' ').len());
        if chars_max > 0 {
            out.push('…');
        }
    }
    out
}

/// Makes a claimed nick (or petname, or agent name) fit to be shown as `@nick`, or `None` if
/// nothing of it is left.
///
/// Cleaned by [`clean_line`]'s table, but what that escapes is dropped, then normalised to NFC. Letters and digits of any script, up
/// to three combining marks after one, the emoji of U+1F300–U+1FAFF, `_`, `-` and `.` stay; a space becomes `-`;
/// all else is dropped, brackets, `@`, `#` and colons among it, so that a nick can never
/// end a header, add a mark to it or pass for a fingerprint. `-` and `.` are taken off the ends.
/// At most [`NICK_CHARS_MAX`] characters remain. Idempotent.
pub fn clean_nick(nick: &str) -> Option<String> {
    let mut kept = String::new();
    // How many more marks may follow; none where the letter below them was itself left out.
    let mut marks_left = 0;
    // Of an escaped character only the digits would stay.
    let nick: String = nick
        .chars()
        .filter(|c| treatment(*c) != Treatment::Escape)
        .collect();
    for c in clean_line(&nick, usize::MAX).nfc() {
        let c = if c == ' ' { '-' } else { c };
        if is_combining_mark(c) {
            if marks_left > 0 {
                marks_left -= 1;
                kept.push(c);
            }
            continue;
        }
        let edge = kept.is_empty() && matches!(c, '-' | '.');
        let keep = is_nick_base(c) && !edge;
        if keep {
            kept.push(c);
        }
        marks_left = if keep && c.is_alphanumeric() {
            NICK_MARKS_MAX
        } else {
            0
        };
    }
    // Leaving characters out can bring together what composes.
    let mut nick: String = kept.nfc().take(NICK_CHARS_MAX).collect();
    nick.truncate(nick.trim_end_matches(['-', '.']).len());
    (!nick.is_empty()).then_some(nick)
}

fn is_nick_base(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{1f300}'..='\u{1faff}')
}

/// The form in which names are compared without regard to case: NFC, each character in its
/// lower case, final sigma as sigma, NFC again.
pub fn fold_case(text: &str) -> String {
    text.nfc()
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ς' { 'σ' } else { c })
        .nfc()
        .collect()
}

/// Whether a text calls the member known as `nick`: it holds `@nick`, in any case, on word boundaries.
///
/// Judged on the cleaned text, so that it says what a reader would. The `@` must not follow a
/// letter, a digit, a combining mark or `_` (an e-mail address names nobody). After the nick a word must not go on: no letter,
/// digit, combining mark or `_`, nor a `-` or `.` with one of those behind it; except that a
/// character from U+2E80 on (CJK, kana, hangul) does end a nick whose own last character lies below, as
/// in `@aliceさん`.
pub fn names_reader(text: &str, nick: &str) -> bool {
    if !text.contains('@') {
        return false;
    }
    let Some(nick) = clean_nick(nick) else {
        return false;
    };
    let nick = fold_case(&nick);
    let text = fold_case(&clean_text(text));
    text.match_indices('@').any(|(at, _)| {
        !text[..at].ends_with(is_word)
            && text[at + 1..]
                .strip_prefix(nick.as_str())
                .is_some_and(|rest| ends_word(&nick, rest))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_combining_mark(c)
}

fn ends_word(nick: &str, rest: &str) -> bool {
    let mut after = rest.chars();
    match after.next() {
        Some('-' | '.') => !after.next().is_some_and(is_word),
        Some(next) if is_word(next) => {
            next >= '\u{2e80}' && nick.ends_with(|last| last < '\u{2e80}')
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_text_is_unchanged() {
        for plain in [
            "postgres, we have it",
            "naïve café — 100 % “so”",
            "日本語のテキスト、한국어",
            "👍 🎉 ship it 🚀",
            "fn main() {\n\tprintln!(\"hi\");\n}",
            "שלום עולם",
            "",
        ] {
            assert_eq!(clean_text(plain), plain);
        }
        assert_eq!(clean_line("trip to Kraków 🚂", 80), "trip to Kraków 🚂");
    }

    #[test]
    fn each_class_follows_its_rule() {
        assert_eq!(
            clean_text("a\r\nb\rc\u{85}d\u{2028}e\u{2029}f\u{b}g\u{c}h"),
            "a\nb\nc\nd\ne\nf\ng\nh"
        );
        assert_eq!(
            clean_text("\u{1b}[2Jx\u{7}\u{9b}0m\u{7f}"),
            "\\u{1b}[2Jx\\u{7}\\u{9b}0m\\u{7f}"
        );
        assert_eq!(
            clean_text("a\u{202e}b\u{2066}c\u{2069}"),
            "a\\u{202e}b\\u{2066}c\\u{2069}"
        );
        assert_eq!(
            clean_text("\u{fff9}\u{fffe}\u{1ffff}\u{fdd0}"),
            "\\u{fff9}\\u{fffe}\\u{1ffff}\\u{fdd0}"
        );
        assert_eq!(
            clean_text("a\u{200b}\u{200d}\u{200e}\u{fe0f}\u{e0041}\u{e0101}\u{ad}\u{3164}b"),
            "ab"
        );
        assert_eq!(clean_text("a\u{a0}b\u{3000}c\td"), "a\u{a0}b\u{3000}c\td");
        assert_eq!(
            clean_line("  a\r\n\tb \u{3000}\u{2028} c\u{1b}[0m ", 80),
            "a b c\\u{1b}[0m"
        );
    }

    #[test]
    fn marks_in_a_row_have_an_end() {
        let pile = format!("z{}a\u{301}", "\u{336}\u{200b}".repeat(4000));
        let short = format!("z{}a\u{301}", "\u{336}".repeat(MARKS_IN_A_ROW_MAX));
        assert_eq!(clean_text(&pile), short);
        assert_eq!(clean_line(&pile, 80), short);
        let apart = "\u{301}".repeat(MARKS_IN_A_ROW_MAX);
        let apart = [apart.as_str(); 4].join("\n");
        assert_eq!(clean_text(&apart), apart);
        assert_eq!(clean_line(&apart, 80), apart.replace('\n', " "));
        // Biblical Hebrew, Tibetan and Thai as they are written.
        for plain in ["הַמַּ֣יִם", "བསྒྲུབས", "น้ำที่นี่"]
        {
            assert_eq!(clean_text(plain), plain);
        }
    }

    #[test]
    fn a_line_is_cut_by_characters() {
        assert_eq!(clean_line("äöüß", 4), "äöüß");
        assert_eq!(clean_line("äöüßx", 4), "äöü…");
        assert_eq!(clean_line("ab cd", 4), "ab…");
        assert_eq!(clean_line("abc", 1), "…");
        assert_eq!(clean_line("abc", 0), "");
    }

    #[test]
    fn a_nick_cannot_forge_a_header() {
        assert_eq!(
            clean_nick("bob 14:02Z] (for you)").as_deref(),
            Some("bob-1402Z-for-you")
        );
        assert_eq!(clean_nick("  @Zoë\u{202e}  ").as_deref(), Some("Zoë"));
        assert_eq!(
            clean_nick("ev\u{1b}[31mil\u{7f} \u{9b}nick\u{fff9}\u{fdd0}").as_deref(),
            Some("ev31mil-nick")
        );
        assert_eq!(clean_nick("e\u{301}").as_deref(), Some("é"));
        assert_eq!(clean_nick("a\u{200b}l").as_deref(), Some("al"));
        assert_eq!(clean_nick("b#0123456789").as_deref(), Some("b0123456789"));
        assert_eq!(clean_nick("हिन्दी").as_deref(), Some("हिन्दी"));
        assert_eq!(clean_nick("🦀").as_deref(), Some("🦀"));
        assert_eq!(
            clean_nick(&"x".repeat(100)).map(|n| n.len()),
            Some(NICK_CHARS_MAX)
        );
        for nothing in [
            "",
            " ",
            "--.",
            "\u{1b}\u{202e}",
            "\u{200b}",
            "]]",
            "\u{301}",
        ] {
            assert_eq!(clean_nick(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_mention_stands_on_word_boundaries() {
        for named in [
            "@alice",
            "hey @Alice, look",
            "(@ALICE)",
            "@alice's",
            "@alice.",
            "@alice-",
            "x @al\u{200b}ice",
            "@aliceさん",
        ] {
            assert!(names_reader(named, "alice"), "{named}");
        }
        for other in [
            "alice",
            "bob@alice.org",
            "@alice2",
            "@alice_x",
            "@alice-two",
            "@alice.b",
            "@ali",
            "@ alice",
            "@aliceé",
        ] {
            assert!(!names_reader(other, "alice"), "{other}");
        }
        assert!(names_reader("@ΝΊΚΟΣ ναι", "Νίκος"));
        assert!(names_reader("cafe\u{301}: @Jose\u{301}?", "josé"));
        assert!(!names_reader("@", ""));
    }

    fn hostile() -> impl Strategy<Value = String> {
        let nasty = prop::sample::select(vec![
            '\r',
            '\n',
            '\t',
            '\u{1b}',
            '\u{9b}',
            '\u{202e}',
            '\u{200b}',
            '\u{2028}',
            '\u{e0041}',
            '\u{fe0f}',
            '@',
            '[',
            ']',
            ' ',
            'a',
            '\u{301}',
            '\u{344}',
            '\u{ffff}',
        ]);
        prop::collection::vec(prop_oneof![nasty, any::<char>()], 0..60).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn cleaning_is_idempotent_and_leaves_nothing_dangerous(text in hostile(), max in 0_usize..50) {
            let clean = clean_text(&text);
            prop_assert_eq!(&clean_text(&clean), &clean);
            prop_assert!(!clean.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
            let hidden = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}', '\u{feff}', '\u{e0041}'];
            prop_assert!(!clean.contains(hidden), "{clean:?}");
            let agents = clean_for_agent(&text);
            prop_assert_eq!(&clean_for_agent(&agents), &agents);
            prop_assert!(unicode_normalization::is_nfc(&agents), "{agents:?}");
            let line = clean_line(&text, max);
            prop_assert_eq!(&clean_line(&line, max), &line);
            let agents = clean_line_for_agent(&text, max);
            prop_assert_eq!(&clean_line_for_agent(&agents, max), &agents);
            prop_assert!(agents.chars().count() <= max);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert!(line.chars().count() <= max);
        }

        #[test]
        fn a_clean_nick_stays_clean(nick in hostile()) {
            if let Some(clean) = clean_nick(&nick) {
                prop_assert_eq!(clean_nick(&clean), Some(clean.clone()));
                prop_assert!(!clean.contains(|c: char| c.is_whitespace() || "[]()@#:,;\"'`\\/<>".contains(c)));
                let text = format!("to @{clean}: hello");
                prop_assert!(names_reader(&text, &clean));
            }
        }
    }
}
