//! Who may be let in, what may be appended, and what proves a membership.

use cc_proto::body::{Body, Invite, InvitePolicy, InviteRevoke, Join, Remove};
use cc_proto::id::{RoomId, Timestamp};
use cc_proto::identity::Signature;
use cc_proto::message::Message;
use cc_proto::roster::join_body;
use serde_json::{Value, json};

use super::Cases;
use super::membership::{Room, admits, joins};
use super::world::{
    ALICE, BOB, CAROL, INVITE, MALLORY, NOW, Pen, author, identity, invite, invite_key, raws,
};
use crate::vectors::input::hex;

pub(super) fn add(cases: &mut Cases) {
    doors(cases);
    appends(cases);
    bundles(cases);
}

fn doors(cases: &mut Cases) {
    let mut room = Room::new(InvitePolicy::Members);
    let ends = room.alice.write(Body::Invite(Invite {
        expires: Some(Timestamp(NOW)),
        ..invite(10)
    }));
    let twice = room.alice.write(Body::Invite(Invite {
        uses_max: Some(2),
        ..invite(11)
    }));
    let again = room.alice.write(Body::Invite(Invite {
        expires: Some(Timestamp(NOW + 1000)),
        ..invite(10)
    }));
    let never = room.alice.write(Body::Invite(Invite {
        uses_max: Some(0),
        ..invite(12)
    }));
    let mut carol = Pen::new(CAROL, room.id);
    let join = |invite| {
        let mut pen = carol.clone();
        joins(&mut pen, invite, "carol")
    };
    let input = |acts: &[Message], join: &Message, now: u64| json!({ "room": room.id.to_hex(), "acts": raws(acts), "join": hex(&join.to_raw()), "now": now });
    let mut let_in = |name, about, input: Value| cases.ok("door", name, about, input, &Value::Null);
    let_in(
        "let-in",
        "The invite has no bounds.",
        input(&room.acts(), &join(INVITE), NOW),
    );
    let_in(
        "before-its-end",
        "A millisecond before the invite ends.",
        input(&room.with(&[&ends]), &join(10), NOW - 1),
    );
    let_in(
        "one-still-open",
        "Two invites of one key: one has ended, the other suffices.",
        input(&room.with(&[&ends, &again]), &join(10), NOW),
    );

    // Bob came by 11 too, and so did Mallory in the second room.
    let mut once = Pen::new(BOB, room.id);
    once.new.chain.0 += 1;
    let second_join = joins(&mut once, 11, "bob");
    let second_admit = admits(&mut room.alice.clone(), &second_join);
    let one_use = room.with(&[&twice, &second_join, &second_admit]);
    let_in(
        "a-use-left",
        "One of two uses is left.",
        input(&one_use, &join(11), NOW),
    );
    let third_admit = admits(&mut room.bob.clone(), &second_join);
    let two_doors = [&one_use[..], &[third_admit]].concat();
    let_in(
        "uses-count-keys",
        "One key that came by two doors is one use.",
        input(&two_doors, &join(11), NOW),
    );

    let mut mallory = Pen::new(MALLORY, room.id);
    let mallory_join = joins(&mut mallory, 11, "mallory");
    let mut alice = room.alice.clone();
    alice.new.seq = alice.new.seq.next();
    let mallory_admit = admits(&mut alice, &mallory_join);
    let used = [&one_use[..], &[mallory_join, mallory_admit]].concat();
    let mut refuse =
        |name, about, input, verdict| cases.refused("door", name, about, input, verdict);
    refuse(
        "used-up",
        "Two keys came by an invite of two uses.",
        input(&used, &join(11), NOW),
        "used-up",
    );
    refuse(
        "no-uses",
        "An invite of no uses lets nobody in.",
        input(&room.with(&[&never]), &join(12), NOW),
        "used-up",
    );
    refuse(
        "expired",
        "At the very millisecond the invite has ended.",
        input(&room.with(&[&ends]), &join(10), NOW),
        "expired",
    );
    refuse(
        "all-expired",
        "Every invite of the key has ended.",
        input(&room.with(&[&ends, &again]), &join(10), NOW + 1000),
        "expired",
    );
    let revoked = room.alice.clone().write(Body::InviteRevoke(InviteRevoke {
        invite: invite_key(INVITE),
        keep: vec![author(BOB)],
    }));
    refuse(
        "revoked",
        "The invite was revoked, and keeps others.",
        input(&room.with(&[&revoked]), &join(INVITE), NOW),
        "revoked",
    );
    let removed = room.alice.clone().write(Body::Remove(Remove {
        member: author(CAROL),
        cuts: vec![],
        keep_invite: true,
        keep: vec![],
    }));
    refuse(
        "removed",
        "The joiner was removed.",
        input(&room.with(&[&removed]), &join(INVITE), NOW),
        "removed",
    );
    refuse(
        "removed-and-revoked",
        "Both hold: that of the joiner is told.",
        input(&room.with(&[&removed, &revoked]), &join(INVITE), NOW),
        "removed",
    );
    refuse(
        "unknown-invite",
        "An invite that is not known here.",
        input(&room.acts(), &join(13), NOW),
        "refused",
    );
    refuse(
        "no-roster",
        "A door without the genesis knows no invite.",
        input(&room.acts()[1..], &join(INVITE), NOW),
        "refused",
    );
    let mut by_another = join_body(&identity(MALLORY), &room.id, &author(CAROL), "carol".into());
    by_another.invite = invite_key(INVITE);
    let by_another = carol.clone().write(Body::Join(by_another));
    refuse(
        "proof-by-another-key",
        "Another key than the invite's made the proof.",
        input(&room.acts(), &by_another, NOW),
        "refused",
    );
    let elsewhere = join_body(
        &identity(INVITE),
        &RoomId::from_bytes([0x1b; 32]),
        &author(CAROL),
        "carol".into(),
    );
    let elsewhere = carol.clone().write(Body::Join(elsewhere));
    refuse(
        "proof-for-another-room",
        "The proof is for another room.",
        input(&room.acts(), &elsewhere, NOW),
        "refused",
    );
    let borrowed = join_body(&identity(INVITE), &room.id, &author(BOB), "carol".into());
    let borrowed = carol.write(Body::Join(borrowed));
    refuse(
        "proof-of-another-joiner",
        "Bob's proof in Carol's join.",
        input(&room.acts(), &borrowed, NOW),
        "refused",
    );
    let expired_unproven = Join {
        invite: invite_key(10),
        proof: Signature([0; 64]),
        nick: "carol".into(),
    };
    let expired_unproven = Pen::new(CAROL, room.id).write(Body::Join(expired_unproven));
    refuse(
        "expired-and-unproven",
        "Who does not prove the secret is not told that the invite has expired.",
        input(&room.with(&[&ends]), &expired_unproven, NOW),
        "refused",
    );
}

