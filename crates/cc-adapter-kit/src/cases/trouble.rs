//! What holds an adapter up: it ends in time all the same, and loses nothing.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cc_hook_generic::DEADLINE;
use cc_log::CursorStore;
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};

use super::{Case, case};
use crate::expect::Told;
use crate::report::{Checked, Stop};
use crate::room::{BOB, Room};
use crate::world::{Ask, World};

const SECTION: &str = "hook.md";
/// What starting a program may take besides, on a machine that does other things.
const START: Duration = Duration::from_millis(400);
/// Of so many runs the quickest counts: a machine may be busy.
const RUNS: u32 = 10;

pub(super) const CASES: &[Case] = &[
    case(
        "in-time",
        SECTION,
        "an answer is there within 200 ms",
        in_time,
    ),
    case(
        "slow-log",
        SECTION,
        "a log that does not come gives nothing, in time, and the cursor stays",
        slow_log,
    ),
    case(
        "slow-view",
        SECTION,
        "a view that does not come gives nothing, in time, and the cursor stays",
        slow_view,
    ),
    case(
        "slow-bindings",
        SECTION,
        "bindings that do not come give nothing, in time",
        slow_bindings,
    ),
    case(
        "slow-audit",
        SECTION,
        "an audit that takes nothing holds up neither the end nor the cursor",
        slow_audit,
    ),
    case(
        "endless-event",
        SECTION,
        "an event that does not end is not waited for",
        endless_event,
    ),
    case(
        "locked-cursor",
        "log.md#cursors",
        "a cursor that another holds is left alone, in time",
        locked_cursor,
    ),
    case(
        "locked-in-one-room",
        "hook.md#what-is-offered",
        "a cursor that another holds silences no other room",
        locked_in_one_room,
    ),
    case(
        "cursors-cannot-be-made",
        "hook.md#what-is-offered",
        "without a lock nothing is told",
        cursors_cannot_be_made,
    ),
    case(
        "nobody-listens",
        "hook.md#what-is-offered",
        "the cursor moves after the text was flushed: what nobody took is told again",
        nobody_listens,
    ),
    case(
        "read-only-home",
        "hook.md#what-is-offered",
        "in a home that cannot be written nothing is told",
        read_only_home,
    ),
    case(
        "home-is-a-file",
        SECTION,
        "a home that is a file gives nothing and stays",
        home_is_a_file,
    ),
];

/// Asks again and again; the quickest run must have been in time.
fn quick_enough(mut run: impl FnMut() -> Checked<Duration>) -> Checked {
    let mut quickest = Duration::MAX;
    for _ in 0..RUNS {
        quickest = quickest.min(run()?);
        if quickest <= DEADLINE + START {
            return Ok(());
        }
    }
    Err(Stop::fault(
        format!("an end within {} ms of its start", DEADLINE.as_millis()),
        format!("{} ms at best", quickest.as_millis()),
    ))
}

fn in_time(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let texts: Vec<String> = (0..40)
        .map(|n| format!("{n} {}", "words ".repeat(20)))
        .collect();
    let lines = room.say_all(BOB, &texts)?;
    let mut session = 0;
    let mut silent = 0;
    quick_enough(|| {
        session += 1;
        let name = format!("s{session}");
        let answer = world.once(&world.ask(&name))?;
        if answer.text.is_some() {
            world.is_told(&answer, &[Told::of(&room, lines.clone())])?;
            return Ok(answer.took);
        }
        silent += 1;
        // Who gave up told nothing: that is no answer.
        Ok(Duration::MAX)
    })
    .map_err(|stop| match stop {
        Stop::Fault { expected, .. } if silent == RUNS => {
            Stop::fault(expected, "nothing was printed in time")
        }
        other => other,
    })
}

/// While a pipe that nobody writes to stands in a file's place nothing is told, and then all is.
fn while_it_hangs(world: &World<'_>, room: &Room, lines: &[u64], path: &Path) -> Checked {
    let aside = path.with_extension("aside");
    fs::rename(path, &aside)?;
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
    let quick = quick_enough(|| {
        let answer = world.once(&world.ask("s1"))?;
        match answer.text {
            None => Ok(answer.took),
            Some(text) => Err(Stop::fault(
                "nothing printed: the disk does not answer",
                text,
            )),
        }
    });
    fs::remove_file(path)?;
    fs::rename(&aside, path)?;
    quick?;
    world
        .told("s1", &[Told::of(room, lines.to_vec())])
        .map(drop)
}

