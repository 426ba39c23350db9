//! Whatever state a home is in, the hook exits 0, keeps stdout empty and says why in `hook.log`.
//!
//! `support::run` asserts the exit code and an empty stderr for every run.

mod support;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use cc_log::CursorStore;
use rustix::fs::{FileType, Mode, OFlags};
use support::{Machine, TestRoom, event, run, texts};

/// Every file below a folder, and what is in it.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found
}

/// A room with something unread for `s1`, which was told of something before.
fn with_unread() -> (Machine, TestRoom) {
    let (mut machine, mut room) = Machine::with_room();
    for text in ["old", "older"] {
        room.say(&mut machine.bob, text);
    }
    assert_eq!(texts(&machine.prompt("s1")).len(), 2);
    for n in 0..20 {
        room.say(&mut machine.bob, &format!("unread {n}"));
    }
    (machine, room)
}

fn assert_silent(machine: &Machine, session: &str, what: &str) {
    let _ = fs::remove_file(machine.home.join("hook.log"));
    assert_eq!(machine.prompt(session), "", "{what}");
    assert!(
        !machine.hook_log().is_empty(),
        "{what} left no line in hook.log"
    );
}

#[test]
fn a_missing_home_is_made_to_say_so() {
    let machine = Machine::new();
    fs::remove_dir(&machine.home).unwrap();
    assert_silent(&machine, "s1", "no home");
    assert_eq!(
        fs::metadata(&machine.home).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert!(
        machine
            .hook_log()
            .contains(" claude-code s1 there is no home at "),
        "{}",
        machine.hook_log()
    );
}

#[test]
fn a_home_without_rooms_is_no_fault() {
    let machine = Machine::new();
    assert_eq!(machine.prompt("s1"), "");
    assert_eq!(machine.hook_log(), "");
}

#[test]
fn a_home_that_is_a_file_changes_nothing() {
    let machine = Machine::new();
    fs::remove_dir(&machine.home).unwrap();
    fs::write(&machine.home, "not a folder").unwrap();
    assert_eq!(machine.prompt("s1"), "");
    assert_eq!(fs::read(&machine.home).unwrap(), b"not a folder");
}

#[test]
fn missing_parts_are_named() {
    for part in ["", "log.jsonl", "view.json"] {
        let (machine, room) = with_unread();
        let path = room.dir.join(part);
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        assert_silent(&machine, "s1", &format!("{part} missing"));
        assert_silent(&machine, "s2", &format!("{part} missing"));
    }
}

#[test]
fn truncated_files_are_named() {
    for part in ["bindings.json", "log.jsonl", "view.json"] {
        for keep in [0, 1, 2] {
            let (machine, room) = with_unread();
            let path = if part == "bindings.json" {
                machine.home.join(part)
            } else {
                room.dir.join(part)
            };
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() * keep / 3]).unwrap();
            assert_silent(&machine, "s1", &format!("{part} cut to {keep} thirds"));
            assert_silent(&machine, "s2", &format!("{part} cut to {keep} thirds"));
            fs::write(&path, bytes).unwrap();
            assert_eq!(
                texts(&machine.prompt("s1")).len(),
                20,
                "the cursor of {part} stayed"
            );
        }
    }
}

#[test]
fn a_home_of_garbage_is_named() {
    let (machine, _room) = with_unread();
    for (path, bytes) in files(&machine.home) {
        fs::write(path, vec![b'\xa5'; bytes.len()]).unwrap();
    }
    assert_silent(&machine, "s1", "garbage");
}

#[test]
fn a_garbage_log_is_named_and_the_cursor_stays() {
    let (machine, room) = with_unread();
    let path = room.dir.join("log.jsonl");
    let bytes = fs::read(&path).unwrap();
    let garbage: Vec<u8> = bytes
        .iter()
        .map(|byte| if *byte == b'\n' { b'\n' } else { b'x' })
        .collect();
    fs::write(&path, garbage).unwrap();
    assert_silent(&machine, "s1", "garbage lines");
    fs::write(&path, bytes).unwrap();
    assert_eq!(texts(&machine.prompt("s1")).len(), 20);
}

#[test]
fn one_damaged_line_is_counted_and_the_others_are_told() {
    let (machine, room) = with_unread();
    let path = room.dir.join("log.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    lines[10] = lines[10].replace("\"raw\":\"", "\"raw\":\"!");
    lines[10].remove(1);
    fs::write(&path, lines.concat()).unwrap();
    let told = machine.prompt("s1");
    assert_eq!(texts(&told).len(), 19);
    assert!(told.contains("\n1 earlier message not shown"), "{told}");
    assert!(machine.hook_log().contains("damaged"));
}

#[test]
fn a_lost_index_costs_time_and_no_message() {
    let (machine, room) = with_unread();
    fs::remove_dir_all(room.dir.join("index")).unwrap();
    assert_eq!(texts(&machine.prompt("s1")).len(), 20);
    assert_eq!(machine.prompt("s1"), "");
}

#[test]
fn a_garbage_cursor_tells_again_rather_than_nothing() {
    let (machine, room) = with_unread();
    fs::write(room.cursor("s1"), "garbage").unwrap();
    assert_eq!(texts(&machine.prompt("s1")).len(), 22);
}

