//! Which file is meant, where copies go, what is waited for and what is left.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::support::people::two;
use super::support::{Ended, Person, stderr, stdout};
use super::{text, until_file, until_here, write};

#[test]
fn a_copy_goes_where_it_is_wanted_and_replaces_nothing() {
    let (alice, bob, _) = two();
    write(&bob, "notes.txt", "first");
    let shared = bob.object(&["share", "notes.txt"]);
    until_here(&alice, "notes.txt");
    let out = alice.project.join("mine.txt");
    let got = alice.object(&["get", "notes.txt", "--out", text(&out)]);
    assert_eq!(got["out"], text(&out));
    assert_eq!(fs::read_to_string(&out).unwrap(), "first");
    let folder = alice.project.join("folder");
    fs::create_dir(&folder).unwrap();
    let id = &shared["file"].as_str().unwrap()[..10];
    alice.object(&["get", id, "--out", text(&folder)]);
    assert_eq!(
        fs::read_to_string(folder.join("notes.txt")).unwrap(),
        "first"
    );

    fs::write(&out, "mine").unwrap();
    for taken in [&out, &folder] {
        let (error, exit) = alice.failure(&["get", "notes.txt", "--out", text(taken)]);
        assert_eq!((&error["kind"], exit), (&"copy".into(), 1), "{error}");
    }
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
    let (error, _) = alice.failure(&["get", "notes.txt", "--out", "no/such/folder"]);
    assert_eq!(error["kind"], "copy", "{error}");
}

