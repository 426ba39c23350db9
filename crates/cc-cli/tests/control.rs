//! The daemon as a process, and its socket: noise, many clients, slow ones, and what each method answers.

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use support::{Ended, Person};

/// More than the connection's queue, the socket's buffer and the room's ring hold together.
const FLOOD: usize = 6000;

#[test]
fn two_first_commands_at_once_start_one_daemon() {
    let alice = Person::new();
    let start = |name: &str| {
        let mut command = alice.command();
        command.args([
            "room", "start", "--name", name, "--relay", "none", "--no-ui", "--json",
        ]);
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        command.spawn().unwrap()
    };
    let mut both = [start("one"), start("two")];
    for child in &mut both {
        assert!(child.wait().unwrap().success(), "{}", alice.daemon_log());
    }
    assert_eq!(
        alice.object(&["status"])["rooms"].as_array().unwrap().len(),
        2
    );
    assert_eq!(
        alice.daemon_log().matches(" ready ").count(),
        1,
        "{}",
        alice.daemon_log()
    );
}

#[test]
fn a_home_with_a_long_path_has_a_short_socket() {
    let alice = Person::with_home(&"long-".repeat(30));
    alice.start("shop", "alice");
    alice.object(&["send", "hello"]);
    assert!(!alice.home.join("daemon.sock").exists());
    assert_eq!(alice.object(&["status"])["daemon"]["running"], true);
    assert_eq!(alice.object(&["stop"])["stopped"], true);
    assert!(!alice.is_daemon_running());
}

#[test]
fn home_and_socket_are_the_users_alone() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let mode = |name: &str| {
        std::fs::metadata(alice.home.join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(""), 0o700);
    for name in [
        "daemon.sock",
        "daemon.lock",
        "daemon.log",
        "identity",
        "bindings.json",
        "config.json",
    ] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
}

#[test]
fn noise_is_answered_or_the_connection_closed_and_the_daemon_goes_on() {
    let alice = Person::new();
    alice.start("shop", "alice");
    for (noise, code) in [
        (&b"noise\n"[..], -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1}\n", -32600),
        (b"[]\n", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dance\"}\n", -32601),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"send\",\"params\":{\"room\":7}}\n", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"send\",\"params\":[]}\n", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\",\"params\":{\"room\":\"x\"}}\n", -32602),
        (b"\xff\xfe\x00\n", -32700),
    ] {
        let mut socket = alice.connect();
        socket.write(noise);
        assert_eq!(socket.line().unwrap()["error"]["code"], code, "{}", String::from_utf8_lossy(noise));
    }
    let nobody = "0".repeat(64);
    let unknown = alice
        .connect()
        .call("send", &json!({"room": nobody, "text": "x"}));
    assert_eq!(
        (&unknown["error"]["code"], &unknown["error"]["data"]["kind"]),
        (&1.into(), &"no_such_room".into())
    );
    let ticket = alice
        .connect()
        .call("room.join", &json!({"ticket": "cc1-xyz", "nick": "a"}));
    assert_eq!(ticket["error"]["code"], 2);

    // Too long, cut off, and gone in the middle of it.
    let mut long = alice.connect();
    long.try_write(&vec![b'x'; 300 * 1024]);
    assert_eq!(long.line().unwrap()["error"]["code"], -32600);
    assert_eq!(long.line(), None, "the connection is closed");
    alice
        .connect()
        .write(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"met");
    drop(alice.connect());
    assert_eq!(
        alice.connect().call("status", &json!({}))["result"]["rooms"][0]["name"],
        "shop"
    );
}

#[test]
fn a_message_that_no_room_takes_is_refused_with_a_reason() {
    let alice = Person::new();
    let (room, _) = alice.start("shop", "alice");
    let long = "x".repeat(16_385);
    for (text, via, why) in [
        ("", "", "the message is empty"),
        (" \n ", "", "the message is empty"),
        (&long, "", "the message has 16385 bytes"),
        ("hello", &long[..65], "the agent's name has 65 bytes"),
    ] {
        let params = json!({"room": room, "text": text, "via": via});
        let error = &alice.connect().call("send", &params)["error"];
        assert_eq!(error["code"], 5, "{error}");
        assert_eq!(error["data"]["kind"], "bad_message");
        assert!(
            error["message"].as_str().unwrap().starts_with(why),
            "{error}"
        );
    }
    let (error, _) = alice.failure(&["send", "--via", &long[..65], "hello"]);
    assert!(error["hint"].as_str().is_some(), "{error}");
    let params = json!({"room": room, "text": "hello", "via": &long[..64]});
    assert!(alice.connect().call("send", &params)["error"].is_null());
}

