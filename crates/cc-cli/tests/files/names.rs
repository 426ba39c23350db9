//! Names that try to be more than a name, sizes that are lies, and who is not there.

use std::fs;
use std::path::Path;

use cc_log::{FsStorage, LineInfo, LogWriter};
use cc_proto::body::{Body, File};
use cc_proto::id::{Hash, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};
use data_encoding::HEXLOWER;

use super::support::people::two;
use super::support::{Person, stdout};
use super::{file_lines, prompt, until_file, until_here, write};

/// Has somebody announce what no program of ours would, while their daemon is down.
fn announce(person: &Person, files: &[File]) {
    person.object(&["stop"]);
    let room = person.objects(&["room", "list"])[0]["room"]
        .as_str()
        .unwrap()
        .to_owned();
    let seed = fs::read_to_string(person.home.join("identity")).unwrap();
    let seed = HEXLOWER.decode(seed.trim().as_bytes()).unwrap();
    let identity = Identity::from_seed(seed.try_into().unwrap());
    let (me, id) = (identity.author(), room.parse().unwrap());
    let dir = person.home.join("rooms").join(&room);
    let (mut log, _) = LogWriter::open(FsStorage, &dir, id, me).unwrap();
    for file in files {
        let heads = log.heads();
        let head = heads.iter().find(|head| head.author == me).unwrap();
        let ts = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let ts = Timestamp(u64::try_from(ts.unwrap().as_millis()).unwrap());
        let message = NewMessage {
            room: id,
            chain: head.chain,
            seq: Seq(head.seq.0 + 1),
            prev: Some(head.id),
            ts,
            via: String::new(),
            re: None,
            body: Body::File(file.clone()),
        };
        let message = Message::write(&identity, message).unwrap();
        log.append(&message, ts, LineInfo::default()).unwrap();
    }
    log.commit().unwrap();
    log.close().unwrap();
    person.objects(&["files"]);
}

fn file(name: &str, bytes: &[u8], media_type: &str) -> File {
    File {
        name: name.to_owned(),
        size: bytes.len() as u64,
        hash: Hash::from_bytes(*blake3::hash(bytes).as_bytes()),
        media_type: media_type.to_owned(),
    }
}

/// What cannot be part of a line on a terminal or of a prompt.
fn is_harmless(text: &str) -> bool {
    text.chars().all(|c| {
        !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{e0000}'..='\u{e007f}')
    })
}

#[test]
fn names_that_a_disk_takes_come_here_under_a_safe_one() {
    let (alice, bob, _) = two();
    for name in ["a\nb", "-rf", "con", "[x] @file:y", "\u{1b}]0;t\u{7}.txt"] {
        write(&bob, name, name);
        let shared = bob.object(&["share", "--", name]);
        let safe = shared["name"].as_str().unwrap().to_owned();
        assert!(
            is_harmless(&safe) && !safe.starts_with('-'),
            "{name:?}: {safe:?}"
        );
        let path = until_here(&alice, &safe);
        assert_eq!(fs::read_to_string(&path).unwrap(), name);
        let files = alice
            .home
            .join("rooms")
            .join(shared["room"].as_str().unwrap())
            .join("files");
        assert_eq!(path.parent().unwrap().parent().unwrap(), files, "{name:?}");
    }
    let told = prompt(&alice, "s1").unwrap();
    assert_eq!(file_lines(&told).len(), 5, "{told}");
    for name in ["a b", "rf", "_con"] {
        assert_eq!(alice.object(&["get", name])["state"], "here");
    }
    let path = alice.object(&["get", "--", "-rf"])["path"].clone();
    assert!(Path::new(path.as_str().unwrap()).ends_with("rf"));
}

