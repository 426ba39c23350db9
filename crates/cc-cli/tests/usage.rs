//! What a person sees who calls the program wrongly, or asks how to.

mod support;

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Person, stderr, stdout};

#[test]
fn help_lists_every_command_and_no_hidden_one() {
    let somebody = Person::new();
    let output = somebody.run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = stdout(&output);
    for command in [
        "room",
        "send",
        "log",
        "status",
        "stop",
        "run",
        "hook",
        "identity",
        "install",
        "uninstall",
        "demo",
        "invite",
        "invites",
        "revoke",
        "members",
        "remove",
        "admin",
        "leave",
        "retract",
        "trust",
        "petname",
        "verify",
    ] {
        assert!(
            help.lines()
                .any(|line| line.trim_start().starts_with(command)),
            "{command} is missing:\n{help}"
        );
    }
    assert!(!help.contains("  daemon "), "{help}");
    for arguments in [
        &["room", "start", "--help"][..],
        &["room", "join", "--help"],
        &["hook", "--help"],
        &["log", "-h"],
    ] {
        let output = somebody.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(stdout(&output).contains("Usage:"), "{arguments:?}");
    }
    assert!(!somebody.home.exists(), "help made a home");
}

#[test]
fn a_wrong_call_ends_with_2_and_is_an_object_with_json() {
    let somebody = Person::new();
    for arguments in [
        &[][..],
        &["nonsense"],
        &["send"],
        &["room", "join"],
        &["run", "shop"],
        &["log", "--sinse", "1"],
        &["revoke"],
        &["remove"],
        &["retract"],
        &["trust", "bob"],
        &["petname", "bob"],
    ] {
        let output = somebody.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        let (error, exit) = somebody.failure(arguments);
        assert_eq!(
            (&error["kind"], exit),
            (&"usage".into(), 2),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_ticket_that_was_cut_or_mistyped_says_so_and_starts_nothing() {
    let (alice, bob) = (Person::new(), Person::new());
    let (_, ticket) = alice.start("shop", "alice");
    let cut = &ticket[..ticket.len() - 1];
    let mut mistyped = ticket.clone();
    let other = if &ticket[40..41] == "a" { "b" } else { "a" };
    mistyped.replace_range(40..41, other);
    for (wrong, why) in [
        (cut, "ticket"),
        (&mistyped, "cut or mistyped"),
        ("cc1-", "ticket"),
        ("hello", "starts with cc1-"),
        ("", "ticket"),
    ] {
        let (error, exit) = bob.failure(&["room", "join", wrong, "--no-ui"]);
        assert_eq!((&error["kind"], exit), (&"ticket".into(), 1), "{wrong}");
        assert!(error["message"].as_str().unwrap().contains(why), "{error}");
    }
    let output = bob.run(&["room", "join", cut]);
    assert!(
        stderr(&output).starts_with("error: this is not a whole ticket\n  because: "),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("\nhint: copy the whole ticket"));
    assert!(!bob.is_daemon_running());
    assert!(!bob.home.join("rooms").exists());
}

#[test]
fn the_hook_exits_with_0_whatever_happens() {
    let somebody = Person::new();
    let event =
        r#"{"session_id":"s","cwd":"/","hook_event_name":"UserPromptSubmit","prompt":"hi"}"#;
    for arguments in [
        &["hook", "--agent", "claude"][..],
        &["hook", "--agent", "nobody"],
        &["hook"],
        &["--json", "hook"],
        &["--color", "never", "hook", "--nonsense"],
        &["hook", "--agent", "claude", "--nonsense"],
        &["hook", "--agent=claude", "--home", "/no/such/home"],
        &["--home", "/no/such/home", "hook", "--agent", "claude"],
    ] {
        for input in [event, "", "\u{0}garbage"] {
            let output = somebody.run_with_input(arguments, input);
            assert_eq!(output.status.code(), Some(0), "{arguments:?}");
            assert_eq!(stdout(&output), "", "{arguments:?}");
        }
    }
}

#[test]
fn install_and_uninstall_give_the_settings_back() {
    let somebody = Person::new();
    let settings = somebody.folder().join(".claude/settings.json");
    std::fs::create_dir(settings.parent().unwrap()).unwrap();
    let before = "{\n   \"model\": \"x\"\n}\n";
    std::fs::write(&settings, before).unwrap();
    assert_eq!(somebody.object(&["install", "claude"])["changed"], true);
    assert_eq!(somebody.object(&["install", "claude"])["changed"], false);
    let installed: Value =
        serde_json::from_str(&std::fs::read_to_string(&settings).unwrap()).unwrap();
    let command = installed["hooks"]["UserPromptSubmit"][0]["hooks"][0]["command"]
        .as_str()
        .unwrap();
    let home = somebody.home.to_str().unwrap();
    let ours = format!(" hook --agent claude --home {home}");
    assert!(command.ends_with(&ours), "{command}");
    assert_eq!(somebody.object(&["uninstall", "claude"])["changed"], true);
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), before);

    std::fs::write(&settings, "{\"hooks\":[]}").unwrap();
    let (error, _) = somebody.failure(&["install", "claude"]);
    assert_eq!(error["hint"], "mend the file, then try again");

    std::fs::write(&settings, "{ not json").unwrap();
    let (error, exit) = somebody.failure(&["install", "claude"]);
    assert_eq!((&error["kind"], exit), (&"settings".into(), 1));
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), "{ not json");
}

#[test]
fn the_installed_hook_reads_the_home_it_was_installed_for() {
    let somebody = Person::with_home("it's a home");
    let settings = somebody.folder().join(".claude/settings.json");
    let command = || {
        let text = std::fs::read_to_string(&settings).unwrap();
        let installed: Value = serde_json::from_str(&text).unwrap();
        let command = &installed["hooks"]["UserPromptSubmit"][0]["hooks"][0]["command"];
        command.as_str().unwrap().to_owned()
    };
    let by_default = somebody.folder().join(".cc-connect");
    somebody.object(&["--home", by_default.to_str().unwrap(), "install", "claude"]);
    assert!(command().ends_with(" hook --agent claude"), "{}", command());

    somebody.start("shop", "alice");
    somebody.object(&["send", "hello"]);
    somebody.object(&["install", "claude"]);
    let event = serde_json::json!({"session_id": "s", "cwd": somebody.project, "hook_event_name": "UserPromptSubmit"});
    let hook = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).env_clear();
        shell.env("HOME", somebody.folder()).stdin(Stdio::piped());
        let mut shell = shell.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = shell.stdin.take().unwrap();
        stdin.write_all(event.to_string().as_bytes()).unwrap();
        drop(stdin);
        let output = shell.wait_with_output().unwrap();
        assert!(output.status.success());
        stdout(&output)
    };
    let answer = hook(&command());
    assert!(answer.contains("shop"), "{}: {answer}", command());
}

#[test]
fn without_rooms_every_command_says_what_to_do() {
    let somebody = Person::new();
    assert_eq!(somebody.objects(&["room", "list"]).len(), 0);
    assert_eq!(somebody.object(&["stop"])["stopped"], false);
    assert_eq!(
        somebody.object(&["status"])["rooms"],
        Value::Array(Vec::new())
    );
    let (error, _) = somebody.failure(&["send", "hello"]);
    assert_eq!(error["kind"], "room");
    assert!(error["hint"].as_str().unwrap().contains("room start"));
    assert!(!somebody.is_daemon_running());
}
