//! What is shown where not all fits.

use super::{Case, case};
use crate::expect::Told;
use crate::report::{Checked, Stop};
use crate::room::{BOB, CAROL, MALLORY, Room};
use crate::world::World;

const SECTION: &str = "hook.md#budget";

pub(super) const CASES: &[Case] = &[
    case(
        "long-message",
        SECTION,
        "a message takes at most 2,048 bytes, its header and indents included",
        long_message,
    ),
    case(
        "longest-message",
        SECTION,
        "the longest message that there is comes cut, between two characters",
        longest_message,
    ),
    case(
        "over-budget",
        SECTION,
        "an injection takes at most 8,192 bytes, and says how many messages it leaves out",
        over_budget,
    ),
    case(
        "hundred-messages",
        SECTION,
        "at most 100 messages are shown, the newest",
        hundred,
    ),
    case(
        "fair-share",
        SECTION,
        "somebody loud leaves the others their share",
        fair_share,
    ),
    case(
        "addressed-first",
        SECTION,
        "what names the owner comes before what does not",
        addressed_first,
    ),
    case(
        "many-authors",
        SECTION,
        "of many authors each has a share, as far as there is room",
        many_authors,
    ),
    case(
        "nine-rooms",
        "hook.md#what-is-offered",
        "eight rooms are told of at once, the others wait",
        nine_rooms,
    ),
    case("rooms-share", SECTION, "rooms take turns", rooms_share),
    case(
        "multibyte",
        SECTION,
        "the budget is of bytes, not of characters",
        multibyte,
    ),
];

fn long_message(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let lines = [
        room.say(BOB, &"word ".repeat(1000))?,
        room.say(CAROL, &"line\n".repeat(900))?,
        room.say(MALLORY, &"x".repeat(2016))?,
    ];
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

fn longest_message(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, &"é".repeat(8192))?;
    let text = world.told("s1", &[Told::of(&room, [n])])?;
    if text.contains("(cut, 16384 bytes in all: n 2 in cc-connect log --room ") {
        return Ok(());
    }
    Err(Stop::fault("how long the whole message is", text))
}

fn over_budget(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let texts: Vec<String> = (0..40)
        .map(|n| format!("{n} {}", "words ".repeat(90)))
        .collect();
    let lines = room.say_all(BOB, &texts)?;
    world.told("s1", &[Told::of(&room, lines.clone())])?;
    let last = lines.last().copied().unwrap_or_default();
    world.stands_after(&room, "s1", last)?;
    world.silent(&world.ask("s1"), "what was left out was counted")
}

fn hundred(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let texts: Vec<String> = (0..260).map(|n| format!("{n}")).collect();
    let lines = room.say_all(BOB, &texts)?;
    let text = world.told("s1", &[Told::of(&room, lines)])?;
    if text.contains("\n160 earlier messages not shown: ") && text.contains("] 259\n") {
        return Ok(());
    }
    Err(Stop::fault("the newest 100 of 260", text))
}

fn fair_share(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let mut lines = vec![room.say(BOB, "quiet, and early")?];
    let texts: Vec<String> = (0..60)
        .map(|n| format!("{n} {}", "loud ".repeat(60)))
        .collect();
    lines.extend(room.say_all(MALLORY, &texts)?);
    lines.push(room.say(CAROL, &"a fair lot ".repeat(40))?);
    lines.extend(room.say_all(MALLORY, &texts[..20])?);
    let text = world.told("s1", &[Told::of(&room, lines)])?;
    if text.contains("] quiet, and early\n") {
        return Ok(());
    }
    Err(Stop::fault("the first message, by somebody quiet", text))
}

fn addressed_first(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let mut lines = vec![room.say(MALLORY, "@alice, can you look?")?];
    let texts: Vec<String> = (0..120)
        .map(|n| format!("{n} {}", "talk ".repeat(20)))
        .collect();
    lines.extend(room.say_all(MALLORY, &texts)?);
    let text = world.told("s1", &[Told::of(&room, lines)])?;
    if text.contains("(for you)] @alice, can you look?\n") {
        return Ok(());
    }
    Err(Stop::fault("what names the owner", text))
}

fn many_authors(world: &mut World<'_>) -> Checked {
    let mut room = Room::make(&world.home, 1, "trip", 30)?;
    world.bind(&[(&room, Some(&world.project))])?;
    let mut lines = Vec::new();
    for round in 0..3 {
        for who in 1..30 {
            lines.push(room.say(
                who,
                &format!("round {round} {}", "word ".repeat(3 * (who % 7) + 4)),
            )?);
        }
    }
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

fn nine_rooms(world: &mut World<'_>) -> Checked {
    let mut rooms = Vec::new();
    for byte in 1..=9 {
        rooms.push(world.room(byte, &format!("room {byte}"))?);
    }
    rooms.sort_by_key(|room| room.id);
    let mut lines = Vec::new();
    for room in &mut rooms {
        lines.push(room.say(BOB, "hello")?);
    }
    let bindings: Vec<_> = rooms
        .iter()
        .map(|room| (room, Some(world.project.as_path())))
        .collect();
    world.bind(&bindings)?;
    let told = |at: usize| Told::of(&rooms[at], [lines[at]]);
    let first: Vec<Told<'_>> = (0..8).map(told).collect();
    world.told("s1", &first)?;
    world.told("s1", &[told(8)])?;
    world.silent(&world.ask("s1"), "all nine were told of")
}

fn rooms_share(world: &mut World<'_>) -> Checked {
    let (mut one, mut two) = (world.room(1, "one")?, world.room(2, "two")?);
    if one.id > two.id {
        std::mem::swap(&mut one, &mut two);
    }
    let project = world.project.clone();
    world.bind(&[(&one, Some(&project)), (&two, Some(&project))])?;
    let texts: Vec<String> = (0..50)
        .map(|n| format!("{n} {}", "busy ".repeat(30)))
        .collect();
    let busy = one.say_all(BOB, &texts)?;
    let quiet = two.say_all(CAROL, &texts[..30])?;
    world
        .told("s1", &[Told::of(&one, busy), Told::of(&two, quiet)])
        .map(drop)
}

fn multibyte(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let texts: Vec<String> = (0..30)
        .map(|n| format!("{n} {}", "日本語".repeat(40)))
        .collect();
    let lines = room.say_all(BOB, &texts)?;
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}
