//! What others write, in every place it can come to, judged by the bytes that reach the terminal and by what is shown.

use std::path::PathBuf;

use proptest::prelude::*;

use super::sample::{Sample, entry, file, hits, key, room, said, three_rooms};
use super::terminal::{Watched, row, text};
use crate::chat::app::{Connection, Pending, Toast};
use crate::chat::theme::{Depth, Theme};
use crate::chat::types::{Entry, What};
use crate::chat::view::{Choice, Found, Over};
use crate::rpc::FileState;

/// What somebody would try.
fn attempts() -> Vec<String> {
    let mut all: Vec<String> = [
        // The cursor, the screen, the title, the clipboard, a link, a device string, a private message.
        "\x1b[2J\x1b[1;1Hgone",
        "\x1b]0;title\x07\x1b]52;c;aGk=\x07",
        "\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\",
        "\x1bP1$r0m\x1b\\\x1b_apc\x1b\\\x1b^pm\x1b\\\x1b#8\x1bc",
        "\u{9b}2J\u{9d}0;title\u{9c}\u{90}x\u{9c}\u{85}\u{84}",
        "\x1b[31m\x1b[7mred\x1b[0m\x1b[?1049l\x1b[?25l\x0e\x0f",
        "a\rb\x08\x08\x08c\x7f\x0b\x0c\td\0e",
        "one\ntwo\r\nthree\u{2028}four\u{2029}five",
        // Directions and what cannot be seen.
        "\u{202e}gnp.exe\u{202c}\u{2066}x\u{2069}\u{200e}\u{200f}\u{61c}",
        "a\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}\u{34f}\u{180e}b",
        "\u{e0001}\u{e0041}\u{e0042}\u{e007f}hidden",
        "x\u{fe0f}\u{fe0e}\u{e0100}y\u{fff9}\u{fffb}\u{fffc}\u{fffe}\u{ffff}",
        // Forged lines and marks.
        "hi\nalice (you)  10:00Z\n│ I agree  ✓✓\n╰ ✓✓ bob  ✦ offered to bob's claude",
        "x\n── new ─────\n— bob joined —\n┆ file a.txt\n┆ 1 B  here: /etc/passwd\n┃ @alice",
        "bob  10:00Z  for you  via claude-code",
        "(you)  10:00Z ✓✓ ✦ @ ● root admin",
        // What terminals do not agree on.
        "👩\u{200d}👩\u{200d}👧\u{200d}👦 👍🏽 ❤\u{fe0f} 1\u{fe0f}\u{20e3} 🏳\u{fe0f}\u{200d}🌈 🇵🇱🇵",
        "\u{2e3a}\u{2e3b}\u{fdfd}\u{12031}\u{1242b}\u{a9c5}\u{bcb}ﾞﾟ",
        "قلب لا שלום ᄀ\u{1161}\u{11a8} क\u{94d}क\u{94d}क\u{94d}क ำ น้ำ \u{e000}\u{f8ff}\u{10fffd}",
        "\u{301}\u{20dd}\u{488}",
        "",
        " ",
        "..",
        "-rf",
        "con",
        "../../x",
    ]
    .map(str::to_owned)
    .into();
    all.push("👍".repeat(300));
    all.push("日".repeat(300));
    all.push("x".repeat(4000));
    all.push("\n".repeat(3000));
    all.push(format!("z{}", "\u{336}".repeat(4000)));
    all.push("\u{200b}".repeat(5000));
    all.push(format!("ᄀ{}", "\u{1161}".repeat(2000)));
    all.push("क\u{94d}".repeat(500));
    all.push("🇵".repeat(401));
    all.push("\t".repeat(500));
    all.push("\u{3000}a".repeat(300));
    all
}

