//! Reads the log forward, line by line, without the index: at recovery, and by readers whose index
//! is missing or behind.
//!
//! A line's number is its place in the file. Damage can swallow newlines or make new ones, and
//! must not shift the numbers of the lines after it:
//! - Bytes that are no line, up to where the next good line begins within them, are one damaged line.
//! - A damaged piece after a damaged piece that does not even begin like a line belongs to it.
//! - A good line after a damaged one may say a higher `n` than its place: the numbers between were
//!   swallowed. It is believed only as far as the damaged bytes have room for that many lines.

use std::collections::VecDeque;
use std::io;

use cc_proto::id::ArrivalNo;

use crate::error::DamagedLine;
use crate::line::{self, LINE_BYTES_MAX, LINE_START, Parsed};
use crate::storage::StorageFile;

/// How much is read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// No message's line is shorter: the base64 of header and hashes alone is longer.
const LINE_BYTES_MIN: u64 = 256;

/// A line found by a [`Scanner`].
#[derive(Debug)]
pub(crate) struct Scanned {
    pub n: ArrivalNo,
    pub offset: u64,
    pub len: u32,
    pub parsed: Result<Parsed, DamagedLine>,
}

impl Scanned {
    pub fn end(&self) -> u64 {
        self.offset + u64::from(self.len)
    }
}

/// Part of a file in memory, read ahead in chunks.
pub(crate) struct Window<'a, F> {
    file: &'a F,
    buf: Vec<u8>,
    start: u64,
    /// Nothing is read from here on.
    end: u64,
}

impl<'a, F: StorageFile> Window<'a, F> {
    pub fn new(file: &'a F, end: u64) -> Self {
        Self {
            file,
            buf: Vec::new(),
            start: 0,
            end,
        }
    }

    /// The bytes from `offset` on, up to `len`; fewer at the end.
    pub fn bytes(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        let len = len.min(self.end.saturating_sub(offset) as usize);
        let held = self.start..self.start + self.buf.len() as u64;
        if !(held.contains(&offset) || len == 0) || offset + len as u64 > held.end {
            let want = len
                .max(CHUNK_BYTES)
                .min(self.end.saturating_sub(offset) as usize);
            let kept = if held.contains(&offset) {
                self.buf.drain(..(offset - self.start) as usize);
                self.buf.len()
            } else {
                0
            };
            self.buf.resize(want, 0);
            let got = self
                .file
                .read_at(&mut self.buf[kept..], offset + kept as u64)?;
            self.buf.truncate(kept + got);
            self.start = offset;
        }
        let from = (offset.saturating_sub(self.start) as usize).min(self.buf.len());
        let to = (from + len).min(self.buf.len());
        Ok(&self.buf[from..to])
    }

    /// What is in memory from `offset` on, or else the next chunk; empty only at the end.
    fn buffered(&mut self, offset: u64) -> io::Result<&[u8]> {
        let end = self.start + self.buf.len() as u64;
        let held = if (self.start..end).contains(&offset) {
            end - offset
        } else {
            0
        };
        let len = if held == 0 {
            CHUNK_BYTES
        } else {
            held as usize
        };
        self.bytes(offset, len)
    }
}

/// Walks the lines from one that is known to begin at `offset`.
pub(crate) struct Scanner<'a, F> {
    window: Window<'a, F>,
    /// Where the next raw line begins.
    offset: u64,
    next: ArrivalNo,
    ready: VecDeque<Scanned>,
    held: Option<Held>,
    ended: bool,
}

struct Held {
    offset: u64,
    len: u64,
    why: DamagedLine,
}

impl<'a, F: StorageFile> Scanner<'a, F> {
    /// Line `n` begins at `offset`; nothing is read from `end` on.
    pub fn new(file: &'a F, n: ArrivalNo, offset: u64, end: u64) -> Self {
        Self {
            window: Window::new(file, end),
            offset,
            next: n,
            ready: VecDeque::new(),
            held: None,
            ended: false,
        }
    }

    /// The next line, or `None` at the end; what follows the last newline is no line yet.
    pub fn next_line(&mut self) -> io::Result<Option<Scanned>> {
        while self.ready.is_empty() && !self.ended {
            self.step()?;
        }
        Ok(self.ready.pop_front())
    }

