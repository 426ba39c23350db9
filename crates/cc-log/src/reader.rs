//! Reading a room's log without a lock, in any process, while the writer appends.
//!
//! A reader sees the log as far as the writer has said that it is on disk (`index/committed`).
//! Where that file is missing or garbage, the reader syncs the log itself and takes every complete
//! line. So no line that was once shown goes away again, and a cursor never stands behind lines
//! that a power loss could take and others replace.

use std::io;
use std::path::{Path, PathBuf};

use cc_proto::id::{ArrivalNo, AuthorId, MessageId};

use crate::checkpoint::Committed;
use crate::cursor::{Cursor, Position};
use crate::entries;
use crate::error::ReadError;
use crate::fs::FsStorage;
use crate::layout;
use crate::line::Line;
use crate::lines::Lines;
use crate::lookup::{self, Verdict};
use crate::owner::Owner;
use crate::record::{Flags, Record, id_prefix};
use crate::records;
use crate::scan::{self, Scanner};
use crate::storage::{Access, Storage, StorageFile};

/// A room's log, open for reading, as it was at [`open`](Self::open) or the last
/// [`refresh`](Self::refresh).
pub struct LogReader<S: Storage = FsStorage> {
    storage: S,
    dir: PathBuf,
    pub(crate) log: S::File,
    pub(crate) records: Option<S::File>,
    pub(crate) owner: Option<Owner>,
    len: ArrivalNo,
    end: u64,
}

impl<S: Storage> std::fmt::Debug for LogReader<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogReader")
            .field("dir", &self.dir)
            .field("len", &self.len)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Whether the log in `dir` may hold lines after the cursor: one look at its size. `false` is
/// certain; after `true`, [`LogReader`] tells.
///
/// # Errors
/// As the file system reports them; [`io::ErrorKind::NotFound`] where there is no log.
pub fn may_have_unread<S: Storage>(storage: &S, dir: &Path, cursor: &Cursor) -> io::Result<bool> {
    Ok(storage.size(&layout::log(dir))? != cursor.offset)
}

impl LogReader<FsStorage> {
    /// Opens the log in `dir`, the room's folder.
    ///
    /// # Errors
    /// [`ReadError::Io`]; of kind `NotFound` where there is no log.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        Self::open_in(FsStorage, dir)
    }
}

impl<S: Storage> LogReader<S> {
    /// Opens the log in `dir`, the room's folder, on `storage`.
    ///
    /// # Errors
    /// [`ReadError::Io`]; of kind `NotFound` where there is no log.
    pub fn open_in(storage: S, dir: &Path) -> Result<Self, ReadError> {
        let log = storage.open(&layout::log(dir), Access::Read)?;
        let mut reader = Self {
            storage,
            dir: dir.to_owned(),
            log,
            records: None,
            owner: None,
            len: ArrivalNo(0),
            end: 0,
        };
        reader.refresh()?;
        Ok(reader)
    }

    /// Says whose log it is, so that flags are right even of lines that are not in the index.
    #[must_use]
    pub fn with_owner(mut self, author: AuthorId, nick: Option<String>) -> Self {
        self.owner = Some(Owner { author, nick });
        self
    }

    /// Looks again how far the log goes.
    ///
    /// # Errors
    /// [`ReadError::Io`].
    pub fn refresh(&mut self) -> Result<(), ReadError> {
        self.records = open_if_there(&self.storage, &layout::records(&self.dir))?;
        (self.len, self.end) = match self.committed()? {
            Some(committed) => (committed.n, committed.bytes),
            None => self.find_end()?,
        };
        Ok(())
    }

    /// What the writer last said, where that can be of this log.
    fn committed(&self) -> io::Result<Option<Committed>> {
        /// The file is rewritten in place: a read may meet a write, hardly two.
        const ATTEMPTS: usize = 3;
        let Some(file) = open_if_there(&self.storage, &layout::committed(&self.dir))? else {
            return Ok(None);
        };
        for _ in 0..ATTEMPTS {
            if let Some(committed) = Committed::read(&file)? {
                return Ok(self.ends_line(committed.bytes)?.then_some(committed));
            }
        }
        Ok(None)
    }

