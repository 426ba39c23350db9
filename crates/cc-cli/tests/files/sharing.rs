//! From one disk to the other, and into the prompt.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::json;

use super::support::people::two;
use super::support::{Person, stderr, stdout};
use super::{file_lines, prompt, text, until_file, until_here, write};

#[test]
fn a_small_file_comes_by_itself_and_its_path_is_in_the_prompt() {
    let (alice, bob, _) = two();
    let svg = format!("<svg>{}</svg>", "x".repeat(137));
    write(&bob, "design.svg", &svg);
    let shared = bob.object(&["share", "design.svg"]);
    assert_eq!(shared["name"], "design.svg");
    assert_eq!(
        (&shared["size"], &shared["state"]),
        (&148.into(), &"here".into())
    );
    assert_eq!(shared["media_type"], "image/svg+xml");
    assert_eq!(
        shared["hash"],
        blake3::hash(svg.as_bytes()).to_hex().as_str()
    );
    assert!(shared["n"].as_u64().unwrap() > 0 && shared["room"].is_string());

    let path = until_here(&alice, "design.svg");
    assert!(path.starts_with(&alice.home), "{}", path.display());
    assert_eq!(fs::read_to_string(&path).unwrap(), svg);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);

    let told = prompt(&alice, "s1").unwrap();
    let lines = file_lines(&told);
    assert_eq!(lines.len(), 1, "{told}");
    let wanted = format!("] dropped design.svg (148 B) @file:{}", path.display());
    assert!(lines[0].starts_with("[chatroom @bob "), "{told}");
    assert!(lines[0].ends_with(&wanted), "{told}");
    assert_eq!(prompt(&alice, "s1"), None);

    // What bob does to his own file changes nothing of what was shared.
    fs::write(bob.project.join("design.svg"), "something else").unwrap();
    let his = shared["path"].as_str().unwrap();
    assert_eq!(fs::read_to_string(his).unwrap(), svg);
    fs::remove_file(bob.project.join("design.svg")).unwrap();
    assert_eq!(fs::read_to_string(his).unwrap(), svg);
}

#[test]
fn a_large_file_is_announced_and_dropped_once_somebody_gets_it() {
    let (alice, bob, _) = two();
    let settings = alice.object(&["files", "--auto-get", "1K"]);
    assert_eq!(settings["auto_get"], 1024);
    let bytes = vec![7_u8; 3000];
    write(&bob, "photo.bin", &bytes);
    bob.object(&["share", "photo.bin"]);
    until_file(&alice, |file| file["name"] == "photo.bin");

    let told = prompt(&alice, "s1").unwrap();
    let lines = file_lines(&told);
    assert_eq!(lines.len(), 1, "{told}");
    assert!(
        lines[0].ends_with("] announced photo.bin (2.9 KiB), not here yet"),
        "{told}"
    );
    assert!(!told.contains("@file:"), "{told}");
    let listed = alice.objects(&["files"]);
    assert_eq!(listed[0]["state"], "announced");
    let logged = stdout(&alice.run(&["log"]));
    assert!(
        logged.contains("@bob dropped photo.bin (2.9 KiB): cc-connect get photo.bin"),
        "{logged}"
    );

    let got = alice.object(&["get", "photo.bin"]);
    let path = got["path"].as_str().unwrap();
    assert_eq!(got["state"], "here");
    assert_eq!(fs::read(path).unwrap(), bytes);
    // Told of to the session that heard of it before, though nothing else is unread.
    let told = prompt(&alice, "s1").unwrap();
    let wanted = format!("] dropped photo.bin (2.9 KiB) @file:{path}");
    assert!(file_lines(&told)[0].ends_with(&wanted), "{told}");
    assert_eq!(prompt(&alice, "s1"), None);
    let logged = stdout(&alice.run(&["log"]));
    assert!(
        logged.contains(&format!("dropped photo.bin (2.9 KiB): {path}")),
        "{logged}"
    );
    let lines = alice.objects(&["log"]);
    let line = lines.iter().find(|line| line["kind"] == "file").unwrap();
    assert_eq!(
        (&line["name"], &line["size"]),
        (&"photo.bin".into(), &3000.into())
    );
    assert_eq!(
        (&line["path"], &line["folder"]),
        (&path.into(), &false.into())
    );
}

#[test]
fn a_folder_comes_whole() {
    let (alice, bob, _) = two();
    for (name, bytes) in [
        ("trip/plan.md", "plan"),
        ("trip/photos/1.txt", "one"),
        ("trip/photos/2.txt", "two"),
    ] {
        write(&bob, name, bytes);
    }
    std::os::unix::fs::symlink("/etc/hosts", bob.project.join("trip/hosts")).unwrap();
    let shared = bob.object(&["share", "trip"]);
    let fault = shared["fault"].as_str().unwrap();
    assert!(fault.starts_with("left out: 1 "), "{fault}");
    assert_eq!(
        (&shared["folder"], &shared["size"]),
        (&true.into(), &10.into())
    );
    assert_eq!(shared["media_type"], "application/vnd.cc-connect.folder");
    let path = until_here(&alice, "trip");
    assert_eq!(fs::read(path.join("photos/2.txt")).unwrap(), b"two");
    assert!(path.join("hosts").symlink_metadata().is_err());
    let told = prompt(&alice, "s1").unwrap();
    let wanted = format!("] dropped folder trip/ (10 B) @file:{}", path.display());
    assert!(file_lines(&told)[0].ends_with(&wanted), "{told}");

    let out = alice.project.join("copy");
    let got = alice.object(&["get", "trip", "--out", text(&out)]);
    assert_eq!(got["out"], text(&out));
    assert_eq!(fs::read(out.join("plan.md")).unwrap(), b"plan");
}

