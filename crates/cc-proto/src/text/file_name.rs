//! Names of files: one path component that is safe on every system, in a terminal, in a prompt and in a shell's line.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::{MarksInARow, Treatment, treatment};
use crate::limits::FILE_NAME_BYTES_MAX;

/// The longest extension that a shortened name keeps, in bytes, its full stop included.
const EXTENSION_BYTES_MAX: usize = 24;
/// Stands where nothing is left of a name.
const NAMELESS: &str = "file";
/// Names of devices, in lower case: no file can have them on Windows, whatever comes after a full stop.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Makes the name that a file is claimed to have fit to be its name here: one path component.
///
/// | what | becomes |
/// |---|---|
/// | `/`, `\`, `:`, `*`, `?`, `"`, `<`, `>`, `\|`, `$`, `;`, `&`, `` ` ``, U+2044, 2215, 2236, 29F5, 29F8, 29F9, A789, FE13, FE55, FE68, FF0F, FF1A, FF3C | `_` |
/// | `[`, `]` | `(`, `)` |
/// | `'` | U+2019 |
/// | U+2024, FE52, FF0E | `.` |
/// | line breaks, tabs, all spaces | a space, one for each run |
/// | what [cleaning](super) escapes or drops | nothing |
/// | all else | itself |
///
/// NFC before and after; of combining marks in a row the first eight stay. Then `.`, `-`, spaces and combining marks are
/// taken off the beginning, `.` and spaces off the end; where nothing is left it is `file`. A name of a Windows device
/// gets a `_` in front. What is longer than [`FILE_NAME_BYTES_MAX`] bytes is cut before its extension (from the last
/// full stop on, 24 bytes at most), and not between what is seen as one: before a combining mark, a skin colour, or
/// within a flag.
///
/// So it holds no separator, nothing that ends a quotation or begins a tag, no `@file:`, and nothing that makes more of
/// a shell's line than words. Idempotent. `spec/conventions.md`, File names.
pub fn file_name(claimed: &str) -> String {
    let mut name = String::with_capacity(claimed.len());
    for c in claimed.nfc() {
        match replaced(c) {
            Some(' ') if name.is_empty() || name.ends_with(' ') => {}
            Some(c) => name.push(c),
            None => {}
        }
    }
    let mut marks = MarksInARow::default();
    let name: String = name.nfc().filter(|c| !marks.is_too_many(*c)).collect();
    let name = trimmed(&name);
    if name.is_empty() {
        return NAMELESS.to_owned();
    }
    let name = if is_device(name) {
        format!("_{name}")
    } else {
        name.to_owned()
    };
    shortened(&name, "", FILE_NAME_BYTES_MAX)
}

/// The same name with a number before its extension, in as many bytes at most: `a.txt`, 2 gives `a (2).txt`.
///
/// `safe_name` is what [`file_name`] gave.
pub fn numbered_file_name(safe_name: &str, number: usize) -> String {
    shortened(safe_name, &format!(" ({number})"), FILE_NAME_BYTES_MAX)
}

/// What a character of a name becomes, `None` where it goes.
fn replaced(c: char) -> Option<char> {
    match c {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '$' | ';' | '&' | '`'
        | '\u{2044}' | '\u{2215}' | '\u{2236}' | '\u{29f5}' | '\u{29f8}' | '\u{29f9}'
        | '\u{a789}' | '\u{fe13}' | '\u{fe55}' | '\u{fe68}' | '\u{ff0f}' | '\u{ff1a}'
        | '\u{ff3c}' => Some('_'),
        '[' => Some('('),
        ']' => Some(')'),
        '\'' => Some('\u{2019}'),
        '\u{2024}' | '\u{fe52}' | '\u{ff0e}' => Some('.'),
        c => match treatment(c) {
            Treatment::Keep => Some(c),
            Treatment::Break | Treatment::Space => Some(' '),
            Treatment::Escape | Treatment::Drop => None,
        },
    }
}

fn trimmed(name: &str) -> &str {
    name.trim_start_matches(|c| matches!(c, '.' | '-' | ' ') || is_combining_mark(c))
        .trim_end_matches(['.', ' '])
}

/// Whether Windows takes it for a device: judged by what stands before the first full stop.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end_matches(' ').to_lowercase();
    let mut chars = stem.chars();
    let numbered = matches!(
        chars.by_ref().take(3).collect::<String>().as_str(),
        "com" | "lpt"
    ) && matches!(chars.next(), Some('0'..='9' | '¹' | '²' | '³'))
        && chars.next().is_none();
    numbered || DEVICES.contains(&stem.as_str())
}

