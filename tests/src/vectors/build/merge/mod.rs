//! What each pair of acts comes to of which neither knew of the other: a case for each cell of the
//! table in `spec/membership.md`, from one room that all of them begin with.

mod invites;
mod members;

use cc_proto::body::{Body, Cut, Grant, InvitePolicy, InviteRevoke, Profile, Remove, Retract};
use cc_proto::id::{AuthorId, ChainId, RoomId, Seq};
use cc_proto::message::Message;
use serde_json::{Value, json};

use super::Cases;
use super::membership::{admits, joins};
use super::world::{ALICE, BOB, CAROL, INVITE, Pen, author, founded, invite, invite_key, raws};
use crate::vectors::worlds::SharedWorld;

const DAVE: u8 = 4;
const ERIN: u8 = 6;
const FRANK: u8 = 7;
/// The invites beside [`INVITE`], which is called `door`.
const SIDE: u8 = 10;
const THIRD: u8 = 11;
const WORLD: &str = "five";

/// Alice made the room, Bob and Carol are admins, Dave came by the same door, Erin by an invite of
/// Dave's at Dave's door. Frank is a stranger.
#[derive(Clone)]
struct Cast {
    room: RoomId,
    alice: Pen,
    bob: Pen,
    carol: Pen,
    dave: Pen,
    erin: Pen,
    frank: Pen,
    acts: Vec<Message>,
    genesis: Message,
    bob_said: Message,
    dave_said: Message,
    erin_admit: Message,
}

impl Cast {
    fn new() -> Self {
        let (room, mut alice, genesis) = founded(InvitePolicy::Members);
        let mut acts = vec![genesis.clone(), alice.write(Body::Invite(invite(INVITE)))];
        let mut newcomer = |seed, nick| {
            let mut pen = Pen::new(seed, room);
            let join = joins(&mut pen, INVITE, nick);
            acts.extend([join.clone(), admits(&mut alice, &join)]);
            pen
        };
        let (mut bob, carol) = (newcomer(BOB, "bob"), newcomer(CAROL, "carol"));
        let mut dave = newcomer(DAVE, "dave");
        acts.extend([
            alice.write(grant(BOB, true)),
            alice.write(grant(CAROL, true)),
        ]);
        acts.push(dave.write(Body::Invite(invite(SIDE))));
        let mut erin = Pen::new(ERIN, room);
        let join = joins(&mut erin, SIDE, "erin");
        let erin_admit = admits(&mut dave, &join);
        let (bob_said, dave_said) = (bob.say("one"), dave.say("two"));
        acts.extend([
            join,
            erin_admit.clone(),
            bob_said.clone(),
            dave_said.clone(),
        ]);
        Self {
            room,
            alice,
            bob,
            carol,
            dave,
            erin,
            frank: Pen::new(FRANK, room),
            acts,
            genesis,
            bob_said,
            dave_said,
            erin_admit,
        }
    }

    fn world(&self) -> SharedWorld {
        let people = [
            ("alice", ALICE),
            ("bob", BOB),
            ("carol", CAROL),
            ("dave", DAVE),
            ("erin", ERIN),
            ("frank", FRANK),
        ];
        let invites = [("door", INVITE), ("side", SIDE), ("third", THIRD)];
        let text = |raw: Value| raw.as_str().map(str::to_owned);
        SharedWorld {
            name: WORLD.into(),
            about: "Alice made the room, Bob and Carol are admins; Dave came by the same invite, \
                    door, and Erin by Dave's, side."
                .into(),
            room: self.room.to_hex(),
            people: people
                .map(|(name, seed)| (name.into(), author(seed).to_hex()))
                .into(),
            invites: invites
                .map(|(name, seed)| (name.into(), invite_key(seed).to_hex()))
                .into(),
            acts: raws(&self.acts).into_iter().filter_map(text).collect(),
        }
    }

    /// Frank's join by an invite, and the admit of it at somebody's door.
    fn frank_by(&mut self, key: u8, door: fn(&mut Self) -> &mut Pen) -> [Message; 2] {
        let join = joins(&mut self.frank, key, "frank");
        let admit = admits(door(self), &join);
        [join, admit]
    }
}

/// The worlds, whose files the cases need to be made.
pub(super) fn worlds() -> Vec<SharedWorld> {
    vec![Cast::new().world()]
}

fn grant(seed: u8, admin: bool) -> Body {
    Body::Grant(Grant {
        member: author(seed),
        admin,
        cuts: Vec::new(),
    })
}

fn revoke(key: u8, keep: &[u8]) -> Body {
    Body::InviteRevoke(InviteRevoke {
        invite: invite_key(key),
        keep: authors(keep),
    })
}

/// Removes whoever wrote `last`, which is the last that counts.
fn remove_at(last: &Message, keep_invite: bool, keep: &[u8]) -> Body {
    let header = last.header();
    Body::Remove(Remove {
        member: header.author,
        cuts: vec![Cut {
            chain: header.chain,
            seq: header.seq,
            id: last.id(),
        }],
        keep_invite,
        keep: authors(keep),
    })
}

/// Removes somebody of whom nothing shall count but the join that opens their chain.
fn remove(pen: &Pen, acts: &[Message], keep: &[u8]) -> Body {
    let me = pen.identity.author();
    let last = acts.iter().rfind(|act| act.header().author == me);
    remove_at(last.expect("somebody who wrote"), true, keep)
}

fn authors(seeds: &[u8]) -> Vec<AuthorId> {
    seeds.iter().map(|seed| author(*seed)).collect()
}

fn nick(nick: &str) -> Body {
    Body::Profile(Profile { nick: nick.into() })
}

fn retract(message: &Message) -> Body {
    let header = message.header();
    Body::Retract(Retract {
        author: header.author,
        chain: header.chain,
        seq: header.seq,
        message: message.id(),
    })
}

/// A chain of its own, as on another machine, as many seconds later.
fn elsewhere(pen: &Pen, seconds: i64) -> Pen {
    let mut pen = pen.clone();
    pen.new.chain = ChainId(pen.new.chain.0 + 1);
    pen.new.seq = Seq::FIRST;
    pen.new.prev = None;
    pen.new.ts.0 = pen.new.ts.0.saturating_add_signed(seconds * 1000);
    pen
}

/// Takes the cells, each from the beginning.
struct Table<'a> {
    cases: &'a mut Cases,
    cast: Cast,
}

impl Table<'_> {
    fn cell(
        &mut self,
        row_column: &str,
        about: &str,
        acts: impl FnOnce(&mut Cast) -> Vec<Message>,
        belong: &[&str],
        expect: Value,
    ) {
        let acts = acts(&mut self.cast.clone());
        let mut expect = expect;
        expect["belong"] = json!(belong);
        let input = json!({ "world": WORLD, "acts": raws(&acts) });
        let name = format!("merge-{row_column}");
        self.cases.ok("membership", &name, about, input, &expect);
    }
}

const ALL: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
const AND_FRANK: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];
const NO_DAVE: [&str; 4] = ["alice", "bob", "carol", "erin"];
const NO_ERIN: [&str; 4] = ["alice", "bob", "carol", "dave"];

pub(super) fn add(cases: &mut Cases) {
    let cast = Cast::new();
    let mut table = Table { cases, cast };
    invites::with_genesis(&mut table);
    invites::with_invite(&mut table);
    invites::with_revoke(&mut table);
    members::with_admit(&mut table);
    members::with_join(&mut table);
    members::with_remove(&mut table);
    members::with_the_rest(&mut table);
}
