//! Erasing the body of a stored message.
//!
//! The line is overwritten in place by one of the same length, so that no number and no offset moves. That is not
//! atomic, and need not be. Whatever part of the overwriting a crash leaves, the line is the old one, the new one, or
//! damaged, and then the message is fetched again like any other that damage took. The order of the steps sees to it
//! that nothing else is lost, see [`LogWriter::write_erasures`].

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use cc_proto::id::{ArrivalNo, AuthorId, ChainId, MessageId, Seq};

use crate::error::{ReadError, WriteError};
use crate::layout;
use crate::line;
use crate::record::id_prefix;
use crate::recover;
use crate::storage::{Storage, StorageFile};
use crate::writer::LogWriter;

/// What is to be erased and is not yet.
#[derive(Debug, Default)]
pub(crate) struct Erasures {
    /// Asked for since the last commit.
    new: Pending,
    /// Committed, and to be done now; kept where the disk refused.
    due: Pending,
}

#[derive(Debug, Default)]
struct Pending {
    /// Of each message its own line and the damaged ones that it is the copy of.
    lines: Vec<Vec<ArrivalNo>>,
    /// What is written where.
    overwrites: BTreeMap<u64, Vec<u8>>,
}

impl Pending {
    fn take(&mut self, mut other: Self) {
        self.lines.append(&mut other.lines);
        self.overwrites.append(&mut other.overwrites);
    }
}

impl Erasures {
    pub fn is_empty(&self) -> bool {
        self.new.lines.is_empty() && self.due.lines.is_empty()
    }

    /// How many messages were to be erased at a commit and are not.
    pub fn overdue(&self) -> usize {
        self.due.lines.len()
    }

    /// What is to be written at an offset, where that is as long as `len`.
    pub fn bytes_at(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let written = |pending: &'_ Pending| pending.overwrites.contains_key(&offset);
        let pending = [&self.new, &self.due].into_iter().find(|it| written(it))?;
        let bytes = pending.overwrites.get(&offset)?;
        (bytes.len() == len).then_some(bytes.as_slice())
    }

    /// Forgets what was asked for since the last commit.
    pub fn discard(&mut self) {
        self.new = Pending::default();
    }

    /// What was asked for is to be done.
    pub fn commit(&mut self) {
        self.due.take(std::mem::take(&mut self.new));
    }
}

/// One message to be erased.
#[derive(Debug, Default)]
pub(crate) struct Erasing {
    /// Its line, and the damaged one that this repairs; as much as the index made anew would know.
    lines: Vec<ArrivalNo>,
    overwrites: Vec<(u64, Vec<u8>)>,
}

impl<S: Storage> LogWriter<S> {
    /// Erases the body of a stored message, here and in every line that it was a copy of. Its header stays, so that
    /// its chain stays verifiable; so do its line's number and place. Look-ups find it without its body at once; it is
    /// on disk after the next [`commit`](Self::commit), which does not fail where the disk refuses it: it is then tried
    /// again at every commit, see [`erasures_waiting`](Self::erasures_waiting).
    ///
    /// `false` where there is nothing to erase: no such message is stored, its body is gone already, or it must stay as
    /// the room's membership depends on it.
    ///
    /// # Errors
    /// [`WriteError::Read`] where the line could not be read; nothing is then erased.
    pub fn erase(
        &mut self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
        id: &MessageId,
    ) -> Result<bool, WriteError> {
        let mut erased = false;
        let lines = self
            .index
            .lines_at(&(*author, chain), seq)
            .map_err(ReadError::Io)?;
        for n in lines {
            let mut erasing = Erasing::default();
            let (is_readable, repairs) = self.plan(n, id, false, &mut erasing)?;
            if erasing.overwrites.is_empty() {
                continue;
            }
            if is_readable {
                erasing.lines = std::iter::once(n).chain(repairs).collect();
            }
            self.plan_copies(Some(n), repairs, id, &mut erasing)?;
            self.queue(erasing);
            erased = true;
        }
        Ok(erased)
    }

    /// How many messages were to be erased at a commit whose disk refused it.
    pub fn erasures_waiting(&self) -> usize {
        self.erasures.overdue()
    }

    /// A message came without its body: what the damaged lines that it is the copy of still hold of it goes.
    pub(crate) fn plan_arrived(
        &self,
        repairs: Option<ArrivalNo>,
        id: &MessageId,
    ) -> Result<Erasing, ReadError> {
        let mut erasing = Erasing::default();
        erasing.lines.extend(repairs);
        self.plan_copies(None, repairs, id, &mut erasing)?;
        Ok(erasing)
    }

