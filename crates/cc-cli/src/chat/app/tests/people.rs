//! Who is there, who is not in yet, and what waits for somebody to come in.

use super::*;

#[test]
fn nobody_is_said_to_be_away_before_that_is_known() {
    let mut chat = Chat::new(3);
    let mut tell = |online, looking| {
        let rooms = vec![RoomEntry {
            online,
            looking,
            ..room("aa", "kitchen")
        }];
        chat.told(Told::Rooms(rooms));
        chat.draw().0
    };
    assert!(tell(2, false).contains("2 of 2 online"));
    let shown = tell(1, true);
    assert!(
        shown.contains("connecting") && !shown.contains("nobody"),
        "{shown}"
    );
    assert!(tell(2, false).contains("2 of 2 online"));
    tell(1, true);
    let shown = tell(1, false);
    assert!(
        shown.contains("nobody online") && shown.contains("nobody else is online now"),
        "{shown}"
    );
}

#[test]
fn whoever_is_not_in_yet_is_not_somebody() {
    let mut chat = Chat::new(3);
    chat.app.panes[0].entry.state = State::Joining;
    chat.app.panes[0].entry.nick.clear();
    chat.say("may I come in?");
    let shown = chat.draw().0;
    assert!(
        shown.contains("you  sending") && !shown.contains("somebody"),
        "{shown}"
    );
}

#[test]
fn open_invites_are_asked_for_once_and_completed() {
    let mut chat = Chat::new(3);
    let asked = |asks: &[Ask]| has(asks, |ask| matches!(ask, Ask::Work(Work::Invites(_))));
    chat.write("/revok");
    assert!(asked(&chat.press(KeyCode::Char('e'), KeyModifiers::NONE)));
    assert!(!asked(&chat.press(KeyCode::Char(' '), KeyModifiers::NONE)));
    chat.told(Told::Invites {
        room: "aa".repeat(32),
        invites: vec![("12ab".repeat(16), "for carol: by @alice".to_owned())],
    });
    chat.press(KeyCode::Tab, KeyModifiers::NONE);
    assert_eq!(chat.text(), "/revoke 12ab12ab12 ");
    chat.ctrl('c');
    chat.write("/revoke carol");
    assert_eq!(
        chat.pane().invites.as_deref(),
        Some(&[] as &[_]),
        "they may have changed"
    );
}

#[test]
fn a_tab_before_the_invites_are_known_is_not_lost() {
    let answer = || Told::Invites {
        room: "aa".repeat(32),
        invites: vec![("12ab".repeat(16), "for carol: by @alice".to_owned())],
    };
    let mut chat = Chat::new(3);
    chat.write("/revoke carol");
    chat.press(KeyCode::Tab, KeyModifiers::NONE);
    assert_eq!(chat.text(), "/revoke carol");
    chat.told(answer());
    assert_eq!(chat.text(), "/revoke 12ab12ab12 ");

    // Whoever typed on does not get it any more.
    chat.ctrl('c');
    chat.write("/revoke ca");
    chat.press(KeyCode::Tab, KeyModifiers::NONE);
    chat.write("r");
    chat.told(answer());
    assert_eq!(chat.text(), "/revoke car");
}

#[test]
fn the_list_of_members_tells_of_their_agents() {
    let mut chat = Chat::new(3);
    let member = |name: &str, agents: &[&str]| crate::chat::types::Member {
        author: name.to_owned(),
        name: name.to_owned(),
        nick: name.to_owned(),
        online: true,
        me: false,
        root: false,
        admin: false,
        forked: false,
        trust: crate::rpc::Trust::Inline,
        agents: agents.iter().map(|agent| (*agent).to_owned()).collect(),
    };
    chat.told(Told::Members {
        room: "aa".repeat(32),
        members: vec![member("bob", &["codex", "aider"]), member("carol", &[])],
    });
    let said = crate::chat::slash::Said {
        title: "/members".to_owned(),
        lines: vec!["MEMBER".to_owned(), "bob".to_owned()],
    };
    chat.told(Told::Replied {
        room: "aa".repeat(32),
        reply: Ok(Reply::Said(said)),
    });
    let shown = chat.draw().0;
    assert!(shown.contains("@bob's agents: codex, aider"), "{shown}");
    assert!(!shown.contains("@carol's"), "{shown}");
}
