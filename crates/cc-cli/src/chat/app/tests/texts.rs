//! What is typed: kept for the next time, and never lost where it cannot be sent.

use super::*;

fn kept(asks: &[Ask]) -> Vec<&Kept> {
    let kept = asks.iter().filter_map(|ask| match ask {
        Ask::Work(Work::Keep { kept, .. }) => Some(kept.as_ref()),
        _ => None,
    });
    kept.collect()
}

#[test]
fn what_is_being_typed_is_kept_at_pauses_and_when_another_room_is_gone_to() {
    let mut chat = Chat::new(3);
    chat.write("half a ");
    let at = chat.app.wakes_at().unwrap();
    assert!(at <= chat.now + 2_000, "however long somebody types on");
    chat.now = at - 1;
    let asks = chat.press(KeyCode::Char('w'), KeyModifiers::NONE);
    assert_eq!(kept(&asks), [] as [&Kept; 0]);
    chat.now = at;
    let asks = chat.put(Input::Tick);
    assert_eq!(kept(&asks)[0].text, "half a w");
    assert_eq!(chat.app.wakes_at(), None);
    chat.now += 60_000;
    assert_eq!(kept(&chat.put(Input::Tick)), [] as [&Kept; 0], "once");

    chat.write("ord");
    let asks = chat.press(KeyCode::Char('2'), KeyModifiers::ALT);
    assert_eq!(kept(&asks)[0].text, "half a word");
    let asks = chat.ctrl('n');
    assert_eq!(kept(&asks), [] as [&Kept; 0]);

    // Sent, it is kept until it has arrived, and that it is on its way before it is: the chat may be killed at any time.
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    let local = sends(&asks)[0].local;
    assert_eq!(
        (kept(&asks)[0].text.as_str(), kept(&asks)[0].unsure),
        ("half a word", true)
    );
    let at = |is: fn(&Work) -> bool| {
        let is = |ask: &Ask| matches!(ask, Ask::Work(work) if is(work));
        asks.iter().position(is)
    };
    assert!(
        at(|work| matches!(work, Work::Keep { .. })) < at(|work| matches!(work, Work::Send(_)))
    );
    chat.now += 2_000;
    assert_eq!(kept(&chat.put(Input::Tick)), [] as [&Kept; 0], "once");
    let asks = chat.told(Told::Sent {
        local,
        room: "aa".repeat(32),
        n: 4,
    });
    assert!(kept(&asks)[0].is_empty());

    // Looking back at what was sent is no change, and at the end what is typed is kept.
    chat.write("the next");
    chat.press(KeyCode::Up, KeyModifiers::NONE);
    assert_eq!(chat.text(), "half a word");
    let last = chat.app.last_kept();
    assert!(
        matches!(&last[..], [Work::Keep { kept, .. }] if kept.text == "the next"),
        "{last:?}"
    );
    chat.press(KeyCode::Down, KeyModifiers::NONE);
    chat.ctrl('c');
    assert_eq!(chat.text(), "");
    assert!(chat.app.pane().unwrap().kept.is_empty());
}

#[test]
fn what_was_typed_the_last_time_is_there_again() {
    let old = || Told::Kept {
        room: "aa".repeat(32),
        kept: Kept {
            text: "half a word".to_owned(),
            answers: Some(Answered {
                n: 2,
                id: "cd".repeat(32),
                name: "bob".to_owned(),
                text: "line 2".to_owned(),
            }),
            unsure: false,
        },
    };
    let mut chat = Chat::new(3);
    chat.told(old());
    assert_eq!(chat.text(), "half a word");
    assert!(chat.draw().0.contains("answering bob"));
    chat.now += 60_000;
    assert_eq!(
        kept(&chat.put(Input::Tick)),
        [] as [&Kept; 0],
        "it is kept already"
    );
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    assert_eq!(sends(&asks)[0].re, Some("cd".repeat(32)));

    // It does not get in the way of what is typed already.
    let mut chat = Chat::new(3);
    chat.write("I type");
    chat.told(old());
    assert_eq!(chat.text(), "I type");
    chat.press(KeyCode::Up, KeyModifiers::NONE);
    assert_eq!(chat.text(), "half a word");
}

