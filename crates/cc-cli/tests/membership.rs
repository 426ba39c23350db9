//! Members, as people ask for them: every command with real daemons on loopback, what it prints and what it refuses.

mod support;

use serde_json::{Value, json};
use support::people::{belongs, key, members, of, refusal, text, two, until_members};
use support::{Person, stderr, stdout};

#[test]
fn members_are_listed_with_what_is_known_of_them() {
    let (alice, bob, _) = two();
    let listed = until_members(&alice, |people| belongs(people, "bob"));
    let (hers, his) = (of(&listed, "alice"), of(&listed, "bob"));
    for (field, alices, bobs) in [
        ("author", json!(key(&alice)), json!(key(&bob))),
        (
            "fingerprint",
            json!(&key(&alice)[..10]),
            json!(&key(&bob)[..10]),
        ),
        ("name", json!("alice"), json!("bob")),
        ("member", json!(true), json!(true)),
        ("me", json!(true), json!(false)),
        ("root", json!(true), json!(false)),
        ("admin", json!(false), json!(false)),
        ("over", json!(false), json!(false)),
        ("forked", json!(false), json!(false)),
        ("lookalike", json!(false), json!(false)),
        ("trust", json!("inline"), json!("inline")),
        ("petname", Value::Null, Value::Null),
        ("doors", json!([]), json!([key(&alice)])),
    ] {
        assert_eq!(hers[field], alices, "{field} of alice");
        assert_eq!(his[field], bobs, "{field} of bob");
    }
    assert_eq!(
        his["invites"],
        json!([alice.objects(&["invites"])[0]["invite"]])
    );
    let shown = stdout(&alice.run(&["members"]));
    assert!(
        shown.contains("@alice") && shown.contains("root") && shown.contains(&key(&bob)[..10]),
        "{shown}"
    );
}

#[test]
fn petname_and_trust_are_ones_own() {
    let (alice, bob, _) = two();
    until_members(&alice, |people| belongs(people, "bob"));
    let named = alice.object(&["petname", "bob", "robert"]);
    assert_eq!(
        (&named["author"], &named["petname"]),
        (&json!(key(&bob)), &json!("robert"))
    );
    bob.object(&["send", "hello"]);
    let lines = alice.until_text("hello");
    assert_eq!(lines.last().unwrap()["nick"], "robert");
    let listed = members(&alice);
    assert_eq!(
        (&of(&listed, "bob")["name"], &of(&listed, "bob")["petname"]),
        (&json!("robert"), &json!("robert"))
    );
    assert_eq!(of(&members(&bob), "bob")["name"], "bob");

    let trusted = alice.object(&["trust", "robert", "muted"]);
    assert_eq!(trusted["trust"], "muted");
    assert_eq!(of(&members(&alice), "bob")["trust"], "muted");
    assert!(
        stdout(&alice.run(&["trust", "robert", "notice"])).contains("Nobody else hears of this")
    );
    alice.object(&["stop"]);
    let listed = members(&alice);
    assert_eq!(
        (&of(&listed, "bob")["trust"], &of(&listed, "bob")["petname"]),
        (&json!("notice"), &json!("robert"))
    );

    let (error, _) = alice.failure(&["petname", "alice", "robert"]);
    assert!(text(&error["hint"]).contains("--clear"), "{error}");
    assert_eq!(
        alice.object(&["petname", "robert", "--clear"])["petname"],
        Value::Null
    );
    assert_eq!(of(&members(&alice), "bob")["name"], "bob");
    for wrong in [
        &["petname", "bob"][..],
        &["petname", "bob", "x", "--clear"],
        &["petname", "bob", "@"],
        &["trust", "bob", "some"],
    ] {
        assert_eq!(alice.failure(wrong).1, 2, "{wrong:?}");
    }
}

#[test]
fn two_members_see_the_same_digits() {
    let (alice, bob, ticket) = two();
    until_members(&alice, |people| belongs(people, "bob"));
    let hers = alice.object(&["verify", "bob"]);
    let his = bob.object(&["verify", "alice"]);
    assert_eq!(hers["digits"], his["digits"]);
    assert_eq!((&hers["author"], &hers["me"]), (&his["me"], &his["author"]));
    let carol = Person::new();
    carol.join(&ticket, "carol");
    assert_ne!(carol.object(&["verify", "alice"])["digits"], hers["digits"]);
    let groups: Vec<&str> = text(&hers["digits"]).split(' ').collect();
    let shown = stdout(&alice.run(&["verify", "bob"]));
    assert!(
        groups.len() == 12 && groups.iter().all(|group| shown.contains(group)),
        "{shown}"
    );
    assert_eq!(
        alice.failure(&["verify", "alice"]).0["message"],
        "that is you"
    );
}

