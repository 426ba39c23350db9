//! A disk in memory that fails as disks do: what was not synced may be gone after a crash, or there
//! in part; new names may be gone; it may be full. For tests (feature `fault-storage`).
//!
//! Everything is drawn from a seed, so that a failing run can be run again. What survives a
//! [`FaultStorage::crash`]:
//! - of a file, what was there at its last sync, and of every later write any of its sectors of
//!   [`SECTOR_BYTES`], or none; a file extended by a lost sector holds zeros there;
//! - of a directory, the creations, renames and removals before its last sync, and the first few of
//!   those after it;
//! - no lock.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::storage::{Access, Durability, Storage, StorageFile};

/// What a disk writes whole or not at all.
pub const SECTOR_BYTES: usize = 512;

/// A disk in memory. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct FaultStorage {
    disk: Arc<Mutex<Disk>>,
}

/// An open file of a [`FaultStorage`].
#[derive(Debug)]
pub struct FaultFile {
    disk: Arc<Mutex<Disk>>,
    node: usize,
    path: PathBuf,
}

/// A held lock of a [`FaultStorage`].
#[derive(Debug)]
pub struct FaultLock {
    disk: Arc<Mutex<Disk>>,
    path: PathBuf,
}

#[derive(Debug, Default)]
struct Disk {
    nodes: Vec<Node>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    pending_names: Vec<NameChange>,
    locks: BTreeSet<PathBuf>,
    capacity_bytes: Option<u64>,
    operations: u64,
    dies_at: Option<u64>,
    sync_fails: bool,
    bytes_read: BTreeMap<PathBuf, u64>,
}

#[derive(Debug, Default, Clone)]
struct Node {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Truncate { size: u64 },
}

#[derive(Debug, Clone)]
enum NameChange {
    Set { path: PathBuf, node: usize },
    Unset { path: PathBuf },
}

impl NameChange {
    fn path(&self) -> &Path {
        match self {
            Self::Set { path, .. } | Self::Unset { path } => path,
        }
    }

    fn apply(self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Set { path, node } => names.insert(path, node),
            Self::Unset { path } => names.remove(&path),
        };
    }
}

impl Change {
    fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(contents, *offset, bytes),
            Self::Truncate { size } => contents.resize(*size as usize, 0),
        }
    }
}

fn put(contents: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (start, end) = (offset as usize, offset as usize + bytes.len());
    if contents.len() < end {
        contents.resize(end, 0);
    }
    contents[start..end].copy_from_slice(bytes);
}

/// SplitMix64: small, and the same everywhere.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ (value >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

impl Node {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.pending.push(change);
    }

    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// What of the file is there after a crash.
    fn survivor(&self, draw: &mut Draw) -> Vec<u8> {
        let mut contents = self.durable.clone();
        let manner = draw.below(4);
        let kept = draw.below(self.pending.len() as u64 + 1) as usize;
        for (at, change) in self.pending.iter().enumerate() {
            let whole = match manner {
                0 => false,
                1 => true,
                // The first few, then nothing: in order, with the last one torn.
                2 if at < kept => true,
                2 if at > kept => false,
                _ => {
                    tear(change, &mut contents, draw);
                    continue;
                }
            };
            if whole {
                change.apply(&mut contents);
            }
        }
        contents
    }
}

/// Applies some sectors of a write.
fn tear(change: &Change, contents: &mut Vec<u8>, draw: &mut Draw) {
    let Change::Write { offset, bytes } = change else {
        if draw.below(2) == 0 {
            change.apply(contents);
        }
        return;
    };
    let mut at = 0;
    while at < bytes.len() {
        let room = SECTOR_BYTES - ((*offset as usize + at) % SECTOR_BYTES);
        let end = bytes.len().min(at + room);
        if draw.below(2) == 0 {
            put(contents, offset + at as u64, &bytes[at..end]);
        }
        at = end;
    }
}

fn locked(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    // A test that panicked elsewhere does not make the disk's contents invalid.
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gone() -> io::Error {
    io::Error::other("the machine has crashed")
}

fn missing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "no such file")
}

impl Disk {
    /// Counts an operation that changes the disk; `Ok(true)` where the machine dies during it.
    fn operate(&mut self) -> io::Result<bool> {
        self.alive()?;
        self.operations += 1;
        Ok(self.dies_at == Some(self.operations))
    }

    fn alive(&self) -> io::Result<()> {
        match self.dies_at {
            Some(at) if self.operations >= at => Err(gone()),
            _ => Ok(()),
        }
    }

    fn used_bytes(&self) -> u64 {
        self.names
            .values()
            .map(|node| self.nodes[*node].live.len() as u64)
            .sum()
    }

