//! Which rooms reach which folder: `bindings.json`, and the folders that are not bound unless asked.
//!
//! `{"v":1,"bindings":[{"room":"<hex>","path":"/canon","dev":1,"ino":2}|{"room":"<hex>","global":true}]}`. A folder is
//! known by its canonical path, device and inode together, so that another folder at the same path is not bound.
//! Only the daemon writes the file, by rename.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cc_proto::id::RoomId;
use serde::{Deserialize, Serialize};

use crate::home::{Home, user_folder};

/// The whole file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bindings {
    /// Always 1.
    v: u32,
    bindings: Vec<Binding>,
}

/// One binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Binding {
    room: String,
    #[serde(flatten)]
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Place {
    Folder { path: PathBuf, dev: u64, ino: u64 },
    Global { global: bool },
}

/// Where a room shall be bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BindTo {
    /// Nowhere.
    None,
    /// Every folder.
    Global,
    /// This folder and those beneath it.
    Dir(PathBuf),
}

/// Why the current folder is not bound by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooWide {
    /// `/`
    Root,
    /// The user's own folder.
    UserFolder,
    /// A folder for temporary files.
    Temporary,
}

impl TooWide {
    /// The reason, to stand after the folder's name.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Root => "it holds everything on this machine",
            Self::UserFolder => "it is your home folder",
            Self::Temporary => "it is a folder for temporary files",
        }
    }
}

impl Default for Bindings {
    fn default() -> Self {
        Self {
            v: 1,
            bindings: Vec::new(),
        }
    }
}

impl Bindings {
    /// Reads the file; a missing one is empty.
    pub fn load(home: &Home) -> io::Result<Self> {
        match fs::read(home.join("bindings.json")) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Writes the file by rename.
    pub fn store(&self, home: &Home) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        home.replace("bindings.json", &bytes)
    }

    /// Adds a binding if it is not there. The folder must exist.
    pub fn bind(&mut self, room: &RoomId, to: &BindTo) -> io::Result<()> {
        let place = match to {
            BindTo::None => return Ok(()),
            BindTo::Global => Place::Global { global: true },
            BindTo::Dir(dir) => {
                let path = dir.canonicalize()?;
                let meta = fs::metadata(&path)?;
                if !meta.is_dir() {
                    return Err(io::ErrorKind::NotADirectory.into());
                }
                Place::Folder {
                    path,
                    dev: meta.dev(),
                    ino: meta.ino(),
                }
            }
        };
        let binding = Binding {
            room: room.to_hex(),
            place,
        };
        if !self.bindings.contains(&binding) {
            self.bindings.push(binding);
        }
        Ok(())
    }

    /// The rooms bound to `dir` or, where none is, to its nearest bound ancestor; else those bound globally.
    pub fn rooms_at(&self, dir: &Path) -> BTreeSet<RoomId> {
        for folder in dir.ancestors() {
            let Ok(meta) = fs::metadata(folder) else {
                continue;
            };
            let found = self.rooms_where(|place| {
                matches!(place, Place::Folder { path, dev, ino } if path == folder && *dev == meta.dev() && *ino == meta.ino())
            });
            if !found.is_empty() {
                return found;
            }
        }
        self.rooms_where(|place| matches!(place, Place::Global { global: true }))
    }

    /// The folders that a room is bound to, `None` standing for all.
    pub fn places_of(&self, room: &RoomId) -> Vec<Option<&Path>> {
        let hex = room.to_hex();
        let of_room = self.bindings.iter().filter(|binding| binding.room == hex);
        of_room
            .map(|binding| match &binding.place {
                Place::Folder { path, .. } => Some(path.as_path()),
                Place::Global { .. } => None,
            })
            .collect()
    }

    fn rooms_where(&self, holds: impl Fn(&Place) -> bool) -> BTreeSet<RoomId> {
        let matching = self.bindings.iter().filter(|binding| holds(&binding.place));
        matching
            .filter_map(|binding| binding.room.parse().ok())
            .collect()
    }
}

/// Whether `dir`, canonical, would bring a room to far more than a project.
pub fn too_wide(dir: &Path) -> Option<TooWide> {
    let is = |other: &Path| other.canonicalize().is_ok_and(|other| other == dir);
    if dir.parent().is_none() {
        return Some(TooWide::Root);
    }
    if user_folder().is_some_and(|folder| is(&folder)) {
        return Some(TooWide::UserFolder);
    }
    let temporary = ["/tmp", "/var/tmp", "/dev/shm", "/private/tmp"].map(PathBuf::from);
    if temporary.iter().any(|folder| is(folder)) || is(&std::env::temp_dir()) {
        return Some(TooWide::Temporary);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(byte: u8) -> RoomId {
        RoomId::from_bytes([byte; 32])
    }

    #[test]
    fn the_nearest_bound_ancestor_counts_and_a_global_room_reaches_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let (project, inner) = (top.join("project"), top.join("project/inner/deep"));
        fs::create_dir_all(&inner).unwrap();
        let mut bindings = Bindings::default();
        bindings
            .bind(&room(1), &BindTo::Dir(project.clone()))
            .unwrap();
        bindings
            .bind(&room(2), &BindTo::Dir(project.join("inner")))
            .unwrap();
        bindings.bind(&room(3), &BindTo::Global).unwrap();
        assert_eq!(bindings.rooms_at(&project), [room(1)].into());
        assert_eq!(bindings.rooms_at(&inner), [room(2)].into());
        assert_eq!(bindings.rooms_at(&top), [room(3)].into());
    }

    #[test]
    fn another_folder_at_the_same_path_is_not_bound() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().canonicalize().unwrap().join("project");
        fs::create_dir(&project).unwrap();
        let mut bindings = Bindings::default();
        bindings
            .bind(&room(1), &BindTo::Dir(project.clone()))
            .unwrap();
        fs::rename(&project, dir.path().join("moved")).unwrap();
        fs::create_dir(&project).unwrap();
        assert!(bindings.rooms_at(&project).is_empty());
    }

    #[test]
    fn the_file_keeps_its_documented_shape() {
        let text = format!(
            r#"{{"v":1,"bindings":[{{"room":"{0}","path":"/p","dev":1,"ino":2}},{{"room":"{0}","global":true}}]}}"#,
            room(1)
        );
        let bindings: Bindings = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&bindings).unwrap(), text);
        assert_eq!(bindings.places_of(&room(1)), [Some(Path::new("/p")), None]);
    }

    #[test]
    fn wide_folders_are_not_bound_by_themselves() {
        assert_eq!(too_wide(Path::new("/")), Some(TooWide::Root));
        let temp = std::env::temp_dir().canonicalize().unwrap();
        assert_eq!(too_wide(&temp), Some(TooWide::Temporary));
        let dir = tempfile::tempdir_in(&temp).unwrap();
        assert_eq!(too_wide(&dir.path().canonicalize().unwrap()), None);
    }
}
