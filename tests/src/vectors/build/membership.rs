//! Who belongs.

use cc_proto::body::{Admit, Body, Invite, InvitePolicy, Join, Profile};
use cc_proto::id::{RoomId, Timestamp};
use cc_proto::identity::Signature;
use cc_proto::message::Message;
use cc_proto::roster::join_body;
use serde_json::{Value, json};

use super::Cases;
use super::world::{
    ALICE, BOB, CAROL, INVITE, MALLORY, NOW, Pen, author, founded, identity, invite, invite_key,
    raws,
};

pub(super) fn add(cases: &mut Cases) {
    rosters(cases);
    rosters_without_effect(cases);
}

/// A room with an invite by Alice, and Bob's join and admit.
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) alice: Pen,
    pub(super) bob: Pen,
    pub(super) genesis: Message,
    pub(super) invite: Message,
    pub(super) join: Message,
    pub(super) admit: Message,
}

impl Room {
    pub(super) fn new(policy: InvitePolicy) -> Self {
        let (id, mut alice, genesis) = founded(policy);
        let invite = alice.write(Body::Invite(invite(INVITE)));
        let mut bob = Pen::new(BOB, id);
        let join = joins(&mut bob, INVITE, "bob");
        let admit = admits(&mut alice, &join);
        Self {
            id,
            alice,
            bob,
            genesis,
            invite,
            join,
            admit,
        }
    }

    pub(super) fn acts(&self) -> Vec<Message> {
        [&self.genesis, &self.invite, &self.join, &self.admit]
            .map(Clone::clone)
            .to_vec()
    }

    pub(super) fn with(&self, more: &[&Message]) -> Vec<Message> {
        let mut acts = self.acts();
        acts.extend(more.iter().map(|act| (*act).clone()));
        acts
    }
}

pub(super) fn joins(pen: &mut Pen, invite: u8, nick: &str) -> Message {
    let joiner = pen.identity.author();
    pen.write(Body::Join(join_body(
        &identity(invite),
        &pen.new.room,
        &joiner,
        nick.into(),
    )))
}

/// `pen` lets the author of a join in.
pub(super) fn admits(pen: &mut Pen, join: &Message) -> Message {
    let Some(Body::Join(body)) = join.body() else {
        panic!("no join");
    };
    pen.write(Body::Admit(Admit {
        joiner: join.header().author,
        invite: body.invite,
        join: join.id(),
    }))
}

fn member(seed: u8, nick: &str, doors: &[u8], invites: &[u8]) -> Value {
    let mut doors: Vec<String> = doors.iter().map(|seed| author(*seed).to_hex()).collect();
    let mut invites: Vec<String> = invites
        .iter()
        .map(|seed| invite_key(*seed).to_hex())
        .collect();
    doors.sort();
    invites.sort();
    json!({
        "author": author(seed).to_hex(),
        "nick": nick,
        "root": seed == ALICE,
        "doors": doors,
        "invites": invites,
    })
}

/// In the order of their keys, as a roster lists them.
fn members(mut members: Vec<Value>) -> Value {
    members.sort_by_key(|member| member["author"].as_str().map(str::to_owned));
    json!({ "members": members })
}

fn input(room: RoomId, acts: &[Message]) -> Value {
    json!({ "room": room.to_hex(), "acts": raws(acts) })
}

