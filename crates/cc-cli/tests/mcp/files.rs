//! The files of a room as an agent shares, lists and fetches them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::json;

use crate::support::people::two;
use crate::support::tools::{Tools, fenced};
use crate::support::{Person, stdout};

/// The path that stands in a line of a file.
fn path_in(line: &str) -> PathBuf {
    let (_, path) = line
        .split_once(" @file:")
        .unwrap_or_else(|| panic!("no path: {line}"));
    PathBuf::from(path)
}

#[test]
fn what_one_agent_shares_the_other_lists_and_fetches() {
    let (alice, bob, _) = two();
    alice.object(&["files", "--auto-get", "off"]);
    let (mut hers, mut his) = (Tools::start(&alice), Tools::start(&bob));
    fs::write(bob.project.join("design.svg"), "<svg/>").unwrap();
    let told = his.done("room_share_file", &json!({"path": "design.svg"}));
    assert!(
        told.starts_with("Shared design.svg (6 B) with room "),
        "{told}"
    );
    alice.follow_until(|line| line["kind"] == "file");

    let listed = hers.done("room_files", &json!({}));
    let lines = fenced(&listed, &["design.svg", "@bob"]);
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(
        lines[1].contains(" @bob ") && lines[1].contains("(via claude-code)"),
        "{listed}"
    );
    assert!(
        lines[1].ends_with("announced design.svg (6 B), not here yet: not fetched"),
        "{listed}"
    );
    let read = hers.done("room_read", &json!({}));
    assert!(
        read.contains("] announced design.svg (6 B), not here yet"),
        "{read}"
    );

    let n: u64 = lines[1].split(' ').nth(1).unwrap().parse().unwrap();
    for file in [json!(n), json!("design.svg")] {
        let got = hers.done("room_get_file", &json!({"file": file}));
        let path = path_in(fenced(&got, &["design.svg"])[1]);
        assert!(path.is_absolute(), "{got}");
        assert_eq!(fs::read_to_string(path).unwrap(), "<svg/>");
    }
    let listed = hers.done("room_files", &json!({"query": "DESIGN", "limit": 1}));
    path_in(fenced(&listed, &[])[1]);
    let none = hers.done("room_files", &json!({"query": "nothing"}));
    assert!(none.starts_with("No such file in room "), "{none}");
    let resource = json!({"uri": format!("cc://room/{}/files", alice.objects(&["room", "list"])[0]["room"].as_str().unwrap())});
    let read = hers.request("resources/read", &resource);
    assert!(
        read["result"]["contents"][0]["text"]
            .as_str()
            .unwrap()
            .contains("design.svg"),
        "{read}"
    );
    let audit = stdout(&alice.run(&["audit"]));
    assert!(audit.contains("when it asked"), "{audit}");

    let (kind, _) = hers.refused("room_get_file", &json!({"file": "nothing.txt"}));
    assert_eq!(kind, "file");
    let (kind, _) = hers.refused("room_get_file", &json!({"file": 99_999}));
    assert_eq!(kind, "file");
}

