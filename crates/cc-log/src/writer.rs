//! The one writer of a room's log.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use cc_proto::history::History;
use cc_proto::id::{ArrivalNo, AuthorId, ChainId, Head, MessageId, RoomId, Seq, Timestamp};
use cc_proto::message::Message;

use crate::entries::{Entry, Slot};
use crate::erase::Erasures;
use crate::error::{OpenError, ReadError, WriteError};
use crate::fs::FsStorage;
use crate::index::{Index, NewLine, Placement};
use crate::layout;
use crate::line::{self, Line, LineInfo};
use crate::lookup::{self, Verdict};
use crate::record::Record;
use crate::recover::{self, Opened, Recovery};
use crate::storage::{Storage, StorageFile};

/// A checkpoint is written after this many lines: as many are read at most when opening after a
/// crash.
const CHECKPOINT_LINES: u64 = 10_000;

/// A room's log, open for writing: at most one in all processes.
///
/// [`append`](Self::append) keeps messages in memory, where look-ups find them at once;
/// [`commit`](Self::commit) puts all of them on disk with one write and one sync.
pub struct LogWriter<S: Storage = FsStorage> {
    pub(crate) storage: S,
    pub(crate) dir: PathBuf,
    room: RoomId,
    pub(crate) log: S::File,
    pub(crate) committed_file: S::File,
    pub(crate) index: Index<S::File>,
    /// Lines that wait for the commit; they will stand at `committed`.
    pub(crate) buffer: Vec<u8>,
    pub(crate) committed: u64,
    pub(crate) erasures: Erasures,
    committed_lines: ArrivalNo,
    /// The log may be longer than `committed`, by what a failed commit wrote.
    needs_cut: bool,
    next_checkpoint: u64,
    checkpoint_lines: u64,
    /// Damaged lines met while reading, beside those that the index knows.
    met_damaged: RefCell<BTreeSet<ArrivalNo>>,
    suspect: Cell<bool>,
    _lock: S::Lock,
}

