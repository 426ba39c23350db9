//! Proofs as files.

use cc_proto::body::Body;
use cc_proto::id::AuthorId;
use cc_proto::proof::{Excerpt, Membership, Proof, Proven};
use serde_json::{Value, json};

use super::Outcome;
use crate::vectors::input::{self, number};

/// `text`: the whole file.
pub fn proof(input: &Value) -> Outcome {
    let proof = Proof::from_text(input::text(input, "text"))?;
    let proven = proof.check()?;
    assert_eq!(
        Proof::from_text(&proof.to_text()).as_ref(),
        Ok(&proof),
        "what is written is read"
    );
    Ok(match &proven {
        Proven::Fork { room, left, right } => json!({
            "proves": "fork",
            "room": room.to_hex(),
            "messages": [excerpt(left), excerpt(right)],
        }),
        Proven::Message {
            room,
            message,
            membership,
        } => json!({
            "proves": "message",
            "room": room.to_hex(),
            "messages": [excerpt(message)],
            "membership": member(membership),
        }),
    })
}

fn excerpt(excerpt: &Excerpt) -> Value {
    let header = &excerpt.header;
    json!({
        "id": excerpt.id.to_hex(),
        "author": header.author.to_hex(),
        "chain": header.chain.0,
        "seq": number(header.seq.0),
        "shows_body": excerpt.body.is_some(),
        "text": match &excerpt.body {
            Some(Body::Chat(chat)) => Some(&chat.text),
            _ => None,
        },
        "vouched_after": excerpt.vouched_after,
    })
}

fn member(membership: &Membership) -> Value {
    let doors: Vec<String> = membership.doors.iter().map(AuthorId::to_hex).collect();
    json!({
        "room_name": membership.room_name,
        "root": membership.root.to_hex(),
        "nick": membership.nick,
        "doors": doors,
    })
}
