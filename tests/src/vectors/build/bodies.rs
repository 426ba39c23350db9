//! The bodies of each kind.

use cc_proto::body::{
    Admit, Body, Cut, File, Genesis, Grant, Invite, InvitePolicy, InviteRevoke, Join, Profile,
    Remove, Retract, Summary,
};
use cc_proto::codec;
use cc_proto::id::{ChainId, Hash, InviteKey, MessageId, Seq, Timestamp};
use cc_proto::identity::Signature;
use serde_json::{Value, json};

use super::Cases;
use super::world::{BOB, CAROL, INVITE, NOW, author, chat, invite, invite_key};
use crate::vectors::input::hex;

pub(super) fn add(cases: &mut Cases) {
    bodies(cases);
    broken_bodies(cases);
}

fn bodies(cases: &mut Cases) {
    let mut add = |name, about, body: &Body, expect: &Value| {
        let input = json!({ "kind": body.kind().number(), "v": 1, "bytes": hex(&body.encode()) });
        let expect = json!({ "kind": body.kind().name(), "body": expect });
        cases.ok("body", name, about, input, &expect);
    };
    let id = MessageId::from_bytes([0x44; 32]);
    let genesis = |invite_policy, name: &str, nick: &str| {
        Body::Genesis(Genesis {
            name: name.into(),
            nick: nick.into(),
            invite_policy,
            nonce: [0xaa; 16],
        })
    };
    add(
        "genesis",
        "Every member may invite.",
        &genesis(InvitePolicy::Members, "db", "alice"),
        &json!({ "name": "db", "nick": "alice", "invite_policy": "members" }),
    );
    add(
        "genesis-admins",
        "Only the root may invite; name and nick are as long as they may be.",
        &genesis(InvitePolicy::Admins, &"n".repeat(256), &"a".repeat(128)),
        &json!({ "invite_policy": "admins" }),
    );
    add(
        "genesis-empty",
        "Name and nick may be empty.",
        &genesis(InvitePolicy::Members, "", ""),
        &json!({ "name": "", "nick": "" }),
    );
    add(
        "invite",
        "An invite without bounds.",
        &Body::Invite(invite(INVITE)),
        &json!({ "expires": null, "uses_max": null, "note": "", "lifts": [] }),
    );
    let bounded = Invite {
        expires: Some(Timestamp(NOW)),
        uses_max: Some(3),
        note: "for the trip".into(),
        lifts: vec![id],
        ..invite(INVITE)
    };
    add(
        "invite-bounded",
        "An invite with an end, uses, a note, and the removal that it lifts.",
        &Body::Invite(bounded),
        &json!({ "expires": NOW, "uses_max": 3, "note": "for the trip", "lifts": [id.to_hex()] }),
    );
    let revoke = InviteRevoke {
        invite: invite_key(INVITE),
        keep: vec![author(BOB), author(CAROL)],
    };
    add(
        "invite-revoke",
        "Two who came by it stay.",
        &Body::InviteRevoke(revoke),
        &json!({ "keep": [author(BOB).to_hex(), author(CAROL).to_hex()] }),
    );
    add(
        "admit",
        "Bob is let in.",
        &Body::Admit(Admit {
            joiner: author(BOB),
            invite: invite_key(INVITE),
            join: id,
        }),
        &json!({ "joiner": author(BOB).to_hex(), "join": id.to_hex() }),
    );
    let join = Join {
        invite: invite_key(INVITE),
        proof: Signature(std::array::from_fn(|at| at as u8)),
        nick: "bob".into(),
    };
    add(
        "join",
        "The proof is 64 bytes; decoding does not verify it.",
        &Body::Join(join),
        &json!({ "nick": "bob" }),
    );
    let cut = Cut {
        chain: ChainId(2000),
        seq: Seq(812),
        id,
    };
    let remove = Remove {
        member: author(BOB),
        cuts: vec![cut],
        keep_invite: true,
        keep: vec![author(CAROL)],
    };
    add(
        "remove",
        "One chain counts up to a place.",
        &Body::Remove(remove),
        &json!({ "member": author(BOB).to_hex(), "cuts": [{ "chain": 2000, "seq": 812, "id": id.to_hex() }], "keep_invite": true }),
    );
    add(
        "grant",
        "Carol is made an admin.",
        &Body::Grant(Grant {
            member: author(CAROL),
            admin: true,
            cuts: vec![],
        }),
        &json!({ "member": author(CAROL).to_hex(), "admin": true, "cuts": [] }),
    );
    let cut = Cut {
        chain: ChainId(3000),
        seq: Seq(7),
        id,
    };
    add(
        "grant-off",
        "Carol is no admin any more; what she wrote as one counts up to a place.",
        &Body::Grant(Grant {
            member: author(CAROL),
            admin: false,
            cuts: vec![cut],
        }),
        &json!({ "admin": false, "cuts": [{ "chain": 3000, "seq": 7, "id": id.to_hex() }] }),
    );
    add(
        "profile",
        "A nick.",
        &Body::Profile(Profile {
            nick: "Zo\u{eb}".into(),
        }),
        &json!({ "nick": "Zo\u{eb}" }),
    );
    add(
        "chat",
        "A text.",
        &chat("postgres, we have it"),
        &json!({ "text": "postgres, we have it" }),
    );
    add(
        "chat-hostile",
        "Any text of UTF-8 is a good body: cleaning comes when it is shown.",
        &chat("a\0\u{1b}[2J\u{202e}b"),
        &json!({ "text": "a\0\u{1b}[2J\u{202e}b" }),
    );
    add(
        "chat-longest",
        "A text of 16,384 bytes.",
        &chat(&"x".repeat(16_384)),
        &json!({}),
    );
    let file = File {
        name: "plan.pdf".into(),
        size: 1 << 53,
        hash: Hash::of(b"plan"),
        media_type: "application/pdf".into(),
    };
    add(
        "file",
        "A file of 2^53 bytes.",
        &Body::File(file),
        &json!({ "name": "plan.pdf", "size": "9007199254740992", "hash": Hash::of(b"plan").to_hex() }),
    );
    add(
        "retract",
        "A message is taken back.",
        &Body::Retract(Retract {
            author: author(BOB),
            chain: ChainId(3000),
            seq: Seq(7),
            message: id,
        }),
        &json!({ "author": author(BOB).to_hex(), "chain": 3000, "seq": 7, "message": id.to_hex() }),
    );
    add(
        "summary",
        "What was said so far.",
        &Body::Summary(Summary {
            text: "postgres it is".into(),
            through: id,
        }),
        &json!({ "text": "postgres it is", "through": id.to_hex() }),
    );
    add("leave", "A leave has no bytes.", &Body::Leave, &json!({}));

    let mut unknown = |name, about, kind: u16, v: u16, bytes: &[u8]| {
        let input = json!({ "kind": kind, "v": v, "bytes": hex(bytes) });
        cases.ok("body", name, about, input, &json!({ "body": null }));
    };
    unknown(
        "unknown-kind",
        "A kind of a later version: any bytes, and it does not shape the roster.",
        14,
        1,
        b"\xff\xff",
    );
    unknown(
        "experimental-kind",
        "A kind that is never assigned.",
        32_768,
        1,
        b"",
    );
    unknown("kind-zero", "Number 0 names no kind.", 0, 1, b"");
    unknown(
        "unknown-version",
        "Version 2 of chat: any bytes.",
        9,
        2,
        b"\xff",
    );
    unknown(
        "unknown-version-of-profile",
        "Version 2 of a kind that shapes the roster still shapes it.",
        8,
        2,
        b"\xff",
    );
    unknown(
        "version-zero",
        "Version 0 is not version 1.",
        9,
        0,
        b"\x02hi",
    );
}