#[test]
fn a_room_in_trouble_does_not_silence_another() {
    let (mut machine, broken) = with_unread();
    let mut sound = machine.room(9);
    let project = machine.project.clone();
    machine.bind(&[(&broken, Some(&project)), (&sound, Some(&project))]);
    sound.say(&mut machine.carol, "still here");
    fs::write(broken.dir.join("view.json"), "{").unwrap();
    assert_eq!(texts(&machine.prompt("s1")), ["still here"]);
    assert!(machine.hook_log().contains("room 1a1a1a1a1a: view.json"));
}

#[test]
fn a_locked_cursor_is_left_alone_in_time() {
    let (machine, room) = with_unread();
    let store = CursorStore::new(&room.dir);
    let held = store.lock("claude-code-s1", Instant::now()).unwrap();
    let start = Instant::now();
    assert_silent(&machine, "s1", "locked");
    // The hook's own deadline, and a machine that runs other tests beside it.
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(
        texts(&machine.prompt("s2")).len(),
        22,
        "another session is not held up"
    );
    drop(held);
    assert_eq!(texts(&machine.prompt("s1")).len(), 20);
}

#[test]
fn an_agent_that_never_ends_its_event_is_not_waited_for() {
    let (machine, _room) = with_unread();
    let started = Instant::now();
    // It does not wait long for its own line in the log: a busy machine may be too slow for that.
    while !machine
        .hook_log()
        .contains("gave up after 200 ms, while reading the event")
    {
        assert!(
            started.elapsed() < Duration::from_mins(1),
            "{}",
            machine.hook_log()
        );
        let mut child = machine.command().spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin
            .write_all(&event("s1", &machine.project).as_bytes()[..20])
            .unwrap();
        // Open all the while: only the watchdog can end this.
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[test]
fn what_is_no_event_is_named_and_not_quoted() {
    let (machine, _room) = with_unread();
    let garbage: [&[u8]; 5] = [
        b"",
        b"secret words",
        b"[]",
        b"\xff\xfe\x00",
        br#"{"hook_event_name":"UserPromptSubmit"}"#,
    ];
    for (stdin, lines) in garbage.into_iter().zip(1..) {
        assert!(run(machine.command(), stdin).stdout.is_empty());
        assert_eq!(machine.hook_log().lines().count(), lines);
    }
    assert!(!machine.hook_log().contains("secret"));
    let other = event("s1", &machine.project).replace("UserPromptSubmit", "PreCompact");
    assert!(run(machine.command(), other.as_bytes()).stdout.is_empty());
    assert_eq!(machine.hook_log().lines().count(), garbage.len());
}

#[test]
fn a_hostile_session_id_stays_a_name() {
    let (machine, room) = with_unread();
    let id = format!("../../../x\n{}\u{1b}[2J", "y".repeat(10_000));
    assert_eq!(texts(&machine.prompt(&id)).len(), 22);
    assert_eq!(machine.prompt(&id), "");
    assert_eq!(fs::read_dir(room.dir.join("cursors")).unwrap().count(), 4);
    fs::write(room.dir.join("view.json"), "{").unwrap();
    let mut room = room;
    let mut machine = machine;
    room.say(&mut machine.bob, "x");
    machine.prompt(&id);
    let log = machine.hook_log();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.len() < 300 && !log.contains('\u{1b}'), "{log}");
}

#[test]
fn hook_log_does_not_grow_for_ever() {
    let machine = Machine::new();
    let path = machine.home.join("hook.log");
    fs::write(&path, vec![b'x'; 256 * 1024]).unwrap();
    run(machine.command(), b"garbage");
    assert_eq!(machine.hook_log().lines().count(), 1);
    assert_eq!(
        fs::metadata(machine.home.join("hook.log.old"))
            .unwrap()
            .len(),
        256 * 1024
    );
}

#[test]
fn without_a_home_of_any_kind_nothing_happens() {
    let machine = Machine::new();
    let mut command = machine.command();
    command.env_remove("CC_CONNECT_HOME").stdin(Stdio::piped());
    let output = run(command, event("s1", &machine.project).as_bytes());
    assert!(output.stdout.is_empty());
    let mut command = machine.command();
    command
        .env_remove("CC_CONNECT_HOME")
        .env("HOME", machine.root.path());
    run(command, b"garbage");
    assert!(machine.root.path().join(".cc-connect/hook.log").is_file());
}

#[test]
fn an_audit_that_takes_nothing_holds_up_neither_the_end_nor_the_cursor() {
    let (mut machine, mut room) = Machine::with_room();
    room.say(&mut machine.bob, "hello");
    let path = room.dir.join("audit.jsonl");
    let mode = Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, mode, 0).unwrap();
    // Full, and nobody reads it: who writes to it waits.
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let full = fs::File::from(rustix::fs::open(&path, flags, Mode::empty()).unwrap());
    while (&full).write(&[b'\n'; 4096]).is_ok() {}
    let asked = Instant::now();
    assert_eq!(texts(&machine.prompt("s1")), ["hello"]);
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert_eq!(machine.prompt("s1"), "");
    let log = machine.hook_log();
    assert!(log.contains("while writing the audit"), "{log}");
}