fn slow_log(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    while_it_hangs(world, &room, &[n], &room.log_path())
}

fn slow_view(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    while_it_hangs(world, &room, &[n], &room.dir.join("view.json"))
}

fn slow_bindings(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    while_it_hangs(world, &room, &[n], &world.home.join("bindings.json"))
}

fn slow_audit(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let path = room.dir.join("audit.jsonl");
    mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
    // Full, and nobody reads it: who writes to it waits.
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let full = fs::File::from(open(&path, flags, Mode::empty())?);
    while (&full).write(&[b'\n'; 4096]).is_ok() {}
    world.told("s1", &[Told::of(&room, [n])])?;
    world.silent(&world.ask("s1"), "the cursor moved before the audit")
}

fn endless_event(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    quick_enough(|| {
        let ask = Ask {
            stdin: Some(b"{\"v\":1,".to_vec()),
            keep_stdin_open: true,
            ..world.ask("s1")
        };
        let answer = world.once(&ask)?;
        match answer.text {
            None => Ok(answer.took),
            Some(text) => Err(Stop::fault("nothing printed: there is no event yet", text)),
        }
    })?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn locked_cursor(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let store = CursorStore::new(&room.dir);
    // Another hook of the session, by the name that its file has.
    let held = store.lock(&world.subject.reader_file("s1"), Instant::now())?;
    quick_enough(|| {
        let answer = world.once(&world.ask("s1"))?;
        match answer.text {
            None => Ok(answer.took),
            Some(text) => Err(Stop::fault(
                "nothing printed: another holds the cursor",
                text,
            )),
        }
    })?;
    world.told("s2", &[Told::of(&room, [n])])?;
    drop(held);
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn locked_in_one_room(world: &mut World<'_>) -> Checked {
    let (mut held, mut free) = (world.room(1, "held")?, world.room(2, "free")?);
    let project = world.project.clone();
    world.bind(&[(&held, Some(&project)), (&free, Some(&project))])?;
    let (a, b) = (held.say(BOB, "held")?, free.say(BOB, "free")?);
    let store = CursorStore::new(&held.dir);
    let lock = store.lock(&world.subject.reader_file("s1"), Instant::now())?;
    // Slow to say something is no reason to ask again here.
    let mut answer = world.once(&world.ask("s1"))?;
    for _ in 0..RUNS {
        if answer.text.is_some() {
            break;
        }
        answer = world.once(&world.ask("s1"))?;
    }
    world.is_told(&answer, &[Told::of(&free, [b])])?;
    drop(lock);
    world.told("s1", &[Told::of(&held, [a])]).map(drop)
}

fn cursors_cannot_be_made(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    fs::write(room.cursors(), "a file in the folder's place")?;
    world.silent(&world.ask("s1"), "the cursor cannot be locked")?;
    fs::remove_file(room.cursors())?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn nobody_listens(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let ask = Ask {
        deaf: true,
        ..world.ask("s1")
    };
    let ended = world.start(&ask)?.end()?;
    // A signal is how many a program ends that writes where nobody reads; exit code 2 would harm.
    if ended.killed || ended.code.is_some_and(|code| code != 0) {
        return Err(Stop::fault("exit code 0", format!("{:?}", ended.code)));
    }
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn read_only_home(world: &mut World<'_>) -> Checked {
    if rustix::process::geteuid().is_root() {
        return Err(Stop::Skip("for root every home can be written".into()));
    }
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let mode = |mode| -> Checked {
        for folder in [&room.dir, &world.home] {
            fs::set_permissions(folder, fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    };
    mode(0o500)?;
    let silent = world.silent(&world.ask("s1"), "no cursor can be made");
    mode(0o700)?;
    silent?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn home_is_a_file(world: &mut World<'_>) -> Checked {
    fs::remove_dir_all(&world.home)?;
    fs::write(&world.home, "not a folder")?;
    world.silent(&world.ask("s1"), "the home is a file")?;
    if fs::read(&world.home)? == b"not a folder" {
        return Ok(());
    }
    Err(Stop::fault("the file as it was", "it was changed"))
}
