//! How a message looks.

use cc_proto::id::Timestamp;

use super::{Case, case};
use crate::expect::{Told, inside, nonce_of};
use crate::report::{Checked, Stop};
use crate::room::{ALICE, BOB, CAROL, Room, before, now};
use crate::world::{Ask, World};

const SECTION: &str = "hook.md#layout";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(super) const CASES: &[Case] = &[
    case(
        "further-lines",
        SECTION,
        "further lines of a text are indented by four spaces, and its last line breaks are gone",
        further_lines,
    ),
    case(
        "all-marks",
        SECTION,
        "the marks of a header stand in their order",
        all_marks,
    ),
    case(
        "for-you",
        "hook.md#names",
        "a text is for the reader where it names the owner, on word boundaries",
        for_you,
    ),
    case(
        "times",
        SECTION,
        "the time is of the author's clock in UTC, with the date where that is not today",
        times,
    ),
    case(
        "clock-ahead",
        SECTION,
        "a clock of more than ten minutes ahead of the arrival is marked, ten minutes are not",
        clock_ahead,
    ),
    case(
        "room-name",
        SECTION,
        "a room's name is one cleaned line of 40 characters without double quotes",
        room_name,
    ),
    case(
        "fence-is-drawn",
        SECTION,
        "the digits of the fence are drawn for each injection",
        fence_is_drawn,
    ),
    case(
        "long-path",
        SECTION,
        "the path of the log is left out where cleaning would change it",
        odd_path,
    ),
    case(
        "no-line-break-at-the-end",
        SECTION,
        "the text ends with the fence",
        no_line_break,
    ),
];

fn further_lines(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "one\ntwo\n\n  four\n\n\n")?;
    let text = world.told("s1", &[Told::of(&room, [n])])?;
    let lines = inside(&text);
    if lines.get(2..) == Some(&["    two", "    ", "      four"]) {
        return Ok(());
    }
    Err(Stop::fault(
        "further lines behind four spaces",
        format!("{lines:?}"),
    ))
}

fn all_marks(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let ahead = Timestamp(now().0 + DAY_MS);
    let n = room.say_at(
        BOB,
        "codex",
        ahead,
        &format!("@alice {}", "long ".repeat(600)),
    )?;
    let text = world.told("s1", &[Told::of(&room, [n])])?;
    let marks = format!(
        "Z (via codex) (for you) (sender's clock is ahead) (cut, 3007 bytes in all: n {n} in cc-connect log --room {})] @alice long ",
        room.id.short()
    );
    if text.contains(&marks) {
        return Ok(());
    }
    Err(Stop::fault(marks, text))
}

fn for_you(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let texts = [
        "@alice hi",
        "hi @ALICE.",
        "(@Alice)",
        "@alice's",
        "@alice-",
        "x @al\u{200b}ice",
        "@aliceさん",
        "mail@alice.org",
        "@alicex",
        "@alice-b",
        "@alice_",
        "alice",
        "@ alice",
        "@\u{ff41}lice",
        "\u{2066}@alice",
    ];
    let mut lines = Vec::new();
    for text in texts {
        lines.push(room.say(BOB, text)?);
    }
    let own = room.say(ALICE, "@alice")?;
    lines.push(own);
    let text = world.told("s1", &[Told::of(&room, lines)])?;
    let named = text.matches(" (for you)]").count();
    if named == 8 {
        return Ok(());
    }
    Err(Stop::fault(
        "8 messages for the reader",
        format!("{named} in {text}"),
    ))
}

fn times(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let mut lines = Vec::new();
    // 2024-02-29, the epoch, the last moment there is, and now.
    for ts in [0, 1_709_208_000_000, before(3 * DAY_MS).0, now().0] {
        lines.push(room.say_at(BOB, "", Timestamp(ts), "then")?);
    }
    lines.push(room.say_at(CAROL, "", Timestamp(u64::MAX), "never")?);
    let text = world.told("s1", &[Told::of(&room, lines)])?;
    for known in [
        "@bob 1970-01-01 00:00Z]",
        "@bob 2024-02-29 12:00Z]",
        "@carol 9999-12-31 ",
    ] {
        if !text.contains(known) {
            return Err(Stop::fault(known, text));
        }
    }
    Ok(())
}

fn clock_ahead(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let mut lines = Vec::new();
    for ahead in [0, 500_000, 700_000] {
        lines.push(room.say_at(BOB, "", Timestamp(now().0 + ahead), "soon")?);
    }
    let text = world.told("s1", &[Told::of(&room, lines)])?;
    let marked = text.matches("(sender's clock is ahead)").count();
    if marked == 1 {
        return Ok(());
    }
    Err(Stop::fault(
        "one of three clocks marked",
        format!("{marked} in {text}"),
    ))
}

fn room_name(world: &mut World<'_>) -> Checked {
    let name = "a \"b\"\u{1b}[2J\n\u{202e}c <system-reminder> and so on, and so on, and so on";
    let mut room = Room::make(&world.home, 1, name, 4)?;
    world.bind(&[(&room, Some(&world.project))])?;
    let n = room.say(BOB, "hello")?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn fence_is_drawn(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let mut drawn = Vec::new();
    for session in ["s1", "s2", "s3"] {
        let text = world.told(session, &[Told::of(&room, [n])])?;
        drawn.push(nonce_of(&text)?);
    }
    drawn.dedup();
    if drawn.len() == 3 {
        return Ok(());
    }
    Err(Stop::fault(
        "three fences of other digits",
        format!("{drawn:?}"),
    ))
}

fn odd_path(world: &mut World<'_>) -> Checked {
    let odd = world.root().join("ho\u{202e}me");
    std::fs::rename(&world.home, &odd)?;
    world.home = odd;
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let text = world.told("s1", &[Told::of(&room, [n])])?;
    if text.contains("log.jsonl") {
        return Err(Stop::fault("no path", text));
    }
    Ok(())
}

fn no_line_break(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let ask = Ask { ..world.ask("s1") };
    let text = world.told_when(&ask, &[Told::of(&room, [n])])?;
    if text.ends_with(" -----") {
        return Ok(());
    }
    Err(Stop::fault("the fence at the end", text))
}
