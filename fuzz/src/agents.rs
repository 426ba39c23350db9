//! What an agent hands the hook, an agent's settings, and what a program writes to the daemon's socket.

use std::fs;
use std::path::Path;

use cc_hook_claude::settings::{Uninstalled, backup_path, install, uninstall};
use cc_hook_claude::{output_json, parse_event};
use cc_hook_generic::Moment;
use serde_json::Value;

use crate::rpc;

/// The event that Claude Code writes to its hook; also, as the context, what the hook answers.
pub fn hook_event(data: &[u8]) {
    if let Err(error) = parse_event(data) {
        let said = error.to_string();
        assert!(said.len() < 256, "an error quotes the prompt: {said}");
    }
    let context = String::from_utf8_lossy(data);
    let answer = output_json(Moment::Prompt, &context, &[]);
    let lines = answer.split_inclusive(|byte| *byte == b'\n').count();
    assert!(lines == 1 && answer.ends_with(b"\n"), "one line");
    let answer: Value = serde_json::from_slice(&answer).expect("the answer is JSON");
    assert_eq!(answer["hookSpecificOutput"]["additionalContext"], *context);
}

/// An agent's settings: our entry is put in and taken out, and what was there is there again.
pub fn settings(data: &[u8]) {
    const COMMAND: &str = "/usr/bin/cc-hook-claude";
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let folder = folder.expect("a folder for a while");
    let file = folder.path().join("settings.json");
    fs::write(&file, data).expect("a file in it");
    let read = || fs::read(&file).expect("the settings are there");
    // To agents a file with nothing in it is one without settings.
    let nothing = |text: &str| text.trim_start_matches('\u{feff}').trim().is_empty();
    let parsed = if std::str::from_utf8(data).is_ok_and(nothing) {
        Ok(Value::Object(serde_json::Map::new()))
    } else {
        serde_json::from_slice(data)
    };
    let Ok(before) = parsed else {
        // It may still be a JSON text to us only where it is one to the strict parser.
        install(&file, COMMAND).expect_err("no JSON, and yet edited");
        assert_eq!(read(), data, "refused, and yet changed");
        assert!(!backup_path(&file).exists());
        return;
    };
    if install(&file, COMMAND).is_err() {
        assert_eq!(read(), data, "refused, and yet changed");
        return;
    }
    let installed = read();
    let after: Value = serde_json::from_slice(&installed).expect("still JSON");
    assert!(after.to_string().contains(COMMAND));
    if let (Some(before), Some(after)) = (before.as_object(), after.as_object()) {
        for (key, value) in before.iter().filter(|(key, _)| *key != "hooks") {
            assert_eq!(after.get(key), Some(value), "another's setting was touched");
        }
    }
    install(&file, COMMAND).expect("once more");
    assert_eq!(read(), installed, "installing twice is as once");
    let was_ours = installed == data || !backup_path(&file).exists();
    if let Err(refused) = uninstall(&file) {
        // Ours was put at one event. What is taken out may be at any, and one of another shape is not edited.
        let events = before.get("hooks").and_then(Value::as_object);
        let others =
            events.is_some_and(|events| events.keys().any(|event| event != "UserPromptSubmit"));
        assert!(others, "what was put in can be taken out: {refused}");
        assert_eq!(read(), installed, "refused, and yet changed");
        return;
    }
    if !was_ours && !before.to_string().contains("cc-hook-claude") {
        assert_eq!(read(), data, "the very bytes are back");
        let again = uninstall(&file).expect("there is nothing of ours");
        assert_eq!(again, Uninstalled::NotInstalled);
    }
}

/// A line on the daemon's socket.
pub fn rpc_line(data: &[u8]) {
    let line = String::from_utf8_lossy(data);
    let (id, error) = match rpc::line::parse_call(&line) {
        Ok(call) => {
            assert!(call.params.is_object());
            let id = call.id.unwrap_or_default();
            assert!(id.is_string() || id.is_number() || id.is_null());
            return;
        }
        Err(refused) => refused,
    };
    let answer = rpc::line::answer_line(&id, &Err(error.clone()));
    assert!(!answer.contains('\n'));
    let answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
    assert_eq!(answer["id"], id);
    assert_eq!(rpc::line::RpcError::from_json(&answer["error"]), error);
}
