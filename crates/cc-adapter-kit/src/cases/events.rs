//! What an adapter is handed, and when.

use std::fs;

use cc_hook_generic::Moment;
use serde_json::{Value, json};

use super::{Case, case};
use crate::expect::Told;
use crate::report::{Checked, Stop};
use crate::room::{BOB, CAROL, now};
use crate::subject::put;
use crate::world::{Ask, World};

const EVENT: &str = "adapters.md#what-an-event-may-hold";
const MOMENTS: &str = "adapters.md#moments";
const PAUSE: &str = "adapters.md#pause";

pub(super) const CASES: &[Case] = &[
    case(
        "garbage-events",
        EVENT,
        "what is no event gives nothing, and moves nothing",
        garbage,
    ),
    case(
        "wrong-types",
        EVENT,
        "an event whose fields are no texts gives nothing",
        wrong_types,
    ),
    case(
        "huge-event",
        EVENT,
        "a long prompt in an event is read, and one of more than 32 MiB gives nothing",
        huge,
    ),
    case(
        "unknown-event",
        MOMENTS,
        "an event of another name gives nothing",
        unknown_event,
    ),
    case(
        "more-fields",
        EVENT,
        "fields that nobody knows change nothing",
        more_fields,
    ),
    case(
        "odd-session-ids",
        EVENT,
        "a session id that is no file name, or over long, or hidden, is hashed",
        odd_sessions,
    ),
    case(
        "odd-directories",
        EVENT,
        "a directory that cannot be one has the global rooms alone",
        odd_directories,
    ),
    case(
        "tool-addressed",
        MOMENTS,
        "after a tool call all that is unread is told, if something of it names the owner",
        tool_addressed,
    ),
    case(
        "tool-not-addressed",
        MOMENTS,
        "after a tool call nothing is told where nothing names the owner, and the cursor stays",
        tool_not_addressed,
    ),
    case(
        "start",
        MOMENTS,
        "at a session's start no message is told, and the cursor stays",
        start,
    ),
    case(
        "session-noted",
        "adapters.md#sessions",
        "each event is noted as its session's last",
        session_noted,
    ),
    case(
        "audit-line",
        "adapters.md#audit",
        "what was told is noted with its lines, and no word of it",
        audit_line,
    ),
    case(
        "paused",
        PAUSE,
        "while the owner wants it so nothing is told, and nothing is lost",
        paused,
    ),
    case(
        "paused-room",
        PAUSE,
        "a room may be paused by itself",
        paused_room,
    ),
    case(
        "pause-is-over",
        PAUSE,
        "a pause ends by itself",
        pause_is_over,
    ),
    case(
        "damaged-pause",
        PAUSE,
        "a pause that is not understood pauses everything",
        damaged_pause,
    ),
];

fn handed<'a>(world: &'a World<'_>, stdin: Vec<u8>) -> Ask<'a> {
    Ask {
        stdin: Some(stdin),
        ..world.ask("s1")
    }
}

