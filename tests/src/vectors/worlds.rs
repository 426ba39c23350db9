//! What several cases begin with: `spec/vectors/worlds`, a file each, so that a case holds only what
//! is its own, and may call people by their names.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::root;

/// The folder of the worlds, which is no group.
pub const FOLDER: &str = "worlds";

/// A room and what happened in it before a case begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedWorld {
    /// The name of its file, without `.json`.
    pub name: String,
    /// What it is like.
    pub about: String,
    /// The room's id.
    pub room: String,
    /// Who is called what: keys by name.
    pub people: BTreeMap<String, String>,
    /// What invites are called: their public keys by name.
    pub invites: BTreeMap<String, String>,
    /// The messages that are held.
    pub acts: Vec<String>,
}

impl SharedWorld {
    /// Reads a world.
    ///
    /// # Panics
    /// Where there is none of that name.
    pub fn load(name: &str) -> Self {
        let path = path(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let world: Self =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(
            world.name == name,
            "{} is called {}",
            path.display(),
            world.name
        );
        world
    }

    /// Writes its file.
    ///
    /// # Panics
    /// Where a file operation fails.
    pub fn store(&self) {
        let path = path(&self.name);
        let folder = path.parent().expect("a world is in a folder");
        fs::create_dir_all(folder).expect("a folder can be made");
        let mut text = serde_json::to_string_pretty(self).expect("a world serialises");
        text.push('\n');
        fs::write(path, text).expect("a world can be written");
    }

    /// What a person is called here; the key itself of whoever has no name.
    pub fn name_of(&self, key: &str) -> String {
        called(&self.people, key)
    }

    /// What an invite is called here.
    pub fn invite_of(&self, key: &str) -> String {
        called(&self.invites, key)
    }
}

fn called(names: &BTreeMap<String, String>, key: &str) -> String {
    let named = names.iter().find(|(_, known)| *known == key);
    named.map_or_else(|| key.to_owned(), |(name, _)| name.clone())
}

fn path(name: &str) -> PathBuf {
    root().join(FOLDER).join(format!("{name}.json"))
}
