//! Frames.

use std::net::SocketAddr;

use cc_proto::frames::{
    GossipFrame, Hello, Proof, Refusal, RoomTag, SYNC_VERSION, SyncFrame, refusal_frame,
};
use cc_proto::id::{ChainId, Hash, Head, MessageId, Seq};
use cc_proto::message::Message;
use cc_proto::ticket::PeerAddress;
use serde_json::{Value, json};

use super::Cases;
use super::world::{ALICE, BOB, Pen, ROOM, author, raws};
use crate::vectors::input::hex;

pub(super) fn add(cases: &mut Cases) {
    sync_frames(cases);
    gossip_frames(cases);
    broken_frames(cases);
    hellos(cases);
}

pub(super) fn head(seed: u8, seq: u64) -> Head {
    Head {
        author: author(seed),
        chain: ChainId(u32::from(seed) * 1000),
        seq: Seq(seq),
        id: MessageId::from_bytes([seed; 32]),
    }
}

fn addresses() -> Vec<PeerAddress> {
    let address = |text: &str| -> SocketAddr { text.parse().expect("an address") };
    vec![
        PeerAddress {
            id: author(ALICE),
            relay: Some("https://relay.example./".into()),
            direct: vec![address("192.0.2.7:4444"), address("[2001:db8::7]:65535")],
        },
        PeerAddress {
            id: author(BOB),
            relay: None,
            direct: vec![],
        },
    ]
}

fn hello(proof: Proof) -> SyncFrame {
    SyncFrame::Hello(Hello {
        version: SYNC_VERSION,
        tag: RoomTag::of(&ROOM),
        proof,
        digest: Hash::of(b"heads"),
    })
}

fn some_messages() -> Vec<Message> {
    let mut pen = Pen::new(BOB, ROOM);
    vec![pen.say("line 1"), pen.say("line 2")]
}

fn wires() -> Vec<cc_proto::message::SignedMessage> {
    some_messages()
        .iter()
        .map(|message| message.wire().clone())
        .collect()
}

fn sync_frames(cases: &mut Cases) {
    let mut add = |name, about, frame: &SyncFrame, expect: &Value| {
        let input = json!({ "of": "sync", "bytes": hex(&frame.encode()) });
        cases.ok("frame", name, about, input, &json!({ "frame": expect }));
    };
    let tag = hex(&RoomTag::of(&ROOM).0);
    let messages = raws(&some_messages());
    let member = Proof::Member { bundle: wires() };
    add(
        "hello-member",
        "A member opens a session; the messages stand for a bundle.",
        &hello(member),
        &json!({ "type": "hello", "version": 1, "tag": tag, "proof": { "type": "member", "bundle": messages } }),
    );
    let join = Proof::Join {
        join: wires().swap_remove(0),
    };
    add(
        "hello-join",
        "Somebody asks to be let in; the message stands for a join.",
        &hello(join),
        &json!({ "proof": { "type": "join", "join": messages[0] } }),
    );
    let welcome = SyncFrame::Welcome {
        bundle: vec![],
        digest: Hash::of(b"heads"),
    };
    add(
        "welcome",
        "The other side lets the dialer in.",
        &welcome,
        &json!({ "type": "welcome", "bundle": [], "digest": Hash::of(b"heads").to_hex() }),
    );
    let refusals = [
        (
            "refused",
            "The frame that every refusal without a reason is, whatever the cause.",
            Refusal::Refused,
        ),
        (
            "refused-expired",
            "Told to who proved the secret.",
            Refusal::Expired,
        ),
        (
            "refused-used-up",
            "Told to who proved the secret.",
            Refusal::UsedUp,
        ),
        ("refused-busy", "Told to members.", Refusal::Busy),
        (
            "refused-revoked",
            "Told to who proved the secret.",
            Refusal::Revoked,
        ),
        (
            "refused-removed",
            "Told to who proved the secret.",
            Refusal::Removed,
        ),
    ];
    for (name, about, refusal) in refusals {
        let frame = SyncFrame::Refused(refusal);
        let told = match refusal {
            Refusal::Refused => "refused",
            Refusal::Expired => "expired",
            Refusal::UsedUp => "used-up",
            Refusal::Revoked => "revoked",
            Refusal::Removed => "removed",
            _ => "busy",
        };
        add(
            name,
            about,
            &frame,
            &json!({ "type": "refused", "refusal": told }),
        );
    }
    assert_eq!(refusal_frame(), [2, 0]);
    let heads = SyncFrame::Heads {
        heads: vec![head(ALICE, 1), head(BOB, 812)],
        more: true,
    };
    add(
        "heads",
        "Two heads, and more in the next frame.",
        &heads,
        &json!({ "type": "heads", "more": true }),
    );
    let locator = SyncFrame::Locator {
        author: author(BOB),
        chain: ChainId(2000),
        places: vec![
            (Seq(812), MessageId::from_bytes([8; 32])),
            (Seq(300), MessageId::from_bytes([3; 32])),
        ],
    };
    add(
        "locator",
        "Two places of a chain.",
        &locator,
        &json!({ "type": "locator", "chain": 2000, "author": author(BOB).to_hex() }),
    );
    add(
        "asked",
        "No further locators follow.",
        &SyncFrame::Asked,
        &json!({ "type": "asked" }),
    );
    add(
        "segment",
        "Two messages.",
        &SyncFrame::Segment { messages: wires() },
        &json!({ "type": "segment", "messages": messages }),
    );
    add(
        "addresses",
        "Where two members were seen.",
        &SyncFrame::Addresses(addresses()),
        &json!({
            "type": "addresses",
            "addresses": [
                { "id": author(ALICE).to_hex(), "relay": "https://relay.example./", "direct": ["192.0.2.7:4444", "[2001:db8::7]:65535"] },
                { "id": author(BOB).to_hex(), "relay": null, "direct": [] },
            ],
        }),
    );
    add(
        "done",
        "Everything was sent.",
        &SyncFrame::Done,
        &json!({ "type": "done" }),
    );
}

