//! Which rooms reach which session.

use std::fs;

use cc_hook_generic::Moment;
use serde_json::json;

use super::Case;
use crate::expect::Told;
use crate::report::Checked;
use crate::room::{ALICE, BOB, CAROL};
use crate::world::{Ask, World};

const SECTION: &str = "hook.md#which-rooms";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "one-room",
        rule: "what was said in the room that the directory is bound to is told, and then is read",
        section: SECTION,
        run: one_room,
    },
    Case {
        name: "several-rooms",
        rule: "all rooms that a directory is bound to are told of",
        section: SECTION,
        run: several_rooms,
    },
    Case {
        name: "nearest-ancestor",
        rule: "a directory without a room of its own has those of its nearest ancestor that has any",
        section: SECTION,
        run: nearest_ancestor,
    },
    Case {
        name: "linked-directory",
        rule: "a directory is known by its canonical path",
        section: SECTION,
        run: linked_directory,
    },
    Case {
        name: "global-room",
        rule: "a room that is bound everywhere is told of in every directory",
        section: SECTION,
        run: global_room,
    },
    Case {
        name: "unbound-directory",
        rule: "a directory that no room is bound to is told nothing",
        section: SECTION,
        run: unbound_directory,
    },
    Case {
        name: "another-directory-in-its-place",
        rule: "a directory of the same path and another inode is another directory",
        section: SECTION,
        run: another_in_its_place,
    },
    Case {
        name: "another-device-number",
        rule: "the device number of a binding counts only where a file system begins",
        section: SECTION,
        run: another_device,
    },
    Case {
        name: "directory-is-gone",
        rule: "a directory that is not there has the global rooms alone",
        section: SECTION,
        run: directory_is_gone,
    },
    Case {
        name: "named-room",
        rule: "CC_CONNECT_ROOM names the one room, whatever the directory is bound to",
        section: SECTION,
        run: named_room,
    },
    Case {
        name: "named-room-invalid",
        rule: "anything but a full room id in CC_CONNECT_ROOM, the empty text included, gives nothing",
        section: SECTION,
        run: named_room_invalid,
    },
    Case {
        name: "empty-home",
        rule: "a home without rooms, and no home at all, give nothing",
        section: SECTION,
        run: empty_home,
    },
    Case {
        name: "binding-without-a-room",
        rule: "a binding to a room that is not there holds up no other",
        section: SECTION,
        run: binding_without_a_room,
    },
];

fn one_room(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let first = room.say(BOB, "postgres, we have it")?;
    let second = room.say(CAROL, "hello")?;
    let text = world.told("s1", &[Told::of(&room, [first, second])])?;
    // The layout in plain words, not as our own renderer has it.
    let lines: Vec<&str> = text.split('\n').collect();
    let short = room.id.short();
    let head = format!("room \"trip\" {short}");
    let shape = lines.len() == 6
        && lines[0].starts_with("New messages from a cc-connect chat room ")
        && lines[1] == lines[5]
        && lines[2] == head
        && lines[3].starts_with("[chatroom @bob ")
        && lines[3].ends_with("Z] postgres, we have it")
        && lines[4].starts_with("[chatroom @carol ");
    if !shape {
        return Err(crate::report::Stop::fault(
            "the layout of the specification",
            text,
        ));
    }
    world.stands_after(&room, "s1", second)?;
    world.names_line(&mut room, "s1", second)?;
    world.silent(&world.ask("s1"), "all was told before")
}

fn several_rooms(world: &mut World<'_>) -> Checked {
    let (mut one, mut two) = (world.room(1, "trip")?, world.room(2, "work")?);
    let project = world.project.clone();
    world.bind(&[(&one, Some(&project)), (&two, Some(&project))])?;
    let (a, b) = (one.say(BOB, "in the one")?, two.say(CAROL, "in the other")?);
    let mut told = vec![(one.id, Told::of(&one, [a])), (two.id, Told::of(&two, [b]))];
    // Neither was told of before: then the ids say which comes first.
    told.sort_by_key(|(id, _)| *id);
    let told: Vec<Told<'_>> = told.into_iter().map(|(_, told)| told).collect();
    world.told("s1", &told)?;
    world.stands_after(&one, "s1", a)?;
    world.stands_after(&two, "s1", b)
}

fn nearest_ancestor(world: &mut World<'_>) -> Checked {
    let (mut outer, mut inner) = (world.room(1, "outer")?, world.room(2, "inner")?);
    let middle = world.project.join("a");
    let deep = middle.join("b/c");
    fs::create_dir_all(&deep)?;
    world.bind(&[(&outer, Some(&world.project)), (&inner, Some(&middle))])?;
    let (a, b) = (outer.say(BOB, "outer")?, inner.say(BOB, "inner")?);
    let below = Ask {
        directory: &deep,
        ..world.ask("s1")
    };
    world.told_when(&below, &[Told::of(&inner, [b])])?;
    world.told("s2", &[Told::of(&outer, [a])]).map(drop)
}

