//! Scrolling, sizes, clicks and costs.

use proptest::prelude::*;

use super::sample::{NOW, Sample, conversation, many, said, three_rooms};
use super::terminal::{Watched, row, text};
use crate::chat::app::Pending;
use crate::chat::types::What;
use crate::chat::view::{Choice, Drawn, Motion, Over, Scroll, Target};

fn draw(sample: &Sample, width: u16, height: u16) -> (Drawn, String) {
    let (drawn, buffer) = Watched::new(width, height).draw(&sample.screen(None));
    (drawn, text(&buffer))
}

fn lined(count: u64) -> Sample {
    Sample {
        entries: many(count),
        ..Sample::default()
    }
}

/// Draws after a motion, and goes on from where that led.
fn moved(sample: &mut Sample, motion: Motion) -> (Drawn, String) {
    sample.motion = motion;
    let (drawn, text) = draw(sample, 60, 20);
    sample.scroll = drawn.scroll;
    sample.motion = Motion::default();
    (drawn, text)
}

#[test]
fn a_frame_costs_the_same_however_much_is_loaded() {
    for motion in [
        Motion::default(),
        Motion {
            pages: 1,
            ..Motion::default()
        },
        Motion {
            show: Some(100),
            ..Motion::default()
        },
    ] {
        let laid_out = [200, 10_000].map(|count| {
            let mut sample = lined(count);
            moved(&mut sample, motion).0.laid_out
        });
        assert_eq!(laid_out[0], laid_out[1]);
        assert!(laid_out[0] <= 3 * 20, "{laid_out:?}");
    }
}

#[test]
fn scrolling_shows_each_row_once() {
    let mut sample = lined(300);
    let (drawn, _) = moved(&mut sample, Motion::default());
    assert!(drawn.at_end && !drawn.at_top);
    assert_eq!(drawn.scroll, Scroll::default());
    assert_eq!(drawn.shown.map(|(_, last)| last), Some(300));
    // Up row by row: each frame is the one before, a row further down.
    let mut before = moved(
        &mut sample,
        Motion {
            rows: 1,
            ..Motion::default()
        },
    )
    .1;
    for _ in 0..60 {
        let (drawn, now) = moved(
            &mut sample,
            Motion {
                rows: 1,
                ..Motion::default()
            },
        );
        let rows = usize::from(drawn.messages.height);
        let last: Vec<&str> = before.lines().take(rows - 2).collect();
        let this: Vec<&str> = now.lines().skip(1).take(rows - 2).collect();
        assert_eq!(last, this);
        before = now;
    }
    // And back down, to the same and no further.
    for _ in 0..61 {
        moved(
            &mut sample,
            Motion {
                rows: -1,
                ..Motion::default()
            },
        );
    }
    assert_eq!(sample.scroll, Scroll::default());
    let (drawn, _) = moved(
        &mut sample,
        Motion {
            rows: -500,
            ..Motion::default()
        },
    );
    assert!(drawn.at_end);
}

#[test]
fn the_top_is_the_top() {
    let mut sample = lined(300);
    for _ in 0..40 {
        moved(
            &mut sample,
            Motion {
                pages: 1,
                ..Motion::default()
            },
        );
    }
    let (drawn, text) = moved(
        &mut sample,
        Motion {
            rows: 9,
            ..Motion::default()
        },
    );
    assert!(drawn.at_top);
    assert_eq!(drawn.shown.map(|(first, _)| first), Some(1));
    assert!(text.starts_with("── Sunday 2026-11-22"), "{text}");
    // Lines loaded above the top leave the view where it is.
    let rows = usize::from(drawn.messages.height);
    let older: Vec<_> = sample.entries.iter().cloned().collect();
    sample.entries = older
        .into_iter()
        .map(|mut entry| {
            entry.n += 50;
            entry
        })
        .collect();
    for n in (1..=50).rev() {
        let mut entry = said(n, "dora", "older");
        entry.ts = NOW;
        sample.entries.push_front(entry);
    }
    sample.scroll.bottom = sample.scroll.bottom.map(|n| n + 50);
    let (_, now) = moved(&mut sample, Motion::default());
    let tail = |text: &str| -> Vec<String> {
        text.lines().take(rows).skip(3).map(str::to_owned).collect()
    };
    assert_eq!(tail(&text), tail(&now));
}

#[test]
fn what_comes_does_not_move_what_is_read() {
    let mut sample = lined(100);
    let (_, before) = moved(
        &mut sample,
        Motion {
            pages: 1,
            ..Motion::default()
        },
    );
    sample.entries.push_back(said(101, "bob", "one more"));
    sample.news = 1;
    let (drawn, after) = moved(&mut sample, Motion::default());
    let rows = usize::from(drawn.messages.height) - 1;
    assert_eq!(
        before.lines().take(rows).collect::<Vec<_>>(),
        after.lines().take(rows).collect::<Vec<_>>()
    );
    assert!(after.contains("1 new message below"), "{after}");
    // Who is at the end sees it.
    sample.scroll = Scroll::default();
    assert!(draw(&sample, 60, 20).1.contains("one more"));
}

