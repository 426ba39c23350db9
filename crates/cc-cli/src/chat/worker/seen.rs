//! How far each room was looked at: `<home>/seen.json`, mode 0600, replaced by rename.

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use crate::home::Home;

/// The file in the home.
const FILE: &str = "seen.json";
/// Rooms that are remembered; of more, those with the highest ids are forgotten.
const ROOMS_MAX: usize = 1000;
/// A file that is longer is not ours.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct File {
    v: u32,
    rooms: BTreeMap<String, u64>,
}

/// The last line of each room that was on the screen.
#[derive(Debug, Default)]
pub struct Seen {
    rooms: BTreeMap<String, u64>,
    changed: bool,
}

impl Seen {
    /// Reads the file; nothing was seen where there is none, or it is garbage.
    pub fn load(home: &Home) -> Self {
        Self {
            rooms: read(home),
            changed: false,
        }
    }

    /// The last line of a room that was seen; none of a room that was never looked at.
    pub fn of(&self, room: &str) -> Option<u64> {
        self.rooms.get(room).copied()
    }

    /// Everything through line `n` was seen. Never goes back.
    pub fn note(&mut self, room: &str, n: u64) {
        if self.of(room).is_none_or(|seen| seen < n) {
            self.rooms.insert(room.to_owned(), n);
            self.changed = true;
        }
    }

    /// Writes what has changed. Another chat of this home may have written meanwhile: whoever saw more counts.
    pub fn save(&mut self, home: &Home) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        for (room, n) in read(home) {
            let seen = self.rooms.entry(room).or_insert(n);
            *seen = n.max(*seen);
        }
        while self.rooms.len() > ROOMS_MAX {
            self.rooms.pop_last();
        }
        let file = File {
            v: 1,
            rooms: self.rooms.clone(),
        };
        // Not to be able to keep it costs an unread line in the wrong place, and nothing else.
        if let Ok(bytes) = serde_json::to_vec(&file) {
            let _ = home.replace(FILE, &bytes);
        }
    }
}

fn read(home: &Home) -> BTreeMap<String, u64> {
    let path = home.join(FILE);
    let fits = fs::metadata(&path).is_ok_and(|meta| meta.len() <= FILE_BYTES_MAX);
    let bytes = fits.then(|| fs::read(&path).ok()).flatten();
    let file = bytes.and_then(|bytes| serde_json::from_slice::<File>(&bytes).ok());
    file.map(|file| file.rooms).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_stays_and_never_goes_back() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path())).unwrap();
        let mut here = Seen::load(&home);
        let mut there = Seen::load(&home);
        assert_eq!(here.of("aa"), None);
        here.note("aa", 7);
        here.note("aa", 3);
        here.save(&home);
        there.note("aa", 5);
        there.note("bb", 1);
        there.save(&home);
        let read = Seen::load(&home);
        assert_eq!((read.of("aa"), read.of("bb")), (Some(7), Some(1)));
    }

    #[test]
    fn garbage_is_as_nothing_and_too_many_rooms_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path())).unwrap();
        fs::write(home.join(FILE), "{").unwrap();
        let mut seen = Seen::load(&home);
        for room in 0..ROOMS_MAX + 5 {
            seen.note(&format!("{room:05}"), 1);
        }
        seen.save(&home);
        assert_eq!(read(&home).len(), ROOMS_MAX);
    }
}
