//! One line of `log.jsonl`: JSON for people and for `jq`, and `raw`, the exact bytes, for us.

use std::borrow::Cow;

use cc_proto::id::{ArrivalNo, MessageId, Timestamp};
use cc_proto::message::Message;
use serde::{Deserialize, Serialize};

use crate::error::DamagedLine;
use crate::record::Flags;

/// Longest line that can hold a message, in bytes. A text of 16 KiB, every byte escaped to six,
/// and its base64 stay far below.
pub(crate) const LINE_BYTES_MAX: u64 = 1024 * 1024;
/// How every line begins.
pub(crate) const LINE_START: &[u8] = b"{\"n\":";

/// What a line says beside the message, for those who read the log without us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineInfo<'a> {
    /// The author's nickname at that time, as it is shown.
    pub nick: &'a str,
    /// Whether the text names the owner of this log.
    pub names_owner: bool,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, in order of arrival.
    pub n: ArrivalNo,
    /// When it arrived, by this machine's clock; 0 where the line is damaged.
    pub at: Timestamp,
    /// The message, or what is wrong with the line.
    pub message: Result<Message, DamagedLine>,
    /// Where the line begins in `log.jsonl`.
    pub offset: u64,
    /// Its length in bytes, with the newline.
    pub len: u32,
    /// The damaged line that this one is the refetched copy of.
    pub repairs: Option<ArrivalNo>,
    /// What the index knows of it.
    pub flags: Flags,
}

impl Line {
    /// Where the next line begins.
    pub fn end(&self) -> u64 {
        self.offset + u64::from(self.len)
    }

    /// The id of the message; `None` for a damaged line.
    pub fn id(&self) -> Option<MessageId> {
        self.message.as_ref().ok().map(Message::id)
    }

    /// Whether a reader whose cursor stands at `cursor` passes over it, because it is a copy of a
    /// line that the cursor is past already.
    pub fn is_skipped_after(&self, cursor: ArrivalNo) -> bool {
        self.repairs.is_some_and(|repaired| repaired <= cursor)
    }
}

#[derive(Serialize)]
struct LineOut<'a> {
    n: u64,
    at: u64,
    id: String,
    author: String,
    nick: &'a str,
    chain: u32,
    seq: u64,
    ts: u64,
    kind: &'a str,
    via: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    re: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    raw: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    repairs: Option<u64>,
}

/// The fields that our own readers look at.
#[derive(Deserialize)]
struct LineIn<'a> {
    n: u64,
    at: u64,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    raw: Cow<'a, str>,
    repairs: Option<u64>,
}

/// Writes the line of a message, newline included, at the end of `out`; gives its length.
pub(crate) fn encode(
    n: ArrivalNo,
    at: Timestamp,
    message: &Message,
    nick: &str,
    repairs: Option<ArrivalNo>,
    out: &mut Vec<u8>,
) -> u32 {
    let header = message.header();
    let line = LineOut {
        n: n.0,
        at: at.0,
        id: message.id().to_hex(),
        author: header.author.to_hex(),
        nick,
        chain: header.chain.0,
        seq: header.seq.0,
        ts: header.ts.0,
        kind: message.kind().name(),
        via: &header.via,
        re: header.re.map(|id| id.to_hex()),
        text: message.text(),
        raw: data_encoding::BASE64.encode(&message.to_raw()),
        repairs: repairs.map(|n| n.0),
    };
    let start = out.len();
    // Strings and numbers serialise without fail into a growing buffer.
    serde_json::to_writer(&mut *out, &line).expect("a line serialises");
    out.push(b'\n');
    (out.len() - start) as u32
}

/// A line that decoded: what is taken from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub n: ArrivalNo,
    pub at: Timestamp,
    pub repairs: Option<ArrivalNo>,
    pub message: Message,
}

/// Reads a line, with or without its newline. Of the readable fields only `n`, `at` and
/// `repairs` are taken; the message is what `raw` holds, and `id` must agree with it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, DamagedLine> {
    let line: LineIn<'_> = serde_json::from_slice(bytes).map_err(|_| DamagedLine::NotJson)?;
    let raw = data_encoding::BASE64
        .decode(line.raw.as_bytes())
        .map_err(|_| DamagedLine::NotBase64)?;
    let message = Message::from_log(&raw).map_err(DamagedLine::NotAMessage)?;
    if line.id != message.id().to_hex() {
        return Err(DamagedLine::IdMismatch {
            actual: message.id(),
        });
    }
    Ok(Parsed {
        n: ArrivalNo(line.n),
        at: Timestamp(line.at),
        repairs: line.repairs.map(ArrivalNo),
        message,
    })
}
