//! Proofs as anybody may hand them over.

use cc_proto::body::{Admit, Body, InvitePolicy};
use cc_proto::codec;
use cc_proto::id::{ChainId, RoomId};
use cc_proto::identity::Signature;
use cc_proto::message::{Message, SignedMessage};
use cc_proto::proof::{PROOF_BEGIN, PROOF_END, Proof, Run};
use cc_proto::roster::join_body;
use serde_json::{Value, json};

use super::Cases;
use super::world::{ALICE, BOB, CAROL, INVITE, Pen, author, chat, founded, identity, invite};

pub(super) fn add(cases: &mut Cases) {
    let world = World::new();
    forks(cases, &world);
    no_forks(cases, &world);
    messages(cases, &world);
    no_messages(cases, &world);
    texts(cases, &world);
}

/// Bob, let in by Alice, says three things, and another in the place of the first; Carol, let in by Bob, one.
struct World {
    room: RoomId,
    genesis: Message,
    /// Genesis, invite, join and admit, by which Bob belongs.
    acts: Vec<Message>,
    /// And those by which Carol does.
    carols: Vec<Message>,
    said: Vec<Message>,
    other: Vec<Message>,
    carol: Message,
    bob: Pen,
}

impl World {
    fn new() -> Self {
        let (room, mut alice, genesis) = founded(InvitePolicy::Members);
        let made = alice.write(Body::Invite(invite(INVITE)));
        let mut bob = Pen::new(BOB, room);
        let (join, admit) = comes(&mut bob, &mut alice, INVITE, "bob");
        let acts = vec![genesis.clone(), made, join, admit];
        let bobs = bob.write(Body::Invite(invite(10)));
        let mut carol = Pen::new(CAROL, room);
        let (join, admit) = comes(&mut carol, &mut bob, 10, "carol");
        let carols = acts.iter().cloned().chain([bobs, join, admit]).collect();
        let mut copy = bob.clone();
        let said = ["postgres", "we have it", "already"].map(|text| bob.say(text));
        let other = ["mysql", "we have it", "already"].map(|text| copy.say(text));
        Self {
            room,
            genesis,
            acts,
            carols,
            said: said.to_vec(),
            other: other.to_vec(),
            carol: carol.say("hello"),
            bob,
        }
    }

    fn fork(&self) -> (Run, Run) {
        (run(&self.said[..1]), run(&self.other[..1]))
    }
}

/// Joins by an invite of the doorkeeper's, and is let in.
fn comes(pen: &mut Pen, door: &mut Pen, seed: u8, nick: &str) -> (Message, Message) {
    let joiner = pen.identity.author();
    let body = join_body(&identity(seed), &pen.new.room, &joiner, nick.into());
    let invite = body.invite;
    let join = pen.write(Body::Join(body));
    let admit = door.write(Body::Admit(Admit {
        joiner,
        invite,
        join: join.id(),
    }));
    (join, admit)
}

fn run(messages: &[Message]) -> Run {
    Run::of(messages, true).expect("the last is signed")
}

fn wires(messages: &[Message]) -> Vec<SignedMessage> {
    messages
        .iter()
        .map(|message| message.wire().clone())
        .collect()
}

fn shown(proof: &Proof) -> Value {
    json!({ "text": proof.to_text() })
}

fn fork(left: Run, right: Run) -> Value {
    shown(&Proof::Fork { left, right })
}

fn message(run: Run, acts: &[Message]) -> Value {
    let bundle = wires(acts);
    shown(&Proof::Message { run, bundle })
}

/// The run with its first header altered, and signed anew by its author.
fn forged(run: &Run, seed: u8, alter: impl FnOnce(&mut Run)) -> Run {
    let mut run = run.clone();
    alter(&mut run);
    let header = run.headers.last().expect("a header");
    run.signature = identity(seed).sign(b"cc-connect/1 message\0", &codec::encode(header));
    run
}

fn forks(cases: &mut Cases, world: &World) {
    let (left, right) = world.fork();
    let mut take = |name, about, input, expect| cases.ok("proof", name, about, input, &expect);
    take(
        "fork",
        "Bob signed two messages for one place.",
        fork(left.clone(), right.clone()),
        json!({ "proves": "fork" }),
    );
    let bare = |messages: &[Message]| Run::of(messages, false).expect("the last is signed");
    take(
        "fork-without-text",
        "The headers alone prove it.",
        fork(bare(&world.said[..1]), bare(&world.other[..1])),
        Value::Null,
    );
    take(
        "fork-one-erased",
        "One of the two bodies was erased.",
        fork(left.clone(), bare(&world.other[..1])),
        Value::Null,
    );
    take(
        "fork-vouched",
        "A signature two places later vouches for one of the two, whose own was dropped.",
        fork(run(&world.said), right.clone()),
        Value::Null,
    );
    let mut first = Pen::new(BOB, world.room);
    let mut again = first.clone();
    take(
        "fork-of-the-first",
        "The place is the first of a chain.",
        fork(run(&[first.say("one")]), run(&[again.say("two")])),
        Value::Null,
    );
    let mut late = Pen::new(ALICE, world.room);
    late.new.chain = world.genesis.header().chain;
    take(
        "fork-of-the-genesis",
        "The root wrote a second message for the place of the genesis.",
        fork(
            run(std::slice::from_ref(&world.genesis)),
            run(&[late.say("another")]),
        ),
        Value::Null,
    );
}

