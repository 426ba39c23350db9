//! What the owner noted down of a room, in `local.json`: petnames and trust of the others, and whether
//! they are told by receipts. It never leaves the machine.

use std::collections::BTreeMap;

use cc_log::{Storage, Trust};
use cc_proto::id::AuthorId;
use cc_proto::limits::NICK_BYTES_MAX;
use cc_proto::text::clean_nick;
use serde::{Deserialize, Serialize};

use super::EngineError;
use super::files::{Files, LOCAL_FILE};

const VERSION: u32 = 1;

/// What the owner noted down about somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// The name that the owner calls them by.
    pub petname: Option<String>,
    /// How their words reach the owner's agents.
    pub trust: Trust,
}

/// Why nothing was noted down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The petname holds what no name may, is empty, or is too long.
    #[error("{name:?} cannot be a name")]
    InvalidName {
        /// What was given.
        name: String,
        /// What of it could be.
        instead: Option<String>,
    },
    /// Somebody else is called that.
    #[error("you call somebody else {name:?}")]
    NameTaken {
        /// The name.
        name: String,
        /// Whom it names.
        by: AuthorId,
    },
    /// Nobody of that key is known in the room.
    #[error("nobody of that key is known in the room")]
    UnknownPerson,
    /// The notes cannot be read, and must not be overwritten.
    #[error("{LOCAL_FILE} cannot be read, and is not overwritten")]
    Unreadable,
    /// The notes could not be written.
    #[error(transparent)]
    File(#[from] EngineError),
    /// The room is closed.
    #[error("the room is closed")]
    Closed,
}

/// All notes of a room.
#[derive(Debug, Default)]
pub(super) struct Local {
    notes: BTreeMap<AuthorId, Note>,
    /// Whether others are told by receipts, where the owner said so or said not to.
    receipts: Option<bool>,
    /// The file is there and could not be read: writing would lose what is in it.
    unreadable: bool,
    /// What is not known of whom nothing is noted: where notes were lost, they may have been muted.
    lost: bool,
}

#[derive(Serialize, Deserialize)]
struct LocalFile {
    v: u32,
    people: Vec<PersonLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receipts: Option<bool>,
}

#[derive(Serialize, Deserialize)]
struct PersonLine {
    author: String,
    petname: Option<String>,
    trust: Trust,
}

impl Local {
    /// Reads them. A damaged file is kept as `local.json.damaged`, and as long as that is there, whoever
    /// nothing is noted of is only counted to agents: they may have been muted.
    pub fn read<S: Storage>(files: &Files<'_, S>) -> Self {
        let bytes = match files.read_local() {
            Ok(None) => {
                return Self {
                    lost: files.has_damaged_local(),
                    ..Self::default()
                };
            }
            Ok(Some(bytes)) => bytes,
            Err(error) => {
                tracing::error!(%error, "petnames and trust cannot be read");
                return Self {
                    unreadable: true,
                    lost: true,
                    ..Self::default()
                };
            }
        };
        if let Some((notes, receipts)) = parse(&bytes) {
            return Self {
                notes,
                receipts,
                unreadable: false,
                lost: files.has_damaged_local(),
            };
        }
        let kept = files.keep_damaged_local(&bytes);
        match &kept {
            Ok(()) => tracing::error!(
                "petnames and trust are damaged: they are kept as {LOCAL_FILE}.damaged"
            ),
            Err(error) => tracing::error!(%error, "petnames and trust are damaged"),
        }
        Self {
            unreadable: kept.is_err(),
            lost: true,
            ..Self::default()
        }
    }

    /// What is noted about somebody.
    pub fn note(&self, who: &AuthorId) -> Note {
        let unknown = Note {
            petname: None,
            trust: if self.lost {
                Trust::Notice
            } else {
                Trust::default()
            },
        };
        self.notes.get(who).cloned().unwrap_or(unknown)
    }

    /// Notes something down, durably.
    pub fn set<S: Storage>(
        &mut self,
        who: AuthorId,
        note: Note,
        files: &Files<'_, S>,
    ) -> Result<(), LocalError> {
        if self.unreadable {
            return Err(LocalError::Unreadable);
        }
        if let Some(name) = &note.petname {
            self.check_name(&who, name)?;
        }
        let mut notes = self.notes.clone();
        if note == Note::default() && !self.lost {
            notes.remove(&who);
        } else {
            notes.insert(who, note);
        }
        files.write_local(&render(&notes, self.receipts))?;
        self.notes = notes;
        Ok(())
    }

    /// Whether others are told by receipts. Not where notes were lost: the owner may have said so.
    pub fn shares_receipts(&self) -> bool {
        self.receipts.unwrap_or(!self.lost)
    }

    /// Notes down whether others are told by receipts, durably.
    pub fn set_receipts<S: Storage>(
        &mut self,
        share: bool,
        files: &Files<'_, S>,
    ) -> Result<(), LocalError> {
        if self.unreadable {
            return Err(LocalError::Unreadable);
        }
        let receipts = (!share || self.lost).then_some(share);
        files.write_local(&render(&self.notes, receipts))?;
        self.receipts = receipts;
        Ok(())
    }

