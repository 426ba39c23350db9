//! Reads one line by its number, by its record if that holds good and by a scan if not.

use std::io;

use cc_proto::id::{ArrivalNo, Timestamp};
use cc_proto::message::Message;

use crate::error::{DamagedLine, ReadError};
use crate::line::{self, Line, Parsed};
use crate::owner::Owner;
use crate::record::{Flags, Record, id_prefix};
use crate::scan::{Scanned, Scanner};
use crate::storage::StorageFile;

/// What a record and the bytes it points at say together.
#[derive(Debug)]
pub(crate) enum Verdict {
    Line(Line),
    /// The record is not of these bytes.
    Contradiction,
}

/// Checks the bytes that a record points at. A line may be damaged, yet it ends with a newline
/// and, where it can be read, is the message that the record says.
pub(crate) fn judge(n: ArrivalNo, record: &Record, bytes: &[u8]) -> Verdict {
    if record.len == 0 {
        return Verdict::Line(damaged(
            n,
            record.offset,
            0,
            record.flags,
            DamagedLine::Swallowed,
        ));
    }
    if bytes.len() != record.len as usize {
        return Verdict::Contradiction;
    }
    match line::parse(bytes) {
        Ok(parsed) if id_prefix(&parsed.message.id()) == record.id => {
            Verdict::Line(whole(n, record.offset, record.len, record.flags, parsed))
        }
        // Of what was damaged already when the index was made, the ends were found by scanning.
        Err(why) if record.flags.damaged() || bytes.ends_with(b"\n") => {
            Verdict::Line(damaged(n, record.offset, record.len, record.flags, why))
        }
        Ok(_) | Err(_) => Verdict::Contradiction,
    }
}

fn whole(n: ArrivalNo, offset: u64, len: u32, flags: Flags, parsed: Parsed) -> Line {
    let Parsed {
        at,
        repairs,
        message,
        ..
    } = parsed;
    // Where the line was overwritten and its record not yet.
    let flags = if line::is_erased(&message) {
        flags.with_erased()
    } else {
        flags
    };
    Line {
        n,
        at,
        message: Ok(message),
        offset,
        len,
        repairs,
        flags,
    }
}

fn damaged(n: ArrivalNo, offset: u64, len: u32, flags: Flags, why: DamagedLine) -> Line {
    let flags = flags.with_damaged();
    Line {
        n,
        at: Timestamp(0),
        message: Err(why),
        offset,
        len,
        repairs: None,
        flags,
    }
}

/// The line that a scan found; its flags are worked out as the index would have.
pub(crate) fn from_scan(scanned: Scanned, owner: Option<&Owner>) -> Line {
    let Scanned {
        n,
        offset,
        len,
        parsed,
    } = scanned;
    match parsed {
        Ok(parsed) => {
            let flags = flags_of(&parsed.message, owner).with_repair(parsed.repairs.is_some());
            whole(n, offset, len, flags, parsed)
        }
        Err(why) => damaged(n, offset, len, Flags::of_damaged(), why),
    }
}

fn flags_of(message: &Message, owner: Option<&Owner>) -> Flags {
    owner.map_or_else(
        || {
            let (chat, file) = (message.text().is_some(), message.file().is_some());
            Flags::default()
                .with_chat(chat)
                .with_file(file)
                .with_injectable(chat || file)
                .with_shapes_roster(message.shapes_roster())
        },
        |owner| owner.flags(message),
    )
}

/// Finds line `n` by walking the log from the nearest line before it whose record holds.
pub(crate) fn search<F: StorageFile>(
    log: &F,
    end: u64,
    n: ArrivalNo,
    owner: Option<&Owner>,
    record: impl Fn(ArrivalNo) -> io::Result<Option<Record>>,
) -> Result<Line, ReadError> {
    let mut start = (ArrivalNo(1), 0);
    for before in (1..n.0).rev().map(ArrivalNo) {
        let Some(held) = record(before)? else {
            continue;
        };
        let mut bytes = vec![0; held.len as usize];
        if held.end() > end || log.read_at(&mut bytes, held.offset)? < bytes.len() {
            continue;
        }
        // A damaged neighbour proves nothing of where it ends.
        if let Verdict::Line(Line { message: Ok(_), .. }) = judge(before, &held, &bytes) {
            start = (ArrivalNo(before.0 + 1), held.end());
            break;
        }
    }
    let mut scanner = Scanner::new(log, start.0, start.1, end);
    while let Some(scanned) = scanner.next_line()? {
        if scanned.n == n {
            return Ok(from_scan(scanned, owner));
        }
    }
    Err(ReadError::NoSuchLine { n })
}
