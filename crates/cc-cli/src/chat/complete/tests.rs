use std::path::PathBuf;

use cc_proto::text::names_reader;

use super::*;
use crate::rpc::{State, Trust};

fn member(byte: u8, nick: &str, name: &str) -> Member {
    Member {
        author: format!("{byte:02x}").repeat(32),
        name: name.to_owned(),
        nick: nick.to_owned(),
        online: false,
        me: false,
        root: false,
        admin: false,
        forked: false,
        trust: Trust::Inline,
        agents: Vec::new(),
    }
}

fn room(byte: u8, name: &str) -> RoomEntry {
    RoomEntry {
        room: format!("{byte:02x}").repeat(32),
        name: name.to_owned(),
        nick: "alice".to_owned(),
        state: State::Joined,
        members: 1,
        online: 1,
        looking: false,
        unread: 0,
        mentions: 0,
    }
}

struct World {
    members: Vec<Member>,
    rooms: Vec<RoomEntry>,
    files: Vec<(String, String)>,
    invites: Vec<(String, String)>,
    folder: PathBuf,
}

fn world() -> World {
    let mut me = member(1, "alice", "alice");
    me.me = true;
    let file = |byte: u8, name: &str| (format!("{byte:02x}").repeat(32), name.to_owned());
    World {
        members: vec![
            me,
            member(0xb1, "bob", "bob"),
            member(0xb2, "robert", "Bobby"),
            member(0xc1, "carol", "carol#c1c1c1c1c1"),
            member(0xc2, "cɑrol", "cɑrol#c2c2c2c2c2"),
            member(0xd1, "日本", "日本"),
            member(0xe1, "", "e1e1e1e1e1"),
        ],
        rooms: vec![
            room(0xaa, "plan"),
            room(0xab, "my trip"),
            room(0xac, "twin"),
            room(0xad, "twin"),
        ],
        files: vec![
            file(0xf1, "a b.png"),
            file(0xf2, "twin"),
            file(0xf3, "twin"),
        ],
        invites: vec![(format!("{:064}", 7), "for bob".to_owned())],
        folder: PathBuf::from("/nowhere"),
    }
}

impl World {
    fn sources(&self) -> Sources<'_> {
        Sources {
            members: &self.members,
            rooms: &self.rooms,
            files: &self.files,
            invites: &self.invites,
            folder: &self.folder,
            home: &self.folder,
        }
    }
}

fn typed(text: &str) -> Editor {
    let mut editor = Editor::default();
    editor.set_text(text);
    editor
}

fn found(text: &str, asked: bool) -> Vec<String> {
    let world = world();
    let completion = Completion::find(&typed(text), &world.sources(), asked);
    completion.map_or_else(Vec::new, |it| {
        it.candidates.into_iter().map(|it| it.insert).collect()
    })
}

#[test]
fn who_is_online_is_offered_first() {
    let mut world = world();
    world.members[2].online = true;
    let completion = Completion::find(&typed("@b"), &world.sources(), false).unwrap();
    let shown: Vec<&str> = completion
        .candidates
        .iter()
        .map(|it| it.shown.as_str())
        .collect();
    assert_eq!(shown, ["@robert", "@bob"]);
    world.members[4].online = true;
    let completion = Completion::find(&typed("@"), &world.sources(), false).unwrap();
    let shown: Vec<&str> = completion
        .candidates
        .iter()
        .map(|it| it.shown.as_str())
        .collect();
    assert_eq!(shown[..2], ["@robert", "@cɑrol"], "{shown:?}");
}

#[test]
fn members_are_offered_after_an_at_that_begins_a_mention() {
    assert_eq!(found("@b", false), ["@bob ", "@robert "]);
    assert_eq!(found("hi @BO", false), ["@bob ", "@robert "]);
    assert_eq!(found("(@rob", false), ["@robert "]);
    // Within the name, after those that begin with it.
    assert_eq!(found("@ob", false), ["@bob ", "@robert "]);
    assert_eq!(found("@日", false), ["@日本 "]);
    assert_eq!(found("@", false).len(), 5);
    for text in ["me@b", "x_@b", "@ b", "@zz", "b", "", "@al"] {
        assert_eq!(found(text, false), [""; 0], "{text}");
    }
    assert_eq!(found("@carol me@b", false), [""; 0]);
}