#[test]
fn what_an_agent_fetches_is_held_to_the_rooms_quota() {
    let (alice, bob, _) = two();
    alice.object(&["files", "--auto-get", "off", "--quota", "7000"]);
    for name in ["a.bin", "b.bin", "c.bin"] {
        let path = bob.project.join(name);
        fs::write(&path, name.repeat(600)).unwrap();
        bob.object(&["share", name]);
    }
    let mut hers = Tools::start(&alice);
    hers.ping_until(|_| alice.objects(&["files"]).len() == 3);
    for name in ["a.bin", "b.bin"] {
        let told = hers.done("room_get_file", &json!({"file": name}));
        assert!(told.contains(&format!("dropped {name}")), "{told}");
    }
    let (kind, words) = hers.refused("room_get_file", &json!({"file": "c.bin"}));
    assert_eq!(kind, "over_quota");
    for part in ["quota of 6.8 KiB", "cc-connect get ", "--quota SIZE"] {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(alice.objects(&["files"])[0]["state"], "announced");
    // A person fetches it all the same, and the agent then waits for what a person wanted.
    alice.object(&["get", "c.bin"]);
    hers.done("room_get_file", &json!({"file": "c.bin"}));
}

#[test]
fn an_agent_shares_no_credential_and_nothing_from_elsewhere() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let mut tools = Tools::start(&alice);
    fs::create_dir(alice.project.join(".ssh")).unwrap();
    fs::write(alice.project.join(".ssh/config"), "x").unwrap();
    let key = format!("-----BEGIN {} KEY-----", "PRIVATE");
    fs::write(alice.project.join("notes.txt"), key).unwrap();
    let outside = "/bin/sh";
    symlink(outside, alice.project.join("link")).unwrap();
    for (path, kind) in [
        (".ssh/config", "credential"),
        ("x/../.ssh/config", "unreadable"),
        ("./.ssh/../.ssh/config", "credential"),
        ("notes.txt", "credential"),
        ("link", "outside"),
        (outside, "outside"),
        ("../home/identity", "credential"),
        ("nowhere.txt", "unreadable"),
        (" ", "bad_arguments"),
    ] {
        let (refused, text) = tools.refused("room_share_file", &json!({"path": path}));
        assert_eq!(refused, kind, "{path}: {text}");
    }
    let (kind, _) = tools.refused(
        "room_share_file",
        &json!({"path": "notes.txt", "force": true}),
    );
    assert_eq!(kind, "bad_arguments");
    assert!(alice.objects(&["files"]).is_empty());

    fs::write(alice.project.join("plan.md"), "plan").unwrap();
    alice.object(&["pause"]);
    for (tool, arguments) in [
        ("room_share_file", json!({"path": "plan.md"})),
        ("room_files", json!({})),
        ("room_get_file", json!({"file": "plan.md"})),
    ] {
        assert_eq!(tools.refused(tool, &arguments).0, "paused", "{tool}");
    }
}

#[test]
fn what_is_held_is_shared_once_the_user_says_so() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let mut tools = Tools::start_with(&alice, &["--approve"], |_| {});
    let path = alice.project.join("plan.md");
    fs::write(&path, "plan").unwrap();
    let told = tools.done("room_share_file", &json!({"path": "plan.md"}));
    assert!(told.contains("cc-connect approve 1"), "{told}");
    assert!(alice.objects(&["files"]).is_empty());
    let held = stdout(&alice.run(&["held"]));
    assert!(
        held.contains(&format!("shares {} (4 B)", path.display())),
        "{held}"
    );
    let held = alice.object(&["held"]);
    assert_eq!(held["file"], path.to_str().unwrap());
    let hash = blake3::hash(b"plan").to_hex();
    assert_eq!(
        (&held["size"], &held["hash"]),
        (&4.into(), &hash.as_str().into())
    );

    let approved = alice.object(&["approve", "1"]);
    let file = alice.object(&["files"]);
    assert_eq!(
        (&file["file"], &file["via"]),
        (&approved["id"], &"claude-code".into())
    );
    assert!(alice.objects(&["held"]).is_empty());

    // What seems to hold a credential is not even held.
    fs::write(&path, format!("-----BEGIN {} KEY-----", "PRIVATE")).unwrap();
    let (kind, _) = tools.refused("room_share_file", &json!({"path": "plan.md"}));
    assert_eq!(kind, "credential");
    assert!(alice.objects(&["held"]).is_empty());
    // Nor does what became of it meanwhile go out, and it stays held.
    fs::write(&path, "plan").unwrap();
    tools.done("room_share_file", &json!({"path": "plan.md"}));
    fs::write(&path, format!("-----BEGIN {} KEY-----", "PRIVATE")).unwrap();
    let (error, _) = alice.failure(&["approve", "2"]);
    assert_eq!(error["kind"], "credential", "{error}");
    assert_eq!(alice.object(&["held"])["held"], 2);
    alice.object(&["refuse", "2"]);
    assert_eq!(alice.objects(&["files"]).len(), 1);
}