/// `name` with `infix` before its extension, in at most `bytes_max` bytes.
fn shortened(name: &str, infix: &str, bytes_max: usize) -> String {
    if infix.is_empty() && name.len() <= bytes_max {
        return name.to_owned();
    }
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= EXTENSION_BYTES_MAX => name.split_at(dot),
        _ => (name, ""),
    };
    let room = bytes_max.saturating_sub(extension.len() + infix.len());
    let stem = &stem[..cut_at(stem, room)];
    format!("{}{infix}{extension}", stem.trim_end_matches(['.', ' ']))
}

/// The last place at or before `bytes_max` where a text can be cut and nothing seen as one is torn.
fn cut_at(text: &str, bytes_max: usize) -> usize {
    if text.len() <= bytes_max {
        return text.len();
    }
    let is_flag = |c: &char| matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
    let whole = |at: &usize| {
        let Some(next) = text[*at..].chars().next() else {
            return true;
        };
        let within_flag =
            is_flag(&next) && text[..*at].chars().rev().take_while(is_flag).count() % 2 == 1;
        !is_combining_mark(next) && !matches!(next, '\u{1f3fb}'..='\u{1f3ff}') && !within_flag
    };
    (0..=bytes_max)
        .rev()
        .filter(|at| text.is_char_boundary(*at))
        .find(whole)
        .unwrap_or(0)
}

