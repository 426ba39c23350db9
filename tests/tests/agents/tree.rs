//! What changed on a machine: names, modes and every byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use cc_tests::machine::Machine;

/// A home without the part that is ours, `.cc-connect`; and the project beside it, as `project`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree(BTreeMap<PathBuf, Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Folder { mode: u32 },
    File { mode: u32, content: Vec<u8> },
    Other,
}

impl Tree {
    pub fn of(machine: &Machine) -> Self {
        let mut tree = BTreeMap::new();
        read(&machine.home(), Path::new(""), &mut tree);
        read(&machine.project(), Path::new("project"), &mut tree);
        Self(tree)
    }

    /// The paths that differ, but for those named, what is in them, and new folders around them. A `*` ends the beginning
    /// of a name.
    pub fn changes(&self, before: &Self, but_for: &[&str]) -> BTreeSet<PathBuf> {
        let paths = self.0.keys().chain(before.0.keys());
        let is_named = |path: &Path| {
            let is_new = !before.0.contains_key(path);
            but_for.iter().any(|own| match own.strip_suffix('*') {
                Some(prefix) => path.to_string_lossy().starts_with(prefix),
                None => path.starts_with(own) || is_new && Path::new(own).starts_with(path),
            })
        };
        paths
            .filter(|path| self.0.get(*path) != before.0.get(*path) && !is_named(path))
            .cloned()
            .collect()
    }
}

fn read(folder: &Path, name: &Path, tree: &mut BTreeMap<PathBuf, Entry>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), name.join(entry.file_name()));
        // What ends meanwhile was nothing that stays.
        let Ok(meta) = entry.metadata() else { continue };
        if name == Path::new(".cc-connect") {
            continue;
        }
        let mode = meta.permissions().mode();
        let entry = if meta.is_dir() {
            read(&path, &name, tree);
            Entry::Folder { mode }
        } else if let (true, Ok(content)) = (meta.is_file(), fs::read(&path)) {
            Entry::File { mode, content }
        } else {
            Entry::Other
        };
        tree.insert(name, entry);
    }
}
