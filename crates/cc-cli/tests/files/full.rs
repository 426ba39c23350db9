//! A disk that takes no more: in the middle of a fetch, and of a share.
//!
//! The daemon may make no file longer than so many bytes, and is told so as by a full disk, whatever the disk under the
//! test has.

use std::fs;
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::support::people::two;
use super::support::{Person, stderr};
use super::{text, until_file, until_here, write};

/// Longer than any other file of the daemon's, and shorter than those that do not fit.
const FILE_BYTES_MAX: u64 = 16 << 20;
const LARGE_BYTES: usize = 40 << 20;

/// Starts the person's daemon so that it can write no long files.
fn start_on_a_small_disk(person: &Person) {
    let program = person.command();
    // The signal would end it; without, writing fails.
    let script = "trap '' XFSZ; exec \"$0\" files";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(program.get_program());
    command.current_dir(&person.project).env_clear();
    for (name, value) in program.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    limit(person, Some(FILE_BYTES_MAX));
}

fn limit(person: &Person, current: Option<u64>) {
    let daemon = Pid::from_raw(person.daemon_pid());
    let maximum = None;
    prlimit(daemon, Resource::Fsize, Rlimit { current, maximum }).unwrap();
}

fn bytes(seed: u8) -> Vec<u8> {
    let mut bytes = vec![0; LARGE_BYTES];
    let mut source = blake3::Hasher::new().update(&[seed]).finalize_xof();
    source.fill(&mut bytes);
    bytes
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_fetch_loses_nothing() {
    let (alice, bob, _) = two();
    alice.object(&["files", "--auto-get", "off"]);
    let small = write(&bob, "small.txt", "small");
    bob.object(&["share", text(&small)]);
    let large = bytes(1);
    write(&bob, "large.bin", &large);
    bob.object(&["share", "large.bin"]);
    until_file(&alice, |file| file["name"] == "large.bin");
    alice.object(&["stop"]);
    alice.daemon_ended();
    start_on_a_small_disk(&alice);

    let file = alice.objects(&["files"])[0].clone();
    let params = serde_json::json!({"room": file["room"], "file": file["file"]});
    alice.connect().call("file.get", &params);
    let waits = until_file(&alice, |file| {
        file["name"] == "large.bin" && file["fault"].is_string()
    });
    let fault = waits["fault"].as_str().unwrap();
    assert!(fault.contains("could not be stored"), "{fault}");
    assert_eq!(waits["state"], "waiting", "{waits}");
    // All else goes on.
    alice.object(&["send", "still here"]);
    bob.until_text("still here");
    let got = alice.object(&["get", "small.txt"]);
    assert_eq!(fs::read(got["path"].as_str().unwrap()).unwrap(), b"small");

    // Once there is space it comes by itself.
    limit(&alice, None);
    let path = until_here(&alice, "large.bin");
    assert!(fs::read(path).unwrap() == large, "its bytes are others");
    assert!(alice.run(&["files", "--verify"]).status.success());
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_share_announces_nothing() {
    let alice = Person::new();
    let (room, _) = alice.start("shop", "alice");
    alice.object(&["stop"]);
    alice.daemon_ended();
    start_on_a_small_disk(&alice);
    write(&alice, "large.bin", bytes(2));
    let (error, exit) = alice.failure(&["share", "large.bin"]);
    assert_eq!((&error["kind"], exit), (&"disk".into(), 1), "{error}");
    let words = error["message"].as_str().unwrap();
    assert!(words.contains("cannot keep a copy"), "{error}");
    assert!(alice.objects(&["files"]).is_empty());
    // No part of a copy stays.
    let files = alice.home.join("rooms").join(&room).join("files");
    assert_eq!(fs::read_dir(files).unwrap().count(), 0);
    alice.object(&["send", "still here"]);
    write(&alice, "small.txt", "small");
    alice.object(&["share", "small.txt"]);

    limit(&alice, None);
    alice.object(&["share", "large.bin"]);
    assert_eq!(alice.objects(&["files"]).len(), 2);
}
