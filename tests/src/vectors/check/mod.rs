//! What comes of an input, by group. Each function reads its input's JSON and asks the crates; it
//! knows nothing of how the case was made.

mod disk;
mod encoding;
mod injection;
mod membership;
mod messages;
mod names;
mod proofs;
mod receipts;
mod shape;
mod transport;

use cc_proto::id::RoomId;
use cc_proto::message::{Message, SignedMessage};
use serde_json::Value;

use super::input;
use super::refusals::Refused;

/// The fields of `expect` beside the verdict, or a refusal.
pub type Outcome = Result<Value, Refused>;

/// A group of vectors.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The name of its folder.
    pub name: &'static str,
    run: Run,
}

#[derive(Debug, Clone, Copy)]
enum Run {
    Judges(fn(&Value) -> Outcome),
    Shows(fn(&Value) -> Value),
}

impl Group {
    /// Whether there is anything that it refuses.
    pub fn refuses(&self) -> bool {
        matches!(self.run, Run::Judges(_))
    }

    /// What comes of an input.
    pub(super) fn run(&self, input: &Value) -> Outcome {
        match self.run {
            Run::Judges(run) => run(input),
            Run::Shows(run) => Ok(run(input)),
        }
    }
}

const fn judges(name: &'static str, run: fn(&Value) -> Outcome) -> Group {
    let run = Run::Judges(run);
    Group { name, run }
}

const fn shows(name: &'static str, run: fn(&Value) -> Value) -> Group {
    let run = Run::Shows(run);
    Group { name, run }
}

/// Every group.
pub const GROUPS: [Group; 32] = [
    judges("append", membership::append),
    judges("body", messages::body),
    judges("bundle", membership::bundle),
    judges("chain", transport::chain),
    shows("clean-line", names::clean_line),
    shows("clean-text", names::clean_text),
    shows("clock", encoding::clock),
    shows("digest", transport::digest),
    judges("door", membership::door),
    judges("encoding", encoding::encoding),
    shows("file-name", names::file_name),
    judges("frame", transport::frame),
    judges("genesis", messages::message),
    judges("header", messages::header),
    judges("hello", transport::hello),
    judges("id", encoding::id),
    shows("identity", encoding::identity),
    shows("labels", transport::labels),
    judges("log", disk::log),
    shows("membership", membership::membership),
    shows("mention", names::mention),
    judges("message", messages::message),
    shows("names", names::names),
    judges("nick", names::nick),
    judges("proof", proofs::proof),
    judges("receipt", receipts::receipt),
    judges("render", injection::render),
    shows("roster", membership::roster),
    judges("segment", messages::segment),
    judges("signature", encoding::signature),
    judges("skew", encoding::skew),
    judges("ticket", encoding::ticket),
];

fn room_of(input: &Value) -> RoomId {
    RoomId::from_bytes(input::array(input, "room"))
}

/// The messages of a list that are part of what is given, and so must verify.
fn verified(room: &RoomId, input: &Value, name: &str) -> Vec<Message> {
    let verify = |raw: Vec<u8>| {
        let message = SignedMessage::decode(&raw).and_then(|wire| wire.verify(room));
        message.unwrap_or_else(|error| panic!("`{name}` must hold good messages: {error}"))
    };
    let list = input::bytes_list(input, name);
    list.into_iter().map(verify).collect()
}
