//! Many lines in a row, read in large pieces.

use std::io;

use cc_proto::id::ArrivalNo;

use crate::error::ReadError;
use crate::fs::FsStorage;
use crate::line::Line;
use crate::lookup::{self, Verdict};
use crate::reader::LogReader;
use crate::record::Record;
use crate::scan::{Scanner, Window};
use crate::storage::Storage;

/// Records read with one call.
const RECORDS_AT_ONCE: u64 = 256;

/// Lines in order of arrival; see [`LogReader::lines_after`] and [`LogReader::range`].
///
/// Memory: a piece of the log and of the index, whatever the number of lines.
pub struct Lines<'a, S: Storage = FsStorage> {
    reader: &'a LogReader<S>,
    next: ArrivalNo,
    last: ArrivalNo,
    offset: u64,
    window: Window<'a, S::File>,
    records: std::vec::IntoIter<Option<Record>>,
    /// Walks the log where the index ends or lies.
    scanner: Option<Scanner<'a, S::File>>,
    failed: bool,
}

impl<S: Storage> std::fmt::Debug for Lines<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("next", &self.next)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl<'a, S: Storage> Lines<'a, S> {
    pub(crate) fn new(
        reader: &'a LogReader<S>,
        after: ArrivalNo,
        offset: u64,
        last: ArrivalNo,
    ) -> Self {
        Self {
            reader,
            next: ArrivalNo(after.0 + 1),
            last,
            offset,
            window: Window::new(&reader.log, reader.end_offset()),
            records: Vec::new().into_iter(),
            scanner: None,
            failed: false,
        }
    }

    fn read(&mut self) -> Result<Option<Line>, ReadError> {
        if self.scanner.is_none() {
            if let Some(line) = self.read_indexed()? {
                return Ok(Some(line));
            }
            let (log, end) = (&self.reader.log, self.reader.end_offset());
            self.scanner = Some(Scanner::new(log, self.next, self.offset, end));
        }
        let Some(scanner) = &mut self.scanner else {
            return Ok(None);
        };
        let Some(scanned) = scanner.next_line()? else {
            return Ok(None);
        };
        let n = scanned.n;
        let mut line = lookup::from_scan(scanned, self.reader.owner.as_ref());
        // A record that holds knows more than the line says: whose it is, whom it names.
        if let Some(record) = self.reader.record(n)?
            && record.offset == line.offset
            && record.len == line.len
        {
            line.flags = if line.flags.erased() {
                record.flags.with_erased()
            } else {
                record.flags
            };
        }
        Ok(Some(line))
    }

    /// `None` where the index does not know the line, or not rightly.
    fn read_indexed(&mut self) -> io::Result<Option<Line>> {
        if self.records.as_slice().is_empty() {
            let to = self.last.min(ArrivalNo(self.next.0 + RECORDS_AT_ONCE - 1));
            self.records = self.reader.records_between(self.next, to)?.into_iter();
        }
        let Some(record) = self.records.next().flatten() else {
            return Ok(None);
        };
        if record.offset != self.offset || record.end() > self.reader.end_offset() {
            return Ok(None);
        }
        let bytes = self.window.bytes(record.offset, record.len as usize)?;
        Ok(match lookup::judge(self.next, &record, bytes) {
            Verdict::Line(line) => Some(line),
            Verdict::Contradiction => None,
        })
    }
}

impl<S: Storage> Iterator for Lines<'_, S> {
    type Item = Result<Line, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.next > self.last {
            return None;
        }
        match self.read() {
            Ok(Some(line)) => {
                self.next = ArrivalNo(line.n.0 + 1);
                self.offset = line.end();
                Some(Ok(line))
            }
            Ok(None) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}
