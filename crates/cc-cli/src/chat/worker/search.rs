//! Looking for a text in a room, backwards from its end, on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cc_log::Line;
use cc_proto::body::Body;
use cc_proto::id::{ArrivalNo, RoomId};
use cc_proto::text::{clean_line, fold_case};
use tokio::sync::mpsc;

use crate::chat::app::{Hit, Told};
use crate::error::CliResult;
use crate::home::Home;
use crate::reading::{Reading, unreadable};
use crate::rooms;

/// Lines that are looked at between two words about how it goes.
const CHUNK_LINES: u64 = 2000;
/// Hits that are kept; the search is over then.
pub const HITS_MAX: usize = 500;
/// How much of the text before the found place is shown, and how much in all, in characters.
const SHOWN_CHARS: (usize, usize) = (24, 120);

/// A search that goes on; given up when this is dropped.
pub struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Starts it.
pub fn start(home: &Home, room: String, text: String, told: mpsc::Sender<Told>) -> Running {
    let over = Arc::new(AtomicBool::new(false));
    let (home, seen) = (home.clone(), Arc::clone(&over));
    std::thread::spawn(move || {
        let search = Search {
            room,
            text,
            told,
            over: seen,
        };
        // What cannot be read ends the search as its beginning does.
        if search.run(&home).is_err() {
            search.tell(Vec::new(), 0, 0, true);
        }
    });
    Running(over)
}

struct Search {
    room: String,
    text: String,
    told: mpsc::Sender<Told>,
    over: Arc<AtomicBool>,
}

impl Search {
    fn run(&self, home: &Home) -> CliResult {
        let id: RoomId = self.room.parse().map_err(|error| {
            let error: cc_proto::id::ParseIdError = error;
            unreadable(&error)
        })?;
        let reading = Reading::open(&rooms::dir(home, &id), id)?;
        let (wanted, of) = (fold_case(&self.text), reading.len().0);
        let (mut through, mut found) = (of, 0);
        while through > 0 && !self.over.load(Ordering::Relaxed) {
            let from = through.saturating_sub(CHUNK_LINES);
            let mut hits = Vec::new();
            for line in reading.lines_between(ArrivalNo(from), ArrivalNo(through))? {
                let line = line.map_err(|error| unreadable(&error))?;
                hits.extend(hit(&reading, &line, &wanted));
            }
            hits.reverse();
            hits.truncate(HITS_MAX - found);
            found += hits.len();
            through = from;
            let done = through == 0 || found == HITS_MAX;
            if !self.tell(hits, of - through, of, done) || done {
                return Ok(());
            }
        }
        self.tell(Vec::new(), of - through, of, true);
        Ok(())
    }

    /// Says how it goes; false where nobody listens.
    fn tell(&self, hits: Vec<Hit>, looked: u64, of: u64, done: bool) -> bool {
        if self.over.load(Ordering::Relaxed) {
            return false;
        }
        let told = Told::Found {
            room: self.room.clone(),
            text: self.text.clone(),
            hits,
            looked,
            of,
            done,
        };
        self.told.blocking_send(told).is_ok()
    }
}

fn hit(reading: &Reading, line: &Line, wanted: &str) -> Option<Hit> {
    let message = line.message.as_ref().ok()?;
    let text = match message.body()? {
        Body::File(file) => &file.name,
        _ => message.text()?,
    };
    let text = shown(text, wanted)?;
    if reading.is_void(line) {
        return None;
    }
    let header = message.header();
    Some(Hit {
        n: line.n.0,
        name: reading.name(&header.author),
        ts: header.ts.0,
        text,
    })
}

/// The text around what is wanted, which is folded already; none where it is not there.
fn shown(text: &str, wanted: &str) -> Option<String> {
    let folded = fold_case(text);
    let at = folded.find(wanted)?;
    // Folding may change lengths, but not by much: the place is near.
    let before = folded[..at].chars().count().saturating_sub(SHOWN_CHARS.0);
    let from: String = text.chars().skip(before).collect();
    let dots = if before > 0 { "…" } else { "" };
    Some(format!("{dots}{}", clean_line(&from, SHOWN_CHARS.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around_the_found_place_is_shown() {
        let long = format!("{} the Postgres port\nis 5432", "x ".repeat(50));
        let shown = shown(&long, "postgres").unwrap();
        assert!(
            shown.starts_with('…') && shown.contains("Postgres port is 5432"),
            "{shown}"
        );
        assert_eq!(super::shown("nothing", "postgres"), None);
    }
}
