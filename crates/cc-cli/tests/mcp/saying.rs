//! What an agent says: under its name, answered, held, or not let out.

use serde_json::json;

use crate::support::Person;
use crate::support::people::{key, two};
use crate::support::tools::Tools;

#[test]
fn what_an_agent_says_reaches_the_room_under_its_name() {
    let (alice, bob, _) = two();
    let mut tools = Tools::start(&alice);
    let said = tools.done("room_send", &json!({"text": "which database?"}));
    let line = bob.until_text("which database?").pop().unwrap();
    assert_eq!(line["via"], "claude-code");
    assert_eq!(line["author"], key(&alice));
    assert!(said.contains(line["id"].as_str().unwrap()), "{said}");

    tools.done(
        "room_send",
        &json!({"text": "still at it", "role": "status"}),
    );
    let line = bob.until_text("still at it").pop().unwrap();
    assert_eq!(line["via"], "claude-code/status");

    bob.run(&["send", "postgres"]);
    let question = alice.until_text("postgres").pop().unwrap();
    for (reply_to, text) in [
        (question["n"].clone(), "by line"),
        (json!(question["n"].to_string()), "by line as a text"),
        (question["id"].clone(), "by id"),
    ] {
        tools.done("room_send", &json!({"text": text, "reply_to": reply_to}));
        let line = bob.until_text(text).pop().unwrap();
        assert_eq!(line["re"], question["id"], "{text}");
    }
    for reply_to in [json!(0), json!(99_999), json!("ab".repeat(32))] {
        let (kind, _) = tools.refused("room_send", &json!({"text": "x", "reply_to": reply_to}));
        assert_eq!(kind, "no_such_message", "{reply_to}");
    }
}

#[test]
fn what_an_agent_wants_to_say_can_wait_for_a_yes() {
    let (alice, bob, _) = two();
    let mut tools = Tools::start_with(&alice, &["--approve"], |_| {});
    let held = tools.done("room_send", &json!({"text": "may I?"}));
    assert!(held.contains("held as number 1"), "{held}");
    let asked = tools.done("room_ask", &json!({"text": "may I ask?"}));
    assert!(asked.contains("held as number 2"), "{asked}");
    let none = bob.objects(&["log"]);
    assert!(none.iter().all(|line| line["kind"] != "chat"), "{none:?}");
    assert!(alice.run(&["approve", "1"]).status.success());
    let line = bob.until_text("may I?").pop().unwrap();
    assert_eq!(line["via"], "claude-code");
}

#[test]
fn a_secret_is_not_said() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let mut tools = Tools::start(&alice);
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let (kind, text) = tools.refused(
        "room_send",
        &json!({"text": format!("the token is {token}")}),
    );
    assert_eq!(kind, "secret", "{text}");
    assert!(!text.contains(&token), "{text}");
}

#[test]
fn a_question_is_answered_by_reply_or_by_name_and_has_a_deadline() {
    let (alice, bob, _) = two();
    let (mut hers, mut his) = (Tools::start(&alice), Tools::start(&bob));
    let ask = hers.begin("room_ask", &json!({"text": "which port?"}));
    let question = bob.until_text("which port?").pop().unwrap();
    his.done(
        "room_send",
        &json!({"text": "on it", "reply_to": question["id"], "role": "status"}),
    );
    assert!(bob.run(&["send", "something else"]).status.success());
    his.done(
        "room_send",
        &json!({"text": "8080", "reply_to": question["id"]}),
    );
    let told = hers.told(ask);
    assert!(
        !told.is_error && told.text.contains("8080"),
        "{}",
        told.text
    );
    assert!(
        !told.text.contains("on it") && !told.text.contains("something else"),
        "{}",
        told.text
    );
    // What the question got, a wait does not give again.
    let nothing = hers.done("room_wait", &json!({"deadline_seconds": 1}));
    assert!(nothing.contains("within 1 seconds"), "{nothing}");

    let ask = hers.begin("room_ask", &json!({"text": "and the host?"}));
    bob.until_text("and the host?");
    assert!(bob.run(&["send", "@alice localhost"]).status.success());
    assert!(hers.told(ask).text.contains("localhost"));
    let late = hers.done(
        "room_ask",
        &json!({"text": "and why?", "deadline_seconds": 1}),
    );
    assert!(late.contains("Nobody answered within 1 seconds"), "{late}");
    bob.until_text("and why?");
}
