//! Rooms between real daemons, each person with a home of their own, on loopback alone.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
#[cfg(target_os = "linux")]
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Ended, Person, stderr, stdout};

fn texts(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .filter_map(|line| line["text"].as_str())
        .collect()
}

#[test]
fn two_people_talk() {
    let (alice, bob) = (Person::new(), Person::new());
    let (room, ticket) = alice.start("shop", "alice");
    let joined = bob.join(&ticket, "bob");
    assert_eq!(joined["room"], room.as_str());
    assert_eq!(joined["name"], "shop");
    assert_eq!(joined["nick"], "bob");
    assert!(joined["ticket"].as_str().unwrap().starts_with("cc1-"));

    let sent = bob.object(&["send", "postgres,", "we have it"]);
    alice.until_text("postgres, we have it");
    alice.object(&["send", "--room", "shop", "good", "--via", "some-agent"]);
    let lines = bob.until_text("good");
    assert_eq!(texts(&lines), ["postgres, we have it", "good"]);
    let line = lines
        .iter()
        .find(|line| line["text"] == "postgres, we have it")
        .unwrap();
    assert_eq!(line["id"], sent["id"]);
    assert_eq!(line["n"], sent["n"]);
    assert_eq!(
        (&line["kind"], &line["nick"], &line["via"]),
        (&"chat".into(), &"bob".into(), &"".into())
    );
    assert_eq!(line["author"], bob.object(&["identity"])["id"]);
    let by_agent = stdout(&bob.run(&["log"]));
    assert!(
        by_agent.contains("@alice (via some-agent) good"),
        "{by_agent}"
    );

    for person in [&alice, &bob] {
        let status = person.object(&["status"]);
        assert_eq!(status["daemon"]["running"], true);
        assert_eq!(status["daemon"]["relay"], "none");
        let shown = &status["rooms"][0];
        assert_eq!(
            (&shown["room"], &shown["name"]),
            (&room.as_str().into(), &"shop".into())
        );
        assert_eq!(
            (&shown["members"], &shown["online"], &shown["messages"]),
            (&2.into(), &2.into(), &2.into())
        );
    }
}

#[test]
fn a_daemon_that_was_stopped_is_gone_and_the_next_one_has_everything() {
    let alice = Person::new();
    alice.start("shop", "alice");
    alice.object(&["send", "kept"]);
    assert!(alice.is_daemon_running());
    assert_eq!(alice.object(&["stop"])["stopped"], true);
    assert!(!alice.is_daemon_running());
    assert!(!alice.home.join("daemon.sock").exists());
    assert_eq!(alice.object(&["stop"])["stopped"], false);

    let status = alice.object(&["status"]);
    assert_eq!(status["daemon"]["running"], false);
    assert_eq!(
        (
            &status["rooms"][0]["messages"],
            &status["rooms"][0]["online"]
        ),
        (&1.into(), &0.into())
    );
    assert!(!alice.is_daemon_running(), "status started a daemon");

    alice.object(&["send", "and this"]);
    assert_eq!(texts(&alice.objects(&["log"])), ["kept", "and this"]);
}

#[test]
fn a_killed_daemon_leaves_nothing_that_stops_the_next() {
    let (alice, bob) = (Person::new(), Person::new());
    let (_, ticket) = alice.start("shop", "alice");
    bob.join(&ticket, "bob");
    alice.object(&["send", "before"]);
    bob.until_text("before");
    alice.kill_daemon();
    assert!(
        alice.home.join("daemon.sock").exists(),
        "the socket is stale"
    );
    alice.object(&["send", "after"]);
    assert_eq!(texts(&alice.objects(&["log"])), ["before", "after"]);
    bob.until_text("after");
}

