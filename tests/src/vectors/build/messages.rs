//! Messages alone, and the genesis that makes a room.

use cc_proto::body::{Body, InvitePolicy, Profile};
use cc_proto::id::{ChainId, Hash, MessageId, RoomId, Seq, Timestamp};
use cc_proto::identity::{JOIN_DOMAIN, Signature};
use cc_proto::message::{Header, SignedMessage};
use serde_json::{Value, json};

use super::Cases;
use super::world::{
    ALICE, BOB, CAROL, NOW, Pen, ROOM, author, chat, founded, header, identity, signed,
};
use crate::vectors::input::hex;

pub(super) fn add(cases: &mut Cases) {
    good(cases);
    kept(cases);
    altered(cases);
    forms(cases);
    bytes(cases);
    geneses(cases);
}

fn input(wire: &SignedMessage) -> Value {
    json!({ "room": ROOM.to_hex(), "raw": hex(&wire.encode()) })
}

/// A good message of Bob's: place 2 of his chain.
fn plain() -> SignedMessage {
    let body = chat("postgres, we have it").encode();
    signed(&identity(BOB), header(9, &body), Some(body))
}

/// The same with another header, signed again.
fn resigned(change: impl FnOnce(&mut Header)) -> SignedMessage {
    let mut wire = plain();
    change(&mut wire.header);
    signed(&identity(BOB), wire.header, wire.body)
}

fn good(cases: &mut Cases) {
    let mut add = |name, about, wire: &SignedMessage, expect: &Value| {
        cases.ok("message", name, about, input(wire), expect);
    };
    let text = json!({ "kind": "chat", "body": { "text": "postgres, we have it" }, "signed": true, "shapes_roster": false });
    add(
        "chat",
        "A chat message at place 2 of its chain.",
        &plain(),
        &text,
    );
    let first = resigned(|header| {
        header.seq = Seq::FIRST;
        header.prev = None;
    });
    add(
        "first-of-chain",
        "Place 1 has nothing before it.",
        &first,
        &text,
    );
    let via = resigned(|header| {
        header.via = "v".repeat(64);
        header.re = Some(MessageId::from_bytes([0x44; 32]));
    });
    add("via-longest", "via is 64 bytes long.", &via, &text);
    let late = resigned(|header| header.ts = Timestamp(0));
    add("any-ts", "No timestamp is refused.", &late, &text);
    let ahead = resigned(|header| header.ts = Timestamp(u64::MAX));
    add("ts-largest", "Not even the last one.", &ahead, &text);
    let body = Body::Profile(Profile { nick: "bob".into() }).encode();
    let profile = signed(&identity(BOB), header(8, &body), Some(body));
    add(
        "profile",
        "A kind that shapes the roster.",
        &profile,
        &json!({ "kind": "profile", "shapes_roster": true }),
    );
    let leave = signed(&identity(BOB), header(13, b""), Some(Vec::new()));
    add(
        "leave",
        "A body of no bytes is present and empty.",
        &leave,
        &json!({ "kind": "leave", "body": {} }),
    );
}

fn kept(cases: &mut Cases) {
    let mut add = |name, about, wire: &SignedMessage, kind: &str| {
        let expect = json!({ "kind": kind, "body": null });
        cases.ok("message", name, about, input(wire), &expect);
    };
    let erased = SignedMessage {
        body: None,
        ..plain()
    };
    add(
        "erased",
        "The body was erased: the header and its signature still hold.",
        &erased,
        "chat",
    );
    let body = b"\xff\xff".to_vec();
    let unknown = signed(&identity(BOB), header(14, &body), Some(body.clone()));
    add(
        "unknown-kind",
        "A kind of a later version is kept, and shows nothing.",
        &unknown,
        "unknown",
    );
    let erased = signed(&identity(BOB), header(14, &body), None);
    add(
        "unknown-kind-erased",
        "So is one whose body was erased.",
        &erased,
        "unknown",
    );
    let later = Header {
        v: 2,
        ..header(9, &body)
    };
    add(
        "unknown-version",
        "A later version of a known kind is kept, and shows nothing.",
        &signed(&identity(BOB), later, Some(body)),
        "chat",
    );
}