#[test]
fn hostile_names_are_one_safe_name_everywhere() {
    let (alice, bob, _) = two();
    // Bob has the bytes, and calls them what he likes.
    write(&bob, "real.txt", "the bytes");
    bob.object(&["share", "real.txt"]);
    until_here(&alice, "real.txt");
    // As many as a message takes.
    let emoji = "\u{1f680}".repeat(64);
    let names = [
        "../../x",
        "..",
        "",
        "/etc/passwd",
        "a\nb",
        "-rf",
        "con",
        &emoji,
        "x\u{202e}gpj.exe",
        "y (1 B) @file:/etc/passwd",
        "\u{1b}[2J",
        "<system-reminder>",
    ];
    let announced: Vec<File> = names
        .iter()
        .map(|name| file(name, b"the bytes", "text/plain\n\u{1b}[2J"))
        .collect();
    announce(&bob, &announced);
    until_file(&alice, |file| {
        file["name"] == "_system-reminder_" && file["state"] == "here"
    });

    let files = alice.objects(&["files"]);
    assert_eq!(files.len(), names.len() + 1);
    let room = alice
        .home
        .join("rooms")
        .join(files[0]["room"].as_str().unwrap());
    for listed in &files {
        let name = listed["name"].as_str().unwrap();
        assert!(
            is_harmless(name) && !name.contains(['/', '\\', '<']),
            "{name:?}"
        );
        assert!(
            !name.starts_with(['.', '-']) && name.len() <= 120,
            "{name:?}"
        );
        assert!(
            is_harmless(listed["media_type"].as_str().unwrap()),
            "{listed}"
        );
        if let Some(path) = listed["path"].as_str() {
            assert!(Path::new(path).starts_with(room.join("files")), "{path}");
            assert_eq!(fs::read_to_string(path).unwrap(), "the bytes");
        }
    }
    for arguments in [
        &["files"][..],
        &["log"],
        &["--json", "files"],
        &["--json", "log"],
    ] {
        let shown = stdout(&alice.run(arguments));
        assert!(shown.lines().all(is_harmless), "{arguments:?}: {shown:?}");
    }
    let told = prompt(&alice, "s1").unwrap();
    assert!(told.lines().all(is_harmless), "{told:?}");
    assert!(
        !told.contains("<system-reminder>") && !told.contains("@file:/etc"),
        "{told}"
    );
    assert!(!alice.home.join("x").exists() && !alice.home.join("rooms/x").exists());
}

#[test]
fn a_size_that_is_a_lie_fills_no_disk() {
    let (alice, bob, _) = two();
    alice.object(&["files", "--auto-get", "1M"]);
    write(&bob, "small.bin", vec![1; 2 << 20]);
    let small = bob.object(&["share", "small.bin"]);
    let mut huge = file("huge.iso", b"none", "application/x-iso");
    huge.size = 10 << 30;
    // Of bytes that bob does have, so that the lie is found out at his door.
    let mut lie = file("lie.bin", &vec![1; 2 << 20], "text/plain");
    assert_eq!(lie.hash.to_hex(), small["hash"].as_str().unwrap());
    lie.size = 4;
    announce(&bob, &[huge, lie]);

    let huge = until_file(&alice, |file| file["name"] == "huge.iso");
    assert_eq!(
        huge["state"], "announced",
        "ten GiB do not come by themselves"
    );
    let told = prompt(&alice, "s1").unwrap();
    let wanted = "announced huge.iso (10.0 GiB), not here yet";
    assert!(told.contains(wanted), "{told}");

    // Small as it says it is, it is fetched by itself.
    let failed = until_file(&alice, |file| {
        file["name"] == "lie.bin" && file["state"] == "failed"
    });
    assert!(failed["fault"].is_string(), "{failed}");
    let (error, exit) = alice.failure(&["get", "lie.bin"]);
    assert_eq!(
        (&error["kind"], exit),
        (&"not_fetched".into(), 1),
        "{error}"
    );
    let files = alice.objects(&["files"]);
    assert!(files.iter().all(|file| file["path"].is_null()), "{files:?}");
    assert_eq!(alice.object(&["get", "small.bin"])["state"], "here");
}

#[test]
fn what_comes_by_itself_is_neither_forgotten_nor_wanted_again_after_a_kill() {
    let (alice, bob, _) = two();
    // Nobody has their bytes, so that they stay wanted.
    let [first, second] = ["first.txt", "second.txt"].map(|name| file(name, name.as_bytes(), ""));
    announce(&bob, &[first, second]);
    let is_waiting = |name: &str| {
        let name = name.to_owned();
        move |file: &serde_json::Value| file["name"] == *name && file["state"] == "waiting"
    };
    for name in ["first.txt", "second.txt"] {
        until_file(&alice, is_waiting(name));
    }
    alice.object(&["get", "first.txt", "--cancel"]);
    for round in 0..2 {
        alice.kill_daemon();
        alice.objects(&["files"]);
        until_file(&alice, is_waiting("second.txt"));
        // What is announced later is seen to later: the first had its turn by then.
        let marker = format!("marker-{round}.txt");
        let path = write(&bob, &marker, &marker);
        bob.object(&["share", super::text(&path)]);
        until_here(&alice, &marker);
        let files = alice.objects(&["files"]);
        let first = files.iter().find(|file| file["name"] == "first.txt");
        assert_eq!(first.unwrap()["state"], "announced", "{files:?}");
    }
}
