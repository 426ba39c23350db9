//! Rooms that are left in the chat, joined again, or that one is removed from.

use serde_json::json;

use crate::support::Person;
use crate::tmux::Tmux;
use crate::{ticket, two};

/// What nobody is to read of a room that they left, or were removed from.
const DOOR: &str = "door was closed";

#[test]
fn who_leaves_and_comes_back_hears_and_is_heard() {
    let Some(tmux) = Tmux::start() else { return };
    let (alice, bob) = (Person::new(), Person::new());
    let (hers, his, _) = two(&tmux, &alice, &bob);
    let (_, ticket) = ticket(&alice);

    for turn in ["first", "second"] {
        his.say("/leave --yes");
        let shown = his.until("left kitchen.");
        assert!(
            !shown.contains("removed") && !shown.contains(DOOR) && !shown.contains("online"),
            "{shown}"
        );
        his.press(&["Escape"]);
        his.until_gone("left kitchen.");
        his.say("anybody?");
        let shown = his.until("you left this room");
        assert!(!shown.contains(DOOR), "{shown}");
        his.keep(&format!("left-{turn}"));
        his.press(&["C-c"]);
        his.until_gone("anybody?");

        his.say(&format!("/join {ticket}"));
        his.until("of 2 online");
        hers.say(&format!("welcome back, {turn} time"));
        his.until(&format!("welcome back, {turn} time"));
        let here = format!("here the {turn} time");
        his.say(&here);
        hers.until(&here);
        // His own are seen to arrive.
        his.until_true("his words have reached her", |screen| {
            let mut after = screen.split(&here);
            after.nth(1).is_some_and(|after| after.contains("✓✓ alice"))
        });
    }

    // Left elsewhere, it is left here.
    let left = bob.object(&["leave", "--yes"]);
    assert_eq!(left["told"], true);
    his.until("you left");
    his.until_gone("online");
}

#[test]
fn who_is_removed_reads_nothing_of_doors() {
    let Some(tmux) = Tmux::start() else { return };
    let (alice, bob) = (Person::new(), Person::new());
    let (hers, his, room) = two(&tmux, &alice, &bob);
    let mut socket = bob.connect();
    socket.call("subscribe", &json!({"room": room}));
    hers.say("/remove bob --yes");
    // His machine hears of it by this alone, where nobody else is there.
    while socket.line().expect("an event")["params"]["event"] != "refused" {}
    let shown = his.until("you may have been removed");
    assert!(!shown.contains(DOOR), "{shown}");
}
