//! Opening a log for writing: a torn tail is cut, the index is believed as far as its checkpoint
//! and made anew from there, or from the start where it does not hold.

use std::io;
use std::path::{Path, PathBuf};

use cc_proto::id::{ArrivalNo, AuthorId, ChainId, MessageId, RoomId, Seq};

use crate::checkpoint::{self, Committed, Loaded, Rebuilt};
use crate::entries::BLOCK_ENTRIES;
use crate::index::{Index, NewLine, Placement, State};
use crate::layout;
use crate::line;
use crate::lookup::{self, Verdict};
use crate::owner::Owner;
use crate::record::{Record, id_prefix};
use crate::scan::{self, Scanned, Scanner};
use crate::storage::{Access, Storage, StorageFile};

/// Index entries are written out this often while the index is made anew.
const FLUSH_LINES: u64 = 8_192;
/// With more lines than this to read again, a checkpoint is written at once.
const TAIL_LINES_MAX: u64 = 1_000;

/// What was found and done when a log was opened for writing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// Bytes cut from the end: a line that was never finished, and so never acknowledged.
    pub cut_bytes: u64,
    /// Lines that were read to bring the index up to date.
    pub lines_read: u64,
    /// Why the whole index was made anew, if it was.
    pub rebuilt: Option<Rebuilt>,
    /// Damaged lines whose message was not yet fetched again.
    pub damaged: Vec<ArrivalNo>,
    /// The places in chains whose message no readable line holds, as far as they are known. Fetch
    /// them again from the room's members; an append of one is its repair.
    pub missing: Vec<(AuthorId, ChainId, Seq)>,
}

/// The files of a log that is open for writing.
pub(crate) struct Opened<F> {
    pub log: F,
    pub committed: F,
    pub index: Index<F>,
    pub recovery: Recovery,
}

pub(crate) fn open<S: Storage>(
    storage: &S,
    dir: &Path,
    room: RoomId,
    me: AuthorId,
) -> io::Result<Opened<S::File>> {
    storage.create_dir_all(&layout::index(dir))?;
    let log = storage.open(&layout::log(dir), Access::Write)?;
    let open = |path: PathBuf| storage.open(&path, Access::Write);
    let committed = open(layout::committed(dir))?;
    let mut index = Index::new(
        [
            open(layout::records(dir))?,
            open(layout::places(dir))?,
            open(layout::roster(dir))?,
            open(layout::erased(dir))?,
        ],
        Owner {
            author: me,
            nick: None,
        },
    );
    // The names of new files; without this a power loss could take the log whole.
    storage.sync_dir(&layout::index(dir))?;
    storage.sync_dir(dir)?;

    let mut recovery = Recovery::default();
    let size = log.size()?;
    let end = scan::end_of_lines(&log, size)?;
    let mut base = load(storage, dir, room, &me, &index, (&log, end))?;
    if let Err(why) = &base {
        recovery.rebuilt = (end > 0).then_some(*why);
    }
    let (state, nick) = base
        .as_mut()
        .map_or_else(|_| Default::default(), std::mem::take);
    // Neither a full line that was torn, nor a line whose bytes came before others of the same
    // write, was acknowledged, if nothing good follows.
    let known = Committed::read(&committed)?
        .map_or(0, |known| known.bytes)
        .max(state.end);
    index.owner.nick = nick;
    index.reset(state)?;
    recovery.lines_read = read_tail(&log, end, known, &mut index)?;

    recovery.cut_bytes = size - index.state.end;
    if recovery.cut_bytes > 0 {
        log.truncate(index.state.end)?;
    }
    // Lines that a killed writer had not yet synced are taken in, so they are synced now.
    log.sync_data()?;
    index.commit();
    index.flush()?;
    publish(&committed, &index.state)?;
    if recovery.rebuilt.is_some() || recovery.lines_read > TAIL_LINES_MAX {
        write_checkpoint(storage, dir, room, &mut index)?;
    }
    recovery.damaged = index.state.damaged.iter().copied().collect();
    recovery.missing = index.missing()?;
    Ok(Opened {
        log,
        committed,
        index,
        recovery,
    })
}

/// Tells readers how far they may read; the lines up to there are on disk.
pub(crate) fn publish<F: StorageFile>(file: &F, state: &State) -> io::Result<()> {
    let id = state.last_id.map_or([0; 8], |id| id_prefix(&id));
    Committed {
        n: state.n,
        bytes: state.end,
        id,
    }
    .write(file)
}

/// Makes the index durable as far as it goes and says so in the checkpoint.
pub(crate) fn write_checkpoint<S: Storage>(
    storage: &S,
    dir: &Path,
    room: RoomId,
    index: &mut Index<S::File>,
) -> io::Result<()> {
    index.flush()?;
    index
        .places
        .pad(u64::from(index.state.branches.blocks()) * BLOCK_ENTRIES)?;
    index.sync()?;
    checkpoint::save(
        storage,
        &layout::checkpoint(dir),
        &room,
        &index.owner,
        &index.state,
    )
}

type Base = Result<(State, Option<String>), Rebuilt>;

