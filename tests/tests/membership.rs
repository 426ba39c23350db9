//! Who belongs, between real daemons: invites that are used up, expired or revoked, at one door and at two doors that
//! cannot reach each other; removal, its cuts, and the way back; what partitions disagreed about, afterwards.
//!
//! A partition is made by stopping daemons in turn: who runs at different times has heard nothing of each other.

use std::time::Duration;

use cc_proto::ticket::Ticket;
use cc_tests::{
    bins::bin,
    machine::{Machine, run, until_same, within},
};
use serde_json::{Value, json};
use tokio::time::timeout;

/// How long machines may take to come to the same.
const DEADLINE: Duration = Duration::from_mins(1);

/// Everybody that `members` lists.
async fn members(machine: &Machine) -> Vec<Value> {
    machine.cc_connect(&["members", "--json"], "").await
}

/// The nicks of those who belong, each with whether they came over an invite's uses; in order.
fn belonging(people: &[Value]) -> Vec<(String, bool)> {
    let members = people.iter().filter(|person| person["member"] == true);
    let mut nicks: Vec<(String, bool)> = members
        .map(|person| (text(&person["nick"]), person["over"] == true))
        .collect();
    nicks.sort();
    nicks
}

fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// Waits until a machine lists these members, each with whether they came over an invite's uses.
async fn until_members(machine: &Machine, room: &str, wanted: &[(&str, bool)]) -> Vec<Value> {
    let mut wanted: Vec<(String, bool)> = wanted
        .iter()
        .map(|(nick, over)| ((*nick).to_owned(), *over))
        .collect();
    wanted.sort();
    let mut listed = members(machine).await;
    let mut events = machine.control().await;
    events.call("subscribe", &json!({"room": room})).await;
    let come = async {
        loop {
            listed = members(machine).await;
            if belonging(&listed) == wanted {
                return;
            }
            events.line().await.expect("the daemon lives");
        }
    };
    let come = timeout(DEADLINE, come).await.is_ok();
    assert!(
        come,
        "{listed:#?}\nwanted {wanted:?}\n{}",
        machine.daemon_log()
    );
    listed
}

/// An invite as it is printed, with its ticket.
async fn invite(machine: &Machine, args: &[&str]) -> Value {
    let args = [&["invite", "--json"], args].concat();
    machine.cc_connect(&args, "").await.remove(0)
}

fn ticket(invite: &Value) -> String {
    text(&invite["ticket"])
}

/// A member's key.
async fn key(machine: &Machine) -> String {
    let identity = machine.cc_connect(&["identity", "--json"], "").await;
    text(&identity[0]["id"])
}

/// A ticket that leads to one of its doors alone, where it would otherwise be open which of them opens first.
fn at_door(ticket: &str, door: &str) -> String {
    let mut ticket: Ticket = ticket.parse().expect("a ticket");
    ticket
        .addresses
        .retain(|address| address.id.to_hex() == door);
    assert_eq!(ticket.addresses.len(), 1, "the ticket leads to {door}");
    ticket.to_string()
}

/// How a join fails that is refused for good.
async fn refusal(machine: &Machine, ticket: &str, nick: &str) -> String {
    let join = "room join - --wait 60 --relay none --no-ui --json --nick";
    let args: Vec<&str> = join.split(' ').chain([nick]).collect();
    let failed = machine.failure(&args, ticket).await;
    assert_eq!((&*failed.kind, failed.exit), ("refused", 1), "{failed:?}");
    failed.message
}

async fn send(machine: &Machine, text: &str) -> Value {
    machine
        .cc_connect(&["send", "--json", text], "")
        .await
        .remove(0)
}

async fn stop(machines: &[&Machine]) {
    for machine in machines {
        machine.cc_connect(&["stop", "--json"], "").await;
    }
}

/// Starts the daemons of machines that were stopped.
async fn wake(machines: &[&Machine]) {
    for machine in machines {
        members(machine).await;
    }
}