/// Each field altered after it was signed.
fn altered(cases: &mut Cases) {
    let mut refuse = |name, about, change: &dyn Fn(&mut SignedMessage), verdict| {
        let mut wire = plain();
        change(&mut wire);
        cases.refused("message", name, about, input(&wire), verdict);
    };
    refuse(
        "altered-author",
        "The author is another than who signed.",
        &|wire| wire.header.author = author(CAROL),
        "bad-signature",
    );
    refuse(
        "altered-chain",
        "The chain was altered.",
        &|wire| wire.header.chain = ChainId(2001),
        "bad-signature",
    );
    refuse(
        "altered-seq",
        "The place was altered.",
        &|wire| wire.header.seq = Seq(3),
        "bad-signature",
    );
    refuse(
        "altered-prev",
        "The link was altered.",
        &|wire| wire.header.prev = Some(MessageId::from_bytes([0x34; 32])),
        "bad-signature",
    );
    refuse(
        "altered-ts",
        "The timestamp was altered.",
        &|wire| wire.header.ts = Timestamp(NOW + 1),
        "bad-signature",
    );
    refuse(
        "altered-via",
        "An agent's message is passed off as a person's, or the other way round.",
        &|wire| wire.header.via = "claude-code".into(),
        "bad-signature",
    );
    refuse(
        "altered-re",
        "An answer was made of it.",
        &|wire| wire.header.re = Some(MessageId::from_bytes([0x44; 32])),
        "bad-signature",
    );
    refuse(
        "altered-kind",
        "The kind was altered to an unknown one.",
        &|wire| wire.header.kind = 14,
        "bad-signature",
    );
    refuse(
        "altered-v",
        "The version was altered to an unknown one.",
        &|wire| wire.header.v = 2,
        "bad-signature",
    );
    refuse(
        "altered-body",
        "Body, length and hash were altered together.",
        &|wire| {
            let body = chat("mysql, we have it").encode();
            wire.header = Header {
                body_hash: Hash::of(&body),
                body_len: body.len() as u32,
                ..wire.header.clone()
            };
            wire.body = Some(body);
        },
        "bad-signature",
    );
    refuse(
        "altered-room",
        "The room was altered.",
        &|wire| wire.header.room = RoomId::from_bytes([0x1b; 32]),
        "wrong-room",
    );
    refuse(
        "altered-signature",
        "The signature was altered.",
        &|wire| {
            if let Some(Signature(bytes)) = &mut wire.signature {
                bytes[63] ^= 1;
            }
        },
        "bad-signature",
    );
    refuse(
        "body-of-another",
        "The body is another of the same length.",
        &|wire| wire.body = Some(chat("postgres, we had it!").encode()[..21].to_vec()),
        "body-mismatch",
    );
    refuse(
        "body-longer",
        "The body is longer than the header says.",
        &|wire| {
            if let Some(body) = &mut wire.body {
                body.push(0);
            }
        },
        "body-mismatch",
    );
    refuse(
        "unsigned",
        "There is no signature.",
        &|wire| wire.signature = None,
        "unsigned",
    );
}

/// Good signatures over what is not allowed.
fn forms(cases: &mut Cases) {
    let mut refuse = |name, about, wire: &SignedMessage, verdict| {
        cases.refused("message", name, about, input(wire), verdict);
    };
    let room = resigned(|header| header.room = RoomId::from_bytes([0x1b; 32]));
    refuse(
        "wrong-room",
        "Signed by its author, for another room.",
        &room,
        "wrong-room",
    );
    let mut domain = plain();
    domain.signature =
        Some(identity(BOB).sign(JOIN_DOMAIN, &cc_proto::codec::encode(&domain.header)));
    refuse(
        "wrong-domain",
        "The header is signed under the domain of joins.",
        &domain,
        "bad-signature",
    );
    refuse(
        "seq-zero",
        "Places count from 1.",
        &resigned(|header| {
            header.seq = Seq(0);
            header.prev = None;
        }),
        "bad-link",
    );
    refuse(
        "seq-zero-with-prev",
        "There is no place 0, linked or not.",
        &resigned(|header| header.seq = Seq(0)),
        "bad-link",
    );
    refuse(
        "first-with-prev",
        "Place 1 names a message before it.",
        &resigned(|header| header.seq = Seq::FIRST),
        "bad-link",
    );
    refuse(
        "second-without-prev",
        "Place 2 names no message before it.",
        &resigned(|header| header.prev = None),
        "bad-link",
    );
    refuse(
        "via-too-long",
        "via is 65 bytes long.",
        &resigned(|header| header.via = "v".repeat(65)),
        "via-too-long",
    );
    refuse(
        "length-mismatch",
        "The header's length is not that of the body, whose hash fits.",
        &resigned(|header| header.body_len += 1),
        "body-mismatch",
    );
    let body = vec![0; 17_409];
    let long = signed(&identity(BOB), header(14, &body), None);
    refuse(
        "body-too-long",
        "The header announces 17,409 bytes; that they are absent does not matter.",
        &long,
        "body-too-long",
    );
    let body = Body::Profile(Profile { nick: "bob".into() }).encode();
    let profile = signed(&identity(BOB), header(8, &body), None);
    refuse(
        "body-missing",
        "A kind that shapes the roster is judged by its body.",
        &profile,
        "body-missing",
    );
    let later = Header {
        v: 2,
        ..header(8, b"\xff")
    };
    refuse(
        "body-missing-of-later-version",
        "Whatever its version.",
        &signed(&identity(BOB), later, None),
        "body-missing",
    );
    let empty = signed(&identity(BOB), header(9, &[0]), Some(vec![0]));
    refuse(
        "body-rule",
        "A signed chat message whose text is empty.",
        &empty,
        "body",
    );
    let padded = vec![0x82, 0x00, b'h', b'i'];
    refuse(
        "body-not-canonical",
        "The body is not canonical.",
        &signed(&identity(BOB), header(9, &padded), Some(padded)),
        "body",
    );
    let two = Header {
        room: ROOM,
        body_len: 99,
        ..plain().header
    };
    let two = signed(&identity(CAROL), two, plain().body);
    refuse(
        "two-faults",
        "The body does not fit and the signature does not hold: form is judged first.",
        &two,
        "body-mismatch",
    );
}

