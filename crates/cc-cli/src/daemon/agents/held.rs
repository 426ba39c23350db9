//! What agents want to say and the owner has not approved: `held.json` in the home, by rename.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cc_log::{Durability, FsStorage, Storage as _};
use cc_proto::id::{RoomId, Timestamp};
use serde::{Deserialize, Serialize};

use super::gate::{Sharing, Speech, too_many_held};
use crate::rpc::{HeldInfo, RpcError, code};

/// No more wait at once.
pub const HELD_MAX: usize = 64;
const HELD_FILE: &str = "held.json";
const VERSION: u32 = 1;
/// No file of so few messages is larger.
const HELD_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a held message says; an error where the file was damaged by hand.
pub fn speech(held: &HeldInfo) -> Result<Speech, RpcError> {
    let re = held.re.as_ref().map(|re| re.parse()).transpose();
    Ok(Speech {
        text: held.text.clone(),
        agent: held.agent.clone(),
        role: held.role,
        re: re.map_err(|_| damaged())?,
        kind: held.kind,
        file: held
            .file
            .clone()
            .map(|path| sharing(held, path))
            .transpose()?,
    })
}

fn sharing(held: &HeldInfo, path: PathBuf) -> Result<Sharing, RpcError> {
    let hash = held.hash.as_ref().and_then(|hash| hash.parse().ok());
    Ok(Sharing {
        path,
        within: held.within.clone(),
        size: held.size.ok_or_else(damaged)?,
        hash: hash.ok_or_else(damaged)?,
    })
}

/// All that wait.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    file: HeldFile,
    /// Those that are being shared: nobody else decides about them meanwhile.
    sharing: BTreeSet<u64>,
    /// The file is there and cannot be understood: writing would lose what is in it.
    unreadable: bool,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct HeldFile {
    v: u32,
    last: u64,
    messages: Vec<HeldInfo>,
    /// Of those whose sharing was approved and began: how many lines the room had then. Where it was announced all the
    /// same, that is in a later one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    approved: BTreeMap<u64, u64>,
}

