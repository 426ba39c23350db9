//! How far a message has come, with real daemons: on whose disks it is, and whose agents were shown it.

use cc_tests::machine::{COMMAND_DEADLINE, Machine};
use serde_json::{Value, json};

/// The line of a text in `log --receipts --json`.
async fn receipt(machine: &Machine, text: &str) -> Value {
    let lines = machine
        .cc_connect(&["log", "--receipts", "--json"], "")
        .await;
    let line = lines.into_iter().find(|line| line["text"] == text);
    line.expect("the text is in the log")
}

/// Waits for the daemon's word that there is more, until the line is as wanted.
async fn until(
    machine: &Machine,
    room: &str,
    text: &str,
    wanted: impl Fn(&Value) -> bool,
) -> Value {
    let mut control = machine.control().await;
    control.call("subscribe", &json!({"room": room})).await;
    let waited = tokio::time::timeout(COMMAND_DEADLINE, async {
        loop {
            let line = receipt(machine, text).await;
            if wanted(&line) {
                return line;
            }
            while control.line().await.expect("the daemon lives")["params"]["event"] != "receipts" {
            }
        }
    });
    waited.await.expect("the receipts of a message")
}

async fn key_of(machine: &Machine) -> String {
    let identity = machine.cc_connect(&["identity", "--json"], "").await;
    identity[0]["id"].as_str().expect("a key").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_sees_whom_a_message_reached_and_to_whose_agent_it_was_offered() {
    let (alice, bob) = (Machine::new(), Machine::new());
    let (room, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;
    let bobs = key_of(&bob).await;
    alice.cc_connect(&["send", "--json", "postgres"], "").await;
    let line = until(&alice, &room, "postgres", |line| {
        line["reached"] == json!([bobs])
    })
    .await;
    assert_eq!(
        (&line["stored"], &line["others"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(line["offered"], json!([]));

    // Bob's hook runs for his prompt, and Alice sees it.
    let told = bob.hook("s1", &bob.project()).await.expect("news");
    assert_eq!(told.texts().collect::<Vec<_>>(), ["postgres"]);
    let offered = json!([{"author": bobs, "agent": "claude-code"}]);
    until(&alice, &room, "postgres", |line| line["offered"] == offered).await;
    let own = until(&bob, &room, "postgres", |line| line["offered"] == offered).await;
    assert_eq!((&own["others"], &own["reached"]), (&json!(0), &json!([])));
    let shown = text_of(&alice).await;
    let way = "✓ stored · reached 1 of 1: @bob · offered to @bob's claude-code";
    assert!(shown.contains(way), "{shown}");

    // What was told before a restart is told again: by Bob to Alice, and of himself by his own notes.
    for machine in [&alice, &bob] {
        machine.cc_connect(&["stop", "--json"], "").await;
        machine.cc_connect(&["status", "--json"], "").await;
    }
    let (_hers, _his) = (alice.daemon().await, bob.daemon().await);
    until(&alice, &room, "postgres", |line| line["offered"] == offered).await;

    // Turned off, nothing is told any more.
    let off = bob.cc_connect(&["receipts", "off", "--json"], "").await;
    assert_eq!(off[0]["receipts"], false);
    until(&alice, &room, "postgres", |line| {
        line["reached"] == json!([]) && line["offered"] == json!([])
    })
    .await;
    let is = bob.cc_connect(&["receipts", "--json"], "").await;
    assert_eq!(is[0]["receipts"], false);
    bob.cc_connect(&["receipts", "on", "--json"], "").await;
    until(&alice, &room, "postgres", |line| line["offered"] == offered).await;
    // Without the option nothing is said of it.
    let plain = alice.cc_connect(&["log", "--json"], "").await;
    assert!(plain.iter().all(|line| line.get("reached").is_none()));
}

async fn text_of(machine: &Machine) -> String {
    let mut command = machine.command(&cc_tests::bins::bin("cc-connect"));
    let output = command.args(["log", "--receipts"]).output().await;
    String::from_utf8(output.expect("it starts").stdout).expect("text")
}