#[test]
fn notifications_are_carried_out_and_never_answered() {
    let alice = Person::new();
    let (room, _) = alice.start("shop", "alice");
    let mut socket = alice.connect();
    for line in [
        json!({"jsonrpc": "2.0", "method": "send", "params": {"room": room, "text": "by notification"}}),
        json!({"jsonrpc": "2.0", "method": "no.such.method"}),
    ] {
        socket.write(format!("{line}\n").as_bytes());
    }
    socket.ask("hello", &json!({}));
    socket.finish();
    let answer = socket.line().unwrap();
    assert_eq!(
        (&answer["id"], &answer["result"]["api"]),
        (&1.into(), &1.into())
    );
    assert_eq!(socket.line(), None);
    alice.until_text("by notification");
}

#[test]
fn a_call_that_waits_does_not_hold_up_the_next() {
    let (alice, bob) = (Person::new(), Person::new());
    let (_, ticket) = alice.start("shop", "alice");
    alice.object(&["stop"]);
    bob.start("own", "bob");
    let mut socket = bob.connect();
    let join = socket.ask(
        "room.join",
        &json!({"ticket": ticket, "nick": "bob", "wait_ms": 600_000}),
    );
    let status = socket.ask("status", &json!({}));
    let first = socket.line().unwrap();
    assert_eq!(first["id"], status);
    alice.object(&["send", "here I am"]);
    let joined = socket.line().unwrap();
    assert_eq!(
        (&joined["id"], &joined["result"]["state"]),
        (&join.into(), &"joined".into())
    );
}

#[test]
fn a_subscriber_hears_of_each_message() {
    let alice = Person::new();
    let (room, _) = alice.start("shop", "alice");
    let mut listener = alice.connect();
    let before = listener.call("subscribe", &json!({"room": room}))["result"]["n"]
        .as_u64()
        .unwrap();
    let sent = alice.connect().call(
        "send",
        &json!({"room": room, "text": "hello", "via": "some-agent"}),
    );
    let event = loop {
        let line = listener.line().unwrap();
        assert_eq!(line["method"], "event");
        if line["params"]["event"] == "message" {
            break line;
        }
    };
    let params = &event["params"];
    assert_eq!(params["n"], before + 1);
    assert_eq!(
        (&params["id"], &params["room"]),
        (&sent["result"]["id"], &room.as_str().into())
    );
    assert_eq!(
        (&params["text"], &params["via"], &params["kind"]),
        (&"hello".into(), &"some-agent".into(), &"chat".into())
    );
}

#[test]
fn a_subscriber_hears_that_a_room_is_left_and_subscribes_anew() {
    let alice = Person::new();
    let (room, ticket) = alice.start("shop", "alice");
    let mut listener = alice.connect();
    listener.call("subscribe", &json!({"room": room}));
    let next = |listener: &mut support::Socket, wanted: &str| {
        while listener.line().expect("an event")["params"]["event"] != wanted {}
    };
    alice.object(&["leave", "--yes"]);
    next(&mut listener, "closed");
    let again = listener.call("subscribe", &json!({"room": room}));
    assert_eq!(again["error"]["data"]["kind"], "no_such_room");

    let join = json!({"ticket": ticket, "nick": "alice"});
    assert_eq!(listener.call("room.join", &join)["error"], json!(null));
    let again = listener.call("subscribe", &json!({"room": room}));
    assert_eq!(again["error"], json!(null));
    alice.object(&["leave", "--yes"]);
    next(&mut listener, "closed");
}