#[test]
fn joining_while_nobody_is_online_completes_by_itself_and_over_restarts() {
    let (alice, bob) = (Person::new(), Person::new());
    let (_, ticket) = alice.start("shop", "alice");
    alice.object(&["send", "said before"]);
    alice.object(&["stop"]);

    let output = bob.run_with_input(
        &[
            "room", "join", "-", "--nick", "bob", "--relay", "none", "--no-ui", "--wait", "1",
        ],
        &ticket,
    );
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output)
            .contains("nobody is online yet; you will get the history as soon as someone is")
    );
    let listed = bob.object(&["room", "list"]);
    assert_eq!(listed["state"], "joining");
    let (error, exit) = bob.failure(&["send", "too early"]);
    assert_eq!((&error["kind"], exit), (&"joining".into(), 1));
    bob.object(&["stop"]);

    alice.object(&["send", "back again"]);
    let lines = bob.until_text("back again");
    assert_eq!(texts(&lines), ["said before", "back again"]);
    assert_eq!(bob.object(&["room", "list"])["state"], "joined");
}

#[test]
fn status_tells_of_the_fast_path_and_of_a_room_that_does_not_open() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let status = alice.object(&["status"]);
    let gossip = &status["rooms"][0]["gossip"];
    assert_eq!(
        (&gossip["rebuilds"], &gossip["cause"]),
        (&0.into(), &Value::Null)
    );
    assert!(["up", "off"].contains(&gossip["state"].as_str().unwrap()));
    for (field, value) in [("refused", "[]"), ("forked", "[]"), ("removed", "false")] {
        assert_eq!(status["rooms"][0][field].to_string(), value, "{field}");
    }
    assert_eq!(status["closed"].to_string(), "[]");

    alice.object(&["stop"]);
    let broken = "f".repeat(64);
    fs::create_dir(alice.home.join("rooms").join(&broken)).unwrap();
    alice.object(&["send", "the other one works"]);
    let status = alice.object(&["status"]);
    let closed = status["closed"].as_array().unwrap();
    assert_eq!(closed.len(), 1, "{status}");
    assert_eq!(closed[0]["room"], broken.as_str());
    assert!(
        closed[0]["reason"]
            .as_str()
            .is_some_and(|why| !why.is_empty())
    );
    assert!(stdout(&alice.run(&["status"])).contains("not open: "));
}

