//! The real hook program over real homes: what reaches a prompt, once, and what never does.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Stdio;
use std::thread;

use cc_proto::id::Timestamp;
use support::{Machine, chat, context, event, now, profile, run, texts};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[test]
fn a_message_reaches_each_session_once_and_no_other_directory() {
    let (mut machine, mut room) = Machine::with_room();
    let at = now();
    room.say_at(&mut machine.bob, at, "postgres, we have it");

    let told = machine.prompt("s1");
    let minutes = at.0 / 60_000 % (24 * 60);
    let header = format!(
        "[chatroom @bob {:02}:{:02}Z] postgres, we have it",
        minutes / 60,
        minutes % 60
    );
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 5, "{told}");
    assert_eq!(lines[1], lines[4]);
    assert!(lines[1].starts_with("----- ") && lines[1].len() == "----- ".len() * 2 + 16);
    assert_eq!(lines[2], "room \"room 26\" 1a1a1a1a1a");
    assert_eq!(lines[3], header);

    assert_eq!(machine.prompt("s1"), "");
    assert_eq!(machine.prompt_in("s3", &machine.elsewhere), "");
    let again = machine.prompt("s2");
    assert_eq!(texts(&again), ["postgres, we have it"]);
    assert_ne!(
        again.lines().nth(1),
        Some(lines[1]),
        "each injection has its own fence"
    );
    assert_eq!(machine.hook_log(), "");
}

#[test]
fn directories_beneath_a_bound_one_are_bound_and_the_nearest_counts() {
    let mut machine = Machine::new();
    let (mut outer, mut inner, mut everywhere) =
        (machine.room(1), machine.room(2), machine.room(3));
    let deep = machine.project.join("a/b");
    fs::create_dir_all(&deep).unwrap();
    let project = machine.project.clone();
    machine.bind(&[
        (&outer, Some(&project)),
        (&inner, Some(&project.join("a"))),
        (&everywhere, None),
    ]);
    outer.say(&mut machine.bob, "outer");
    inner.say(&mut machine.carol, "inner");
    everywhere.say(&mut machine.alice, "everywhere");

    assert_eq!(
        texts(&machine.prompt_in("s1", &deep)),
        ["inner", "everywhere"]
    );
    assert_eq!(
        texts(&machine.prompt_in("s2", &project)),
        ["outer", "everywhere"]
    );
    assert_eq!(
        texts(&machine.prompt_in("s3", &machine.elsewhere)),
        ["everywhere"]
    );
    assert_eq!(
        texts(&machine.prompt_in("s4", &machine.root.path().join("gone"))),
        ["everywhere"]
    );
    let linked = machine.elsewhere.join("link");
    std::os::unix::fs::symlink(&deep, &linked).unwrap();
    assert_eq!(
        texts(&machine.prompt_in("s5", &linked)),
        ["inner", "everywhere"]
    );
}

#[test]
fn another_directory_in_the_place_of_a_bound_one_gets_nothing() {
    let (mut machine, mut room) = Machine::with_room();
    room.say(&mut machine.bob, "private");
    let project = machine.project.clone();
    // Kept, so that its inode is not given out again.
    fs::rename(&project, machine.root.path().join("moved")).unwrap();
    fs::create_dir(&project).unwrap();
    assert_eq!(machine.prompt("s1"), "");
    assert_eq!(
        machine.prompt_in("s1", &machine.root.path().join("moved")),
        ""
    );
}

#[test]
fn another_device_number_alone_unbinds_nothing() {
    let (mut machine, mut room) = Machine::with_room();
    room.say(&mut machine.bob, "after a restart");
    let bindings = fs::read_to_string(machine.home.join("bindings.json")).unwrap();
    let dev = fs::metadata(&machine.project).unwrap().dev();
    let other = bindings.replace(&format!("\"dev\":{dev}"), &format!("\"dev\":{}", dev + 1));
    assert_ne!(other, bindings);
    fs::write(machine.home.join("bindings.json"), other).unwrap();
    assert_eq!(texts(&machine.prompt("s1")), ["after a restart"]);
}

