//! What was being typed in a room: `draft.json` in the room's folder, mode 0600, replaced by rename. Nobody but the chat reads
//! it.
//!
//! Several chats of one home have a place each, and the lowest that is free when they open: that of the second is
//! `draft.2.json`. A place is held by a lock in the home for as long as the chat lives, however it ends.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cc_log::{Durability, FsLock, FsStorage, Storage as _};
use cc_proto::text::clean_line;
use serde::{Deserialize, Serialize};

use crate::chat::app::Kept;
use crate::chat::editor::EDITOR_BYTES_MAX;

/// So many chats of one home keep what is typed in them.
const CHATS_MAX: usize = 8;
/// A file that is longer is not ours: the longest text, each of its bytes escaped, and what stands about it.
const FILE_BYTES_MAX: u64 = 2 * EDITOR_BYTES_MAX as u64 + 64 * 1024;
/// The longest of what is kept of a message that is answered, in characters.
const ANSWERED_CHARS_MAX: usize = 80;

#[derive(Serialize, Deserialize)]
struct File {
    v: u32,
    #[serde(flatten)]
    kept: Kept,
}

/// The texts of this chat.
pub struct Drafts {
    home: PathBuf,
    /// The number of its place; none where all are taken, and nothing is kept.
    place: Option<usize>,
    _lock: Option<FsLock>,
}

impl Drafts {
    /// Takes the lowest place that no other chat of the home has.
    pub fn open(home: &Path) -> Self {
        let free = (1..=CHATS_MAX).find_map(|place| Some((place, lock(home, place)?)));
        let (place, lock) = free.unzip();
        Self {
            home: home.to_owned(),
            place,
            _lock: lock,
        }
    }

    /// What to tell the person where nothing is kept.
    pub fn trouble(&self) -> Option<String> {
        let no_place = self.place.is_none();
        no_place.then(|| {
            format!("{CHATS_MAX} chats are open already: what is typed in this one and not sent is not kept")
        })
    }

    /// Keeps a text, or that there is none. What cannot be kept is lost with the chat, as it was before.
    pub fn save(&self, dir: &Path, kept: &Kept) {
        // A folder that is gone is not to come back.
        let Some(place) = self.place.filter(|_| dir.is_dir()) else {
            return;
        };
        let path = dir.join(file(place));
        if kept.is_empty() {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, "cannot remove a draft");
                }
                _ => {}
            }
            return;
        }
        let file = File {
            v: 1,
            kept: kept.clone(),
        };
        let Ok(bytes) = serde_json::to_vec(&file) else {
            return;
        };
        if let Err(error) = FsStorage.replace(&path, &bytes, Durability::Unsynced) {
            tracing::warn!(%error, "cannot write a draft");
        }
    }

    /// What was kept; none where that is nothing, or garbage.
    pub fn load(&self, dir: &Path) -> Option<Kept> {
        let place = self.place?;
        let path = dir.join(file(place));
        if !path.exists() {
            self.take_over(dir, &path, place);
        }
        read(&path)
    }

    /// Takes what was left in a higher place that nobody has now: as many chats may not be open again soon.
    fn take_over(&self, dir: &Path, path: &Path, place: usize) {
        for other in place + 1..=CHATS_MAX {
            let left = dir.join(file(other));
            if !left.exists() {
                continue;
            }
            // Held until it is taken.
            let lock = lock(&self.home, other);
            if lock.is_some() && fs::rename(&left, path).is_ok() {
                return;
            }
        }
    }
}

/// The file in the room's folder.
fn file(place: usize) -> String {
    named("draft", place, "json")
}

fn named(stem: &str, place: usize, ending: &str) -> String {
    match place {
        1 => format!("{stem}.{ending}"),
        _ => format!("{stem}.{place}.{ending}"),
    }
}

/// Takes a place; none where another chat has it.
fn lock(home: &Path, place: usize) -> Option<FsLock> {
    let path = home.join(named("drafts", place, "lock"));
    let lock = FsStorage.try_lock(&path);
    lock.inspect_err(|error| tracing::warn!(%error, "cannot lock a place for drafts"))
        .ok()?
}

