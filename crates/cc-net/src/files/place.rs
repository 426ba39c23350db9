//! Where a room's files are on disk: `files/<16 digits>/<name>`, folders 0700, files 0600, put in place by
//! a rename, so that whoever sees a path sees the whole file. Blocking.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use cc_proto::files::{FILES_DIR, OWNER_FILE, PlaceOwner};
use cc_proto::limits::DISK_RESERVE_BYTES;

use super::announced::Announcement;
use crate::tuning::FOLDER_FILE_BYTES_MIN;

/// What names begin with that are not yet, or no longer, files of the room.
const STAGING_PREFIX: &str = ".new-";
/// What is said of a file whose place is that of another.
const TAKEN: &str = "another file is here whose hash begins with the same digits";
/// How much is read at once.
pub const BUFFER_BYTES: usize = 256 * 1024;

/// The folder of the room's files.
pub fn files_dir(room_dir: &Path) -> PathBuf {
    room_dir.join(FILES_DIR)
}

/// Where a file is, once it is here.
pub fn path_of(room_dir: &Path, file: &Announcement) -> PathBuf {
    files_dir(room_dir).join(&file.place).join(&file.name)
}

/// Whose a place is; none where nothing was put there. What was put there first has it, and no other announcement brings
/// that to harm.
///
/// # Errors
/// Those of the file system: whose it is is not known then, which is not the same as nobody's.
pub fn owner(place: &Path) -> io::Result<Option<PlaceOwner>> {
    match fs::read(place.join(OWNER_FILE)) {
        Ok(bytes) => Ok(PlaceOwner::decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a place, before anything is put there.
///
/// # Errors
/// Those of the file system; something with another hash is there.
pub fn claim(place: &Path, new: PlaceOwner) -> io::Result<()> {
    make_dir(place)?;
    match owner(place)? {
        Some(before) if before == new => return Ok(()),
        Some(before) if before.hash != new.hash && !is_empty(place) => {
            return Err(io::Error::other(TAKEN));
        }
        Some(_) => {}
        // A power loss took the word of whose it is: what lies there must not pass for this one.
        None => clear(place)?,
    }
    let owner = place.join(OWNER_FILE);
    write_private(&owner, &new.encode())?;
    File::open(owner)?.sync_all()?;
    // The place itself, in the folder of all.
    place.parent().map_or(Ok(()), sync_dir)
}

/// Removes what is there under any name.
fn clear(place: &Path) -> io::Result<()> {
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        if is_ours(&entry) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether it is what is kept beside a file. No safe name begins with a dot.
fn is_ours(entry: &fs::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// Why a file can never be put in its place, as far as that is known by now.
pub fn fault(room_dir: &Path, file: &Announcement) -> Option<String> {
    let place = files_dir(room_dir).join(&file.place);
    let owner = owner(&place).ok()??;
    if owner.hash != file.hash {
        return (!is_empty(&place)).then(|| TAKEN.to_owned());
    }
    wrong_size(file.size, owner.size)
}

/// What is said of a file that has another size than it was announced with.
pub fn wrong_size(announced: u64, found: u64) -> Option<String> {
    (announced != found)
        .then(|| format!("it was announced with {announced} bytes and has {found} bytes"))
}

/// Whether a place is a file's: by the whole of its hash and by its size.
fn is_of(place: &Path, file: &Announcement) -> bool {
    let (hash, size) = (file.hash, file.size);
    owner(place).is_ok_and(|owner| owner == Some(PlaceOwner { hash, size }))
}

/// Whether there is nothing under any name.
fn is_empty(place: &Path) -> bool {
    fs::read_dir(place).is_ok_and(|entries| entries.flatten().all(|entry| is_ours(&entry)))
}

/// Whether it is there, as far as a look shows it.
pub fn is_there(room_dir: &Path, file: &Announcement) -> bool {
    let Ok(found) = fs::symlink_metadata(path_of(room_dir, file)) else {
        return false;
    };
    let fits = if file.folder {
        found.is_dir()
    } else {
        found.is_file() && found.len() == file.size
    };
    fits && is_of(&files_dir(room_dir).join(&file.place), file)
}

/// Whether it was there: its place is, and nothing under any name.
pub fn is_gone(room_dir: &Path, file: &Announcement) -> bool {
    let place = files_dir(room_dir).join(&file.place);
    is_empty(&place) && is_of(&place, file)
}

/// Makes a folder that only its owner may look into, and those above it.
pub fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Gives what is there, if anything is, these permissions.
///
/// # Errors
/// Those of the file system.
pub fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    match fs::set_permissions(path, Permissions::from_mode(mode)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        set => set,
    }
}

/// A folder in the room's `files` for something that is not whole yet. It is removed when dropped.
#[derive(Debug)]
pub struct Staging(PathBuf);

impl Staging {
    /// A fresh one.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(room_dir: &Path) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let name = format!("{STAGING_PREFIX}{:016x}", u64::from_le_bytes(random));
        let path = files_dir(room_dir).join(name);
        make_dir(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Puts the file or folder `name` in it where it belongs. What is there already makes way.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn put(self, room_dir: &Path, place: &str, name: &str) -> io::Result<PathBuf> {
        let place = files_dir(room_dir).join(place);
        make_dir(&place)?;
        let (from, to) = (self.0.join(name), place.join(name));
        if fs::symlink_metadata(&to).is_ok_and(|there| there.is_dir()) {
            fs::rename(&to, self.0.join(".before"))?;
        }
        fs::rename(from, &to)?;
        sync_dir(&place)?;
        Ok(to)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Removes what a kill left of files that were not whole.
pub fn sweep(room_dir: &Path) {
    let Ok(entries) = fs::read_dir(files_dir(room_dir)) else {
        return;
    };
    for entry in entries.flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(STAGING_PREFIX)
        {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// Makes `to` a further name of the file `from`, in place of what is there.
///
/// # Errors
/// Those of the file system; it may have no further names.
pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    let beside = to.with_extension("link");
    fs::remove_file(&beside).ok();
    fs::hard_link(from, &beside)?;
    fs::rename(&beside, to)?;
    // Where both were the same file already, the rename does nothing.
    fs::remove_file(&beside).ok();
    Ok(())
}

/// Makes `to` have the bytes of `from`, of the same file on disk where that can be, for its owner alone.
///
/// # Errors
/// Those of the file system.
pub fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::set_permissions(from, Permissions::from_mode(0o600))?;
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to)?;
        fs::set_permissions(to, Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Writes a file for its owner alone, in place of what is there.
///
/// # Errors
/// Those of the file system.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)
}

/// Makes a file, or all that is in a folder, durable.
///
/// # Errors
/// Those of the file system.
pub fn sync_below(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return File::open(path)?.sync_all();
    }
    for entry in fs::read_dir(path)? {
        sync_below(&entry?.path())?;
    }
    sync_dir(path)
}

/// Makes durable which names are in a folder.
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The BLAKE3 of a file, and how long it is.
///
/// # Errors
/// Those of the file system.
pub fn hash_file(path: &Path) -> io::Result<([u8; 32], u64)> {
    let mut file = File::open(path)?;
    let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((*hasher.finalize().as_bytes(), size));
        }
        hasher.update(&buffer[..read]);
        size += read as u64;
    }
}

/// How many bytes can be written to the disk of `dir` before its reserve is touched.
pub fn free_bytes(dir: &Path) -> u64 {
    let free = rustix::fs::statvfs(dir);
    let free = free.map_or(u64::MAX, |it| it.f_bavail.saturating_mul(it.f_frsize));
    free.saturating_sub(DISK_RESERVE_BYTES)
}

/// How many bytes all files of a room take.
pub fn used_bytes(files_dir: &Path) -> u64 {
    let Ok(places) = fs::read_dir(files_dir) else {
        return 0;
    };
    places.flatten().map(|place| used_at(&place.path())).sum()
}

/// How many bytes the files at one place take.
pub fn used_at(place: &Path) -> u64 {
    let counted = |entry: &fs::DirEntry| entry.file_name() != OWNER_FILE;
    below(place, &counted, 0)
}

/// The bytes of the files below a folder, each with `least`, and those in folders in it with what a file
/// of a folder takes.
fn below(dir: &Path, counted: &dyn Fn(&fs::DirEntry) -> bool, least: u64) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(it) if it.is_dir() => below(&entry.path(), &|_| true, FOLDER_FILE_BYTES_MIN),
        Ok(it) => it.len().max(least),
        Err(_) => 0,
    };
    entries.flatten().filter(counted).map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cc_proto::id::Hash;

    #[test]
    fn only_what_is_known_to_be_nobodys_is_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("0123456789abcdef");
        let [mine, other] = [b"mine", b"thee"].map(|bytes| PlaceOwner {
            hash: Hash::of(bytes),
            size: 4,
        });
        claim(&place, mine).unwrap();
        let kept = place.join("kept.txt");
        fs::write(&kept, "mine").unwrap();
        assert_eq!(claim(&place, other).unwrap_err().to_string(), TAKEN);

        // It cannot be read.
        let said = place.join(OWNER_FILE);
        fs::remove_file(&said).unwrap();
        fs::create_dir(&said).unwrap();
        assert!(owner(&place).is_err());
        for new in [mine, other] {
            claim(&place, new).unwrap_err();
            assert!(kept.exists());
        }
        // A power loss took it, in part or whole.
        fs::remove_dir(&said).unwrap();
        fs::write(&said, [0; 7]).unwrap();
        claim(&place, other).unwrap();
        assert!(!kept.exists());
        assert_eq!(owner(&place).unwrap(), Some(other));
    }
}
