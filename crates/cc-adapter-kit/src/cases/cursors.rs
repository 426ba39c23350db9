//! Where a session goes on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::{Case, case};
use crate::expect::Told;
use crate::report::{Checked, Stop};
use crate::room::{BOB, CAROL, Room};
use crate::world::World;

const SECTION: &str = "log.md#cursors";

pub(super) const CASES: &[Case] = &[
    case(
        "goes-on",
        SECTION,
        "a session goes on where it was, and another begins at the start",
        goes_on,
    ),
    case(
        "corrupt-cursor",
        SECTION,
        "a damaged cursor repeats, it never skips",
        corrupt,
    ),
    case(
        "cursor-of-another-log",
        SECTION,
        "a cursor whose line is not in the log starts over",
        another_log,
    ),
    case(
        "cursor-at-another-offset",
        SECTION,
        "a cursor whose offset is wrong finds its line by number and id",
        another_offset,
    ),
    case(
        "cursor-at-another-number",
        SECTION,
        "a cursor whose number is wrong finds its line by offset and id",
        another_number,
    ),
    case(
        "cursor-beyond-the-end",
        SECTION,
        "a cursor beyond the end of another log starts over",
        beyond_the_end,
    ),
    case(
        "cursor-of-a-later-version",
        SECTION,
        "a cursor of another version is none",
        later_version,
    ),
    case(
        "cursor-is-private",
        "log.md",
        "folders have mode 0700, files 0600",
        private,
    ),
    case(
        "one-cursor-a-room",
        "hook.md#what-is-offered",
        "each room has a cursor of its own",
        one_a_room,
    ),
    case(
        "longest-waiting-first",
        "hook.md#what-is-offered",
        "the room whose cursor was moved longest ago is told of first",
        longest_first,
    ),
    case(
        "lost-index",
        "log.md#index",
        "the index may be missing",
        lost_index,
    ),
    case(
        "garbage-index",
        "log.md#index",
        "no reader trusts the index",
        garbage_index,
    ),
];

fn goes_on(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let first = [room.say(BOB, "one")?, room.say(CAROL, "two")?];
    world.told("s1", &[Told::of(&room, first)])?;
    world.silent(&world.ask("s1"), "nothing is new")?;
    let third = room.say(BOB, "three")?;
    world.told("s1", &[Told::of(&room, [third])])?;
    world.stands_after(&room, "s1", third)?;
    world.told("s2", &[Told::of(&room, [first[0], first[1], third])])?;
    world.silent(&world.ask("s2"), "nothing is new")
}

/// A room of which `s1` was told two lines, and a third one.
fn told_before(world: &mut World<'_>) -> Checked<(Room, Vec<u64>)> {
    let mut room = world.trip()?;
    let mut lines = vec![room.say(BOB, "one")?, room.say(CAROL, "two")?];
    world.told("s1", &[Told::of(&room, lines.clone())])?;
    lines.push(room.say(BOB, "three")?);
    Ok((room, lines))
}

/// Changes the cursor of `s1`; what is there is found by looking, so that a session's name is nothing to guess.
fn alter(
    world: &World<'_>,
    room: &Room,
    change: impl FnOnce(serde_json::Value) -> Vec<u8>,
) -> Checked {
    let name = world.subject.reader_file("s1");
    let path = room.cursors().join(format!("{name}.json"));
    let bytes = fs::read(&path)
        .map_err(|error| Stop::fault(format!("cursors/{name}.json"), error.to_string()))?;
    let cursor = serde_json::from_slice(&bytes)?;
    Ok(fs::write(path, change(cursor))?)
}

fn corrupt(world: &mut World<'_>) -> Checked {
    let (room, lines) = told_before(world)?;
    for garbage in [
        "",
        "{",
        "null",
        "[]",
        r#"{"v":1,"n":"2","offset":0,"id":null,"at":0}"#,
        r#"{"v":1,"n":-1}"#,
        "\u{0}\u{0}",
    ] {
        alter(world, &room, |_| garbage.into()).or_else(|_| {
            let name = world.subject.reader_file("s1");
            fs::write(room.cursors().join(format!("{name}.json")), garbage)
        })?;
        world.told("s1", &[Told::of(&room, lines.clone())])?;
        world.stands_after(&room, "s1", lines[2])?;
    }
    Ok(())
}