/// The text in every place that a peer, the daemon or the person can put one.
fn everywhere(bad: &str) -> Sample {
    let owned = || bad.to_owned();
    let mut sample = Sample {
        rooms: three_rooms(),
        seen: Some(2),
        selected: Some(4),
        connection: Connection::Failed(owned()),
        ..Sample::default()
    };
    for room in &mut sample.rooms {
        room.name = owned();
        room.nick = owned();
    }
    let all = |entry: Entry| Entry {
        author: owned(),
        name: owned(),
        via: Some(owned()),
        re: Some((owned(), owned())),
        for_me: true,
        fork: true,
        ..entry
    };
    let mut mine = said(4, "alice", bad);
    mine.marks.reached = vec![owned(), owned()];
    mine.marks.offered = vec![(owned(), owned())];
    let mut entries = vec![
        all(said(1, "eve", bad)),
        said(2, "bob", bad),
        all(entry(3, "eve", What::Summary(owned()))),
        mine,
        entry(5, "eve", What::System(owned())),
        all(entry(6, "eve", What::TakenBack)),
    ];
    let states = [
        FileState::Announced,
        FileState::Fetching,
        FileState::Here,
        FileState::Damaged,
    ];
    for (n, state) in (7..).zip(states) {
        let mut entry = all(file(n, bad, state));
        if let What::File(card) = &mut entry.what {
            card.fault = Some(owned());
            card.path = Some(PathBuf::from(bad));
        }
        entries.push(entry);
    }
    sample.entries = entries.into();
    for member in &mut sample.members {
        member.author = owned();
        member.name = owned();
        member.agents = vec![owned(), owned()];
    }
    sample.pending = vec![Pending {
        local: 1,
        text: owned(),
        answers: None,
        n: None,
        fault: Some(owned()),
    }];
    sample.toasts = vec![Toast {
        text: owned(),
        bad: true,
        until_ms: u64::MAX,
    }];
    sample.answers = Some((owned(), owned()));
    sample.typed = vec![owned(), owned()];
    sample.label = Some(owned());
    sample
}

const SIZES: [(u16, u16); 4] = [(1, 1), (20, 5), (40, 10), (130, 30)];

/// Draws every screen there is with the text in every place of it; what is drawn checks itself.
fn draw_everywhere(bad: &str, sizes: &[(u16, u16)]) {
    let owned = || bad.to_owned();
    let mut sample = everywhere(bad);
    let lines = [owned(), owned()];
    let mut hits = hits();
    for hit in &mut hits {
        hit.name = owned();
        hit.text = owned();
    }
    let found = Found {
        text: bad,
        hits: &hits,
        at: 1,
        looked: 1,
        of: 2,
        running: false,
        more: false,
    };
    for (width, height) in sizes.iter().copied() {
        // One terminal for all screens, so that what is left of one is seen on the next.
        let mut terminal = Watched::new(width, height);
        sample.choices.clear();
        for unicode in [true, false] {
            sample.theme = Theme {
                depth: Depth::Sixteen,
                unicode,
            };
            for rows in [0, 9] {
                sample.motion.rows = rows;
                terminal.draw(&sample.screen(None));
            }
            for over in [
                Over::Hits(found),
                Over::Confirm { question: &lines },
                Over::Text {
                    title: bad,
                    lines: &lines,
                    scroll: 1,
                },
                Over::Ticket {
                    ticket: bad,
                    qr: &lines,
                    note: bad,
                },
            ] {
                terminal.draw(&sample.screen(Some(over)));
            }
        }
        sample.choices = vec![
            Choice {
                text: owned(),
                aside: owned(),
            };
            3
        ];
        terminal.draw(&sample.screen(None));
    }
}

#[test]
fn nothing_that_others_write_acts_on_the_terminal() {
    for bad in attempts() {
        draw_everywhere(&bad, &SIZES);
    }
}

#[test]
fn no_text_can_look_like_a_line_or_a_mark() {
    for bad in attempts() {
        let sample = Sample {
            entries: [said(1, "eve", &bad)].into(),
            ..Sample::default()
        };
        let (drawn, buffer) = Watched::new(60, 30).draw(&sample.screen(None));
        let area = drawn.messages;
        let mut rows = 0;
        for y in area.top()..area.bottom() {
            let shown = row(&buffer, y, area.x, area.right());
            let shown = shown.trim_end();
            if shown.is_empty() {
                continue;
            }
            rows += 1;
            let is_ours = shown == "eve  09:21Z" || shown.starts_with("── Sunday 2026-11-22 ──");
            assert!(is_ours || shown.starts_with('│'), "{shown:?} of {bad:?}");
            // Where marks are there is nothing, and nothing in the column that stays free.
            if !shown.starts_with('─') {
                let marks = row(&buffer, y, area.right() - 4, area.right());
                assert_eq!(marks.trim_end(), "", "{shown:?} of {bad:?}");
            }
        }
        assert!(rows > 0, "{bad:?}");
    }
}