#[test]
fn what_is_held_is_shared_as_it_was_then_or_not_at_all() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let mut tools = Tools::start_with(&alice, &["--approve"], |_| {});
    let folder = alice.project.join("folder");
    fs::create_dir(&folder).unwrap();
    for path in [alice.project.join("plan.md"), folder.join("a.txt")] {
        fs::write(&path, "first").unwrap();
    }
    tools.done("room_share_file", &json!({"path": "plan.md"}));
    tools.done("room_share_file", &json!({"path": "folder"}));
    // The same size and the same time, and another word.
    for (held, path) in [("1", "plan.md"), ("2", "folder/a.txt")] {
        let path = alice.project.join(path);
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "other").unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_times(fs::FileTimes::new().set_modified(before))
            .unwrap();
        let (error, _) = alice.failure(&["approve", held]);
        assert_eq!(error["kind"], "changed", "{error}");
        let words = "changed since it was held: look at it and share it again";
        assert!(
            error["message"].as_str().unwrap().ends_with(words),
            "{error}"
        );
        assert!(
            error["hint"].as_str().unwrap().contains("refuse"),
            "{error}"
        );
    }
    fs::write(folder.join("b.txt"), "more").unwrap();
    fs::write(folder.join("a.txt"), "first").unwrap();
    let (error, _) = alice.failure(&["approve", "2"]);
    assert_eq!(error["kind"], "changed", "{error}");
    assert_eq!(alice.objects(&["held"]).len(), 2);
    assert!(alice.objects(&["files"]).is_empty());
    // As it was, it goes out.
    fs::remove_file(folder.join("b.txt")).unwrap();
    fs::write(alice.project.join("plan.md"), "first").unwrap();
    alice.object(&["approve", "1"]);
    alice.object(&["approve", "2"]);
    assert_eq!(alice.objects(&["files"]).len(), 2);
}

#[test]
fn who_approves_a_share_at_the_same_instant_as_another_is_told() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let mut tools = Tools::start_with(&alice, &["--approve"], |_| {});
    // Long enough to read that both come while it is read.
    let path = alice.project.join("large.bin");
    fs::File::create(&path).unwrap().set_len(64 << 20).unwrap();
    tools.done("room_share_file", &json!({"path": "large.bin"}));
    let mut sockets = [alice.connect(), alice.connect(), alice.connect()];
    let ids: Vec<u64> = sockets
        .iter_mut()
        .map(|socket| socket.ask("held.approve", &json!({"held": 1})))
        .collect();
    let mut won = 0;
    for (socket, id) in sockets.iter_mut().zip(ids) {
        let answer = loop {
            let line = socket.line().unwrap();
            if line["id"] == id {
                break line;
            }
        };
        if answer["result"]["id"].is_string() {
            won += 1;
            continue;
        }
        let error = &answer["error"];
        assert_eq!(error["data"]["kind"], "no_such_held", "{answer}");
    }
    assert_eq!(won, 1);
    assert_eq!(alice.objects(&["files"]).len(), 1);
    assert!(alice.objects(&["held"]).is_empty());
}

#[test]
fn agents_that_only_share_are_held_to_their_budget() {
    let (alice, bob, _) = two();
    let (mut hers, mut his) = (Tools::start(&alice), Tools::start(&bob));
    let mut kinds = Vec::new();
    for turn in 0..20 {
        let (person, tools) = if turn % 2 == 0 {
            (&alice, &mut hers)
        } else {
            (&bob, &mut his)
        };
        let name = format!("{turn}.txt");
        fs::write(person.project.join(&name), &name).unwrap();
        let told = tools.call("room_share_file", &json!({"path": name}));
        if told.is_error {
            kinds.push(told.text.split(':').next().unwrap().to_owned());
            break;
        }
        for other in [&alice, &bob] {
            other.follow_until(|line| line["name"] == name.as_str());
        }
    }
    assert_eq!(kinds, ["held_back"]);
}
