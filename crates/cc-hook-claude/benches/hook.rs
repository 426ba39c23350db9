//! What the hook costs, as ratios taken in one run; exits with 1 where a bound does not hold.
//!
//! ```text
//! cargo bench -p cc-hook-claude --bench hook
//! HOOK_BENCH_MESSAGES=100000 HOOK_BENCH_RUNS=200 cargo bench -p cc-hook-claude --bench hook
//! ```
//!
//! Every round runs each case once, so that what else the machine does falls on all alike; the
//! median of the rounds counts. A run is measured from the start of the process to its end, its event
//! on stdin and its answer read. The long log takes about 0.7 GB below `target` while this runs.

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use support::{Machine, TestRoom, chat, event, now};

/// Messages in the short log.
const SHORT: u64 = 100;
/// Unread ones where some are.
const SOME: u64 = 10;
/// Messages to one commit while the logs are made.
const BATCH: u64 = 2000;

/// A case: a program and what it is given.
struct Case {
    name: String,
    command: Box<dyn Fn() -> Command>,
    event: String,
    /// Done before each run, outside the clock.
    prepare: Box<dyn Fn()>,
    /// What a run has to have printed: nothing, or something with this in it.
    expected: Option<&'static str>,
    times: Vec<Duration>,
}

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("skipped: this measures release builds; run it with `cargo bench`");
        return ExitCode::SUCCESS;
    }
    let long = number("HOOK_BENCH_MESSAGES", 1_000_000);
    let runs = number("HOOK_BENCH_RUNS", 1000);
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch folder");
    let empty = empty_program(scratch.path());
    let homes = [SHORT, long].map(|messages| home(scratch.path(), messages));

    let mut cases = vec![Case {
        name: "an empty Rust program".into(),
        command: Box::new(move || Command::new(&empty)),
        event: event("s", Path::new("/")),
        prepare: Box::new(|| {}),
        expected: None,
        times: Vec::new(),
    }];
    for (machine, room, messages) in &homes {
        cases.push(case(
            machine,
            room,
            &format!("{messages} messages, none unread"),
            *messages,
        ));
        cases.push(case(
            machine,
            room,
            &format!("{messages} messages, {SOME} unread"),
            messages - SOME,
        ));
        cases.push(case(
            machine,
            room,
            &format!("{messages} messages, all unread"),
            0,
        ));
    }
    for round in 0..runs + 20 {
        for case in &mut cases {
            let time = run(case);
            // The first rounds warm the caches.
            if round >= 20 {
                case.times.push(time);
            }
        }
    }
    report(&mut cases)
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .map_or(otherwise, |value| value.parse().expect("a number"))
}

/// Compiles the program that does nothing, as releases are compiled.
fn empty_program(folder: &Path) -> PathBuf {
    let (source, program) = (folder.join("empty.rs"), folder.join("empty"));
    fs::write(&source, "fn main() {}\n").expect("the source");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let options = ["--edition=2024", "-Copt-level=3", "-Cstrip=symbols", "-o"];
    let status = Command::new(rustc)
        .args(options)
        .args([&program, &source])
        .status();
    assert!(status.expect("rustc").success());
    program
}

/// A home whose one room holds so many signed messages.
fn home(scratch: &Path, messages: u64) -> (Machine, TestRoom, u64) {
    let start = Instant::now();
    let mut machine = Machine::new_in(scratch);
    let mut room = machine.room(0x1a);
    machine.bind(&[(&room, Some(&machine.project))]);
    for n in 1..=messages {
        let author = if n % 3 == 0 {
            &mut machine.carol
        } else {
            &mut machine.bob
        };
        let text = if n % 500 == 0 {
            "@alice, and you?"
        } else {
            "postgres, we have it, and it does what we need"
        };
        room.add(author, now(), "", chat(text));
        if n % BATCH == 0 {
            room.commit();
        }
    }
    room.commit();
    println!(
        "{messages} messages written in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    (machine, room, messages)
}

/// A session whose cursor stands at `read` before each run.
fn case(machine: &Machine, room: &TestRoom, name: &str, read: u64) -> Case {
    let session = format!("s{read}");
    let (path, bytes) = (room.cursor(&session), cursor_at(room, read));
    let unread = room.writer.len().0 - read;
    let home = machine.home.clone();
    Case {
        name: name.into(),
        command: Box::new(move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_cc-hook-claude"));
            command.env("CC_CONNECT_HOME", &home);
            command
        }),
        event: event(&session, &machine.project),
        prepare: Box::new(move || match &bytes {
            Some(bytes) => fs::write(&path, bytes).expect("the cursor"),
            None => drop(fs::remove_file(&path)),
        }),
        expected: (unread > 0).then_some("[chatroom @bob "),
        times: Vec::new(),
    }
}

/// The cursor file of a session that was shown all through line `n`; `None` for a new session.
fn cursor_at(room: &TestRoom, n: u64) -> Option<Vec<u8>> {
    let n = cc_proto::id::ArrivalNo(n);
    let log = cc_log::LogReader::open(&room.dir).expect("the log");
    let mut cursor = cc_log::CursorStore::new(&room.dir)
        .lock("bench", Instant::now())
        .expect("a cursor");
    if n.0 == 0 {
        return None;
    }
    cursor
        .advance(log.position_after(n).expect("a position"), now())
        .expect("a cursor");
    let path = room.dir.join("cursors/bench.json");
    let bytes = fs::read(&path).expect("the cursor");
    fs::remove_file(path).expect("the cursor");
    Some(bytes)
}

fn run(case: &Case) -> Duration {
    use std::io::{Read as _, Write as _};
    (case.prepare)();
    let mut command = (case.command)();
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().expect("the program");
    let mut stdin = child.stdin.take().expect("its stdin");
    // The empty program may be over before it is written to.
    let _ = stdin.write_all(case.event.as_bytes());
    drop(stdin);
    let mut printed = String::new();
    child
        .stdout
        .take()
        .expect("its stdout")
        .read_to_string(&mut printed)
        .expect("its answer");
    assert!(child.wait().expect("its end").success());
    let time = start.elapsed();
    match case.expected {
        None => assert!(printed.is_empty(), "{}: {printed}", case.name),
        Some(part) => assert!(printed.contains(part), "{}: {printed:?}", case.name),
    }
    time
}

fn report(cases: &mut [Case]) -> ExitCode {
    let medians: Vec<f64> = cases
        .iter_mut()
        .map(|case| {
            case.times.sort_unstable();
            case.times[case.times.len() / 2].as_secs_f64() * 1000.0
        })
        .collect();
    for (case, median) in cases.iter().zip(&medians) {
        println!("{median:>9.3} ms  {}", case.name);
    }
    let [
        empty,
        short_none,
        short_some,
        _,
        long_none,
        long_some,
        long_all,
    ] = medians[..]
    else {
        unreachable!("the cases of main");
    };
    let bounds = [
        (
            "none unread, long log / short log",
            long_none / short_none,
            1.2,
        ),
        (
            "some unread, long log / short log",
            long_some / short_some,
            1.2,
        ),
        (
            "none unread / empty program",
            long_none.max(short_none) / empty,
            2.0,
        ),
        (
            "first prompt, all unread / empty program",
            long_all / empty,
            3.0,
        ),
    ];
    let mut exit = ExitCode::SUCCESS;
    for (name, ratio, bound) in bounds {
        let verdict = if ratio <= bound {
            "holds"
        } else {
            "DOES NOT HOLD"
        };
        println!("{ratio:>9.2}     {name}: at most {bound} {verdict}");
        if ratio > bound {
            exit = ExitCode::FAILURE;
        }
    }
    exit
}
