//! The real Claude Code, pinned in `tests/agents/package.json`, with our hook as `install claude`
//! leaves it and a model API of ours: what another member typed is in the request to the model.
//!
//! Fetch the CLI with `npm ci --prefix tests/agents`. Where it is missing the test says that it is
//! skipped; with `CC_REQUIRE_AGENTS=1`, as in CI, it fails instead.

use std::{
    env, fs,
    io::{Write as _, stderr},
    path::{Path, PathBuf},
};

use cc_tests::{
    machine::{Machine, run},
    model_api::{ANSWER, ModelApi, PromptText},
};
use serde_json::Value;
use tokio::process::Command;

const QUESTION: &str = "Redis or Postgres?";
const LINE: &str = "postgres, we have it";

/// How many new sessions are asked at most until one is told something.
const SESSIONS: u32 = 5;

/// A settings file as a user may have it: their own hook beside ours, keys that we do not know,
/// and a layout that no serializer of ours would print.
const SETTINGS: &str = r#"{
    "permissions": { "allow": ["Bash(ls:*)"],   "deny": [] },
  "hooks": {
    "UserPromptSubmit": [ {"hooks": [{"type": "command", "command": "true"}]} ],
    "Stop": []
  },
    "zz-unknown": [1.0, 1e3, "\u00e9"]
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_room_is_in_the_prompt() {
    let Some(claude) = claude().await else { return };
    let (alice, bob) = (Machine::new(), Machine::new());
    let settings = alice.home().join(".claude/settings.json");
    fs::create_dir(alice.home().join(".claude")).unwrap();
    fs::write(&settings, SETTINGS).unwrap();
    bob_answers_in_the_room_of(&alice, &bob).await;

    alice.cc_connect(&["install", "claude", "--json"], "").await;
    let model = ModelApi::start().await.unwrap();

    // A current model is shown the hook's text as a system message, an older one inside the
    // user's turn. Each run is a new session, to which the whole room is news.
    for model_name in ["claude-opus-5-5", "claude-haiku-4-5"] {
        let prompt = told(&alice, &claude, &model, model_name).await;
        assert!(occurrences(&prompt, QUESTION) > 0, "{prompt:#?}");
        assert_line_is_fenced(&prompt);
    }

    // The same session again: nothing is new, so the line stands only in its history.
    let mut again = ask(&alice, &claude, &model);
    let again = prompt(again.arg("--continue"), &model).await;
    assert_eq!(occurrences(&again, LINE), 1, "{again:#?}");

    // Elsewhere on the same machine the room does not exist.
    let mut elsewhere = ask(&alice, &claude, &model);
    let elsewhere = prompt(elsewhere.current_dir(alice.home()), &model).await;
    assert!(occurrences(&elsewhere, QUESTION) > 0, "{elsewhere:#?}");
    assert_eq!(occurrences(&elsewhere, LINE), 0, "{elsewhere:#?}");

    let uninstall = ["uninstall", "claude", "--json"];
    alice.cc_connect(&uninstall, "").await;
    assert_eq!(fs::read_to_string(&settings).unwrap(), SETTINGS);
}

/// Alice makes a room in her project, Bob joins it and says his line, and it is in Alice's log.
async fn bob_answers_in_the_room_of(alice: &Machine, bob: &Machine) {
    let start = "room start --relay none --no-ui --json --nick alice";
    let start: Vec<&str> = start.split(' ').collect();
    let room = alice.cc_connect(&start, "").await;
    let ticket = room[0]["ticket"].as_str().expect("a ticket");

    let join = "room join - --wait 60 --relay none --no-ui --json --nick bob";
    let join: Vec<&str> = join.split(' ').collect();
    bob.cc_connect(&join, ticket).await;
    bob.cc_connect(&["send", "--json", LINE], "").await;

    let line = alice.log_line(|line| line["text"] == LINE).await;
    assert_eq!(line["nick"], "bob");
    assert_eq!(line["kind"], "chat");
}

