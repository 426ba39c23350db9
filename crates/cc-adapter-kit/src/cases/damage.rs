//! What a disk or a crash may do to a room's files.

use std::fs;

use serde_json::Value;

use super::{Case, case};
use crate::expect::Told;
use crate::report::{Checked, Stop};
use crate::room::{BOB, CAROL, Room};
use crate::world::World;

const LINES: &str = "log.md#lines";
const OFFERED: &str = "hook.md#what-is-offered";

pub(super) const CASES: &[Case] = &[
    case(
        "damaged-line",
        LINES,
        "a line that cannot be read is counted, and the others are told",
        damaged_line,
    ),
    case(
        "only-damaged-lines",
        OFFERED,
        "where nothing of what is unread can be read, nothing is printed and the cursor stays",
        only_damaged,
    ),
    case(
        "repaired-line",
        LINES,
        "a damaged line and its copy are one message",
        repaired,
    ),
    case(
        "repair-of-what-was-passed",
        OFFERED,
        "the copy of a line that the cursor is past is not offered",
        repair_of_passed,
    ),
    case(
        "readable-fields-lie",
        LINES,
        "raw alone is the truth",
        fields_lie,
    ),
    case(
        "raw-of-another-message",
        LINES,
        "a line whose raw is another message than its id says is damaged",
        raw_of_another,
    ),
    case(
        "body-altered",
        LINES,
        "a line whose body is not the header's is damaged",
        body_altered,
    ),
    case(
        "lost-line-feed",
        "log.md#numbers-under-damage",
        "within damaged bytes a readable line begins a new line",
        lost_line_feed,
    ),
    case(
        "torn-last-line",
        LINES,
        "bytes after the last line feed are not there yet",
        torn,
    ),
    case(
        "beyond-committed",
        "log.md#durability",
        "what index/committed does not cover is not read",
        beyond_committed,
    ),
    case(
        "corrupt-view",
        "log.md#the-view",
        "without a view that can be read nothing of the room is told, and the cursor stays",
        corrupt_view,
    ),
    case(
        "view-of-another-room",
        "log.md#the-view",
        "a view of another room is no view",
        other_view,
    ),
    case(
        "corrupt-bindings",
        "hook.md#which-rooms",
        "bindings that are not understood bind nothing",
        corrupt_bindings,
    ),
    case(
        "room-in-trouble",
        OFFERED,
        "a room that cannot be read silences no other",
        room_in_trouble,
    ),
    case(
        "garbage-log",
        LINES,
        "a log of garbage gives nothing, and the cursor stays",
        garbage_log,
    ),
    case(
        "log-cut-short",
        "log.md#durability",
        "a log that lost its end is not told again from the start",
        cut_short,
    ),
];

/// A room with five lines, of bob and carol in turn, closed for writing.
fn five(world: &World<'_>) -> Checked<(Room, Vec<u64>)> {
    let mut room = world.trip()?;
    let mut lines = Vec::new();
    for (text, who) in ["one", "two", "three", "four", "five"]
        .into_iter()
        .zip([BOB, CAROL, BOB, CAROL, BOB])
    {
        lines.push(room.say(who, text)?);
    }
    room.alter_log(|bytes| bytes)?;
    Ok((room, lines))
}

/// Of a line the base64 is none any more; its length stays.
fn spoiled(line: &str) -> String {
    line.replacen("\"raw\":\"", "\"raw\":\"!", 1)
        .replacen("\"}", "}", 1)
}

/// Changes one field of a line, and takes a space from elsewhere if need be.
fn with_field(line: &str, key: &str, value: Value) -> Checked<String> {
    let mut fields: Value = serde_json::from_str(line)?;
    fields[key] = value;
    Ok(fields.to_string())
}

fn damaged_line(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = five(world)?;
    room.alter_line(lines[2], |line| spoiled(&line))?;
    let told = Told::of(&room, lines.clone()).damaged(&[lines[2]]);
    let text = world.told("s1", &[told])?;
    if !text.contains("\n1 earlier message not shown: ") {
        return Err(Stop::fault("1 earlier message not shown", text));
    }
    world.stands_after(&room, "s1", lines[4])
}

