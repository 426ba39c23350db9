//! The words for names, times, sizes and for how far something has come. Pure.

use std::path::Path;

use cc_proto::id::Timestamp;
use cc_proto::text::clean_nick;

use crate::chat::theme::Signs;
use crate::chat::types::Marks;
use crate::chat::wrap::width;
use crate::files::shown_path;
use crate::when::long_time;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A member's name, in which there can be no space and no sign: what follows it in a row is ours.
pub fn name(name: &str) -> String {
    let (nick, print) = match name.split_once('#') {
        Some((nick, print)) => (nick, Some(print)),
        None => (name, None),
    };
    let mut shown = clean_nick(nick).unwrap_or_else(|| "somebody".to_owned());
    if let Some(print) = print {
        shown.push('#');
        shown.extend(print.chars().filter(char::is_ascii_hexdigit).take(10));
    }
    shown
}

/// `14:02Z`
pub fn clock(ms: u64) -> String {
    let minutes = ms % DAY_MS / 60_000;
    format!("{:02}:{:02}Z", minutes / 60, minutes % 60)
}

/// `Sunday 2026-11-22`
pub fn day(ms: u64) -> String {
    const NAMES: [&str; 7] = [
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
    ];
    let date = long_time(Timestamp(ms));
    let date = date.split(' ').next().unwrap_or_default();
    format!("{} {date}", NAMES[(ms / DAY_MS % 7) as usize])
}

/// The number of the day.
pub const fn day_number(ms: u64) -> u64 {
    ms / DAY_MS
}

/// `148 B`, `1.4 KiB`, `10 MiB`
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut power = 1;
    while power + 1 < UNITS.len() && bytes >> (10 * (power + 1)) > 0 {
        power += 1;
    }
    let tenths = (u128::from(bytes) * 10) >> (10 * power);
    if tenths < 100 && tenths % 10 != 0 {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[power])
    } else {
        format!("{} {}", tenths / 10, UNITS[power])
    }
}

/// A path in at most so many columns: the person's own folder as `~`, and what does not fit left out of the middle, so that its
/// end is there. Whole where it fits; none where not even its name does.
pub fn path(path: &Path, user: Option<&Path>, columns: usize) -> Option<String> {
    let whole = match user.and_then(|user| path.strip_prefix(user).ok()) {
        Some(rest) => Path::new("~").join(rest),
        None => path.to_path_buf(),
    };
    let whole = shown_path(&whole);
    if width(&whole) <= columns {
        return Some(whole);
    }
    let (first, rest) = whole.split_once('/').unwrap_or(("", &whole));
    let lead = format!("{first}/…");
    let mut end = String::new();
    for part in rest.rsplit('/') {
        let longer = format!("/{part}{end}");
        if width(&lead) + width(&longer) > columns {
            break;
        }
        end = longer;
    }
    (!end.is_empty()).then(|| lead + &end)
}

/// A number with its thousands apart.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How far a message of ours has come, in a sign or two.
pub fn short_mark(marks: &Marks, signs: &Signs) -> String {
    if !marks.offered.is_empty() {
        format!("{}{}", signs.stored, signs.offered)
    } else if marks.reached.is_empty() {
        signs.stored.to_owned()
    } else {
        signs.reached.to_owned()
    }
}

/// The same in words, short enough for a row: the first name and how many more.
pub fn mark(marks: &Marks, signs: &Signs) -> String {
    let more = |all: usize| match all {
        0 | 1 => String::new(),
        all => format!(" +{}", all - 1),
    };
    let stored = match (marks.reached.first(), marks.others) {
        (Some(first), _) => format!(
            "{} {}{}",
            signs.reached,
            name(first),
            more(marks.reached.len())
        ),
        (None, Some(0)) => format!("{} stored; nobody else is a member yet", signs.stored),
        (None, _) => format!("{} stored", signs.stored),
    };
    let Some((whose, agent)) = marks.offered.first() else {
        return stored;
    };
    format!(
        "{stored}  {} offered to {}'s {}{}",
        signs.offered,
        name(whose),
        name(agent),
        more(marks.offered.len())
    )
}