#[test]
fn whoever_is_put_in_is_named_as_their_hook_looks_for_it() {
    let world = world();
    for member in world
        .members
        .iter()
        .filter(|member| !member.me && !member.nick.is_empty())
    {
        let begin: String = member.nick.chars().take(2).collect();
        let mut editor = typed(&format!("so @{begin}"));
        let mut completion = Completion::find(&editor, &world.sources(), true).unwrap();
        let at = completion
            .candidates
            .iter()
            .position(|it| it.insert == format!("@{} ", member.nick));
        completion.choose(at.unwrap(), &mut editor);
        assert!(
            names_reader(editor.text(), &member.nick),
            "{}",
            editor.text()
        );
        assert!(names_reader(
            &format!("{}hello", editor.text()),
            &member.nick
        ));
    }
}

#[test]
fn who_looks_alike_is_told_with_the_fingerprint_and_a_petname_beside_the_nick() {
    let world = world();
    let completion = Completion::find(&typed("@ca"), &world.sources(), true).unwrap();
    assert_eq!(completion.candidates[0].detail, "c1c1c1c1c1");
    let completion = Completion::find(&typed("@bobb"), &world.sources(), true).unwrap();
    let robert = &completion.candidates[0];
    assert_eq!(
        (robert.shown.as_str(), robert.detail.as_str()),
        ("@robert", "your Bobby")
    );
}

#[test]
fn tab_goes_round_and_undo_leads_back() {
    let world = world();
    let mut editor = typed("hi @b");
    let mut completion = Completion::find(&editor, &world.sources(), true).unwrap();
    for wanted in ["hi @bob ", "hi @robert ", "hi @bob "] {
        assert!(!completion.next(&mut editor));
        assert_eq!(editor.text(), wanted);
    }
    completion.previous(&mut editor);
    assert_eq!(editor.text(), "hi @robert ");
    editor.act(crate::chat::keys::Action::Undo);
    assert_eq!(editor.text(), "hi @b");
    // A single one is taken, and that is all.
    let mut completion = Completion::find(&typed("@rober"), &world.sources(), true).unwrap();
    assert!(completion.next(&mut editor));
}

#[test]
fn commands_are_offered_by_name() {
    assert_eq!(found("/dr", false), ["/drop "]);
    assert_eq!(found("/inv", false), ["/invite ", "/invites "]);
    assert!(found("/", false).len() > 30);
    // What stands there already is no news.
    assert_eq!(found("/drop", false), [""; 0]);
    assert_eq!(found("/drop", true), ["/drop "]);
    for text in ["//dr", " /dr", "/dr\nx", "a /dr", "/nothing"] {
        assert_eq!(found(text, false), [""; 0], "{text}");
    }
}

#[test]
fn what_commands_take_is_offered_where_it_is_asked_for() {
    for (text, wanted) in [
        ("/remove b", vec!["bob ", "Bobby "]),
        ("/trust @bo", vec!["bob ", "Bobby "]),
        ("/verify ca", vec!["c1c1c1c1c1 "]),
        ("/verify c2c", vec!["c2c2c2c2c2 "]),
        ("/trust bob m", vec!["muted "]),
        ("/wake o", vec!["on ", "off "]),
        ("/wake on --member b", vec!["bob ", "Bobby "]),
        ("/get a", vec!["a\\ b.png "]),
        ("/get 'a b", vec!["a\\ b.png "]),
        ("/get tw", vec!["f2f2f2f2f2 ", "f3f3f3f3f3 "]),
        ("/cancel f1", vec!["a\\ b.png "]),
        ("/revoke 00", vec!["0000000000 "]),
        ("/room my", vec!["my\\ trip "]),
        ("/room tw", vec!["acacacacac ", "adadadadad "]),
        ("/members --room pl", vec!["plan "]),
        ("/invite --ex", vec!["--expires "]),
        ("/invite --expires 2", vec!["24h "]),
        ("/help /inv", vec!["invite ", "invites "]),
        ("/petname bob x", vec![]),
        ("/status x", vec![]),
    ] {
        assert_eq!(found(text, true), wanted, "{text}");
        assert_eq!(found(text, false), [""; 0], "{text}");
    }
}

#[test]
fn paths_are_offered_after_drop() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("design.svg"), "x").unwrap();
    let world = World {
        folder: dir.path().to_owned(),
        ..world()
    };
    let home = dir.path().join("home");
    let sources = Sources {
        home: &home,
        ..world.sources()
    };
    let mut editor = typed("/drop --force des");
    let mut completion = Completion::find(&editor, &sources, true).unwrap();
    assert!(completion.next(&mut editor));
    assert_eq!(editor.text(), "/drop --force design.svg ");
    assert_eq!(Completion::find(&typed("/drop d"), &sources, false), None);
}
