//! The writer's index: what is in memory, and the files that follow it.
//!
//! [`Index::place`] says where a message belongs, [`Index::add`] and [`Index::add_damaged`] take
//! note of a line. Nothing is written before [`Index::flush`], which is called once the lines are
//! on disk; until then [`Index::discard`] takes everything back.

use std::collections::BTreeSet;
use std::io;

use cc_proto::id::{ArrivalNo, AuthorId, ChainId, MessageId, Seq};
use cc_proto::message::Message;

use crate::chains::{Branch, BranchUndo, Branches};
use crate::entries::{BLOCK_ENTRIES, Entries, Entry, Slot};
use crate::owner::Owner;
use crate::record::{Flags, PREFIX_BYTES, Record, author_prefix, id_prefix};
use crate::records::Records;
use crate::storage::StorageFile;

/// The branch number of a line whose place is not known.
pub(crate) const NO_BRANCH: u32 = u32::MAX;

/// All that the writer keeps in memory, as of line `n`.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub n: ArrivalNo,
    /// Where line `n` ends in the log.
    pub end: u64,
    pub last_id: Option<MessageId>,
    pub injectable: u64,
    pub chat: u64,
    pub last_roster: ArrivalNo,
    pub roster_lines: u64,
    /// Damaged lines whose copy was not yet fetched.
    pub damaged: BTreeSet<ArrivalNo>,
    /// Lines that `injectable` counts and whose message was erased, rising.
    pub erased: Vec<ArrivalNo>,
    pub branches: Branches,
}

/// Where a message belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// It is stored already, as this line.
    Stored(ArrivalNo),
    /// It follows the tip of this branch, perhaps after places that were lost.
    Grow(u32),
    /// It begins a branch at its place, or at place 1 where what came before was lost.
    Begin { base: Seq },
    /// It fills a place that was damaged.
    Fill { branch: u32, slot: Slot },
    /// It follows nothing that is stored.
    OutOfOrder,
}

/// A line to be taken note of.
pub(crate) struct NewLine<'a> {
    pub message: &'a Message,
    pub placement: Placement,
    pub offset: u64,
    pub len: u32,
    pub names_owner: bool,
    pub repairs: Option<ArrivalNo>,
}

/// The owner's nickname before a line changed it.
#[derive(Debug)]
struct NickBefore(Option<String>);

#[derive(Debug)]
struct Undo {
    n: ArrivalNo,
    end: u64,
    last_id: Option<MessageId>,
    injectable: u64,
    chat: u64,
    last_roster: ArrivalNo,
    roster_lines: u64,
    branch: Option<BranchUndo>,
    filled: Option<(Slot, Option<ArrivalNo>)>,
    repaired: Option<ArrivalNo>,
    nick: Option<NickBefore>,
}

/// The index of a log that is open for writing.
#[derive(Debug)]
pub(crate) struct Index<F> {
    pub records: Records<F>,
    pub places: Entries<F>,
    pub roster: Entries<F>,
    pub erased: Entries<F>,
    pub state: State,
    pub owner: Owner,
    undo: Vec<Undo>,
    /// The first of `state.erased` that is not yet among the entries.
    erased_from: Option<usize>,
}

/// Tells the id of a stored line; `None` where it is damaged.
pub(crate) type IdOf<'a> =
    &'a dyn Fn(ArrivalNo) -> io::Result<Option<(MessageId, Option<MessageId>)>>;

impl<F: StorageFile> Index<F> {
    pub fn new([records, places, roster, erased]: [F; 4], owner: Owner) -> Self {
        Self {
            records: Records::new(records),
            places: Entries::new(places),
            roster: Entries::new(roster),
            erased: Entries::new(erased),
            state: State::default(),
            owner,
            undo: Vec::new(),
            erased_from: None,
        }
    }

    /// Starts from a state whose files are trusted so far, and forgets what they hold beyond it.
    pub fn reset(&mut self, state: State) -> io::Result<()> {
        self.records.reset(state.n.0)?;
        self.places
            .reset(u64::from(state.branches.blocks()) * BLOCK_ENTRIES)?;
        self.roster.reset(state.roster_lines)?;
        self.erased.reset(state.erased.len() as u64)?;
        self.erased_from = None;
        self.state = state;
        self.undo.clear();
        Ok(())
    }

    /// The line at a place of a branch.
    pub fn line_at(&self, number: u32, branch: &Branch, seq: Seq) -> io::Result<Option<ArrivalNo>> {
        let Some(slot) = branch.slot(seq) else {
            return Ok(None);
        };
        match self.places.entry(slot)? {
            Entry::Empty => Ok(None),
            Entry::Line(n) => Ok(Some(n)),
            Entry::Garbage => self.search(number, seq),
        }
    }