    /// How many of `bytes` at `offset` of a file still fit on the disk.
    fn fitting(&self, node: usize, offset: u64, bytes: usize) -> usize {
        let Some(capacity) = self.capacity_bytes else {
            return bytes;
        };
        let size = self.nodes[node].live.len() as u64;
        let free = capacity.saturating_sub(self.used_bytes());
        (size + free).saturating_sub(offset).min(bytes as u64) as usize
    }

    fn rename(&mut self, change: NameChange) {
        change.clone().apply(&mut self.names);
        self.pending_names.push(change);
    }

    fn create(&mut self, path: &Path) -> usize {
        self.nodes.push(Node::default());
        let node = self.nodes.len() - 1;
        self.rename(NameChange::Set {
            path: path.to_owned(),
            node,
        });
        node
    }

    fn sync_names(&mut self, dir: &Path) {
        let (synced, rest): (Vec<_>, Vec<_>) = self
            .pending_names
            .drain(..)
            .partition(|change| change.path().parent() == Some(dir));
        self.pending_names = rest;
        for change in synced {
            change.apply(&mut self.durable_names);
        }
    }

    fn write(&mut self, node: usize, bytes: &[u8], offset: u64) -> io::Result<()> {
        let dies = self.operate()?;
        let fitting = self.fitting(node, offset, bytes.len());
        if fitting > 0 {
            let bytes = bytes[..fitting].to_vec();
            self.nodes[node].change(Change::Write { offset, bytes });
        }
        match () {
            () if dies => Err(gone()),
            () if fitting < bytes.len() => Err(io::Error::new(
                io::ErrorKind::StorageFull,
                "the disk is full",
            )),
            () => Ok(()),
        }
    }

    fn sync(&mut self, node: usize) -> io::Result<()> {
        if self.operate()? {
            return Err(gone());
        }
        if self.sync_fails {
            return Err(io::Error::other("the sync failed"));
        }
        self.nodes[node].sync();
        Ok(())
    }
}

impl FaultStorage {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many operations have changed or synced something so far.
    pub fn operations(&self) -> u64 {
        locked(&self.disk).operations
    }

    /// The machine dies during the operation that makes the count `operation`: that one is begun
    /// and not ended, and every later one fails. [`crash`](Self::crash) then gives what is left.
    pub fn die_at(&self, operation: u64) {
        locked(&self.disk).dies_at = Some(operation);
    }

    /// All files together may hold this many bytes; `None` for any number. Writes beyond it end
    /// half way with [`io::ErrorKind::StorageFull`].
    pub fn set_capacity(&self, bytes: Option<u64>) {
        locked(&self.disk).capacity_bytes = bytes;
    }

    /// How many bytes all files hold together.
    pub fn used_bytes(&self) -> u64 {
        locked(&self.disk).used_bytes()
    }

    /// Every sync fails from now on, or no more.
    pub fn set_sync_fails(&self, fails: bool) {
        locked(&self.disk).sync_fails = fails;
    }

    /// How many bytes were read of the file at `path`.
    pub fn bytes_read(&self, path: &Path) -> u64 {
        locked(&self.disk)
            .bytes_read
            .get(path)
            .copied()
            .unwrap_or_default()
    }

    /// The contents of the file at `path`, with what was not synced.
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let disk = locked(&self.disk);
        disk.names
            .get(path)
            .map(|node| disk.nodes[*node].live.clone())
    }

    /// Puts a file on the disk, durably, behind the back of whoever has it open.
    pub fn set_contents(&self, path: &Path, contents: &[u8]) {
        let mut disk = locked(&self.disk);
        let node = disk.names.get(path).copied();
        let node = node.unwrap_or_else(|| disk.create(path));
        disk.nodes[node] = Node {
            live: contents.to_vec(),
            durable: contents.to_vec(),
            pending: Vec::new(),
        };
        disk.durable_names.insert(path.to_owned(), node);
    }

    /// What the process left when it was killed: everything that it wrote, synced or not, and no
    /// lock. The machine runs on.
    #[must_use]
    pub fn kill(&self) -> Self {
        let disk = locked(&self.disk);
        let survivor = Disk {
            nodes: disk.nodes.clone(),
            names: disk.names.clone(),
            durable_names: disk.durable_names.clone(),
            pending_names: disk.pending_names.clone(),
            capacity_bytes: disk.capacity_bytes,
            ..Disk::default()
        };
        Self {
            disk: Arc::new(Mutex::new(survivor)),
        }
    }

    /// What is on the disk after a power loss; which of the unsynced is, `seed` says. The old
    /// disk is left as it was, so that one history can crash in many ways.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        let disk = locked(&self.disk);
        let mut draw = Draw(seed);
        let mut names = disk.durable_names.clone();
        let kept = draw.below(disk.pending_names.len() as u64 + 1) as usize;
        for change in disk.pending_names.iter().take(kept) {
            change.clone().apply(&mut names);
        }
        let nodes: Vec<Node> = disk
            .nodes
            .iter()
            .map(|node| {
                let contents = node.survivor(&mut draw);
                Node {
                    live: contents.clone(),
                    durable: contents,
                    pending: Vec::new(),
                }
            })
            .collect();
        let survivor = Disk {
            nodes,
            durable_names: names.clone(),
            names,
            capacity_bytes: disk.capacity_bytes,
            ..Disk::default()
        };
        Self {
            disk: Arc::new(Mutex::new(survivor)),
        }
    }
}

