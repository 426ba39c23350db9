//! What lets a log open without being read: `index/checkpoint`, all of the writer's memory as of
//! some line, and `index/committed`, how far the log is known to be on disk.

use std::io;
use std::path::Path;

use cc_proto::id::{ArrivalNo, AuthorId, ChainId, RoomId, Seq};
use serde::{Deserialize, Serialize};

use crate::chains::{Branch, Branches};
use crate::checksum::crc32;
use crate::index::State;
use crate::owner::Owner;
use crate::record::{PREFIX_BYTES, le_u32, le_u64};
use crate::storage::{Durability, Storage, StorageFile};

/// The version of all files of the index.
const INDEX_VERSION: u32 = 3;
/// A checkpoint of more bytes is not read: the index is then rebuilt.
const CHECKPOINT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Why an index was rebuilt from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rebuilt {
    /// There was none, though the log holds lines.
    Missing,
    /// Its checkpoint is of another version.
    OtherVersion,
    /// Its checkpoint is garbage.
    Garbage,
    /// It is the index of another room, or of another owner of it.
    Foreign,
    /// It contradicts the log: that is shorter, or holds another line at the checkpoint.
    Contradicts,
    /// Its other files are shorter than the checkpoint says, or garbage.
    Truncated,
}

#[derive(Serialize, Deserialize)]
struct CheckpointFile {
    v: u32,
    room: String,
    me: String,
    n: u64,
    log_bytes: u64,
    id: Option<String>,
    injectable: u64,
    chat: u64,
    last_roster: u64,
    roster_lines: u64,
    erased_lines: u64,
    blocks: u32,
    own_nick: Option<String>,
    damaged: Vec<u64>,
    branches: Vec<BranchFile>,
}

#[derive(Serialize, Deserialize)]
struct BranchFile {
    author: String,
    chain: u32,
    base: u64,
    seq: u64,
    id: String,
    blocks: Vec<u32>,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u32,
}

/// Writes the checkpoint; what it covers in the other files must have been synced before.
pub(crate) fn save<S: Storage>(
    storage: &S,
    path: &Path,
    room: &RoomId,
    owner: &Owner,
    state: &State,
) -> io::Result<()> {
    let file = CheckpointFile {
        v: INDEX_VERSION,
        room: room.to_hex(),
        me: owner.author.to_hex(),
        n: state.n.0,
        log_bytes: state.end,
        id: state.last_id.map(|id| id.to_hex()),
        injectable: state.injectable,
        chat: state.chat,
        last_roster: state.last_roster.0,
        roster_lines: state.roster_lines,
        erased_lines: state.erased.len() as u64,
        blocks: state.branches.blocks(),
        own_nick: owner.nick.clone(),
        damaged: state.damaged.iter().map(|n| n.0).collect(),
        branches: state.branches.all().iter().map(branch_file).collect(),
    };
    let mut bytes = serde_json::to_vec(&file)?;
    bytes.push(b'\n');
    let sum = crc32(&[&bytes]);
    bytes.extend_from_slice(format!("{sum:08x}\n").as_bytes());
    storage.replace(path, &bytes, Durability::Synced)
}

fn branch_file(branch: &Branch) -> BranchFile {
    BranchFile {
        author: branch.author.to_hex(),
        chain: branch.chain.0,
        base: branch.base.0,
        seq: branch.tip.0.0,
        id: branch.tip.1.to_hex(),
        blocks: branch.blocks.clone(),
    }
}

/// What a checkpoint says.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// All but the erased lines, of which there are only as many as `erased_lines`.
    pub state: State,
    pub own_nick: Option<String>,
    /// How many of `index/erased` are of the state.
    pub erased_lines: u64,
}

/// Reads the checkpoint of this room and owner.
pub(crate) fn load<S: Storage>(
    storage: &S,
    path: &Path,
    room: &RoomId,
    me: &AuthorId,
) -> io::Result<Result<Loaded, Rebuilt>> {
    let bytes = match storage.read(path, CHECKPOINT_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Err(Rebuilt::Missing)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Ok(Err(Rebuilt::Garbage));
        }
        Err(error) => return Err(error),
    };
    Ok(parse(&bytes, room, me))
}