fn read(path: &Path) -> Option<Kept> {
    let bytes = FsStorage.read(path, FILE_BYTES_MAX).ok()?;
    let file: File = serde_json::from_slice(&bytes).ok()?;
    let mut kept = file.kept;
    if file.v != 1 || kept.is_empty() || kept.text.len() > EDITOR_BYTES_MAX {
        return None;
    }
    if let Some(answered) = &mut kept.answers {
        for text in [&mut answered.name, &mut answered.text] {
            *text = clean_line(text, ANSWERED_CHARS_MAX);
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::chat::app::Answered;

    #[test]
    fn a_text_is_kept_for_its_owner_alone_and_gone_once_it_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(dir.path());
        assert_eq!(drafts.load(dir.path()), None);
        let kept = Kept {
            text: "\"one\"\ntwo 日本".to_owned(),
            answers: Some(Answered {
                n: 3,
                id: "ab".repeat(32),
                name: "bob".to_owned(),
                text: "which?".to_owned(),
            }),
            unsure: true,
        };
        drafts.save(dir.path(), &kept);
        let path = dir.path().join("draft.json");
        for path in [&path, &dir.path().join("drafts.lock")] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(drafts.load(dir.path()), Some(kept));
        drafts.save(dir.path(), &Kept::default());
        assert!(!path.exists());
        drafts.save(dir.path(), &Kept::default());
    }

    fn text(text: &str) -> Kept {
        Kept {
            text: text.to_owned(),
            ..Kept::default()
        }
    }

    #[test]
    fn two_chats_of_one_home_keep_each_its_own() {
        let home = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let first = Drafts::open(home.path());
        first.save(dir, &text("A"));
        let second = Drafts::open(home.path());
        assert_eq!(second.load(dir), None, "it is being typed elsewhere");
        second.save(dir, &text("B"));
        assert_eq!(first.load(dir), Some(text("A")));
        second.save(dir, &Kept::default());
        assert_eq!(first.load(dir), Some(text("A")));
        second.save(dir, &text("B"));

        // Who comes next has the lowest place that is free.
        drop(first);
        let third = Drafts::open(home.path());
        assert_eq!(third.load(dir), Some(text("A")));
        assert_eq!(second.load(dir), Some(text("B")));
        drop(second);
        let second = Drafts::open(home.path());
        assert_eq!(second.load(dir), Some(text("B")));
    }

    #[test]
    fn what_was_left_in_a_higher_place_comes_back_to_a_chat_alone() {
        let home = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let first = Drafts::open(home.path());
        let second = Drafts::open(home.path());
        second.save(dir, &text("B"));
        assert_eq!(first.load(dir), None, "somebody has it");
        drop(second);
        assert_eq!(first.load(dir), Some(text("B")));
        assert!(!dir.join("draft.2.json").exists());
        first.save(dir, &Kept::default());
        assert_eq!(Drafts::open(home.path()).load(dir), None);
    }

    #[test]
    fn only_so_many_chats_have_a_place_and_the_rest_touches_nothing() {
        let home = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let open = || Drafts::open(home.path());
        let chats: Vec<Drafts> = (0..CHATS_MAX).map(|_| open()).collect();
        for (at, chat) in chats.iter().enumerate() {
            assert_eq!(chat.trouble(), None);
            chat.save(dir.path(), &text(&at.to_string()));
        }
        let more = open();
        assert!(more.trouble().is_some());
        more.save(dir.path(), &text("more"));
        more.save(dir.path(), &Kept::default());
        assert_eq!(more.load(dir.path()), None);
        let files = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, CHATS_MAX);
        for (at, chat) in chats.iter().enumerate() {
            assert_eq!(chat.load(dir.path()), Some(text(&at.to_string())));
        }
    }

    #[test]
    fn the_longest_text_is_kept_and_what_is_not_ours_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(dir.path());
        let longest = text(&"\"".repeat(EDITOR_BYTES_MAX));
        drafts.save(dir.path(), &longest);
        assert_eq!(drafts.load(dir.path()), Some(longest));
        let path = dir.path().join("draft.json");
        let too_long = format!(r#"{{"v":1,"text":"{}"}}"#, "x".repeat(EDITOR_BYTES_MAX + 1));
        for garbage in [
            "{",
            r#"{"v":2,"text":"x"}"#,
            r#"{"v":1}"#,
            r#"{"v":1,"text":" "}"#,
            &too_long,
        ] {
            fs::write(&path, garbage).unwrap();
            assert_eq!(drafts.load(dir.path()), None);
        }
        let gone = dir.path().join("gone");
        drafts.save(&gone, &text("x"));
        assert!(!gone.exists());
    }
}