    fn step(&mut self) -> io::Result<()> {
        let offset = self.offset;
        let Some(len) = self.raw_line()? else {
            self.ended = true;
            self.flush(None);
            return Ok(());
        };
        self.offset = offset + len;
        if len > LINE_BYTES_MAX {
            self.hold(offset, len, DamagedLine::TooLong { bytes: len }, false);
            return Ok(());
        }
        let bytes = self.window.bytes(offset, len as usize)?;
        match line::parse(bytes) {
            Ok(parsed) => self.good(offset, len, parsed),
            Err(why) => {
                let continues = !bytes.starts_with(LINE_START);
                if let Some((at, parsed)) = embedded(bytes) {
                    self.hold(offset, at, why, continues);
                    self.good(offset + at, len - at, parsed);
                } else {
                    self.hold(offset, len, why, continues);
                }
            }
        }
        Ok(())
    }

    /// The length of the raw line at the current offset, newline included.
    fn raw_line(&mut self) -> io::Result<Option<u64>> {
        let mut len = 0;
        loop {
            let chunk = self.window.buffered(self.offset + len)?;
            if chunk.is_empty() {
                return Ok(None);
            }
            if let Some(at) = chunk.iter().position(|byte| *byte == b'\n') {
                return Ok(Some(len + at as u64 + 1));
            }
            len += chunk.len() as u64;
        }
    }

    fn hold(&mut self, offset: u64, len: u64, why: DamagedLine, continues: bool) {
        match &mut self.held {
            Some(held) if continues => held.len += len,
            _ => {
                self.flush(None);
                self.held = Some(Held { offset, len, why });
            }
        }
    }

    fn good(&mut self, offset: u64, len: u64, parsed: Parsed) {
        self.flush(Some(parsed.n));
        self.push(offset, len, Ok(parsed));
    }

    /// Gives the held damaged line its number, and the swallowed ones after it theirs, where the
    /// good line `n` comes next.
    fn flush(&mut self, n: Option<ArrivalNo>) {
        let Some(Held { offset, len, why }) = self.held.take() else {
            return;
        };
        self.push(offset, len, Err(why));
        let swallowed_max = (len / LINE_BYTES_MIN).saturating_sub(1);
        let swallowed = n.map_or(0, |n| n.0.saturating_sub(self.next.0));
        if swallowed <= swallowed_max {
            for _ in 0..swallowed {
                self.push(offset + len, 0, Err(DamagedLine::Swallowed));
            }
        }
    }

    fn push(&mut self, offset: u64, len: u64, parsed: Result<Parsed, DamagedLine>) {
        // A length is u32 in the index: of a damaged stretch of 4 GiB, which nobody will read,
        // only the end would be off, so it is numbered by its last part.
        let over = len.saturating_sub(u64::from(u32::MAX));
        let scanned = Scanned {
            n: self.next,
            offset: offset + over,
            len: (len - over) as u32,
            parsed,
        };
        self.next = ArrivalNo(self.next.0 + 1);
        self.ready.push_back(scanned);
    }
}

/// The first good line that begins within a damaged one: the newline before it was damaged.
fn embedded(bytes: &[u8]) -> Option<(u64, Parsed)> {
    let starts = (1..bytes.len()).filter(|at| bytes[*at..].starts_with(LINE_START));
    // A text may well contain `{"n":`, though never unescaped; a few tries are enough.
    starts.take(64).find_map(|at| {
        line::parse(&bytes[at..])
            .ok()
            .map(|parsed| (at as u64, parsed))
    })
}

/// Where the last complete line ends: behind the last newline before `size`.
pub(crate) fn end_of_lines(file: &impl StorageFile, size: u64) -> io::Result<u64> {
    let mut end = size;
    let mut buf = vec![0; CHUNK_BYTES];
    while end > 0 {
        let start = end.saturating_sub(CHUNK_BYTES as u64);
        let got = file.read_at(&mut buf[..(end - start) as usize], start)?;
        if let Some(at) = buf[..got].iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