#[test]
fn each_path_has_its_own_result() {
    let (alice, bob, _) = two();
    write(&bob, "a.txt", "a");
    write(&bob, "b.pem", "b");
    write(&bob, "c.txt", "c");
    let output = bob.run(&["--json", "share", "a.txt", "b.pem", "nowhere.txt", "c.txt"]);
    assert_eq!(output.status.code(), Some(1));
    let names: Vec<String> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["name"].to_string())
        .collect();
    assert_eq!(names, ["\"a.txt\"", "\"c.txt\""]);
    let failed = stderr(&output);
    assert_eq!(failed.lines().count(), 3, "{failed}");
    assert!(
        failed.contains("b.pem looks like") && failed.contains("nowhere.txt"),
        "{failed}"
    );
    assert!(failed.contains("2 of 4 were not shared"), "{failed}");
    // A link is followed, and what it leads to goes by the name that was typed.
    std::os::unix::fs::symlink("c.txt", bob.project.join("latest.txt")).unwrap();
    bob.object(&["share", "latest.txt"]);
    for name in ["a.txt", "c.txt", "latest.txt"] {
        until_here(&alice, name);
    }
}

#[test]
fn a_file_that_was_taken_back_is_gone_from_the_others() {
    let (alice, bob, _) = two();
    write(&bob, "wrong.txt", "not for you");
    let shared = bob.object(&["share", "wrong.txt"]);
    let path = until_here(&alice, "wrong.txt");
    bob.object(&["retract", shared["file"].as_str().unwrap()]);
    alice.follow_until(|line| line["kind"] == "retract");
    let mut socket = alice.connect();
    socket.call("subscribe", &json!({"room": shared["room"]}));
    let started = std::time::Instant::now();
    while path.exists() || !alice.objects(&["files"]).is_empty() {
        assert!(
            started.elapsed() < super::support::DEADLINE,
            "{}",
            alice.daemon_log()
        );
        alice.object(&["files", "--auto-get", "1M"]);
    }
    let told = prompt(&alice, "s1").unwrap_or_default();
    assert!(!told.contains("wrong.txt"), "{told}");
    let logged = stdout(&alice.run(&["log"]));
    assert!(logged.contains("a file of @bob was taken back"), "{logged}");
}

#[test]
fn who_goes_away_while_a_file_is_read_announces_nothing() {
    let alice = Person::new();
    let (room, _) = alice.start("shop", "alice");
    // Sparse: large to read, and no space on the disk of the one who has it.
    let large = alice.project.join("large.bin");
    fs::File::create(&large).unwrap().set_len(2 << 30).unwrap();
    let mut sharing = alice
        .command()
        .args(["--json", "share", "large.bin"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The copy has begun.
    let files = alice.home.join("rooms").join(&room).join("files");
    let started = std::time::Instant::now();
    let is_begun = || fs::read_dir(&files).is_ok_and(|mut entries| entries.next().is_some());
    while !is_begun() {
        assert!(started.elapsed() < super::support::DEADLINE);
        std::thread::yield_now();
    }
    sharing.kill().unwrap();
    sharing.wait().unwrap();
    // Others are served meanwhile, and nothing of it is left.
    assert!(alice.objects(&["files"]).is_empty());
    alice.object(&["send", "still here"]);
    let bytes = || -> u64 {
        let entries = fs::read_dir(&files).into_iter().flatten().flatten();
        entries
            .flat_map(|entry| fs::read_dir(entry.path()).into_iter().flatten().flatten())
            .filter_map(|entry| entry.metadata().ok())
            .filter(fs::Metadata::is_file)
            .map(|meta| meta.len())
            .sum()
    };
    let started = std::time::Instant::now();
    while bytes() > 0 {
        assert!(
            started.elapsed() < super::support::DEADLINE,
            "{}",
            alice.daemon_log()
        );
        std::thread::yield_now();
    }
    assert!(alice.objects(&["files"]).is_empty());
}

#[test]
fn the_chat_without_a_screen_says_what_was_dropped_and_when_it_is_here() {
    let (alice, bob, _) = two();
    alice.object(&["files", "--auto-get", "off"]);
    let mut chat = super::support::Ended(
        alice
            .command()
            .args(["chat", "--plain"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let shown = BufReader::new(chat.0.stdout.take().unwrap()).lines();
    let mut shown = shown.map_while(Result::ok);
    write(&bob, "late.txt", "late");
    bob.object(&["share", "late.txt"]);
    let line = shown.find(|line| line.contains("late.txt")).unwrap();
    assert!(
        line.ends_with("@bob dropped late.txt (4 B): cc-connect get late.txt"),
        "{line}"
    );
    let got = alice.object(&["get", "late.txt"]);
    let line = shown.find(|line| line.contains("late.txt")).unwrap();
    let path = got["path"].as_str().unwrap();
    assert_eq!(line, format!("* late.txt (4 B) is here: {path}"));
}