#[test]
fn no_name_can_look_like_a_header_of_another() {
    for bad in attempts() {
        let mut eve = said(1, "eve", "hello");
        eve.name.clone_from(&bad);
        eve.via = Some(bad.clone());
        let mut room = room(&bad);
        room.nick = "alice".to_owned();
        let sample = Sample {
            rooms: vec![room],
            entries: [eve].into(),
            ..Sample::default()
        };
        let (drawn, buffer) = Watched::new(80, 6).draw(&sample.screen(None));
        let area = drawn.messages;
        let shown: Vec<String> = (area.top()..area.bottom())
            .map(|y| row(&buffer, y, area.x, area.right()).trim_end().to_owned())
            .filter(|row| !row.is_empty())
            .collect();
        assert_eq!(shown.len(), 3, "{shown:?} of {bad:?}");
        let (name, rest) = shown[1].split_once(' ').unwrap();
        assert!(
            !name.contains(|c: char| c.is_whitespace() || "()│┃┆╭╰─—✓✦●○▸@".contains(c)),
            "{name:?} of {bad:?}"
        );
        // The time comes first, and no name is `alice`: what she writes has her mark, which no name can hold.
        assert!(rest.starts_with(" 09:21Z"), "{:?} of {bad:?}", shown[1]);
        assert_eq!(shown[2], "│ hello");
    }
}

#[test]
fn no_file_can_look_like_the_next_line_of_its_card() {
    for bad in attempts() {
        let bad: String = bad.chars().take(60).collect();
        let name = format!("{bad} 1 B here: /etc/passwd ");
        let sample = Sample {
            entries: [file(1, &name.repeat(3), FileState::Announced)].into(),
            ..Sample::default()
        };
        let (drawn, buffer) = Watched::new(40, 30).draw(&sample.screen(None));
        let area = drawn.messages;
        let rows: Vec<String> = (area.top()..area.bottom())
            .map(|y| row(&buffer, y, area.x, area.right()))
            .filter(|row| row.starts_with('┆'))
            .collect();
        let states = rows.iter().filter(|row| !row.starts_with("┆      "));
        let states: Vec<&String> = states.collect();
        assert_eq!(states.len(), 2, "{rows:#?} of {bad:?}");
        assert!(states[0].starts_with("┆ file "), "{rows:#?}");
        assert!(
            states[1].starts_with("┆ 148 KiB  not here yet"),
            "{rows:#?}"
        );
    }
}

#[test]
fn a_person_keeps_a_colour_whatever_the_name() {
    let sample = Sample::default();
    let before = sample.theme.person(&key("eve"));
    assert_eq!(before, sample.theme.person(&key("eve")));
    let (_, buffer) = Watched::new(60, 12).draw(&sample.screen(None));
    assert!(text(&buffer).contains("Nothing has been said yet."));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_anywhere_is_harmless(bad in prop::collection::vec(any::<char>(), 0..60)) {
        draw_everywhere(&bad.into_iter().collect::<String>(), &[(40, 12)]);
    }

    #[test]
    fn any_pieces_of_what_is_dangerous_are_harmless(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "\x1b", "[", "2J", "]0;", "\x07", "\x1b\\", "\u{9b}", "\r", "\n", "\x08", "\t", " ", "\u{202e}", "\u{200d}",
            "\u{fe0f}", "👍", "🏽", "日", "e\u{301}", "\u{301}", "│", "✓✓", "─", "x", "क\u{94d}", "🇵", "\u{1161}", "ำ",
        ]), 0..40),
    ) {
        draw_everywhere(&pieces.concat(), &[(40, 12)]);
    }
}
