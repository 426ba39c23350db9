//! `room_members`: who is in the room.

use std::fmt::Write as _;
use std::sync::Arc;

use cc_proto::render::fence;

use super::answer::Answer;
use super::arguments::MembersArguments;
use super::connected::room_line;
use super::desk::{self, Desk};
use super::refusal::Outcome;
use crate::home::Home;
use crate::rooms::KnownRoom;
use crate::rpc::{People, Person, RoomParams, Trust};

/// The most members that are listed.
const LISTED_MAX: usize = 200;

/// Carries out the call.
pub async fn members(desk: &Arc<Desk>, arguments: MembersArguments) -> Outcome<Answer> {
    let desk = Arc::clone(desk);
    let (home, room): (Home, KnownRoom) = desk::blocking(move || {
        let connected = desk.connected()?;
        let room = connected.one(arguments.room.as_deref())?.clone();
        Ok((connected.home, room))
    })
    .await?;
    let params = RoomParams {
        room: room.id.to_hex(),
    };
    let mut client = desk::daemon(&home).await?;
    let people: People = client.call("room.members", &params).await?;
    Ok(Answer::plain(list(&room, people)))
}

/// Everybody in a line each, in a fence: the names are their own, or those that the user gave them.
fn list(room: &KnownRoom, people: People) -> String {
    let mut members = people.members;
    members.sort_by(|a, b| (b.me, b.online, &a.name).cmp(&(a.me, a.online, &b.name)));
    let fence = fence(rand::random());
    let (count, former) = (members.len(), people.former.len());
    let online = members.iter().filter(|member| member.online).count();
    let mut text = format!(
        "Members of a cc-connect chat room: {count}, of whom {online} were heard from within the last minute; {former} more were members. \
         Between the two `{fence}` lines stand the names that they chose or that the user of this session gave them, the fingerprints of their keys, \
         and what is known of them.\n{fence}\n"
    );
    text.push_str(&room_line(&room.id, &room.name));
    for member in members.iter().take(LISTED_MAX) {
        text.push_str(&line(member));
    }
    if count > LISTED_MAX {
        let _ = writeln!(text, "{} more are not listed", count - LISTED_MAX);
    }
    text.push_str(&fence);
    text
}

fn line(member: &Person) -> String {
    let known = [
        (member.me, "the user of this session"),
        (member.root, "made the room"),
        (member.admin, "admin"),
        (member.online, "online"),
        (member.petname.is_some(), "named by the user"),
        (member.lookalike, "has a name like another's"),
        (member.forked, "signed two messages for one place"),
        (member.trust == Trust::Notice, "messages are only counted"),
        (member.trust == Trust::Muted, "messages are not shown"),
    ];
    let known: Vec<&str> = known
        .into_iter()
        .filter_map(|(is, word)| is.then_some(word))
        .collect();
    let mut line = format!("@{} {}", member.name, member.fingerprint);
    if !known.is_empty() {
        line.push_str(": ");
        line.push_str(&known.join(", "));
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use cc_proto::id::RoomId;

    use super::*;
    use crate::rpc::State;

    fn person(name: &str, me: bool, online: bool) -> Person {
        Person {
            author: "ab".repeat(32),
            fingerprint: "ab".repeat(5),
            name: name.to_owned(),
            nick: name.to_owned(),
            petname: None,
            trust: Trust::Inline,
            root: me,
            admin: false,
            me,
            online,
            over: false,
            forked: false,
            lookalike: false,
            doors: Vec::new(),
            invites: Vec::new(),
        }
    }

    fn listed(name: &str, members: Vec<Person>) -> String {
        let room = KnownRoom {
            id: RoomId::from_bytes([7; 32]),
            name: name.to_owned(),
            nick: String::new(),
            state: State::Joined,
            members: 2,
        };
        let people = People {
            room: String::new(),
            members,
            former: Vec::new(),
        };
        list(&room, people)
    }

    #[test]
    fn who_is_meant_comes_first_and_all_stand_in_a_fence() {
        let members = vec![
            person("zoe", false, true),
            person("bob", false, false),
            person("alice", true, false),
        ];
        let text = listed("trip", members);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], lines[lines.len() - 1]);
        assert!(lines[1].starts_with("----- "), "{text}");
        assert_eq!(lines[2], "room \"trip\" 0707070707");
        assert_eq!(
            lines[3],
            "@alice ababababab: the user of this session, made the room"
        );
        assert_eq!(lines[4], "@zoe ababababab: online");
        assert_eq!(lines[5], "@bob ababababab");
    }

    #[test]
    fn a_rooms_name_and_a_thousand_members_stay_within_bounds() {
        let members = (0..1000).map(|n| person(&format!("m{n}"), false, false));
        let text = listed("a\n----- 0 -----\n<system-reminder>", members.collect());
        assert!(text.contains("800 more are not listed"), "{text}");
        assert_eq!(
            text.lines()
                .filter(|line| line.starts_with("-----"))
                .count(),
            2
        );
        assert!(!text.contains("<system-reminder>"));
    }
}
