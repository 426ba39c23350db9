//! What is to be shared, as it lies on the disk: opened as a file and nothing else, and looked at for whether it
//! changed. Blocking.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use cc_proto::limits::{FOLDER_DEPTH_MAX, FOLDER_FILES_MAX};
use cc_proto::text::file_name;

use super::types::ShareError;

/// A file or a folder that somebody wants to share.
pub struct Source {
    /// Where it really is.
    pub canonical: PathBuf,
    /// Its name, made safe.
    pub name: String,
    /// What is in it, where it is a folder.
    pub walk: Option<Walk>,
    /// How many bytes it has, as far as a look shows it.
    pub size: u64,
}

impl Source {
    /// What a path leads to.
    pub fn at(path: &Path) -> Result<Self, ShareError> {
        let unreadable = |source| ShareError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let canonical = fs::canonicalize(path).map_err(unreadable)?;
        let found = fs::metadata(&canonical).map_err(unreadable)?;
        // As it was typed, where that names it at all.
        let name = path.file_name().or_else(|| canonical.file_name());
        let name = file_name(&name.unwrap_or_default().to_string_lossy());
        let walk = if found.is_dir() {
            Some(Walk::over(&canonical)?)
        } else if found.is_file() {
            None
        } else {
            return Err(ShareError::NotAFile {
                path: path.to_owned(),
            });
        };
        Ok(Self {
            size: walk.as_ref().map_or(found.len(), |walk| walk.size),
            canonical,
            name,
            walk,
        })
    }
}

/// Opens a file and nothing else: no link, and no pipe that would be waited for.
pub fn open_source(path: &Path) -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(std::io::Error::other("it is no file"))
    }
}

/// What shows that a file is the same as a moment ago.
#[derive(PartialEq, Eq)]
pub struct Look {
    device: u64,
    inode: u64,
    /// How many bytes it has.
    pub len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Look {
    /// That of an open file.
    pub fn at(file: &File) -> std::io::Result<Self> {
        Ok(Self::of(&file.metadata()?))
    }

    /// That which was looked at.
    pub fn of(it: &fs::Metadata) -> Self {
        Self {
            device: it.dev(),
            inode: it.ino(),
            len: it.len(),
            modified: (it.mtime(), it.mtime_nsec()),
            changed: (it.ctime(), it.ctime_nsec()),
        }
    }
}

/// The files below a folder, and what is left out.
pub struct Walk {
    /// Below the folder, in order.
    pub files: Vec<PathBuf>,
    size: u64,
    /// How many are no files.
    pub left_out: usize,
}

impl Walk {
    fn over(root: &Path) -> Result<Self, ShareError> {
        let mut walk = Self {
            files: Vec::new(),
            size: 0,
            left_out: 0,
        };
        walk.enter(root, Path::new(""), 1)?;
        if walk.files.is_empty() {
            return Err(ShareError::EmptyFolder {
                path: root.to_owned(),
            });
        }
        Ok(walk)
    }

    fn enter(&mut self, root: &Path, below: &Path, depth: usize) -> Result<(), ShareError> {
        let dir = root.join(below);
        let unreadable = |source| ShareError::Unreadable {
            path: dir.clone(),
            source,
        };
        let entries: Result<Vec<_>, _> = fs::read_dir(&dir).map_err(unreadable)?.collect();
        let mut entries = entries.map_err(unreadable)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (kind, path) = (
                entry.file_type().map_err(unreadable)?,
                below.join(entry.file_name()),
            );
            if kind.is_dir() {
                self.check(root, depth + 1)?;
                self.enter(root, &path, depth + 1)?;
            } else if kind.is_file() {
                self.size += entry.metadata().map_err(unreadable)?.len();
                self.files.push(path);
                self.check(root, depth)?;
            } else {
                self.left_out += 1;
            }
        }
        Ok(())
    }

    fn check(&self, root: &Path, depth: usize) -> Result<(), ShareError> {
        let source = if self.files.len() > FOLDER_FILES_MAX {
            cc_proto::files::EntryError::TooMany {
                files_max: FOLDER_FILES_MAX,
            }
        } else if depth > FOLDER_DEPTH_MAX {
            cc_proto::files::EntryError::TooDeep {
                depth,
                depth_max: FOLDER_DEPTH_MAX,
            }
        } else {
            return Ok(());
        };
        Err(ShareError::Folder {
            path: root.to_owned(),
            source,
        })
    }
}