#[test]
fn a_name_that_can_mean_several_names_nobody_and_a_fingerprint_does() {
    let (alice, bob, ticket) = two();
    let other = Person::new();
    other.join(&ticket, "bob");
    let (one, two) = (key(&bob), key(&other));
    until_members(&alice, |people| {
        [&one, &two]
            .iter()
            .all(|key| people.iter().any(|person| person["author"] == **key))
    });
    let (error, exit) = alice.failure(&["remove", "bob", "--yes"]);
    assert_eq!((&error["kind"], exit), (&"member".into(), 1));
    let hint = text(&error["hint"]);
    assert!(
        hint.contains(&one[..10]) && hint.contains(&two[..10]),
        "{hint}"
    );
    assert_eq!(
        members(&alice)
            .iter()
            .filter(|person| person["lookalike"] == true)
            .count(),
        2
    );
    other.object(&["send", "which bob am I"]);
    alice.until_text("which bob am I");
    let shown = stdout(&alice.run(&["log"]));
    assert!(
        shown.contains(&format!("@bob#{} which bob am I", &two[..10])),
        "{shown}"
    );
    assert_eq!(
        alice.object(&["petname", &two[..10], "robert"])["author"],
        two.as_str()
    );
    assert_eq!(alice.failure(&["verify", "nobody"]).0["kind"], "member");
}

#[test]
fn a_removed_member_is_out_and_is_let_back_by_a_ticket_for_that() {
    let (alice, bob, ticket) = two();
    let carol = Person::new();
    carol.join(&ticket, "carol");
    bob.object(&["send", "said before"]);
    for person in [&alice, &carol] {
        person.until_text("said before");
    }
    // Only on a terminal is anybody asked.
    let (error, exit) = alice.failure(&["remove", "bob"]);
    assert_eq!((&error["kind"], exit), (&"usage".into(), 2));
    assert!(text(&error["hint"]).contains("--yes"));
    let (error, exit) = carol.failure(&["remove", "bob", "--yes"]);
    assert_eq!((&error["kind"], exit), (&"not_allowed".into(), 1));
    assert_eq!(error["message"], "only the room's admins may do that");
    assert!(text(&error["hint"]).contains("@alice"), "{error}");
    let (error, _) = alice.failure(&["remove", "alice", "--yes"]);
    assert_eq!(error["kind"], "not_allowed", "{error}");

    let removed = alice.object(&["remove", "bob", "--yes"]);
    assert_eq!(
        (&removed["author"], &removed["removed"]),
        (&json!(key(&bob)), &json!(true))
    );
    assert_eq!(
        removed["voided"],
        json!([alice.objects(&["invites"])[0]["invite"]])
    );
    assert_eq!(
        (&removed["ticket"], &removed["invite"]),
        (&Value::Null, &Value::Null)
    );
    let listed = until_members(&carol, |people| !belongs(people, "bob"));
    let gone = of(&listed, "bob");
    assert_eq!(
        (&gone["removed"], &gone["left"], &gone["by"]),
        (&json!(true), &json!(false), &json!([key(&alice)]))
    );
    let shown = stdout(&carol.run(&["log"]));
    assert!(
        shown.contains("@alice removed @bob") && shown.contains("@bob said before"),
        "{shown}"
    );
    assert!(stdout(&carol.run(&["members"])).contains("removed by @alice"));
    let (error, _) = alice.failure(&["remove", "bob", "--yes"]);
    assert!(
        text(&error["message"]).contains("does not belong to the room any more"),
        "{error}"
    );

    // By the old ticket, the key is out, and so is everybody else; who came by it stays.
    let late = Person::new();
    assert_eq!(refusal(&late, &ticket)["message"], "the invite was revoked");
    assert!(belongs(&members(&alice), "carol"));

    let back = alice.object(&["remove", "bob", "--back"]);
    assert_eq!(
        (&back["removed"], &back["uses"], &back["id"]),
        (&json!(false), &json!(1), &Value::Null)
    );
    bob.join(text(&back["ticket"]), "bob");
    bob.object(&["send", "here again"]);
    carol.until_text("here again");
    assert!(belongs(&members(&carol), "bob"));
    assert_eq!(bob.object(&["room", "list"])["state"], "joined");
}

