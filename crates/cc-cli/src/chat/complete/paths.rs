//! The entries of a folder that a path can go on with. What cannot be typed is left out, as is what is hidden unless the
//! path says so, and our own home, which is nobody's to share.

use std::fs;
use std::path::{Path, PathBuf};

use cc_proto::text::{file_size, is_shown_as_is};

use super::Candidate;
use crate::chat::slash::{quoted, user_home};

/// How many entries of a folder are looked at.
pub const ENTRIES_MAX: usize = 1_000;

/// The entries that what was typed can go on with, folders with a `/` at the end, by name.
pub fn candidates(typed: &str, folder: &Path, home: &Path) -> Vec<Candidate> {
    let (dir, begun) = match typed.rfind('/') {
        Some(at) => typed.split_at(at + 1),
        None => ("", typed),
    };
    let Some(from) = folder_of(dir, folder) else {
        return Vec::new();
    };
    // Behind links, too.
    let Ok(from) = from.canonicalize() else {
        return Vec::new();
    };
    let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    if from.starts_with(&home) {
        return Vec::new();
    }
    let Ok(entries) = fs::read_dir(&from) else {
        return Vec::new();
    };
    let mut found: Vec<Candidate> = entries
        .take(ENTRIES_MAX)
        .filter_map(|entry| candidate(&entry.ok()?, dir, begun, &home))
        .collect();
    found.sort_by(|one, other| one.shown.cmp(&other.shown));
    found
}

fn folder_of(dir: &str, folder: &Path) -> Option<PathBuf> {
    if let Some(rest) = dir.strip_prefix("~/") {
        return Some(PathBuf::from(user_home()?).join(rest));
    }
    Some(folder.join(dir))
}

fn candidate(entry: &fs::DirEntry, dir: &str, begun: &str, home: &Path) -> Option<Candidate> {
    let name = entry.file_name().into_string().ok()?;
    if !name.starts_with(begun)
        || (name.starts_with('.') && !begun.starts_with('.'))
        || !name.chars().all(is_shown_as_is)
    {
        return None;
    }
    // Of a link, what it leads to.
    let metadata = fs::metadata(entry.path()).ok()?;
    let is_folder = metadata.is_dir();
    if is_folder
        && entry
            .path()
            .canonicalize()
            .is_ok_and(|path| path.starts_with(home))
    {
        return None;
    }
    let path = as_word(&format!("{dir}{name}"));
    Some(Candidate {
        shown: if is_folder { format!("{name}/") } else { name },
        detail: if is_folder {
            String::new()
        } else {
            file_size(metadata.len())
        },
        // A folder goes on; a file is done.
        insert: if is_folder {
            format!("{path}/")
        } else {
            format!("{path} ")
        },
    })
}

/// A path as one word, whose `~/` still stands for the home folder, and which is no option.
fn as_word(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("~/{}", quoted(rest)),
        None if path.starts_with('-') => format!("./{}", quoted(path)),
        None => quoted(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(typed: &str, folder: &Path, home: &Path) -> Vec<String> {
        let found = candidates(typed, folder, home);
        found.into_iter().map(|it| it.shown).collect()
    }

    fn inserted(typed: &str, folder: &Path, home: &Path) -> Vec<String> {
        let found = candidates(typed, folder, home);
        found.into_iter().map(|it| it.insert).collect()
    }

    #[test]
    fn entries_go_on_with_what_was_typed() {
        let dir = tempfile::tempdir().unwrap();
        let (here, home) = (dir.path(), dir.path().join("home"));
        for folder in ["docs", "home", ".git"] {
            fs::create_dir(here.join(folder)).unwrap();
        }
        for file in [
            "design.svg",
            "a b.txt",
            ".env",
            "docs/x",
            "-rf",
            "bad\u{1b}name",
            "home/secret",
        ] {
            fs::write(here.join(file), "123").unwrap();
        }
        assert_eq!(
            shown("", here, &home),
            ["-rf", "a b.txt", "design.svg", "docs/"]
        );
        assert_eq!(inserted("d", here, &home), ["design.svg ", "docs/"]);
        assert_eq!(inserted("a", here, &home), ["a\\ b.txt "]);
        assert_eq!(inserted("-", here, &home), ["./-rf "]);
        assert_eq!(shown(".", here, &home), [".env", ".git/"]);
        assert_eq!(inserted("docs/", here, &home), ["docs/x "]);
        let full = format!("{}/docs/", here.display());
        assert_eq!(
            inserted(&full, Path::new("/"), &home),
            [format!("{full}x ")]
        );
        // Neither by its name, nor from within, nor around.
        for typed in ["home/", "docs/../home/", "./home/s"] {
            assert_eq!(shown(typed, here, &home), [""; 0], "{typed}");
        }
        std::os::unix::fs::symlink(&home, here.join("link")).unwrap();
        assert_eq!(shown("l", here, &home), [""; 0]);
        assert_eq!(shown("link/", here, &home), [""; 0]);
        assert_eq!(shown("nothing/", here, &home), [""; 0]);
    }

    #[test]
    fn of_a_large_folder_only_a_part_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..ENTRIES_MAX + 10 {
            fs::write(dir.path().join(n.to_string()), "").unwrap();
        }
        assert_eq!(
            shown("", dir.path(), Path::new("/nowhere")).len(),
            ENTRIES_MAX
        );
    }
}
