//! A copy of a file or folder at a place of somebody's choice: whole or not at all, and never over something else.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use cc_proto::limits::FOLDER_DEPTH_MAX;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::error::{CliError, CliResult, Kind};
use crate::files::shown_path;

/// Where a copy is to be.
#[derive(Debug)]
pub struct Target(PathBuf);

impl Target {
    /// `out` itself, or `name` in it where it is a folder.
    ///
    /// # Errors
    /// Where something is there already, or the folder is not.
    pub fn new(out: &Path, name: &str) -> CliResult<Self> {
        let path = if out.is_dir() {
            out.join(name)
        } else {
            out.to_owned()
        };
        if path.file_name().is_none() {
            return Err(failed(&path, "it names no file"));
        }
        if path.symlink_metadata().is_ok() {
            return Err(taken(&path));
        }
        if !parent(&path).is_dir() {
            return Err(failed(&path, "there is no such folder"));
        }
        Ok(Self(path))
    }

    /// Where it is to be.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the copy; what was made of it is removed where it fails.
    ///
    /// # Errors
    /// Those of the disk, and where something came there meanwhile.
    pub fn copy(self, from: &Path) -> CliResult {
        let mut name = OsString::from(".");
        // A beginning only: the whole may be as long as a name can be.
        let own = self.0.file_name().unwrap_or_default().to_string_lossy();
        name.push(own.chars().take(20).collect::<String>());
        name.push(format!(".{:016x}.part", rand::random::<u64>()));
        let part = parent(&self.0).join(name);
        let copied = copy_any(from, &part, 0).and_then(|()| put(&part, &self.0));
        copied.map_err(|error| {
            remove(&part);
            if error.kind() == io::ErrorKind::AlreadyExists {
                return taken(&self.0);
            }
            CliError::new(Kind::Copy, format!("cannot write {}", shown_path(&self.0)))
                .because(&error)
        })
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn copy_any(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    let meta = from.symlink_metadata()?;
    if meta.is_file() {
        // With the rights that a new file has here: a copy is no longer the room's.
        let mut to = OpenOptions::new().write(true).create_new(true).open(to)?;
        io::copy(&mut File::open(from)?, &mut to)?;
        return Ok(());
    }
    if !meta.is_dir() || depth > FOLDER_DEPTH_MAX {
        return Err(io::Error::other("it is neither a file nor a folder"));
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_any(&entry.path(), &to.join(entry.file_name()), depth + 1)?;
    }
    Ok(())
}

/// Renames, but over nothing.
fn put(part: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, part, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // File systems that cannot tell: a moment lies between the look and the rename.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            if to.symlink_metadata().is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(part, to)
        }
        Err(error) => Err(error.into()),
    }
}

fn remove(part: &Path) {
    // Nothing may have been made, and there is nobody to tell.
    let _ = fs::remove_file(part).or_else(|_| fs::remove_dir_all(part));
}

fn taken(path: &Path) -> CliError {
    failed(path, "something of that name is there").hint("name another place with --out")
}

fn failed(path: &Path, why: &str) -> CliError {
    CliError::new(
        Kind::Copy,
        format!("cannot write {}: {why}", shown_path(path)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_whole_or_not_there_and_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        fs::write(&from, "bytes").unwrap();
        let out = dir.path().join("out");
        Target::new(&out, "x").unwrap().copy(&from).unwrap();
        assert_eq!(fs::read(&out).unwrap(), b"bytes");

        let error = Target::new(&out, "x").unwrap_err();
        assert_eq!(error.kind, Kind::Copy);
        // It came there after the first look.
        let late = Target(out.clone());
        fs::write(&from, "others").unwrap();
        assert!(late.copy(&from).is_err());
        assert_eq!(fs::read(&out).unwrap(), b"bytes");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_folder_takes_it_under_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from/sub");
        fs::create_dir_all(&from).unwrap();
        fs::write(from.join("a"), "1").unwrap();
        let target = Target::new(dir.path(), "trip").unwrap();
        target.copy(&dir.path().join("from")).unwrap();
        assert_eq!(fs::read(dir.path().join("trip/sub/a")).unwrap(), b"1");
        assert!(Target::new(dir.path(), "trip").is_err());
        assert!(Target::new(&dir.path().join("none/x"), "trip").is_err());
        assert!(Target::new(Path::new("/"), "..").is_err());
    }

    #[test]
    fn what_cannot_be_copied_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        fs::create_dir(&from).unwrap();
        fs::write(from.join("a"), "1").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", from.join("b")).unwrap();
        let out = dir.path().join("out");
        assert!(Target::new(&out, "x").unwrap().copy(&from).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
