//! What agents may say, what waits for their owner, and who wakes them: real daemons on loopback.

mod support;

use std::fs;

use serde_json::{Value, json};
use support::people::{text, two};
use support::{Person, Socket, stdout};

/// What agents may write in a row, and in a minute: see the specification's limits.
const RUN_MAX: usize = 8;
const PER_MINUTE: usize = 20;

/// An agent of a person says something: done, or the error.
fn say(person: &Person, words: &str) -> Result<Value, Value> {
    let said = person.run(&["send", "--via", "codex", "--json", words]);
    if said.status.success() {
        return Ok(serde_json::from_str(stdout(&said).trim()).unwrap());
    }
    let (error, _) = person.failure(&["send", "--via", "codex", words]);
    Err(error)
}

/// Hears what happens in a person's only room.
fn subscribe(person: &Person) -> Socket {
    let mut socket = person.connect();
    let room = person.objects(&["room", "list"])[0]["room"].clone();
    socket.call("subscribe", &json!({"room": room}));
    socket
}

/// The next event of that name.
fn event(socket: &mut Socket, name: &str) -> Value {
    loop {
        let line = socket.line().expect("the daemon lives");
        if line["params"]["event"] == name {
            return line["params"].clone();
        }
    }
}

#[test]
fn two_agents_that_answer_everything_are_stopped_and_both_owners_see_why() {
    let (alice, bob, _) = two();
    let mut events = [subscribe(&alice), subscribe(&bob)];
    let mut said = 0;
    let mut held_back = None;
    // Each answers what the other said, as agents do that were told to answer everything.
    'talk: for turn in 0..RUN_MAX {
        for (me, other) in [(&alice, &bob), (&bob, &alice)] {
            let words = format!("turn {turn} after {said}");
            match say(me, &words) {
                Ok(_) => said += 1,
                Err(error) => {
                    held_back = Some(error);
                    break 'talk;
                }
            }
            other.until_text(&words);
        }
    }
    assert_eq!(said, RUN_MAX);
    let held_back = held_back.expect("somebody was held back");
    assert_eq!(held_back["kind"], "held_back", "{held_back}");
    assert!(text(&held_back["hint"]).contains("person"), "{held_back}");
    for events in &mut events {
        assert_eq!(event(events, "agents_stopped")["run"], RUN_MAX);
    }
    for owner in [&alice, &bob] {
        let status = stdout(&owner.run(&["status"]));
        assert!(status.contains("8 messages in a row"), "{status}");
    }
    // The other one is stopped as well, and a status note is not.
    let (error, _) = bob.failure(&["send", "--via", "codex", "and I"]);
    assert_eq!(error["kind"], "held_back");
    bob.object(&["send", "--via", "codex/status", "waiting for a person"]);
    // A person's word lets them speak again, on either side.
    bob.object(&["send", "go on"]);
    alice.until_text("go on");
    assert!(say(&alice, "thank you").is_ok());
}

#[test]
fn the_agents_of_one_machine_say_so_much_in_a_minute() {
    let (alice, _, _) = two();
    for n in 0..PER_MINUTE {
        assert!(say(&alice, &format!("note {n}")).is_ok(), "{n}");
    }
    let error = say(&alice, "one more").unwrap_err();
    assert_eq!(error["kind"], "held_back");
    assert!(text(&error["hint"]).contains("try again"), "{error}");
    // The person is never held back.
    alice.object(&["send", "mine"]);
}

