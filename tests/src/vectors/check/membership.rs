//! The roster, the door, and what may be appended.

use std::collections::{BTreeMap, BTreeSet};

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
use crate::vectors::worlds::SharedWorld;

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

/// `world`, and `acts` after it of which none knew of the other, in whatever order.
pub fn membership(input: &Value) -> Value {
    let world = SharedWorld::load(input::text(input, "world"));
    let room: RoomId = world.room.parse().expect("a room's id");
    let decode = |raw: &Vec<u8>| {
        let wire = SignedMessage::decode(raw).expect("a message");
        let room = wire.room();
        wire.verify(&room).expect("a good message")
    };
    let before = input::bytes_list(&json!({ "acts": world.acts }), "acts");
    let before: Vec<Message> = before.iter().map(decode).collect();
    let acts = input::bytes_list(input, "acts");
    let acts: Vec<Message> = acts.iter().map(decode).collect();
    let mut all = [&before[..], &acts[..]].concat();
    let roster = gathered(room, &all);
    for _ in 0..2 {
        all.reverse();
        assert_eq!(gathered(room, &all), roster, "the order matters");
        all.rotate_left(before.len() / 2);
        assert_eq!(
            Roster::load(room, &all),
            roster,
            "one by one is not at once"
        );
    }
    let counts = |message: &Message| message.room() == room && roster.counts(message);
    let taken_back = |message: &&Message| {
        let author = message.header().author;
        !message.shapes_roster() && roster.is_retracted(&author, &message.id())
    };
    let erased = before.iter().chain(&acts).filter(taken_back);
    let people = PeopleOf {
        world: &world,
        roster: &roster,
    };
    let world_alone = gathered(room, &before);
    let without = PeopleOf {
        world: &world,
        roster: &world_alone,
    };
    json!({
        "counts": acts.iter().map(counts).collect::<Vec<bool>>(),
        "belong": people.belong(),
        "members": other_than(people.members(), &without.members()),
        "former": people.former(),
        "invites": other_than(people.invites(), &without.invites()),
        "bounds": people.bounds(),
        "erased": erased.map(|message| message.id().to_hex()).collect::<Vec<_>>(),
    })
}

/// Those of whom something else is to be said than before.
fn other_than(
    mut told: BTreeMap<String, Value>,
    before: &BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    told.retain(|name, it| before.get(name) != Some(it));
    told
}

/// A roster, with everybody called by the names of a world.
struct PeopleOf<'a> {
    world: &'a SharedWorld,
    roster: &'a Roster,
}

impl PeopleOf<'_> {
    fn name(&self, author: &AuthorId) -> String {
        self.world.name_of(&author.to_hex())
    }

    fn belong(&self) -> BTreeSet<String> {
        self.roster
            .members()
            .keys()
            .map(|who| self.name(who))
            .collect()
    }

    fn members(&self) -> BTreeMap<String, Value> {
        let members = self.roster.members().iter();
        let told = members.map(|(who, member)| {
            let invites = member.invites.iter();
            let invites: BTreeSet<String> = invites
                .map(|key| self.world.invite_of(&key.to_hex()))
                .collect();
            let doors: BTreeSet<String> = member.doors.iter().map(|door| self.name(door)).collect();
            let mut told = json!({ "nick": member.nick, "doors": doors, "invites": invites });
            let flags = [
                ("root", member.root),
                ("admin", member.admin),
                ("over", member.over),
            ];
            for (flag, _) in flags.into_iter().filter(|(_, set)| *set) {
                told[flag] = true.into();
            }
            (self.name(who), told)
        });
        told.collect()
    }

    fn former(&self) -> BTreeMap<String, Value> {
        let former = self.roster.former().into_iter();
        let gone = former.filter(|(_, former)| former.removed || former.left);
        gone.map(|(who, former)| {
            let told =
                json!({ "nick": former.nick, "removed": former.removed, "left": former.left });
            (self.name(&who), told)
        })
        .collect()
    }

    fn invites(&self) -> BTreeMap<String, Value> {
        let mut told: BTreeMap<String, Value> = BTreeMap::new();
        for invite in self.roster.invites() {
            let name = self.world.invite_of(&invite.key.to_hex());
            let revoked = invite.revoked && told.get(&name).is_none_or(|it| it["revoked"] == true);
            told.insert(name, json!({ "used": invite.used, "revoked": revoked }));
        }
        told
    }

    fn bounds(&self) -> BTreeMap<String, Value> {
        let belonged = self
            .roster
            .members()
            .keys()
            .copied()
            .chain(self.roster.former().into_keys());
        let bounded = belonged.filter_map(|who| Some((who, self.roster.bounds(&who)?)));
        let told = bounded.filter(|(_, bounds)| bounds.others || !bounds.chains.is_empty());
        told.map(|(who, bounds)| {
            let chains: BTreeMap<String, u64> = bounds
                .chains
                .iter()
                .map(|(chain, last)| (chain.0.to_string(), last.0))
                .collect();
            (
                self.name(&who),
                json!({ "chains": chains, "others": bounds.others }),
            )
        })
        .collect()
    }
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
