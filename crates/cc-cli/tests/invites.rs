//! Tickets, as people make, list, read and end them, with real daemons on loopback.

mod support;

use std::time::Instant;

use serde_json::{Value, json};
use support::people::{belongs, key, members, refusal, text, two};
use support::{DEADLINE, Person, stderr, stdout};

#[test]
fn an_invite_is_made_listed_used_up_and_revoked() {
    let (alice, bob) = (Person::new(), Person::new());
    let (room, _) = alice.start("shop", "alice");
    let made = alice.object(&[
        "invite",
        "--uses",
        "1",
        "--expires",
        "24h",
        "--note",
        "for bob",
    ]);
    assert_eq!(
        (&made["room"], &made["uses"], &made["note"]),
        (&room.into(), &1.into(), &"for bob".into())
    );
    assert!(text(&made["ticket"]).starts_with("cc1-"));
    assert!(made["expires"].as_u64().unwrap() > 0);
    assert_eq!(text(&made["id"]).len(), 64);
    let invite = text(&made["invite"]);

    bob.join(text(&made["ticket"]), "bob");
    let listed = alice.objects(&["invites"]);
    assert_eq!(
        listed.len(),
        2,
        "the first one came with the room: {listed:#?}"
    );
    let this = listed
        .iter()
        .find(|listed| listed["invite"] == invite)
        .unwrap();
    for (field, value) in [
        ("by", json!(key(&alice))),
        ("by_name", json!("alice")),
        ("expires", made["expires"].clone()),
        ("expired", json!(false)),
        ("uses", json!(1)),
        ("used", json!(1)),
        ("note", json!("for bob")),
        ("revoked", json!(false)),
    ] {
        assert_eq!(this[field], value, "{field}");
    }
    let shown = stdout(&alice.run(&["invites"]));
    assert!(
        shown.contains(&invite[..10]) && shown.contains("1/1") && shown.contains("for bob"),
        "{shown}"
    );

    let late = Person::new();
    let error = refusal(&late, text(&made["ticket"]));
    assert_eq!(
        error["message"],
        "the invite was used as often as it may be"
    );
    assert!(error["hint"].as_str().is_some());

    let revoked = alice.object(&["revoke", &invite[..8]]);
    assert_eq!(revoked["invite"], invite);
    assert_eq!(revoked["stay"], json!([key(&bob)]));
    let (error, _) = alice.failure(&["revoke", invite]);
    assert_eq!(error["kind"], "invite");
    assert!(
        text(&error["message"]).contains("revoked before"),
        "{error}"
    );
    assert_eq!(alice.failure(&["revoke", "nonsense"]).0["kind"], "invite");
    assert!(belongs(&members(&bob), "bob"));
}

#[test]
fn a_revoked_and_an_expired_ticket_say_so() {
    let (alice, _bob, _) = two();
    let made = alice.object(&["invite", "--expires", "never"]);
    assert_eq!(
        (&made["expires"], &made["uses"]),
        (&Value::Null, &Value::Null)
    );
    let told = alice.run(&["revoke", text(&made["invite"])]);
    let said = stdout(&told);
    assert!(
        said.contains("Nobody has come by it") && said.contains("cannot be undone"),
        "{said}"
    );
    let late = Person::new();
    assert_eq!(
        refusal(&late, text(&made["ticket"]))["message"],
        "the invite was revoked"
    );

    let made = alice.object(&["invite", "--expires", "1s"]);
    let started = Instant::now();
    let expired = || {
        let listed = alice.objects(&["invites"]);
        let this = listed
            .into_iter()
            .find(|listed| listed["invite"] == made["invite"]);
        this.unwrap()["expired"] == true
    };
    while !expired() {
        assert!(started.elapsed() < DEADLINE);
    }
    let later = Person::new();
    assert_eq!(
        refusal(&later, text(&made["ticket"]))["message"],
        "the invite has expired"
    );
}

#[test]
fn a_wrong_invite_is_refused_before_anything_is_asked() {
    let alice = Person::new();
    alice.start("shop", "alice");
    for wrong in [
        &["invite", "--uses", "0"][..],
        &["invite", "--uses", "-1"],
        &["invite", "--expires", "0s"],
        &["invite", "--expires", "yesterday"],
        &["invite", "--expires", "2001-01-01"],
        &["invite", "--note", &"x".repeat(257)],
        &["invite", "--qr"],
    ] {
        let (error, exit) = alice.failure(wrong);
        assert_eq!((&error["kind"], exit), (&"usage".into(), 2), "{wrong:?}");
    }
    assert_eq!(alice.objects(&["invites"]).len(), 1);
}

#[test]
fn a_ticket_is_printed_as_a_qr_code_on_request_alone() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let plain = alice.run(&["invite"]);
    assert_eq!(stdout(&plain).lines().count(), 1);
    assert!(stderr(&plain).contains("until"), "{}", stderr(&plain));
    let with_code = alice.run(&["invite", "--qr"]);
    let printed = stdout(&with_code);
    assert!(printed.starts_with("cc1-"));
    assert!(printed.lines().skip(1).count() > 20, "{printed}");
    assert!(!printed.contains('\u{1b}'), "not a terminal: no colour");
    assert!(!stderr(&with_code).contains('█'));
    let colored = stdout(&alice.run(&["invite", "--qr", "--color", "always"]));
    assert!(
        colored.contains("\u{1b}["),
        "black on white whatever the terminal has"
    );
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let (alice, bob) = (Person::new(), Person::new());
    let (room, ticket) = alice.start("shop", "alice");
    let before = alice.objects(&["log"]).len();
    let told = bob.object(&["room", "join", "--dry-run", &ticket, "--nick", "bob"]);
    for (field, value) in [
        ("dry_run", json!(true)),
        ("room", json!(room)),
        ("name", json!("shop")),
        ("expired", json!(false)),
        ("state", Value::Null),
        ("key", Value::Null),
        ("nick", json!("bob")),
        ("relay", json!("default")),
        ("bound", json!(bob.project)),
    ] {
        assert_eq!(told[field], value, "{field}");
    }
    assert!(told["expires"].as_u64().is_some());
    assert_eq!(told["addresses"][0]["author"], key(&alice));
    assert!(text(&told["addresses"][0]["direct"][0]).starts_with("127.0.0.1:"));
    assert!(!bob.home.exists(), "a dry run made a home");

    let by_input = bob.run_with_input(
        &["room", "join", "--dry-run", "-", "--bind", "none"],
        &ticket,
    );
    let said = stdout(&by_input);
    for part in [
        "calls shop",
        "your key, which would be made",
        "127.0.0.1:",
        "No folder would be bound",
        "Nothing was joined",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (error, _) = bob.failure(&["room", "join", "--dry-run", &ticket[..40]]);
    assert_eq!(error["kind"], "ticket");
    assert!(!bob.home.exists());
    assert_eq!(alice.objects(&["log"]).len(), before);
    let again = alice.object(&["room", "join", "--dry-run", &ticket]);
    assert_eq!(
        (&again["state"], &again["key"]),
        (&json!("joined"), &json!(key(&alice)))
    );
}