fn another_log(world: &mut World<'_>) -> Checked {
    let (room, lines) = told_before(world)?;
    alter(world, &room, |mut cursor| {
        cursor["id"] = "77".repeat(32).into();
        cursor.to_string().into()
    })?;
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

fn another_offset(world: &mut World<'_>) -> Checked {
    let (room, lines) = told_before(world)?;
    alter(world, &room, |mut cursor| {
        cursor["offset"] = 17.into();
        cursor.to_string().into()
    })?;
    world.told("s1", &[Told::of(&room, [lines[2]])]).map(drop)
}

fn another_number(world: &mut World<'_>) -> Checked {
    let (room, lines) = told_before(world)?;
    alter(world, &room, |mut cursor| {
        cursor["n"] = 2.into();
        cursor.to_string().into()
    })?;
    world.told("s1", &[Told::of(&room, [lines[2]])])?;
    world.stands_after(&room, "s1", lines[2])
}

fn beyond_the_end(world: &mut World<'_>) -> Checked {
    let (room, lines) = told_before(world)?;
    alter(world, &room, |_| {
        let cursor = json!({"v": 1, "n": 4000, "offset": 900_000, "id": "77".repeat(32), "at": 1});
        cursor.to_string().into()
    })?;
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

fn later_version(world: &mut World<'_>) -> Checked {
    let (room, lines) = told_before(world)?;
    alter(world, &room, |mut cursor| {
        cursor["v"] = 2.into();
        cursor.to_string().into()
    })?;
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

fn private(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    world.told("s1", &[Told::of(&room, [n])])?;
    let name = world.subject.reader_file("s1");
    let paths = [
        (room.cursors(), 0o700),
        (room.cursors().join(format!("{name}.json")), 0o600),
        (room.cursors().join(format!("{name}.lock")), 0o600),
    ];
    for (path, wanted) in paths {
        let mode = fs::metadata(&path).map(|meta| meta.permissions().mode() & 0o777);
        let shown = path.file_name().unwrap_or_default().to_string_lossy();
        match mode {
            Ok(mode) if mode == wanted => {}
            Ok(mode) => {
                return Err(Stop::fault(
                    format!("{shown} with mode {wanted:o}"),
                    format!("{mode:o}"),
                ));
            }
            Err(error) => return Err(Stop::fault(format!("cursors/{shown}"), error.to_string())),
        }
    }
    Ok(())
}

fn one_a_room(world: &mut World<'_>) -> Checked {
    let (mut one, mut two) = (world.room(1, "one")?, world.room(2, "two")?);
    let project = world.project.clone();
    world.bind(&[(&one, Some(&project)), (&two, Some(&project))])?;
    let first = one.say(BOB, "in one")?;
    let before = two.say(CAROL, "in two")?;
    let mut told = [
        (one.id, Told::of(&one, [first])),
        (two.id, Told::of(&two, [before])),
    ];
    told.sort_by_key(|(id, _)| *id);
    world.told("s1", &told.map(|(_, told)| told))?;
    let second = two.say(CAROL, "in two again")?;
    world.told("s1", &[Told::of(&two, [second])])?;
    world.stands_after(&one, "s1", first)
}

fn longest_first(world: &mut World<'_>) -> Checked {
    let (mut one, mut two) = (world.room(1, "one")?, world.room(2, "two")?);
    if one.id > two.id {
        std::mem::swap(&mut one, &mut two);
    }
    let project = world.project.clone();
    world.bind(&[(&one, Some(&project))])?;
    let first = one.say(BOB, "in one")?;
    world.told("s1", &[Told::of(&one, [first])])?;
    world.bind(&[(&one, Some(&project)), (&two, Some(&project))])?;
    let (again, never) = (one.say(BOB, "in one again")?, two.say(BOB, "in two")?);
    let told = [Told::of(&two, [never]), Told::of(&one, [again])];
    world.told("s1", &told).map(drop)
}

fn lost_index(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = told_before(world)?;
    room.alter_log(|bytes| bytes)?;
    fs::remove_dir_all(room.dir.join("index"))?;
    world.told("s1", &[Told::of(&room, [lines[2]])])?;
    world.told("s2", &[Told::of(&room, lines)]).map(drop)
}

fn garbage_index(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = told_before(world)?;
    room.alter_log(|bytes| bytes)?;
    for entry in fs::read_dir(room.dir.join("index"))? {
        let path = entry?.path();
        let length = fs::metadata(&path)?.len() as usize;
        fs::write(path, vec![0xa5; length])?;
    }
    world.told("s1", &[Told::of(&room, [lines[2]])])?;
    world.told("s2", &[Told::of(&room, lines)]).map(drop)
}
