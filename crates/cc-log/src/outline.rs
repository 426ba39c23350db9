//! What a prompt hook asks of the index: who wrote which line, and whether the log lost its end.

use std::io;

use cc_proto::id::{ArrivalNo, AuthorId, Seq};
use cc_proto::message::Message;

use crate::checkpoint::Committed;
use crate::error::ReadError;
use crate::fs::FsStorage;
use crate::index::NO_BRANCH;
use crate::layout;
use crate::line::Line;
use crate::lookup::{self, Verdict};
use crate::reader::LogReader;
use crate::record::{Flags, PREFIX_BYTES, RECORD_BYTES, Record, author_prefix, id_prefix};
use crate::storage::{Access, Storage, StorageFile};

/// What an outline has of an author: equal for two lines of one, different (but for accidents) otherwise.
pub fn author_tag(author: &AuthorId) -> u64 {
    u64::from_le_bytes(author_prefix(author))
}

/// A line without its text. Small, as a hook looks at thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    /// Its number.
    pub n: ArrivalNo,
    /// What the index knows of it.
    pub flags: Flags,
    /// The first eight bytes of the author's key; 0 for a damaged line.
    pub author_tag: u64,
    offset: u64,
    len: u32,
    pub(crate) branch: u32,
    pub(crate) seq: Seq,
    pub(crate) id: [u8; PREFIX_BYTES],
}

impl Outline {
    fn of(line: &Line) -> Self {
        let header = line.message.as_ref().ok().map(Message::header);
        let author = header.map(|header| author_tag(&header.author));
        Self {
            n: line.n,
            flags: line.flags,
            author_tag: author.unwrap_or(0),
            offset: line.offset,
            len: line.len,
            branch: NO_BRANCH,
            seq: header.map_or(Seq(0), |header| header.seq),
            id: line.id().map_or([0; PREFIX_BYTES], |id| id_prefix(&id)),
        }
    }

    fn of_record(n: ArrivalNo, record: &Record) -> Self {
        Self {
            n,
            flags: record.flags,
            author_tag: u64::from_le_bytes(record.author),
            offset: record.offset,
            len: record.len,
            branch: record.branch,
            seq: record.seq,
            id: record.id,
        }
    }

    /// As much of the record as tells whether a line is the right one.
    fn record(&self) -> Record {
        Record {
            offset: self.offset,
            len: self.len,
            flags: self.flags,
            kind: 0,
            injectable: 0,
            last_roster: 0,
            author: self.author_tag.to_le_bytes(),
            branch: self.branch,
            seq: self.seq,
            id: self.id,
        }
    }
}

impl<S: Storage> LogReader<S> {
    /// The outlines of lines `from..=to`, read at once and, where the index knows them, without
    /// reading the lines. Numbers beyond either end are left out.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn outlines(&self, from: ArrivalNo, to: ArrivalNo) -> Result<Vec<Outline>, ReadError> {
        let (from, to) = (from.max(ArrivalNo(1)), to.min(self.len()));
        if from > to {
            return Ok(Vec::new());
        }
        let records = self.records_between(from, to)?.into_iter().zip(from.0..);
        let outlines = records.map(|(record, n)| match record {
            Some(record) => Ok(Outline::of_record(ArrivalNo(n), &record)),
            None => Ok(Outline::of(&self.line(ArrivalNo(n))?)),
        });
        outlines.collect()
    }

    /// The line of an outline, with a single read where the index was right.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn line_of(&self, outline: &Outline) -> Result<Line, ReadError> {
        let record = outline.record();
        if record.end() <= self.end_offset() {
            let mut bytes = vec![0; record.len as usize];
            let got = self.log.read_at(&mut bytes, record.offset)?;
            if let Verdict::Line(line) = lookup::judge(outline.n, &record, &bytes[..got]) {
                return Ok(line);
            }
        }
        self.line(outline.n)
    }
}

impl LogReader<FsStorage> {
    /// Whether the log is shorter than its index says, as it never is unless somebody cut it: the log is on disk
    /// before the index speaks of it.
    ///
    /// # Errors
    /// As the file system reports them.
    pub fn is_cut_short(&self) -> io::Result<bool> {
        let size = self.log.size()?;
        if let Some(records) = &self.records {
            let last = ArrivalNo(records.size()? / RECORD_BYTES as u64);
            if self.record(last)?.is_some_and(|record| record.end() > size) {
                return Ok(true);
            }
        }
        let committed = match FsStorage.open(&layout::committed(self.dir()), Access::Read) {
            Ok(file) => Committed::read(&file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(committed.is_some_and(|committed| committed.bytes > size))
    }
}