/// Reads the checkpoint and checks it against the other files and the log's one line at it.
fn load<S: Storage>(
    storage: &S,
    dir: &Path,
    room: RoomId,
    me: &AuthorId,
    index: &Index<S::File>,
    (log, end): (&S::File, u64),
) -> io::Result<Base> {
    let loaded = checkpoint::load(storage, &layout::checkpoint(dir), &room, me)?;
    let Loaded {
        mut state,
        own_nick: nick,
        erased_lines,
    } = match loaded {
        Ok(loaded) => loaded,
        Err(why) => return Ok(Err(why)),
    };
    if state.end > end {
        return Ok(Err(Rebuilt::Contradicts));
    }
    let whole = index
        .places
        .holds(u64::from(state.branches.blocks()) * BLOCK_ENTRIES)?
        && index.roster.holds(state.roster_lines)?;
    if !whole {
        return Ok(Err(Rebuilt::Truncated));
    }
    match index.erased.rising(erased_lines)? {
        Some(erased) if erased.last().is_none_or(|last| *last <= state.n) => state.erased = erased,
        _ => return Ok(Err(Rebuilt::Truncated)),
    }
    if state.n == ArrivalNo(0) {
        return Ok(Ok((state, nick)));
    }
    let Some(record) = index.records.read_stored(state.n)? else {
        return Ok(Err(Rebuilt::Truncated));
    };
    if !agrees(log, &state, &record)? {
        return Ok(Err(Rebuilt::Contradicts));
    }
    Ok(Ok((state, nick)))
}

/// Whether the log's line at the checkpoint is the one that it says.
fn agrees<F: StorageFile>(log: &F, state: &State, record: &Record) -> io::Result<bool> {
    if record.end() != state.end || state.last_id.is_some_and(|id| id_prefix(&id) != record.id) {
        return Ok(false);
    }
    // With the byte before it, which ends another line.
    let before = u64::from(record.offset > 0);
    let mut bytes = vec![0; record.len as usize + before as usize];
    let got = log.read_at(&mut bytes, record.offset - before)?;
    if got < bytes.len() || (before == 1 && record.len > 0 && bytes[0] != b'\n') {
        return Ok(false);
    }
    let verdict = lookup::judge(state.n, record, &bytes[before as usize..]);
    Ok(matches!(verdict, Verdict::Line(_)))
}

/// Takes every line from the index's state to `end` into the index. Damaged lines at the very end
/// and beyond `known`, what was once known to be on disk, are left out: they are part of a torn
/// write.
fn read_tail<F: StorageFile>(
    log: &F,
    end: u64,
    known: u64,
    index: &mut Index<F>,
) -> io::Result<u64> {
    let first = index.state.n.0 + 1;
    let mut scanner = Scanner::new(log, ArrivalNo(first), index.state.end, end);
    let mut damaged: Vec<Scanned> = Vec::new();
    while let Some(scanned) = scanner.next_line()? {
        if scanned.parsed.is_err() {
            damaged.push(scanned);
            continue;
        }
        for line in damaged.drain(..) {
            index.add_damaged(line.offset, line.len);
        }
        add(log, &scanned, index)?;
        if scanned.n.0 % FLUSH_LINES == 0 {
            index.commit();
            index.flush()?;
        }
    }
    let torn = damaged
        .iter()
        .rposition(|line| line.offset < known)
        .map_or(0, |at| at + 1);
    damaged.truncate(torn);
    for line in damaged {
        index.add_damaged(line.offset, line.len);
    }
    Ok(index.state.n.0 + 1 - first)
}

fn add<F: StorageFile>(log: &F, scanned: &Scanned, index: &mut Index<F>) -> io::Result<()> {
    let Ok(parsed) = &scanned.parsed else {
        return Ok(());
    };
    let message = &parsed.message;
    let records = &index.records;
    let id_of = |n| id_of(log, &|n| records.record(n), n);
    // A line that repairs an earlier one is what fills the place, even if the earlier one reads.
    let (placement, found) = index.place(message, parsed.repairs, &id_of)?;
    let repairs = match placement {
        Placement::Fill { .. } => found,
        _ => parsed.repairs,
    };
    let names_owner = index.owner.flags(message).names_owner();
    let repairs = repairs.filter(|lost| *lost <= index.state.n);
    index.add(&NewLine {
        message,
        placement,
        offset: scanned.offset,
        len: scanned.len,
        names_owner,
        repairs,
    })?;
    if line::is_erased(message) {
        let own = std::iter::once(scanned.n);
        let lines: Vec<ArrivalNo> = own.chain(repairs).collect();
        index.erase(&lines)?;
    }
    Ok(())
}

/// The id of the message in a stored line and of the one before it in its chain.
fn id_of<F: StorageFile>(
    log: &F,
    record: &dyn Fn(ArrivalNo) -> io::Result<Option<Record>>,
    n: ArrivalNo,
) -> io::Result<Option<(MessageId, Option<MessageId>)>> {
    let Some(record) = record(n)? else {
        return Ok(None);
    };
    let mut bytes = vec![0; record.len as usize];
    let got = log.read_at(&mut bytes, record.offset)?;
    match line::parse(&bytes[..got]) {
        Ok(parsed) => Ok(Some((parsed.message.id(), parsed.message.header().prev))),
        Err(_) => Ok(None),
    }
}
