//! Segments: one signature for what lies before it.

use cc_proto::body::{Body, Profile};
use cc_proto::id::{ChainId, RoomId, Seq};
use cc_proto::identity::Signature;
use cc_proto::message::{Message, SignedMessage};
use serde_json::{Value, json};

use super::Cases;
use super::world::{ALICE, BOB, CAROL, Pen, ROOM, identity, signed};
use crate::vectors::input::hex;

pub(super) fn add(cases: &mut Cases) {
    good(cases);
    refused(cases);
}

fn input(messages: &[SignedMessage]) -> Value {
    let raws: Vec<Value> = messages.iter().map(|wire| hex(&wire.encode())).collect();
    json!({ "room": ROOM.to_hex(), "messages": raws })
}

/// Which messages keep their signature.
fn kept(messages: &[SignedMessage], signed: &[bool]) -> Value {
    let kept: Vec<Value> = messages
        .iter()
        .zip(signed)
        .map(|(wire, signed)| json!({ "id": wire.header.id().to_hex(), "signed": signed }))
        .collect();
    json!({ "messages": kept })
}

fn wires(messages: &[Message]) -> Vec<SignedMessage> {
    messages
        .iter()
        .map(|message| message.wire().clone())
        .collect()
}

/// Chat messages at places 1, 2, 3 … of one chain.
fn chain(seed: u8, count: usize) -> Vec<SignedMessage> {
    let mut pen = Pen::new(seed, ROOM);
    let messages: Vec<Message> = (1..=count)
        .map(|at| pen.say(&format!("line {at}")))
        .collect();
    wires(&messages)
}

/// Places 1 to 3, the second a profile.
fn with_profile() -> Vec<SignedMessage> {
    let mut pen = Pen::new(BOB, ROOM);
    let first = pen.say("line 1");
    let second = pen.write(Body::Profile(Profile {
        nick: "bobby".into(),
    }));
    wires(&[first, second, pen.say("line 3")])
}

fn unsigned(wire: &mut SignedMessage) {
    wire.signature = None;
}

fn good(cases: &mut Cases) {
    let mut add = |name, about, messages: &[SignedMessage], signed: &[bool]| {
        cases.ok(
            "segment",
            name,
            about,
            input(messages),
            &kept(messages, signed),
        );
    };
    add("empty", "A segment of no messages.", &[], &[]);
    add(
        "one",
        "A single message stands by its own signature.",
        &chain(BOB, 1),
        &[true],
    );
    add(
        "vouched",
        "The last signature vouches for all before it; theirs were not verified and are dropped.",
        &chain(BOB, 4),
        &[false, false, false, true],
    );
    let mut bare = chain(BOB, 4);
    bare[..3].iter_mut().for_each(unsigned);
    add(
        "inner-unsigned",
        "The inner messages have no signature.",
        &bare,
        &[false, false, false, true],
    );
    let mut wrong = chain(BOB, 4);
    wrong[1].signature = Some(Signature([0x55; 64]));
    add(
        "inner-bad-signature",
        "A bad signature of a message that is vouched for is dropped, not judged.",
        &wrong,
        &[false, false, false, true],
    );
    add(
        "profile-inside",
        "A kind that shapes the roster is verified by itself and keeps its signature.",
        &with_profile(),
        &[false, true, true],
    );
    let mut later = chain(BOB, 5);
    later.drain(..3);
    unsigned(&mut later[0]);
    add(
        "from-the-middle",
        "A segment may begin at any place.",
        &later,
        &[false, true],
    );
    let (mut bob, carol) = (chain(BOB, 3), chain(CAROL, 2));
    bob[..2].iter_mut().for_each(unsigned);
    let both = [&bob[0], &carol[0], &bob[1], &carol[1], &bob[2]].map(Clone::clone);
    add(
        "two-chains",
        "Two chains, interleaved: each ends at a signature.",
        &both,
        &[false, false, false, true, true],
    );
    let mut gap = chain(BOB, 4);
    gap.remove(1);
    add(
        "gap-with-signatures",
        "A run that does not link on stands by the signature at its end.",
        &gap,
        &[true, false, true],
    );
    let mut erased = chain(BOB, 3);
    erased[1].body = None;
    unsigned(&mut erased[1]);
    add(
        "erased-inside",
        "A message whose body was erased is vouched for by its header.",
        &erased,
        &[false, false, true],
    );
}

