//! What was being typed in a room: `draft.json` in the room's folder, mode 0600, replaced by rename. Nobody but the chat reads
//! it.

use std::fs;
use std::io;
use std::path::Path;

use cc_log::{Durability, FsStorage, Storage as _};
use cc_proto::text::clean_line;
use serde::{Deserialize, Serialize};

use crate::chat::app::Kept;
use crate::chat::editor::EDITOR_BYTES_MAX;

/// The file in the room's folder.
const FILE: &str = "draft.json";
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

/// Keeps a text, or that there is none. What cannot be kept is lost with the chat, as it was before.
pub fn save(dir: &Path, kept: &Kept) {
    let path = dir.join(FILE);
    // A folder that is gone is not to come back.
    if !dir.is_dir() {
        return;
    }
    if kept.is_empty() {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "cannot remove {FILE}");
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
        tracing::warn!(%error, "cannot write {FILE}");
    }
}

/// What was kept; none where that is nothing, or garbage.
pub fn load(dir: &Path) -> Option<Kept> {
    let bytes = FsStorage.read(&dir.join(FILE), FILE_BYTES_MAX).ok()?;
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
        assert_eq!(load(dir.path()), None);
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
        save(dir.path(), &kept);
        let path = dir.path().join(FILE);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(load(dir.path()), Some(kept));
        save(dir.path(), &Kept::default());
        assert!(!path.exists());
        save(dir.path(), &Kept::default());
    }

    #[test]
    fn the_longest_text_is_kept_and_what_is_not_ours_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let text = "\"".repeat(EDITOR_BYTES_MAX);
        let longest = Kept {
            text,
            ..Kept::default()
        };
        save(dir.path(), &longest);
        assert_eq!(load(dir.path()), Some(longest));
        let path = dir.path().join(FILE);
        let too_long = format!(r#"{{"v":1,"text":"{}"}}"#, "x".repeat(EDITOR_BYTES_MAX + 1));
        for garbage in [
            "{",
            r#"{"v":2,"text":"x"}"#,
            r#"{"v":1}"#,
            r#"{"v":1,"text":" "}"#,
            &too_long,
        ] {
            fs::write(&path, garbage).unwrap();
            assert_eq!(load(dir.path()), None);
        }
        let gone = dir.path().join("gone");
        save(
            &gone,
            &Kept {
                text: "x".to_owned(),
                ..Kept::default()
            },
        );
        assert!(!gone.exists());
    }
}