#[test]
fn an_answer_that_cannot_be_sent_stays_in_the_text() {
    let mut chat = Chat::new(3);
    chat.app.panes[0].entry.state = State::Removed;
    let asks = chat.say("/reply I will bring it");
    assert!(sends(&asks).is_empty());
    assert_eq!(chat.text(), "/reply I will bring it");
    assert!(chat.draw().0.contains("no longer a member"), "and why");
    assert_eq!(chat.pane().answers, None);

    // Refused later, it is there again as well, and so is what it answers.
    chat.app.panes[0].entry.state = State::Joined;
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    let (local, re) = (sends(&asks)[0].local, sends(&asks)[0].re.clone());
    assert_eq!((chat.text(), re), ("", Some(format!("{:064x}", 3))));
    chat.told(Told::NotSent {
        local,
        room: "aa".repeat(32),
        why: "there is no such message".to_owned(),
        again: false,
    });
    assert_eq!(chat.text(), "I will bring it");
    let shown = chat.draw().0;
    assert!(
        shown.contains("answering bob") && shown.contains("no such message"),
        "{shown}"
    );
}

#[test]
fn an_answer_knows_what_it_answers_where_that_is_loaded_no_longer() {
    let mut chat = Chat::new(1000);
    chat.press(KeyCode::Up, KeyModifiers::ALT);
    chat.say("/reply");
    chat.lines(Came::Around(1), 1, 101, 1000);
    assert!(chat.draw().0.contains("answering bob"), "it says so");
    let asks = chat.say("to line 1000");
    assert_eq!(sends(&asks)[0].re, Some(format!("{:064x}", 1000)));
}

#[test]
fn what_is_too_long_for_one_goes_out_as_a_whole_or_not_at_all() {
    let mut chat = Chat::new(3);
    for n in 0..99 {
        chat.say(&format!("word {n}"));
    }
    let parts = ["one".to_owned(), "two".to_owned()];
    chat.write("one two");
    chat.app.submit_parts(&parts);
    assert!(sends(&chat.app.take_asks()).is_empty());
    assert_eq!(chat.text(), "one two");
}

#[test]
fn what_begins_with_a_slash_comes_back_as_it_was_typed() {
    let room = || "aa".repeat(32);
    let refuse = |chat: &mut Chat, local| {
        chat.told(Told::NotSent {
            local,
            room: room(),
            why: "the disk is full".to_owned(),
            again: false,
        });
    };
    let mut chat = Chat::new(3);
    let asks = chat.say("//quit");
    let (local, text) = (sends(&asks)[0].local, sends(&asks)[0].text.clone());
    assert_eq!(text, "/quit");
    // Kept while it is on its way, into the text, and among what was sent.
    let last = chat.app.last_kept();
    assert!(
        matches!(&last[..], [Work::Keep { kept, .. }] if kept.text == "//quit"),
        "{last:?}"
    );
    refuse(&mut chat, local);
    assert_eq!(chat.text(), "//quit");
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    let (local, text) = (sends(&asks)[0].local, sends(&asks)[0].text.clone());
    assert_eq!(text, "/quit", "said once more, and no command");
    chat.write("typed on");
    refuse(&mut chat, local);
    chat.press(KeyCode::Esc, KeyModifiers::NONE);
    chat.press(KeyCode::Up, KeyModifiers::NONE);
    assert_eq!(chat.text(), "//quit");

    // Of several lines none is a command, and none becomes one where the others are taken out.
    for typed in ["/quit\nis a word", "//quit\nis a word"] {
        let mut chat = Chat::new(3);
        chat.put(Input::Paste(typed.to_owned()));
        for _ in 0..2 {
            let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
            assert_eq!(sends(&asks)[0].text, "/quit\nis a word");
            assert!(chat.draw().0.contains(" /quit"), "as it is sent");
            refuse(&mut chat, sends(&asks)[0].local);
            assert_eq!(chat.text(), "//quit\nis a word");
        }
    }
}

#[test]
fn two_slashes_stand_for_one_where_a_text_is_sent_in_parts() {
    let mut chat = Chat::new(3);
    let line = "0123456789 ".repeat(10);
    let long = format!("//{}", vec![line.trim_end(); 200].join("\n"));
    chat.put(Input::Paste(long.clone()));
    chat.press(KeyCode::Enter, KeyModifiers::NONE);
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    let texts: Vec<&str> = sends(&asks)
        .iter()
        .map(|draft| draft.text.as_str())
        .collect();
    assert_eq!(texts.len(), 2);
    assert!(texts[0].starts_with("/0123"), "{}", &texts[0][..9]);
    // What is kept until they have arrived says the same.
    let last = chat.app.last_kept();
    assert!(
        matches!(&last[..], [Work::Keep { kept, .. }] if kept.text == long),
        "{last:?}"
    );
    // And what just fits is one message.
    let mut chat = Chat::new(3);
    let limit = cc_proto::limits::TEXT_BYTES_MAX;
    chat.put(Input::Paste(format!("//{}", "x".repeat(limit - 1))));
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    assert_eq!(sends(&asks)[0].text.len(), limit);
}