impl<S: Storage> std::fmt::Debug for LogWriter<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogWriter")
            .field("room", &self.room)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<S: Storage> LogWriter<S> {
    /// Opens the log in `dir`, the room's folder, making what is missing.
    ///
    /// # Errors
    /// [`OpenError::Locked`] while another process writes to it; [`OpenError`] where the disk
    /// fails. A damaged log or index is no error: see [`Recovery`].
    pub fn open(
        storage: S,
        dir: &Path,
        room: RoomId,
        me: AuthorId,
    ) -> Result<(Self, Recovery), OpenError> {
        let failed = |action| {
            move |source: io::Error| match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    OpenError::StorageFull { source }
                }
                _ => OpenError::Io {
                    action,
                    dir: dir.to_owned(),
                    source,
                },
            }
        };
        storage
            .create_dir_all(dir)
            .map_err(failed("make the folder"))?;
        let lock = storage
            .try_lock(&layout::writer_lock(dir))
            .map_err(failed("take the writer's lock"))?
            .ok_or_else(|| OpenError::Locked {
                dir: dir.to_owned(),
            })?;
        let Opened {
            log,
            committed: committed_file,
            index,
            recovery,
        } = recover::open(&storage, dir, room, me).map_err(failed("open the log"))?;
        let writer = Self {
            storage,
            dir: dir.to_owned(),
            room,
            log,
            committed_file,
            committed: index.state.end,
            committed_lines: index.state.n,
            next_checkpoint: index.state.n.0 + CHECKPOINT_LINES,
            checkpoint_lines: CHECKPOINT_LINES,
            index,
            buffer: Vec::new(),
            erasures: Erasures::default(),
            needs_cut: false,
            met_damaged: RefCell::default(),
            suspect: Cell::new(false),
            _lock: lock,
        };
        Ok((writer, recovery))
    }

    /// Appends a message; it is on disk after the next [`commit`](Self::commit). A message that
    /// is stored already is not appended again: the number of its line is given. A message whose
    /// line was damaged is appended as that line's repair.
    ///
    /// # Errors
    /// [`WriteError`]; the log is then as it was before.
    pub fn append(
        &mut self,
        message: &Message,
        at: Timestamp,
        info: LineInfo<'_>,
    ) -> Result<ArrivalNo, WriteError> {
        self.append_line(message, at, info, None)
    }

    /// Appends the refetched copy of damaged line `n`. Cursors past that line skip it.
    ///
    /// # Errors
    /// [`WriteError::NotDamaged`] where line `n` can be read; else as [`append`](Self::append).
    pub fn append_repair(
        &mut self,
        n: ArrivalNo,
        message: &Message,
        at: Timestamp,
        info: LineInfo<'_>,
    ) -> Result<ArrivalNo, WriteError> {
        if self.read(n)?.message.is_ok() {
            return Err(WriteError::NotDamaged { n });
        }
        self.append_line(message, at, info, Some(n))
    }

    fn append_line(
        &mut self,
        message: &Message,
        at: Timestamp,
        info: LineInfo<'_>,
        repairs: Option<ArrivalNo>,
    ) -> Result<ArrivalNo, WriteError> {
        if message.room() != self.room {
            return Err(WriteError::WrongRoom {
                room: message.room(),
            });
        }
        let id_of = |n| self.id_of(n);
        let (placement, repairs) = self
            .index
            .place(message, repairs, &id_of)
            .map_err(ReadError::Io)?;
        match placement {
            Placement::Stored(n) => return Ok(n),
            Placement::OutOfOrder => {
                return Err(WriteError::OutOfOrder {
                    seq: message.header().seq.0,
                });
            }
            Placement::Grow(_) | Placement::Begin { .. } | Placement::Fill { .. } => {}
        }
        let erasing = if line::is_erased(message) {
            Some(self.plan_arrived(repairs, &message.id())?)
        } else {
            None
        };
        let n = ArrivalNo(self.len().0 + 1);
        let offset = self.committed + self.buffer.len() as u64;
        let len = line::encode(n, at, message, info.nick, repairs, &mut self.buffer);
        let names_owner = info.names_owner;
        let new = NewLine {
            message,
            placement,
            offset,
            len,
            names_owner,
            repairs,
        };
        if let Err(source) = self.index.add(&new) {
            self.buffer.truncate((offset - self.committed) as usize);
            return Err(WriteError::Read(ReadError::Io(source)));
        }
        if let Some(lost) = repairs {
            self.met_damaged.borrow_mut().remove(&lost);
        }
        if let Some(erasing) = erasing {
            self.queue_arrived(n, erasing);
        }
        Ok(n)
    }

    /// Puts all that was appended on disk, and erases what was to be: returns once it would survive a power loss.
    ///
    /// # Errors
    /// [`WriteError::StorageFull`] or [`WriteError::Io`]: then none of what was appended since the
    /// last commit is in the log, and the caller must load its state anew. What was committed
    /// before is unharmed, and later commits succeed once the disk allows it.
    pub fn commit(&mut self) -> Result<(), WriteError> {
        if !self.is_dirty() {
            return Ok(());
        }
        if let Err(source) = self.write_buffer() {
            self.abandon();
            self.needs_cut = true;
            // If this fails too, the next commit does it first. Synced, lest a power loss bring
            // back what the sender was told is not stored.
            let _ = self.cut().and_then(|()| self.log.sync_data());
            return Err(WriteError::from_io(source));
        }
        self.committed += self.buffer.len() as u64;
        self.committed_lines = self.len();
        self.buffer.clear();
        self.index.commit();
        self.erasures.commit();
        // The messages are stored. An index that cannot be written is kept in memory, tried again
        // at the next commit, and made anew from the log at the next opening.
        let _ = self.index.flush();
        let _ = recover::publish(&self.committed_file, &self.index.state);
        if !self.erasures.is_empty() {
            let _ = self.write_erasures();
        }
        if self.len().0 >= self.next_checkpoint && self.index_waiting() == 0 {
            let _ = self.checkpoint();
            self.next_checkpoint = self.len().0 + self.checkpoint_lines;
        }
        Ok(())
    }

    /// Takes back all that was appended since the last [`commit`](Self::commit), and was to be erased.
    pub fn abandon(&mut self) {
        self.buffer.clear();
        self.index.discard();
        self.erasures.discard();
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.cut()?;
        self.log.write_at(&self.buffer, self.committed)?;
        self.log.sync_data()
    }

    fn cut(&mut self) -> io::Result<()> {
        if self.needs_cut {
            self.log.truncate(self.committed)?;
            self.needs_cut = false;
        }
        Ok(())
    }

    pub(crate) fn checkpoint(&mut self) -> io::Result<()> {
        // The log may hold erased lines of which the index does not know.
        if self.suspect.get() || self.erasures.overdue() > 0 {
            return Ok(());
        }
        recover::write_checkpoint(&self.storage, &self.dir, self.room, &mut self.index)
    }

    /// Sets after how many lines a checkpoint is written, 10,000 unless told: after a crash about as
    /// many are read again at the next opening.
    pub fn set_checkpoint_lines(&mut self, lines: u64) {
        self.checkpoint_lines = lines;
        self.next_checkpoint = self.len().0 + lines;
    }

    /// Commits what was appended and writes a checkpoint, so that the next opening reads nothing.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn close(mut self) -> Result<(), WriteError> {
        self.commit()?;
        self.index.flush().map_err(WriteError::from_io)?;
        self.checkpoint().map_err(WriteError::from_io)
    }

    /// The room.
    pub fn room(&self) -> RoomId {
        self.room
    }

    /// The room's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The number of the last line, appended or committed; 0 in an empty log.
    pub fn len(&self) -> ArrivalNo {
        self.index.state.n
    }

    /// Whether nothing was ever appended.
    pub fn is_empty(&self) -> bool {
        self.len() == ArrivalNo(0)
    }

    /// Whether something was appended or is to be erased that is not yet committed.
    pub fn is_dirty(&self) -> bool {
        !self.buffer.is_empty() || !self.erasures.is_empty()
    }

    /// How many chat messages there are, a repaired one once.
    pub fn chat_count(&self) -> u64 {
        self.index.state.chat
    }

    /// Lines whose index entry could not be written yet, as when the disk is full.
    pub fn index_waiting(&self) -> u64 {
        self.index.records.waiting() - (self.len().0 - self.committed_lines.0)
    }

    /// Every tip of every chain, in the order of author, chain, place and id; more than one of a
    /// chain where it forked.
    pub fn heads(&self) -> Vec<Head> {
        self.index.state.branches.heads()
    }

    /// The places that hold more than one message, once for every message beyond the first.
    pub fn forks(&self) -> Vec<(AuthorId, ChainId, Seq)> {
        self.index.state.branches.forks()
    }

    /// The damaged lines known of, whose message was not yet fetched again.
    pub fn damaged(&self) -> Vec<ArrivalNo> {
        let mut damaged = self.index.state.damaged.clone();
        damaged.extend(self.met_damaged.borrow().iter());
        damaged.into_iter().collect()
    }

    /// The places whose message damage took: peers may still have them.
    ///
    /// # Errors
    /// [`ReadError::Io`].
    pub fn lost(&self) -> Result<Vec<(AuthorId, ChainId, Seq)>, ReadError> {
        Ok(self.index.missing()?)
    }

    /// The messages that shape the roster, in order of arrival. Reads only their lines.
    ///
    /// # Errors
    /// [`ReadError::Io`].
    pub fn roster_messages(&self) -> Result<Vec<Message>, ReadError> {
        let count = self.index.state.roster_lines;
        let mut messages = Vec::with_capacity(count as usize);
        let mut last = ArrivalNo(0);
        for slot in (0..count).map(Slot) {
            match self.index.roster.entry(slot)? {
                Entry::Line(n) if n > last => {
                    last = n;
                    let line = self.read(n)?;
                    messages.extend(line.message.ok().filter(Message::shapes_roster));
                }
                _ => {
                    self.distrust_index();
                    return self.scan_roster_messages();
                }
            }
        }
        Ok(messages)
    }

    fn scan_roster_messages(&self) -> Result<Vec<Message>, ReadError> {
        let mut messages = Vec::new();
        for n in (1..=self.len().0).map(ArrivalNo) {
            let record = self.index.records.record(n)?;
            if record.is_none_or(|record| record.flags.shapes_roster()) {
                let line = self.read(n)?;
                messages.extend(line.message.ok().filter(Message::shapes_roster));
            }
        }
        Ok(messages)
    }

    /// Reads a line, committed or not.
    ///
    /// # Errors
    /// [`ReadError::NoSuchLine`] beyond the end, [`ReadError::Io`].
    pub fn read(&self, n: ArrivalNo) -> Result<Line, ReadError> {
        if n == ArrivalNo(0) || n > self.len() {
            return Err(ReadError::NoSuchLine { n });
        }
        let line = match self.index.records.record(n)? {
            Some(record) => self.read_record(n, &record)?,
            None => None,
        };
        let line = if let Some(line) = line {
            line
        } else {
            self.distrust_index();
            let record = |n| self.index.records.record(n);
            lookup::search(
                &self.log,
                self.committed,
                n,
                Some(&self.index.owner),
                record,
            )?
        };
        if line.message.is_err() && self.is_unrepaired(n)? {
            self.met_damaged.borrow_mut().insert(n);
        }
        Ok(line)
    }

    /// Whether a damaged line still stands at its place: no copy of it was appended.
    fn is_unrepaired(&self, n: ArrivalNo) -> io::Result<bool> {
        let Some(record) = self.index.records.record(n)? else {
            return Ok(false);
        };
        let branches = self.index.state.branches.all();
        let Some(branch) = branches.get(record.branch as usize) else {
            return Ok(false);
        };
        Ok(self.index.line_at(record.branch, branch, record.seq)? == Some(n))
    }

    /// `None` where the record and the log contradict each other.
    fn read_record(&self, n: ArrivalNo, record: &Record) -> io::Result<Option<Line>> {
        let len = record.len as usize;
        let verdict = if let Some(bytes) = self.erasures.bytes_at(record.offset, len) {
            lookup::judge(n, record, bytes)
        } else if let Some(at) = record.offset.checked_sub(self.committed) {
            let bytes = self
                .buffer
                .get(at as usize..at as usize + len)
                .unwrap_or_default();
            lookup::judge(n, record, bytes)
        } else {
            // A record that lies about the length must not make us take that much memory.
            if record.end() > self.committed {
                return Ok(None);
            }
            let mut bytes = vec![0; len];
            let got = self.log.read_at(&mut bytes, record.offset)?;
            lookup::judge(n, record, &bytes[..got])
        };
        Ok(match verdict {
            Verdict::Line(line) => Some(line),
            Verdict::Contradiction => None,
        })
    }

    /// The index on disk does not hold what it should: it is made anew at the next opening.
    fn distrust_index(&self) {
        if !self.suspect.replace(true) {
            let _ = self.storage.remove(&layout::checkpoint(&self.dir));
        }
    }

    fn id_of(&self, n: ArrivalNo) -> io::Result<Option<(MessageId, Option<MessageId>)>> {
        match self.read(n) {
            Ok(line) => Ok(line
                .message
                .ok()
                .map(|message| (message.id(), message.header().prev))),
            Err(ReadError::Io(error)) => Err(error),
            Err(ReadError::NoSuchLine { .. }) => Ok(None),
        }
    }
}

impl<S: Storage> History for LogWriter<S> {
    type Error = ReadError;

    fn at(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Vec<(ArrivalNo, Message)>, ReadError> {
        let mut messages = Vec::new();
        for n in self.index.lines_at(&(*author, chain), seq)? {
            if let Ok(message) = self.read(n)?.message {
                let header = message.header();
                if (header.author, header.chain, header.seq) == (*author, chain, seq) {
                    messages.push((n, message));
                } else {
                    self.distrust_index();
                }
            }
        }
        Ok(messages)
    }

    fn arrival(
        &self,
        author: &AuthorId,
        chain: ChainId,
        seq: Seq,
    ) -> Result<Option<ArrivalNo>, ReadError> {
        Ok(self
            .index
            .lines_at(&(*author, chain), seq)?
            .first()
            .copied())
    }
}