#[test]
fn a_name_means_one_file_and_digits_tell_several_apart() {
    let (alice, bob, _) = two();
    let mut shared = Vec::new();
    for text in ["one", "two"] {
        write(&bob, "notes.txt", text);
        shared.push(bob.object(&["share", "notes.txt"]));
        let hash = shared.last().unwrap()["hash"].clone();
        until_file(&alice, |file| {
            file["hash"] == hash && file["state"] == "here"
        });
    }
    let (error, exit) = alice.failure(&["get", "notes.txt"]);
    assert_eq!((&error["kind"], exit), (&"file".into(), 1), "{error}");
    for shared in &shared {
        let wanted = format!(
            "{}  notes.txt (3 B) from bob",
            &shared["file"].as_str().unwrap()[..10]
        );
        assert!(error.to_string().contains(&wanted), "{error}");
    }
    let newest = shared[1]["file"].as_str().unwrap();
    let path = alice.object(&["get", newest])["path"].clone();
    assert_eq!(fs::read_to_string(path.as_str().unwrap()).unwrap(), "two");
    for field in ["file", "hash"] {
        let digits = &shared[0][field].as_str().unwrap()[..16];
        let path = alice.object(&["get", digits])["path"].clone();
        assert_eq!(fs::read_to_string(path.as_str().unwrap()).unwrap(), "one");
    }
    for unknown in ["nothing.txt", "ffffffffff", "abc", ""] {
        let (error, exit) = alice.failure(&["get", unknown]);
        assert_eq!((&error["kind"], exit), (&"file".into(), 1), "{error}");
    }
    // The same bytes are on no disk twice, and a file that was damaged is found and fetched again.
    fs::write(path.as_str().unwrap(), "tw0").unwrap();
    let output = alice.run(&["files", "--verify"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        stderr(&output).contains("1 file is damaged"),
        "{}",
        stderr(&output)
    );
    assert!(stdout(&output).contains("damaged"), "{}", stdout(&output));
    let got = alice.object(&["get", newest]);
    assert_eq!(
        fs::read_to_string(got["path"].as_str().unwrap()).unwrap(),
        "two"
    );
    assert!(alice.run(&["files", "--verify"]).status.success());
}

#[test]
fn a_wait_for_somebody_who_is_gone_says_so_and_can_be_left() {
    let (alice, bob, _) = two();
    alice.object(&["files", "--auto-get", "off"]);
    write(&bob, "later.txt", "later");
    bob.object(&["share", "later.txt"]);
    until_file(&alice, |file| file["name"] == "later.txt");
    bob.object(&["stop"]);

    let mut waiting = Ended(
        alice
            .command()
            .args(["get", "later.txt"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut said = BufReader::new(waiting.0.stderr.take().unwrap()).lines();
    let line = said.next().unwrap().unwrap();
    // Whether it was noticed yet that he is gone, or he was asked in vain.
    let is_gone = line.contains("nobody who has later.txt (5 B) is online");
    let in_vain = line.contains("later.txt (5 B) has not come: bob: ");
    assert!(is_gone || in_vain, "{line}");
    let pid = Pid::from_raw(i32::try_from(waiting.0.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let line = said.next().unwrap().unwrap();
    assert!(line.contains("stopped") && line.contains("stay"), "{line}");
    assert_eq!(waiting.0.wait().unwrap().code(), Some(130));
    until_file(&alice, |file| file["state"] == "announced");

    // Wanted once, it comes when somebody is there again, over a restart too.
    let mut socket = alice.connect();
    let file = alice.objects(&["files"])[0].clone();
    let params = serde_json::json!({"room": file["room"], "file": file["file"]});
    socket.call("file.get", &params);
    alice.kill_daemon();
    alice.run(&["status"]);
    alice.objects(&["files"]);
    bob.objects(&["files"]);
    let path = until_here(&alice, "later.txt");
    assert_eq!(fs::read_to_string(path).unwrap(), "later");
    let output = alice.run(&["get", "later.txt", "--cancel"]);
    assert!(stdout(&output).contains("is here already"), "{output:?}");
}

#[test]
fn settings_stay_and_are_told() {
    let alice = Person::new();
    let object = alice.object(&[
        "room",
        "start",
        "--name",
        "shop",
        "--nick",
        "alice",
        "--relay",
        "none",
        "--no-ui",
        "--auto-get",
        "1.5M",
    ]);
    assert!(object["ticket"].is_string());
    let now = alice.object(&["files", "--quota", "2G"]);
    assert_eq!(now["auto_get"], 3 * 512 * 1024);
    assert_eq!(
        (&now["quota"], &now["used"]),
        (&(2_u64 << 30).into(), &0.into())
    );
    alice.object(&["stop"]);
    let now = alice.object(&["files", "--auto-get", "off"]);
    assert_eq!(
        (&now["auto_get"], &now["quota"]),
        (&0.into(), &(2_u64 << 30).into())
    );
    let output = alice.run(&["files"]);
    assert_eq!(stdout(&output), "no files yet: cc-connect share PATH\n");
    assert!(
        stderr(&output).contains("no file comes by itself"),
        "{output:?}"
    );
}

#[test]
fn where_the_settings_cannot_be_read_nothing_comes_until_they_are_chosen_anew() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let now = alice.object(&["files", "--auto-get", "off"]);
    assert_eq!(now["lost"], false);
    let room = now["room"].as_str().unwrap();
    let book = alice.home.join("rooms").join(room).join("files.json");
    for _ in 0..2 {
        alice.kill_daemon();
        // The second time it is as one that was damaged long ago.
        if !book.with_extension("json.damaged").exists() {
            fs::write(&book, "{\"v\":1,").unwrap();
        }
        let output = alice.run(&["files"]);
        let said = stderr(&output);
        let what = format!("cc-connect files --room {} --auto-get SIZE", &room[..10]);
        assert!(
            said.contains("could not be read: no file comes by itself") && said.contains(&what),
            "{said}"
        );
    }
    let kept = fs::read_to_string(book.with_extension("json.damaged"));
    assert_eq!(kept.unwrap(), "{\"v\":1,");
    // Also where that is what it is by now.
    let now = alice.object(&["files", "--auto-get", "off"]);
    assert_eq!((&now["lost"], &now["auto_get"]), (&false.into(), &0.into()));
    alice.kill_daemon();
    let output = alice.run(&["files"]);
    assert!(
        stderr(&output).starts_with("no file comes by itself"),
        "{output:?}"
    );
}

#[test]
fn what_is_used_is_told_as_it_is_counted() {
    let alice = Person::new();
    alice.start("shop", "alice");
    write(&alice, "a.txt", "0123456789");
    alice.object(&["share", "a.txt"]);
    let output = alice.run(&["files"]);
    assert!(stderr(&output).ends_with("; 10 B are here\n"), "{output:?}");
    write(&alice, "folder/b.txt", "b");
    write(&alice, "folder/c.txt", "c");
    alice.object(&["share", "folder"]);
    let output = alice.run(&["files"]);
    // What says what is in the folder is counted as it is.
    let said = "; 8.1 KiB (a file in a folder counts 4.0 KiB at least) are here\n";
    assert!(stderr(&output).ends_with(said), "{output:?}");
}

#[test]
fn wrong_calls_are_refused_with_2_before_anything_is_done() {
    let alice = Person::new();
    for arguments in [
        &["share"][..],
        &["get"],
        &["get", "a", "b"],
        &["get", "a", "--out", "b", "--cancel"],
        &["files", "--auto-get"],
        &["room", "start", "--auto-get", "much", "--no-ui"],
        &["chat", "--pain"],
    ] {
        let (error, exit) = alice.failure(arguments);
        assert_eq!(
            (&error["kind"], exit),
            (&"usage".into(), 2),
            "{arguments:?} {error}"
        );
    }
    assert!(!alice.is_daemon_running());
    for arguments in [&["share", "x"][..], &["files"], &["get", "x"]] {
        let (error, exit) = alice.failure(arguments);
        assert_eq!(
            (&error["kind"], exit),
            (&"room".into(), 1),
            "{arguments:?} {error}"
        );
    }
    alice.start("shop", "alice");
    for size in ["10X", "-1", "1.5", "ten"] {
        let option = format!("--quota={size}");
        let (error, exit) = alice.failure(&["files", &option]);
        assert_eq!(
            (&error["kind"], exit),
            (&"usage".into(), 2),
            "{size} {error}"
        );
        assert!(error["hint"].as_str().unwrap().contains("500K"), "{error}");
    }
}
