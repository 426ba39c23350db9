//! Arrival numbers in index files of 8-byte entries, each with a check of its own.
//!
//! `index/places`: for every branch of a chain, blocks of [`BLOCK_ENTRIES`] entries, one a place;
//! 0 where none is known. `index/roster`: the numbers of the lines that shape the roster, rising.
//! `index/erased`: the numbers of the lines that were counted as injectable and are erased, rising.

use std::collections::BTreeMap;
use std::io;

use cc_proto::id::ArrivalNo;

use crate::checksum::crc32;
use crate::record::le_u64;
use crate::storage::StorageFile;

/// Size of an entry.
pub(crate) const ENTRY_BYTES: u64 = 8;
/// Entries in a block of `index/places`.
pub(crate) const BLOCK_ENTRIES: u64 = 64;
/// An entry's number stands in its low 40 bits, the check above.
const NUMBER_BITS: u32 = 40;

/// A slot in a file of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(pub u64);

/// What stands in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Nothing.
    Empty,
    /// A line.
    Line(ArrivalNo),
    /// Bytes that nobody wrote there.
    Garbage,
}

fn encode(slot: Slot, n: Option<ArrivalNo>) -> [u8; ENTRY_BYTES as usize] {
    let value = n.map_or(0, |n| n.0 | (check(slot, n) << NUMBER_BITS));
    value.to_le_bytes()
}

fn decode(slot: Slot, value: u64) -> Entry {
    let n = ArrivalNo(value & ((1 << NUMBER_BITS) - 1));
    match value {
        0 => Entry::Empty,
        _ if n.0 > 0 && value >> NUMBER_BITS == check(slot, n) => Entry::Line(n),
        _ => Entry::Garbage,
    }
}

fn check(slot: Slot, n: ArrivalNo) -> u64 {
    let sum = crc32(&[b"cc-log entry 1", &slot.0.to_le_bytes(), &n.0.to_le_bytes()]);
    u64::from(sum & 0x00FF_FFFF)
}

/// A file of entries, with those that are not yet written kept in memory.
#[derive(Debug)]
pub(crate) struct Entries<F> {
    file: F,
    /// By slot: the number, and the line at whose commit it may be written.
    waiting: BTreeMap<Slot, (Option<ArrivalNo>, ArrivalNo)>,
}

impl<F: StorageFile> Entries<F> {
    pub fn new(file: F) -> Self {
        Self {
            file,
            waiting: BTreeMap::new(),
        }
    }

    pub fn entry(&self, slot: Slot) -> io::Result<Entry> {
        if let Some((n, _)) = self.waiting.get(&slot) {
            return Ok(n.map_or(Entry::Empty, Entry::Line));
        }
        let mut bytes = [0; ENTRY_BYTES as usize];
        self.file.read_at(&mut bytes, slot.0 * ENTRY_BYTES)?;
        Ok(decode(slot, u64::from_le_bytes(bytes)))
    }

    /// Puts an entry; it is written once line `with` is committed.
    pub fn put(&mut self, slot: Slot, n: Option<ArrivalNo>, with: ArrivalNo) {
        self.waiting.insert(slot, (n, with));
    }

    /// Forgets the entries of lines after `committed`.
    pub fn discard(&mut self, committed: ArrivalNo) {
        self.waiting.retain(|_, (_, with)| *with <= committed);
    }

    /// Writes all that waits, neighbours at once; all of it is committed.
    pub fn flush(&mut self) -> io::Result<()> {
        let mut run: Vec<u8> = Vec::new();
        let mut start = 0;
        for (slot, (n, _)) in &self.waiting {
            if start + run.len() as u64 != slot.0 * ENTRY_BYTES {
                if !run.is_empty() {
                    self.file.write_at(&run, start)?;
                }
                run.clear();
                start = slot.0 * ENTRY_BYTES;
            }
            run.extend_from_slice(&encode(*slot, *n));
        }
        if !run.is_empty() {
            self.file.write_at(&run, start)?;
        }
        self.waiting.clear();
        Ok(())
    }

    /// The first `count` numbers of the file, where they rise; see [`read_rising`].
    pub fn rising(&self, count: u64) -> io::Result<Option<Vec<ArrivalNo>>> {
        read_rising(&self.file, count)
    }

    /// Cuts the file to `count` entries.
    pub fn reset(&mut self, count: u64) -> io::Result<()> {
        self.waiting.clear();
        self.file.truncate(count * ENTRY_BYTES)
    }

    /// Extends the file to `count` entries, the new ones empty.
    pub fn pad(&mut self, count: u64) -> io::Result<()> {
        if self.holds(count)? {
            Ok(())
        } else {
            self.file.truncate(count * ENTRY_BYTES)
        }
    }

    pub fn holds(&self, count: u64) -> io::Result<bool> {
        Ok(self.file.size()? >= count * ENTRY_BYTES)
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The first number after `after` in a rising list and the slot it stands in, which is that of the list's end where
/// there is none; `Err` where the list is garbage.
pub(crate) fn first_after<F: StorageFile>(
    file: &F,
    after: ArrivalNo,
) -> io::Result<Result<(Slot, Option<ArrivalNo>), Garbage>> {
    let (mut low, mut high) = (0, file.size()? / ENTRY_BYTES);
    let mut found = None;
    while low < high {
        let middle = low + (high - low) / 2;
        let mut bytes = [0; ENTRY_BYTES as usize];
        file.read_at(&mut bytes, middle * ENTRY_BYTES)?;
        match decode(Slot(middle), le_u64(&bytes, 0)) {
            Entry::Line(n) if n > after => {
                found = Some(n);
                high = middle;
            }
            Entry::Line(_) => low = middle + 1,
            Entry::Empty | Entry::Garbage => return Ok(Err(Garbage)),
        }
    }
    Ok(Ok((Slot(low), found)))
}

/// The first `count` numbers of a rising list; `None` where it does not hold so many, or not rising.
pub(crate) fn read_rising<F: StorageFile>(
    file: &F,
    count: u64,
) -> io::Result<Option<Vec<ArrivalNo>>> {
    if file.size()? / ENTRY_BYTES < count {
        return Ok(None);
    }
    let mut bytes = vec![0; (count * ENTRY_BYTES) as usize];
    let got = file.read_at(&mut bytes, 0)?;
    let mut numbers: Vec<ArrivalNo> = Vec::with_capacity(count as usize);
    for (entry, slot) in bytes[..got].chunks_exact(ENTRY_BYTES as usize).zip(0..) {
        match decode(Slot(slot), le_u64(entry, 0)) {
            Entry::Line(n) if numbers.last().is_none_or(|last| *last < n) => numbers.push(n),
            _ => return Ok(None),
        }
    }
    Ok((numbers.len() as u64 == count).then_some(numbers))
}

/// An index file holds what nobody wrote there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Garbage;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_believed_only_in_its_own_slot() {
        let bytes = encode(Slot(5), Some(ArrivalNo(77)));
        let value = u64::from_le_bytes(bytes);
        assert_eq!(decode(Slot(5), value), Entry::Line(ArrivalNo(77)));
        assert_eq!(decode(Slot(6), value), Entry::Garbage);
        assert_eq!(decode(Slot(5), value ^ 1), Entry::Garbage);
        assert_eq!(decode(Slot(5), 0), Entry::Empty);
    }
}