#[test]
fn the_environment_names_one_room_or_none() {
    let (mut machine, mut bound) = Machine::with_room();
    let mut named = machine.room(7);
    bound.say(&mut machine.bob, "bound");
    named.say(&mut machine.carol, "named");
    let with = |value: &str, session: &str| {
        let mut command = machine.command();
        command.env("CC_CONNECT_ROOM", value);
        context(&run(command, event(session, &machine.project).as_bytes()))
    };
    assert_eq!(texts(&with(&named.id.to_hex(), "s1")), ["named"]);
    assert_eq!(machine.hook_log(), "");
    for wrong in ["", "named", "../..", &"f".repeat(64), &bound.id.short()] {
        assert_eq!(with(wrong, "s2"), "", "{wrong}");
    }
    assert_eq!(machine.hook_log().lines().count(), 5);
    assert_eq!(
        fs::read_dir(machine.home.join("rooms")).unwrap().count(),
        2,
        "no room was made"
    );
}

#[test]
fn late_and_skewed_messages_are_told_like_any_other() {
    let (mut machine, mut room) = Machine::with_room();
    room.say(&mut machine.bob, "first");
    assert_eq!(texts(&machine.prompt("s1")), ["first"]);
    room.say_at(
        &mut machine.carol,
        Timestamp(now().0 + DAY_MS),
        "a day ahead",
    );
    let ahead = machine.prompt("s1");
    assert!(
        ahead.contains("(sender's clock is ahead)] a day ahead"),
        "{ahead}"
    );
    room.say_at(
        &mut machine.bob,
        Timestamp(now().0 - DAY_MS),
        "a day behind",
    );
    assert_eq!(texts(&machine.prompt("s1")), ["a day behind"]);
    room.say(&mut machine.bob, "on time");
    assert_eq!(texts(&machine.prompt("s1")), ["on time"]);
}

#[test]
fn ones_own_agent_is_not_told_what_it_said() {
    let (mut machine, mut room) = Machine::with_room();
    room.add(
        &mut machine.alice,
        now(),
        "claude-code",
        chat("by my agent"),
    );
    room.add(&mut machine.alice, now(), "", chat("by me"));
    room.add(
        &mut machine.bob,
        now(),
        "codex",
        chat("@Alice by his agent"),
    );
    room.commit();
    let told = machine.prompt("s1");
    assert_eq!(texts(&told), ["by me", "@Alice by his agent"]);
    assert!(told.contains("Z (from your user)] by me"), "{told}");
    assert!(
        told.contains("Z (via codex) (for you)] @Alice by his agent"),
        "{told}"
    );
    assert_eq!(machine.prompt("s1"), "");
}

#[test]
fn a_long_backlog_is_the_newest_and_a_count_and_then_over() {
    let (mut machine, mut room) = Machine::with_room();
    room.add(
        &mut machine.carol,
        now(),
        "",
        chat("@alice the door code is on the fridge"),
    );
    for n in 1..=1500 {
        room.add(&mut machine.bob, now(), "", chat(&format!("message {n}")));
    }
    room.commit();
    let told = machine.prompt("s1");
    let shown = texts(&told);
    assert_eq!(
        shown.first().map(String::as_str),
        Some("@alice the door code is on the fridge")
    );
    assert_eq!(shown.last().map(String::as_str), Some("message 1500"));
    let counted = 1501 - shown.len();
    let line = format!("{counted} earlier messages not shown: cc-connect log --room 1a1a1a1a1a");
    assert!(told.lines().any(|told| told == line), "{told}");
    assert!(told.len() <= 8192);
    assert_eq!(machine.prompt("s1"), "");
}

#[test]
fn nothing_is_told_before_the_roster_that_judges_it() {
    let (mut machine, mut room) = Machine::with_room();
    room.say(&mut machine.bob, "before");
    let n = room.add(&mut machine.bob, now(), "", profile("robert"));
    room.add(&mut machine.bob, now(), "", chat("after"));
    room.commit();
    assert_eq!(texts(&machine.prompt("s1")), ["before"]);
    assert_eq!(machine.prompt("s1"), "");
    room.view.through = n;
    room.view.members[1].nick = "robert".into();
    room.save_view();
    assert!(machine.prompt("s1").contains("[chatroom @robert "));
    assert_eq!(machine.hook_log(), "");
}