fn no_forks(cases: &mut Cases, world: &World) {
    let (left, right) = world.fork();
    let mut refuse =
        |name, about, input, verdict| cases.refused("proof", name, about, input, verdict);
    refuse(
        "fork-same-message",
        "The same message twice.",
        fork(left.clone(), run(&world.said)),
        "same-message",
    );
    refuse(
        "fork-other-place",
        "Two messages of one chain, one after the other.",
        fork(left.clone(), run(&world.said[1..2])),
        "other-place",
    );
    let chain = forged(&right, BOB, |run| run.headers[0].chain = ChainId(7));
    refuse(
        "fork-other-chain",
        "Two chains of one author.",
        fork(left.clone(), chain),
        "other-place",
    );
    let author = forged(&right, CAROL, |run| run.headers[0].author = author(CAROL));
    refuse(
        "fork-other-author",
        "Two authors.",
        fork(left.clone(), author),
        "other-place",
    );
    let room = forged(&right, BOB, |run| {
        run.headers[0].room = RoomId::from_bytes([0x1b; 32]);
    });
    refuse(
        "fork-other-room",
        "The same place in two rooms.",
        fork(left.clone(), room),
        "other-place",
    );
    let mut altered = right.clone();
    altered.headers[0].ts.0 += 1;
    refuse(
        "fork-altered-header",
        "The timestamp of one of the two was altered.",
        fork(left.clone(), altered),
        "bad-signature",
    );
    let zero = Run {
        signature: Signature([0; 64]),
        ..right.clone()
    };
    refuse(
        "fork-unsigned",
        "A signature of zeros.",
        fork(left.clone(), zero),
        "bad-signature",
    );
    let body = Run {
        body: Some(chat("oracle").encode()),
        ..right.clone()
    };
    refuse(
        "fork-altered-text",
        "The text shown is not the one that was signed.",
        fork(left.clone(), body),
        "body-mismatch",
    );
    let mut gap = run(&world.other);
    gap.headers.remove(1);
    refuse(
        "fork-link-missing",
        "A header between the message and the one that vouches is missing.",
        fork(left.clone(), gap),
        "broken-link",
    );
    let mut others = world.bob.clone();
    others.new.chain = ChainId(7);
    (others.new.seq, others.new.prev) = (
        world.other[0].header().seq.next(),
        Some(world.other[0].id()),
    );
    let voucher = others.say("that was me");
    refuse(
        "fork-vouched-by-another-chain",
        "A message of another chain names the one that it is to vouch for.",
        fork(left.clone(), run(&[world.other[0].clone(), voucher])),
        "broken-link",
    );
    let empty = Run {
        headers: Vec::new(),
        ..right.clone()
    };
    refuse(
        "fork-empty",
        "One of the two is not there.",
        fork(left.clone(), empty),
        "count",
    );
    let zero = forged(&right, BOB, |run| run.headers[0].prev = None);
    refuse(
        "fork-bad-link",
        "A later place without a message before it.",
        fork(left, zero),
        "bad-link",
    );
}

fn messages(cases: &mut Cases, world: &World) {
    let mut take = |name, about, input, expect| cases.ok("proof", name, about, input, &expect);
    let one = run(&world.said[..1]);
    take(
        "message",
        "Bob wrote it, and Alice let him in.",
        message(one.clone(), &world.acts),
        json!({ "proves": "message", "membership": { "nick": "bob", "room_name": "db" } }),
    );
    take(
        "message-without-text",
        "What it says is not shown.",
        message(
            Run {
                body: None,
                ..one.clone()
            },
            &world.acts,
        ),
        Value::Null,
    );
    take(
        "message-vouched",
        "A signature two places later vouches for it.",
        message(run(&world.said), &world.acts),
        Value::Null,
    );
    take(
        "message-of-the-root",
        "The genesis alone shows that the root belongs; here it is the message as well.",
        message(run(&world.acts[..1]), &world.acts[..1]),
        json!({ "membership": { "doors": [] } }),
    );
    take(
        "message-through-a-member",
        "Carol was let in by Bob, whose own admission is shown too.",
        message(run(std::slice::from_ref(&world.carol)), &world.carols),
        json!({ "membership": { "nick": "carol", "doors": [author(BOB).to_hex()] } }),
    );
    let mut order = world.acts.clone();
    order.reverse();
    take(
        "message-any-order",
        "The order of the acts does not matter.",
        message(one, &order),
        Value::Null,
    );
}