fn broken_bodies(cases: &mut Cases) {
    let mut refuse = |name, about, kind: u16, bytes: &[u8]| {
        let input = json!({ "kind": kind, "v": 1, "bytes": hex(bytes) });
        cases.refused("body", name, about, input, "body");
    };
    let genesis = |name: usize, nick: usize| {
        Body::Genesis(Genesis {
            name: "n".repeat(name),
            nick: "a".repeat(nick),
            invite_policy: InvitePolicy::Members,
            nonce: [0; 16],
        })
        .encode()
    };
    refuse(
        "genesis-name-too-long",
        "The room's name is 257 bytes long.",
        1,
        &genesis(257, 1),
    );
    refuse(
        "genesis-nick-too-long",
        "The nick is 129 bytes long.",
        1,
        &genesis(1, 129),
    );
    let mut policy = genesis(1, 1);
    policy[4] = 2; // two texts of two bytes come first
    refuse("genesis-unknown-policy", "The policy is 2.", 1, &policy);
    let note = Invite {
        note: "n".repeat(257),
        ..invite(INVITE)
    };
    refuse(
        "invite-note-too-long",
        "The note is 257 bytes long.",
        2,
        &Body::Invite(note).encode(),
    );
    let mut padded = Body::Invite(Invite {
        uses_max: Some(3),
        ..invite(INVITE)
    })
    .encode();
    padded.splice(34..35, [0x83, 0x00]); // key, no expiry, 01, then the uses
    refuse(
        "invite-uses-padded",
        "The varint of the uses is longer than it need be.",
        2,
        &padded,
    );
    let revoke = InviteRevoke {
        invite: InviteKey::from_bytes([1; 32]),
        keep: vec![author(BOB)],
    }
    .keep;
    let mut list = vec![1; 32];
    list.extend(codec::encode(&revoke));
    refuse(
        "invite-revoke-list-cut",
        "The list has fewer authors than its count says.",
        3,
        &list[..list.len() - 1],
    );
    refuse("admit-cut", "95 bytes are no admit.", 4, &[7; 95]);
    let join = Join {
        invite: invite_key(INVITE),
        proof: Signature([0; 64]),
        nick: "b".repeat(129),
    };
    refuse(
        "join-nick-too-long",
        "The nick is 129 bytes long.",
        5,
        &Body::Join(join).encode(),
    );
    let mut remove = vec![7; 32];
    remove.extend([0, 2, 0]);
    refuse(
        "remove-bool",
        "keep_invite is neither true nor false.",
        6,
        &remove,
    );
    refuse(
        "grant-trailing",
        "A byte is left over.",
        7,
        &[&[7; 32][..], &[1, 0, 0]].concat(),
    );
    refuse(
        "profile-nick-too-long",
        "The nick is 129 bytes long.",
        8,
        &Body::Profile(Profile {
            nick: "b".repeat(129),
        })
        .encode(),
    );
    refuse("profile-not-utf8", "The nick is not UTF-8.", 8, &[1, 0xff]);
    refuse("chat-empty", "The text is empty.", 9, &[0]);
    refuse("chat-no-bytes", "No bytes are no text.", 9, &[]);
    refuse(
        "chat-too-long",
        "The text is 16,385 bytes long.",
        9,
        &chat(&"x".repeat(16_385)).encode(),
    );
    refuse(
        "chat-length-padded",
        "The length is longer than it need be.",
        9,
        &[0x82, 0x00, b'h', b'i'],
    );
    refuse("chat-trailing", "A byte is left over.", 9, b"\x02hi!");
    let file = |name: usize, media_type: usize| {
        let (name, media_type) = ("f".repeat(name), "m".repeat(media_type));
        Body::File(File {
            name,
            size: 1,
            hash: Hash::of(b""),
            media_type,
        })
        .encode()
    };
    refuse(
        "file-name-too-long",
        "The name is 257 bytes long.",
        10,
        &file(257, 1),
    );
    refuse(
        "file-media-type-too-long",
        "The media type is 257 bytes long.",
        10,
        &file(1, 257),
    );
    refuse("retract-cut", "31 bytes are no id.", 11, &[7; 31]);
    let summary = Body::Summary(Summary {
        text: String::new(),
        through: MessageId::from_bytes([7; 32]),
    });
    refuse("summary-empty", "The text is empty.", 12, &summary.encode());
    refuse("leave-with-bytes", "A leave has no bytes.", 13, &[0]);
}
