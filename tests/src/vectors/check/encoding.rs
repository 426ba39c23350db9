//! Ids, the encoding, keys and signatures, tickets, time.

use cc_proto::clock::{HybridClock, is_skewed};
use cc_proto::codec;
use cc_proto::id::{Hash, Timestamp};
use cc_proto::identity::{self, Identity, JOIN_DOMAIN, MESSAGE_DOMAIN, Signature};
use cc_proto::ticket::Ticket;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Outcome, shape};
use crate::vectors::input::{self, hex, number};
use crate::vectors::refusals::Refused;

/// `text`: an id as it is printed.
pub fn id(input: &Value) -> Outcome {
    let id: Hash = input::text(input, "text")
        .parse()
        .map_err(|_| Refused::plain("not-an-id"))?;
    Ok(json!({ "bytes": hex(id.as_bytes()), "printed": id.to_hex(), "short": id.short() }))
}

/// `type` and `bytes`: one value and nothing else.
pub fn encoding(input: &Value) -> Outcome {
    fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
        codec::decode(bytes).map_err(|_| Refused::plain("encoding"))
    }
    let bytes = input::bytes(input, "bytes");
    let value = match input::text(input, "type") {
        "bool" => decode::<bool>(&bytes)?.into(),
        "u8" => decode::<u8>(&bytes)?.into(),
        "u16" => decode::<u16>(&bytes)?.into(),
        "u32" => decode::<u32>(&bytes)?.into(),
        "u64" => number(decode(&bytes)?),
        "text" => decode::<String>(&bytes)?.into(),
        "bytes" => hex(&decode::<Vec<u8>>(&bytes)?),
        "option of u64" => decode::<Option<u64>>(&bytes)?.map_or(Value::Null, number),
        "list of u64" => decode::<Vec<u64>>(&bytes)?
            .into_iter()
            .map(number)
            .collect(),
        other => panic!("no type {other}"),
    };
    Ok(json!({ "value": value }))
}

/// `seed`, `domain` and `data`: whose key it is, and what it signs.
pub fn identity(input: &Value) -> Value {
    let identity = Identity::from_seed(input::array(input, "seed"));
    let signature = identity.sign(domain(input), &input::bytes(input, "data"));
    json!({ "author": identity.author().to_hex(), "signature": hex(&signature.0) })
}

/// `key`, `domain`, `data`, `signature`.
pub fn signature(input: &Value) -> Outcome {
    let signature = Signature(input::array(input, "signature"));
    let data = input::bytes(input, "data");
    let key = input::array(input, "key");
    if identity::verify(&key, domain(input), &data, &signature) {
        Ok(Value::Null)
    } else {
        Err(Refused::plain("bad-signature"))
    }
}

fn domain(input: &Value) -> &'static [u8] {
    match input::text(input, "domain") {
        "cc-connect/1 message\0" => MESSAGE_DOMAIN,
        "cc-connect/1 join\0" => JOIN_DOMAIN,
        other => panic!("no domain {other}"),
    }
}

/// `text`: as somebody pasted it.
pub fn ticket(input: &Value) -> Outcome {
    let ticket: Ticket = input::text(input, "text").parse()?;
    let addresses: Vec<Value> = ticket.addresses.iter().map(shape::address).collect();
    Ok(json!({
        "room": ticket.room.to_hex(),
        "invite_secret": hex(&ticket.invite_secret),
        "invite": ticket.invite_key().to_hex(),
        "expires": ticket.expires.map(|ts| number(ts.0)),
        "name": ticket.name,
        "addresses": addresses,
        "printed": ticket.to_string(),
    }))
}

/// `ts` and the receiver's `wall` clock.
pub fn skew(input: &Value) -> Outcome {
    if is_skewed(moment(input, "ts"), moment(input, "wall")) {
        Err(Refused::plain("skewed"))
    } else {
        Ok(Value::Null)
    }
}

/// `steps`, each at its `wall` clock: a timestamp `seen`, or else a message written.
pub fn clock(input: &Value) -> Value {
    let mut clock = HybridClock::default();
    let mut written = Vec::new();
    for step in input::list(input, "steps") {
        let wall = moment(step, "wall");
        if input::field(step, "seen").is_null() {
            written.push(number(clock.tick(wall).0));
        } else {
            clock.observe(moment(step, "seen"), wall);
        }
    }
    json!({ "written": written })
}

fn moment(input: &Value, name: &str) -> Timestamp {
    Timestamp(input::u64_of(input, name))
}
