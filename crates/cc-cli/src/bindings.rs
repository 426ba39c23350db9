//! Which rooms reach which folder: `bindings.json`, and the folders that are not bound unless asked.
//!
//! `{"v":1,"bindings":[{"room":"<hex>","path":"/canon","dev":1,"ino":2}|{"room":"<hex>","global":true}]}`. A folder is
//! known by its canonical path, device and inode, so that another folder at the same path is not bound; which rooms
//! reach a folder is the hook's own rule, [`cc_hook_generic::rooms_bound_to`].
//! Only the daemon writes the file, by rename.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cc_hook_generic::rooms_bound_to;
use cc_proto::id::RoomId;
use serde::{Deserialize, Serialize};

use crate::error::{CliError, CliResult, Kind};
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

impl Place {
    /// The folder; none stands for all.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Folder { path, .. } => Some(path),
            Self::Global { .. } => None,
        }
    }
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
            Ok(bytes) => match serde_json::from_slice(&bytes)? {
                Self { v: 1, bindings } => Ok(Self { v: 1, bindings }),
                Self { v, .. } => Err(io::Error::other(format!(
                    "bindings.json has version {v}, this program knows 1"
                ))),
            },
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

    /// Adds a binding; one to a folder takes the place of an older one to the same path. The folder must exist.
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
        self.bindings.retain(|other| {
            other.room != binding.room || other.place.path() != binding.place.path()
        });
        self.bindings.push(binding);
        Ok(())
    }

    /// Takes a room's bindings away.
    pub fn unbind(&mut self, room: &RoomId) {
        let hex = room.to_hex();
        self.bindings.retain(|binding| binding.room != hex);
    }

    /// The folders that a room is bound to, `None` standing for all.
    pub fn places_of(&self, room: &RoomId) -> Vec<Option<&Path>> {
        let hex = room.to_hex();
        let of_room = self.bindings.iter().filter(|binding| binding.room == hex);
        of_room.map(|binding| binding.place.path()).collect()
    }

    /// The rooms that a person in `dir` means without naming one: those that the hook offers to a session there, but of
    /// rooms bound everywhere only where no other is bound.
    pub fn rooms_at(home: &Home, dir: &Path) -> CliResult<BTreeSet<RoomId>> {
        let failed = |error: &dyn std::error::Error| {
            CliError::new(Kind::Home, "cannot understand bindings.json").because(error)
        };
        let bindings = Self::load(home).map_err(|error| failed(&error))?;
        let reached = rooms_bound_to(home.path(), dir).map_err(|error| failed(&error))?;
        let is_global = |room: &RoomId| bindings.places_of(room).contains(&None);
        let bound: BTreeSet<RoomId> = reached
            .iter()
            .filter(|room| !is_global(room))
            .copied()
            .collect();
        Ok(if bound.is_empty() { reached } else { bound })
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
        let home = Home::open(Some(&top.join("home"))).unwrap();
        bindings.store(&home).unwrap();
        let rooms_at = |dir: &Path| Bindings::rooms_at(&home, dir).unwrap();
        assert_eq!(rooms_at(&project), [room(1)].into());
        assert_eq!(rooms_at(&inner), [room(2)].into());
        assert_eq!(rooms_at(&top), [room(3)].into());
    }

    #[test]
    fn another_folder_at_the_same_path_is_bound_only_anew() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let project = top.join("project");
        fs::create_dir(&project).unwrap();
        let mut bindings = Bindings::default();
        bindings
            .bind(&room(1), &BindTo::Dir(project.clone()))
            .unwrap();
        fs::rename(&project, dir.path().join("moved")).unwrap();
        fs::create_dir(&project).unwrap();
        let home = Home::open(Some(&top.join("home"))).unwrap();
        bindings.store(&home).unwrap();
        assert!(Bindings::rooms_at(&home, &project).unwrap().is_empty());
        bindings
            .bind(&room(1), &BindTo::Dir(project.clone()))
            .unwrap();
        bindings.store(&home).unwrap();
        assert_eq!(
            Bindings::rooms_at(&home, &project).unwrap(),
            [room(1)].into()
        );
        assert_eq!(bindings.places_of(&room(1)).len(), 1);
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