#[test]
fn a_line_is_brought_on_the_screen_and_left_alone_when_it_is_there() {
    let mut sample = lined(300);
    let (drawn, text) = moved(
        &mut sample,
        Motion {
            show: Some(150),
            ..Motion::default()
        },
    );
    assert!(text.contains("message 150"), "{text}");
    let scroll = drawn.scroll;
    let (drawn, _) = moved(
        &mut sample,
        Motion {
            show: Some(151),
            ..Motion::default()
        },
    );
    assert_eq!(drawn.scroll, scroll);
    for n in [1, 300] {
        let (_, text) = moved(
            &mut sample,
            Motion {
                show: Some(n),
                ..Motion::default()
            },
        );
        assert!(
            text.contains(&format!("message {n}\n")) || text.contains(&format!("message {n} ")),
            "{text}"
        );
    }
    // A line longer than the screen is shown from its beginning.
    sample.entries.push_back(said(
        301,
        "bob",
        &(1..200)
            .map(|n| format!("row {n}"))
            .collect::<Vec<_>>()
            .join("\n"),
    ));
    let (_, text) = moved(
        &mut sample,
        Motion {
            show: Some(301),
            ..Motion::default()
        },
    );
    assert!(
        text.contains("row 1\n") || text.contains("row 1 "),
        "{text}"
    );
}

#[test]
fn lines_with_nothing_to_show_take_no_room() {
    let mut sample = lined(60);
    for n in 61..400 {
        let mut entry = said(n, "bob", "");
        entry.what = What::Nothing;
        sample.entries.push_back(entry);
    }
    let (drawn, text) = draw(&sample, 60, 20);
    assert!(text.contains("message 60"), "{text}");
    assert_eq!(drawn.scroll, Scroll::default());
    let alone = Sample {
        entries: sample.entries.split_off(60),
        ..Sample::default()
    };
    draw(&alone, 60, 20);
}

#[test]
fn what_waits_is_behind_what_is_stored() {
    let mut sample = lined(50);
    let pending = |local, n| Pending {
        local,
        text: format!("waiting {local}"),
        answers: None,
        n,
        fault: None,
    };
    // One of them came back from the log, and is not shown twice.
    sample.pending = vec![pending(1, Some(50)), pending(2, None)];
    let (drawn, text) = draw(&sample, 60, 20);
    assert!(
        text.contains("waiting 2") && !text.contains("waiting 1"),
        "{text}"
    );
    assert!(drawn.at_end);
    assert_eq!(drawn.scroll, Scroll::default());
    sample.has_newer = true;
    assert!(!draw(&sample, 60, 20).1.contains("waiting"));
}

#[test]
fn a_click_meets_what_is_drawn_there() {
    let mut sample = Sample {
        entries: conversation(),
        rooms: three_rooms(),
        ..Sample::default()
    };
    let (drawn, buffer) = Watched::new(130, 40).draw(&sample.screen(None));
    assert_eq!(drawn.target(3, 2), Target::Room(1));
    let at = |needle: &str| -> (u16, u16) {
        (0..40)
            .find_map(|y| {
                let text = row(&buffer, y, 22, 102);
                text.contains(needle).then_some((30, y))
            })
            .unwrap()
    };
    let target = |at: (u16, u16)| drawn.target(at.0, at.1);
    assert_eq!(target(at("postgres, we have it: port")), Target::Entry(4));
    assert_eq!(target(at("design.svg")), Target::File(13));
    assert_eq!(drawn.target(110, 1), Target::Member(0));
    assert_eq!(drawn.target(10, 39), Target::Composer);
    sample.choices = vec![
        Choice {
            text: "x".to_owned(),
            aside: String::new()
        };
        3
    ];
    let (drawn, _) = Watched::new(130, 40).draw(&sample.screen(None));
    assert_eq!(drawn.target(2, 38), Target::Choice(2));
}

#[test]
fn at_every_size_the_newest_message_and_what_is_typed_are_there() {
    let mut sample = Sample {
        rooms: three_rooms(),
        entries: [said(1, "bob", "old"), said(2, "bob", "newest")].into(),
        ..Sample::default()
    };
    sample.type_text("typed");
    for width in 1..60 {
        for height in 1..16 {
            let (drawn, shown) = draw(&sample, width, height);
            if width >= 12 {
                assert!(shown.contains("typed"), "{width}x{height}\n{shown}");
                assert!(
                    height < 2 || shown.contains("newest"),
                    "{width}x{height}\n{shown}"
                );
            }
            assert!(drawn.cursor.is_some());
        }
    }
}

#[test]
fn from_one_screen_to_any_other_nothing_stays_behind() {
    let mut sample = Sample {
        entries: conversation(),
        rooms: three_rooms(),
        ..Sample::default()
    };
    let mut terminal = Watched::new(100, 24);
    let lines = ["日本語のテキスト 👍 in the way".to_owned()];
    for scroll in 0..12 {
        sample.motion.rows = scroll;
        sample.selected = Some(15 - u64::from(scroll.unsigned_abs()));
        terminal.draw(&sample.screen(None));
        terminal.draw(&sample.screen(Some(Over::Confirm { question: &lines })));
        sample.choices = vec![
            Choice {
                text: "日本".to_owned(),
                aside: "👍".to_owned()
            };
            3
        ];
        terminal.draw(&sample.screen(None));
        sample.choices.clear();
        sample.current = (sample.current + 1) % 4;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_motion_at_any_size_ends_somewhere(
        moves in prop::collection::vec((-40_i32..40, -3_i32..3, prop::option::of(0_u64..80), 1_u16..70, 1_u16..30), 1..12),
    ) {
        let mut sample = Sample { entries: many(60), ..Sample::default() };
        sample.entries.push_back(said(61, "bob", &"日本 words\n".repeat(40)));
        for (rows, pages, show, width, height) in moves {
            sample.motion = Motion { rows, pages, show };
            let (drawn, _) = draw(&sample, width, height);
            sample.scroll = drawn.scroll;
            if let (Some(n), true) = (show, drawn.messages.height > 2) {
                let n = n.clamp(1, 61);
                prop_assert!(drawn.shown.is_some_and(|(first, last)| (first..=last).contains(&n)));
            }
        }
    }
}