#[test]
fn several_rooms_share_one_injection_and_none_waits_for_ever() {
    let machine = Machine::new();
    let mut rooms: Vec<_> = (1..=10).map(|byte| machine.room(byte)).collect();
    // Each room has its own chain of bob's.
    let mut bobs: Vec<_> = (1..=10).map(|_| support::Author::new(2, "bob")).collect();
    let project = machine.project.clone();
    let bound: Vec<_> = rooms
        .iter()
        .map(|room| (room, Some(project.as_path())))
        .collect();
    machine.bind(&bound);
    for (n, (room, bob)) in rooms.iter_mut().zip(&mut bobs).enumerate() {
        room.say(bob, &format!("room {n}"));
    }
    let first = texts(&machine.prompt("s1"));
    assert_eq!(first.len(), 8);
    // The eight that were told of go on talking; the two others still come next.
    for (room, bob) in rooms.iter_mut().zip(&mut bobs).take(8) {
        room.say(bob, "more");
    }
    let second = texts(&machine.prompt("s1"));
    assert_eq!(second.len(), 8);
    assert!(
        second.contains(&"room 8".to_owned()) && second.contains(&"room 9".to_owned()),
        "{second:?}"
    );
    assert_eq!(texts(&machine.prompt("s1")), ["more", "more"]);
    assert_eq!(machine.prompt("s1"), "");
}

#[test]
fn fifty_hooks_of_one_session_tell_each_message_once() {
    let (mut machine, mut room) = Machine::with_room();
    let mut told: Vec<String> = Vec::new();
    for round in 0..3 {
        for n in 0..5 {
            room.say(&mut machine.bob, &format!("round {round} message {n}"));
        }
        let machine = &machine;
        let contexts: Vec<String> = thread::scope(|scope| {
            let hooks: Vec<_> = (0..50)
                .map(|_| scope.spawn(|| machine.prompt("s1")))
                .collect();
            hooks.into_iter().map(|hook| hook.join().unwrap()).collect()
        });
        told.extend(contexts.iter().flat_map(|context| texts(context)));
    }
    // Under such a load all fifty may give up in time; what they left is told at the next prompt.
    told.extend(texts(&machine.prompt("s1")));
    let expected: Vec<String> = (0..3)
        .flat_map(|round| (0..5).map(move |n| format!("round {round} message {n}")))
        .collect();
    told.sort();
    assert_eq!(told, expected);
}

#[test]
fn what_could_not_be_printed_is_told_again() {
    let (mut machine, mut room) = Machine::with_room();
    room.say(&mut machine.bob, "important");
    let mut command = machine.command();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    command.stdout(Stdio::from(full));
    run(command, event("s1", &machine.project).as_bytes());
    assert!(
        machine.hook_log().contains("cannot write to stdout"),
        "{}",
        machine.hook_log()
    );
    assert_eq!(texts(&machine.prompt("s1")), ["important"]);
    assert_eq!(machine.prompt("s1"), "");
}

#[test]
fn a_hook_killed_before_its_cursor_moved_repeats_and_loses_nothing() {
    let (mut machine, mut room) = Machine::with_room();
    room.say(&mut machine.bob, "one");
    machine.prompt("s1");
    let before = fs::read(room.cursor("s1")).unwrap();
    room.say(&mut machine.bob, "two");
    assert_eq!(texts(&machine.prompt("s1")), ["two"]);
    // A kill after the print and before the rename leaves exactly this behind.
    fs::write(room.cursor("s1"), before).unwrap();
    assert_eq!(texts(&machine.prompt("s1")), ["two"]);
    assert_eq!(machine.prompt("s1"), "");
}

#[test]
fn files_of_the_hook_are_private() {
    let (mut machine, mut room) = Machine::with_room();
    room.say(&mut machine.bob, "x");
    machine.prompt("s1");
    run(machine.command(), b"garbage");
    for path in [room.cursor("s1"), machine.home.join("hook.log")] {
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o077,
            0,
            "{}",
            path.display()
        );
    }
}