    /// Whether a line ends at `offset`.
    fn ends_line(&self, offset: u64) -> io::Result<bool> {
        let Some(at) = offset.checked_sub(1) else {
            return Ok(true);
        };
        let mut last = [0];
        Ok(self.log.read_at(&mut last, at)? == 1 && last == *b"\n")
    }

    /// Counts the lines, from the last one that the index knows on.
    fn find_end(&self) -> io::Result<(ArrivalNo, u64)> {
        // What is shown must not go away again. If this fails there is nothing better to do.
        let _ = self.log.sync_data();
        let end = scan::end_of_lines(&self.log, self.log.size()?)?;
        let mut start = (ArrivalNo(0), 0);
        let indexed = self.records.as_ref().map_or(Ok(0), StorageFile::size)?;
        for n in (1..=indexed / crate::record::RECORD_BYTES as u64)
            .rev()
            .map(ArrivalNo)
        {
            let Some(record) = self.record(n)? else {
                continue;
            };
            if record.end() <= end
                && matches!(self.judge(n, &record)?, Some(line) if line.message.is_ok())
            {
                start = (n, record.end());
                break;
            }
        }
        let mut scanner = Scanner::new(&self.log, ArrivalNo(start.0.0 + 1), start.1, end);
        while let Some(scanned) = scanner.next_line()? {
            // Damage at the very end is a torn write, which the writer will cut: a cursor must not
            // come to stand behind it.
            if scanned.parsed.is_ok() {
                start = (scanned.n, scanned.end());
            }
        }
        Ok(start)
    }

    /// The number of the last line; 0 in an empty log.
    pub fn len(&self) -> ArrivalNo {
        self.len
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.len == ArrivalNo(0)
    }

    /// Where the last line ends, in bytes.
    pub fn end_offset(&self) -> u64 {
        self.end
    }

    /// The room's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The position after the last line.
    ///
    /// # Errors
    /// [`ReadError::Io`].
    pub fn end(&self) -> Result<Position, ReadError> {
        self.position_after(self.len)
    }

