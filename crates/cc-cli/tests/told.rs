//! What agents are told, by the real program: each shipped agent's hook, a profile of one's own, preview, pause and audit.

mod support;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::{Person, stderr, stdout};

/// Each agent's prompt, as it was seen to send it, and where its answer holds the text.
fn prompt(agent: &str, session: &str, person: &Person) -> (String, &'static str) {
    let cwd = &person.project;
    let claude_like = |name: &str| json!({"session_id": session, "transcript_path": "/t", "cwd": cwd, "hook_event_name": name, "prompt": "hi"});
    let mut codex = claude_like("UserPromptSubmit");
    codex["turn_id"] = json!("t");
    let mut qwen = claude_like("UserPromptSubmit");
    qwen["timestamp"] = json!("2026-11-22T15:00:00Z");
    let (event, place) = match agent {
        "claude" => (
            claude_like("UserPromptSubmit"),
            "/hookSpecificOutput/additionalContext",
        ),
        "codex" => (codex, "/hookSpecificOutput/additionalContext"),
        "gemini" => (
            claude_like("BeforeAgent"),
            "/hookSpecificOutput/additionalContext",
        ),
        "qwen" => (qwen, "/hookSpecificOutput/additionalContext"),
        "copilot" => (
            json!({"sessionId": session, "timestamp": 1, "cwd": cwd, "prompt": "hi"}),
            "/additionalContext",
        ),
        _ => (
            json!({"v": 1, "event": "prompt", "session": session, "directory": cwd}),
            "/context",
        ),
    };
    (event.to_string(), place)
}

