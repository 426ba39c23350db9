//! The names of a room's files.

use std::path::{Path, PathBuf};

/// The log itself.
pub(crate) fn log(dir: &Path) -> PathBuf {
    dir.join("log.jsonl")
}

/// Held by the one writer.
pub(crate) fn writer_lock(dir: &Path) -> PathBuf {
    dir.join("writer.lock")
}

/// Everything in here can be deleted: it is rebuilt from the log.
pub(crate) fn index(dir: &Path) -> PathBuf {
    dir.join("index")
}

pub(crate) fn records(dir: &Path) -> PathBuf {
    index(dir).join("records")
}

pub(crate) fn places(dir: &Path) -> PathBuf {
    index(dir).join("places")
}

pub(crate) fn roster(dir: &Path) -> PathBuf {
    index(dir).join("roster")
}

pub(crate) fn erased(dir: &Path) -> PathBuf {
    index(dir).join("erased")
}

pub(crate) fn checkpoint(dir: &Path) -> PathBuf {
    index(dir).join("checkpoint")
}

pub(crate) fn committed(dir: &Path) -> PathBuf {
    index(dir).join("committed")
}

pub(crate) fn cursors(dir: &Path) -> PathBuf {
    dir.join("cursors")
}

pub(crate) fn view(dir: &Path) -> PathBuf {
    dir.join("view.json")
}
