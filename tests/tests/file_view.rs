//! The file view, for agents that have no hook: kept by a real daemon, whatever changes what it shows.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use cc_hook_generic::view_path;
use cc_proto::render::{NO_ROOM_TEXT, PAUSED_TEXT};
use cc_tests::machine::{Machine, within};
use serde_json::json;
use tokio::time::interval;

/// Waits until the file holds what it should, and gives all that it holds.
async fn until(what: &str, path: &Path, wanted: impl Fn(&str) -> bool) -> String {
    let come = async {
        // There is no event of a file's being replaced that all systems have.
        let mut looks = interval(Duration::from_millis(20));
        loop {
            looks.tick().await;
            let text = fs::read_to_string(path).unwrap_or_default();
            if wanted(&text) {
                return text;
            }
        }
    };
    within(what, come).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_has_a_file_that_follows_its_room() {
    let (alice, bob) = (Machine::new(), Machine::new());
    let (room, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;
    let path = view_path(&alice.cc_home(), &alice.project());
    until("an empty view", &path, |text| text.contains("room \"")).await;

    bob.cc_connect(&["send", "--json", "the door code is 4711"], "")
        .await;
    let first = until("the message", &path, |text| text.contains("4711")).await;
    assert!(first.contains("[chatroom @bob "), "{first}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);

    // A file that comes by itself, and one that has to be fetched.
    let design = bob.project().join("design.svg");
    fs::write(&design, [b'x'; 148]).unwrap();
    bob.cc_connect(&["share", "--json", design.to_str().unwrap()], "")
        .await;
    let dropped = "dropped design.svg (148 B) @file:";
    let told = until("the file", &path, |text| text.contains(dropped)).await;
    let (_, here) = told.split_once(dropped).unwrap();
    let here = here.lines().next().unwrap();
    assert_eq!(fs::read(here).unwrap(), [b'x'; 148]);
    alice
        .cc_connect(&["files", "--json", "--auto-get", "off"], "")
        .await;
    let plan = bob.project().join("plan b.txt");
    fs::write(&plan, "by train").unwrap();
    bob.cc_connect(&["share", "--json", plan.to_str().unwrap()], "")
        .await;
    let announced = "announced \"plan b.txt\" (8 B), not here yet\n";
    until("its name", &path, |text| text.contains(announced)).await;
    alice.cc_connect(&["get", "--json", "plan b.txt"], "").await;
    let dropped = "dropped \"plan b.txt\" (8 B) @file:/";
    until("the other file", &path, |text| text.contains(dropped)).await;

    alice
        .cc_connect(&["petname", "--json", "bob", "Robert"], "")
        .await;
    let renamed = until("the petname", &path, |text| {
        text.contains("[chatroom @Robert ")
    })
    .await;
    let fence = |text: &str| text.lines().nth(1).unwrap().to_owned();
    assert_ne!(
        fence(&first),
        fence(&renamed),
        "each file has its own fence"
    );

    alice
        .cc_connect(&["trust", "--json", "Robert", "notice"], "")
        .await;
    let noticed = until("the count", &path, |text| {
        text.contains("from @Robert not shown")
    })
    .await;
    assert!(!noticed.contains("4711"), "{noticed}");
    alice
        .cc_connect(&["trust", "--json", "Robert", "inline"], "")
        .await;
    until("the message again", &path, |text| text.contains("4711")).await;

    alice.cc_connect(&["pause", "--json"], "").await;
    until("the pause", &path, |text| text == PAUSED_TEXT).await;
    alice.cc_connect(&["resume", "--json"], "").await;
    until("the end of the pause", &path, |text| text.contains("4711")).await;

    let line = bob
        .log_line(|line| line["text"] == "the door code is 4711")
        .await;
    let id = line["id"].as_str().unwrap().to_owned();
    bob.cc_connect(&["retract", "--json", &id], "").await;
    until("the taking back", &path, |text| !text.contains("4711")).await;

    // No bindings: as after `leave`.
    let mut control = alice.control().await;
    within(
        "leaving",
        control.call("room.leave", &json!({ "room": room })),
    )
    .await;
    until("no room", &path, |text| text == NO_ROOM_TEXT).await;
}