/// The CLI that `npm ci` put into `tests/agents`, or `None` where the test is to be skipped.
async fn claude() -> Option<PathBuf> {
    let agents = Path::new(env!("CARGO_MANIFEST_DIR")).join("agents");
    let claude = agents.join("node_modules/.bin/claude");
    let package = fs::read(agents.join("package.json")).unwrap();
    let package: Value = serde_json::from_slice(&package).unwrap();
    let pinned = package["dependencies"]["@anthropic-ai/claude-code"].as_str();

    // Before its install script has run, the CLI is a file that cannot do even this.
    let nobody = Machine::new();
    let version = run(nobody.command(&claude).arg("--version"), "").await;
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let missing = match version {
        Ok(version) if version.split(' ').next() == pinned => return Some(claude),
        Ok(version) => format!("the agent CLI is {version:?}, not {pinned:?}"),
        Err(error) => format!("no agent CLI at {}: {error}", claude.display()),
    };
    let missing = format!("{missing}; fetch it with: npm ci --prefix tests/agents");
    let required = env::var_os("CC_REQUIRE_AGENTS").is_some_and(|value| value == "1");
    assert!(!required, "{missing}");
    // Not by a macro, whose output the test harness would keep to itself.
    let _ = writeln!(stderr(), "skipped: {missing}");
    None
}

/// `claude -p QUESTION` in Alice's project, with a key and a model that are not real.
fn ask(alice: &Machine, claude: &Path, model: &ModelApi) -> Command {
    let mut command = alice.command(claude);
    command
        .args(["-p", QUESTION])
        .env("ANTHROPIC_BASE_URL", model.base_url())
        .env("ANTHROPIC_API_KEY", "sk-fake")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("DISABLE_AUTOUPDATER", "1");
    command
}

/// What a new session is told. On a busy machine the hook may run out of its time, and then nobody is told anything.
async fn told(alice: &Machine, claude: &Path, model: &ModelApi, name: &str) -> Vec<PromptText> {
    let mut told = Vec::new();
    for _ in 0..SESSIONS {
        let mut claude = ask(alice, claude, model);
        told = prompt(claude.args(["--model", name]), model).await;
        if occurrences(&told, LINE) > 0 {
            break;
        }
    }
    told
}

/// Runs Claude Code to its end, and returns what the model was given to read.
async fn prompt(claude: &mut Command, model: &ModelApi) -> Vec<PromptText> {
    let before = model.prompts().len();
    let output = run(claude, "").await.expect("claude ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{stderr}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), ANSWER);
    let prompts = model.prompts();
    let prompt = prompts[before..].last();
    prompt.expect("the model was asked").texts()
}

/// Bob's line stands once, with his name and a time, and with the room's it is all that stands
/// between two lines with the same nonce.
fn assert_line_is_fenced(prompt: &[PromptText]) {
    assert_eq!(occurrences(prompt, LINE), 1, "{prompt:#?}");
    let piece = prompt.iter().find(|piece| piece.text.contains(LINE));
    let lines: Vec<&str> = piece.expect("it occurs once").text.lines().collect();

    let fences: Vec<usize> = (0..lines.len()).filter(|at| is_fence(lines[*at])).collect();
    let [first, last] = fences[..] else {
        panic!("not one fence: {lines:#?}");
    };
    assert_eq!(lines[first], lines[last]);
    let [room, message] = lines[first + 1..last] else {
        panic!("not one message: {lines:#?}");
    };
    assert!(room.starts_with("room \"project\" "), "{room}");
    let time = message.strip_prefix("[chatroom @bob ");
    let time = time.and_then(|rest| rest.strip_suffix(LINE)?.strip_suffix("Z] "));
    let time = time.unwrap_or_else(|| panic!("{message:?} is not Bob's line"));
    let digits = time.split(':').map(str::parse::<u8>);
    assert_eq!(digits.flatten().count(), 2, "{message}");
}

/// `----- NONCE -----`, where the nonce is 8 bytes as hex digits.
fn is_fence(line: &str) -> bool {
    let nonce = line.strip_prefix("----- ");
    let nonce = nonce.and_then(|rest| rest.strip_suffix(" -----"));
    nonce.is_some_and(|nonce| nonce.len() == 16 && nonce.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn occurrences(prompt: &[PromptText], wanted: &str) -> usize {
    let pieces = prompt.iter();
    pieces.map(|piece| piece.text.matches(wanted).count()).sum()
}
