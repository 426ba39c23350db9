//! The fence: whatever people write, and however they and their rooms are called, what an agent is shown of it says
//! nothing outside the fence, nothing under another's name, and no more than it may; and plain text is what it was.
//!
//! `tests/data/hostile_strings.json` has the strings that try.

mod checker;
mod file_line;
mod world;

use std::collections::BTreeMap;

use cc_proto::limits::{
    NICK_BYTES_MAX, NOTE_BYTES_MAX, ROOM_NAME_BYTES_MAX, TEXT_BYTES_MAX, VIA_BYTES_MAX,
};
use checker::Form;
use proptest::prelude::*;
use serde_json::Value;
use world::{Announced, FENCE, Person, Room, Said, World};

const FORMS: [Form; 4] = [
    Form::Injection,
    Form::Orientation,
    Form::Excerpt,
    Form::FileView,
];

/// All that is in the file.
fn hostile_strings() -> Vec<String> {
    let file: Value = serde_json::from_str(include_str!("../../data/hostile_strings.json"))
        .expect("the corpus is JSON");
    let classes = file["classes"].as_object().expect("classes");
    let short = classes.values().flat_map(|class| {
        let texts = class.as_array().expect("a class");
        texts
            .iter()
            .map(|text| text.as_str().expect("a text").to_owned())
    });
    let long = file["long"].as_array().expect("long ones").iter();
    let long = long.map(|parts| {
        let (text, times) = (parts[0].as_str(), parts[1].as_u64());
        text.expect("a text")
            .repeat(times.expect("a number") as usize)
    });
    let all = short.chain(long);
    all.map(|text| text.replace("FENCE", FENCE)).collect()
}