    /// The position after line `n`, where a reader stands that was shown all through `n`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn position_after(&self, n: ArrivalNo) -> Result<Position, ReadError> {
        if n == ArrivalNo(0) {
            return Ok(Position::START);
        }
        Ok(Position::after(&self.line(n)?))
    }

    /// Reads line `n`.
    ///
    /// # Errors
    /// [`ReadError::NoSuchLine`], [`ReadError::Io`].
    pub fn line(&self, n: ArrivalNo) -> Result<Line, ReadError> {
        if n == ArrivalNo(0) || n > self.len {
            return Err(ReadError::NoSuchLine { n });
        }
        if let Some(record) = self.record(n)?
            && let Some(line) = self.judge(n, &record)?
        {
            return Ok(line);
        }
        lookup::search(&self.log, self.end, n, self.owner.as_ref(), |n| {
            self.record(n)
        })
    }

    /// The lines after a position, oldest first.
    pub fn lines_after(&self, position: &Position) -> Lines<'_, S> {
        Lines::new(self, position.n, position.offset, self.len)
    }

    /// Lines `from..=to`, oldest first; numbers beyond either end are left out.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn range(&self, from: ArrivalNo, to: ArrivalNo) -> Result<Lines<'_, S>, ReadError> {
        let before = ArrivalNo(from.0.saturating_sub(1).min(self.len.0));
        let offset = match self.record(before)? {
            _ if before == ArrivalNo(0) => 0,
            Some(record) if self.ends_line(record.end())? => record.end(),
            _ => self.line(before)?.end(),
        };
        Ok(Lines::new(self, before, offset, to.min(self.len)))
    }

    /// The newest `count` lines, oldest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn tail(&self, count: u64) -> Result<Vec<Line>, ReadError> {
        self.range(ArrivalNo(self.len.0.saturating_sub(count) + 1), self.len)?
            .collect()
    }

    /// How many injectable lines there are after line `n`: two records are read. A repaired line
    /// counts once, at the damaged one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn injectable_after(&self, n: ArrivalNo) -> Result<u64, ReadError> {
        self.injectable_between(n, self.len)
    }

    /// How many injectable lines there are in `after + 1..=through`: two records are read.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn injectable_between(
        &self,
        after: ArrivalNo,
        through: ArrivalNo,
    ) -> Result<u64, ReadError> {
        let through = through.min(self.len);
        if after >= through {
            return Ok(0);
        }
        let before = match after {
            ArrivalNo(0) => Some(0),
            n => self.record(n)?.map(|record| record.injectable),
        };
        let all = self.record(through)?.map(|record| record.injectable);
        if let (Some(before), Some(all)) = (before, all)
            && let Some(count) = all.checked_sub(before)
            && let Some(erased) = self.erased_between(after, through)?
            && let Some(count) = count.checked_sub(erased)
        {
            return Ok(count);
        }
        let mut count = 0;
        for line in self.range(ArrivalNo(after.0 + 1), through)? {
            let flags = line?.flags;
            count += u64::from(flags.injectable() && !flags.repair());
        }
        Ok(count)
    }

    /// How many lines of `after + 1..=through` are counted as injectable though they were erased; `None` where the list
    /// of those is garbage.
    fn erased_between(&self, after: ArrivalNo, through: ArrivalNo) -> io::Result<Option<u64>> {
        let Some(list) = open_if_there(&self.storage, &layout::erased(&self.dir))? else {
            return Ok(None);
        };
        let Ok((before, _)) = entries::first_after(&list, after)? else {
            return Ok(None);
        };
        let Ok((all, _)) = entries::first_after(&list, through)? else {
            return Ok(None);
        };
        Ok(all.0.checked_sub(before.0))
    }

    /// The flags of lines `from..=to`, read at once and without reading the lines, for finding
    /// those that name the owner. Numbers beyond either end are left out.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn flags(
        &self,
        from: ArrivalNo,
        to: ArrivalNo,
    ) -> Result<Vec<(ArrivalNo, Flags)>, ReadError> {
        let (from, to) = (from.max(ArrivalNo(1)), to.min(self.len));
        if from > to {
            return Ok(Vec::new());
        }
        let mut flags = Vec::with_capacity((to.0 - from.0 + 1) as usize);
        for (record, n) in self.records_between(from, to)?.into_iter().zip(from.0..) {
            let n = ArrivalNo(n);
            let known = record.map(|record| record.flags);
            flags.push((
                n,
                known.map_or_else(|| Ok(self.line(n)?.flags), Ok::<_, ReadError>)?,
            ));
        }
        Ok(flags)
    }

    /// The first line after `n` that shapes the roster.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn first_roster_line_after(&self, n: ArrivalNo) -> Result<Option<ArrivalNo>, ReadError> {
        if n >= self.len {
            return Ok(None);
        }
        let last = self.record(self.len)?;
        if last.is_some_and(|record| record.last_roster <= n.0) {
            return Ok(None);
        }
        let list = open_if_there(&self.storage, &layout::roster(&self.dir))?;
        if let (Some(list), Some(_)) = (list, last)
            && let Ok((_, Some(first))) = entries::first_after(&list, n)?
            && first <= self.len
            && self
                .record(first)?
                .is_some_and(|record| record.flags.shapes_roster())
        {
            return Ok(Some(first));
        }
        for line in self.range(ArrivalNo(n.0 + 1), self.len)? {
            let line = line?;
            if line.flags.shapes_roster() {
                return Ok(Some(line.n));
            }
        }
        Ok(None)
    }

    /// Where a cursor stands in this log. Where the log does not hold, at the cursor's place, the
    /// line that it says, the place is found again: by number and id, else by offset and id, else
    /// at the start, so that lines may be offered twice but none is skipped.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn place(&self, cursor: &Cursor) -> Result<Position, ReadError> {
        if cursor.n == ArrivalNo(0) {
            return Ok(Position::START);
        }
        let stands = Position {
            n: cursor.n,
            offset: cursor.offset,
            id: cursor.id,
        };
        if cursor.n > self.len {
            // The writer's word may be older than the cursor after a power loss, until it opens.
            let later = cursor.offset > self.end && self.ends_line(cursor.offset)?;
            return Ok(if later {
                stands
            } else {
                self.place_by_offset(cursor)?
            });
        }
        let (end, id, damaged) = if let Some(record) = self.record(cursor.n)? {
            (record.end(), record.id, record.flags.damaged())
        } else {
            let line = self.line(cursor.n)?;
            let id = line.id();
            (
                line.end(),
                id.map_or([0; 8], |id| id_prefix(&id)),
                id.is_none(),
            )
        };
        let same = cursor.id.is_some_and(|wanted| id_prefix(&wanted) == id);
        if end == cursor.offset && (same || damaged || cursor.id.is_none()) {
            return Ok(stands);
        }
        if same {
            return self.position_after(cursor.n);
        }
        self.place_by_offset(cursor)
    }

    /// Finds the line that ends at the cursor's offset and has its id.
    fn place_by_offset(&self, cursor: &Cursor) -> Result<Position, ReadError> {
        let Some(id) = cursor.id else {
            return Ok(Position::START);
        };
        let (mut low, mut high) = (1, self.len.0);
        while low <= high {
            let n = ArrivalNo(low + (high - low) / 2);
            let Some(record) = self.record(n)? else { break };
            match record.end().cmp(&cursor.offset) {
                std::cmp::Ordering::Less => low = n.0 + 1,
                std::cmp::Ordering::Greater => high = n.0 - 1,
                std::cmp::Ordering::Equal if record.id == id_prefix(&id) => {
                    return self.position_after(n);
                }
                std::cmp::Ordering::Equal => break,
            }
        }
        Ok(Position::START)
    }

    /// The record of line `n`; `None` where the index does not hold it.
    pub(crate) fn record(&self, n: ArrivalNo) -> io::Result<Option<Record>> {
        match &self.records {
            Some(file) if n > ArrivalNo(0) => records::read(file, n),
            _ => Ok(None),
        }
    }

    pub(crate) fn records_between(
        &self,
        from: ArrivalNo,
        to: ArrivalNo,
    ) -> io::Result<Vec<Option<Record>>> {
        match &self.records {
            Some(file) => records::read_many(file, from, to),
            None => Ok(vec![None; (to.0 + 1).saturating_sub(from.0) as usize]),
        }
    }

    /// The line that a record points at, if it does.
    fn judge(&self, n: ArrivalNo, record: &Record) -> io::Result<Option<Line>> {
        if record.end() > self.log.size()? {
            return Ok(None);
        }
        let mut bytes = vec![0; record.len as usize];
        let got = self.log.read_at(&mut bytes, record.offset)?;
        Ok(match lookup::judge(n, record, &bytes[..got]) {
            Verdict::Line(line) => Some(line),
            Verdict::Contradiction => None,
        })
    }

    /// Finds the line of a message by its id among the newest `count` lines.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn find(&self, id: &MessageId, count: u64) -> Result<Option<Line>, ReadError> {
        let from = ArrivalNo(self.len.0.saturating_sub(count) + 1);
        let records = self.records_between(from, self.len)?;
        for (record, n) in records.into_iter().rev().zip((from.0..=self.len.0).rev()) {
            if record.is_none_or(|record| record.id == id_prefix(id)) {
                let line = self.line(ArrivalNo(n))?;
                if line.id() == Some(*id) {
                    return Ok(Some(line));
                }
            }
        }
        Ok(None)
    }
}

fn open_if_there<S: Storage>(storage: &S, path: &Path) -> io::Result<Option<S::File>> {
    match storage.open(path, Access::Read) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
