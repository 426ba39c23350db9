//! Which rooms reach a session: the one named by its environment, else those bound to its directory.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cc_proto::id::RoomId;
use serde::Deserialize;

/// The file in the home that says which directories are bound.
pub const BINDINGS_FILE: &str = "bindings.json";

/// Why no answer could be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindingsError {
    /// The file is there but could not be read.
    #[error("bindings.json cannot be read: {0}")]
    Io(#[source] io::Error),
    /// The file is not what it should be.
    #[error("bindings.json is damaged: {0}")]
    Shape(#[source] serde_json::Error),
    /// The file was written by a newer version.
    #[error("bindings.json has version {0}, this hook knows 1")]
    Version(u32),
}

#[derive(Deserialize)]
struct File {
    v: u32,
    bindings: Vec<Binding>,
}

#[derive(Deserialize)]
struct Binding {
    room: String,
    #[serde(default)]
    path: Option<PathBuf>,
    #[serde(default)]
    dev: u64,
    #[serde(default)]
    ino: u64,
    #[serde(default)]
    global: bool,
}

/// The rooms bound to `directory`: those of the nearest bound one among it and its ancestors, and
/// those bound everywhere.
///
/// A directory is known by its canonical path and its inode, so that another one put in its place
/// gets nothing. Its device number must agree too where a file system begins; elsewhere it may differ, as device
/// numbers change when a machine starts anew.
///
/// # Errors
/// Where the file is there but is not understood. A missing file binds nothing.
pub fn rooms_bound_to(home: &Path, directory: &Path) -> Result<BTreeSet<RoomId>, BindingsError> {
    let file = load(home)?;
    let mut rooms: BTreeSet<RoomId> = file
        .bindings
        .iter()
        .filter(|binding| binding.global)
        .filter_map(room)
        .collect();
    // A directory that is gone has no ancestors to speak of.
    if let Ok(canonical) = directory.canonicalize() {
        let nearest = canonical
            .ancestors()
            .map(|ancestor| bound_here(&file, ancestor))
            .find(|rooms| !rooms.is_empty());
        rooms.extend(nearest.unwrap_or_default());
    }
    Ok(rooms)
}

/// The directories that rooms are bound to, whether or not they are still there.
///
/// # Errors
/// As [`rooms_bound_to`].
pub fn bound_directories(home: &Path) -> Result<BTreeSet<PathBuf>, BindingsError> {
    let bindings = load(home)?.bindings.into_iter();
    Ok(bindings.filter_map(|binding| binding.path).collect())
}

fn load(home: &Path) -> Result<File, BindingsError> {
    let bytes = match fs::read(home.join(BINDINGS_FILE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(File {
                v: 1,
                bindings: Vec::new(),
            });
        }
        Err(error) => return Err(BindingsError::Io(error)),
    };
    let file: File = serde_json::from_slice(&bytes).map_err(BindingsError::Shape)?;
    if file.v != 1 {
        return Err(BindingsError::Version(file.v));
    }
    Ok(file)
}

fn room(binding: &Binding) -> Option<RoomId> {
    binding.room.parse().ok()
}

fn bound_here(file: &File, directory: &Path) -> BTreeSet<RoomId> {
    let here = file
        .bindings
        .iter()
        .filter(|binding| binding.path.as_deref() == Some(directory));
    here.filter(|binding| is_same(binding, directory))
        .filter_map(room)
        .collect()
}

fn is_same(binding: &Binding, directory: &Path) -> bool {
    let Ok(meta) = fs::metadata(directory) else {
        return false;
    };
    meta.ino() == binding.ino
        && (meta.dev() == binding.dev || !begins_a_file_system(directory, meta.dev()))
}

/// Roots of file systems share their inode number, so that there the path and inode tell nothing apart.
fn begins_a_file_system(directory: &Path, dev: u64) -> bool {
    let parent = directory
        .parent()
        .and_then(|parent| fs::metadata(parent).ok());
    parent.is_none_or(|parent| parent.dev() != dev)
}
