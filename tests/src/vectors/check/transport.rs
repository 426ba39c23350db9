//! Labels, chains, and the frames of sync and gossip.

use std::collections::BTreeSet;
use std::convert::Infallible;

use cc_proto::chains::{Chains, Place};
use cc_proto::frames::{GossipFrame, Proof, Refusal, RoomTag, SyncFrame, gossip_topic, hello_tag};
use cc_proto::history::History;
use cc_proto::id::{ArrivalNo, AuthorId, ChainId, Head, MessageId, Seq};
use cc_proto::message::{Message, SignedMessage};
use serde_json::{Value, json};

use super::{Outcome, room_of, shape, verified};
use crate::vectors::input::{self, hex, number};
use crate::vectors::refusals::Refused;

/// `room`: what it is called on the wire.
pub fn labels(input: &Value) -> Value {
    let room = room_of(input);
    let tag = RoomTag::of(&room);
    let alpn = String::from_utf8(tag.gossip_alpn()).expect("the ALPN is ASCII");
    let topic = gossip_topic(&room);
    json!({ "tag": hex(&tag.0), "gossip_alpn": alpn, "gossip_topic": hex(&topic) })
}

/// `heads`, in any order.
pub fn digest(input: &Value) -> Value {
    let heads: Vec<Head> = input::list(input, "heads").iter().map(head).collect();
    let mut chains = Chains::load(&heads, &[]);
    let sorted: Vec<Value> = chains.heads().iter().map(shape::head).collect();
    json!({ "heads": sorted, "digest": chains.digest().to_hex() })
}

fn head(value: &Value) -> Head {
    Head {
        author: AuthorId::from_bytes(input::array(value, "author")),
        chain: ChainId(input::u64_of(value, "chain") as u32),
        seq: Seq(input::u64_of(value, "seq")),
        id: MessageId::from_bytes(input::array(value, "id")),
    }
}

/// `room`, the `held` messages in their order of arrival, those of them whose lines were `lost`,
/// and a `message`.
pub fn chain(input: &Value) -> Outcome {
    let room = room_of(input);
    let held = verified(&room, input, "held");
    let mut chains = Chains::default();
    for message in &held {
        chains.add(message);
    }
    let lost: BTreeSet<Vec<u8>> = input::bytes_list(input, "lost").into_iter().collect();
    let kept = held
        .into_iter()
        .filter(|message| !lost.contains(&message.id().as_bytes()[..]));
    let stored = Stored(kept.collect());
    let message = SignedMessage::decode(&input::bytes(input, "message"))?.verify(&room)?;
    let Ok(place) = chains.place(message.id(), message.header(), &stored);
    let place = match place {
        Place::Next => "next",
        Place::Known => "known",
        Place::Fork => "fork",
        Place::Lost => "lost",
        Place::Gap => return Err(Refused::plain("gap")),
        Place::TooManyForks => return Err(Refused::plain("too-many-forks")),
        other => panic!("the vectors do not know {other:?}"),
    };
    Ok(json!({ "place": place }))
}

/// What a log holds, in memory.
struct Stored(Vec<Message>);

impl History for Stored {
    type Error = Infallible;

    fn at(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Vec<(ArrivalNo, Message)>, Infallible> {
        let there = |message: &Message| {
            let header = message.header();
            (&header.author, header.chain, header.seq) == (author, chain, seq)
        };
        let lines = (1..).map(ArrivalNo).zip(self.0.iter().cloned());
        Ok(lines.filter(|(_, message)| there(message)).collect())
    }

    fn arrival(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Option<ArrivalNo>, Infallible> {
        let Ok(there) = self.at(author, chain, seq);
        Ok(there.first().map(|(n, _)| *n))
    }
}

/// `bytes`: the first frame of a connection, before anything is known of who dials.
pub fn hello(input: &Value) -> Outcome {
    match hello_tag(&input::bytes(input, "bytes")) {
        Some(tag) => Ok(json!({ "tag": hex(&tag.0) })),
        None => Err(Refused::plain("refused")),
    }
}

/// `of` sync or gossip, `bytes`.
pub fn frame(input: &Value) -> Outcome {
    let bytes = input::bytes(input, "bytes");
    let frame = match input::text(input, "of") {
        "sync" => sync_frame(&SyncFrame::decode(&bytes)?),
        "gossip" => match GossipFrame::decode(&bytes)? {
            GossipFrame::Message(message) => {
                json!({ "type": "message", "message": hex(&message.encode()) })
            }
            GossipFrame::Heights(heads) => json!({ "type": "heights", "heads": heads_of(&heads) }),
            GossipFrame::Receipt(receipt) => {
                json!({ "type": "receipt", "receipt": hex(&receipt.encode()) })
            }
        },
        other => panic!("no frames of {other}"),
    };
    Ok(json!({ "frame": frame }))
}

fn sync_frame(frame: &SyncFrame) -> Value {
    match frame {
        SyncFrame::Hello(hello) => json!({
            "type": "hello",
            "version": hello.version,
            "tag": hex(&hello.tag.0),
            "proof": match &hello.proof {
                Proof::Member { bundle } => json!({ "type": "member", "bundle": raws(bundle) }),
                Proof::Join { join } => json!({ "type": "join", "join": hex(&join.encode()) }),
            },
            "digest": hello.digest.to_hex(),
        }),
        SyncFrame::Welcome { bundle, digest } => json!({
            "type": "welcome",
            "bundle": raws(bundle),
            "digest": digest.to_hex(),
        }),
        SyncFrame::Refused(refusal) => json!({
            "type": "refused",
            "refusal": match refusal {
                Refusal::Refused => "refused",
                Refusal::Expired => "expired",
                Refusal::UsedUp => "used-up",
                Refusal::Busy => "busy",
                Refusal::Revoked => "revoked",
                Refusal::Removed => "removed",
                other => panic!("the vectors do not know {other}"),
            },
        }),
        SyncFrame::Heads { heads, more } => json!({
            "type": "heads",
            "heads": heads_of(heads),
            "more": more,
        }),
        SyncFrame::Locator {
            author,
            chain,
            places,
        } => json!({
            "type": "locator",
            "author": author.to_hex(),
            "chain": chain.0,
            "places": places.iter().map(|(seq, id)| json!({
                "seq": number(seq.0),
                "id": id.to_hex(),
            })).collect::<Vec<_>>(),
        }),
        SyncFrame::Asked => json!({ "type": "asked" }),
        SyncFrame::Segment { messages } => json!({ "type": "segment", "messages": raws(messages) }),
        SyncFrame::Addresses(addresses) => json!({
            "type": "addresses",
            "addresses": addresses.iter().map(shape::address).collect::<Vec<_>>(),
        }),
        SyncFrame::Done => json!({ "type": "done" }),
        SyncFrame::Receipts(receipts) => {
            let receipts = receipts.iter().map(|receipt| hex(&receipt.encode()));
            json!({ "type": "receipts", "receipts": receipts.collect::<Vec<_>>() })
        }
    }
}

fn raws(messages: &[SignedMessage]) -> Vec<Value> {
    messages
        .iter()
        .map(|message| hex(&message.encode()))
        .collect()
}

fn heads_of(heads: &[Head]) -> Vec<Value> {
    heads.iter().map(shape::head).collect()
}