#[test]
fn who_was_removed_learns_it_at_the_door() {
    let (alice, bob, _) = two();
    until_members(&alice, |people| belongs(people, "bob"));
    let said = stdout(&alice.run(&["remove", "bob", "--yes"]));
    for part in ["cannot be unread", "may never hear of it", "--back"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // A ticket that is good, but not for him.
    let good = alice.object(&["invite"]);
    let error = refusal(&bob, text(&good["ticket"]));
    assert!(
        text(&error["message"]).starts_with("you were removed"),
        "{error}"
    );
    assert!(text(&error["hint"]).contains("--back"), "{error}");
    assert_eq!(bob.object(&["room", "list"])["state"], "joining");
    let (error, _) = bob.failure(&["send", "hello?"]);
    assert_eq!(error["kind"], "joining", "{error}");
    let back = alice.object(&["remove", "bob", "--back"]);
    bob.join(text(&back["ticket"]), "bob");
}

#[test]
fn back_removes_nobody_and_needs_no_ticket_where_the_invite_still_stands() {
    let (alice, _bob, _) = two();
    until_members(&alice, |people| belongs(people, "bob"));
    let (error, _) = alice.failure(&["remove", "bob", "--back", "--yes"]);
    assert!(
        text(&error["message"]).contains("belongs to the room"),
        "{error}"
    );
    assert!(belongs(&members(&alice), "bob"));

    let removed = alice.object(&["remove", "bob", "--keep-invite", "--yes"]);
    assert_eq!(removed["voided"], json!([]));
    let back = alice.object(&["remove", "bob", "--back"]);
    assert_eq!(
        (&back["removed"], &back["ticket"]),
        (&json!(false), &Value::Null)
    );
    assert!(belongs(&members(&alice), "bob"));
}

#[test]
fn an_admin_is_made_and_unmade_by_the_root_alone() {
    let (alice, bob, ticket) = two();
    let (carol, dave) = (Person::new(), Person::new());
    carol.join(&ticket, "carol");
    dave.join(&ticket, "dave");
    until_members(&bob, |people| {
        belongs(people, "dave") && belongs(people, "carol")
    });
    let (error, _) = bob.failure(&["admin", "carol"]);
    assert_eq!(error["kind"], "not_allowed");
    assert!(text(&error["hint"]).contains("@alice"), "{error}");
    until_members(&alice, |people| {
        belongs(people, "dave") && belongs(people, "carol")
    });
    let made = alice.object(&["admin", "bob"]);
    assert_eq!(
        (&made["author"], &made["admin"]),
        (&json!(key(&bob)), &json!(true))
    );
    assert_eq!(
        alice.failure(&["admin", "bob"]).0["message"],
        "@bob is an admin already"
    );
    until_members(&bob, |people| of(people, "bob")["admin"] == true);
    bob.object(&["remove", "carol", "--yes"]);
    until_members(&alice, |people| !belongs(people, "carol"));
    assert_eq!(
        bob.failure(&["remove", "alice", "--yes"]).0["kind"],
        "not_allowed"
    );

    assert_eq!(alice.object(&["admin", "bob", "--off"])["admin"], false);
    until_members(&bob, |people| of(people, "bob")["admin"] == false);
    assert_eq!(
        bob.failure(&["remove", "dave", "--yes"]).0["kind"],
        "not_allowed"
    );
    assert!(
        !belongs(&members(&alice), "carol"),
        "what an admin did stays done"
    );
    until_members(&dave, |people| {
        !belongs(people, "carol") && of(people, "bob")["admin"] == false
    });
    let shown = stdout(&dave.run(&["log"]));
    for said in [
        "@alice made @bob an admin",
        "@bob removed @carol",
        "@alice made @bob an ordinary member again",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

#[test]
fn who_leaves_keeps_the_history_and_can_come_back() {
    let (alice, bob, ticket) = two();
    alice.object(&["send", "before"]);
    bob.until_text("before");
    assert_eq!(bob.failure(&["leave"]).0["kind"], "usage");
    let left = bob.object(&["leave", "--yes"]);
    assert_eq!(left["told"], true);
    let listed = until_members(&alice, |people| !belongs(people, "bob"));
    let gone = of(&listed, "bob");
    assert_eq!(
        (&gone["removed"], &gone["left"]),
        (&json!(false), &json!(true))
    );
    assert!(stdout(&alice.run(&["log"])).contains("@bob left"));
    let listed = bob.object(&["room", "list"]);
    assert_eq!(
        (&listed["state"], &listed["bound"]),
        (&json!("left"), &json!([]))
    );
    assert!(stdout(&bob.run(&["log"])).contains("before"));
    assert_eq!(bob.object(&["status"])["closed"], json!([]));
    assert_eq!(bob.failure(&["send", "hello?"]).1, 1);
    bob.object(&["stop"]);
    assert_eq!(bob.object(&["room", "list"])["state"], "left");

    bob.join(&ticket, "bob");
    bob.object(&["send", "here again"]);
    alice.until_text("here again");
    assert_eq!(bob.object(&["room", "list"])["state"], "joined");
}

#[test]
fn a_message_is_taken_back_by_line_or_id() {
    let (alice, bob, _) = two();
    let first = bob.object(&["send", "the password is hunter2"]);
    let second = bob.object(&["send", "the second one"]);
    alice.until_text("the second one");
    let line = first["n"].to_string();
    let taken = bob.object(&["retract", &line]);
    assert_eq!(taken["message"], first["id"]);
    alice.follow_until(|line| line["kind"] == "retract");
    let lines = alice.objects(&["log"]);
    let erased = lines.iter().find(|line| line["id"] == first["id"]).unwrap();
    assert_eq!(
        (&erased["erased"], &erased["text"]),
        (&json!(true), &Value::Null)
    );
    let shown = stdout(&alice.run(&["log"]));
    assert!(
        shown.contains("a message of @bob was taken back") && !shown.contains("hunter2"),
        "{shown}"
    );
    for person in [&alice, &bob] {
        let room = text(&first["room"]);
        let log = std::fs::read_to_string(person.home.join("rooms").join(room).join("log.jsonl"))
            .unwrap();
        assert!(!log.contains("hunter2"));
    }

    // The root may take back what others wrote, and others only their own.
    let hers = alice.object(&["send", "by alice"]);
    bob.until_text("by alice");
    let (error, _) = bob.failure(&["retract", text(&hers["id"])]);
    assert_eq!(error["kind"], "not_allowed");
    assert!(text(&error["hint"]).contains("@alice"), "{error}");
    let said = alice.run(&["retract", &text(&second["id"])[..12]]);
    assert!(
        stdout(&said).contains("cannot be undone"),
        "{}",
        stderr(&said)
    );
    for wrong in ["0", "999999", "nonsense", "ffffffffffff"] {
        assert_eq!(
            alice.failure(&["retract", wrong]).0["kind"],
            "message",
            "{wrong}"
        );
    }
}

#[test]
fn the_socket_names_everything_by_full_ids() {
    let alice = Person::new();
    let (room, _) = alice.start("shop", "alice");
    let nobody = "0".repeat(64);
    let mut socket = alice.connect();
    for (method, params, code) in [
        (
            "room.invite",
            json!({"room": room, "expires": "soon"}),
            -32602,
        ),
        ("room.invite", json!({"room": room, "expires": 1}), -32602),
        ("room.invite", json!({"room": room, "uses": 0}), -32602),
        ("room.invite", json!({"room": room, "back": nobody}), 14),
        ("room.invites", json!({"room": nobody}), 1),
        ("room.revoke", json!({"room": room, "invite": "0"}), -32602),
        ("room.revoke", json!({"room": room, "invite": nobody}), 16),
        (
            "room.remove",
            json!({"room": room, "member": "alice"}),
            -32602,
        ),
        ("room.remove", json!({"room": room, "member": nobody}), 15),
        (
            "room.admin",
            json!({"room": room, "member": nobody, "admin": true}),
            15,
        ),
        ("room.retract", json!({"room": room, "message": nobody}), 17),
        (
            "room.trust",
            json!({"room": room, "member": nobody, "trust": "muted"}),
            15,
        ),
        (
            "room.trust",
            json!({"room": room, "member": key(&alice), "trust": "some"}),
            -32602,
        ),
        (
            "room.petname",
            json!({"room": room, "member": nobody, "petname": "x"}),
            15,
        ),
        (
            "room.petname",
            json!({"room": room, "member": key(&alice), "petname": "@"}),
            6,
        ),
        ("room.leave", json!({"room": nobody}), 1),
    ] {
        let answer = socket.call(method, &params);
        assert_eq!(answer["error"]["code"], code, "{method} {params}: {answer}");
    }
    let made = socket.call("room.invite", &json!({"room": room}));
    assert!(made["result"]["expires"].as_u64().is_some(), "{made}");
    let made = socket.call(
        "room.invite",
        &json!({"room": room, "expires": "never", "uses": 2}),
    );
    assert_eq!(
        (&made["result"]["expires"], &made["result"]["uses"]),
        (&Value::Null, &json!(2))
    );
}