/// The same with every name, a line each.
pub fn long_mark(marks: &Marks, signs: &Signs) -> Vec<String> {
    let names: Vec<String> = marks.reached.iter().map(|reached| name(reached)).collect();
    let of = match marks.others {
        Some(others) => format!(" ({} of {others})", names.len()),
        None => String::new(),
    };
    let mut lines = vec![if names.is_empty() {
        format!("{} stored on this machine{of}", signs.stored)
    } else {
        format!("{} reached {}{of}", signs.reached, names.join(", "))
    }];
    for (whose, agent) in &marks.offered {
        lines.push(format!(
            "{} offered to {}'s {}",
            signs.offered,
            name(whose),
            name(agent)
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::theme::{Hints, Theme};

    #[test]
    fn a_name_holds_neither_a_space_nor_a_sign() {
        assert_eq!(name("alice"), "alice");
        assert_eq!(name("bob#0123456789"), "bob#0123456789");
        assert_eq!(name("eve 14:02Z ✓✓ │\x1b[0m\n"), "eve-1402Z--0m");
        assert_eq!(name("\u{202e}"), "somebody");
        assert_eq!(name("a#b c✓"), "a#bc");
    }

    #[test]
    fn sizes_and_days_are_as_people_say_them() {
        for (bytes, words) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1434, "1.4 KiB"),
            (10 << 20, "10 MiB"),
            ((1 << 30) - 1, "1023 MiB"),
            (u64::MAX, "16383 PiB"),
        ] {
            assert_eq!(size(bytes), words);
        }
        assert_eq!(day(1_795_341_600_000), "Sunday 2026-11-22");
        assert_eq!(clock(1_795_341_600_000), "10:00Z");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
    }

    #[test]
    fn a_path_is_short_and_has_its_end() {
        let home = Path::new("/home/alice");
        let long = "/home/alice/.cc-connect/rooms/0123456789abcdef0123456789abcdef/files/0123456789abcdef/design.svg";
        let short = |text: &str, columns| path(Path::new(text), Some(home), columns);
        for (text, columns, wanted) in [
            ("/home/alice/a.txt", 40, Some("~/a.txt")),
            ("/home/alicette/a.txt", 40, Some("/home/alicette/a.txt")),
            (long, 40, Some("~/…/files/0123456789abcdef/design.svg")),
            (long, 20, Some("~/…/design.svg")),
            (long, 13, None),
            ("/var/tmp/rooms/日本語.png", 16, Some("/…/日本語.png")),
        ] {
            assert_eq!(short(text, columns).as_deref(), wanted);
        }
        assert_eq!(path(Path::new(long), None, 20).unwrap(), "/…/design.svg");
        for columns in 1..120 {
            for text in [long, "/a/\u{1b}[2J日本語\n/x"] {
                let short = short(text, columns).unwrap_or_default();
                assert!(width(&short) <= columns, "{columns}");
            }
        }
    }

    #[test]
    fn marks_tell_how_far_a_message_has_come() {
        let theme = Theme::new(false, Hints::default());
        let signs = theme.signs();
        let mut marks = Marks::default();
        assert_eq!(mark(&marks, signs), "✓ stored");
        marks.others = Some(3);
        marks.reached = vec!["Alice".to_owned(), "Bob".to_owned(), "Carol".to_owned()];
        assert_eq!(mark(&marks, signs), "✓✓ Alice +2");
        assert_eq!(short_mark(&marks, signs), "✓✓");
        marks.offered = vec![("Alice".to_owned(), "claude-code".to_owned())];
        assert_eq!(
            mark(&marks, signs),
            "✓✓ Alice +2  ✦ offered to Alice's claude-code"
        );
        assert_eq!(short_mark(&marks, signs), "✓✦");
        assert_eq!(
            long_mark(&marks, signs),
            [
                "✓✓ reached Alice, Bob, Carol (3 of 3)",
                "✦ offered to Alice's claude-code"
            ]
        );
    }
}