/// Whether a text is anywhere in a room's folder.
fn holds(machine: &Machine, room: &str, text: &str) -> bool {
    let messages = machine.messages(room);
    messages
        .iter()
        .any(|(_, said)| said.as_deref() == Some(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_for_one_admits_one_at_one_door() {
    let (alice, bob, carol) = (Machine::new(), Machine::new(), Machine::new());
    let (room, _) = alice.start_room("alice").await;
    let one = invite(&alice, &["--uses", "1"]).await;
    assert_eq!(one["uses"], 1);
    bob.join_room(&ticket(&one), "bob").await;
    let reason = refusal(&carol, &ticket(&one), "carol").await;
    assert_eq!(reason, "the invite was used as often as it may be");
    until_members(&alice, &room, &[("alice", false), ("bob", false)]).await;
    // The key that has used it may come again, as after its home was lost in part.
    stop(&[&bob]).await;
    std::fs::remove_dir_all(bob.room_dir(&room)).unwrap();
    bob.join_room(&ticket(&one), "bob").await;
    until_members(&alice, &room, &[("alice", false), ("bob", false)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_for_one_admits_two_at_two_doors_apart_and_both_are_marked() {
    let (alice, bob) = (Machine::new(), Machine::new());
    let (carol, dave) = (Machine::new(), Machine::new());
    let (room, first) = alice.start_room("alice").await;
    bob.join_room(&first, "bob").await;
    let one = ticket(&invite(&alice, &["--uses", "1"]).await);
    let read: Ticket = one.parse().unwrap();
    assert_eq!(read.addresses.len(), 2, "the ticket leads to both doors");
    until_same(&[&alice, &bob], &room, DEADLINE).await;

    stop(&[&alice]).await;
    carol.join_room(&one, "carol").await;
    until_members(
        &carol,
        &room,
        &[("alice", false), ("bob", false), ("carol", false)],
    )
    .await;
    stop(&[&bob, &carol]).await;
    wake(&[&alice]).await;
    dave.join_room(&one, "dave").await;
    until_members(
        &dave,
        &room,
        &[("alice", false), ("bob", false), ("dave", false)],
    )
    .await;

    wake(&[&bob, &carol]).await;
    let both = [
        ("alice", false),
        ("bob", false),
        ("carol", true),
        ("dave", true),
    ];
    for machine in [&alice, &bob, &carol, &dave] {
        until_members(machine, &room, &both).await;
    }
    for machine in [&alice, &bob] {
        let mut log = machine.command(&bin("cc-connect"));
        let log = run(log.arg("log"), "").await.expect("it ends");
        let log = String::from_utf8(log.stdout).expect("it is text");
        let marked = log.matches("in, over the uses of the invite").count();
        assert_eq!(marked, 2, "{log}");
    }
    // They are members like others, and nobody comes by it any more.
    send(&carol, "by carol").await;
    dave.log_line(|line| line["text"] == "by carol").await;
    let late = Machine::new();
    refusal(&late, &one, "late").await;
    let shown = alice.cc_connect(&["invites", "--json"], "").await;
    assert!(
        shown
            .iter()
            .any(|invite| invite["uses"] == 1 && invite["used"] == 2),
        "{shown:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_and_a_revoked_invite_admit_nobody_and_say_why() {
    let (alice, bob, carol) = (Machine::new(), Machine::new(), Machine::new());
    let (room, first) = alice.start_room("alice").await;
    let short = invite(&alice, &["--expires", "1s"]).await;
    let ended = async {
        loop {
            let listed = alice.cc_connect(&["invites", "--json"], "").await;
            let this = listed
                .iter()
                .find(|listed| listed["invite"] == short["invite"]);
            if this.expect("it is listed")["expired"] == true {
                return;
            }
        }
    };
    within("an invite's end", ended).await;
    assert_eq!(
        refusal(&bob, &ticket(&short), "bob").await,
        "the invite has expired"
    );

    let good = invite(&alice, &["--expires", "never"]).await;
    carol.join_room(&ticket(&good), "carol").await;
    alice
        .cc_connect(&["revoke", &text(&good["invite"]), "--json"], "")
        .await;
    let reason = refusal(&bob, &ticket(&good), "bob").await;
    assert_eq!(reason, "the invite was revoked");
    // Who came by it stays, and another invite is as good as before.
    until_members(&alice, &room, &[("alice", false), ("carol", false)]).await;
    bob.join_room(&first, "bob").await;
    until_members(
        &carol,
        &room,
        &[("alice", false), ("bob", false), ("carol", false)],
    )
    .await;
}

/// Alice, bob and mallory, and carol by mallory's invite; mallory has said something.
struct Four {
    alice: Machine,
    bob: Machine,
    carol: Machine,
    mallory: Machine,
    room: String,
    /// The ticket that bob and mallory came by.
    ticket: String,
    /// Mallory's own invites: carol came by the first.
    of_mallory: [String; 2],
}

async fn four() -> Four {
    let (alice, bob) = (Machine::new(), Machine::new());
    let (carol, mallory) = (Machine::new(), Machine::new());
    let (room, first) = alice.start_room("alice").await;
    bob.join_room(&first, "bob").await;
    mallory.join_room(&first, "mallory").await;
    let of_mallory = [
        ticket(&invite(&mallory, &[]).await),
        ticket(&invite(&mallory, &["--expires", "never"]).await),
    ];
    carol.join_room(&of_mallory[0], "carol").await;
    send(&mallory, "said before").await;
    until_same(&[&alice, &bob, &carol, &mallory], &room, DEADLINE).await;
    Four {
        alice,
        bob,
        carol,
        mallory,
        room,
        ticket: first,
        of_mallory,
    }
}

const WITHOUT_MALLORY: [(&str, bool); 3] = [("alice", false), ("bob", false), ("carol", false)];

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_is_out_with_every_ticket_and_the_others_stay() {
    let four = four().await;
    let removed = four
        .alice
        .cc_connect(&["remove", "mallory", "--yes", "--json"], "")
        .await;
    let voided = removed[0]["voided"].as_array().unwrap().len();
    assert_eq!(
        voided, 3,
        "the one they came by, and both of their own: {removed:?}"
    );
    for machine in [&four.alice, &four.bob, &four.carol] {
        until_members(machine, &four.room, &WITHOUT_MALLORY).await;
        assert!(holds(machine, &four.room, "said before"));
    }
    // With the old key, by a ticket that is good for others.
    let open = ticket(&invite(&four.bob, &[]).await);
    let reason = refusal(&four.mallory, &open, "mallory").await;
    assert!(reason.starts_with("you were removed"), "{reason}");
    // With a fresh one and the old one, by every ticket that mallory came by or made.
    let fresh = Machine::new();
    for ticket in [&four.ticket, &four.of_mallory[0], &four.of_mallory[1]] {
        let reason = refusal(&fresh, ticket, "nobody").await;
        assert_eq!(reason, "the invite was revoked");
        refusal(&four.mallory, ticket, "mallory").await;
    }
    let stays = [("alice", false), ("bob", false), ("carol", false)];
    until_members(&four.alice, &four.room, &stays).await;
    send(&four.carol, "still here").await;
    four.bob.log_line(|line| line["text"] == "still here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_member_writes_later_is_nowhere_and_back_lets_them_in_again() {
    let four = four().await;
    let Four {
        alice,
        bob,
        carol,
        mallory,
        room,
        ..
    } = &four;
    // Mallory hears nothing of the removal, and goes on writing.
    stop(&[mallory]).await;
    alice
        .cc_connect(&["remove", "mallory", "--yes", "--json"], "")
        .await;
    for machine in [alice, bob, carol] {
        until_members(machine, room, &WITHOUT_MALLORY).await;
    }
    stop(&[alice, bob, carol]).await;
    wake(&[mallory]).await;
    send(mallory, "said later").await;
    wake(&[alice, bob, carol]).await;
    send(mallory, "said with all there").await;

    let back = alice
        .cc_connect(&["remove", "mallory", "--back", "--json"], "")
        .await;
    assert_eq!(
        (&back[0]["removed"], &back[0]["uses"]),
        (&json!(false), &json!(1))
    );
    mallory.join_room(&ticket(&back[0]), "mallory").await;
    send(mallory, "here again").await;
    for machine in [alice, bob, carol] {
        machine.log_line(|line| line["text"] == "here again").await;
        assert!(holds(machine, room, "said before"));
        for later in ["said later", "said with all there"] {
            assert!(!holds(machine, room, later), "{later}");
        }
        let session = machine.hook("a session", &machine.project()).await;
        let read = format!("{session:?}");
        assert!(
            read.contains("here again") && !read.contains("said later"),
            "{read}"
        );
    }
    let all = [
        ("alice", false),
        ("bob", false),
        ("carol", false),
        ("mallory", false),
    ];
    for machine in [alice, bob, carol, mallory] {
        until_members(machine, room, &all).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_and_admission_apart_come_to_one_roster() {
    let (alice, bob, mallory) = (Machine::new(), Machine::new(), Machine::new());
    let (eve, frank) = (Machine::new(), Machine::new());
    let (room, first) = alice.start_room("alice").await;
    bob.join_room(&first, "bob").await;
    mallory.join_room(&first, "mallory").await;
    let of_mallory = ticket(&invite(&mallory, &[]).await);
    let of_alice = ticket(&invite(&alice, &[]).await);
    until_same(&[&alice, &bob, &mallory], &room, DEADLINE).await;

    // Apart from alice, mallory lets in eve by an invite of mallory's, and bob frank by one of alice's. Had
    // mallory let in frank, that would be undone as well: it is in mallory's chain beyond the cut.
    stop(&[&alice]).await;
    let (bobs_door, mallorys_door) = (key(&bob).await, key(&mallory).await);
    let of_mallory = at_door(&of_mallory, &mallorys_door);
    eve.join_room(&of_mallory, "eve").await;
    frank
        .join_room(&at_door(&of_alice, &bobs_door), "frank")
        .await;
    let apart = ["alice", "bob", "eve", "frank", "mallory"].map(|nick| (nick, false));
    until_members(&frank, &room, &apart).await;
    let listed = until_members(&bob, &room, &apart).await;
    for (nick, door) in [("eve", mallorys_door), ("frank", bobs_door)] {
        let person = listed.iter().find(|person| person["nick"] == nick);
        assert_eq!(person.expect("they belong")["doors"], json!([door]));
    }
    stop(&[&bob, &eve, &frank, &mallory]).await;
    // Apart from them, alice removes mallory, and knows of neither.
    wake(&[&alice]).await;
    alice
        .cc_connect(&["remove", "mallory", "--yes", "--json"], "")
        .await;
    wake(&[&bob, &frank, &eve, &mallory]).await;

    // Eve came by an invite that ended with mallory; frank by one that has nothing to do with that.
    let together = [("alice", false), ("bob", false), ("frank", false)];
    let mut lists = Vec::new();
    for machine in [&alice, &bob, &frank] {
        let listed = until_members(machine, &room, &together).await;
        let gone = listed
            .into_iter()
            .filter(|person| person["member"] == false);
        let mut gone: Vec<(String, Value)> = gone
            .map(|person| (text(&person["nick"]), person["removed"].clone()))
            .collect();
        gone.sort_by(|one, other| one.0.cmp(&other.0));
        lists.push(gone);
    }
    assert!(
        lists
            .iter()
            .all(|gone| gone.contains(&("mallory".to_owned(), json!(true)))),
        "{lists:?}"
    );
    send(&frank, "one roster").await;
    for machine in [&alice, &bob] {
        machine.log_line(|line| line["text"] == "one roster").await;
    }
    send(&eve, "eve goes on").await;
    send(&bob, "after eve").await;
    frank.log_line(|line| line["text"] == "after eve").await;
    assert!(!holds(&alice, &room, "eve goes on"));
}