fn only_damaged(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let first = room.say(BOB, "one")?;
    world.told("s1", &[Told::of(&room, [first])])?;
    let before = world.cursor_bytes(&room, "s1");
    let second = room.say(BOB, "two")?;
    room.say(BOB, "three")?;
    room.alter_line(second, |line| spoiled(&line))?;
    room.alter_line(second + 1, |line| spoiled(&line))?;
    world.silent(&world.ask("s1"), "nothing of it can be read")?;
    if world.cursor_bytes(&room, "s1") == before {
        return Ok(());
    }
    Err(Stop::fault("the cursor where it was", "it moved"))
}

fn repaired(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = five(world)?;
    let message = room.message(lines[2])?;
    room.alter_line(lines[2], |line| spoiled(&line))?;
    let copy = room.repair(lines[2], &message)?;
    // The damaged line counts, its copy is shown: six lines, five messages.
    let told = Told::of(&room, [lines[0], lines[1], lines[3], lines[4], copy]);
    let text = world.told("s1", &[told])?;
    world.stands_after(&room, "s1", copy)?;
    if text.contains("not shown") {
        return Err(Stop::fault("five messages, all of them shown", text));
    }
    Ok(())
}

fn repair_of_passed(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = five(world)?;
    world.told("s1", &[Told::of(&room, lines.clone())])?;
    let message = room.message(lines[1])?;
    room.alter_line(lines[1], |line| spoiled(&line))?;
    room.repair(lines[1], &message)?;
    let n = room.say(CAROL, "six")?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn fields_lie(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = five(world)?;
    let lies = [
        ("text", Value::from("a lie that nobody wrote")),
        ("author", "00".repeat(32).into()),
        ("nick", "alice".into()),
        ("via", "codex".into()),
        ("ts", 1.into()),
        ("kind", "genesis".into()),
        ("erased", true.into()),
        ("chain", 9.into()),
    ];
    let mut altered = Ok(());
    room.alter_line(lines[1], |line| {
        let mut lied = line.clone();
        for (key, value) in lies {
            match with_field(&lied, key, value) {
                Ok(line) => lied = line,
                Err(stop) => altered = Err(stop),
            }
        }
        lied
    })?;
    altered?;
    // Another length: the index is of the log before.
    let _ = fs::remove_dir_all(room.dir.join("index"));
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

/// The `raw` of a line.
fn raw(room: &Room, n: u64) -> Checked<String> {
    let text = fs::read_to_string(room.log_path())?;
    let line = text.lines().nth(n as usize - 1).unwrap_or_default();
    let fields: Value = serde_json::from_str(line)?;
    Ok(fields["raw"].as_str().unwrap_or_default().to_owned())
}

fn raw_of_another(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = five(world)?;
    let (its, other) = (raw(&room, lines[2])?, raw(&room, lines[0])?);
    room.alter_line(lines[2], |line| line.replace(&its, &other))?;
    let _ = fs::remove_dir_all(room.dir.join("index"));
    let told = Told::of(&room, lines.clone()).damaged(&[lines[2]]);
    world.told("s1", &[told]).map(drop)
}

fn body_altered(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = five(world)?;
    let its = raw(&room, lines[3])?;
    // "four" ends the message: its last letter is within the last four digits.
    let altered = altered_end(&its);
    room.alter_line(lines[3], |line| line.replace(&its, &altered))?;
    let told = Told::of(&room, lines.clone()).damaged(&[lines[3]]);
    world.told("s1", &[told]).map(drop)
}

/// The same base64 but for one bit of the byte before the last.
fn altered_end(raw: &str) -> String {
    let mut digits: Vec<u8> = raw.bytes().collect();
    let last = digits
        .iter()
        .rposition(|digit| *digit != b'=')
        .unwrap_or_default();
    let at = last.saturating_sub(3);
    digits[at] = if digits[at] == b'N' { b'M' } else { b'N' };
    String::from_utf8(digits).unwrap_or_default()
}

fn lost_line_feed(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = five(world)?;
    let ends = room.ends()?;
    let feed = ends[lines[1] as usize - 1] as usize - 1;
    room.alter_log(|mut bytes| {
        bytes[feed] = b'x';
        bytes
    })?;
    let _ = fs::remove_dir_all(room.dir.join("index"));
    let told = Told::of(&room, lines.clone()).damaged(&[lines[1]]);
    world.told("s1", &[told]).map(drop)
}

fn torn(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = five(world)?;
    let _ = fs::remove_dir_all(room.dir.join("index"));
    let ends = room.ends()?;
    let keep = ends[lines[3] as usize - 1] as usize + 40;
    room.alter_log(|mut bytes| {
        bytes.truncate(keep);
        bytes
    })?;
    world.told("s1", &[Told::of(&room, lines[..4].to_vec())])?;
    world.stands_after(&room, "s1", lines[3])
}

fn beyond_committed(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let first = room.say(BOB, "on disk")?;
    room.alter_log(|bytes| bytes)?;
    let committed = room.dir.join("index/committed");
    let before = fs::read(&committed)?;
    let second = room.say(BOB, "not yet on disk")?;
    let after = fs::read(&committed)?;
    room.alter_log(|bytes| bytes)?;
    fs::write(&committed, before)?;
    world.told("s1", &[Told::of(&room, [first])])?;
    fs::write(&committed, after)?;
    world.told("s1", &[Told::of(&room, [second])]).map(drop)
}

/// While this stands in the view's place nothing is told, and then all is.
fn while_view_is(world: &World<'_>, garbage: &[&str]) -> Checked {
    let (room, lines) = five(world)?;
    let path = room.dir.join("view.json");
    let sound = fs::read(&path)?;
    for garbage in garbage {
        fs::write(&path, garbage)?;
        world.silent(&world.ask("s1"), "there is no view to go by")?;
    }
    fs::remove_file(&path)?;
    world.silent(&world.ask("s1"), "there is no view")?;
    fs::write(&path, sound)?;
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

fn corrupt_view(world: &mut World<'_>) -> Checked {
    while_view_is(world, &["", "{", "[]", "null", r#"{"v":1}"#, "\u{0}"])
}

fn other_view(world: &mut World<'_>) -> Checked {
    let other = world.room(7, "other")?;
    let view = fs::read_to_string(other.dir.join("view.json"))?;
    let later = view.replacen("\"v\":1", "\"v\":2", 1);
    while_view_is(world, &[&view, &later])
}

fn corrupt_bindings(world: &mut World<'_>) -> Checked {
    let (room, lines) = five(world)?;
    let path = world.home.join("bindings.json");
    let sound = fs::read_to_string(&path)?;
    let later = sound.replacen("\"v\":1", "\"v\":2", 1);
    for garbage in [
        "",
        "{",
        "[]",
        r#"{"v":1}"#,
        r#"{"v":1,"bindings":{}}"#,
        &later,
    ] {
        fs::write(&path, garbage)?;
        world.silent(&world.ask("s1"), "bindings.json is damaged")?;
    }
    fs::write(&path, sound)?;
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

fn room_in_trouble(world: &mut World<'_>) -> Checked {
    let (mut sound, mut broken) = (world.room(1, "sound")?, world.room(2, "broken")?);
    let project = world.project.clone();
    world.bind(&[(&broken, Some(&project)), (&sound, Some(&project))])?;
    broken.say(BOB, "unreadable")?;
    fs::write(broken.dir.join("view.json"), "{")?;
    let n = sound.say(BOB, "still here")?;
    world.told("s1", &[Told::of(&sound, [n])]).map(drop)
}

fn garbage_log(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = five(world)?;
    let sound = fs::read(room.log_path())?;
    room.alter_log(|bytes| {
        let garbage = bytes
            .iter()
            .map(|byte| if *byte == b'\n' { b'\n' } else { b'x' });
        garbage.collect()
    })?;
    world.silent(&world.ask("s1"), "no line can be read")?;
    room.alter_log(|_| sound)?;
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

fn cut_short(world: &mut World<'_>) -> Checked {
    let (mut room, lines) = five(world)?;
    world.told("s1", &[Told::of(&room, lines.clone())])?;
    let sound = fs::read(room.log_path())?;
    let keep = room.ends()?[lines[1] as usize - 1] as usize;
    room.alter_log(|mut bytes| {
        bytes.truncate(keep);
        bytes
    })?;
    world.silent(&world.ask("s1"), "all that is left was told before")?;
    room.alter_log(|_| sound)?;
    let n = room.say(CAROL, "six")?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}