fn rosters(cases: &mut Cases) {
    let mut add = |name, about, room: &Room, acts: &[Message], expect: Vec<Value>| {
        cases.ok(
            "roster",
            name,
            about,
            input(room.id, acts),
            &members(expect),
        );
    };
    let room = Room::new(InvitePolicy::Members);
    let (alice, bob) = (
        || member(ALICE, "alice", &[], &[]),
        || member(BOB, "bob", &[ALICE], &[INVITE]),
    );
    add(
        "nothing",
        "Without the genesis nobody belongs.",
        &room,
        &[],
        vec![],
    );
    add(
        "without-genesis",
        "Nor with all that rests on it.",
        &room,
        &room.acts()[1..],
        vec![],
    );
    add(
        "genesis",
        "The author of the genesis is the root.",
        &room,
        &room.acts()[..1],
        vec![alice()],
    );
    add(
        "admitted",
        "Join and admit make a member; every order of the acts gives the same.",
        &room,
        &room.acts(),
        vec![alice(), bob()],
    );
    add(
        "join-alone",
        "A join without an admit is a wish.",
        &room,
        &room.acts()[..3],
        vec![alice()],
    );
    let no_join = [&room.genesis, &room.invite, &room.admit].map(Clone::clone);
    add(
        "admit-alone",
        "An admit counts only with the join that it names.",
        &room,
        &no_join,
        vec![alice()],
    );
    let no_invite = [&room.genesis, &room.join, &room.admit].map(Clone::clone);
    add(
        "no-invite",
        "An admit counts only under an invite that counts.",
        &room,
        &no_invite,
        vec![alice()],
    );

    // Bob invites Carol, and lets her in: she rests on him, and he on Alice.
    let deeper = |policy| {
        let mut room = Room::new(policy);
        let invite = room.bob.write(Body::Invite(invite(10)));
        let mut carol = Pen::new(CAROL, room.id);
        let join = joins(&mut carol, 10, "carol");
        let admit = admits(&mut room.bob, &join);
        let acts = room.with(&[&invite, &join, &admit]);
        (room, acts)
    };
    let (through_bob, acts) = deeper(InvitePolicy::Members);
    add(
        "through-a-member",
        "A member invites and lets somebody in.",
        &through_bob,
        &acts,
        vec![alice(), bob(), member(CAROL, "carol", &[BOB], &[10])],
    );
    let (under_admins, acts) = deeper(InvitePolicy::Admins);
    add(
        "policy-admins",
        "Where only admins invite, a member's invite does not count, nor what rests on it.",
        &under_admins,
        &acts,
        vec![alice(), bob()],
    );

    let (mut doors, mut bob_pen) = (Room::new(InvitePolicy::Members), Pen::new(BOB, room.id));
    let mut carol = Pen::new(CAROL, doors.id);
    bob_pen.clone_from(&doors.bob);
    let join = joins(&mut carol, INVITE, "carol");
    let (one, two) = (admits(&mut doors.alice, &join), admits(&mut bob_pen, &join));
    add(
        "two-doors",
        "Two members let the same joiner in: one member, two doors.",
        &doors,
        &doors.with(&[&join, &one, &two]),
        vec![
            alice(),
            bob(),
            member(CAROL, "carol", &[ALICE, BOB], &[INVITE]),
        ],
    );

    // The last use is given away twice.
    let mut once = Room::new(InvitePolicy::Members);
    let last = once.alice.write(Body::Invite(Invite {
        uses_max: Some(1),
        ..invite(10)
    }));
    let (mut carol, mut mallory) = (Pen::new(CAROL, once.id), Pen::new(MALLORY, once.id));
    let (first, second) = (
        joins(&mut carol, 10, "carol"),
        joins(&mut mallory, 10, "mallory"),
    );
    let mut bob_pen = once.bob.clone();
    let (at_alice, at_bob) = (
        admits(&mut once.alice, &first),
        admits(&mut bob_pen, &second),
    );
    add(
        "over-its-uses",
        "Two doors give the last use away in a partition: both stay.",
        &once,
        &once.with(&[&last, &first, &second, &at_alice, &at_bob]),
        vec![
            alice(),
            bob(),
            member(CAROL, "carol", &[ALICE], &[10]),
            member(MALLORY, "mallory", &[BOB], &[10]),
        ],
    );
    let mut ended = Room::new(InvitePolicy::Members);
    let end = ended.alice.write(Body::Invite(Invite {
        expires: Some(Timestamp(0)),
        ..invite(10)
    }));
    let mut carol = Pen::new(CAROL, ended.id);
    let join = joins(&mut carol, 10, "carol");
    let admit = admits(&mut ended.alice, &join);
    add(
        "expiry-is-for-the-door",
        "The roster asks no clock: an admit under an expired invite counts.",
        &ended,
        &ended.with(&[&end, &join, &admit]),
        vec![alice(), bob(), member(CAROL, "carol", &[ALICE], &[10])],
    );

    nicks(&mut add, &alice);
}