impl Storage for FaultStorage {
    type File = FaultFile;
    type Lock = FaultLock;

    // Directories come with their files and stay.
    fn create_dir_all(&self, _dir: &Path) -> io::Result<()> {
        locked(&self.disk).alive()
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<FaultFile> {
        let mut disk = locked(&self.disk);
        disk.alive()?;
        let node = match (disk.names.get(path).copied(), access) {
            (Some(node), _) => node,
            (None, Access::Read) => return Err(missing()),
            (None, Access::Write) => {
                let dies = disk.operate()?;
                let node = disk.create(path);
                if dies {
                    return Err(gone());
                }
                node
            }
        };
        Ok(FaultFile {
            disk: Arc::clone(&self.disk),
            node,
            path: path.to_owned(),
        })
    }

    fn replace(&self, path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
        let mut disk = locked(&self.disk);
        disk.nodes.push(Node::default());
        let node = disk.nodes.len() - 1;
        if disk
            .capacity_bytes
            .is_some_and(|capacity| disk.used_bytes() + bytes.len() as u64 > capacity)
        {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                "the disk is full",
            ));
        }
        disk.write(node, bytes, 0)?;
        if durability == Durability::Synced {
            disk.sync(node)?;
        }
        let dies = disk.operate()?;
        disk.rename(NameChange::Set {
            path: path.to_owned(),
            node,
        });
        if dies {
            return Err(gone());
        }
        drop(disk);
        match (durability, path.parent()) {
            (Durability::Synced, Some(dir)) => self.sync_dir(dir),
            _ => Ok(()),
        }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = locked(&self.disk);
        if disk.operate()? {
            return Err(gone());
        }
        disk.sync_names(dir);
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<FaultLock>> {
        let mut disk = locked(&self.disk);
        disk.alive()?;
        if !disk.names.contains_key(path) {
            disk.create(path);
        }
        let taken = disk.locks.insert(path.to_owned());
        Ok(taken.then(|| FaultLock {
            disk: Arc::clone(&self.disk),
            path: path.to_owned(),
        }))
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        let disk = locked(&self.disk);
        disk.alive()?;
        let node = disk.names.get(path).ok_or_else(missing)?;
        Ok(disk.nodes[*node].live.len() as u64)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let disk = locked(&self.disk);
        disk.alive()?;
        Ok(disk
            .names
            .keys()
            .filter(|path| path.parent() == Some(dir))
            .cloned()
            .collect())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = locked(&self.disk);
        if !disk.names.contains_key(path) {
            return Err(missing());
        }
        let dies = disk.operate()?;
        disk.rename(NameChange::Unset {
            path: path.to_owned(),
        });
        if dies { Err(gone()) } else { Ok(()) }
    }
}

impl StorageFile for FaultFile {
    fn size(&self) -> io::Result<u64> {
        let disk = locked(&self.disk);
        disk.alive()?;
        Ok(disk.nodes[self.node].live.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut disk = locked(&self.disk);
        disk.alive()?;
        let contents = &disk.nodes[self.node].live;
        let start = contents.len().min(offset as usize);
        let count = buf.len().min(contents.len() - start);
        buf[..count].copy_from_slice(&contents[start..start + count]);
        *disk.bytes_read.entry(self.path.clone()).or_default() += count as u64;
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        locked(&self.disk).write(self.node, bytes, offset)
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        let mut disk = locked(&self.disk);
        let dies = disk.operate()?;
        disk.nodes[self.node].change(Change::Truncate { size });
        if dies { Err(gone()) } else { Ok(()) }
    }

    fn sync_data(&self) -> io::Result<()> {
        locked(&self.disk).sync(self.node)
    }
}

impl Drop for FaultLock {
    fn drop(&mut self) {
        locked(&self.disk).locks.remove(&self.path);
    }
}