    fn check_name(&self, who: &AuthorId, name: &str) -> Result<(), LocalError> {
        let clean = clean_nick(name);
        if clean.as_deref() != Some(name) || name.len() > NICK_BYTES_MAX {
            return Err(LocalError::InvalidName {
                name: name.to_owned(),
                instead: clean,
            });
        }
        let mut others = self.notes.iter().filter(|(id, _)| *id != who);
        match others.find(|(_, note)| note.petname.as_deref() == Some(name)) {
            Some((by, _)) => Err(LocalError::NameTaken {
                name: name.to_owned(),
                by: *by,
            }),
            None => Ok(()),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<(BTreeMap<AuthorId, Note>, Option<bool>)> {
    let file: LocalFile = serde_json::from_slice(bytes).ok()?;
    if file.v != VERSION {
        return None;
    }
    let mut notes = BTreeMap::new();
    for line in file.people {
        let note = Note {
            petname: line.petname,
            trust: line.trust,
        };
        notes.insert(line.author.parse().ok()?, note);
    }
    Some((notes, file.receipts))
}

fn render(notes: &BTreeMap<AuthorId, Note>, receipts: Option<bool>) -> Vec<u8> {
    let people = notes.iter().map(|(author, note)| PersonLine {
        author: author.to_hex(),
        petname: note.petname.clone(),
        trust: note.trust,
    });
    let file = LocalFile {
        v: VERSION,
        people: people.collect(),
        receipts,
    };
    let mut bytes = serde_json::to_vec(&file).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use cc_log::FsStorage;

    fn author(n: u8) -> AuthorId {
        AuthorId::from_bytes([n; 32])
    }

    fn called(name: &str) -> Note {
        Note {
            petname: Some(name.to_owned()),
            trust: Trust::Muted,
        }
    }

    #[test]
    fn notes_survive_and_damage_is_kept_aside() {
        let home = tempfile::tempdir().unwrap();
        let files = Files {
            storage: &FsStorage,
            dir: home.path(),
        };
        let mut local = Local::read(&files);
        local.set(author(1), called("bob"), &files).unwrap();
        assert_eq!(Local::read(&files).note(&author(1)), called("bob"));
        let path = home.path().join(LOCAL_FILE);
        for damage in ["", "{", r#"{"v":2,"people":[]}"#, "\u{0}"] {
            std::fs::write(&path, damage).unwrap();
            let mut local = Local::read(&files);
            assert_eq!(local.note(&author(1)).trust, Trust::Notice);
            let kept = home.path().join("local.json.damaged");
            assert_eq!(std::fs::read_to_string(&kept).unwrap(), damage);
            local.set(author(1), called("bob"), &files).unwrap();
            let again = Local::read(&files);
            assert_eq!(again.note(&author(1)), called("bob"));
            assert_eq!(again.note(&author(2)).trust, Trust::Notice);
            std::fs::remove_file(kept).unwrap();
            assert_eq!(Local::read(&files).note(&author(2)), Note::default());
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let mut local = Local::read(&files);
        let refused = local.set(author(1), called("bob"), &files);
        assert!(matches!(refused, Err(LocalError::Unreadable)));
    }

    #[test]
    fn receipts_are_shared_unless_the_owner_said_not_to_or_may_have() {
        let home = tempfile::tempdir().unwrap();
        let files = Files {
            storage: &FsStorage,
            dir: home.path(),
        };
        let mut local = Local::read(&files);
        assert!(local.shares_receipts());
        local.set_receipts(false, &files).unwrap();
        local.set(author(1), called("bob"), &files).unwrap();
        let mut local = Local::read(&files);
        assert!(!local.shares_receipts());
        assert_eq!(local.note(&author(1)), called("bob"));
        local.set_receipts(true, &files).unwrap();
        assert!(Local::read(&files).shares_receipts());
        std::fs::write(home.path().join(LOCAL_FILE), "{").unwrap();
        assert!(!Local::read(&files).shares_receipts());
        let mut local = Local::read(&files);
        local.set(author(1), called("bob"), &files).unwrap();
        assert!(!Local::read(&files).shares_receipts());
        local.set_receipts(true, &files).unwrap();
        assert!(Local::read(&files).shares_receipts());
    }

    #[test]
    fn a_petname_is_clean_and_names_one_person() {
        let home = tempfile::tempdir().unwrap();
        let files = Files {
            storage: &FsStorage,
            dir: home.path(),
        };
        let mut local = Local::read(&files);
        local.set(author(1), called("bob"), &files).unwrap();
        local.set(author(1), called("bob"), &files).unwrap();
        let taken = local.set(author(2), called("bob"), &files);
        assert!(matches!(taken, Err(LocalError::NameTaken { by, .. }) if by == author(1)));
        let long = "x".repeat(NICK_BYTES_MAX + 1);
        for bad in ["", " ", "b\u{1b}[31mob", "b\u{202e}ob", &long] {
            let refused = local.set(author(2), called(bad), &files);
            assert!(
                matches!(refused, Err(LocalError::InvalidName { .. })),
                "{bad:?}"
            );
        }
    }
}