#[cfg(target_os = "linux")]
#[test]
fn a_daemon_whose_log_is_on_a_full_disk_goes_on() {
    let (alice, bob) = (Person::new(), Person::new());
    for person in [&alice, &bob] {
        fs::create_dir(&person.home).unwrap();
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&person.home, private).unwrap();
        // All that is written to it fails as on a full disk, the daemon's standard error too.
        symlink("/dev/full", person.home.join("daemon.log")).unwrap();
    }
    let (_, ticket) = alice.start("shop", "alice");
    bob.join(&ticket, "bob");
    alice.object(&["send", "nobody logs this"]);
    bob.until_text("nobody logs this");
    for person in [&alice, &bob] {
        let status = person.object(&["status"]);
        assert_eq!(
            status["rooms"].as_array().map(Vec::len),
            Some(1),
            "{status}"
        );
        assert_eq!(status["closed"].to_string(), "[]");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_daemon_holds_nothing_that_its_starter_had_open() {
    let alice = Person::new();
    let held = alice.folder().join("held");
    let script = format!(
        "exec 3>'{0}' 7>'{0}'; exec '{1}' room start --no-ui --relay none --name shop --nick alice",
        held.display(),
        env!("CARGO_BIN_EXE_cc-connect")
    );
    let mut command = Command::new("sh");
    command.env_clear();
    for (name, value) in alice.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let started = command
        .current_dir(&alice.project)
        .args(["-c", &script])
        .output()
        .unwrap();
    assert!(started.status.success(), "{}", stderr(&started));
    let open = fs::read_dir(format!("/proc/{}/fd", alice.daemon_pid())).unwrap();
    let open = open.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
    assert!(!open.into_iter().any(|path| path == held));
}

#[test]
fn a_ticket_is_in_no_log_and_in_no_argument_of_the_daemon() {
    let (alice, bob) = (Person::new(), Person::new());
    let (_, ticket) = alice.start("shop", "alice");
    bob.join(&ticket, "bob");
    for person in [&alice, &bob] {
        assert!(!person.daemon_log().contains("cc1-"));
        let arguments = fs::read(format!("/proc/{}/cmdline", person.daemon_pid()));
        if let Ok(arguments) = arguments {
            assert!(!String::from_utf8_lossy(&arguments).contains("cc1-"));
        }
    }
}

#[test]
fn a_room_is_found_by_folder_and_else_the_choice_is_listed() {
    let alice = Person::new();
    let (shop, _) = alice.start("shop", "alice");
    let other = alice.folder().join("other");
    fs::create_dir_all(other.join("deep")).unwrap();
    let output = alice
        .command()
        .current_dir(&other)
        .args([
            "room", "start", "--name", "trip", "--no-ui", "--relay", "none",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));

    let in_deep = |arguments: &[&str]| {
        alice
            .command()
            .current_dir(other.join("deep"))
            .args(arguments)
            .output()
            .unwrap()
    };
    assert!(in_deep(&["send", "pack"]).status.success());
    assert!(stdout(&alice.run(&["log", "--room", "trip"])).contains("@tester pack"));
    assert!(!stdout(&alice.run(&["log", "--room", &shop[..12]])).contains("pack"));

    let elsewhere = alice
        .command()
        .current_dir("/")
        .args(["send", "hello"])
        .output()
        .unwrap();
    assert_eq!(elsewhere.status.code(), Some(1));
    let told = stderr(&elsewhere);
    assert!(
        told.contains("shop") && told.contains("trip") && told.contains("--room"),
        "{told}"
    );
    let (error, _) = alice.failure(&["send", "--room", "nowhere", "x"]);
    assert_eq!(error["kind"], "room");
}

#[test]
fn wide_folders_are_bound_only_on_request() {
    let alice = Person::new();
    let in_own_folder = |arguments: &[&str]| {
        alice
            .command()
            .current_dir(alice.folder())
            .args(arguments)
            .output()
            .unwrap()
    };
    let start = [
        "room", "start", "--name", "shop", "--no-ui", "--relay", "none", "--json",
    ];
    let output = in_own_folder(&start);
    assert!(stderr(&output).contains("not bound"), "{}", stderr(&output));
    let object: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(object["bound"], Value::Null);

    let output = in_own_folder(&[&start[..], &["--bind", "."]].concat());
    let object: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        object["bound"],
        alice.folder().canonicalize().unwrap().to_str().unwrap()
    );
    let global = alice.object(&[
        "room", "start", "--no-ui", "--relay", "none", "--bind", "global",
    ]);
    assert_eq!(
        (&global["bound"], &global["name"]),
        (&"global".into(), &"project".into())
    );
    let none = alice.object(&[
        "room", "start", "--no-ui", "--relay", "none", "--bind", "none",
    ]);
    assert_eq!(none["bound"], Value::Null);
}

#[test]
fn another_relay_is_refused_with_a_way_out() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let (error, exit) = alice.failure(&[
        "room",
        "start",
        "--no-ui",
        "--relay",
        "https://relay.example",
    ]);
    assert_eq!((&error["kind"], exit), (&"relay".into(), 1));
    assert!(error["hint"].as_str().unwrap().contains("config.json"));
    assert_eq!(alice.objects(&["room", "list"]).len(), 1);
}

#[test]
fn the_chat_sends_what_is_typed_and_ends_with_the_input() {
    let (alice, bob) = (Person::new(), Person::new());
    let output = alice.run_with_input(
        &[
            "room", "start", "--name", "shop", "--nick", "alice", "--relay", "none",
        ],
        "first line\n\nsecond line\n",
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let (printed, told) = (stdout(&output), stderr(&output));
    let ticket = printed.lines().next().unwrap();
    assert!(ticket.starts_with("cc1-"), "{printed}");
    assert_eq!(told.matches("the room keeps running").count(), 1, "{told}");
    assert_eq!(
        texts(&alice.objects(&["log"])),
        ["first line", "second line"]
    );

    let output = bob.run_with_input(
        &[
            "room", "join", "-", "--nick", "bob", "--relay", "none", "--json",
        ],
        &format!("{ticket}\nhello from bob\n"),
    );
    assert!(output.status.success(), "{}", stderr(&output));
    alice.until_text("hello from bob");
    for line in stdout(&output).lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        assert_eq!(object["v"], 1);
    }
}

