//! What is not shared unless a person says so, and what is never shared.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::support::{Person, stdout};
use super::{text, write};

/// Put together here, so that no scanner takes this file for a leak.
fn private_key() -> String {
    format!("-----BEGIN OPENSSH {} KEY-----\nAAAA\n", "PRIVATE")
}

fn refused(person: &Person, arguments: &[&str]) -> Value {
    let (error, exit) = person.failure(&[&["share"], arguments].concat());
    assert_eq!((&error["kind"], exit), (&"credential".into(), 1), "{error}");
    assert!(person.objects(&["files"]).is_empty(), "{arguments:?}");
    error
}

#[test]
fn credentials_are_refused_by_their_paths_and_by_what_is_in_them() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let top = alice.project.clone();
    for (name, bytes) in [
        (".aws/credentials", "x"),
        (".env.local", "x"),
        ("id_rsa", "x"),
        ("harmless.txt", "y"),
        ("x/readme.md", "z"),
    ] {
        write(&alice, name, bytes);
    }
    write(
        &alice,
        "notes.txt",
        format!("{}{}", "words\n".repeat(20_000), private_key()),
    );
    let mut binary: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    binary.splice(70_000..70_000, private_key().into_bytes());
    write(&alice, "photo.jpg", binary);
    write(&alice, "folder/a.txt", "fine");
    write(&alice, "folder/deep/b.txt", private_key());
    write(&alice, "stash/.ssh/config", "x");
    symlink(top.join(".aws/credentials"), top.join("list.txt")).unwrap();
    symlink(top.join(".aws"), top.join("x/cloud")).unwrap();

    for path in [
        ".aws/credentials",
        "x/../.aws/credentials",
        "list.txt",
        "x/cloud/credentials",
        ".env.local",
        "id_rsa",
        "notes.txt",
        "photo.jpg",
        "folder",
        "stash",
        "x/../notes.txt",
    ] {
        let error = refused(&alice, &[path]);
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("cc-connect share --force "), "{error}");
    }
    let error = refused(&alice, &["folder"]);
    assert!(
        error["message"].as_str().unwrap().contains("b.txt"),
        "{error}"
    );
    let error = refused(&alice, &["stash"]);
    assert!(
        error["message"].as_str().unwrap().contains(".ssh/config"),
        "{error}"
    );

    let shared = alice.object(&["share", "--force", "notes.txt"]);
    assert_eq!(shared["name"], "notes.txt");
    // Under its own name, made safe.
    let shared = alice.object(&["share", "--force", "x/../.aws/credentials"]);
    assert_eq!(shared["name"], "credentials");
    alice.object(&["share", "harmless.txt"]);
}

#[test]
fn our_own_home_and_what_is_no_file_are_never_shared() {
    let alice = Person::new();
    alice.start("shop", "alice");
    symlink(alice.home.join("identity"), alice.project.join("me.txt")).unwrap();
    let home = alice.home.clone();
    for path in [text(&home), "me.txt", "../home/identity", ".."] {
        refused(&alice, &[path]);
        refused(&alice, &["--force", path]);
    }
    // Nor a copy of the key, whatever it is called and whatever stands around it.
    let key = fs::read_to_string(home.join("identity")).unwrap();
    fs::create_dir(alice.project.join("folder")).unwrap();
    let notes = format!("{}{}", "x".repeat(70_000), key.to_uppercase());
    fs::write(alice.project.join("notes.txt"), &notes).unwrap();
    fs::write(alice.project.join("folder/notes.txt"), &notes).unwrap();
    for path in ["notes.txt", "folder"] {
        refused(&alice, &[path]);
        refused(&alice, &["--force", path]);
    }
    let other = "0123456789abcdef".repeat(4);
    fs::write(alice.project.join("identity.old"), &other).unwrap();
    refused(&alice, &["identity.old"]);
    let pipe = alice.project.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    symlink("/dev/zero", alice.project.join("zeros.bin")).unwrap();
    for path in [
        "pipe",
        "zeros.bin",
        "/dev/zero",
        "/proc/self/environ",
        "nowhere",
    ] {
        let (error, exit) = alice.failure(&["share", path]);
        assert_eq!((&error["kind"], exit), (&"unreadable".into(), 1), "{error}");
    }
    let (error, exit) = alice.failure(&["share", ""]);
    assert_eq!((&error["kind"], exit), (&"usage".into(), 2), "{error}");
    assert!(alice.objects(&["files"]).is_empty());
}

#[test]
fn a_file_that_changes_while_it_is_read_is_not_shared() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let path = alice.project.join("growing.log");
    fs::File::create(&path).unwrap().set_len(512 << 20).unwrap();
    let room = alice.objects(&["room", "list"])[0]["room"].clone();
    let mut socket = alice.connect();
    let id = socket.ask("file.share", &json!({"room": room, "path": path}));
    // It is read by now: the daemon says how much.
    let mut answer = Value::Null;
    while answer["id"] != id {
        let line = socket.line().unwrap();
        if line["params"]["event"] == "sharing" {
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            std::io::Write::write_all(&mut file, b"more").unwrap();
        }
        answer = line;
    }
    assert_eq!(answer["error"]["data"]["kind"], "changed", "{answer}");
    assert!(alice.objects(&["files"]).is_empty());
}