fn nicks(
    add: &mut impl FnMut(&'static str, &'static str, &Room, &[Message], Vec<Value>),
    alice: &impl Fn() -> Value,
) {
    let profile =
        |pen: &mut Pen, nick: &str| pen.write(Body::Profile(Profile { nick: nick.into() }));
    let bob = |nick| member(BOB, nick, &[ALICE], &[INVITE]);
    let mut room = Room::new(InvitePolicy::Members);
    let (one, two) = (
        profile(&mut room.bob, "robert"),
        profile(&mut room.bob, "bobby"),
    );
    add(
        "nick-later",
        "The nick with the greatest timestamp counts, whatever the order of arrival.",
        &room,
        &room.with(&[&two, &one]),
        vec![alice(), bob("bobby")],
    );
    let mut back = Room::new(InvitePolicy::Members);
    back.bob.new.ts = Timestamp(NOW - 1);
    let early = profile(&mut back.bob, "early");
    add(
        "nick-earlier",
        "A profile with a smaller timestamp than the join changes nothing.",
        &back,
        &back.with(&[&early]),
        vec![alice(), bob("bob")],
    );
    // The same timestamp, in two chains of one author: the greater id decides.
    let mut tie = Room::new(InvitePolicy::Members);
    let mut other = Pen::new(BOB, tie.id);
    other.new.chain.0 += 1;
    other.new.ts = tie.bob.new.ts;
    let (one, two) = (profile(&mut tie.bob, "one"), profile(&mut other, "two"));
    let nick = if one.id() > two.id() { "one" } else { "two" };
    add(
        "nick-tie",
        "At equal timestamps the greater id counts.",
        &tie,
        &tie.with(&[&one, &two]),
        vec![alice(), bob(nick)],
    );
    let root = Room::new(InvitePolicy::Members);
    let mut alice_pen = root.alice.clone();
    let renamed = profile(&mut alice_pen, "al");
    add(
        "nick-of-the-root",
        "The root is renamed like anybody.",
        &root,
        &root.with(&[&renamed]),
        vec![member(ALICE, "al", &[], &[]), bob("bob")],
    );
    let mut stranger = Pen::new(MALLORY, root.id);
    let claim = profile(&mut stranger, "alice");
    add(
        "profile-of-a-stranger",
        "A stranger's profile names nobody.",
        &root,
        &root.with(&[&claim]),
        vec![alice(), bob("bob")],
    );
}

fn rosters_without_effect(cases: &mut Cases) {
    let (alice, bob) = (
        || member(ALICE, "alice", &[], &[]),
        || member(BOB, "bob", &[ALICE], &[INVITE]),
    );
    let mut add = |name, about, room: &Room, more: &[&Message]| {
        let expect = members(vec![alice(), bob()]);
        cases.ok(
            "roster",
            name,
            about,
            input(room.id, &room.with(more)),
            &expect,
        );
    };
    let room = Room::new(InvitePolicy::Members);
    let mut mallory = Pen::new(MALLORY, room.id);
    let own_invite = mallory.write(Body::Invite(invite(11)));
    let own_join = joins(&mut mallory, 11, "mallory");
    let own_admit = admits(&mut mallory, &own_join);
    add(
        "stranger-lets-itself-in",
        "A stranger's invite, join and admit prove each other and nothing else.",
        &room,
        &[&own_invite, &own_join, &own_admit],
    );

    let mut door = Room::new(InvitePolicy::Members);
    let mut carol = Pen::new(CAROL, door.id);
    let bare = Join {
        invite: invite_key(INVITE),
        proof: Signature([0; 64]),
        nick: "carol".into(),
    };
    let unproven = carol.write(Body::Join(bare));
    let admit = admits(&mut door.alice, &unproven);
    add(
        "join-unproven",
        "A join that does not prove its invite lets nobody in, not even with an admit.",
        &door,
        &[&unproven, &admit],
    );

    let mut door = Room::new(InvitePolicy::Members);
    let mut carol = Pen::new(CAROL, door.id);
    let elsewhere = RoomId::from_bytes([0x1b; 32]);
    let stolen = carol.write(Body::Join(join_body(
        &identity(INVITE),
        &elsewhere,
        &author(CAROL),
        "carol".into(),
    )));
    let admit = admits(&mut door.alice, &stolen);
    add(
        "join-for-another-room",
        "The proof is for another room.",
        &door,
        &[&stolen, &admit],
    );

    let mut door = Room::new(InvitePolicy::Members);
    let mut mallory = Pen::new(MALLORY, door.id);
    let copied = mallory.write(Body::Join(join_body(
        &identity(INVITE),
        &door.id,
        &author(CAROL),
        "carol".into(),
    )));
    let admit = admits(&mut door.alice, &copied);
    add(
        "join-for-another-joiner",
        "The proof is another joiner's.",
        &door,
        &[&copied, &admit],
    );

    let mut door = Room::new(InvitePolicy::Members);
    let mut mallory = Pen::new(MALLORY, door.id);
    let join = joins(&mut mallory, INVITE, "mallory");
    let for_carol = door.alice.write(Body::Admit(Admit {
        joiner: author(CAROL),
        invite: invite_key(INVITE),
        join: join.id(),
    }));
    add(
        "admit-of-another",
        "The admit lets in another than the join's author.",
        &door,
        &[&join, &for_carol],
    );
    let other = door.alice.write(Body::Invite(invite(10)));
    let mixed = door.alice.write(Body::Admit(Admit {
        joiner: author(MALLORY),
        invite: invite_key(10),
        join: join.id(),
    }));
    add(
        "admit-under-another-invite",
        "The admit names another invite than the join.",
        &door,
        &[&other, &join, &mixed],
    );
}