fn linked_directory(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "hello")?;
    let link = world.root().join("link");
    std::os::unix::fs::symlink(&world.project, &link)?;
    let ask = Ask {
        directory: &link,
        ..world.ask("s1")
    };
    world.told_when(&ask, &[Told::of(&room, [n])]).map(drop)
}

fn global_room(world: &mut World<'_>) -> Checked {
    let mut room = world.room(1, "everywhere")?;
    world.bind(&[(&room, None)])?;
    let n = room.say(BOB, "hello")?;
    for (session, directory) in [("s1", &world.elsewhere), ("s2", &world.project)] {
        let ask = Ask {
            directory,
            ..world.ask(session)
        };
        world.told_when(&ask, &[Told::of(&room, [n])])?;
    }
    Ok(())
}

fn unbound_directory(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    room.say(BOB, "hello")?;
    for directory in [&world.elsewhere, &world.home] {
        let ask = Ask {
            directory,
            ..world.ask("s1")
        };
        world.silent(&ask, "no room is bound to it")?;
    }
    Ok(())
}

fn another_in_its_place(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    room.say(BOB, "hello")?;
    fs::rename(&world.project, world.root().join("moved"))?;
    fs::create_dir(&world.project)?;
    world.silent(&world.ask("s1"), "another directory is bound")
}

fn another_device(world: &mut World<'_>) -> Checked {
    use std::os::unix::fs::MetadataExt as _;
    let mut room = world.room(1, "trip")?;
    let n = room.say(BOB, "hello")?;
    let ino = fs::metadata(&world.project)?.ino();
    let binding = json!({"room": room.id.to_hex(), "path": world.project, "dev": 1, "ino": ino});
    world.write_bindings(&json!({"v": 1, "bindings": [binding]}))?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn directory_is_gone(world: &mut World<'_>) -> Checked {
    let mut bound = world.room(1, "bound")?;
    let mut global = world.room(2, "global")?;
    let gone = world.project.join("gone");
    fs::create_dir(&gone)?;
    world.bind(&[(&bound, Some(&world.project)), (&global, None)])?;
    bound.say(BOB, "bound")?;
    let n = global.say(BOB, "global")?;
    if !world.subject.says_directory() {
        return Err(crate::report::Stop::Skip(
            "its events do not say the directory".into(),
        ));
    }
    fs::remove_dir(&gone)?;
    let ask = Ask {
        directory: &gone,
        ..world.ask("s1")
    };
    world.told_when(&ask, &[Told::of(&global, [n])]).map(drop)
}

fn named_room(world: &mut World<'_>) -> Checked {
    let (mut bound, mut named) = (world.room(1, "bound")?, world.room(2, "named")?);
    world.bind(&[(&bound, Some(&world.project))])?;
    bound.say(BOB, "bound")?;
    let n = named.say(BOB, "named")?;
    let hex = named.id.to_hex();
    let ask = Ask {
        room: Some(&hex),
        ..world.ask("s1")
    };
    world.told_when(&ask, &[Told::of(&named, [n])])?;
    world.silent(&ask, "all of that room was told before")
}

fn named_room_invalid(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(ALICE, "hello")?;
    let hex = room.id.to_hex();
    let spaced = format!(" {hex}");
    let long = format!("{hex}00");
    for named in ["", "trip", &hex[..10], &spaced, &long, "../../etc"] {
        let ask = Ask {
            room: Some(named),
            ..world.ask("s1")
        };
        world.silent(&ask, "CC_CONNECT_ROOM is no room id")?;
    }
    let capitals = hex.to_uppercase();
    let ask = Ask {
        room: Some(&capitals),
        moment: Moment::Prompt,
        ..world.ask("s1")
    };
    world.told_when(&ask, &[Told::of(&room, [n])]).map(drop)
}

fn empty_home(world: &mut World<'_>) -> Checked {
    world.silent(&world.ask("s1"), "there are no rooms")?;
    fs::write(world.home.join("bindings.json"), r#"{"v":1,"bindings":[]}"#)?;
    world.silent(&world.ask("s1"), "nothing is bound")?;
    fs::remove_dir_all(&world.home)?;
    world.silent(&world.ask("s1"), "there is no home")
}

fn binding_without_a_room(world: &mut World<'_>) -> Checked {
    let mut room = world.room(1, "there")?;
    let gone = world.room(2, "gone")?;
    let project = world.project.clone();
    world.bind(&[(&gone, Some(&project)), (&room, Some(&project))])?;
    fs::remove_dir_all(&gone.dir)?;
    let n = room.say(BOB, "hello")?;
    world.told("s1", &[Told::of(&room, [n])])?;
    if gone.dir.exists() {
        return Err(crate::report::Stop::fault(
            "no room made",
            "a folder for a room that is not there",
        ));
    }
    Ok(())
}
