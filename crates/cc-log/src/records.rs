//! `index/records`: one [`Record`] a line.

use std::collections::BTreeMap;
use std::io;

use cc_proto::id::ArrivalNo;

use crate::record::{RECORD_BYTES, Record};
use crate::storage::StorageFile;

/// The records, with those that are not yet written kept in memory.
#[derive(Debug)]
pub(crate) struct Records<F> {
    file: F,
    /// Records `1..=flushed` are in the file.
    flushed: u64,
    waiting: Vec<Record>,
    /// Records of the file that changed and were not yet written again.
    altered: BTreeMap<ArrivalNo, Record>,
}

fn place(n: ArrivalNo) -> u64 {
    (n.0 - 1) * RECORD_BYTES as u64
}

/// Reads record `n` from the file; `None` where it is missing or garbage.
pub(crate) fn read<F: StorageFile>(file: &F, n: ArrivalNo) -> io::Result<Option<Record>> {
    let mut bytes = [0; RECORD_BYTES];
    let got = file.read_at(&mut bytes, place(n))?;
    Ok(Record::decode(n, &bytes[..got]))
}

/// Reads records `from..=to` with one call; those that are missing or garbage are `None`.
pub(crate) fn read_many<F: StorageFile>(
    file: &F,
    from: ArrivalNo,
    to: ArrivalNo,
) -> io::Result<Vec<Option<Record>>> {
    let count = (to.0 + 1).saturating_sub(from.0);
    let mut bytes = vec![0; count as usize * RECORD_BYTES];
    let got = file.read_at(&mut bytes, place(from))?;
    bytes[got..].fill(0);
    let records = bytes.chunks_exact(RECORD_BYTES).zip(from.0..);
    Ok(records
        .map(|(bytes, n)| Record::decode(ArrivalNo(n), bytes))
        .collect())
}

impl<F: StorageFile> Records<F> {
    pub fn new(file: F) -> Self {
        Self {
            file,
            flushed: 0,
            waiting: Vec::new(),
            altered: BTreeMap::new(),
        }
    }

    /// How many there are, written and waiting.
    pub fn count(&self) -> u64 {
        self.flushed + self.waiting.len() as u64
    }

    /// How many wait to be written.
    pub fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }

    pub fn record(&self, n: ArrivalNo) -> io::Result<Option<Record>> {
        if n.0 > self.flushed {
            return Ok(self.waiting.get((n.0 - self.flushed - 1) as usize).copied());
        }
        match self.altered.get(&n) {
            Some(record) => Ok(Some(*record)),
            None => read(&self.file, n),
        }
    }

    /// Records `from..=to`, those in the file with one call.
    pub fn between(&self, from: ArrivalNo, to: ArrivalNo) -> io::Result<Vec<Option<Record>>> {
        let last_stored = ArrivalNo(to.0.min(self.flushed));
        let mut records = read_many(&self.file, from, last_stored)?;
        for (n, record) in self.altered.range(from..=last_stored.max(from)) {
            if let Some(held) = records.get_mut((n.0 - from.0) as usize) {
                *held = Some(*record);
            }
        }
        for n in from.0.max(self.flushed + 1)..=to.0 {
            records.push(self.record(ArrivalNo(n))?);
        }
        Ok(records)
    }

    /// The record in the file, of which nothing is trusted yet.
    pub fn read_stored(&self, n: ArrivalNo) -> io::Result<Option<Record>> {
        read(&self.file, n)
    }

    /// Adds the record of the next line.
    pub fn push(&mut self, record: Record) {
        self.waiting.push(record);
    }

    /// Puts another record in the place of that of line `n`, which is committed.
    pub fn alter(&mut self, n: ArrivalNo, record: Record) {
        if n.0 <= self.flushed {
            self.altered.insert(n, record);
        } else if let Some(held) = self.waiting.get_mut((n.0 - self.flushed - 1) as usize) {
            *held = record;
        }
    }

    /// Forgets the records of lines after `committed`.
    pub fn discard(&mut self, committed: ArrivalNo) {
        self.waiting
            .truncate(committed.0.saturating_sub(self.flushed) as usize);
    }

    /// Writes all that wait; all of them are committed.
    pub fn flush(&mut self) -> io::Result<()> {
        for (n, record) in &self.altered {
            self.file.write_at(&record.encode(*n), place(*n))?;
        }
        self.altered.clear();
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(self.waiting.len() * RECORD_BYTES);
        for (record, n) in self.waiting.iter().zip(self.flushed + 1..) {
            bytes.extend_from_slice(&record.encode(ArrivalNo(n)));
        }
        self.file
            .write_at(&bytes, self.flushed * RECORD_BYTES as u64)?;
        self.flushed += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// Cuts the file to `count` records.
    pub fn reset(&mut self, count: u64) -> io::Result<()> {
        self.waiting.clear();
        self.altered.clear();
        self.flushed = count;
        self.file.truncate(count * RECORD_BYTES as u64)
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