#[test]
fn what_is_held_is_listed_approved_and_refused() {
    let (alice, bob, _) = two();
    let mut events = subscribe(&alice);
    let room = alice.objects(&["room", "list"])[0]["room"].clone();
    let mut socket = alice.connect();
    for words in ["first", "second", "third"] {
        let held = json!({"room": room, "text": words, "via": "codex", "hold": true});
        let answer = socket.call("send", &held);
        assert_eq!(answer["result"]["id"], Value::Null, "{answer}");
        event(&mut events, "held");
    }
    let held = alice.objects(&["held"]);
    assert_eq!(held.len(), 3);
    assert_eq!(
        (&held[1]["held"], &held[1]["text"], &held[1]["agent"]),
        (&json!(2), &json!("second"), &json!("codex"))
    );
    assert!(alice.run(&["refuse", "1"]).status.success());
    let decided = event(&mut events, "decided");
    assert_eq!(
        (&decided["held"], &decided["approved"]),
        (&json!(1), &json!(false))
    );
    let approved = alice.object(&["approve", "2"]);
    assert_eq!(approved["approved"], true);
    let decided = event(&mut events, "decided");
    assert_eq!(
        (&decided["held"], &decided["approved"]),
        (&json!(2), &json!(true))
    );
    let line = bob.until_text("second").pop().unwrap();
    assert_eq!(
        (&line["via"], &line["id"]),
        (&json!("codex"), &approved["id"])
    );

    // What waits is still there when the daemon comes back.
    alice.kill_daemon();
    let held = alice.objects(&["held"]);
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(alice.objects(&["approve", "--all"]).len(), 1);
    bob.until_text("third");
    let (error, exit) = alice.failure(&["approve", "3"]);
    assert_eq!(exit, 1, "{error}");
    let texts = bob.objects(&["log"]);
    assert!(texts.iter().all(|line| line["text"] != "first"));
}

/// A person with a session of an agent that is woken by a command, which leaves a file in the session's folder.
fn with_sleeper(person: &Person) -> std::path::PathBuf {
    let home = person.object(&["identity"])["home"].clone();
    let agents = std::path::Path::new(text(&home)).join("agents");
    fs::create_dir_all(&agents).unwrap();
    let profile = agents.join("sleeper.toml");
    fs::write(
        &profile,
        r#"v = 1
name = "sleeper"
title = "Sleeper"
[event]
session = "session"
directory = "directory"
name = "event"
[moments]
prompt = ["prompt"]
[answer]
prompt = '{"context":"{context}"}'
[wake]
means = "command"
command = ["cp", "/dev/null", "{session}-woken"]
"#,
    )
    .unwrap();
    let event = json!({"event": "prompt", "session": "s1", "directory": person.project});
    let hook = person.run_with_input(&["hook", "--agent", "sleeper"], &event.to_string());
    assert!(hook.status.success());
    person.project.join("s1-woken")
}

#[test]
fn a_mention_wakes_only_where_the_owner_wants_it() {
    let (alice, bob, _) = two();
    let woken = with_sleeper(&alice);
    let mut events = subscribe(&alice);

    // Off by default.
    bob.object(&["send", "@alice one"]);
    alice.until_text("@alice one");
    let wake = alice.object(&["wake"]);
    assert_eq!(
        (&wake["wake"], &wake["agents"]),
        (&json!(false), &json!(false))
    );

    // On, and not for what names nobody, what agents say, or what names another agent.
    alice.object(&["wake", "on"]);
    bob.object(&["send", "nobody in particular"]);
    bob.object(&["send", "--via", "codex", "@alice I am an agent"]);
    bob.object(&["send", "@alice/claude-code only you"]);
    alice.until_text("@alice/claude-code only you");
    bob.object(&["send", "@alice/sleeper get up"]);
    let first = event(&mut events, "woken");
    assert_eq!(first["agent"], "sleeper");
    assert!(woken.exists());
    // All that came before was looked at before it, and had woken nobody: once a minute would have stopped this one.
    let log = alice.daemon_log();
    assert!(!log.contains("cannot wake"), "{log}");
}

#[test]
fn agents_wake_each_other_only_where_the_owner_says_so_and_members_can_be_left_out() {
    let (alice, bob, _) = two();
    with_sleeper(&alice);
    let mut events = subscribe(&alice);
    alice.object(&["wake", "on"]);
    alice.object(&["wake", "off", "--member", "bob"]);
    bob.object(&["send", "@alice not from you"]);
    alice.until_text("@alice not from you");
    alice.object(&["wake", "on", "--member", "bob"]);
    let state = alice.object(&["wake", "on", "--agents"]);
    assert_eq!(
        (&state["wake"], &state["agents"]),
        (&json!(true), &json!(true))
    );
    bob.object(&["send", "--via", "codex", "@alice from an agent"]);
    event(&mut events, "woken");
}
