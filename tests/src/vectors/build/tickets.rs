//! Tickets, as somebody pastes them.

use cc_proto::codec;
use cc_proto::id::Timestamp;
use cc_proto::ticket::{PeerAddress, Ticket};
use serde_json::{Value, json};

use super::Cases;
use super::world::{ALICE, BOB, INVITE, NOW, ROOM, author, identity};
use crate::vectors::input::hex;

pub(super) fn add(cases: &mut Cases) {
    tickets(cases);
    refused_tickets(cases);
}

fn ticket() -> Ticket {
    Ticket {
        room: ROOM,
        invite_secret: [INVITE; 32],
        expires: Some(Timestamp(NOW + 7 * 24 * 60 * 60 * 1000)),
        name: "db".into(),
        addresses: vec![PeerAddress {
            id: author(ALICE),
            relay: Some("https://relay.example./".into()),
            direct: vec![
                "192.0.2.7:4444".parse().expect("an address"),
                "[2001:db8::7]:4444".parse().expect("an address"),
            ],
        }],
    }
}

/// A ticket of any content, its checksum right.
fn sealed(content: &[u8]) -> String {
    let checksum = blake3::hash(content);
    let bytes = [content, &checksum.as_bytes()[..4]].concat();
    let encoded = data_encoding::BASE32_NOPAD.encode(&bytes);
    format!("cc1-{}", encoded.to_lowercase())
}

/// The content of a ticket.
fn content(ticket: &Ticket) -> Vec<u8> {
    let text = ticket.to_string().to_uppercase();
    let mut bytes = data_encoding::BASE32_NOPAD
        .decode(&text.as_bytes()[4..])
        .expect("a ticket decodes");
    bytes.truncate(bytes.len() - 4);
    bytes
}

fn tickets(cases: &mut Cases) {
    let text = ticket().to_string();
    let fields = json!({
        "room": ROOM.to_hex(),
        "invite_secret": hex(&[INVITE; 32]),
        "invite": identity(INVITE).author().to_hex(),
        "expires": NOW + 604_800_000,
        "name": "db",
        "addresses": [{
            "id": author(ALICE).to_hex(),
            "relay": "https://relay.example./",
            "direct": ["192.0.2.7:4444", "[2001:db8::7]:4444"],
        }],
        "printed": text,
    });
    let mut add = |name, about, text: String, fields: &Value| {
        cases.ok("ticket", name, about, json!({ "text": text }), fields);
    };
    add(
        "good",
        "A ticket with a relay and two direct addresses.",
        text.clone(),
        &fields,
    );
    add(
        "upper-case",
        "Capitals are read as small letters, the prefix too.",
        text.to_uppercase(),
        &fields,
    );
    add(
        "white-space",
        "White space around a ticket is passed over.",
        format!(" \t{text}\r\n"),
        &fields,
    );
    let bare = Ticket {
        expires: None,
        name: String::new(),
        addresses: Vec::new(),
        ..ticket()
    };
    let fields = json!({ "expires": null, "name": "", "addresses": [] });
    add(
        "bare",
        "No end, no name, no address.",
        bare.to_string(),
        &fields,
    );
    let address = PeerAddress {
        id: author(BOB),
        relay: None,
        direct: Vec::new(),
    };
    let full = Ticket {
        name: "\u{20ac}".repeat(85) + "x",
        addresses: vec![address; 4],
        ..ticket()
    };
    add(
        "longest-name",
        "A name of 256 bytes and four addresses.",
        full.to_string(),
        &Value::Null,
    );
}

