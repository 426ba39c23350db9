//! The demo: it tells the whole story, and nothing of it is left.

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Ended, Person, stderr, stdout};

/// The demo, with its temporary folders in `folder`, as somebody who has a home that must not be touched.
fn demo(somebody: &Person, folder: &Path) -> Command {
    let mut command = somebody.command();
    command.arg("demo").env("TMPDIR", folder);
    command
}

/// Processes that still serve a home below `folder`, as far as this system can tell.
fn left_running(folder: &Path) -> Vec<String> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let folder = folder.to_string_lossy().into_owned();
    processes
        .filter_map(|process| std::fs::read(process.ok()?.path().join("cmdline")).ok())
        .map(|arguments| String::from_utf8_lossy(&arguments).replace('\0', " "))
        .filter(|arguments| arguments.contains(&folder))
        .collect()
}

fn assert_nothing_left(somebody: &Person, folder: &Path) {
    assert_eq!(
        std::fs::read_dir(folder).unwrap().count(),
        0,
        "files were left"
    );
    assert_eq!(left_running(folder), Vec::<String>::new());
    assert!(!somebody.home.exists(), "the user's own home was touched");
}

#[test]
fn the_story_is_told_and_nothing_is_left() {
    let somebody = Person::new();
    let folder = tempfile::tempdir().unwrap();
    let output = demo(&somebody, folder.path()).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}\n{}",
        stdout(&output),
        stderr(&output)
    );
    let told = stdout(&output);
    for part in [
        "cc1-",
        "postgres, we have it",
        "Redis or Postgres?",
        "[chatroom @bob ",
        "hookSpecificOutput",
        "(nothing)",
    ] {
        assert!(told.contains(part), "{part} is missing:\n{told}");
    }
    assert_nothing_left(&somebody, folder.path());
}

#[test]
fn the_pieces_come_as_one_object() {
    let somebody = Person::new();
    let folder = tempfile::tempdir().unwrap();
    let output = demo(&somebody, folder.path())
        .arg("--json")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&told["v"], &told["hook_again"]), (&1.into(), &"".into()));
    let hook: Value = serde_json::from_str(told["hook"].as_str().unwrap()).unwrap();
    let context = hook["hookSpecificOutput"]["additionalContext"]
        .as_str()
        .unwrap();
    assert!(
        context.contains("[chatroom @bob ") && context.contains(told["sent"].as_str().unwrap()),
        "{context}"
    );
    assert_nothing_left(&somebody, folder.path());
}

#[test]
fn an_interrupted_demo_leaves_nothing_either() {
    let somebody = Person::new();
    let folder = tempfile::tempdir().unwrap();
    let mut child = Ended(
        demo(&somebody, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|line| line.unwrap().contains("cc1-")),
        "the ticket was never shown"
    );
    let pid = rustix::process::Pid::from_raw(child.0.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
    assert_nothing_left(&somebody, folder.path());
}

#[test]
fn a_demo_that_nobody_reads_clears_up_all_the_same() {
    let somebody = Person::new();
    let folder = tempfile::tempdir().unwrap();
    let mut command = demo(&somebody, folder.path());
    let mut child = Ended(command.stdout(Stdio::piped()).spawn().unwrap());
    drop(child.0.stdout.take());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    assert_nothing_left(&somebody, folder.path());
}
