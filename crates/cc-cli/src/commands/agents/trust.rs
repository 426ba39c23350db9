//! Whether an agent runs what is registered with it, where it wants its human's word first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use cc_hook_generic::Profile;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

/// How long Codex may take to say which hooks it trusts.
const WAIT: Duration = Duration::from_secs(3);
/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

const TRUSTED: &str = "trusted";
const UNTRUSTED: &str = "untrusted";
const UNKNOWN: &str = "unknown";
const NOT_NEEDED: &str = "not needed";

/// `trusted`, `untrusted`, `unknown` or `not needed`.
pub async fn of(profile: &Profile, program: Option<&Path>, folder: &Path) -> &'static str {
    match profile.name.as_str() {
        "codex" => {
            if !has_trusted_any() {
                return UNTRUSTED;
            }
            let Some(program) = program else {
                return UNKNOWN;
            };
            let asked = tokio::time::timeout(WAIT, codex(program, folder)).await;
            asked.ok().flatten().unwrap_or(UNKNOWN)
        }
        "gemini-cli" => gemini(folder),
        _ => NOT_NEEDED,
    }
}

/// Whether Codex was ever given a hook to trust. Only then is it asked: it leaves files in a home that it was never used in.
fn has_trusted_any() -> bool {
    let folder = set("CODEX_HOME").or_else(|| set("HOME").map(|home| home.join(".codex")));
    let config = folder.and_then(|folder| fs::read_to_string(folder.join("config.toml")).ok());
    config.is_some_and(|config| config.contains("hooks.state"))
}

fn set(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

/// Asks Codex itself.
async fn codex(program: &Path, folder: &Path) -> Option<&'static str> {
    let mut command = Command::new(program);
    command
        .arg("app-server")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    let mut lines = BufReader::new(child.stdout.take()?).lines();
    let client = json!({"name": "cc-connect", "version": env!("CARGO_PKG_VERSION")});
    let calls = [
        json!({"id": 1, "method": "initialize", "params": {"clientInfo": client}}),
        json!({"method": "initialized"}),
        json!({"id": 2, "method": "hooks/list", "params": {"cwds": [folder]}}),
    ];
    // One that has ended by now may have answered all the same: what it said is read.
    for call in calls {
        let line = format!("{call}\n");
        stdin.write_all(line.as_bytes()).await.ok();
    }
    stdin.flush().await.ok();
    let mut read = 0;
    while let Some(line) = lines.next_line().await.ok()? {
        read += line.len();
        if read > ANSWER_BYTES_MAX {
            return None;
        }
        let answer: Value = serde_json::from_str(&line).unwrap_or_default();
        if answer["id"] == 2 {
            return Some(statuses(&answer["result"]));
        }
    }
    None
}

/// What it says of the hooks of ours in that file: trusted if all are.
fn statuses(result: &Value) -> &'static str {
    let mut ours = Vec::new();
    collect(result, &mut ours);
    match ours.as_slice() {
        [] => UNKNOWN,
        all if all.iter().all(|status| is_trusted(status)) => TRUSTED,
        _ => UNTRUSTED,
    }
}

fn is_trusted(status: &str) -> bool {
    matches!(
        status.to_ascii_lowercase().as_str(),
        "trusted" | "managed" | "bypassed"
    )
}

fn is_hook(line: &str) -> bool {
    let (program, rest) = line.split_once(" hook --agent ").unwrap_or_default();
    program.trim_end_matches('\'').ends_with("cc-connect") && rest.starts_with("codex")
}

/// Every object with a command of ours and a status, however deep.
fn collect(value: &Value, ours: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            let command = object.get("command").and_then(Value::as_str);
            let is_ours = command.is_some_and(is_hook);
            let status = object.get("trustStatus").and_then(Value::as_str);
            if let (true, Some(status)) = (is_ours, status) {
                ours.push(status.to_owned());
                return;
            }
            object.values().for_each(|value| collect(value, ours));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, ours)),
        _ => {}
    }
}

/// What Gemini CLI has noted about the folder, or the nearest one above it.
fn gemini(folder: &Path) -> &'static str {
    let Some(base) = set("GEMINI_CLI_HOME").or_else(|| set("HOME")) else {
        return UNKNOWN;
    };
    let noted = fs::read(base.join(".gemini/trustedFolders.json")).unwrap_or_default();
    let noted: Value = serde_json::from_slice(&noted).unwrap_or_default();
    let folders = folder.ancestors().filter_map(Path::to_str);
    let mut words = folders.filter_map(|folder| noted[folder].as_str());
    match words.next() {
        Some("DO_NOT_TRUST") => UNTRUSTED,
        Some("TRUST_FOLDER" | "TRUST_PARENT") => TRUSTED,
        _ => UNKNOWN,
    }
}