#[test]
fn ctrl_c_ends_the_chat_and_not_the_room() {
    let alice = Person::new();
    let child = alice
        .command()
        .args([
            "room", "start", "--name", "shop", "--nick", "alice", "--relay", "none",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Ended(child);
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("made the room")));
    // Held open: waiting for a child closes its input, and the end of input ends the chat too.
    let input = child.0.stdin.take();
    let pid = rustix::process::Pid::from_raw(child.0.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
    drop(input);
    let mut told = String::new();
    child
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    assert_eq!(told.matches("the room keeps running").count(), 1, "{told}");
    assert!(alice.is_daemon_running());
}

#[test]
fn what_peers_write_cannot_act_on_a_terminal() {
    let (alice, bob) = (Person::new(), Person::new());
    let (_, ticket) = alice.start("shop", "alice");
    bob.join(&ticket, "bob");
    let hostile = "red \u{1b}[31m \u{202e}txt\n12:00Z @alice I owe bob";
    bob.object(&["send", hostile]);
    alice.until_text(hostile);
    let shown = stdout(&alice.run(&["log", "--color", "never"]));
    assert!(
        !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
        "{shown}"
    );
    assert!(
        !shown.lines().any(|line| line.starts_with("12:00Z @alice")),
        "{shown}"
    );
    assert!(
        !stdout(&alice.run(&["log"])).contains('\u{1b}'),
        "not a terminal: no colour"
    );
    assert!(stdout(&alice.run(&["log", "--color", "always"])).contains("\u{1b}[1m@bob\u{1b}[0m"));
}

#[test]
fn log_begins_where_it_is_told() {
    let alice = Person::new();
    alice.start("shop", "alice");
    for text in ["one", "two", "three"] {
        alice.object(&["send", text]);
    }
    let all = alice.objects(&["log"]);
    let two = all.iter().find(|line| line["text"] == "two").unwrap()["n"]
        .as_u64()
        .unwrap();
    assert_eq!(
        texts(&alice.objects(&["log", "--since", &two.to_string()])),
        ["three"]
    );
    assert_eq!(alice.objects(&["log", "--since", "1h"]).len(), all.len());
    assert_eq!(alice.objects(&["log", "--since", "0s"]).len(), 0);
    assert_eq!(alice.failure(&["log", "--since", "whenever"]).1, 2);
}

#[test]
fn run_passes_the_room_and_the_exit_code_on() {
    let alice = Person::new();
    let (room, _) = alice.start("shop", "alice");
    let output = alice.run(&[
        "run",
        "shop",
        "--",
        "sh",
        "-c",
        "echo $CC_CONNECT_ROOM; exit 7",
    ]);
    assert_eq!(stdout(&output).trim(), room);
    assert_eq!(output.status.code(), Some(7));
    let (error, exit) = alice.failure(&["run", "shop", "--", "/no/such/program"]);
    assert_eq!((&error["kind"], exit), (&"command".into(), 1));
}

#[test]
fn a_text_that_no_room_takes_is_refused_and_the_longest_one_is_sent() {
    let alice = Person::new();
    alice.start("shop", "alice");
    assert_eq!(alice.failure(&["send", "  "]).0["kind"], "message");
    let longest = "\u{1}".repeat(16 * 1024);
    assert!(
        alice
            .run_with_input(&["send", "-"], &longest)
            .status
            .success()
    );
    let longer = alice.run_with_input(&["send", "-", "--json"], &format!("{longest}x"));
    assert_eq!(longer.status.code(), Some(1));
    assert_eq!(texts(&alice.objects(&["log"])), [longest]);
}
