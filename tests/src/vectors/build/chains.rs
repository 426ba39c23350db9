//! Labels of a room, heads, and places in a chain.

use cc_proto::body::InvitePolicy;
use cc_proto::id::{Hash, Head, MessageId, RoomId};
use cc_proto::message::Message;
use serde_json::{Value, json};

use super::Cases;
use super::transport::head;
use super::world::{ALICE, BOB, CAROL, Pen, ROOM, chat, founded, raws};
use crate::vectors::input::{hex, number};

pub(super) fn add(cases: &mut Cases) {
    labels(cases);
    chains(cases);
}

fn labels(cases: &mut Cases) {
    let mut label = |name, about, room: RoomId| {
        cases.ok(
            "labels",
            name,
            about,
            json!({ "room": room.to_hex() }),
            &Value::Null,
        );
    };
    label("room", "Tag, ALPN and topic of a room.", ROOM);
    label(
        "zeros",
        "Of a room whose id is zeros.",
        RoomId::from_bytes([0; 32]),
    );
    let (room, _, _) = founded(InvitePolicy::Members);
    label(
        "founded",
        "Of the room that the genesis of these vectors makes.",
        room,
    );

    let input = |heads: &[Head]| {
        let heads: Vec<Value> = heads
            .iter()
            .map(|head| {
                json!({
                    "author": head.author.to_hex(),
                    "chain": head.chain.0,
                    "seq": number(head.seq.0),
                    "id": head.id.to_hex(),
                })
            })
            .collect();
        json!({ "heads": heads })
    };
    let mut digest = |name, about, heads: &[Head]| {
        let mut sorted = heads.to_vec();
        sorted.sort_by_key(|head| {
            (
                *head.author.as_bytes(),
                head.chain.0,
                head.seq.0,
                *head.id.as_bytes(),
            )
        });
        let expect = json!({
            "heads": input(&sorted)["heads"],
            "digest": Hash::of(&cc_proto::codec::encode(&sorted)).to_hex(),
        });
        cases.ok("digest", name, about, input(heads), &expect);
    };
    digest(
        "nothing",
        "Nothing is held: BLAKE3 of the empty list's encoding.",
        &[],
    );
    digest("one", "One chain.", &[head(BOB, 812)]);
    digest(
        "sorted",
        "Heads are sorted by author, chain, place and id before they are hashed.",
        &[head(CAROL, 2), head(ALICE, 300), head(BOB, 1)],
    );
    let fork = Head {
        id: MessageId::from_bytes([1; 32]),
        ..head(BOB, 812)
    };
    digest(
        "fork",
        "Two tips of one chain at one place.",
        &[head(BOB, 812), fork],
    );
}

fn chains(cases: &mut Cases) {
    let input = |held: &[&Message], message: &Message| json!({ "room": ROOM.to_hex(), "held": raws(held.iter().copied()), "message": hex(&message.to_raw()) });
    let mut pen = Pen::new(BOB, ROOM);
    let branch = |pen: &Pen, text: &str| pen.clone().write(chat(text));
    let rival_one = branch(&pen, "rival 1");
    let one = pen.say("line 1");
    let rival_two = branch(&pen, "rival 2");
    let mut rival_pen = pen.clone();
    let _ = rival_pen.say("rival 2");
    let rival_three = rival_pen.say("rival 3");
    let rivals: Vec<Message> = (3..=5)
        .map(|at| branch(&pen, &format!("rival 2, the {at}th")))
        .collect();
    let two = pen.say("line 2");
    let three = pen.say("line 3");
    let four = pen.say("line 4");
    let mut carol = Pen::new(CAROL, ROOM);
    let hers = carol.say("hello");

    let mut place = |name, about, input: Value, place: &str| {
        cases.ok("chain", name, about, input, &json!({ "place": place }));
    };
    place(
        "first",
        "The first of a chain that is not held.",
        input(&[], &one),
        "next",
    );
    place(
        "next",
        "It follows the tip.",
        input(&[&one, &two], &three),
        "next",
    );
    place(
        "other-chain",
        "Another author's chain does not matter.",
        input(&[&one, &two], &hers),
        "next",
    );
    place(
        "known-tip",
        "The tip itself.",
        input(&[&one, &two], &two),
        "known",
    );
    place(
        "known-below",
        "A message below the tip.",
        input(&[&one, &two, &three], &one),
        "known",
    );
    place(
        "fork-at-the-tip",
        "Another message at the tip's place.",
        input(&[&one, &two], &rival_two),
        "fork",
    );
    place(
        "fork-below",
        "Another message at a place below the tip.",
        input(&[&one, &two, &three], &rival_two),
        "fork",
    );
    place(
        "fork-at-place-1",
        "Another first message of the same chain.",
        input(&[&one, &two], &rival_one),
        "fork",
    );
    place(
        "on-a-branch",
        "It follows the tip of a branch, at a place where the other branch has one.",
        input(&[&one, &two, &three, &rival_two], &rival_three),
        "fork",
    );
    place(
        "next-of-the-longer-branch",
        "It follows the longer branch.",
        input(&[&one, &two, &three, &rival_two], &four),
        "next",
    );
    place(
        "known-on-a-branch",
        "A message of the other branch.",
        input(&[&one, &two, &rival_two, &three], &rival_two),
        "known",
    );
    let mut lost = input(&[&one, &two, &three], &two);
    lost["lost"] = json!([two.id().to_hex()]);
    place(
        "lost",
        "Its line was damaged: it is fetched again.",
        lost,
        "lost",
    );

    let mut refuse =
        |name, about, input, verdict| cases.refused("chain", name, about, input, verdict);
    refuse(
        "gap-at-the-start",
        "The second of a chain that is not held.",
        input(&[], &two),
        "gap",
    );
    refuse(
        "gap",
        "The one before it is not held.",
        input(&[&one], &three),
        "gap",
    );
    refuse(
        "gap-on-a-branch",
        "It follows a branch that is not held.",
        input(&[&one, &two, &three], &rival_three),
        "gap",
    );
    let full = [&one, &two, &rival_two, &rivals[0], &rivals[1]];
    refuse(
        "fifth-tip",
        "A chain keeps four tips.",
        input(&full, &rivals[2]),
        "too-many-forks",
    );
    let mut place = |name, about, input: Value, place: &str| {
        cases.ok("chain", name, about, input, &json!({ "place": place }));
    };
    place(
        "fourth-tip",
        "The fourth tip is kept.",
        input(&full[..4], &rivals[1]),
        "fork",
    );
    let long = [&full[..], &[&three]].concat();
    place(
        "full-grows-below",
        "A tip below another grows too.",
        input(&long, &rival_three),
        "fork",
    );
    place(
        "full-grows",
        "With four tips, each still grows.",
        input(&full, &three),
        "next",
    );
}