    /// Finds a place among the records, where its entry is garbage.
    fn search(&self, number: u32, seq: Seq) -> io::Result<Option<ArrivalNo>> {
        let mut found = None;
        for n in (1..=self.records.count()).map(ArrivalNo) {
            let record = self.records.record(n)?;
            if record.is_some_and(|record| record.branch == number && record.seq == seq) {
                found = Some(n);
            }
        }
        Ok(found)
    }

    /// The lines at a place, in order of arrival.
    pub fn lines_at(&self, key: &(AuthorId, ChainId), seq: Seq) -> io::Result<Vec<ArrivalNo>> {
        let mut lines = Vec::new();
        for (number, branch) in self.state.branches.of(key) {
            lines.extend(self.line_at(number, branch, seq)?);
        }
        lines.sort_unstable();
        Ok(lines)
    }

    /// Where a message belongs. `repairs`: the damaged line that it is said to be a copy of.
    pub fn place(
        &self,
        message: &Message,
        repairs: Option<ArrivalNo>,
        id_of: IdOf<'_>,
    ) -> io::Result<(Placement, Option<ArrivalNo>)> {
        let header = message.header();
        let (key, seq) = ((header.author, header.chain), header.seq);
        let branches = &self.state.branches;
        let before = header.prev.map(|prev| (Seq(seq.0.saturating_sub(1)), prev));
        if let Some(number) = before.and_then(|tip| branches.with_tip(&key, tip)) {
            return Ok((Placement::Grow(number), repairs));
        }
        let mut fill = None;
        for (number, branch) in branches.of(&key) {
            let Some(slot) = branch.slot(seq) else {
                continue;
            };
            let stored = self.line_at(number, branch, seq)?;
            let id = stored.map(id_of).transpose()?.flatten();
            let is_same = id.is_some_and(|(id, _)| id == message.id());
            if is_same && self.lacks_body(stored, message)? {
                // The body that was withheld: a line of its own, which takes the place.
                return Ok((
                    Placement::Fill {
                        branch: number,
                        slot,
                    },
                    None,
                ));
            }
            match id {
                Some((id, _)) if id == message.id() => {
                    // Where a line repairs, what is stored at the place is the damaged one.
                    let n = stored.unwrap_or_default();
                    return Ok((Placement::Stored(n), None));
                }
                None if fill.is_none() && self.fits(number, branch, message, id_of)? => {
                    let lost = repairs.or(stored).or_else(|| self.unplaced_damage());
                    fill = Some((
                        Placement::Fill {
                            branch: number,
                            slot,
                        },
                        lost,
                    ));
                }
                Some(_) | None => {}
            }
        }
        if let Some(fill) = fill {
            return Ok(fill);
        }
        Ok((self.place_anew(&key, seq), repairs))
    }

    /// Whether what is stored of a message lacks the body with which it comes now.
    fn lacks_body(&self, stored: Option<ArrivalNo>, message: &Message) -> io::Result<bool> {
        let Some(n) = stored.filter(|_| message.wire().body.is_some()) else {
            return Ok(false);
        };
        let record = self.records.record(n)?;
        Ok(record.is_some_and(|record| record.flags.erased()))
    }

    /// Whether a message is the one that an unreadable place of a branch held.
    fn fits(
        &self,
        number: u32,
        branch: &Branch,
        message: &Message,
        id_of: IdOf<'_>,
    ) -> io::Result<bool> {
        let seq = message.header().seq;
        if branch.tip.0 == seq {
            return Ok(branch.tip.1 == message.id());
        }
        let Some(next) = self.line_at(number, branch, seq.next())? else {
            return Ok(true);
        };
        Ok(id_of(next)?.is_none_or(|(_, prev)| prev == Some(message.id())))
    }

    /// A damaged line of which nothing says what it held.
    fn unplaced_damage(&self) -> Option<ArrivalNo> {
        self.state.damaged.iter().copied().find(|n| {
            let record = self.records.record(*n).ok().flatten();
            record.is_none_or(|record| record.branch == NO_BRANCH)
        })
    }

    fn place_anew(&self, key: &(AuthorId, ChainId), seq: Seq) -> Placement {
        let lossy = !self.state.damaged.is_empty();
        // Every place below takes a line, damaged or not: a higher one can only be a lie.
        if seq.0 == 0 || seq.0 > self.state.n.0 + 1 {
            return Placement::OutOfOrder;
        }
        let top = self
            .state
            .branches
            .of(key)
            .max_by_key(|(_, branch)| branch.tip.0);
        match top {
            None if seq == Seq::FIRST => Placement::Begin { base: seq },
            None if lossy => Placement::Begin { base: Seq::FIRST },
            Some((number, branch)) if seq.0 > branch.tip.0.0 + 1 => {
                if lossy {
                    Placement::Grow(number)
                } else {
                    Placement::OutOfOrder
                }
            }
            Some(_) => Placement::Begin { base: seq },
            None => Placement::OutOfOrder,
        }
    }