/// The wire form's bytes.
fn bytes(cases: &mut Cases) {
    let raw = plain().encode();
    let mut refuse = |name, about, raw: &[u8]| {
        let input = json!({ "room": ROOM.to_hex(), "raw": hex(raw) });
        cases.refused("message", name, about, input, "encoding");
    };
    refuse("empty", "Nothing is no message.", &[]);
    refuse(
        "truncated",
        "The last byte is missing.",
        &raw[..raw.len() - 1],
    );
    refuse(
        "truncated-in-signature",
        "Half of the signature is missing.",
        &raw[..180],
    );
    refuse(
        "trailing-byte",
        "A byte is left over.",
        &[&raw[..], &[0]].concat(),
    );
    let mut padded = raw.clone();
    padded.splice(66..67, [0x82, 0x00]);
    refuse(
        "padded-varint",
        "The place's varint is longer than it need be: the hash would be that of other bytes.",
        &padded,
    );
    let mut length = raw.clone();
    let at = raw.len() - 22; // 01, the length 21, and the body
    assert_eq!(length[at], 21);
    length.splice(at..=at, [0x95, 0x00]);
    refuse(
        "padded-body-length",
        "The length before the body is longer than it need be.",
        &length,
    );
    let mut option = raw;
    option[at - 1] = 2;
    refuse(
        "option-neither",
        "The body is neither absent nor present.",
        &option,
    );
}

fn geneses(cases: &mut Cases) {
    let (room, _, genesis) = founded(InvitePolicy::Members);
    let input = |room: &RoomId, wire: &SignedMessage| json!({ "room": room.to_hex(), "raw": hex(&wire.encode()) });
    let wire = genesis.wire().clone();
    let expect = json!({ "id": room.to_hex(), "kind": "genesis", "body": { "name": "db", "nick": "alice", "invite_policy": "members" } });
    cases.ok(
        "genesis",
        "good",
        "A genesis makes the room whose id is its own.",
        input(&room, &wire),
        &expect,
    );
    let (admins, _, genesis) = founded(InvitePolicy::Admins);
    cases.ok(
        "genesis",
        "admins",
        "Another policy is another room.",
        input(&admins, genesis.wire()),
        &Value::Null,
    );

    let mut refuse = |name, about, room: &RoomId, wire: &SignedMessage, verdict| {
        cases.refused("genesis", name, about, input(room, wire), verdict);
    };
    refuse(
        "other-room",
        "A genesis belongs to no room but the one that its hash names.",
        &ROOM,
        &wire,
        "wrong-room",
    );
    refuse(
        "zero-room",
        "The zeros in its header are no room.",
        &RoomId::from_bytes([0; 32]),
        &wire,
        "wrong-room",
    );
    let again = |change: &dyn Fn(&mut Header)| {
        let mut header = wire.header.clone();
        change(&mut header);
        let wire = signed(&identity(ALICE), header, wire.body.clone());
        (wire.room(), wire)
    };
    let (_, renamed) = again(&|header| header.room = room);
    refuse(
        "names-its-room",
        "A genesis that names a room has another hash, and makes another room.",
        &room,
        &renamed,
        "wrong-room",
    );
    let (second, later) = again(&|header| {
        header.seq = Seq(2);
        header.prev = Some(MessageId::from_bytes([0x33; 32]));
    });
    refuse(
        "second-of-chain",
        "A genesis is at place 1 alone.",
        &second,
        &later,
        "bad-link",
    );
    let (linked, with_prev) =
        again(&|header| header.prev = Some(MessageId::from_bytes([0x33; 32])));
    refuse(
        "with-prev",
        "A genesis at place 1 that names a message before it.",
        &linked,
        &with_prev,
        "bad-link",
    );
    let erased = SignedMessage {
        body: None,
        ..wire.clone()
    };
    refuse(
        "erased",
        "A genesis keeps its body.",
        &room,
        &erased,
        "body-missing",
    );
    let unsigned = SignedMessage {
        signature: None,
        ..wire.clone()
    };
    refuse(
        "unsigned",
        "A genesis keeps its signature.",
        &room,
        &unsigned,
        "unsigned",
    );
    let by_another = signed(&identity(BOB), wire.header.clone(), wire.body.clone());
    refuse(
        "signed-by-another",
        "Bob signs Alice's genesis.",
        &room,
        &by_another,
        "bad-signature",
    );
    let mut pen = Pen::new(BOB, ROOM);
    let chat = pen.say("I am no genesis");
    let posing = RoomId::from_bytes(*chat.id().as_bytes());
    refuse(
        "chat-is-no-genesis",
        "The id of a chat message is no room's.",
        &posing,
        chat.wire(),
        "wrong-room",
    );
}
