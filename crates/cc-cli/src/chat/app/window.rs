//! Which lines are loaded, and where the view stands.

use super::{App, Came, Lines, Load, Pane, Work};
use crate::chat::types::{Entry, What};
use crate::chat::view::{Drawn, Motion};

/// Entries that are kept of a room; beyond, those furthest from what is looked at go.
pub const ENTRIES_MAX: usize = 5000;

impl App {
    /// Takes in what drawing found out: where things are, and what has to be loaded next.
    pub fn drawn(&mut self, drawn: Drawn) {
        if let Some(pane) = self.panes.get_mut(self.front) {
            pane.scroll = drawn.scroll;
            pane.motion = Motion::default();
        }
        self.drawn = drawn;
        self.load_more();
        self.look();
        self.ask_receipts();
    }

    pub(super) fn scroll(&mut self, rows: i32, pages: i32) {
        if let Some(pane) = self.pane_mut() {
            pane.motion.rows += rows;
            pane.motion.pages += pages;
        }
    }

    pub(super) fn go_to_oldest(&mut self) {
        let Some(pane) = self.pane_mut() else { return };
        if !pane.has_older() {
            pane.motion.show = pane.entries.front().map(|entry| entry.n);
            return;
        }
        pane.loading = true;
        let room = pane.entry.room.clone();
        self.ask(Work::Load {
            room,
            what: Load::Around(1),
        });
    }

    pub(super) fn go_to_newest(&mut self) {
        let Some(pane) = self.pane_mut() else { return };
        pane.follow();
        if pane.opened && pane.has_newer() {
            pane.loading = true;
            let room = pane.entry.room.clone();
            self.ask(Work::Load {
                room,
                what: Load::End,
            });
        }
    }

    /// What is on the screen with the person's attention is seen.
    pub(super) fn look(&mut self) {
        let (focused, at_end) = (self.focused, self.drawn.at_end);
        let Some(pane) = self.panes.get_mut(self.front) else {
            return;
        };
        if !focused || !pane.opened || !pane.follows() || !at_end {
            return;
        }
        pane.news = 0;
        let unseen = pane.entry.unread > 0 || pane.told_seen < pane.len;
        if unseen {
            pane.told_seen = pane.len;
            pane.entry.unread = 0;
            pane.entry.mentions = 0;
            let (room, n) = (pane.entry.room.clone(), pane.len);
            self.ask(Work::Seen { room, n });
        }
    }

    fn load_more(&mut self) {
        let (at_top, at_end) = (self.drawn.at_top, self.drawn.at_end);
        let Some(pane) = self.panes.get_mut(self.front) else {
            return;
        };
        if !pane.opened || pane.loading {
            return;
        }
        let what = if at_top && pane.has_older() {
            Load::Older(pane.first)
        } else if at_end && pane.has_newer() {
            Load::Newer(pane.last)
        } else {
            return;
        };
        pane.loading = true;
        let room = pane.entry.room.clone();
        self.ask(Work::Load { room, what });
    }

    /// Asks how far our messages on the screen have come, where that is not known.
    fn ask_receipts(&mut self) {
        let Some((first, last)) = self.drawn.shown else {
            return;
        };
        let Some(pane) = self.panes.get_mut(self.front) else {
            return;
        };
        let on_screen = |entry: &&Entry| (first..=last).contains(&entry.n);
        let mut own = pane.entries.iter().filter(on_screen);
        let is_own = |entry: &&Entry| {
            entry.mine && matches!(entry.what, What::Said(_) | What::File(_) | What::Summary(_))
        };
        let range = own
            .find(is_own)
            .map(|entry| entry.n)
            .map(|first| (first, last));
        if range.is_none() || pane.receipts == range {
            return;
        }
        pane.receipts = range;
        let room = pane.entry.room.clone();
        self.ask(Work::Receipts {
            room,
            after: range.map_or(0, |(first, _)| first - 1),
            through: last,
        });
    }

    /// Lines of a room have come.
    pub(super) fn lines(&mut self, lines: Lines) {
        let front = self.room();
        let Some(pane) = self.pane_of(&lines.room) else {
            return;
        };
        let came = lines.came;
        if !matches!(came, Came::New | Came::Changed) {
            pane.loading = false;
        }
        let in_front = front == lines.room;
        let mut files = lines.entries.iter().filter(|it| is_file(it)).map(|it| it.n);
        let first = files.next();
        let files = first.map(|first| (first, files.next_back().unwrap_or(first)));
        match came {
            Came::Changed => pane.change(lines.entries),
            Came::New => pane.append_news(lines),
            Came::Older => pane.prepend(lines),
            Came::Newer => pane.append(lines),
            Came::Opened(seen) => {
                pane.seen = seen;
                pane.told_seen = seen.unwrap_or(0);
                pane.replace(lines);
                pane.opened = true;
                pane.follow();
            }
            Came::End => {
                pane.replace(lines);
                pane.follow();
            }
            Came::Around(n) => {
                pane.replace(lines);
                let near = pane.entries.iter().map(|entry| entry.n).find(|it| *it >= n);
                let near = near.or_else(|| pane.entries.back().map(|entry| entry.n));
                pane.scroll.bottom = near;
                pane.scroll.below = 0;
                pane.motion = Motion::default();
                pane.motion.show = near;
                if n > 1 {
                    pane.selected = near;
                }
            }
        }
        // Of a file whose bytes were here before it was announced nobody tells.
        if let Some((first, last)) = files
            && pane.opened
        {
            let room = pane.entry.room.clone();
            self.ask(Work::FilesOf { room, first, last });
        }
        if in_front && matches!(came, Came::Opened(_) | Came::End) {
            self.look();
        }
    }