#[test]
fn what_is_kept_together_says_what_each_of_it_said() {
    let mut chat = Chat::new(3);
    for text in ["//leave", "one", "//two"] {
        chat.say(text);
    }
    chat.write("//three");
    let last = chat.app.last_kept();
    let text = "//leave\none\n/two\n/three";
    assert!(
        matches!(&last[..], [Work::Keep { kept, .. }] if kept.text == text),
        "{last:?}"
    );
    let Typed::Message(said) = parse(text) else {
        panic!()
    };
    assert_eq!(said, "/leave\none\n/two\n/three");
}

#[test]
fn what_is_not_known_to_be_sent_stays_so_until_it_is_sent_or_thrown_away() {
    let old = || Told::Kept {
        room: "aa".repeat(32),
        kept: Kept {
            text: "half a word".to_owned(),
            answers: None,
            unsure: true,
        },
    };
    let last = |chat: &mut Chat| match &chat.app.last_kept()[..] {
        [Work::Keep { kept, .. }] => (kept.text.clone(), kept.unsure),
        other => panic!("{other:?}"),
    };
    let mut chat = Chat::new(3);
    chat.told(old());
    chat.write("!");
    assert_eq!(last(&mut chat), ("half a word!".to_owned(), true));
    chat.ctrl('c');
    chat.write("new");
    assert_eq!(last(&mut chat), ("new".to_owned(), false));

    // Behind what is typed already it is as unsure, and kept beside it until it goes out.
    let mut chat = Chat::new(3);
    chat.write("I type");
    chat.told(old());
    assert!(chat.draw().0.contains("not known to be sent"));
    assert_eq!(last(&mut chat), ("half a word\nI type".to_owned(), true));
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    assert_eq!(sends(&asks)[0].text, "I type");
    let local = sends(&asks)[0].local;
    chat.told(Told::Sent {
        local,
        room: "aa".repeat(32),
        n: 4,
    });
    assert_eq!(last(&mut chat), ("half a word".to_owned(), true));
    chat.press(KeyCode::Up, KeyModifiers::NONE);
    chat.press(KeyCode::Up, KeyModifiers::NONE);
    assert_eq!(chat.text(), "half a word");
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    let local = sends(&asks)[0].local;
    let asks = chat.told(Told::Sent {
        local,
        room: "aa".repeat(32),
        n: 5,
    });
    assert!(kept(&asks).iter().all(|kept| kept.is_empty()), "{asks:?}");
    assert!(chat.pane().kept.is_empty());
}

#[test]
fn what_was_brought_back_is_gone_once_it_was_sent_in_whatever_form() {
    let bring = || {
        let mut chat = Chat::new(3);
        chat.write("I type");
        chat.told(Told::Kept {
            room: "aa".repeat(32),
            kept: Kept {
                text: "half a word".to_owned(),
                answers: None,
                unsure: false,
            },
        });
        chat.press(KeyCode::Up, KeyModifiers::NONE);
        assert_eq!(chat.text(), "half a word");
        chat
    };
    // What is kept once everything has arrived.
    let send = |chat: &mut Chat| {
        let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
        let text = sends(&asks)[0].text.clone();
        chat.told(Told::Sent {
            local: sends(&asks)[0].local,
            room: "aa".repeat(32),
            n: 4,
        });
        chat.app.last_kept();
        (text, chat.pane().kept.text.clone())
    };
    // Changed in its middle.
    let mut chat = bring();
    for _ in 0..4 {
        chat.press(KeyCode::Left, KeyModifiers::NONE);
    }
    chat.write("long ");
    let sent = send(&mut chat);
    assert_eq!(sent, ("half a long word".to_owned(), String::new()));

    // Looked at only, it stays: whether one went on from it or took the step back.
    for back in [
        (KeyCode::Down, KeyModifiers::NONE),
        (KeyCode::Char('z'), KeyModifiers::CONTROL),
    ] {
        let mut chat = bring();
        chat.press(back.0, back.1);
        chat.write(" on");
        let last = &chat.app.last_kept()[..];
        assert!(
            matches!(last, [Work::Keep { kept, .. }] if kept.text == "half a word\nI type on"),
            "{last:?}"
        );
        let sent = send(&mut chat);
        assert_eq!(sent, ("I type on".to_owned(), "half a word".to_owned()));
    }
}