impl Held {
    /// Reads what waits in a home.
    pub fn load(home: &Path) -> Self {
        let path = home.join(HELD_FILE);
        let empty = HeldFile {
            v: VERSION,
            ..HeldFile::default()
        };
        let (file, unreadable) = match FsStorage.read(&path, HELD_BYTES_MAX) {
            Ok(bytes) => match serde_json::from_slice::<HeldFile>(&bytes) {
                Ok(file) if file.v == VERSION => (file, false),
                _ => (empty, true),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (empty, false),
            Err(_) => (empty, true),
        };
        if unreadable {
            tracing::error!("{HELD_FILE} cannot be read, and is not overwritten");
        }
        Self {
            path,
            file,
            sharing: BTreeSet::new(),
            unreadable,
        }
    }

    /// What waits, the oldest first, and what of it was approved.
    pub fn messages(&self) -> Vec<HeldInfo> {
        let mut messages = self.file.messages.clone();
        for message in &mut messages {
            message.approved = self.approved_at(message.held).is_some();
        }
        messages
    }

    /// Whether one more may wait.
    pub fn has_room(&self) -> Result<(), RpcError> {
        if self.file.messages.len() >= HELD_MAX {
            return Err(too_many_held());
        }
        Ok(())
    }

    /// Keeps a message; gives its number.
    pub fn put(&mut self, room: RoomId, speech: Speech, now: Timestamp) -> Result<u64, RpcError> {
        self.has_room()?;
        let held = self.file.last + 1;
        let mut all = self.file.clone();
        all.last = held;
        let file = speech.file.as_ref();
        all.messages.push(HeldInfo {
            held,
            room: room.to_hex(),
            agent: speech.agent,
            role: speech.role,
            text: speech.text,
            kind: speech.kind,
            re: speech.re.map(|re| re.to_hex()),
            at: now.0,
            file: file.map(|it| it.path.clone()),
            within: file.and_then(|it| it.within.clone()),
            size: file.map(|it| it.size),
            hash: file.map(|it| it.hash.to_hex()),
            approved: false,
        });
        self.store(all)?;
        Ok(held)
    }

    /// The message of a number.
    pub fn find(&self, held: u64) -> Result<HeldInfo, RpcError> {
        Ok(self.file.messages[self.position(held)?].clone())
    }

    /// Gives a message to the one who shares what it tells of, until [`Self::share_ended`]: nobody else decides about it.
    pub fn begin_share(&mut self, held: u64) -> Result<HeldInfo, RpcError> {
        let message = self.find(held)?;
        self.sharing.insert(held);
        Ok(message)
    }

    /// Notes down, durably, that a message is about to be shared in a room of so many lines. What was noted before stays.
    pub fn note_approved(&mut self, held: u64, lines: u64) -> Result<(), RpcError> {
        let mut file = self.file.clone();
        file.approved.entry(held).or_insert(lines);
        self.store(file)
    }

    /// How many lines the room had when a message was first about to be shared; none where it never was.
    pub fn approved_at(&self, held: u64) -> Option<u64> {
        self.file.approved.get(&held).copied()
    }

    /// Has others decide about a message again.
    pub fn share_ended(&mut self, held: u64) {
        self.sharing.remove(&held);
    }

    fn position(&self, held: u64) -> Result<usize, RpcError> {
        if self.sharing.contains(&held) {
            let shared = format!("message {held} is approved already, and is being shared");
            return Err(RpcError::new(code::NO_SUCH_HELD, shared)
                .hint("cc-connect files shows it once it is"));
        }
        let mut messages = self.file.messages.iter();
        messages
            .position(|message| message.held == held)
            .ok_or_else(|| {
                RpcError::new(code::NO_SUCH_HELD, format!("no message {held} is held"))
                    .hint("cc-connect held lists them")
            })
    }

    /// Takes a message out.
    pub fn take(&mut self, held: u64) -> Result<HeldInfo, RpcError> {
        let mut file = self.file.clone();
        let at = self.position(held)?;
        let taken = file.messages.remove(at);
        file.approved.remove(&held);
        self.store(file)?;
        Ok(taken)
    }

    /// Keeps a message under its number that was taken out in vain.
    pub fn put_back(&mut self, message: HeldInfo) -> Result<(), RpcError> {
        let mut file = self.file.clone();
        file.messages.push(message);
        file.messages.sort_by_key(|message| message.held);
        self.store(file)
    }

    fn store(&mut self, file: HeldFile) -> Result<(), RpcError> {
        if self.unreadable {
            return Err(damaged());
        }
        let failed = |error: &dyn std::fmt::Display| {
            RpcError::new(code::DISK, format!("cannot write {HELD_FILE}: {error}"))
        };
        let mut bytes = serde_json::to_vec(&file).map_err(|error| failed(&error))?;
        bytes.push(b'\n');
        FsStorage
            .replace(&self.path, &bytes, Durability::Synced)
            .map_err(|error| failed(&error))?;
        self.file = file;
        Ok(())
    }
}

fn damaged() -> RpcError {
    RpcError::new(
        code::DISK,
        format!("{HELD_FILE} in the home cannot be read"),
    )
    .hint("look at it, then move it away and restart with: cc-connect stop")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::{SendKind, SendRole};
    use cc_proto::id::Hash;

    const ROOM: RoomId = RoomId::from_bytes([7; 32]);

    fn speech(text: &str) -> Speech {
        Speech {
            text: text.to_owned(),
            agent: "codex".to_owned(),
            role: SendRole::Message,
            re: None,
            kind: SendKind::Chat,
            file: None,
        }
    }

    #[test]
    fn what_waits_is_still_there_after_a_restart_and_numbers_are_not_used_twice() {
        let home = tempfile::tempdir().unwrap();
        let mut held = Held::load(home.path());
        assert_eq!(held.put(ROOM, speech("one"), Timestamp(1)).unwrap(), 1);
        assert_eq!(held.put(ROOM, speech("two"), Timestamp(2)).unwrap(), 2);
        let two = held.take(2).unwrap();
        assert_eq!(two.text, "two");

        let mut again = Held::load(home.path());
        assert_eq!(again.messages().len(), 1);
        assert!(again.take(2).is_err());
        assert_eq!(again.put(ROOM, speech("three"), Timestamp(3)).unwrap(), 3);
        again.put_back(two).unwrap();
        let numbers: Vec<u64> = again.messages().iter().map(|it| it.held).collect();
        assert_eq!(numbers, [1, 2, 3]);
    }

    #[test]
    fn of_two_who_approve_the_same_share_one_wins() {
        let home = tempfile::tempdir().unwrap();
        let mut held = Held::load(home.path());
        let shares = Speech {
            file: Some(Sharing {
                path: "/tmp/a.txt".into(),
                within: None,
                size: 3,
                hash: Hash::of(b"abc"),
            }),
            ..speech("")
        };
        held.put(ROOM, shares.clone(), Timestamp(1)).unwrap();
        let message = held.begin_share(1).unwrap();
        assert_eq!(super::speech(&message).unwrap().file, shares.file);
        for refused in [held.begin_share(1), held.find(1), held.take(1)] {
            let error = refused.unwrap_err();
            assert_eq!(error.code, code::NO_SUCH_HELD);
            assert!(error.message.contains("approved already"), "{error:?}");
        }
        // It failed: the owner can approve it once more, or refuse it.
        held.share_ended(1);
        held.begin_share(1).unwrap();
        assert_eq!(held.approved_at(1), None);
        held.note_approved(1, 5).unwrap();
        held.note_approved(1, 9).unwrap();
        // Killed: it may have been announced in a line after the fifth.
        let mut held = Held::load(home.path());
        assert_eq!(held.approved_at(1), Some(5));
        assert!(held.messages()[0].approved);
        held.begin_share(1).unwrap();
        held.share_ended(1);
        held.take(1).unwrap();
        assert_eq!(Held::load(home.path()).approved_at(1), None);
    }

    #[test]
    fn only_so_many_wait() {
        let home = tempfile::tempdir().unwrap();
        let mut held = Held::load(home.path());
        for at in 0..HELD_MAX {
            held.put(ROOM, speech("x"), Timestamp(at as u64)).unwrap();
        }
        let error = held.put(ROOM, speech("x"), Timestamp(0)).unwrap_err();
        assert_eq!(error.code, code::TOO_MANY);
    }

    #[test]
    fn a_damaged_file_is_not_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(HELD_FILE);
        std::fs::write(&path, "{\"v\":1,").unwrap();
        let mut held = Held::load(home.path());
        assert!(held.put(ROOM, speech("x"), Timestamp(0)).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"v\":1,");
    }
}
