//! `adapter check`: what comes with the program passes it, and it says so in a way that people and programs can use.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

/// The profiles that have a hook.
const PROFILES: [&str; 8] = [
    "generic",
    "claude-code",
    "codex",
    "gemini-cli",
    "qwen-code",
    "copilot-cli",
    "opencode",
    "cline",
];

fn check(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cc-connect"));
    command.args(["adapter", "check"]).args(arguments);
    command.output().unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_agent_that_comes_with_the_program_passes_every_case() {
    for profile in PROFILES {
        let output = check(&["--json", "--profile", profile]);
        let objects = objects(&output);
        let failed = objects.iter().filter(|case| case["outcome"] == "failed");
        let failed: Vec<&Value> = failed.collect();
        assert!(failed.is_empty(), "{profile}: {failed:#?}");
        assert_eq!(output.status.code(), Some(0), "{profile}: {output:?}");
        assert!(objects.len() > 100, "{profile}: {} cases", objects.len());
    }
}

#[test]
fn a_profile_of_ones_own_is_checked_in_its_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let profile = r#"
v = 1
name = "mine"
title = "My agent"
[event]
session = "chat.id"
name = "kind"
[moments]
prompt = ["asked"]
[answer]
prompt = '{"add":{"text":"{context}"}}'
[limits]
max = 5000
"#;
    fs::write(&path, profile).unwrap();
    let path = path.to_str().unwrap();
    for only in ["one-room", "over-budget", "odd-session-ids", "start"] {
        let output = check(&["--profile", path, "--only", only]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{text}");
    }
}

#[test]
fn a_program_is_found_from_where_the_check_was_started() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("adapter.sh"), "cat >/dev/null\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cc-connect"));
    command.current_dir(folder.path());
    let only = "empty-home";
    command.args(["adapter", "check", "--json", "--only", only]);
    let output = command.args(["--", "sh", "./adapter.sh"]).output().unwrap();
    let objects = objects(&output);
    assert_eq!(objects[0]["case"], "empty-home");
    assert_eq!(objects[0]["outcome"], "ok", "{objects:?}");
}

#[test]
fn what_fails_is_named_with_its_rule_and_where_it_is_written() {
    let output = check(&[
        "--only",
        "one-room",
        "--",
        "sh",
        "-c",
        "printf 'hi\\033[2J'",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("FAIL  one-room: "), "{text}");
    assert!(text.contains("(spec/hook.md#which-rooms)"), "{text}");
    assert!(
        text.contains("expected: nothing or one answer in JSON"),
        "{text}"
    );
    assert!(text.ends_with("0 ok, 2 failed, 0 skipped\n"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");

    let output = check(&["--json", "--only", "one-room", "--", "false"]);
    let objects = objects(&output);
    assert_eq!(objects[0]["v"], 1);
    assert_eq!(objects[0]["case"], "one-room");
    assert_eq!(objects[0]["outcome"], "failed");
    assert_eq!(objects[0]["came"], "exit code 1");
}

#[test]
fn what_cannot_be_checked_is_a_wrong_call() {
    for arguments in [
        &["--profile", "aider"][..],
        &["--profile", "/nowhere.toml"],
        &["--profile", "codex", "--only", "no such case"],
        &[],
    ] {
        assert_eq!(check(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
