//! One message as it is shown to an agent: a header of ours, then the author's words, cleaned and indented.

use std::fmt::Write as _;

use super::time::clock_time;
use super::{MESSAGE_BYTES_MAX, Quote};
use crate::files::SharedFile;
use crate::id::{ArrivalNo, RoomId, Timestamp};
use crate::limits::SKEW_MS_MAX;
use crate::text::{clean_for_agent, clean_nick, names_reader};
use crate::via::Via;

/// Before every line of a text but the first.
pub(super) const INDENT: &str = "    ";

/// Where a message is shown, and what of it the header tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub room: RoomId,
    pub reader_nick: &'a str,
    pub now: Timestamp,
    /// Whether the header has the message's number.
    pub numbered: bool,
    /// Whether it is a summary of the room.
    pub summary: bool,
    /// The most bytes, header and last line break included.
    pub bytes_max: usize,
}

impl<'a> Frame<'a> {
    /// As a prompt shows a message.
    pub fn new(room: RoomId, reader_nick: &'a str, now: Timestamp) -> Self {
        Self {
            room,
            reader_nick,
            now,
            numbered: false,
            summary: false,
            bytes_max: MESSAGE_BYTES_MAX,
        }
    }

    /// One message with its header, its last line break included. Where `n` is not known, a message that is cut
    /// does not say where the rest is.
    pub fn entry(&self, n: Option<ArrivalNo>, quote: &Quote) -> String {
        if let Some(file) = &quote.file {
            return self.file(n, quote, file);
        }
        let text = clean_for_agent(&quote.text);
        let text = text.trim_end_matches('\n');
        let mut header = self.header(n, quote, text);
        let indents = text.matches('\n').count() * INDENT.len();
        if header.len() + "] \n".len() + text.len() + indents > self.bytes_max {
            let _ = write!(header, " (cut, {} bytes in all", quote.text.len());
            if let Some(n) = n {
                let room = self.room.short();
                let _ = write!(header, ": n {} in cc-connect log --room {room}", n.0);
            }
            header.push(')');
        }
        finish(header, text, self.bytes_max)
    }

    /// A file on a line. It names nobody; where its path would make the line too long, the path is left out.
    fn file(&self, n: Option<ArrivalNo>, quote: &Quote, file: &SharedFile) -> String {
        let header = self.header(n, quote, "");
        let room = self.room.short();
        let space = self.bytes_max.saturating_sub(header.len() + "] \n".len());
        let said = file.said(&room, space);
        finish(header, &said, self.bytes_max)
    }

    /// The header but for its end.
    fn header(&self, n: Option<ArrivalNo>, quote: &Quote, text: &str) -> String {
        let name = shown_name(&quote.name);
        let mut header = format!("[chatroom @{name} {}", clock_time(quote.ts, self.now));
        if let (true, Some(n)) = (self.numbered, n) {
            let _ = write!(header, " (n {})", n.0);
        }
        if self.summary {
            header.push_str(" (summary)");
        }
        let via = Via::parse(&quote.via);
        match (quote.own, &via) {
            (true, None) => header.push_str(" (from your user)"),
            // Not the user's words, though it is the user's key.
            (true, Some(_)) => header.push_str(" (from your user's agent)"),
            (false, _) => {}
        }
        if let Some(via) = via {
            let agent = clean_nick(&via.agent).unwrap_or_else(|| "agent".to_owned());
            let _ = match via.role.word() {
                Some(role) => write!(header, " (via {agent}, {role})"),
                None => write!(header, " (via {agent})"),
            };
        }
        if !quote.own && names_reader(text, self.reader_nick) {
            header.push_str(" (for you)");
        }
        if quote.ts.0 > quote.at.0.saturating_add(SKEW_MS_MAX) {
            header.push_str(" (sender's clock is ahead)");
        }
        header
    }
}

/// Puts as much of the text behind the header as `bytes_max` allows.
fn finish(header: String, text: &str, bytes_max: usize) -> String {
    let mut out = header;
    out.push_str("] ");
    for c in text.chars() {
        let cost = c.len_utf8() + if c == '\n' { INDENT.len() } else { 0 };
        if out.len() + cost + 1 > bytes_max {
            break;
        }
        out.push(c);
        if c == '\n' {
            out.push_str(INDENT);
        }
    }
    out.push('\n');
    out
}

/// A display name, held to what a nick or `nick#fingerprint` may be whoever made it.
pub(super) fn shown_name(name: &str) -> String {
    let (nick, print) = match name.split_once('#') {
        Some((nick, print))
            if print.len() == 10 && print.bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            (nick, Some(print))
        }
        _ => (name, None),
    };
    let mut shown = clean_nick(nick).unwrap_or_else(|| "unknown".to_owned());
    if let Some(print) = print {
        shown.push('#');
        shown.push_str(print);
    }
    shown
}
