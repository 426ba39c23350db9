//! Waits: beside other calls, cancelled, cut short, and with the daemon gone.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Person;
use crate::support::people::two;
use crate::support::tools::{Tools, fenced};

/// A client that goes takes its calls with it in less time than the protocol's library would leave them.
const AT_ONCE: Duration = Duration::from_secs(4);

#[test]
fn something_is_said_while_a_wait_blocks_and_a_mention_ends_it() {
    let (alice, bob, _) = two();
    let mut tools = Tools::start(&alice);
    let wait = tools.begin("room_wait", &json!({}));
    let other = tools.begin("room_wait", &json!({"deadline_seconds": 600}));
    tools.done("room_send", &json!({"text": "while waiting"}));
    tools.done("room_read", &json!({}));
    assert!(!tools.is_answered(wait) && !tools.is_answered(other));
    assert!(bob.run(&["send", "not for her"]).status.success());
    // Of two waits at once each mention ends one.
    let mut waits = vec![wait, other];
    for text in ["over to you", "and to you"] {
        assert!(
            bob.run(&["send", &format!("@alice {text}")])
                .status
                .success()
        );
        let answer = tools.until(|line| waits.iter().any(|id| line["id"] == *id));
        waits.retain(|id| answer["id"] != *id);
        let told = answer["result"]["content"][0]["text"].as_str().unwrap();
        let shown = fenced(told, &[text]);
        assert_eq!(shown.len(), 2, "{told}");
        assert!(
            shown[1].contains(text) && shown[1].contains("(for you)"),
            "{shown:?}"
        );
    }
}

#[test]
fn a_mention_before_the_wait_is_given_at_once_and_once() {
    let (alice, bob, _) = two();
    assert!(
        bob.run(&["send", "@alice before the session"])
            .status
            .success()
    );
    alice.until_text("@alice before the session");
    let mut tools = Tools::start(&alice);
    for text in ["@alice one", "nothing", "@alice two"] {
        assert!(bob.run(&["send", text]).status.success());
    }
    let newest = alice.until_text("@alice two").pop().unwrap()["n"]
        .as_u64()
        .unwrap();
    let told = tools.done("room_wait", &json!({"deadline_seconds": 600}));
    assert!(
        told.contains("@alice one") && told.contains("@alice two"),
        "{told}"
    );
    assert!(
        !told.contains("before the session") && !told.contains("nothing"),
        "{told}"
    );
    let nothing = tools.done("room_wait", &json!({"deadline_seconds": 1}));
    assert!(nothing.contains("within 1 seconds"), "{nothing}");
    // By its line it is given again.
    let again = tools.done("room_wait", &json!({"after": newest - 1}));
    assert!(
        again.contains("@alice two") && !again.contains("@alice one"),
        "{again}"
    );
}

#[test]
fn an_agent_is_called_by_its_name_and_by_answers_to_it() {
    let (alice, bob, _) = two();
    let (mut hers, mut his) = (Tools::start(&alice), Tools::start(&bob));
    hers.done("room_send", &json!({"text": "anything to do?"}));
    let question = bob.until_text("anything to do?").pop().unwrap();
    his.done(
        "room_send",
        &json!({"text": "the tests", "reply_to": question["n"]}),
    );
    let told = hers.done("room_wait", &json!({}));
    assert!(
        told.contains("the tests") && told.contains("via claude-code"),
        "{told}"
    );
    assert!(
        bob.run(&["send", "@claude-code and the docs"])
            .status
            .success()
    );
    let told = hers.done("room_wait", &json!({}));
    assert!(
        told.contains("and the docs") && !told.contains("the tests"),
        "{told}"
    );
}

#[test]
fn a_cancelled_wait_ends_leaves_nothing_open_and_loses_nothing() {
    let (alice, bob, _) = two();
    let mut tools = Tools::start(&alice);
    tools.done("room_members", &json!({}));
    let before = tools.open_files();
    let waits: Vec<u64> = (0..10)
        .map(|_| tools.begin("room_wait", &json!({})))
        .collect();
    tools.ping_until(|tools| tools.open_files() >= before + 10);
    for id in &waits {
        tools.cancel(*id);
    }
    tools.ping_until(|tools| tools.open_files() <= before);
    assert!(bob.run(&["send", "@alice hello"]).status.success());
    assert!(tools.done("room_wait", &json!({})).contains("@alice hello"));
    for id in waits {
        assert!(!tools.is_answered(id));
    }
    // A cancel that comes after the answer brings the mention back: the client threw the answer away.
    assert!(bob.run(&["send", "@alice again"]).status.success());
    let wait = tools.begin("room_wait", &json!({}));
    assert!(tools.told(wait).text.contains("@alice again"));
    tools.cancel(wait);
    tools.request("ping", &json!({}));
    assert!(
        tools
            .done("room_wait", &json!({"deadline_seconds": 30}))
            .contains("@alice again")
    );
}

#[test]
fn the_end_of_input_and_sigterm_end_the_server_at_once() {
    let alice = Person::new();
    alice.start("shop", "alice");
    for by_signal in [false, true] {
        let mut tools = Tools::start(&alice);
        let before = tools.open_files();
        tools.begin("room_wait", &json!({"deadline_seconds": 600}));
        tools.ping_until(|tools| tools.open_files() > before);
        let started = Instant::now();
        if by_signal {
            let pid = rustix::process::Pid::from_raw(tools.pid().cast_signed()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        } else {
            tools.close();
        }
        assert_eq!(tools.ended().code(), Some(0), "by signal: {by_signal}");
        assert!(
            started.elapsed() < AT_ONCE,
            "by signal {by_signal}: {:?}",
            started.elapsed()
        );
    }
}

#[test]
fn what_was_asked_before_the_end_of_input_is_still_answered() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let mut tools = Tools::start(&alice);
    let sent = tools.begin("room_send", &json!({"text": "last words"}));
    tools.close();
    assert!(!tools.told(sent).is_error);
    assert_eq!(tools.ended().code(), Some(0));
}

#[test]
fn a_daemon_that_dies_is_replaced_and_one_that_was_stopped_stays_so() {
    let (alice, bob, _) = two();
    let mut tools = Tools::start(&alice);
    tools.done("room_send", &json!({"text": "before"}));
    alice.kill_daemon();
    tools.done("room_send", &json!({"text": "after"}));
    bob.until_text("after");
    let before = tools.open_files();
    let wait = tools.begin("room_wait", &json!({"deadline_seconds": 120}));
    tools.ping_until(|tools| tools.open_files() > before);
    alice.kill_daemon();
    assert!(bob.run(&["send", "@alice are you back?"]).status.success());
    let told = tools.told(wait);
    assert!(
        !told.is_error && told.text.contains("are you back?"),
        "{}",
        told.text
    );

    let before = tools.open_files();
    let wait = tools.begin("room_wait", &json!({"deadline_seconds": 6}));
    tools.ping_until(|tools| tools.open_files() > before);
    assert!(alice.run(&["stop"]).status.success());
    let told = tools.told(wait);
    assert!(
        told.is_error && told.text.contains("stopped"),
        "{}",
        told.text
    );
    assert!(!alice.is_daemon_running(), "{}", alice.daemon_log());
    tools.done("room_send", &json!({"text": "and here again"}));
}