    /// Takes note of the next line, which holds a message.
    pub fn add(&mut self, line: &NewLine<'_>) -> io::Result<ArrivalNo> {
        let n = ArrivalNo(self.state.n.0 + 1);
        let mut undo = self.undo_point();
        let header = line.message.header();
        let (branch, change) = self.place_line(n, line, &mut undo)?;
        undo.branch = change;
        let lost = match line.repairs {
            Some(lost) => self.records.record(lost)?.map(|record| record.flags),
            None => None,
        };
        let lost_counts = match line.repairs {
            Some(lost) => self.is_counted(lost)?,
            None => false,
        };
        let flags = self
            .owner
            .flags(line.message)
            .with_names_owner(line.names_owner)
            .with_repair(line.repairs.is_some());
        // A copy counts once with the line that it repairs.
        if self.owner.counts(line.message) && !lost_counts {
            self.state.injectable += 1;
        }
        if flags.chat() && !lost.is_some_and(Flags::chat) {
            self.state.chat += 1;
        }
        if flags.shapes_roster() {
            self.roster.put(Slot(self.state.roster_lines), Some(n), n);
            self.state.roster_lines += 1;
            self.state.last_roster = n;
        }
        if let Some(lost) = line.repairs
            && self.state.damaged.remove(&lost)
        {
            undo.repaired = Some(lost);
        }
        if let Some(nick) = self.owner.nick_in(line.message) {
            undo.nick = Some(NickBefore(self.owner.nick.replace(nick)));
        }
        self.undo.push(undo);
        self.state.n = n;
        self.state.end = line.offset + u64::from(line.len);
        self.state.last_id = Some(line.message.id());
        self.records.push(Record {
            offset: line.offset,
            len: line.len,
            flags,
            kind: header.kind,
            injectable: self.state.injectable,
            last_roster: self.state.last_roster.0,
            author: author_prefix(&header.author),
            branch,
            seq: header.seq,
            id: id_prefix(&line.message.id()),
        });
        Ok(n)
    }

    fn place_line(
        &mut self,
        n: ArrivalNo,
        line: &NewLine<'_>,
        undo: &mut Undo,
    ) -> io::Result<(u32, Option<BranchUndo>)> {
        let header = line.message.header();
        let tip = (header.seq, line.message.id());
        let branches = &mut self.state.branches;
        let (number, first, change) = match line.placement {
            Placement::Grow(number) => {
                let first = branches.all()[number as usize].tip.0.next();
                (number, first, branches.grow(number, tip))
            }
            Placement::Begin { base } => {
                let (number, change) = branches.begin((header.author, header.chain), base, tip);
                (number, base, change)
            }
            Placement::Fill { branch, slot } => {
                let old = match self.places.entry(slot)? {
                    Entry::Line(n) => Some(n),
                    Entry::Empty | Entry::Garbage => None,
                };
                undo.filled = Some((slot, old));
                (branch, header.seq, BranchUndo::Filled)
            }
            Placement::Stored(_) | Placement::OutOfOrder => return Ok((NO_BRANCH, None)),
        };
        let branch = &self.state.branches.all()[number as usize];
        // The file may hold garbage where nothing was yet written: lost places are written empty.
        for seq in first.0..=header.seq.0 {
            let here = (seq == header.seq.0).then_some(n);
            if let Some(slot) = branch.slot(Seq(seq)) {
                self.places.put(slot, here, n);
            }
        }
        Ok((number, Some(change)))
    }

    /// Takes note of the next line, which is damaged.
    pub fn add_damaged(&mut self, offset: u64, len: u32) {
        let n = ArrivalNo(self.state.n.0 + 1);
        let undo = self.undo_point();
        self.undo.push(undo);
        self.state.n = n;
        self.state.end = offset + u64::from(len);
        self.state.last_id = None;
        self.state.injectable += 1;
        self.state.damaged.insert(n);
        self.records.push(Record {
            offset,
            len,
            flags: Flags::of_damaged(),
            kind: 0,
            injectable: self.state.injectable,
            last_roster: self.state.last_roster.0,
            author: [0; PREFIX_BYTES],
            branch: NO_BRANCH,
            seq: Seq(0),
            id: [0; PREFIX_BYTES],
        });
    }