    /// Asks how the files are: the newest ones of the room in front, and those on the screen.
    pub(super) fn ask_files(&mut self) {
        let room = self.room();
        self.ask(Work::Files(room.clone()));
        if let Some((first, last)) = self.drawn.shown {
            self.ask(Work::FilesOf { room, first, last });
        }
    }
}

fn is_file(entry: &Entry) -> bool {
    matches!(entry.what, What::File(_))
}

impl Pane {
    fn replace(&mut self, lines: Lines) {
        self.entries = lines.entries.into();
        (self.first, self.last, self.len) = (lines.first, lines.last, lines.len.max(self.len));
        self.dress(0);
        self.drop_sent();
        self.receipts = None;
    }

    /// Lines that have arrived just now.
    fn append_news(&mut self, lines: Lines) {
        if !self.opened {
            return;
        }
        let others = lines.entries.iter().filter(|entry| !entry.mine).count() as u64;
        if !self.follows() {
            self.news += others;
        } else if lines
            .entries
            .iter()
            .any(|entry| entry.mine && entry.via.is_none())
        {
            // Whoever writes has seen what is above.
            self.seen = None;
        }
        self.note_arrived(&lines.entries);
        let was_whole = !self.has_newer();
        self.len = self.len.max(lines.len);
        if !was_whole {
            return self.drop_sent();
        }
        if lines.first <= self.last + 1 {
            self.append(lines);
        } else if self.scroll.bottom.is_none() {
            // So much has come that there is a gap: it is loaded where somebody goes there.
            self.replace(lines);
        }
        self.drop_sent();
    }

    /// Lines after those that are loaded.
    fn append(&mut self, lines: Lines) {
        self.len = self.len.max(lines.len);
        if lines.first > self.last + 1 || lines.last <= self.last {
            return;
        }
        let last = self.last;
        let from = self.entries.len();
        self.entries
            .extend(lines.entries.into_iter().filter(|entry| entry.n > last));
        self.last = lines.last;
        self.dress(from);
        self.drop_sent();
        let over = self.entries.len().saturating_sub(ENTRIES_MAX);
        if over == 0 {
            return;
        }
        let looked_at = self.scroll.bottom.and_then(|n| self.at(n));
        if looked_at.is_none_or(|at| at > ENTRIES_MAX / 2) {
            self.entries.drain(..over);
            self.first = self.entries.front().map_or(self.first, |entry| entry.n);
        } else {
            self.entries.truncate(ENTRIES_MAX);
            self.last = self.entries.back().map_or(self.last, |entry| entry.n);
        }
    }

    /// Lines before those that are loaded.
    fn prepend(&mut self, lines: Lines) {
        self.len = self.len.max(lines.len);
        if lines.last + 1 != self.first {
            return;
        }
        self.first = lines.first;
        for entry in lines.entries.into_iter().rev() {
            self.entries.push_front(entry);
        }
        self.dress(0);
        if self.entries.len() > ENTRIES_MAX {
            self.entries.truncate(ENTRIES_MAX);
            self.last = self.entries.back().map_or(self.last, |entry| entry.n);
        }
    }

    fn change(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            if let Some(at) = self.at(entry.n) {
                self.entries[at] = entry;
            }
        }
        self.dress(0);
    }

    /// Puts on the entries from here on what is known of their files.
    fn dress(&mut self, from: usize) {
        for entry in self.entries.iter_mut().skip(from) {
            if let What::File(card) = &mut entry.what
                && let Some(known) = self.files.get(&entry.n)
            {
                *card = known.clone();
            }
        }
    }

    /// What was on its way and has its line now is on its way no more. A line may come before the word that it was sent.
    fn drop_sent(&mut self) {
        let last = self.last;
        self.pending
            .retain(|pending| pending.n.is_none_or(|n| n > last));
        let pending = &self.pending;
        self.arrived
            .retain(|local| pending.iter().any(|it| it.local == *local));
    }

    /// Notes which of what is on its way is among these lines.
    fn note_arrived(&mut self, entries: &[Entry]) {
        for entry in entries
            .iter()
            .filter(|entry| entry.mine && entry.via.is_none())
        {
            let What::Said(text) = &entry.what else {
                continue;
            };
            let arrived = &self.arrived;
            let mut waiting = self
                .pending
                .iter()
                .filter(|it| it.n.is_none() && !arrived.contains(&it.local));
            let found = waiting.find(|it| cc_proto::text::clean_text(&it.text) == *text);
            if let Some(local) = found.map(|it| it.local) {
                self.arrived.insert(local);
            }
        }
    }
}
