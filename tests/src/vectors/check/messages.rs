//! Headers, bodies, messages and segments.

use cc_proto::body::{Body, Kind};
use cc_proto::codec;
use cc_proto::message::{Header, SignedMessage};
use cc_proto::segment::{SegmentError, verify_segment};
use serde_json::{Value, json};

use super::{Outcome, room_of, shape};
use crate::vectors::input;
use crate::vectors::refusals::Refused;

/// `bytes`: a header's encoding.
pub fn header(input: &Value) -> Outcome {
    let header: Header =
        codec::decode(&input::bytes(input, "bytes")).map_err(|_| Refused::plain("encoding"))?;
    Ok(json!({ "id": header.id().to_hex(), "header": shape::header(&header) }))
}

/// `kind` and `v` by number, `bytes`: a body's encoding.
pub fn body(input: &Value) -> Outcome {
    let short = |name| u16::try_from(input::u64_of(input, name)).expect("a u16");
    let kind = Kind::from_number(short("kind"));
    let body = Body::decode(kind, short("v"), &input::bytes(input, "bytes"))
        .map_err(|_| Refused::plain("body"))?;
    Ok(json!({
        "kind": kind.name(),
        "shapes_roster": kind.shapes_roster(),
        "body": body.as_ref().map(shape::body),
    }))
}

/// `room` and `raw`: a message alone.
pub fn message(input: &Value) -> Outcome {
    let message = SignedMessage::decode(&input::bytes(input, "raw"))?.verify(&room_of(input))?;
    Ok(shape::message(&message))
}

/// `room` and `messages`: a segment.
pub fn segment(input: &Value) -> Outcome {
    let mut messages = Vec::new();
    for (index, raw) in input::bytes_list(input, "messages").iter().enumerate() {
        let message = SignedMessage::decode(raw).map_err(|error| Refused::from(error).at(index))?;
        messages.push(message);
    }
    let verified = verify_segment(&room_of(input), messages).map_err(|error| match error {
        SegmentError::TooMany { .. } => Refused::plain("too-many"),
        SegmentError::TooLong { .. } => Refused::plain("too-long"),
        SegmentError::Message { index, source } => Refused::from(source).at(index),
        other => panic!("the vectors do not know {other}"),
    })?;
    let kept: Vec<Value> = verified
        .iter()
        .map(|message| json!({ "id": message.id().to_hex(), "signed": message.has_signature() }))
        .collect();
    Ok(json!({ "messages": kept }))
}