#[test]
fn a_subscriber_that_does_not_read_holds_nobody_up_and_is_told_what_it_missed() {
    let alice = Person::new();
    let (room, _) = alice.start("shop", "alice");
    let mut sleeper = alice.connect();
    sleeper.call("subscribe", &json!({"room": room}));
    let mut sender = alice.connect();
    let params = json!({"room": room, "text": "x".repeat(200)});
    for batch in 0..FLOOD / 100 {
        let ids: Vec<u64> = (0..100).map(|_| sender.ask("send", &params)).collect();
        for _ in ids {
            let answer = sender.line().unwrap();
            assert!(answer.get("result").is_some(), "batch {batch}: {answer}");
        }
    }
    assert_eq!(
        sender.call("status", &json!({}))["result"]["rooms"][0]["messages"],
        FLOOD
    );

    let (mut heard, mut missed) = (0, 0);
    while heard + missed < FLOOD as u64 {
        let line = sleeper.line().unwrap();
        match (line["method"].as_str(), line["params"]["event"].as_str()) {
            (Some("lagged"), _) => missed += line["params"]["missed"].as_u64().unwrap(),
            (_, Some("message")) => heard += 1,
            _ => {}
        }
    }
    assert!(
        missed > 0,
        "the flood was not large enough to test anything"
    );
}

#[test]
fn stop_answers_first_and_ends_the_process() {
    let alice = Person::new();
    alice.start("shop", "alice");
    let mut bystander = alice.connect();
    let answer = alice.connect().call("stop", &json!({}));
    assert_eq!(answer["result"], json!({"stopping": true}));
    assert_eq!(bystander.line(), None);
    std::fs::File::open(alice.home.join("daemon.lock"))
        .unwrap()
        .lock()
        .unwrap();
    assert!(!alice.home.join("daemon.sock").exists());
}

#[test]
fn a_daemon_that_cannot_start_tells_the_command_why() {
    let alice = Person::new();
    let fails = |expected: &str| {
        let output = alice
            .command()
            .env("CC_CONNECT_BIND", "nonsense")
            .args(["room", "start", "--no-ui", "--json"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert!(
            error["error"]["message"]
                .as_str()
                .unwrap()
                .contains(expected),
            "{error}"
        );
    };
    fails("CC_CONNECT_BIND");
    alice.daemon_ended();
    std::fs::write(alice.home.join("identity"), "damaged").unwrap();
    let (error, exit) = alice.failure(&["room", "start", "--no-ui"]);
    assert_eq!((&error["kind"], exit), (&"home".into(), 1));
    alice.daemon_ended();
}

/// An older daemon as far as a client can tell: it holds the lock, answers `hello`, and ends when asked to stop. Run by
/// the test below as a process of its own.
#[test]
#[ignore = "is run by a_newer_program_takes_the_place_of_an_older_daemon"]
fn older_daemon() {
    let Some(home) = std::env::var_os("OLDER_DAEMON_HOME").map(PathBuf::from) else {
        return;
    };
    let lock = std::fs::File::create(home.join("daemon.lock")).unwrap();
    lock.lock().unwrap();
    let listener = UnixListener::bind(home.join("daemon.sock")).unwrap();
    std::fs::write(home.join("older-is-ready"), "").unwrap();
    for stream in listener.incoming() {
        let mut reader = BufReader::new(stream.unwrap());
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 0 {
            let call: Value = serde_json::from_str(&line).unwrap();
            line.clear();
            let result = match call["method"].as_str() {
                Some("hello") => {
                    json!({"api": 1, "version": "0.0.1", "pid": std::process::id(), "home": home})
                }
                _ => json!({"stopping": true}),
            };
            let answer = json!({"jsonrpc": "2.0", "id": call["id"], "result": result});
            reader
                .get_mut()
                .write_all(format!("{answer}\n").as_bytes())
                .unwrap();
            if call["method"] == "stop" {
                return;
            }
        }
    }
}

#[test]
fn a_newer_program_takes_the_place_of_an_older_daemon() {
    let alice = Person::new();
    alice.object(&["identity"]);
    let older = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "older_daemon", "--ignored"])
        .env("OLDER_DAEMON_HOME", &alice.home)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut older = Ended(older);
    let started = Instant::now();
    while !alice.home.join("older-is-ready").exists() {
        assert!(started.elapsed() < support::DEADLINE);
        std::thread::yield_now();
    }
    alice.start("shop", "alice");
    assert!(older.0.wait().unwrap().success());
    let status = alice.object(&["status"]);
    assert_eq!(status["daemon"]["version"], env!("CARGO_PKG_VERSION"));
}
