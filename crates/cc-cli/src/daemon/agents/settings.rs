//! What the owner chose about agents in a room: `agents.json` in the room's folder, by rename. It never leaves the machine.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use cc_log::{Durability, FsStorage, Storage as _};
use cc_proto::id::AuthorId;
use serde::{Deserialize, Serialize};

const FILE: &str = "agents.json";
const VERSION: u32 = 1;
/// No file is larger: thousands of members fit.
const BYTES_MAX: u64 = 1024 * 1024;

/// The choices for one room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentSettings {
    /// Whether a mention by anybody wakes.
    pub wake: bool,
    /// Whether what agents write wakes, too.
    pub wake_agents: bool,
    /// By whom a mention wakes, or does not, whatever holds for the others.
    pub wake_people: BTreeMap<AuthorId, bool>,
}

#[derive(Serialize, Deserialize)]
struct File {
    v: u32,
    wake: bool,
    wake_agents: bool,
    wake_people: BTreeMap<String, bool>,
}

impl AgentSettings {
    /// Whether a mention by that member wakes.
    pub fn may_wake(&self, author: &AuthorId) -> bool {
        self.wake_people.get(author).copied().unwrap_or(self.wake)
    }

    /// Whether nobody's mention wakes.
    pub fn is_off(&self) -> bool {
        !self.wake && !self.wake_people.values().any(|wake| *wake)
    }

    /// Reads what was chosen in a room; nothing that was chosen, or that can be understood, is nothing allowed.
    pub fn load(dir: &Path) -> Self {
        let bytes = match FsStorage.read(&dir.join(FILE), BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => {
                tracing::error!(%error, "{FILE} cannot be read; nobody is woken");
                return Self::default();
            }
        };
        parse(&bytes).unwrap_or_else(|| {
            tracing::error!("{FILE} is damaged; nobody is woken");
            Self::default()
        })
    }

    /// Writes what was chosen.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn store(&self, dir: &Path) -> io::Result<()> {
        let people = self.wake_people.iter();
        let file = File {
            v: VERSION,
            wake: self.wake,
            wake_agents: self.wake_agents,
            wake_people: people.map(|(who, wake)| (who.to_hex(), *wake)).collect(),
        };
        let mut bytes = serde_json::to_vec(&file)?;
        bytes.push(b'\n');
        FsStorage.replace(&dir.join(FILE), &bytes, Durability::Synced)
    }
}

fn parse(bytes: &[u8]) -> Option<AgentSettings> {
    let file: File = serde_json::from_slice(bytes).ok()?;
    if file.v != VERSION {
        return None;
    }
    let people = file.wake_people.into_iter();
    let people = people.map(|(who, wake)| Some((who.parse().ok()?, wake)));
    Some(AgentSettings {
        wake: file.wake,
        wake_agents: file.wake_agents,
        wake_people: people.collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_woken_by_default_and_a_member_outranks_the_room() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = AgentSettings::load(dir.path());
        let (bob, carol) = ([1; 32], [2; 32]);
        let (bob, carol) = (AuthorId::from_bytes(bob), AuthorId::from_bytes(carol));
        assert!(settings.is_off());

        settings.wake_people.insert(bob, true);
        settings.store(dir.path()).unwrap();
        let settings = AgentSettings::load(dir.path());
        assert!(settings.may_wake(&bob) && !settings.may_wake(&carol));
        assert!(!settings.is_off());

        let mut settings = settings;
        settings.wake = true;
        settings.wake_people.insert(bob, false);
        assert!(!settings.may_wake(&bob) && settings.may_wake(&carol));
    }

    #[test]
    fn what_is_damaged_allows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{\"v\":1,\"wake\":true").unwrap();
        assert!(AgentSettings::load(dir.path()).is_off());
    }
}