fn no_messages(cases: &mut Cases, world: &World) {
    let one = run(&world.said[..1]);
    let mut refuse =
        |name, about, input, verdict| cases.refused("proof", name, about, input, verdict);
    refuse(
        "message-without-acts",
        "No act is shown.",
        message(one.clone(), &[]),
        "not-a-member",
    );
    refuse(
        "message-acts-of-another",
        "The acts show that Bob belongs; the message is Carol's.",
        message(run(std::slice::from_ref(&world.carol)), &world.acts),
        "not-a-member",
    );
    refuse(
        "message-act-missing",
        "The invite that the admission rests on is missing.",
        message(one.clone(), &[&world.acts[..1], &world.acts[2..]].concat()),
        "not-a-member",
    );
    refuse(
        "message-without-genesis",
        "The genesis is missing.",
        message(one.clone(), &world.acts[1..]),
        "not-a-member",
    );
    let (_, _, elsewhere) = founded(InvitePolicy::Admins);
    refuse(
        "message-acts-of-another-room",
        "The genesis is another room's.",
        message(one.clone(), &[elsewhere]),
        "wrong-room",
    );
    let mut bundle = wires(&world.acts);
    bundle[3].header.ts.0 += 1;
    let altered = Proof::Message {
        run: one.clone(),
        bundle,
    };
    refuse(
        "message-act-altered",
        "An act was altered.",
        shown(&altered),
        "bad-signature",
    );
    let mut bundle = wires(&world.acts);
    bundle[3].signature = None;
    let unsigned = Proof::Message {
        run: one.clone(),
        bundle,
    };
    refuse(
        "message-act-unsigned",
        "An act carries no signature.",
        shown(&unsigned),
        "unsigned",
    );
    let many = vec![world.genesis.clone(); 65];
    refuse(
        "message-too-many-acts",
        "More acts than a bundle may have.",
        message(one.clone(), &many),
        "count",
    );
    let body = Run {
        body: Some(chat("oracle").encode()),
        ..one.clone()
    };
    refuse(
        "message-altered-text",
        "The text shown is not the one that was signed.",
        message(body, &world.acts),
        "body-mismatch",
    );
    let stolen = forged(&one, CAROL, |_| {});
    refuse(
        "message-signed-by-another",
        "Carol signed a message in Bob's name.",
        message(stolen, &world.acts),
        "bad-signature",
    );
}

fn texts(cases: &mut Cases, world: &World) {
    let (left, right) = world.fork();
    let proof = Proof::Fork { left, right };
    let text = proof.to_text();
    let input = |text: &str| json!({ "text": text });
    let mut take =
        |name, about, text: &str| cases.ok("proof", name, about, input(text), &Value::Null);
    take(
        "text-mailed",
        "Words around it, CR LF, and white space at the ends of lines.",
        &format!(
            "see for yourself:\r\n{}bye\r\n",
            text.replace('\n', " \t\r\n")
        ),
    );
    take(
        "text-quotes-a-beginning",
        "A text above the proof, indented, that looks like the beginning of one.",
        &format!("      {PROOF_BEGIN}\n{text}"),
    );
    take(
        "text-without-last-break",
        "No line break at the end.",
        text.trim_end(),
    );
    let mut refuse = |name, about, text: &str, verdict| {
        cases.refused("proof", name, about, input(text), verdict);
    };
    refuse("text-empty", "Nothing.", "", "no-proof");
    refuse(
        "text-other",
        "A text without a proof.",
        "hello\n",
        "no-proof",
    );
    let half = &text[..text.len() / 2];
    refuse("text-cut", "Cut in the middle.", half, "cut");
    refuse(
        "text-twice",
        "Two proofs.",
        &format!("{text}{text}"),
        "several",
    );
    let joined = format!("{half}\n{PROOF_END}\n");
    refuse(
        "text-cut-and-closed",
        "Cut in the middle, with the last line put back.",
        &joined,
        "encoding",
    );
    let mut broken = text.clone();
    broken.replace_range(PROOF_BEGIN.len() + 9..PROOF_BEGIN.len() + 10, "!");
    refuse(
        "text-not-base64",
        "A character that base64 does not have.",
        &broken,
        "not-base64",
    );
    let encoded = |bytes: &[u8]| {
        format!(
            "{PROOF_BEGIN}\n{}\n{PROOF_END}\n",
            data_encoding::BASE64.encode(bytes)
        )
    };
    let mut bytes = proof.encode();
    bytes.push(0);
    refuse(
        "text-trailing-byte",
        "A byte more than the proof.",
        &encoded(&bytes),
        "encoding",
    );
    bytes.pop();
    bytes[0] = 2;
    refuse(
        "text-later-version",
        "A version that is not known.",
        &encoded(&bytes),
        "unknown-version",
    );
    refuse(
        "text-nothing-in-it",
        "Nothing between the lines.",
        &encoded(&[]),
        "encoding",
    );
    bytes[..2].copy_from_slice(&[1, 7]);
    refuse(
        "text-unknown-claim",
        "A claim that is not known.",
        &encoded(&bytes),
        "encoding",
    );
}