fn appends(cases: &mut Cases) {
    let mut room = Room::new(InvitePolicy::Members);
    let input = |acts: &[Message], message: &Message| json!({ "room": room.id.to_hex(), "acts": raws(acts), "message": hex(&message.to_raw()) });
    let mut stranger = Pen::new(MALLORY, room.id);
    let stray = stranger.clone().say("let me in");
    let join = joins(&mut stranger.clone(), INVITE, "mallory");
    let mut second = stranger.clone();
    let _ = second.say("first");
    let late_join = joins(&mut second, INVITE, "mallory");
    let unproven = Join {
        invite: invite_key(INVITE),
        proof: Signature([0; 64]),
        nick: "mallory".into(),
    };
    let unproven = stranger.write(Body::Join(unproven));
    let by_alice = room.alice.clone().say("hello");
    let by_bob = room.bob.say("hello");
    let acts = room.acts();

    let mut take = |name, about, input: Value| cases.ok("append", name, about, input, &Value::Null);
    take(
        "by-the-root",
        "The root is a member.",
        input(&acts[..1], &by_alice),
    );
    take("by-a-member", "A member's message.", input(&acts, &by_bob));
    take(
        "genesis-first",
        "The room's genesis, before anything is held.",
        input(&[], &room.genesis),
    );
    take(
        "join",
        "A join that proves an invite that counts, at place 1.",
        input(&acts, &join),
    );
    let mut refuse =
        |name, about, input| cases.refused("append", name, about, input, "not-a-member");
    refuse(
        "by-a-stranger",
        "A stranger's message.",
        input(&acts, &stray),
    );
    refuse(
        "before-the-admit",
        "Bob's message where his admit is not held.",
        input(&acts[..3], &by_bob),
    );
    refuse(
        "without-genesis",
        "Nobody is a member before the genesis is held.",
        input(&[], &by_alice),
    );
    refuse(
        "join-at-place-2",
        "A stranger's join that does not open its chain.",
        input(&acts, &late_join),
    );
    refuse(
        "join-unproven",
        "A join that does not prove its invite.",
        input(&acts, &unproven),
    );
    refuse(
        "join-unknown-invite",
        "A join under an invite that is not held.",
        input(&acts[..1], &join),
    );
}