fn garbage(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let garbage: [&[u8]; 10] = [
        b"",
        b" ",
        b"\n",
        b"secret words",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe\x00\x80",
        b"\"text\"",
        b"{}",
    ];
    for stdin in garbage {
        world.silent(&handed(world, stdin.to_vec()), "that is no event")?;
    }
    let deep = "[".repeat(100_000);
    world.silent(&handed(world, deep.into_bytes()), "that is no event")?;
    let log = fs::read_to_string(world.home.join("hook.log")).unwrap_or_default();
    if log.contains("secret words") {
        return Err(Stop::fault("no word of an event in hook.log", log));
    }
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn wrong_types(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let (event, _) = world.subject.event(Moment::Prompt, "s1", &world.project);
    let (session, _, _) = world.subject.places();
    let Some(session) = session else {
        return Ok(());
    };
    for wrong in [
        json!(1),
        json!([]),
        json!({}),
        Value::Null,
        json!(true),
        json!(""),
    ] {
        let mut event = event.clone();
        put(&mut event, session, wrong.clone());
        world.silent(
            &handed(world, event.to_string().into()),
            "the session has no name",
        )?;
    }
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn huge(world: &mut World<'_>) -> Checked {
    const MIB: usize = 1024 * 1024;
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let (event, _) = world.subject.event(Moment::Prompt, "s1", &world.project);
    let with_prompt = |bytes| {
        let mut event = event.clone();
        put(&mut event, "prompt", "x".repeat(bytes).into());
        event.to_string().into_bytes()
    };
    world.silent(
        &handed(world, with_prompt(33 * MIB)),
        "the event is too long",
    )?;
    world
        .told_when(&handed(world, with_prompt(MIB)), &[Told::of(&room, [n])])
        .map(drop)
}

fn unknown_event(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    room.say(BOB, "@alice hello")?;
    let (_, _, name) = world.subject.places();
    let Some(name) = name else {
        return Err(Stop::Skip("the command line names its events".into()));
    };
    let (event, _) = world.subject.event(Moment::Prompt, "s1", &world.project);
    for other in [
        "SomethingElse",
        "Prompt",
        " prompt",
        "prompt\n",
        "__proto__",
    ] {
        let mut event = event.clone();
        put(&mut event, name, other.into());
        world.silent(
            &handed(world, event.to_string().into()),
            "nobody knows that event",
        )?;
    }
    Ok(())
}

fn more_fields(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let (mut event, _) = world.subject.event(Moment::Prompt, "s1", &world.project);
    put(&mut event, "prompt", "Redis or \u{1b}[2J Postgres?".into());
    put(&mut event, "of_a_later_version", json!({"a": [1, 2, 3]}));
    world
        .told_when(
            &handed(world, event.to_string().into()),
            &[Told::of(&room, [n])],
        )
        .map(drop)
}

fn odd_sessions(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let long = format!("../../../x\n{}", "y".repeat(10_000));
    let odd = [
        "../../../etc/passwd",
        "a/b",
        "..",
        "S1",
        "a b",
        "--home",
        &long,
        "\u{1b}[2J",
        &"z".repeat(70),
        "\u{e4}",
    ];
    for session in odd {
        world.told(session, &[Told::of(&room, [n])])?;
        world.stands_after(&room, session, n)?;
        world.silent(&world.ask(session), "all was told before")?;
    }
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(room.cursors())? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    let is_cursor = |name: &&String| name.rsplit_once('.').is_some_and(|(_, end)| end == "json");
    let cursors = names.iter().filter(is_cursor).count();
    if cursors == odd.len() && !world.root().join("etc").exists() {
        return Ok(());
    }
    Err(Stop::fault(
        format!("{} cursors, all in their folder", odd.len()),
        format!("{names:?}"),
    ))
}

fn odd_directories(world: &mut World<'_>) -> Checked {
    let (mut room, bound) = (world.room(1, "everywhere")?, world.room(2, "bound")?);
    world.bind(&[(&room, None), (&bound, Some(&world.project))])?;
    let n = room.say(BOB, "hello")?;
    let (_, directory, _) = world.subject.places();
    let Some(directory) = directory else {
        return Err(Stop::Skip("its events do not say the directory".into()));
    };
    let odd = [
        "/nowhere/at/all",
        "/dev/null",
        "/\u{0}",
        &format!("/{}", "x/".repeat(40_000)),
    ];
    for (at, odd) in odd.into_iter().enumerate() {
        let session = format!("s{at}");
        let (mut event, _) = world
            .subject
            .event(Moment::Prompt, &session, &world.project);
        put(&mut event, directory, odd.into());
        let ask = handed(world, event.to_string().into());
        world.told_when(&ask, &[Told::of(&room, [n])])?;
    }
    Ok(())
}

fn after_tool<'a>(world: &'a World<'_>) -> Checked<Ask<'a>> {
    if world.subject.has(Moment::Tool) {
        return Ok(Ask {
            moment: Moment::Tool,
            ..world.ask("s1")
        });
    }
    Err(Stop::Skip("it is not asked after tool calls".into()))
}

fn tool_addressed(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let ask = after_tool(world)?;
    let lines = [
        room.say(CAROL, "so")?,
        room.say(BOB, "@alice look")?,
        room.say(CAROL, "yes")?,
    ];
    world.told_when(&ask, &[Told::of(&room, lines)])?;
    world.stands_after(&room, "s1", lines[2])?;
    world.silent(&world.ask("s1"), "it was told after the tool call")
}

fn tool_not_addressed(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let ask = after_tool(world)?;
    let n = room.say(CAROL, "so")?;
    world.silent(&ask, "nothing names the owner")?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn start(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    if !world.subject.has(Moment::Start) {
        return Err(Stop::Skip("it is not asked at a start".into()));
    }
    let n = room.say(CAROL, "something unread")?;
    let ask = Ask {
        moment: Moment::Start,
        ..world.ask("s1")
    };
    let answer = world.patiently(&ask)?;
    if let Some(text) = answer.text
        && (text.contains("something unread") || text.len() > 4096)
    {
        return Err(Stop::fault("an orientation without messages", text));
    }
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn session_noted(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    room.say(BOB, "hello")?;
    world.patiently(&world.ask("s1"))?;
    let name = world.subject.reader_file("s1");
    let path = world.home.join("sessions").join(format!("{name}.json"));
    let bytes = fs::read(&path)
        .map_err(|error| Stop::fault(format!("sessions/{name}.json"), error.to_string()))?;
    let record: Value = serde_json::from_slice(&bytes)?;
    let directory = Value::from(world.project.to_string_lossy());
    let wrong = record["v"] != 1
        || record["agent"] != world.subject.agent()
        || record["session"] != "s1"
        || record["directory"] != directory
        || record["started"]
            .as_u64()
            .unwrap_or_default()
            .abs_diff(now().0)
            > 60_000;
    if wrong {
        return Err(Stop::fault(
            "agent, session, directory and start of the session",
            record.to_string(),
        ));
    }
    Ok(())
}

fn audit_line(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let lines = [room.say(BOB, "hello")?, room.say(CAROL, "well")?];
    world.told("s1", &[Told::of(&room, lines)])?;
    let path = room.dir.join("audit.jsonl");
    let text = fs::read_to_string(path)
        .map_err(|error| Stop::fault("a line in audit.jsonl", error.to_string()))?;
    let mut line: Value = serde_json::from_str(text.trim_end())
        .map_err(|_| Stop::fault("one line in audit.jsonl", text.clone()))?;
    line["at"] = 0.into();
    let wanted = json!({
        "v": 1, "at": 0, "agent": world.subject.agent(), "session": "s1", "event": "prompt",
        "from": 0, "through": lines[1], "shown": lines, "counted": 0,
    });
    if line == wanted {
        return Ok(());
    }
    Err(Stop::fault(wanted.to_string(), line.to_string()))
}

fn pause(world: &World<'_>, file: &str) -> Checked {
    Ok(fs::write(world.home.join("pause.json"), file)?)
}

fn paused(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "@alice hello")?;
    let later = now().0 + 3_600_000;
    for file in [
        json!({"v": 1, "all": {"until": null}}),
        json!({"v": 1, "all": {"until": later}, "rooms": {}}),
    ] {
        pause(world, &file.to_string())?;
        world.silent(&world.ask("s1"), "everything is paused")?;
    }
    fs::remove_file(world.home.join("pause.json"))?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn paused_room(world: &mut World<'_>) -> Checked {
    let (mut held, mut other) = (world.room(1, "held")?, world.room(2, "other")?);
    let project = world.project.clone();
    world.bind(&[(&held, Some(&project)), (&other, Some(&project))])?;
    let (a, b) = (held.say(BOB, "held")?, other.say(BOB, "other")?);
    let rooms = json!({held.id.to_hex(): {"until": null}});
    pause(world, &json!({"v": 1, "rooms": rooms}).to_string())?;
    world.told("s1", &[Told::of(&other, [b])])?;
    pause(world, r#"{"v":1}"#)?;
    world.told("s1", &[Told::of(&held, [a])]).map(drop)
}

fn pause_is_over(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let rooms = json!({room.id.to_hex(): {"until": 2}});
    pause(
        world,
        &json!({"v": 1, "all": {"until": now().0 - 1000}, "rooms": rooms}).to_string(),
    )?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn damaged_pause(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    for garbage in [
        "",
        "{",
        "[]",
        r#"{"v":2}"#,
        r#"{"v":1,"rooms":{"x":{"until":null}}}"#,
    ] {
        pause(world, garbage)?;
        world.silent(&world.ask("s1"), "pause.json is not understood")?;
    }
    fs::remove_file(world.home.join("pause.json"))?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}
