use clap::Parser as _;

use super::*;
use crate::chat::slash::{Typed, parse};

fn slash(text: &str) -> Slash {
    match parse(text) {
        Typed::Command(slash) => slash,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_command_is_about_the_room_on_the_screen_where_it_names_none() {
    let named = |text: &str| named_room(&mut slash(text)).cloned();
    for text in [
        "/drop a",
        "/files",
        "/invite",
        "/invites",
        "/revoke a",
        "/members",
        "/remove bob",
        "/admin bob",
        "/trust bob muted",
        "/petname bob b",
        "/verify bob",
        "/pause",
        "/resume",
        "/audit",
        "/wake",
        "/receipts",
        "/leave",
        "/ticket",
    ] {
        assert_eq!(named(text), Some(None), "{text}");
    }
    assert_eq!(named("/members --room plan"), Some(Some("plan".to_owned())));
    // These are about every room.
    for text in [
        "/pause --everywhere",
        "/resume --everywhere",
        "/held",
        "/approve 1",
        "/preview",
        "/rooms",
        "/status",
    ] {
        assert_eq!(named(text), None, "{text}");
    }
}

#[test]
fn own_words_name_the_commands_as_they_are_typed_here() {
    for (said, here) in [
        ("cc-connect invites lists them", "/invites lists them"),
        (
            "x; cc-connect revoke ab ends it; cc-connect log --room x",
            "x; /revoke ab ends it; cc-connect log --room x",
        ),
        ("cc-connect room join cc1-x", "/join cc1-x"),
        ("cc-connect room start", "cc-connect room start"),
        ("nothing", "nothing"),
    ] {
        assert_eq!(as_typed_here(said), here);
    }
    // What quotes others is left as it is.
    let pieces = || {
        vec![Piece::Data(
            "3 claude: cc-connect trust \u{1b}[2J".to_owned(),
        )]
    };
    assert_eq!(
        said(&slash("/held"), pieces()).lines,
        ["3 claude: cc-connect trust \\u{1b}[2J"]
    );
    assert_eq!(
        said(&slash("/members"), pieces()).lines,
        ["3 claude: /trust \\u{1b}[2J"]
    );
}

#[test]
fn only_so_many_lines_are_shown() {
    let pieces = (0..=LINES_MAX)
        .map(|n| Piece::Data(n.to_string()))
        .collect();
    let lines = said(&slash("/audit"), pieces).lines;
    assert_eq!(lines.len(), LINES_MAX + 1);
    assert_eq!(
        lines[LINES_MAX],
        "and 1 more lines, which the command line shows"
    );
}

#[test]
fn titles_are_the_names_of_the_commands() {
    for (name, about) in crate::chat::slash::names() {
        if about.starts_with("the same as") {
            continue;
        }
        // Whatever it needs.
        let words = [
            vec![name.as_str()],
            vec![&name, "a"],
            vec![&name, "a", "muted"],
            vec![&name, "1"],
        ];
        let line = words
            .into_iter()
            .find_map(|words| crate::chat::slash::Line::try_parse_from(words).ok());
        assert_eq!(line.unwrap().slash.title(), format!("/{name}"));
    }
}