fn refused(cases: &mut Cases) {
    let mut refuse =
        |name: &str, about, messages: &[SignedMessage], verdict, index: Option<usize>| {
            cases.refused("segment", name, about, input(messages), verdict);
            let expect = cases.last();
            assert_eq!(
                expect["index"].as_u64(),
                index.map(|at| at as u64),
                "{name}"
            );
        };
    let mut end = chain(BOB, 3);
    unsigned(&mut end[2]);
    refuse(
        "end-unsigned",
        "Nothing vouches where the end has no signature.",
        &end,
        "unsigned",
        Some(2),
    );
    let mut end = chain(BOB, 3);
    end[2].signature = Some(Signature([0x55; 64]));
    refuse(
        "end-bad-signature",
        "The signature at the end does not verify.",
        &end,
        "bad-signature",
        Some(2),
    );
    let mut broken = chain(BOB, 4);
    broken.remove(1);
    unsigned(&mut broken[0]);
    refuse(
        "broken-link",
        "Place 3 does not name place 1, so nothing vouches for it.",
        &broken,
        "unsigned",
        Some(0),
    );
    let mut forged = chain(BOB, 3);
    let mut header = forged[1].header.clone();
    header.ts.0 += 1;
    forged[1] = signed(&identity(CAROL), header, forged[1].body.clone());
    refuse(
        "forged-inside",
        "An altered inner message is not the one that the next names.",
        &forged,
        "bad-signature",
        Some(1),
    );
    let mut profile = with_profile();
    unsigned(&mut profile[1]);
    refuse(
        "profile-unsigned",
        "A kind that shapes the roster must carry its own signature.",
        &profile,
        "unsigned",
        Some(1),
    );
    let mut profile = with_profile();
    profile[1].signature = Some(Signature([0x55; 64]));
    refuse(
        "profile-bad-signature",
        "That its chain vouches for it is not enough.",
        &profile,
        "bad-signature",
        Some(1),
    );
    let mut body = chain(BOB, 3);
    let other = body[1].body.clone();
    body[0].body = other;
    refuse(
        "body-mismatch",
        "A link vouches for the header; the body must fit it.",
        &body,
        "body-mismatch",
        Some(0),
    );
    let mut reversed = chain(BOB, 2);
    reversed.reverse();
    unsigned(&mut reversed[1]);
    refuse(
        "out-of-order",
        "Only a later message of the segment vouches for one.",
        &reversed,
        "unsigned",
        Some(1),
    );
    let (bob, mut carol) = (chain(BOB, 2), chain(CAROL, 1));
    unsigned(&mut carol[0]);
    refuse(
        "other-chain-unsigned",
        "Bob's signature vouches for none of Carol's.",
        &[&carol[..], &bob[..]].concat(),
        "unsigned",
        Some(0),
    );
    let mut room = chain(BOB, 1);
    let mut elsewhere = Pen::new(ALICE, RoomId::from_bytes([0x1b; 32]));
    room.push(elsewhere.say("hello").wire().clone());
    refuse(
        "other-room",
        "One message of another room refuses all.",
        &room,
        "wrong-room",
        Some(1),
    );
    let mut link = chain(BOB, 2);
    let mut header = link[1].header.clone();
    header.seq = Seq::FIRST;
    link[1] = signed(&identity(BOB), header, link[1].body.clone());
    refuse(
        "bad-link",
        "A message at place 1 with another before it.",
        &link,
        "bad-link",
        Some(1),
    );
    for (name, about, seed, number, seq) in [
        (
            "vouched-by-another-author",
            "Carol names Bob's message as the one before hers; she cannot vouch for him.",
            CAROL,
            None,
            3,
        ),
        (
            "vouched-by-another-chain",
            "Bob's other chain vouches for nothing in this one.",
            BOB,
            Some(ChainId(77)),
            3,
        ),
        (
            "vouched-from-afar",
            "The message at place 5 vouches for place 4, not for place 2.",
            BOB,
            None,
            5,
        ),
    ] {
        let mut victim = chain(BOB, 2);
        unsigned(&mut victim[1]);
        let mut header = victim[1].header.clone();
        header.author = identity(seed).author();
        header.chain = number.unwrap_or(header.chain);
        header.seq = Seq(seq);
        header.prev = Some(victim[1].header.id());
        let voucher = signed(&identity(seed), header, victim[1].body.clone());
        let messages = [victim[0].clone(), victim[1].clone(), voucher];
        refuse(name, about, &messages, "unsigned", Some(1));
    }
}