fn bundles(cases: &mut Cases) {
    let mut room = Room::new(InvitePolicy::Members);
    let invite = room.bob.write(Body::Invite(invite(10)));
    let mut carol = Pen::new(CAROL, room.id);
    let join = joins(&mut carol, 10, "carol");
    let admit = admits(&mut room.bob, &join);
    let whole = room.with(&[&invite, &join, &admit]);
    let input = |acts: &[Message], bundle: Vec<Value>, member: u8| json!({ "room": room.id.to_hex(), "acts": raws(acts), "bundle": bundle, "member": author(member).to_hex() });
    let mut take = |name, about, input: Value| cases.ok("bundle", name, about, input, &Value::Null);
    take(
        "member",
        "Genesis, invite, join and admit prove Bob to a peer who knows the room id alone.",
        input(&[], raws(&room.acts()), BOB),
    );
    take(
        "through-a-member",
        "Carol's bundle holds Bob's proof too, as she rests on him.",
        input(&[], raws(&whole), CAROL),
    );
    take(
        "root",
        "The genesis alone proves the root.",
        input(&[], raws(&whole[..1]), ALICE),
    );
    take(
        "with-what-is-known",
        "What the peer holds already need not be shown.",
        input(&whole[..4], raws(&whole[4..]), CAROL),
    );
    take(
        "known-already",
        "A member who is known needs to show nothing.",
        input(&whole, vec![], CAROL),
    );
    let mut order = whole.clone();
    order.reverse();
    take(
        "any-order",
        "The order does not matter.",
        input(&[], raws(&order), CAROL),
    );
    let mut noisy = raws(&whole);
    noisy.insert(2, hex(b"\xff\xff"));
    take(
        "with-noise",
        "A message that is refused proves nothing, and spoils nothing.",
        input(&[], noisy, CAROL),
    );

    let mut refuse =
        |name, about, input| cases.refused("bundle", name, about, input, "not-a-member");
    refuse("empty", "Nothing proves nothing.", input(&[], vec![], BOB));
    refuse(
        "another-member",
        "Bob's bundle proves Bob, not Carol.",
        input(&[], raws(&room.acts()), CAROL),
    );
    refuse(
        "link-missing",
        "Carol's bundle without Bob's admit.",
        input(
            &[],
            raws([
                &whole[0], &whole[1], &whole[2], &whole[4], &whole[5], &whole[6],
            ]),
            CAROL,
        ),
    );
    let mut unsigned = whole[3].wire().clone();
    unsigned.signature = None;
    let mut bare = raws(&room.acts());
    bare[3] = hex(&unsigned.encode());
    refuse(
        "unsigned",
        "An act without its own signature proves nothing.",
        input(&[], bare, BOB),
    );
    let other = Room::new(InvitePolicy::Admins);
    refuse(
        "another-room",
        "A bundle of another room.",
        input(&[], raws(&other.acts()), BOB),
    );
    let many = std::iter::repeat_n(&room.genesis, 61).chain([
        &room.invite,
        &room.join,
        &room.admit,
        &room.genesis,
    ]);
    refuse(
        "too-many",
        "65 messages are more than a bundle may hold.",
        input(&[], raws(many), BOB),
    );
}
