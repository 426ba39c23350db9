//! Headers.

use cc_proto::codec;
use cc_proto::id::{ChainId, Hash, MessageId, RoomId, Seq, Timestamp};
use cc_proto::message::Header;
use serde_json::{Value, json};

use super::Cases;
use super::world::{BOB, NOW, author, header};
use crate::vectors::input::hex;

pub(super) fn add(cases: &mut Cases) {
    headers(cases);
    broken_headers(cases);
}

fn plain() -> Header {
    header(9, b"\x02hi")
}

fn headers(cases: &mut Cases) {
    let mut add = |name, about, header: &Header, expect: &Value| {
        let input = json!({ "bytes": hex(&codec::encode(header)) });
        cases.ok("header", name, about, input, &json!({ "header": expect }));
    };
    add(
        "plain",
        "A chat message of a person.",
        &plain(),
        &json!({
            "author": author(BOB).to_hex(),
            "chain": 2000,
            "seq": 2,
            "ts": NOW,
            "via": "",
            "re": null,
            "kind": 9,
            "v": 1,
            "body_len": 3,
        }),
    );
    let first = Header {
        seq: Seq::FIRST,
        prev: None,
        ..plain()
    };
    add(
        "first",
        "At place 1 nothing is before it: prev is 00.",
        &first,
        &json!({ "seq": 1, "prev": null }),
    );
    let answer = Header {
        via: "claude-code".into(),
        re: Some(MessageId::from_bytes([0x44; 32])),
        ..plain()
    };
    add(
        "via-and-re",
        "An agent answers a message.",
        &answer,
        &json!({ "via": "claude-code" }),
    );
    let zeros = Header {
        room: RoomId::from_bytes([0; 32]),
        chain: ChainId(0),
        seq: Seq(0),
        prev: None,
        ts: Timestamp(0),
        kind: 0,
        v: 0,
        body_hash: Hash::from_bytes([0; 32]),
        body_len: 0,
        ..plain()
    };
    add(
        "zeros",
        "Every number at its least; the header decodes, a message of it would be refused.",
        &zeros,
        &json!({ "seq": 0 }),
    );
    let most = Header {
        chain: ChainId(u32::MAX),
        seq: Seq(u64::MAX),
        ts: Timestamp(u64::MAX),
        kind: u16::MAX,
        v: u16::MAX,
        body_len: u32::MAX,
        ..plain()
    };
    add(
        "largest-numbers",
        "Every number at its largest; the header decodes, a message of it would be refused.",
        &most,
        &json!({ "seq": "18446744073709551615", "chain": 4_294_967_295_u32 }),
    );
    let edge = Header {
        chain: ChainId(128),
        seq: Seq(127),
        ts: Timestamp(16_384),
        kind: 127,
        v: 128,
        body_len: 16_383,
        ..plain()
    };
    add(
        "varint-edges",
        "Numbers at the edges of one, two and three bytes.",
        &edge,
        &json!({}),
    );
    let via = Header {
        via: "\u{e9}".repeat(32),
        ..plain()
    };
    add(
        "via-utf8",
        "The length of via counts bytes: 64 for 32 letters.",
        &via,
        &json!({ "via": "\u{e9}".repeat(32) }),
    );
}

fn broken_headers(cases: &mut Cases) {
    let good = codec::encode(&plain());
    let mut refuse = |name, about, bytes: &[u8]| {
        cases.refused(
            "header",
            name,
            about,
            json!({ "bytes": hex(bytes) }),
            "encoding",
        );
    };
    refuse("empty", "Nothing is no header.", &[]);
    refuse("cut", "The last byte is missing.", &good[..good.len() - 1]);
    refuse("cut-in-room", "31 bytes are no room.", &good[..31]);
    refuse(
        "trailing-byte",
        "A byte is left over.",
        &[&good[..], &[0]].concat(),
    );
    // Room and author are 64 bytes, chain 2000 two, seq 2 one; then prev.
    let spliced = |at: std::ops::Range<usize>, with: &[u8]| {
        let mut bytes = good.clone();
        bytes.splice(at, with.iter().copied());
        bytes
    };
    refuse(
        "chain-padded",
        "The chain's varint is longer than it need be.",
        &spliced(64..66, &[0xd0, 0x8f, 0x00]),
    );
    refuse(
        "chain-overflow",
        "The chain is 2^32.",
        &spliced(64..66, &[0x80, 0x80, 0x80, 0x80, 0x10]),
    );
    refuse(
        "seq-padded",
        "The place's varint is longer than it need be.",
        &spliced(66..67, &[0x82, 0x00]),
    );
    refuse(
        "prev-neither",
        "prev is neither absent nor present.",
        &spliced(67..68, &[2]),
    );
    // Then prev's 33 bytes, ts of six, and via's length.
    refuse(
        "via-not-utf8",
        "via is not UTF-8.",
        &spliced(106..107, &[1, 0xff]),
    );
    refuse(
        "via-length-padded",
        "The length of via is longer than it need be.",
        &spliced(106..107, &[0x80, 0]),
    );
}
