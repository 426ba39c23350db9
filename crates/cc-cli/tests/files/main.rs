//! Files by the real program: shared, announced, fetched, refused, and told of in prompts.

mod full;
mod getting;
mod names;
mod refusals;
mod sharing;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use support::{DEADLINE, Person};

/// Waits until a file of the room is as the test wants it.
pub fn until_file(person: &Person, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut socket = person.connect();
    let room = person.objects(&["room", "list"])[0]["room"].clone();
    socket.call("subscribe", &json!({"room": room}));
    let started = Instant::now();
    loop {
        let files = person.objects(&["files"]);
        if let Some(file) = files.iter().find(|file| wanted(file)) {
            return file.clone();
        }
        assert!(
            started.elapsed() < DEADLINE,
            "{files:#?}\n{}",
            person.daemon_log()
        );
        // Something happens in the room, or the socket's own deadline ends the test.
        socket.line();
    }
}

/// Waits until a file is here; gives its path.
pub fn until_here(person: &Person, name: &str) -> PathBuf {
    let file = until_file(person, |file| {
        file["name"] == name && file["state"] == "here"
    });
    PathBuf::from(file["path"].as_str().unwrap())
}

/// Writes a file in the person's project; gives its path.
pub fn write(person: &Person, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = person.project.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// What Claude Code's next prompt of a session would hold, if anything.
pub fn prompt(person: &Person, session: &str) -> Option<String> {
    let event = json!({
        "session_id": session, "transcript_path": "/t", "cwd": person.project,
        "hook_event_name": "UserPromptSubmit", "prompt": "hi"
    });
    let output = person.run_with_input(&["hook", "--agent", "claude"], &event.to_string());
    assert!(output.status.success(), "{output:?}");
    if output.stdout.is_empty() {
        return None;
    }
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = told.pointer("/hookSpecificOutput/additionalContext");
    Some(text.unwrap().as_str().unwrap().to_owned())
}

/// The lines of a prompt that tell of files.
pub fn file_lines(prompt: &str) -> Vec<&str> {
    let is_told = |line: &&str| {
        line.starts_with("[chatroom ")
            && (line.contains("] dropped ") || line.contains("] announced "))
    };
    prompt.lines().filter(is_told).collect()
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
