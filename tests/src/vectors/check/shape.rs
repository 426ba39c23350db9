//! The JSON of what the crates give.

use cc_proto::body::{Body, Cut, InvitePolicy};
use cc_proto::id::{Head, MessageId};
use cc_proto::message::{Header, Message};
use cc_proto::ticket::PeerAddress;
use serde_json::{Value, json};

use crate::vectors::input::{hex, number};

/// A header, field by field.
pub fn header(header: &Header) -> Value {
    json!({
        "room": header.room.to_hex(),
        "author": header.author.to_hex(),
        "chain": header.chain.0,
        "seq": number(header.seq.0),
        "prev": header.prev.map(|id| id.to_hex()),
        "ts": number(header.ts.0),
        "via": header.via,
        "re": header.re.map(|id| id.to_hex()),
        "kind": header.kind,
        "v": header.v,
        "body_hash": header.body_hash.to_hex(),
        "body_len": header.body_len,
    })
}

/// A body, field by field.
pub fn body(body: &Body) -> Value {
    let hexes = |authors: &[cc_proto::id::AuthorId]| {
        authors
            .iter()
            .map(|author| author.to_hex().into())
            .collect::<Vec<Value>>()
    };
    match body {
        Body::Genesis(body) => json!({
            "name": body.name,
            "nick": body.nick,
            "invite_policy": match body.invite_policy {
                InvitePolicy::Members => "members",
                InvitePolicy::Admins => "admins",
            },
            "nonce": hex(&body.nonce),
        }),
        Body::Invite(body) => json!({
            "key": body.key.to_hex(),
            "expires": body.expires.map(|ts| number(ts.0)),
            "uses_max": body.uses_max,
            "note": body.note,
            "lifts": body.lifts.iter().map(MessageId::to_hex).collect::<Vec<_>>(),
        }),
        Body::InviteRevoke(body) => json!({
            "invite": body.invite.to_hex(),
            "keep": hexes(&body.keep),
        }),
        Body::Admit(body) => json!({
            "joiner": body.joiner.to_hex(),
            "invite": body.invite.to_hex(),
            "join": body.join.to_hex(),
        }),
        Body::Join(body) => json!({
            "invite": body.invite.to_hex(),
            "proof": hex(&body.proof.0),
            "nick": body.nick,
        }),
        Body::Remove(body) => json!({
            "member": body.member.to_hex(),
            "cuts": cuts(&body.cuts),
            "keep_invite": body.keep_invite,
            "keep": hexes(&body.keep),
        }),
        Body::Grant(body) => json!({
            "member": body.member.to_hex(),
            "admin": body.admin,
            "cuts": cuts(&body.cuts),
        }),
        Body::Profile(body) => json!({ "nick": body.nick }),
        Body::Chat(body) => json!({ "text": body.text }),
        Body::File(body) => json!({
            "name": body.name,
            "size": number(body.size),
            "hash": body.hash.to_hex(),
            "media_type": body.media_type,
        }),
        Body::Retract(body) => json!({
            "author": body.author.to_hex(),
            "chain": body.chain.0,
            "seq": number(body.seq.0),
            "message": body.message.to_hex(),
        }),
        Body::Summary(body) => json!({ "text": body.text, "through": body.through.to_hex() }),
        Body::Leave => json!({}),
        other => panic!("the vectors do not know the body {other:?}"),
    }
}

fn cuts(cuts: &[Cut]) -> Vec<Value> {
    cuts.iter()
        .map(|cut| {
            json!({
                "chain": cut.chain.0,
                "seq": number(cut.seq.0),
                "id": cut.id.to_hex(),
            })
        })
        .collect()
}

/// A verified message.
pub fn message(message: &Message) -> Value {
    json!({
        "id": message.id().to_hex(),
        "header": header(message.header()),
        "kind": message.kind().name(),
        "body": message.body().map(body),
        "signed": message.has_signature(),
        "shapes_roster": message.shapes_roster(),
    })
}

/// The tip of a chain.
pub fn head(head: &Head) -> Value {
    json!({
        "author": head.author.to_hex(),
        "chain": head.chain.0,
        "seq": number(head.seq.0),
        "id": head.id.to_hex(),
    })
}

/// Where a peer was seen.
pub fn address(address: &PeerAddress) -> Value {
    let direct: Vec<String> = address.direct.iter().map(ToString::to_string).collect();
    json!({ "id": address.id.to_hex(), "relay": address.relay, "direct": direct })
}