#[test]
fn no_agent_forces_or_reaches_outside() {
    let alice = Person::new();
    alice.start("shop", "alice");
    write(&alice, "a.txt", "a");
    let room = alice.objects(&["room", "list"])[0]["room"].clone();
    let mut socket = alice.connect();
    let mut share = |path: &str, within: &str, force: bool| {
        let params = json!({
            "room": room, "path": path, "via": "codex", "within": within, "force": force
        });
        socket.call("file.share", &params)
    };
    let project = text(&alice.project);
    let path = alice.project.join("a.txt");
    let forced = share(text(&path), project, true);
    assert_eq!(forced["error"]["code"], -32602, "{forced}");
    let outside = share("/bin/sh", project, false);
    assert_eq!(outside["error"]["data"]["kind"], "outside", "{outside}");
    let inside = share(text(&path), project, false);
    assert_eq!(inside["result"]["file"]["via"], "codex", "{inside}");
}

/// Has an agent want to share something that the user is to approve; gives the number it is held under.
fn hold(person: &Person, path: &std::path::Path) -> Value {
    let room = person.objects(&["room", "list"])[0]["room"].clone();
    let params = json!({
        "room": room, "path": path, "via": "codex", "within": person.project, "hold": true
    });
    let answer = person.connect().call("file.share", &params);
    answer["result"]["held"].clone()
}

#[test]
fn what_was_approved_and_announced_before_a_kill_is_not_announced_again() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let path = alice.project.join("large.bin");
    fs::File::create(&path).unwrap().set_len(256 << 20).unwrap();
    let number = hold(&alice, &path);
    assert!(number.is_u64(), "{number}");
    let held = alice.home.join("held.json");
    let mut socket = alice.connect();
    let id = socket.ask("held.approve", &json!({"held": number}));
    // What is on disk while it is being shared is what a kill leaves.
    let (mut left, mut answer) = (None, Value::Null);
    while answer["id"] != id {
        answer = socket.line().unwrap();
        if answer["params"]["event"] == "sharing" {
            left = left.or_else(|| Some(fs::read(&held).unwrap()));
        }
    }
    let first = answer["result"]["id"].clone();
    assert!(first.is_string(), "{answer}");
    alice.kill_daemon();
    fs::write(&held, left.expect("it was shared too soon")).unwrap();

    assert_eq!(alice.objects(&["held"]).len(), 1);
    let again = alice
        .connect()
        .call("held.approve", &json!({"held": number}));
    assert_eq!(again["result"]["id"], first, "{again}");
    assert_eq!(alice.objects(&["files"]).len(), 1);
    assert!(alice.objects(&["held"]).is_empty());
    // What an agent wants to share anew is another thing.
    fs::remove_file(&path).unwrap();
    write(&alice, "large.bin", "small by now");
    let number = hold(&alice, &path);
    alice
        .connect()
        .call("held.approve", &json!({"held": number}));
    assert_eq!(alice.objects(&["files"]).len(), 2);
}

#[test]
fn what_was_approved_before_a_kill_is_refused_only_where_it_is_not_in_the_room() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let held = alice.home.join("held.json");
    let path = write(&alice, "a.txt", "a");
    let number = hold(&alice, &path).to_string();
    // As a kill leaves it that came after the announcement.
    let mut left: Value = serde_json::from_slice(&fs::read(&held).unwrap()).unwrap();
    left["approved"] = json!({&number: 0});
    let file = alice.object(&["approve", &number]);
    let killed = |left: &Value| {
        alice.kill_daemon();
        fs::write(&held, left.to_string()).unwrap();
        assert_eq!(alice.objects(&["held"])[0]["approved"], true);
        let output = alice.run(&["held"]);
        let said = stdout(&output);
        assert!(said.contains("; approved before, and maybe"), "{said}");
    };
    killed(&left);
    let (error, exit) = alice.failure(&["refuse", &number]);
    let line = format!("in line {}", file["n"]);
    let said = error["message"].as_str().unwrap();
    assert!(exit == 1 && said.contains(&line), "{error}");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("cc-connect retract"), "{error}");
    assert!(alice.objects(&["held"]).is_empty());
    assert_eq!(alice.objects(&["files"]).len(), 1);

    // And one that came before it.
    alice.object(&["retract", &file["n"].to_string()]);
    let number = hold(&alice, &path).to_string();
    let mut left: Value = serde_json::from_slice(&fs::read(&held).unwrap()).unwrap();
    left["approved"] = json!({&number: 0});
    killed(&left);
    let refused = alice.object(&["refuse", &number]);
    assert_eq!(refused["approved"], false, "{refused}");
    assert!(alice.objects(&["held"]).is_empty());
    assert!(alice.objects(&["files"]).is_empty());
}

#[test]
fn what_agents_want_to_share_is_read_one_after_the_other() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let room = alice.objects(&["room", "list"])[0]["room"].clone();
    let mut socket = alice.connect();
    let asked = ["a.bin", "b.bin"].map(|name| {
        let path = alice.project.join(name);
        fs::File::create(&path).unwrap().set_len(256 << 20).unwrap();
        let params = json!({
            "room": room, "path": path, "via": "codex", "within": alice.project, "hold": true
        });
        socket.ask("file.share", &params)
    });
    let (mut answers, mut read) = (0, Vec::new());
    while answers < asked.len() {
        let line = socket.line().unwrap();
        if line["params"]["event"] == "sharing" {
            read.push(line["params"]["path"].clone());
        } else if asked.iter().any(|id| line["id"] == *id) {
            assert!(line["result"]["held"].is_u64(), "{line}");
            answers += 1;
        }
    }
    read.dedup();
    assert!(read.len() <= asked.len(), "{read:?}");
}
