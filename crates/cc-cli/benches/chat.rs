//! How long the chat takes until the last screen of a room is drawn, of a room with a hundred messages and of one with a
//! million, as a ratio in one run; exits with 1 where it is more than twice as long.
//!
//! ```text
//! cargo bench -p cc-cli --bench chat
//! CHAT_BENCH_MESSAGES=100000 CHAT_BENCH_RUNS=10 cargo bench -p cc-cli --bench chat
//! ```
//!
//! What is measured is the whole program in a terminal of its own, from its start until the newest message is written to
//! the terminal, by turns in both rooms; the median counts. The daemons run already. The long log takes about 0.7 GB below
//! `target` while this runs.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cc_log::{FsStorage, LineInfo, LogWriter};
use cc_proto::body::{Body, Chat};
use cc_proto::id::{ChainId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Messages in the short log.
const SHORT: u64 = 100;
/// Messages to one commit while the logs are made.
const BATCH: u64 = 2000;
/// How much longer the long one may take.
const RATIO_MAX: f64 = 2.0;
/// What the newest message says.
const LAST: &str = "the-newest-of-all";
/// How long anything may take.
const DEADLINE: Duration = Duration::from_mins(1);

struct Room {
    messages: u64,
    home: PathBuf,
    times: Vec<Duration>,
}

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("skipped: this measures release builds; run it with `cargo bench`");
        return ExitCode::SUCCESS;
    }
    let long = number("CHAT_BENCH_MESSAGES", 1_000_000);
    let runs = number("CHAT_BENCH_RUNS", 30);
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch folder");
    let mut rooms = [SHORT, long].map(|messages| room(scratch.path(), messages));
    // The first rounds start the daemons and warm the caches.
    for round in 0..runs + 3 {
        for room in &mut rooms {
            let time = open(&room.home);
            if round >= 3 {
                room.times.push(time);
            }
        }
    }
    for room in &rooms {
        program(&room.home, &["stop"]);
    }
    let [short, long] = rooms.map(|mut room| {
        room.times.sort_unstable();
        let median = room.times[room.times.len() / 2];
        println!(
            "{:>9} messages: {:.1} ms",
            room.messages,
            median.as_secs_f64() * 1000.0
        );
        median
    });
    let ratio = long.as_secs_f64() / short.as_secs_f64();
    println!("ratio {ratio:.2}, at most {RATIO_MAX:.2}");
    if ratio > RATIO_MAX {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value.map_or(otherwise, |value| value.parse().expect("a number"))
}

/// The program with a home, on loopback and in its own environment.
fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cc-connect"));
    command
        .env_clear()
        .env("HOME", home)
        .env("CC_CONNECT_HOME", home)
        .env("CC_CONNECT_BIND", "127.0.0.1:0")
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8")
        .current_dir(home);
    command
}

fn program(home: &Path, arguments: &[&str]) {
    let output = command(home).args(arguments).stdin(Stdio::null()).output();
    let output = output.expect("the program");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
}

/// A home with one room, in which its maker has said so much.
fn room(scratch: &Path, messages: u64) -> Room {
    let begun = Instant::now();
    let home = scratch.join(format!("h{messages}"));
    std::fs::create_dir(&home).expect("a home");
    let start = "room start --name long --nick alice --relay none --bind none --no-ui";
    program(&home, &start.split(' ').collect::<Vec<_>>());
    program(&home, &["stop"]);
    let seed = std::fs::read_to_string(home.join("identity")).expect("an identity");
    let seed = data_encoding::HEXLOWER
        .decode(seed.trim().as_bytes())
        .expect("digits");
    let alice = Identity::from_seed(seed.try_into().expect("a seed"));
    let mut rooms = std::fs::read_dir(home.join("rooms")).expect("rooms");
    let dir = rooms.next().expect("a room").expect("a room").path();
    let id = dir
        .file_name()
        .and_then(|name| name.to_str())
        .expect("an id");
    let id = id.parse().expect("an id");
    let (mut log, _) = LogWriter::open(FsStorage, &dir, id, alice.author()).expect("the log");
    let mut prev = None;
    for n in 1..=messages {
        let text = if n == messages {
            LAST
        } else {
            "postgres, we have it, and it does what we need"
        };
        let message = Message::write(
            &alice,
            NewMessage {
                room: id,
                chain: ChainId(7),
                seq: Seq(n),
                prev,
                ts: now(),
                via: String::new(),
                re: None,
                body: Body::Chat(Chat { text: text.into() }),
            },
        );
        let message = message.expect("a message");
        prev = Some(message.id());
        let info = LineInfo {
            nick: "alice",
            names_owner: false,
        };
        log.append(&message, now(), info).expect("a line");
        if n % BATCH == 0 {
            log.commit().expect("the log");
        }
    }
    log.commit().expect("the log");
    println!(
        "{messages} messages written in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    Room {
        messages,
        home,
        times: Vec::new(),
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    Timestamp(since.as_millis() as u64)
}

/// Ended with the measurement, whatever comes of it.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Opens the chat in a terminal; gives how long it took until the newest message was on it.
fn open(home: &Path) -> Duration {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("a terminal");
    unlockpt(&terminal).expect("a terminal");
    let name = ptsname(&terminal, Vec::new()).expect("a terminal");
    let name = PathBuf::from(name.to_str().expect("a path"));
    let inner = File::options()
        .read(true)
        .write(true)
        .open(name)
        .expect("a terminal");
    let size = Winsize {
        ws_row: 40,
        ws_col: 120,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&inner, size).expect("a terminal");
    let mut outer = File::from(terminal);
    let end = || Stdio::from(inner.try_clone().expect("a file"));
    let begun = Instant::now();
    let child = command(home)
        .arg("chat")
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .spawn();
    let _child = Ended(child.expect("the program"));
    let (mut said, mut bytes) = (Vec::new(), vec![0; 65536]);
    loop {
        let got = outer.read(&mut bytes).expect("what it draws");
        said.extend_from_slice(&bytes[..got]);
        if said
            .windows(LAST.len())
            .any(|window| window == LAST.as_bytes())
        {
            let took = begun.elapsed();
            // It asks what the terminal can do, and would wait for an answer before it ends.
            let _ = outer.write_all(b"\x1b[?1;2c");
            return took;
        }
        assert!(
            begun.elapsed() < DEADLINE,
            "{}",
            String::from_utf8_lossy(&said)
        );
    }
}