fn gossip_frames(cases: &mut Cases) {
    let mut add = |name, about, frame: &GossipFrame, expect: &Value| {
        let input = json!({ "of": "gossip", "bytes": hex(&frame.encode()) });
        cases.ok("frame", name, about, input, &json!({ "frame": expect }));
    };
    let message = wires().swap_remove(0);
    let raw = hex(&message.encode());
    add(
        "gossip-message",
        "One whole message.",
        &GossipFrame::Message(message),
        &json!({ "type": "message", "message": raw }),
    );
    add(
        "gossip-heights",
        "How high two chains are.",
        &GossipFrame::Heights(vec![head(ALICE, 1), head(BOB, 812)]),
        &json!({ "type": "heights" }),
    );
}

fn broken_frames(cases: &mut Cases) {
    let mut refuse = |name, about, of: &str, bytes: &[u8], verdict| {
        let input = json!({ "of": of, "bytes": hex(bytes) });
        cases.refused("frame", name, about, input, verdict);
    };
    refuse("empty", "Nothing is no frame.", "sync", &[], "encoding");
    refuse(
        "unknown-frame",
        "The index of no frame.",
        "sync",
        &[10],
        "encoding",
    );
    refuse(
        "unknown-refusal",
        "The index of no refusal.",
        "sync",
        &[2, 6],
        "encoding",
    );
    refuse(
        "refused-cut",
        "A refusal without its reason.",
        "sync",
        &[2],
        "encoding",
    );
    refuse(
        "trailing-byte",
        "A byte is left over.",
        "sync",
        &[8, 0],
        "encoding",
    );
    refuse(
        "index-padded",
        "The frame's index is longer than it need be.",
        "sync",
        &[0x88, 0x00],
        "encoding",
    );
    let heads = SyncFrame::Heads {
        heads: vec![],
        more: false,
    }
    .encode();
    refuse(
        "heads-more",
        "`more` is neither true nor false.",
        "sync",
        &[heads[0], 0, 2],
        "encoding",
    );
    let segment = SyncFrame::Segment { messages: wires() }.encode();
    refuse(
        "segment-cut",
        "The last byte of a segment is missing.",
        "sync",
        &segment[..segment.len() - 1],
        "encoding",
    );
    let mut family = SyncFrame::Addresses(addresses()).encode();
    let at = 2 + 32 + 1 + 1 + 23 + 1;
    assert_eq!(family[at..at + 5], [0, 192, 0, 2, 7]);
    family[at] = 2;
    refuse(
        "address-family",
        "A socket address that is neither V4 nor V6.",
        "sync",
        &family,
        "encoding",
    );
    refuse(
        "gossip-empty",
        "Nothing is no frame.",
        "gossip",
        &[],
        "encoding",
    );
    refuse(
        "gossip-unknown",
        "The index of no frame.",
        "gossip",
        &[3],
        "encoding",
    );
    refuse(
        "gossip-too-long",
        "20,481 bytes, whatever they are.",
        "gossip",
        &vec![0; 20_481],
        "too-long",
    );
}

fn hellos(cases: &mut Cases) {
    let member = Proof::Member { bundle: vec![] };
    let good = hello(member).encode();
    let tag = hex(&RoomTag::of(&ROOM).0);
    cases.ok(
        "hello",
        "good",
        "The first frame tells which room is asked for.",
        json!({ "bytes": hex(&good) }),
        &json!({ "tag": tag }),
    );
    let stranger = SyncFrame::Hello(Hello {
        version: SYNC_VERSION,
        tag: RoomTag([0xee; 32]),
        proof: Proof::Member { bundle: vec![] },
        digest: Hash::of(b""),
    });
    let about = "A tag that no room here has: the answer is the frame of frame/refused.json.";
    cases.ok(
        "hello",
        "unknown-tag",
        about,
        json!({ "bytes": hex(&stranger.encode()) }),
        &json!({ "tag": hex(&[0xee; 32]) }),
    );
    let mut refuse = |name, about, bytes: &[u8]| {
        cases.refused(
            "hello",
            name,
            about,
            json!({ "bytes": hex(bytes) }),
            "refused",
        );
    };
    refuse("empty", "Nothing was sent.", &[]);
    refuse("noise", "Noise.", b"GET / HTTP/1.1\r\n\r\n");
    refuse(
        "other-frame",
        "Another frame comes first.",
        &SyncFrame::Done.encode(),
    );
    refuse("cut", "The last byte is missing.", &good[..good.len() - 1]);
    refuse(
        "trailing-byte",
        "A byte is left over.",
        &[&good[..], &[0]].concat(),
    );
}
