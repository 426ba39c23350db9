//! The chat as a person has it: in a terminal, typed into and looked at. Real daemons on loopback, and a tmux of our own.
//!
//! Where there is no tmux these tests say that they are skipped; with `CC_REQUIRE_AGENTS=1`, as in CI, they fail instead.
//! The screens are kept in `target/tmp/screens`.

mod left;
#[path = "../support/mod.rs"]
mod support;
mod tmux;

use std::fs;

use serde_json::{Value, json};

use support::{DEADLINE, Person, stdout};
use tmux::{Screen, Tmux};

/// A usual terminal.
const USUAL: (u16, u16) = (100, 30);
/// For so long after its start a daemon may not have met those who are online.
const LOOKING_MS: u64 = 10_000;
/// The lines that are pasted at once.
const PASTED_LINES: usize = 200;

/// The texts of a person's log, in order.
fn texts(person: &Person, room: &str) -> Vec<String> {
    let lines = person.objects(&["log", "--room", room]);
    let texts = lines.iter().filter_map(|line| line["text"].as_str());
    texts.map(str::to_owned).collect()
}

/// The only room of a person, and its ticket, as the daemon tells it.
fn ticket(person: &Person) -> (String, String) {
    let room = person.object(&["room", "list"])["room"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = person.connect().call("room.ticket", &json!({"room": room}));
    let ticket = answer["result"]["ticket"].as_str().unwrap().to_owned();
    (room, ticket)
}

/// Alice makes a room on a screen, bob joins it on another.
fn two<'a>(tmux: &'a Tmux, alice: &Person, bob: &Person) -> (Screen<'a>, Screen<'a>, String) {
    let start = "room start --name kitchen --nick alice --relay none";
    let hers = tmux.open(alice, "alice", USUAL, start);
    hers.until("@alice made the room");
    let (room, ticket) = ticket(alice);
    let join = format!("room join {ticket} --nick bob --relay none");
    let his = tmux.open(bob, "bob", USUAL, &join);
    his.until("@alice let @bob in");
    hers.until("@alice let @bob in");
    (hers, his, room)
}

