//! The roster, the door, and what may be appended.

use std::collections::BTreeSet;

use cc_proto::body::Body;
use cc_proto::clock::Now;
use cc_proto::id::{AuthorId, RoomId, Timestamp};
use cc_proto::limits;
use cc_proto::message::{Message, SignedMessage};
use cc_proto::roster::Roster;
use serde_json::{Value, json};

use super::{Outcome, room_of, verified};
use crate::vectors::input;
use crate::vectors::refusals::Refused;

/// `room`, `acts`: in whatever order, however often.
pub fn roster(input: &Value) -> Value {
    let room = room_of(input);
    let acts = verified(&room, input, "acts");
    let roster = gathered(room, &acts);
    let rotations = (0..acts.len()).map(|by| [&acts[by..], &acts[..by]].concat());
    for mut order in rotations {
        assert_eq!(gathered(room, &order), roster, "the order matters");
        order.reverse();
        assert_eq!(gathered(room, &order), roster, "the order matters");
        order.extend(acts.iter().cloned());
        assert_eq!(gathered(room, &order), roster, "doing it twice matters");
    }
    let members: Vec<Value> = roster
        .members()
        .iter()
        .map(|(author, member)| {
            json!({
                "author": author.to_hex(),
                "nick": member.nick,
                "root": member.root,
                "doors": hexes(&member.doors, AuthorId::to_hex),
                "invites": hexes(&member.invites, cc_proto::id::InviteKey::to_hex),
            })
        })
        .collect();
    json!({ "name": roster.name(), "members": members })
}

fn hexes<T>(ids: &BTreeSet<T>, to_hex: impl Fn(&T) -> String) -> Vec<String> {
    ids.iter().map(to_hex).collect()
}

fn gathered(room: RoomId, acts: &[Message]) -> Roster {
    let mut roster = Roster::new(room);
    for act in acts {
        roster.insert(act);
    }
    roster
}

/// `room`, `acts`, and a `message` that is to be appended to a log that holds them.
pub fn append(input: &Value) -> Outcome {
    let room = room_of(input);
    let roster = gathered(room, &verified(&room, input, "acts"));
    let message = SignedMessage::decode(&input::bytes(input, "message"))?.verify(&room)?;
    if roster.admits_message(&message) {
        Ok(Value::Null)
    } else {
        Err(Refused::plain("not-a-member"))
    }
}

/// `room`, the `acts` that are known, and the `bundle` that `member` shows.
pub fn bundle(input: &Value) -> Outcome {
    let room = room_of(input);
    let roster = gathered(room, &verified(&room, input, "acts"));
    let bundle = input::bytes_list(input, "bundle");
    if bundle.len() > limits::BUNDLE_MESSAGES_MAX {
        return Err(Refused::plain("not-a-member"));
    }
    // A message of the bundle that is refused proves nothing, and harms no other.
    let shown: Vec<Message> = bundle
        .iter()
        .filter_map(|raw| SignedMessage::decode(raw).ok()?.verify(&room).ok())
        .collect();
    let member = AuthorId::from_bytes(input::array(input, "member"));
    if roster.would_contain(&member, &shown) {
        Ok(Value::Null)
    } else {
        Err(Refused::plain("not-a-member"))
    }
}

/// `room`, the `acts` known at the door, the raw `join` that is shown there, and `now`.
pub fn door(input: &Value) -> Outcome {
    let room = room_of(input);
    let roster = gathered(room, &verified(&room, input, "acts"));
    let join = SignedMessage::decode(&input::bytes(input, "join"))?.verify(&room)?;
    let Some(Body::Join(body)) = join.body() else {
        panic!("`join` must be a join");
    };
    let now = Now {
        wall: Timestamp(input::u64_of(input, "now")),
        mono_ms: 0,
    };
    roster.judge(&join.header().author, body, now)?;
    Ok(Value::Null)
}