    /// Whether the count of injectable lines rises at a line.
    fn is_counted(&self, n: ArrivalNo) -> io::Result<bool> {
        let Some(record) = self.records.record(n)? else {
            return Ok(false);
        };
        let before = match n.0 {
            1 => Some(0),
            _ => self
                .records
                .record(ArrivalNo(n.0 - 1))?
                .map(|it| it.injectable),
        };
        Ok(before.map_or(record.flags.injectable(), |before| {
            record.injectable > before
        }))
    }

    /// Takes note that a message was erased: `lines` are its own, and the damaged ones that it is the copy of. They are
    /// committed. What was noted already changes nothing.
    pub fn erase(&mut self, lines: &[ArrivalNo]) -> io::Result<()> {
        let mut was_chat = false;
        for n in lines {
            let Some(record) = self.records.record(*n)? else {
                continue;
            };
            if self.is_counted(*n)?
                && let Err(at) = self.state.erased.binary_search(n)
            {
                self.state.erased.insert(at, *n);
                self.erased_from = Some(self.erased_from.map_or(at, |from| from.min(at)));
            }
            was_chat |= record.flags.chat();
            let flags = record.flags.with_erased();
            if flags != record.flags {
                self.records.alter(*n, Record { flags, ..record });
            }
        }
        self.state.chat -= u64::from(was_chat);
        Ok(())
    }

    fn undo_point(&self) -> Undo {
        let state = &self.state;
        Undo {
            n: state.n,
            end: state.end,
            last_id: state.last_id,
            injectable: state.injectable,
            chat: state.chat,
            last_roster: state.last_roster,
            roster_lines: state.roster_lines,
            branch: None,
            filled: None,
            repaired: None,
            nick: None,
        }
    }

    /// Takes back every line since the last commit.
    pub fn discard(&mut self) {
        while let Some(undo) = self.undo.pop() {
            let state = &mut self.state;
            state.damaged.remove(&state.n);
            state.n = undo.n;
            state.end = undo.end;
            state.last_id = undo.last_id;
            state.injectable = undo.injectable;
            state.chat = undo.chat;
            state.last_roster = undo.last_roster;
            state.roster_lines = undo.roster_lines;
            state.damaged.extend(undo.repaired);
            if let Some(change) = undo.branch {
                state.branches.undo(change);
            }
            if let Some(NickBefore(nick)) = undo.nick {
                self.owner.nick = nick;
            }
            if let Some((slot, old)) = undo.filled {
                // It may have waited since an earlier commit whose index could not be written.
                self.places.put(slot, old, ArrivalNo(0));
            }
        }
        self.records.discard(self.state.n);
        self.places.discard(self.state.n);
        self.roster.discard(self.state.n);
    }

    /// The lines are on disk: they are not taken back any more.
    pub fn commit(&mut self) {
        self.undo.clear();
    }

    /// Writes the files; on an error what was not written stays in memory until the next time.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Some(from) = self.erased_from.take() {
            for (at, n) in self.state.erased.iter().enumerate().skip(from) {
                self.erased.put(Slot(at as u64), Some(*n), ArrivalNo(0));
            }
        }
        self.places.flush()?;
        self.roster.flush()?;
        self.erased.flush()?;
        // Last, as readers take a record for a sign that the line is indexed.
        self.records.flush()
    }

    pub fn sync(&self) -> io::Result<()> {
        self.places.sync()?;
        self.roster.sync()?;
        self.erased.sync()?;
        self.records.sync()
    }

    /// The places whose messages damage took: of damaged lines whose place is still known, and
    /// those that no readable line holds.
    pub fn missing(&self) -> io::Result<Vec<(AuthorId, ChainId, Seq)>> {
        let mut missing = Vec::new();
        let mut unplaced = false;
        for n in &self.state.damaged {
            let record = self
                .records
                .record(*n)?
                .filter(|record| record.branch != NO_BRANCH);
            let branch = record.and_then(|record| {
                Some((
                    self.state.branches.all().get(record.branch as usize)?,
                    record.seq,
                ))
            });
            match branch {
                Some((branch, seq)) => missing.push((branch.author, branch.chain, seq)),
                None => unplaced = true,
            }
        }
        if unplaced {
            for branch in self.state.branches.all() {
                for seq in (branch.base.0..=branch.tip.0.0).map(Seq) {
                    let entry = branch
                        .slot(seq)
                        .map(|slot| self.places.entry(slot))
                        .transpose()?;
                    if entry == Some(Entry::Empty) {
                        missing.push((branch.author, branch.chain, seq));
                    }
                }
            }
        }
        missing.sort_unstable();
        missing.dedup();
        Ok(missing)
    }
}