    /// The message that was planned for came as line `n`.
    pub(crate) fn queue_arrived(&mut self, n: ArrivalNo, mut erasing: Erasing) {
        erasing.lines.push(n);
        self.queue(erasing);
    }

    fn queue(&mut self, erasing: Erasing) {
        self.erasures.new.lines.push(erasing.lines);
        self.erasures.new.overwrites.extend(erasing.overwrites);
    }

    /// Plans what is written over line `n` when message `id` is erased: nothing, where it does not hold it. `is_copy`: it
    /// held it, if it cannot be read. Gives whether it can, and which damaged line it is a copy of.
    fn plan(
        &self,
        n: ArrivalNo,
        id: &MessageId,
        is_copy: bool,
        erasing: &mut Erasing,
    ) -> Result<(bool, Option<ArrivalNo>), ReadError> {
        let line = self.read(n)?;
        let bytes = self.bytes_at(line.offset, line.len as usize)?;
        let written = match &line.message {
            Ok(message) if message.id() != *id => None,
            Ok(message) if message.shapes_roster() || line::is_erased(message) => None,
            Ok(_) => Some(line::erase(&bytes).unwrap_or_else(|| line::scrubbed(&bytes))),
            Err(_) => {
                let record = self.index.records.record(n)?;
                let held = record.is_some_and(|record| {
                    record.id == id_prefix(id) && !record.flags.shapes_roster()
                });
                (held || is_copy).then(|| line::scrubbed(&bytes))
            }
        };
        if let Some(written) = written.filter(|written| *written != bytes) {
            erasing.overwrites.push((line.offset, written));
        }
        Ok((line.message.is_ok(), line.repairs))
    }

    /// Plans the same for the damaged lines that held the message, of which `n` is the copy or may be.
    fn plan_copies(
        &self,
        n: Option<ArrivalNo>,
        repairs: Option<ArrivalNo>,
        id: &MessageId,
        erasing: &mut Erasing,
    ) -> Result<(), ReadError> {
        let mut copies: BTreeSet<ArrivalNo> = repairs.into_iter().collect();
        // One that is not repaired, or is without being known to be: its copy was taken for new. What a torn erasing
        // leaves begins as the line did.
        let hex = id.to_hex();
        for damaged in self.damaged() {
            let line = self.read(damaged)?;
            let bytes = self.bytes_at(line.offset, line.len as usize)?;
            if bytes.windows(hex.len()).any(|part| part == hex.as_bytes()) {
                copies.insert(damaged);
            }
        }
        // A copy may itself have been damaged and fetched again; it does not say any more which line it was a copy of.
        let until = repairs.map_or(0, |_| n.unwrap_or(self.len()).0);
        for before in (1..until).map(ArrivalNo) {
            let record = self.index.records.record(before)?;
            if record.is_some_and(|record| record.id == id_prefix(id)) {
                copies.insert(before);
            }
        }
        for copy in copies {
            if Some(copy) != n {
                self.plan(copy, id, true, erasing)?;
            }
        }
        Ok(())
    }

    /// The bytes of a line as look-ups are to see them.
    fn bytes_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        if let Some(bytes) = self.erasures.bytes_at(offset, len) {
            return Ok(bytes.to_vec());
        }
        if let Some(at) = offset.checked_sub(self.committed) {
            let bytes = self.buffer.get(at as usize..at as usize + len);
            return Ok(bytes.unwrap_or_default().to_vec());
        }
        let mut bytes = vec![0; len];
        let got = self.log.read_at(&mut bytes, offset)?;
        bytes.truncate(got);
        Ok(bytes)
    }

    /// Erases what is due. Of the steps, each is on disk before the next begins:
    /// 1. how far the log goes: a torn last line would else pass for one that was never written whole, and be cut;
    /// 2. that the index cannot be trusted, as what it says of old lines changes: from here on a crash has it made anew;
    /// 3. the lines;
    /// 4. the index, and that it can be trusted again.
    pub(crate) fn write_erasures(&mut self) -> io::Result<()> {
        let overwrites = !self.erasures.due.overwrites.is_empty();
        if overwrites {
            recover::publish(&self.committed_file, &self.index.state)?;
            self.committed_file.sync_data()?;
            match self.storage.remove(&layout::checkpoint(&self.dir)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.storage.sync_dir(&layout::index(&self.dir))?,
            }
            for (offset, bytes) in &self.erasures.due.overwrites {
                self.log.write_at(bytes, *offset)?;
            }
            self.log.sync_data()?;
        }
        for lines in &self.erasures.due.lines {
            self.index.erase(lines)?;
        }
        self.erasures.due = Pending::default();
        if overwrites {
            self.checkpoint()
        } else {
            self.index.flush()
        }
    }
}
