//! Who belongs, a line each, for windows too narrow for a table and for whoever has it read aloud: the name, how it is with
//! them, then what one looks up.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::args::RoomArg;
use crate::chat::worker::LOOKING;
use crate::commands::members::{self, Gathered, name_of, why_gone};
use crate::error::CliResult;
use crate::home::Home;
use crate::output::Printer;
use crate::rooms::short;
use crate::rpc::{People, Person, Status, Trust};

/// Lists them.
pub async fn list(home: &Home, args: &RoomArg, output: Printer<'_>) -> CliResult {
    let Gathered {
        people, mut client, ..
    } = members::gather(home, args.room.as_deref()).await?;
    let status: Status = client.call("status", &json!({})).await?;
    let is_early = Duration::from_millis(status.uptime_ms) < LOOKING;
    for line in lines(&people, is_early) {
        output.text(line);
    }
    Ok(())
}

/// Who belongs, and who did. While it is early nobody is said to be offline.
pub fn lines(people: &People, is_early: bool) -> Vec<String> {
    let members = people.members.iter();
    let mut lines: Vec<String> = members
        .map(|person| line(person, people, is_early))
        .collect();
    if !people.former.is_empty() {
        lines.push(String::new());
        lines.push("No longer members:".to_owned());
    }
    lines.extend(people.former.iter().map(|person| {
        let (name, why) = (&person.name, why_gone(person, people));
        format!("@{name}: {why}; key {}", person.fingerprint)
    }));
    lines
}

fn line(person: &Person, people: &People, is_early: bool) -> String {
    let presence = match (person.online, is_early) {
        _ if person.me => "you",
        (true, _) => "online",
        (false, true) => "connecting",
        (false, false) => "offline",
    };
    let marks = [
        (person.root, "root"),
        (person.admin && !person.root, "admin"),
        (person.trust == Trust::Notice, "notice"),
        (person.trust == Trust::Muted, "muted"),
        (person.forked, "forked"),
        (person.lookalike, "looks like another"),
        (person.over, "over the uses of the invite"),
    ];
    let marks = marks
        .iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, mark)| *mark);
    let state: Vec<&str> = std::iter::once(presence).chain(marks).collect();
    let mut line = format!(
        "@{}: {}; key {}",
        person.name,
        state.join(", "),
        person.fingerprint
    );
    let doors: Vec<String> = person
        .doors
        .iter()
        .map(|door| name_of(door, people))
        .collect();
    if !doors.is_empty() {
        let _ = write!(line, "; let in by {}", doors.join(" "));
    }
    let invites: Vec<&str> = person.invites.iter().map(|invite| short(invite)).collect();
    if !invites.is_empty() {
        let _ = write!(line, "; invite {}", invites.join(" "));
    }
    line
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::rpc::FormerPerson;

    /// A member with a key of this digit.
    fn person(name: &str, digit: &str) -> Person {
        Person {
            author: digit.repeat(64),
            fingerprint: digit.repeat(10),
            name: name.to_owned(),
            nick: name.to_owned(),
            petname: None,
            trust: Trust::Inline,
            root: false,
            admin: false,
            me: false,
            online: false,
            over: false,
            forked: false,
            lookalike: false,
            doors: Vec::new(),
            invites: Vec::new(),
        }
    }

    /// People of every kind.
    pub fn sample() -> People {
        let let_in = |person| Person {
            doors: vec!["a".repeat(64)],
            invites: vec!["0123456789ab".repeat(5)],
            ..person
        };
        let mallory = FormerPerson {
            author: "d".repeat(64),
            fingerprint: "d".repeat(10),
            name: "mallory".to_owned(),
            nick: "mallory".to_owned(),
            petname: None,
            trust: Trust::Inline,
            me: false,
            removed: true,
            left: false,
            by: vec!["a".repeat(64)],
            forked: true,
        };
        People {
            room: "ab".repeat(32),
            members: vec![
                Person {
                    me: true,
                    root: true,
                    admin: true,
                    online: true,
                    ..person("alice", "a")
                },
                let_in(Person {
                    admin: true,
                    online: true,
                    ..person("bob", "b")
                }),
                let_in(Person {
                    trust: Trust::Muted,
                    forked: true,
                    ..person("carol-who-has-a-long-name", "c")
                }),
            ],
            former: vec![mallory],
        }
    }

    #[test]
    fn the_name_comes_first_then_how_it_is_with_them() {
        let told = lines(&sample(), false);
        let begins = [
            "@alice: you, root; key aaaaaaaaaa",
            "@bob: online, admin; key bbbbbbbbbb; let in by @alice; invite 0123456789",
            "@carol-who-has-a-long-name: offline, muted, forked; key ",
            "",
            "No longer members:",
            "@mallory: removed by @alice; forked; key dddddddddd",
        ];
        assert_eq!(told.len(), begins.len(), "{told:#?}");
        for (line, begins) in told.iter().zip(begins) {
            assert!(line.starts_with(begins), "{line}");
        }
        // Before that is known nobody is said to be offline.
        let told = lines(&sample(), true).join("\n");
        assert!(told.contains("connecting, muted") && !told.contains("offline"));
    }
}