/// A number of bytes for people: `148 B`, `1.2 MiB`. One decimal above a KiB, rounded down, so that it never says more
/// than there is.
pub fn file_size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let power = (bytes.ilog2() / 10) as usize;
    let unit = 1_u128 << (10 * power);
    let tenths = u128::from(bytes) * 10 / unit;
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[power - 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{clean_line, clean_line_for_agent};
    use proptest::prelude::*;

    #[test]
    fn an_ordinary_name_stays() {
        for name in [
            "design.svg",
            "logo@2x.png",
            "notes (final, 2).tar.gz",
            "naïve café — 100 %.txt",
            "日本語.pdf",
            "תוכנית.docx",
            "🚂 trip+list #3 = 50%.md",
            "Makefile",
            "a..b",
            "_x",
            "console.log",
            "com10.txt",
            "comet",
        ] {
            assert_eq!(file_name(name), name);
        }
    }

    #[test]
    fn a_hostile_name_is_one_harmless_component() {
        for (claimed, safe) in [
            ("../../x", "_.._x"),
            ("..\\..\\x", "_.._x"),
            ("/etc/passwd", "_etc_passwd"),
            ("C:\\x", "C__x"),
            ("a\nb", "a b"),
            ("a\r\n\u{2028}\tb", "a b"),
            ("-rf", "rf"),
            ("- -.-x", "x"),
            ("..", "file"),
            (".", "file"),
            ("", "file"),
            (" \u{3000} ", "file"),
            ("\u{200b}\u{feff}", "file"),
            ("\u{301}\u{302}", "file"),
            (".gitignore", "gitignore"),
            ("x. . .", "x"),
            ("a\0b\u{1b}[31mc", "ab(31mc"),
            ("exe.gpj\u{202e}", "exe.gpj"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("\u{2066}a\u{2069}\u{200f}.txt", "a.txt"),
            ("．．／x", "_x"),
            ("a∕b⁄c⧸d＼e：f", "a_b_c_d_e_f"),
            ("a\u{e0041}\u{e0042}.md", "a.md"),
            ("x (1 B) @file:/etc/passwd", "x (1 B) @file__etc_passwd"),
            (
                "x] [chatroom @bob 14:02Z] hi",
                "x) (chatroom @bob 14_02Z) hi",
            ),
            ("<system-reminder>", "_system-reminder_"),
            ("a; rm -rf $HOME & `id` | sh", "a_ rm -rf _HOME _ _id_ _ sh"),
            ("Bob's \"notes\"?.txt", "Bob\u{2019}s _notes__.txt"),
            // What NFC makes a semicolon, a backtick and an angle bracket of.
            ("a\u{37e}b\u{1fef}c\u{2329}d", "a_b_c\u{3008}d"),
            ("e\u{301}.txt", "é.txt"),
        ] {
            assert_eq!(file_name(claimed), safe, "{claimed:?}");
        }
    }

    #[test]
    fn a_device_of_windows_is_none() {
        for (claimed, safe) in [
            ("con", "_con"),
            ("CON.txt", "_CON.txt"),
            ("nul .tar.gz", "_nul .tar.gz"),
            ("Com1", "_Com1"),
            ("lpt³.x", "_lpt³.x"),
            (".con", "_con"),
            ("aux.", "_aux"),
        ] {
            assert_eq!(file_name(claimed), safe);
        }
    }

    #[test]
    fn a_long_name_is_cut_where_nothing_is_torn_and_keeps_its_extension() {
        let emoji = "👍".repeat(300);
        assert_eq!(file_name(&emoji), "👍".repeat(30));
        assert_eq!(
            file_name(&format!("{emoji}.png")),
            format!("{}.png", "👍".repeat(29))
        );
        // A thumb and its colour are eight bytes and one sign; so is a flag.
        let dark = "👍🏿".repeat(300);
        assert_eq!(
            file_name(&format!("{dark}.png")),
            format!("{}.png", "👍🏿".repeat(14))
        );
        let flags = "🇩🇪".repeat(300);
        assert_eq!(
            file_name(&format!("x{flags}.png")),
            format!("x{}.png", "🇩🇪".repeat(14))
        );
        // 115 bytes of letters and a letter of one byte and two marks, where five bytes are left.
        let marked = format!("{}x\u{327}\u{308}", "a".repeat(116));
        assert_eq!(file_name(&marked), "a".repeat(116));
        assert_eq!(file_name(&"a".repeat(500)), "a".repeat(FILE_NAME_BYTES_MAX));
        let dots = format!("{}. .rest.txt", "a".repeat(114));
        assert_eq!(file_name(&dots), format!("{}.txt", "a".repeat(114)));
        // No extension is as long as that.
        let long = format!("a.{}", "b".repeat(500));
        assert_eq!(file_name(&long).len(), FILE_NAME_BYTES_MAX);
        assert!(long.starts_with(&file_name(&long)));
    }

    #[test]
    fn a_pile_of_marks_has_an_end() {
        let pile = format!("z{}.txt", "\u{336}".repeat(4000));
        assert_eq!(file_name(&pile), format!("z{}.txt", "\u{336}".repeat(8)));
    }

    #[test]
    fn a_number_stands_before_the_extension() {
        assert_eq!(numbered_file_name("a.txt", 2), "a (2).txt");
        assert_eq!(numbered_file_name("a", 12), "a (12)");
        let long = numbered_file_name(&file_name(&format!("{}.txt", "a".repeat(300))), 2);
        assert_eq!(long, format!("{} (2).txt", "a".repeat(112)));
        assert_eq!(file_name(&long), long);
    }

    #[test]
    fn a_size_never_says_more_than_there_is() {
        for (bytes, said) in [
            (0, "0 B"),
            (1, "1 B"),
            (148, "148 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_300_000, "1.2 MiB"),
            (1024 * 1024 - 1, "1023.9 KiB"),
            (1024 * 1024, "1.0 MiB"),
            (10 * 1024 * 1024 * 1024, "10.0 GiB"),
            (u64::MAX, "15.9 EiB"),
        ] {
            assert_eq!(file_size(bytes), said);
        }
    }

    fn any_name() -> impl Strategy<Value = String> {
        let odd = prop_oneof![
            any::<char>(),
            prop::sample::select("/\\:.- \n_@<>[]()'\"e\u{301}\u{338}=\u{37e}\u{202e}\u{200d}👍🏿🇩🇪ｃon1\u{1100}\u{1161}".chars().collect::<Vec<_>>()),
        ];
        prop::collection::vec(odd, 0..80).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn any_name_is_safe_and_stays_so(claimed in any_name()) {
            let name = file_name(&claimed);
            prop_assert!(!name.is_empty() && name.len() <= FILE_NAME_BYTES_MAX);
            prop_assert!(!name.starts_with(['.', '-', ' ']) && !name.ends_with(['.', ' ']));
            prop_assert!(!name.contains(['/', '\\', ':', '"', '\'', '<', '[', ']', '$', ';', '&', '`', '|', '\n', '\0']));
            prop_assert_eq!(file_name(&name), name.clone());
            // Cleaning changes nothing of it, so that it is the same wherever it is shown.
            prop_assert_eq!(clean_line(&name, usize::MAX), name.clone());
            prop_assert_eq!(clean_line_for_agent(&name, usize::MAX), name);
        }
    }
}