fn refused_tickets(cases: &mut Cases) {
    let text = ticket().to_string();
    let mut refuse = |name, about, text: String, verdict| {
        cases.refused("ticket", name, about, json!({ "text": text }), verdict);
    };
    refuse("empty", "Nothing is no ticket.", String::new(), "no-prefix");
    refuse(
        "no-prefix",
        "The prefix is missing.",
        text[4..].to_owned(),
        "no-prefix",
    );
    refuse(
        "other-prefix",
        "The prefix of a later kind of ticket.",
        text.replace("cc1-", "cc2-"),
        "no-prefix",
    );
    refuse(
        "prefix-alone",
        "Nothing follows the prefix.",
        "cc1-".into(),
        "bad-checksum",
    );
    refuse(
        "cut",
        "The last character was not copied.",
        text[..text.len() - 1].to_owned(),
        "bad-checksum",
    );
    refuse(
        "cut-by-half",
        "Half of it was not copied.",
        text[..text.len() / 2].to_owned(),
        "bad-checksum",
    );
    let at = 40;
    let other = if &text[at..=at] == "a" { "b" } else { "a" };
    let mistyped = format!("{}{other}{}", &text[..at], &text[at + 1..]);
    refuse(
        "mistyped",
        "The character at position 41 is another one.",
        mistyped,
        "bad-checksum",
    );
    refuse(
        "digit-one",
        "`1` is no digit of base32; positions count from 1.",
        format!("{}1{}", &text[..at], &text[at + 1..]),
        "bad-character",
    );
    refuse(
        "padding",
        "base32 here has no padding.",
        format!("{text}="),
        "bad-character",
    );
    refuse(
        "space-inside",
        "White space within a ticket is no part of it.",
        format!("{} {}", &text[..at], &text[at..]),
        "bad-character",
    );
    refuse(
        "not-ascii",
        "A letter that only looks like one of base32.",
        format!("{}\u{430}{}", &text[..at], &text[at + 1..]),
        "bad-character",
    );
    refuse(
        "too-long",
        "4,097 characters.",
        format!("cc1-{}", "a".repeat(4093)),
        "too-long",
    );
    refuse(
        "last-bits",
        "The bits beyond the last byte must be zero.",
        odd_last_bits(),
        "bad-checksum",
    );

    let good = content(&ticket());
    let mut later = good.clone();
    later[0] = 2;
    refuse(
        "unknown-version",
        "The content is of version 2.",
        sealed(&later),
        "unknown-version",
    );
    refuse(
        "no-content",
        "The checksum of nothing.",
        sealed(&[]),
        "malformed",
    );
    refuse(
        "trailing-byte",
        "The checksum holds, but a byte follows the last address.",
        sealed(&[&good[..], &[0]].concat()),
        "malformed",
    );
    refuse(
        "content-cut",
        "The checksum holds, but the content ends within an address.",
        sealed(&good[..good.len() - 1]),
        "malformed",
    );
    let mut padded = content(&ticket());
    // After version, room, secret and the option's 01 comes the expiry, a varint of six bytes.
    padded[65 + 6] |= 0x80;
    padded.insert(65 + 7, 0);
    refuse(
        "padded-varint",
        "The expiry's varint is longer than it need be.",
        sealed(&padded),
        "malformed",
    );
    refuse(
        "name-too-long",
        "The name is 257 bytes long.",
        sealed(&long_name()),
        "malformed",
    );
    let address = PeerAddress {
        id: author(BOB),
        relay: None,
        direct: Vec::new(),
    };
    let five = with_addresses(&vec![address.clone(); 5]);
    refuse(
        "five-addresses",
        "Five addresses are more than a ticket may hold.",
        sealed(&five),
        "malformed",
    );
    let direct = vec!["192.0.2.7:4444".parse().expect("an address"); 9];
    let nine = PeerAddress {
        direct,
        ..address.clone()
    };
    refuse(
        "nine-direct-addresses",
        "Nine socket addresses are more than a peer address may hold.",
        sealed(&with_addresses(&[nine])),
        "malformed",
    );
    let relay = Some(format!("https://relay.example./{}", "x".repeat(234)));
    refuse(
        "relay-too-long",
        "The URL of the relay is 257 bytes long.",
        sealed(&with_addresses(&[PeerAddress { relay, ..address }])),
        "malformed",
    );
}

/// The content of a ticket with a name that is one byte too long; printing it leaves out what is over a limit.
fn long_name() -> Vec<u8> {
    let bare = Ticket {
        name: String::new(),
        addresses: Vec::new(),
        ..ticket()
    };
    let mut bytes = content(&bare);
    bytes.truncate(bytes.len() - 2);
    bytes.extend(codec::encode(&"x".repeat(257)));
    bytes.push(0);
    bytes
}

/// The content of a ticket with these addresses, those too that printing one leaves out.
fn with_addresses(addresses: &[PeerAddress]) -> Vec<u8> {
    let none = Ticket {
        addresses: Vec::new(),
        ..ticket()
    };
    let mut bytes = content(&none);
    bytes.pop();
    bytes.extend(codec::encode(&addresses.to_vec()));
    bytes
}

/// A good ticket whose last character has a bit set that belongs to no byte.
fn odd_last_bits() -> String {
    let mut name = String::new();
    loop {
        let text = Ticket {
            name: name.clone(),
            ..ticket()
        }
        .to_string();
        let digits = text.len() - 4;
        if !(digits * 5).is_multiple_of(8) {
            let alphabet = "abcdefghijklmnopqrstuvwxyz234567";
            let last = text.chars().next_back().and_then(|c| alphabet.find(c));
            let other = last.expect("a digit of base32") | 1;
            return format!("{}{}", &text[..text.len() - 1], &alphabet[other..=other]);
        }
        name.push('x');
    }
}
