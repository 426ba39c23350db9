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
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<FileOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<bool>,
    raw: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    repairs: Option<u64>,
}

/// The file that a message announces.
#[derive(Serialize)]
struct FileOut<'a> {
    name: &'a str,
    size: u64,
    hash: String,
    media_type: &'a str,
}

/// The least that a line holds; for where nothing else has room.
#[derive(Serialize)]
struct BareLine {
    n: u64,
    at: u64,
    id: String,
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
    let line = line_out(n, at, message, nick, repairs);
    let start = out.len();
    // Strings and numbers serialise without fail into a growing buffer.
    serde_json::to_writer(&mut *out, &line).expect("a line serialises");
    out.push(b'\n');
    (out.len() - start) as u32
}

fn line_out<'a>(
    n: ArrivalNo,
    at: Timestamp,
    message: &'a Message,
    nick: &'a str,
    repairs: Option<ArrivalNo>,
) -> LineOut<'a> {
    let header = message.header();
    LineOut {
        n: n.0,
        at: at.0,
        id: message.id().to_hex(),
        author: Some(header.author.to_hex()),
        nick,
        chain: header.chain.0,
        seq: header.seq.0,
        ts: header.ts.0,
        kind: message.kind().name(),
        via: &header.via,
        re: header.re.map(|id| id.to_hex()),
        text: message.text(),
        file: message.file().map(|file| FileOut {
            name: &file.name,
            size: file.size,
            hash: file.hash.to_hex(),
            media_type: &file.media_type,
        }),
        erased: is_erased(message).then_some(true),
        raw: data_encoding::BASE64.encode(&message.to_raw()),
        repairs: repairs.map(|n| n.0),
    }
}

/// Whether a message has no body any more.
pub(crate) fn is_erased(message: &Message) -> bool {
    message.wire().body.is_none()
}

/// The line to be written over that of a message when its body is erased: of the same length, so that no other line
/// moves. `None` where `bytes` are no line of a message, or of one whose body must stay.
///
/// A line that was overwritten in part holds the old `raw`, the new one, or neither, and then it is damaged: the body
/// goes by its hash, and both begin at nearly the same byte with the header that the id is of.
pub(crate) fn erase(bytes: &[u8]) -> Option<Vec<u8>> {
    let parsed = parse(bytes).ok()?;
    let message = parsed.message.without_body();
    if !is_erased(&message) {
        return None;
    }
    let nick: NickIn<'_> = serde_json::from_slice(bytes).ok()?;
    let repairs = parsed.repairs;
    let whole = line_out(parsed.n, parsed.at, &message, &nick.nick, repairs);
    // What an erased line says more than the old one did is nearly always less than what it lacks; else the author,
    // whom `raw` names anyway, is left out.
    padded(&whole, bytes.len())
        .or_else(|| {
            let author = None;
            padded(&LineOut { author, ..whole }, bytes.len())
        })
        .or_else(|| {
            let bare = BareLine {
                n: parsed.n.0,
                at: parsed.at.0,
                id: message.id().to_hex(),
                raw: data_encoding::BASE64.encode(&message.to_raw()),
                repairs: repairs.map(|n| n.0),
            };
            padded(&bare, bytes.len())
        })
}

#[derive(Deserialize)]
struct NickIn<'a> {
    #[serde(borrow, default)]
    nick: Cow<'a, str>,
}

/// A line of exactly `len` bytes, with spaces before its closing brace.
fn padded(line: &impl Serialize, len: usize) -> Option<Vec<u8>> {
    let mut bytes = serde_json::to_vec(line).ok()?;
    let spaces = len.checked_sub(bytes.len() + 1)?;
    bytes.pop();
    bytes.resize(bytes.len() + spaces, b' ');
    bytes.extend_from_slice(b"}\n");
    Some(bytes)
}

/// What is written over a damaged line so that nothing can be read out of it: it stays damaged, ends where it ended and begins
/// a line of its own if it did before.
pub(crate) fn scrubbed(bytes: &[u8]) -> Vec<u8> {
    let mut blank = vec![b' '; bytes.len()];
    if bytes.starts_with(LINE_START) {
        blank[..LINE_START.len()].copy_from_slice(LINE_START);
    }
    if let (Some(last), Some(b'\n')) = (blank.last_mut(), bytes.last()) {
        *last = b'\n';
    }
    blank
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