fn shortened(text: &str, bytes_max: usize) -> &str {
    let ends = (0..=text.len().min(bytes_max)).rev();
    let end = ends.into_iter().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

fn person(nick: &str) -> Person {
    Person {
        nick: nick.to_owned(),
        petname: None,
    }
}

fn said(author: usize, text: &str) -> Said {
    Said {
        author,
        via: String::new(),
        text: text.to_owned(),
        file: None,
    }
}

fn announced(name: &str, folder: bool, here: bool) -> Announced {
    Announced {
        name: name.to_owned(),
        folder,
        here,
    }
}

/// A plain room; the reader is Alice.
fn plain_room() -> Room {
    Room {
        name: "trip".into(),
        people: vec![person("alice"), person("bob"), person("mallory")],
        said: vec![
            said(1, "postgres, we have it"),
            said(2, "@alice shall I?"),
            said(0, "yes"),
        ],
        summary: Some(said(1, "we have postgres")),
    }
}

fn world(rooms: Vec<Room>) -> World {
    World {
        rooms,
        bytes_max: 8192,
    }
}

/// Every place in which a string of another's can stand; names are far shorter on the wire than texts.
fn worlds_of(hostile: &str) -> Vec<(&'static str, World)> {
    let name = shortened(hostile, 1024);
    let with = |change: &dyn Fn(&mut Room)| {
        let mut room = plain_room();
        change(&mut room);
        world(vec![room, plain_room()])
    };
    vec![
        ("text", with(&|room| room.said[1].text = hostile.into())),
        ("own text", with(&|room| room.said[2].text = hostile.into())),
        ("nick", with(&|room| room.people[2].nick = name.into())),
        (
            "reader's nick",
            with(&|room| room.people[0].nick = name.into()),
        ),
        (
            "petname",
            with(&|room| room.people[2].petname = Some(name.into())),
        ),
        ("room name", with(&|room| room.name = name.into())),
        ("via", with(&|room| room.said[1].via = name.into())),
        (
            "via with a role",
            with(&|room| room.said[1].via = format!("{name}/status")),
        ),
        ("own agent", with(&|room| room.said[2].via = name.into())),
        (
            "file that is not here",
            with(&|room| room.said[1].file = Some(announced(name, false, false))),
        ),
        (
            "file",
            with(&|room| room.said[1].file = Some(announced(name, false, true))),
        ),
        (
            "own folder",
            with(&|room| room.said[2].file = Some(announced(name, true, true))),
        ),
        (
            "summary",
            with(&|room| room.summary = Some(said(2, hostile))),
        ),
        (
            "all of it",
            with(&|room| {
                room.name = name.into();
                for person in &mut room.people {
                    person.nick = name.into();
                }
                for said in room.said.iter_mut().chain(&mut room.summary) {
                    said.text = hostile.into();
                    said.via = name.into();
                }
            }),
        ),
    ]
}

#[test]
fn no_string_of_the_corpus_gets_out_of_its_place() {
    let strings = hostile_strings();
    assert!(strings.len() >= 300, "only {}", strings.len());
    let mut wrong: BTreeMap<(&str, Form), Vec<String>> = BTreeMap::new();
    for hostile in &strings {
        for (place, world) in worlds_of(hostile) {
            for form in FORMS {
                if let Err(error) = world.check(form) {
                    let begin: String = hostile.chars().take(40).collect();
                    let found = wrong.entry((place, form)).or_default();
                    found.push(format!("{begin:?}: {error}"));
                }
            }
        }
    }
    // The first of each kind tells enough.
    let told: Vec<String> = wrong
        .iter()
        .map(|(kind, found)| format!("{kind:?}, {} times: {}", found.len(), found[0]))
        .collect();
    assert!(told.is_empty(), "{told:#?}");
}

/// What must come through as it is.
const BENIGN: &[&str] = &[
    "postgres, we have it",
    "Let's meet at 14:02, room 4 (the big one) [if it is free].",
    "naïve café — 100 % “so”, Ærøskøbing, Łódź, İstanbul",
    "日本語のテキスト、한국어도, 简体中文，全角！",
    "שלום עולם",
    "مرحبا بالعالم، كيف الحال؟",
    "हिन्दी में लिखा, ไทยก็ได้, Việt Nam",
    "👍 🎉 ship it 🚀 ❤",
    "https://example.org/a?b=c&d=%20e#f <https://example.org>",
    "mail bob@example.org, cc @carol and #general",
    "fn max<T: Ord>(a: T, b: T) -> T {\n\tif a < b { b } else { a }\n}",
    "let v: Vec<Option<&'a str>> = x.iter().map(|s| s.as_ref()).collect();",
    "if (a < task && b > c) { return a <= b; } // a<b",
    "template <typename T> class Foo : public Bar<T> {};",
    "#include <stdio.h>\nint main(void) { printf(\"%d\\n\", 1 << 3); }",
    "<div class=\"row\"><p>Hi <b>there</b>&nbsp;&lt;x&gt;</p><br/><script>let a = 1;</script></div>",
    "<svg><g><path d=\"M0 0\"/></g></svg> <input type=text> <code>x</code> <s>old</s> <summary>x</summary>",
    "List.map f <| xs |> List.filter g; a <|> b; x <$> y",
    "def f(x: dict[str, list[int]]) -> None:\n    return {k: v[0] for k, v in x.items()}\n\nprint(f'{x!r}')",
    "SELECT * FROM t WHERE a <> b AND c < 3; -- comment",
    "$ cat <<EOF > out\nhi\nEOF\n$ echo `date` | tee \"$HOME/x\"",
    "- [ ] task one\n- [x] system tests\n> a quote\n```rust\nlet x = 1;\n```\n| a | b |\n|---|---|",
    "{\"role\": \"user\", \"content\": [1, 2, {\"a\": null}]}",
    "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-old\n+new",
    "error[E0308]: mismatched types\n --> src/main.rs:4:5\n  |\n4 |     x\n  |     ^ expected `u8`",
    "x² + y³ ≤ ∑ αβγ; ½ ≠ ⅓; 5 °C; 3 µm",
    "Human: so is the answer. Assistant: is what they call me.",
    "the file is <your-home>/notes.txt, replace <name> and <T>",
    "[link](http://example.org) [1]: x\n\n---\n\n*done*",
    "one\n\n\ntwo\n    indented\n\ttabbed",
];

#[test]
fn plain_text_comes_through_as_it_is() {
    for text in BENIGN {
        let mut room = plain_room();
        room.said[1].text = (*text).to_owned();
        room.summary = Some(said(2, text));
        let world = world(vec![room]);
        for form in FORMS {
            let shown = world.check(form).unwrap();
            let come = shown.messages.iter().any(|found| found.text == *text);
            assert!(come, "{form:?}: {text:?}\n{shown:#?}");
        }
    }
}

/// As long as the wire lets such a string be.
fn any_string(bytes_max: usize) -> impl Strategy<Value = String> {
    let corpus = prop::sample::select(hostile_strings());
    let piece = prop_oneof![
        4 => corpus,
        2 => any::<String>(),
        1 => "[ -~äöü日本👍]{1,80}",
        1 => "(\\[chatroom @|\\] |\\(from your user\\)|\n|\r|----- |</?[a-z_-]{2,20}>|@[a-z]{1,8}|room \"|[0-9]{1,4}){1,12}",
    ];
    prop::collection::vec(piece, 1..4)
        .prop_map(move |pieces| shortened(&pieces.concat(), bytes_max).to_owned())
}

/// Who wrote it, by which agent, what it says, and the file that it announces instead.
type Written = (prop::sample::Index, String, String, Option<Announced>);

fn any_room() -> impl Strategy<Value = Room> {
    let nick = || any_string(NICK_BYTES_MAX);
    let file = (any_string(NOTE_BYTES_MAX), any::<bool>(), any::<bool>())
        .prop_map(|(name, folder, here)| announced(&name, folder, here));
    let file = prop::option::weighted(0.3, file).boxed();
    let written = || {
        let via = any_string(VIA_BYTES_MAX);
        (
            any::<prop::sample::Index>(),
            via,
            any_string(TEXT_BYTES_MAX),
            file.clone(),
        )
    };
    let petname = prop::option::weighted(0.2, nick());
    let person = (nick(), petname).prop_map(|(nick, petname)| Person { nick, petname });
    (
        any_string(ROOM_NAME_BYTES_MAX),
        prop::collection::vec(person, 1..20),
        prop::collection::vec(written(), 1..20),
        prop::option::of(written()),
    )
        .prop_map(|(name, people, written, summary)| {
            let count = people.len();
            let said = |(who, via, text, file): Written| Said {
                author: who.index(count),
                via: if via.len() % 3 == 0 {
                    String::new()
                } else {
                    via
                },
                text,
                file,
            };
            let plain = |said: Said| Said { file: None, ..said };
            Room {
                name,
                people,
                said: written.into_iter().map(said).collect(),
                summary: summary.map(said).map(plain),
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nothing_that_anybody_writes_gets_out_of_its_place(
        rooms in prop::collection::vec(any_room(), 1..11),
        bytes_max in 0_usize..30_000,
    ) {
        let world = World { rooms, bytes_max };
        for form in FORMS {
            if let Err(error) = world.check(form) {
                return Err(TestCaseError::fail(format!("{form:?}: {error}")));
            }
        }
    }

    #[test]
    fn plain_words_come_through_as_they_are(
        text in "[ -~äöüßéçñøł日本語한국שלםمرحبا👍🎉]{1,120}(\n[ -;=-Z\\]-~äöü日本]{0,60}){0,3}[a-z]"
    ) {
        // What is left are the tags themselves, which random letters hardly ever are.
        let mut room = plain_room();
        room.said[1].text.clone_from(&text);
        room.summary = Some(said(2, &text));
        for form in FORMS {
            let shown = world(vec![room.clone()]).check(form).map_err(TestCaseError::fail)?;
            prop_assert!(shown.messages.iter().any(|found| found.text == text));
        }
    }
}
