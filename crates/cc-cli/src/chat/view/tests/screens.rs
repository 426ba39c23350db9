//! The main screens, as snapshots.

use ratatui::style::Color;

use super::sample::{self, NOW, Sample, conversation, file, hits, said, three_rooms};
use super::terminal::{Watched, text};
use crate::chat::app::{Connection, Pending, Toast};
use crate::chat::theme::{Depth, Theme};
use crate::chat::types::{Marks, What};
use crate::chat::view::{Choice, Found, Over};
use crate::rpc::{FileState, State};

fn shown(sample: &Sample, width: u16, height: u16, over: Option<Over<'_>>) -> String {
    let (_, buffer) = Watched::new(width, height).draw(&sample.screen(over));
    text(&buffer)
}

/// Holds a screen to its snapshot; `INSTA_UPDATE=always` writes it anew.
fn same(name: &str, shown: &str) {
    let mut settings = insta::Settings::new();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("../snapshots");
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

fn talking() -> Sample {
    Sample {
        entries: conversation(),
        seen: Some(12),
        ..Sample::default()
    }
}

#[test]
fn an_empty_room() {
    let mut sample = Sample::default();
    sample.rooms[0].members = 1;
    sample.rooms[0].online = 1;
    same("an_empty_room", &shown(&sample, 70, 12, None));
}

#[test]
fn everything_that_can_be_said() {
    let mut sample = talking();
    sample.type_text("and then");
    same("everything_that_can_be_said", &shown(&sample, 80, 50, None));
}

#[test]
fn small() {
    let mut sample = talking();
    sample.rooms = three_rooms();
    sample.type_text("ok");
    same("small", &shown(&sample, 40, 10, None));
}

#[test]
fn members_in_little_room() {
    use crate::chat::slash::{members_lines, members_sample};
    let lines = members_lines(&members_sample(), false);
    let screen = |scroll| {
        let over = Over::Text {
            title: "/members",
            lines: &lines,
            scroll,
        };
        shown(&talking(), 40, 10, Some(over))
    };
    same("members_in_little_room", &screen(0));
    same("more_members_in_little_room", &screen(u16::MAX));
}

#[test]
fn smallest() {
    same("smallest", &shown(&talking(), 20, 5, None));
}

#[test]
fn wide_with_rooms_and_members() {
    let mut sample = talking();
    sample.rooms = three_rooms();
    sample.paused = true;
    sample.held = 2;
    same(
        "wide_with_rooms_and_members",
        &shown(&sample, 130, 24, None),
    );
}

#[test]
fn without_colour() {
    let mut sample = talking();
    sample.rooms = three_rooms();
    sample.theme = Theme {
        depth: Depth::None,
        unicode: false,
    };
    let (_, buffer) = Watched::new(120, 30).draw(&sample.screen(None));
    for cell in &buffer.content {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
    same("without_colour", &text(&buffer));
}

#[test]
fn a_search() {
    let hits = hits();
    let mut sample = talking();
    sample.label = Some("search".to_owned());
    sample.type_text("postgres");
    let found = Found {
        text: "postgres",
        hits: &hits,
        at: 1,
        looked: 5_000,
        of: 1_000_000,
        running: false,
        more: true,
    };
    let over = Over::Hits(found);
    same("a_search", &shown(&sample, 80, 16, Some(over)));
    let running = Found {
        running: true,
        hits: &[],
        ..found
    };
    same(
        "searching",
        &shown(&sample, 80, 10, Some(Over::Hits(running))),
    );
}

#[test]
fn a_ticket_with_its_code() {
    let ticket = format!("cc1-{}", "abcdefghijklmnop".repeat(12));
    let qr = crate::qr::render(&ticket, false).unwrap();
    let qr: Vec<String> = qr.lines().map(str::to_owned).collect();
    let over = |ticket| Over::Ticket {
        ticket,
        qr: &qr,
        note: "Copied. It lets people in until 2026-11-29 10:00Z.",
    };
    same(
        "a_ticket_with_its_code",
        &shown(&talking(), 90, 50, Some(over(&ticket))),
    );
    same(
        "a_ticket_without_room_for_its_code",
        &shown(&talking(), 60, 20, Some(over(&ticket))),
    );
}

#[test]
fn completion() {
    let mut sample = talking();
    sample.type_text("/in");
    let choice = |text: &str, aside: &str| Choice {
        text: text.to_owned(),
        aside: aside.to_owned(),
    };
    sample.choices = vec![
        choice("/invite", "show the ticket that lets others in"),
        choice("/invites", "the tickets that still let people in"),
        choice("/inbox", ""),
    ];
    same("completion", &shown(&sample, 70, 12, None));
}

#[test]
fn a_question() {
    let question = [
        "Remove bob from kitchen?".to_owned(),
        "What bob wrote stays readable to everybody who has it.".to_owned(),
    ];
    let over = Over::Confirm {
        question: &question,
    };
    same("a_question", &shown(&talking(), 60, 14, Some(over.clone())));
    same(
        "a_question_in_little_room",
        &shown(&talking(), 22, 5, Some(over)),
    );
}

#[test]
fn a_long_text() {
    let lines: Vec<String> = (1..40)
        .map(|n| format!("line {n} of a long text"))
        .collect();
    let over = Over::Text {
        title: "files",
        lines: &lines,
        scroll: 7,
    };
    same("a_long_text", &shown(&talking(), 60, 12, Some(over)));
}

#[test]
fn while_the_daemon_is_away() {
    let mut sample = talking();
    sample.connection = Connection::Looking;
    let pending = |local, text: &str, fault: Option<&str>| Pending {
        local,
        text: text.to_owned(),
        answers: None,
        n: None,
        fault: fault.map(str::to_owned),
    };
    sample.pending = vec![
        pending(1, "still here?", None),
        pending(2, "port 5432 x9", Some("the message is too long")),
    ];
    sample.toasts = vec![
        Toast {
            text: "The daemon went away; what you type is kept.".to_owned(),
            bad: true,
            until_ms: NOW,
        },
        Toast {
            text: "Leaving leaves the room running.".to_owned(),
            bad: false,
            until_ms: NOW,
        },
    ];
    sample.answers = Some(("bob".to_owned(), "which database?".to_owned()));
    sample.typed = vec!["two".to_owned(), "rows".to_owned()];
    sample.cursor = (1, 4);
    sample.bytes = 16_000;
    same("while_the_daemon_is_away", &shown(&sample, 80, 24, None));
}

#[test]
fn files_in_all_states() {
    let mut sample = Sample::default();
    let states = [
        ("announced.png", FileState::Announced),
        ("photos/", FileState::Waiting),
        ("design.svg", FileState::Fetching),
        ("here.txt", FileState::Here),
        ("damaged.bin", FileState::Damaged),
        (
            "a name that is as long as names may be and therefore goes on and on until it has to be broken here: x.pdf",
            FileState::Failed,
        ),
    ];
    sample.entries = (1..)
        .zip(states)
        .map(|(n, (name, state))| file(n, name, state))
        .collect();
    // Where it is not that nobody has it, the card says what is wrong.
    let mut kept_out = file(7, "film.mkv", FileState::Waiting);
    if let What::File(card) = &mut kept_out.what {
        card.fault = Some("the disk has no room for it".to_owned());
    }
    sample.entries.push_back(kept_out);
    same("files_in_all_states", &shown(&sample, 72, 24, None));
}

#[test]
fn where_a_file_is_in_little_room() {
    let folder = format!("/home/alice/.cc-connect/rooms/{}", "ab".repeat(32));
    let mut here = file(1, "design.svg", FileState::Here);
    if let What::File(card) = &mut here.what {
        card.path = Some(format!("{folder}/files/0123456789abcdef/design.svg").into());
    }
    let mut sample = Sample {
        entries: [here].into(),
        ..Sample::default()
    };
    same("a_file_in_a_narrow_window", &shown(&sample, 40, 8, None));
    same("a_file_in_a_narrower_window", &shown(&sample, 30, 8, None));
    // Selected, the whole path is there.
    sample.selected = Some(1);
    same("a_selected_file", &shown(&sample, 40, 14, None));
}

#[test]
fn a_line_in_full_and_a_room_we_left() {
    let mut sample = talking();
    sample.selected = Some(15);
    same("selected", &shown(&sample, 60, 12, None));
    sample.rooms[0].state = State::Removed;
    sample.selected = None;
    sample.entries = [said(1, "bob", "hm"), {
        let mut mine = said(2, "alice", "nobody else is here");
        mine.marks = Marks {
            others: Some(0),
            ..Marks::default()
        };
        mine
    }]
    .into();
    same("removed", &shown(&sample, 60, 12, None));
    let _ = sample::room("x");
}