fn hook(person: &Person, arguments: &[&str], event: &str) -> Option<Value> {
    let output = person.run_with_input(&[&["hook"], arguments].concat(), event);
    assert!(output.status.success(), "{output:?}");
    if output.stdout.is_empty() {
        return None;
    }
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn every_shipped_agent_is_told_once_a_session_and_it_is_all_in_the_audit() {
    let alice = Person::new();
    alice.start("trip", "alice");
    alice.object(&["send", "who brings the map?"]);
    let agents = [
        "claude", "codex", "gemini", "qwen", "copilot", "opencode", "cline", "generic",
    ];
    for agent in agents {
        let (event, place) = prompt(agent, "s1", &alice);
        let told = hook(&alice, &["--agent", agent], &event).unwrap();
        let text = told.pointer(place).and_then(Value::as_str).unwrap();
        assert!(
            text.contains("(from your user)] who brings the map?"),
            "{agent}: {text}"
        );
        assert_eq!(hook(&alice, &["--agent", agent], &event), None, "{agent}");
        // The one command that several share finds out who asks, and it is the same session.
        if place != "/context" {
            assert_eq!(hook(&alice, &["--agent=auto"], &event), None, "{agent}");
        }
    }
    let audited = alice.objects(&["audit"]);
    assert_eq!(audited.len(), agents.len());
    let of_codex = alice.objects(&[
        "audit", "--agent", "codex", "--since", "1h", "--room", "trip",
    ]);
    assert_eq!(of_codex.len(), 1);
    assert_eq!(of_codex[0]["agent"], "codex");
    assert_eq!(of_codex[0]["session"], "s1");
    assert_eq!(of_codex[0]["event"], "prompt");
    let line = of_codex[0]["shown"][0].as_u64().unwrap();
    let log = alice.objects(&["log"]);
    let shown = log.iter().find(|shown| shown["n"] == json!(line)).unwrap();
    assert_eq!(shown["text"], "who brings the map?");
    assert!(alice.objects(&["audit", "--session", "s2"]).is_empty());
    assert!(
        alice
            .objects(&["audit", "--since", "2999-01-01"])
            .is_empty()
    );
    assert_eq!(alice.failure(&["audit", "--since", "7"]).1, 2);
    let text = stdout(&alice.run(&["audit", "--agent", "gemini"]));
    assert!(
        text.contains("gemini-cli s1  trip, with a prompt: line"),
        "{text}"
    );
    let hook_log = alice.home.join("hook.log");
    assert!(
        !hook_log.exists(),
        "{}",
        fs::read_to_string(hook_log).unwrap()
    );
}

#[test]
fn a_profile_of_ones_own_needs_a_file_and_nothing_else() {
    let alice = Person::new();
    alice.start("trip", "alice");
    alice.object(&["send", "who brings the map?"]);
    let profile = r#"
v = 1
name = "parrot"
title = "Parrot"
[event]
session = "chat.id"
[moments]
prompt = ["line"]
[answer]
prompt = '["say", {"words": "{context}"}]'
"#;
    let file = alice.folder().join("parrot.toml");
    fs::write(&file, profile).unwrap();
    let file = file.to_str().unwrap();
    let event = r#"{"chat":{"id":"s1"}}"#;
    let told = hook(&alice, &["--profile", file, "--event", "line"], event).unwrap();
    assert!(
        told[1]["words"]
            .as_str()
            .unwrap()
            .contains("who brings the map?")
    );
    assert_eq!(
        hook(&alice, &["--profile", file, "--event=other"], event),
        None
    );
    fs::create_dir(alice.home.join("agents")).unwrap();
    fs::copy(file, alice.home.join("agents/parrot.toml")).unwrap();
    assert_eq!(hook(&alice, &["--agent", "parrot"], event), None);
    let other = r#"{"chat":{"id":"s2"}}"#;
    assert!(hook(&alice, &["--agent", "parrot"], other).is_some());
    // What is wrong is told to the person and to the log; the prompt is not held up.
    fs::write(alice.home.join("agents/parrot.toml"), "v = 1\nnmae = 1").unwrap();
    for arguments in [
        ["--agent", "parrot"],
        ["--agent", "nobody"],
        ["--agent", "aider"],
        ["--profile", "/nowhere"],
    ] {
        let output = alice.run_with_input(&["hook", arguments[0], arguments[1]], other);
        assert!(
            output.status.success() && output.stdout.is_empty(),
            "{output:?}"
        );
        assert!(!stderr(&output).is_empty());
    }
    let log = fs::read_to_string(alice.home.join("hook.log")).unwrap();
    assert_eq!(log.lines().count(), 4, "{log}");
    assert!(log.contains("unknown field `nmae`"), "{log}");
}

#[test]
fn a_wake_is_the_one_exit_code_that_is_not_0() {
    let alice = Person::new();
    alice.start("trip", "alice");
    let event =
        json!({"v": 1, "event": "wake", "session": "s1", "directory": alice.project}).to_string();
    for home_first in [false, true] {
        let home = alice.home.to_str().unwrap();
        let arguments = if home_first {
            ["--home", home, "hook", "--agent", "generic"]
        } else {
            ["hook", "--agent", "generic", "--home", home]
        };
        let output = alice.run_with_input(&arguments, &event);
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
}

#[test]
fn opencode_learns_which_file_to_watch_and_why_it_is_woken() {
    let (alice, bob) = (Person::new(), Person::new());
    let (_, ticket) = alice.start("trip", "alice");
    bob.join(&ticket, "bob");
    bob.object(&["send", "@alice who brings the map?"]);
    alice.until_text("@alice who brings the map?");
    let event = |name: &str| {
        json!({"v": 1, "event": name, "session": "s1", "directory": alice.project}).to_string()
    };
    let told = hook(&alice, &["--agent", "opencode"], &event("start")).unwrap();
    let watched: Vec<&str> = told["watch"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let [file] = watched[..] else {
        panic!("{told}")
    };
    assert_eq!(Path::new(file).extension(), Some("wake".as_ref()), "{file}");
    assert!(fs::metadata(file).unwrap().is_file(), "{file}");
    let woken = alice.run_with_input(&["hook", "--agent", "opencode"], &event("wake"));
    assert_eq!(woken.status.code(), Some(2), "{woken:?}");
    assert!(woken.stdout.is_empty(), "{woken:?}");
    assert_eq!(stderr(&woken).trim(), cc_hook_generic::WAKE_TEXT);
}

#[test]
fn preview_is_for_every_agent_seen_in_the_folder_and_pause_silences_all() {
    let alice = Person::new();
    alice.start("trip", "alice");
    alice.object(&["send", "who brings the map?"]);
    // Before anybody was seen, what anybody would get.
    let any = alice.object(&["preview"]);
    assert_eq!(
        (&any["agent"], &any["session"]),
        (&json!("generic"), &Value::Null)
    );
    for (agent, session) in [("codex", "old"), ("codex", "new"), ("gemini", "s1")] {
        hook(
            &alice,
            &["--agent", agent],
            &prompt(agent, session, &alice).0,
        )
        .unwrap();
    }
    alice.object(&["send", "and who the tent?"]);
    let previews = alice.objects(&["preview"]);
    let whose: Vec<(&str, &str)> = previews
        .iter()
        .map(|found| {
            (
                found["agent"].as_str().unwrap(),
                found["session"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(whose, [("gemini-cli", "s1"), ("codex", "new")]);
    for found in &previews {
        let text = found["text"].as_str().unwrap();
        assert!(text.contains("tent") && !text.contains("map"), "{text}");
    }
    let old = alice.object(&["preview", "--session", "old"]);
    assert_eq!(old["agent"], "codex");
    let start = alice.object(&["preview", "--agent", "claude", "--moment", "start"]);
    assert!(
        start["text"]
            .as_str()
            .unwrap()
            .contains("2 messages unread")
    );
    let tool = alice.object(&["preview", "--agent", "codex", "--moment", "tool"]);
    assert_eq!(tool["text"], Value::Null);
    let shown = stdout(&alice.run(&["preview", "--agent", "gemini"]));
    assert!(shown.starts_with("gemini-cli, session s1:\n"), "{shown}");
    let elsewhere = alice.object(&["preview", "--dir", alice.folder().to_str().unwrap()]);
    assert_eq!(elsewhere["text"], Value::Null);
    assert_eq!(elsewhere["rooms"], json!([]));
    alice.failure(&["preview", "--session", "nobody's"]);
    alice.failure(&["preview", "--agent", "nobody"]);

    assert_eq!(alice.failure(&["pause", "--for", "soon"]).1, 2);
    let paused = alice.object(&["pause", "--for", "1h"]);
    assert_eq!(
        (&paused["room"], &paused["paused"]),
        (&Value::Null, &json!(true))
    );
    assert!(paused["until"].as_u64().is_some());
    assert_eq!(
        hook(
            &alice,
            &["--agent", "codex"],
            &prompt("codex", "new", &alice).0
        ),
        None
    );
    let found = alice.object(&["preview", "--agent", "codex"]);
    assert_eq!(
        (&found["text"], &found["paused"]),
        (&Value::Null, &found["rooms"])
    );
    alice.failure(&["resume", "--room", "trip"]);
    alice.object(&["resume"]);
    alice.object(&["pause", "--room", "trip"]);
    assert_eq!(
        hook(
            &alice,
            &["--agent", "codex"],
            &prompt("codex", "new", &alice).0
        ),
        None
    );
    alice.object(&["resume", "--room", "trip"]);
    // Nothing was lost by it.
    let told = hook(
        &alice,
        &["--agent", "codex"],
        &prompt("codex", "new", &alice).0,
    )
    .unwrap();
    assert!(told.to_string().contains("and who the tent?"));
}

#[test]
fn a_pause_silences_the_file_view_though_no_daemon_runs() {
    let alice = Person::new();
    alice.start("trip", "alice");
    alice.object(&["send", "who brings the map?"]);
    let view = cc_hook_generic::view_path(&alice.home, &alice.project);
    let holds = |text: &str| fs::read_to_string(&view).is_ok_and(|view| view.contains(text));
    let started = std::time::Instant::now();
    while !holds("who brings the map?") {
        assert!(
            started.elapsed() < support::DEADLINE,
            "{}",
            alice.daemon_log()
        );
        std::thread::yield_now();
    }
    alice.object(&["stop"]);
    alice.object(&["pause"]);
    assert!(!holds("who brings the map?"), "{}", view.display());
    alice.object(&["resume"]);
    assert!(holds("who brings the map?"), "{}", view.display());
    assert!(!alice.is_daemon_running());
}