fn parse(bytes: &[u8], room: &RoomId, me: &AuthorId) -> Result<Loaded, Rebuilt> {
    const SUM_BYTES: usize = 9;
    let split = bytes.len().checked_sub(SUM_BYTES).ok_or(Rebuilt::Garbage)?;
    let (json, sum) = bytes.split_at(split);
    if sum != format!("{:08x}\n", crc32(&[json])).as_bytes() {
        return Err(Rebuilt::Garbage);
    }
    let version: VersionOnly = serde_json::from_slice(json).map_err(|_| Rebuilt::Garbage)?;
    if version.v != INDEX_VERSION {
        return Err(Rebuilt::OtherVersion);
    }
    let file: CheckpointFile = serde_json::from_slice(json).map_err(|_| Rebuilt::Garbage)?;
    if file.room != room.to_hex() || file.me != me.to_hex() {
        return Err(Rebuilt::Foreign);
    }
    let branches: Option<Vec<Branch>> = file.branches.into_iter().map(branch).collect();
    let branches = Branches::from_parts(branches.ok_or(Rebuilt::Garbage)?, file.blocks);
    let state = State {
        n: ArrivalNo(file.n),
        end: file.log_bytes,
        last_id: file
            .id
            .map(|id| id.parse())
            .transpose()
            .map_err(|_| Rebuilt::Garbage)?,
        injectable: file.injectable,
        chat: file.chat,
        last_roster: ArrivalNo(file.last_roster),
        roster_lines: file.roster_lines,
        damaged: file.damaged.into_iter().map(ArrivalNo).collect(),
        erased: Vec::new(),
        branches,
    };
    Ok(Loaded {
        state,
        own_nick: file.own_nick,
        erased_lines: file.erased_lines,
    })
}

fn branch(file: BranchFile) -> Option<Branch> {
    Some(Branch {
        author: file.author.parse().ok()?,
        chain: ChainId(file.chain),
        base: Seq(file.base),
        tip: (Seq(file.seq), file.id.parse().ok()?),
        blocks: file.blocks,
    })
}

/// How far the log was on disk when this was written. It is written after the log was synced, so
/// after a power loss it may be old or garbage, but never ahead: readers stop at it, and thus no
/// cursor ever stands behind a line that can still go away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Committed {
    pub n: ArrivalNo,
    pub bytes: u64,
    pub id: [u8; PREFIX_BYTES],
}

const COMMITTED_BYTES: usize = 32;
const COMMITTED_MAGIC: &[u8; 4] = b"ccL1";

impl Committed {
    fn encode(&self) -> [u8; COMMITTED_BYTES] {
        let mut bytes = [0; COMMITTED_BYTES];
        bytes[0..4].copy_from_slice(COMMITTED_MAGIC);
        bytes[4..12].copy_from_slice(&self.n.0.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.id);
        let sum = crc32(&[&bytes[..28]]);
        bytes[28..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Writes it in place: no byte more is needed than at its first writing, so that it succeeds
    /// on a disk that has become full.
    pub fn write<F: StorageFile>(&self, file: &F) -> io::Result<()> {
        file.write_at(&self.encode(), 0)
    }

    /// Reads it; `None` where it is missing or garbage, or was caught half written.
    pub fn read<F: StorageFile>(file: &F) -> io::Result<Option<Self>> {
        let mut bytes = [0; COMMITTED_BYTES];
        let got = file.read_at(&mut bytes, 0)?;
        if got < COMMITTED_BYTES
            || bytes[0..4] != COMMITTED_MAGIC[..]
            || le_u32(&bytes, 28) != crc32(&[&bytes[..28]])
        {
            return Ok(None);
        }
        Ok(Some(Self {
            n: ArrivalNo(le_u64(&bytes, 4)),
            bytes: le_u64(&bytes, 12),
            id: le_u64(&bytes, 20).to_le_bytes(),
        }))
    }
}