#[test]
fn what_was_typed_and_sent_at_once_is_kept_before_it_goes_out() {
    let mut chat = Chat::new(3);
    let asks = chat.say("in one go");
    assert!(
        matches!(&asks[..], [Ask::Work(Work::Keep { kept, .. }), Ask::Work(Work::Send(_)), ..]
            if kept.text == "in one go" && kept.unsure),
        "{asks:?}"
    );
    // The next one does not take it away.
    let asks = chat.say("and on");
    assert_eq!(kept(&asks)[0].text, "in one go\nand on");
}

#[test]
fn what_is_typed_on_top_of_what_was_sent_is_kept() {
    let last = |chat: &mut Chat| match &chat.app.last_kept()[..] {
        [Work::Keep { kept, .. }] => kept.text.clone(),
        other => panic!("{other:?}"),
    };
    let begun = |chat: &mut Chat| {
        let asks = chat.say("first message");
        let local = sends(&asks)[0].local;
        let room = "aa".repeat(32);
        chat.told(Told::Sent { local, room, n: 4 });
    };
    let mut chat = Chat::new(3);
    begun(&mut chat);
    chat.press(KeyCode::Up, KeyModifiers::NONE);
    assert_eq!(last(&mut chat), "", "it is only looked at");
    chat.write(" and many more words");
    chat.now += 2_000;
    let asks = chat.put(Input::Tick);
    assert_eq!(kept(&asks)[0].text, "first message and many more words");
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    let local = sends(&asks)[0].local;
    let room = "aa".repeat(32);
    let asks = chat.told(Told::Sent { local, room, n: 5 });
    assert!(kept(&asks)[0].is_empty(), "{asks:?}");

    // With what was typed before, whichever of it is shown.
    let mut chat = Chat::new(3);
    begun(&mut chat);
    chat.write("the next");
    chat.press(KeyCode::Up, KeyModifiers::NONE);
    chat.write("!");
    assert_eq!(last(&mut chat), "first message!\nthe next");
    chat.press(KeyCode::Down, KeyModifiers::NONE);
    assert_eq!(chat.text(), "the next");
    assert_eq!(last(&mut chat), "first message!\nthe next");
}

#[test]
fn what_is_kept_at_the_end_is_kept_once_more() {
    let mut chat = Chat::new(3);
    assert!(chat.app.last_kept().is_empty(), "nothing was touched");
    chat.write("half");
    chat.now += 2_000;
    assert_eq!(kept(&chat.put(Input::Tick)).len(), 1);
    // Whether that was handed over, nobody knows.
    let last = chat.app.last_kept();
    assert!(
        matches!(&last[..], [Work::Keep { kept, .. }] if kept.text == "half"),
        "{last:?}"
    );
    chat.ctrl('c');
    let last = chat.app.last_kept();
    assert!(
        matches!(&last[..], [Work::Keep { kept, .. }] if kept.is_empty()),
        "{last:?}"
    );
}

#[test]
fn what_was_typed_the_last_time_stays_where_something_else_has_it_in_it() {
    let old = |text: &str| Told::Kept {
        room: "aa".repeat(32),
        kept: Kept {
            text: text.to_owned(),
            answers: None,
            unsure: false,
        },
    };
    let mut chat = Chat::new(3);
    chat.write("look");
    chat.told(old("ok"));
    let asks = chat.press(KeyCode::Enter, KeyModifiers::NONE);
    assert_eq!(kept(&asks)[0].text, "ok\nlook");
    // Sent as it is it goes, also where it was typed anew.
    let asks = chat.say("ok ");
    assert_eq!(kept(&asks)[0].text.trim_end(), "look\nok");

    // Brought back and changed, it is kept once.
    let mut chat = Chat::new(3);
    chat.write("I type");
    chat.told(old("half a word"));
    chat.press(KeyCode::Up, KeyModifiers::NONE);
    chat.write("!");
    let last = chat.app.last_kept();
    assert!(
        matches!(&last[..], [Work::Keep { kept, .. }] if kept.text == "half a word!\nI type"),
        "{last:?}"
    );
}