/// Waits for a text in a log.
fn until_texts(person: &Person, room: &str, is_there: impl Fn(&[String]) -> bool) -> Vec<String> {
    let begun = std::time::Instant::now();
    loop {
        let texts = texts(person, room);
        if is_there(&texts) {
            return texts;
        }
        assert!(
            begun.elapsed() < DEADLINE,
            "{texts:?}\n{}",
            person.daemon_log()
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn two_people_talk() {
    let Some(tmux) = Tmux::start() else { return };
    let (alice, bob) = (Person::new(), Person::new());
    let (hers, his, room) = two(&tmux, &alice, &bob);

    // Every key goes into the text.
    hers.say("port 5432 x9");
    his.until("port 5432 x9");
    assert_eq!(texts(&bob, &room), ["port 5432 x9"]);
    // What was sent says how far it has come.
    hers.until("✓✓ bob");
    hers.keep("sent");

    // A mention is completed, and reaches whom it names.
    his.until("2 of 2 online");
    his.write("thanks @al");
    his.press(&["Tab"]);
    his.until("thanks @alice");
    his.write("that one");
    his.press(&["Enter"]);
    hers.until("thanks @alice that one");
    hers.assert_has_no_artefact();
    hers.keep("talk");

    // A long paste goes into the text, sends nothing, and goes out as it is.
    let lines: Vec<String> = (1..=PASTED_LINES)
        .map(|n| format!("line {n} of it"))
        .collect();
    let pasted = lines.join("\n");
    hers.paste(&pasted);
    hers.until("line 200 of it");
    assert_eq!(texts(&alice, &room).len(), 2, "a paste sends nothing");
    hers.press(&["Enter"]);
    his.until("line 200 of it");
    assert_eq!(texts(&bob, &room)[2], pasted);
    his.assert_has_no_artefact();
    his.keep("pasted");

    // Leaving says once that the room goes on, and it does.
    his.write("not sent");
    his.press(&["C-c"]);
    his.until_gone("not sent");
    his.press(&["C-d"]);
    let left = his.until("ended with 0");
    assert_eq!(
        left.matches("the room keeps running; cc-connect stop ends it")
            .count(),
        1,
        "{left}"
    );
    assert!(
        !left.contains("port 5432"),
        "the screen is given back:\n{left}"
    );
    assert!(bob.is_daemon_running());
    hers.press(&["C-c"]);
    hers.until("ended with 130");
}

#[test]
fn a_small_window_and_another_room_lose_nothing() {
    let Some(tmux) = Tmux::start() else { return };
    let (alice, bob) = (Person::new(), Person::new());
    let (hers, his, room) = two(&tmux, &alice, &bob);
    alice.start("garden", "alice");
    hers.until("garden");

    // What is being typed stays, whatever the size.
    hers.say("before it is small");
    hers.write("typed on");
    hers.resize(40, 10);
    hers.until_true("the text in a small window", |screen| {
        screen.contains("typed on") && screen.lines().all(|line| line.chars().count() <= 40)
    });
    hers.write(" and on");
    hers.until("typed on and on");
    hers.assert_has_no_artefact();
    hers.keep("small");
    hers.resize(USUAL.0, USUAL.1);
    hers.until_true("both in a usual window", |screen| {
        screen.contains("before it is small") && screen.contains("typed on and on")
    });
    hers.assert_has_no_artefact();

    // Each room has its own text, and what comes meanwhile is counted.
    hers.press(&["M-2"]);
    hers.until("─ garden ─");
    hers.until_gone("typed on and on");
    his.say("are you there, @alice?");
    hers.until_true("an unread mention in the list", |screen| {
        let kitchen = screen.lines().find(|line| line.contains("kitchen"));
        kitchen.is_some_and(|line| line.contains('1'))
    });
    hers.keep("rooms");
    hers.write("in the garden");
    hers.press(&["C-p"]);
    hers.until("are you there, @alice?");
    hers.until("typed on and on");
    hers.press(&["Enter"]);
    his.until("typed on and on");
    assert_eq!(
        texts(&bob, &room),
        [
            "before it is small",
            "are you there, @alice?",
            "typed on and on"
        ]
    );
    hers.press(&["C-n"]);
    hers.until("in the garden");
    hers.assert_has_no_artefact();
}

#[test]
fn a_killed_daemon_costs_no_word_and_doubles_none() {
    let Some(tmux) = Tmux::start() else { return };
    let (alice, bob) = (Person::new(), Person::new());
    let (hers, his, room) = two(&tmux, &alice, &bob);
    let mut said = Vec::new();
    for round in 1..=3 {
        for n in 1..=4 {
            let text = format!("round {round}, word {n}");
            hers.say(&text);
            said.push(text);
            if n == 2 {
                alice.kill_daemon();
            }
        }
        // The same once more is another message.
        hers.say("again");
        said.push("again".to_owned());
        his.until(&format!("round {round}, word 4"));
    }
    let read = until_texts(&bob, &room, |texts| texts.len() >= said.len());
    assert_eq!(read, said);
    assert_eq!(texts(&alice, &room), said);
    hers.until_true("nothing on its way", |screen| {
        !screen.contains("sending") && screen.contains("again")
    });
    hers.assert_has_no_artefact();
    hers.keep("after-a-crash");

    // That nobody is there is not said before it is known.
    hers.until("2 of 2 online");
    alice.kill_daemon();
    hers.until_true("bob online again", |screen| {
        // Asked after the screen was read: on a slow machine it may be known by then.
        let status = alice.run(&["status", "--json"]);
        let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
        let daemon = status["daemon"]["uptime_ms"].as_u64();
        let is_early = daemon.is_none_or(|uptime_ms| uptime_ms < LOOKING_MS);
        assert!(!(is_early && screen.contains("nobody")), "{screen}");
        daemon.is_some() && screen.contains("2 of 2 online")
    });

    // A daemon that was stopped on purpose stays so until the person says something.
    let stopped = alice.run(&["stop"]);
    assert!(stopped.status.success(), "{}", stdout(&stopped));
    hers.until("was stopped");
    assert!(!alice.is_daemon_running());
    hers.say("and go on");
    his.until("and go on");
    said.push("and go on".to_owned());
    assert_eq!(texts(&bob, &room), said);
}

#[test]
fn a_file_is_dropped_and_a_ticket_copied() {
    let Some(tmux) = Tmux::start() else { return };
    let (alice, bob) = (Person::new(), Person::new());
    let (hers, his, room) = two(&tmux, &alice, &bob);
    tmux.allow_clipboard();
    fs::write(alice.project.join("notes.txt"), "soup, bread\n").unwrap();
    hers.write("/drop no");
    hers.press(&["Tab"]);
    hers.until("/drop notes.txt");
    hers.press(&["Enter"]);
    hers.until_true("the card of the file", |screen| {
        screen.contains("file notes.txt") && screen.contains("12 B")
    });
    his.until("notes.txt");
    let files = || bob.objects(&["files", "--room", &room]);
    let begun = std::time::Instant::now();
    let here: Value = loop {
        let file = files().into_iter().find(|file| file["name"] == "notes.txt");
        if let Some(file) = file.filter(|file| file["state"] == "here") {
            break file;
        }
        assert!(begun.elapsed() < DEADLINE, "{}", bob.daemon_log());
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    let path = here["path"].as_str().unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "soup, bread\n");
    his.assert_has_no_artefact();
    his.keep("file");

    hers.say("/ticket");
    hers.until("a secret");
    let (_, ticket) = ticket(&alice);
    assert!(
        tmux.clipboard()
            .is_some_and(|copied| copied.starts_with(&ticket[..60])),
        "{:?}",
        tmux.clipboard()
    );
    hers.press(&["Escape"]);
    hers.until_gone("a secret");

    // What is no command is not sent.
    hers.say("/dorp notes.txt");
    hers.until("/drop");
    assert_eq!(texts(&bob, &room), [] as [&str; 0]);
    hers.press(&["C-c"]);
}

#[test]
fn what_was_typed_is_there_again_and_what_is_decided_elsewhere_is_seen() {
    let Some(tmux) = Tmux::start() else { return };
    let (alice, bob) = (Person::new(), Person::new());
    let (hers, his, room) = two(&tmux, &alice, &bob);

    // What waits for her yes is counted, and no longer once it was given elsewhere.
    let mut socket = alice.connect();
    for (held, decided) in [(1, "approve"), (2, "refuse")] {
        let text = format!("words {held}");
        let speech = json!({"room": room, "text": text, "via": "codex", "hold": true});
        socket.call("send", &speech);
        hers.until("1 held for your yes");
        let done = alice.run(&[decided, &held.to_string()]);
        assert!(done.status.success(), "{}", stdout(&done));
        hers.until_gone("held for your yes");
    }
    his.until("words 1");

    let (_, ticket) = ticket(&alice);
    // Also where its room was left meanwhile, so that no event tells of it.
    let (garden, _) = alice.start("garden", "alice");
    let speech = json!({"room": garden, "text": "words 3", "via": "codex", "hold": true});
    socket.call("send", &speech);
    hers.until("1 held for your yes");
    for done in [
        &["leave", "--room", "garden", "--yes"][..],
        &["refuse", "3"],
    ] {
        let done = alice.run(done);
        assert!(done.status.success(), "{}", stdout(&done));
    }
    hers.until_gone("held for your yes");

    // The chat is killed in the middle of a word.
    let draft = alice.home.join("rooms").join(&room).join("draft.json");
    hers.write("half a wo");
    let begun = std::time::Instant::now();
    while !fs::read_to_string(&draft).is_ok_and(|text| text.contains("half a wo")) {
        assert!(begun.elapsed() < DEADLINE, "{}", hers.text());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    hers.kill_program();
    hers.until("ended with 137");
    let again = tmux.open(&alice, "again", USUAL, "chat");
    again.until("> half a wo");
    again.write("rd");
    again.press(&["Enter"]);
    his.until("half a word");
    again.until_true("nothing on its way", |screen| !screen.contains("sending"));
    assert!(!draft.exists(), "what was sent is not kept");

    // An invite is named by what it is for.
    let invited = alice.run(&["invite", "--note", "for carol"]);
    assert!(invited.status.success(), "{}", stdout(&invited));
    again.write("/revoke carol");
    again.until("/revoke carol");
    again.press(&["Tab"]);
    again.until_true("the invite's id", |screen| {
        screen.contains("/revoke ") && !screen.contains("/revoke carol")
    });
    again.press(&["Enter"]);
    again.until("End the invite");
    again.press(&["Escape"]);

    // Who waits to be let in has a name.
    for person in [&alice, &bob] {
        let stopped = person.run(&["stop"]);
        assert!(stopped.status.success(), "{}", stdout(&stopped));
    }
    let carol = Person::new();
    let join = format!("room join {ticket} --nick carol --relay none");
    let hers = tmux.open(&carol, "carol", USUAL, &join);
    hers.until("waiting");
    hers.say("anybody there?");
    hers.until("carol (you)");
    hers.until("anybody there?");
}

#[test]
fn a_terminal_is_given_back_by_a_signal_and_plain_where_it_can_no_more() {
    let Some(tmux) = Tmux::start() else { return };
    let alice = Person::new();
    alice.start("kitchen", "alice");
    let full = tmux.open(&alice, "full", USUAL, "chat");
    full.until("made the room");
    full.end_program();
    let ended = full.until("ended with 130");
    assert!(ended.contains("the room keeps running"), "{ended}");
    assert!(!ended.contains("made the room"), "{ended}");

    let plain = tmux.open(&alice, "plain", USUAL, "chat --plain");
    plain.until("made the room");
    plain.say("said plainly");
    plain.press(&["C-d"]);
    let ended = plain.until("ended with 0");
    assert!(
        ended.contains("made the room") && ended.contains("the room keeps running"),
        "{ended}"
    );
    let dumb = tmux.open_with(&alice, "dumb", USUAL, "TERM=dumb", "chat --room kitchen");
    dumb.until("said plainly");
    dumb.press(&["C-d"]);
    let ended = dumb.until("ended with 0");
    assert!(ended.contains("made the room"), "{ended}");
}

#[test]
fn the_plain_chat_has_commands_where_somebody_types() {
    let Some(tmux) = Tmux::start() else { return };
    let (alice, bob) = (Person::new(), Person::new());
    let (room, ticket) = alice.start("kitchen", "alice");
    bob.join(&ticket, "bob");
    fs::write(alice.project.join("notes.txt"), "soup, bread\n").unwrap();
    let plain = tmux.open(&alice, "plain", (100, 60), "chat --plain");
    plain.until("@alice let @bob in");
    plain.say("/members");
    plain.until("@bob: ");
    plain.say("/drop notes.txt");
    plain.until("shared notes.txt");
    plain.say("/files");
    plain.until("come by themselves");
    plain.say("//etc is said");
    bob.until_text("/etc is said");
    plain.say("/find ETC is");
    plain.until("@alice: /etc is said");
    plain.say("/dorp notes.txt");
    plain.until("did you mean /drop");
    plain.say("/invite --note carol");
    plain.until("cc1-");
    plain.say("/help leave");
    plain.until("Usage: /leave");
    plain.keep("plain-commands");

    // What is pasted in several lines is no command, whatever stands in it.
    plain.paste("/quit\nand this is said\n");
    plain.until("not sent: /quit");
    bob.until_text("and this is said");

    // What cannot be undone is asked, and no answer is sent.
    plain.say("/leave");
    plain.until("y: yes, else no");
    plain.say("not yet");
    plain.until("not sent: not yet");
    plain.say("/leave");
    plain.until_true("the question once more", |screen| {
        screen.matches("y: yes, else no").count() == 2
    });
    plain.say("y");
    let ended = plain.until("ended with 0");
    assert!(
        ended.contains("left kitchen") && !ended.contains("the room keeps running"),
        "{ended}"
    );
    assert_eq!(texts(&bob, &room), ["/etc is said", "and this is said"]);

    // What a program writes is text, and nothing else.
    let (room, _) = alice.start("garden", "alice");
    let piped = alice.run_with_input(&["chat", "--plain", "--room", "garden"], "/quit\n//etc\n");
    assert!(piped.status.success(), "{}", stdout(&piped));
    assert_eq!(texts(&alice, &room), ["/quit", "//etc"]);
}
