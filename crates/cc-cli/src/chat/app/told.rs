//! What the worker has to say.

use super::{App, Connection, Pane, Told, Work, closed};
use crate::chat::slash::as_typed;
use crate::chat::types::{RoomEntry, What};
use crate::chat::worker::HITS_MAX;
use crate::rpc::State;

impl App {
    pub(super) fn told(&mut self, told: Told) {
        match told {
            Told::Connection(connection) => self.connected(connection),
            Told::Rooms(rooms) => self.told_rooms(rooms),
            Told::State { room, state } => {
                if let Some(pane) = self.pane_of(&room) {
                    pane.entry.state = after(pane.entry.state, state);
                }
            }
            Told::Lines(lines) => self.lines(lines),
            Told::NoLines { room, why } => {
                if let Some(pane) = self.pane_of(&room) {
                    pane.loading = false;
                }
                self.complain(why);
            }
            Told::Unread {
                room,
                unread,
                mentions,
            } => {
                if let Some(pane) = self.pane_of(&room) {
                    (pane.entry.unread, pane.entry.mentions) = (unread, mentions);
                }
            }
            Told::Mention { room, name } => self.notify(&room, &name),
            Told::Sent { local, room, n } => self.sent(local, &room, n),
            Told::NotSent {
                local,
                room,
                why,
                again,
            } => self.not_sent(local, &room, why, again),
            Told::Members { room, members } => {
                if let Some(pane) = self.pane_of(&room) {
                    pane.members = members;
                }
            }
            Told::Receipts { room, marks } => {
                if let Some(pane) = self.pane_of(&room) {
                    for (n, marks) in marks {
                        if let Some(at) = pane.at(n) {
                            pane.entries[at].marks = marks;
                        }
                    }
                }
            }
            Told::NewReceipts(room) => {
                if let Some(pane) = self.pane_of(&room) {
                    pane.receipts = None;
                }
            }
            Told::Names { room, names } => {
                if let Some(pane) = self.pane_of(&room) {
                    for entry in &mut pane.entries {
                        if let Some(name) = names.get(&entry.author)
                            && *name != entry.name
                        {
                            entry.name.clone_from(name);
                        }
                    }
                }
            }
            Told::Files { room, files } => self.told_files(&room, files),
            Told::Found {
                room,
                text,
                hits,
                looked,
                of,
                done,
            } => {
                let search = self.pane_of(&room).and_then(|pane| pane.search.as_mut());
                if let Some(search) = search.filter(|search| search.text == text) {
                    search.hits.extend(hits);
                    (search.looked, search.of, search.running) = (looked, of, !done);
                    search.more = search.hits.len() >= HITS_MAX && looked < of;
                }
            }
            Told::Kept { room, kept } => self.told_kept(&room, kept),
            Told::Invites { room, invites } => self.told_invites(&room, invites),
            Told::Replied { room, reply } => self.replied(room, reply),
            Told::Word { text, bad } => self.toast(text, bad),
            Told::Held(held) => self.held = held,
            Told::Paused(paused) => self.paused = paused,
        }
    }

    fn connected(&mut self, connection: Connection) {
        let was_up = std::mem::replace(&mut self.connection, connection) == Connection::Up;
        match &self.connection {
            Connection::Up if !was_up => {
                for pane in &mut self.panes {
                    pane.receipts = None;
                }
                let room = self.room();
                self.ask(Work::Members(room));
                self.ask_files();
            }
            Connection::Stopped => {
                self.complain("the daemon was stopped; the next message starts one again");
                if self.unsent().next().is_some() {
                    self.ask(Work::Reconnect);
                }
            }
            _ => {}
        }
    }

    /// Takes in how the rooms are; those that are new come last, so that no room changes its place.
    fn told_rooms(&mut self, rooms: Vec<RoomEntry>) {
        let front = self.room();
        let mut back = None;
        for room in rooms {
            let Some(pane) = self.pane_of(&room.room) else {
                self.panes.push(Pane::new(room));
                if self.panes.len() == 1 {
                    self.open_front();
                } else if std::mem::take(&mut self.joining) {
                    self.show_room(self.panes.len() - 1);
                }
                continue;
            };
            let entry = &mut pane.entry;
            let (unread, mentions) = (entry.unread, entry.mentions);
            if closed(entry.state).is_some() && closed(room.state).is_none() {
                back = Some(room.room.clone());
            }
            *entry = RoomEntry {
                unread,
                mentions,
                state: after(entry.state, room.state),
                ..room
            };
            // As long as nobody knows yet, what was known before stands.
            if entry.looking {
                continue;
            }
            let had_company = std::mem::replace(&mut pane.company, entry.online > 1);
            let is_alone = entry.online <= 1 && entry.members > 1 && entry.state == State::Joined;
            if is_alone && had_company && entry.room == front {
                self.say("nobody else is online now: what you write reaches them when they are");
            }
        }
        let at = back.and_then(|back| self.panes.iter().position(|it| it.entry.room == back));
        if let Some(at) = at
            && std::mem::take(&mut self.joining)
        {
            self.show_room(at);
        }
        let room = self.room();
        if !room.is_empty() {
            self.ask(Work::Members(room));
        }
    }

    fn sent(&mut self, local: u64, room: &str, n: u64) {
        self.warned = false;
        let Some(pane) = self.pane_of(room) else {
            return;
        };
        if pane.last >= n {
            pane.pending.retain(|it| it.local != local);
        } else if let Some(pending) = pane.pending.iter_mut().find(|it| it.local == local) {
            // It goes away when its line comes.
            pending.n = Some(n);
            pending.fault = None;
        }
    }

    fn not_sent(&mut self, local: u64, room: &str, why: String, again: bool) {
        let Some(pane) = self.pane_of(room) else {
            return;
        };
        let Some(at) = pane.pending.iter().position(|it| it.local == local) else {
            return;
        };
        if again {
            pane.pending[at].fault = Some(why);
            return;
        }
        // It is nobody's any more: back into the text, unless something else is being typed there.
        let pending = pane.pending.remove(at);
        let typed = as_typed(&pending.text);
        if pane.editor.is_empty() {
            pane.editor.set_text(&typed);
            pane.answers = pending.answers;
            self.complain(format!("not sent: {why}"));
        } else {
            let lines = pending.text.lines().map(cc_proto::text::clean_text);
            let again = "It is kept among what was sent: Up, at the first line, brings it back.";
            let mut page = vec![why, again.to_owned(), String::new()];
            page.extend(lines);
            pane.editor.remember(typed);
            self.page("Not sent", page);
        }
    }

    fn told_files(&mut self, room: &str, files: Vec<(u64, crate::chat::types::FileCard)>) {
        let Some(pane) = self.pane_of(room) else {
            return;
        };
        for (n, card) in files {
            if let Some(at) = pane.at(n)
                && let What::File(shown) = &mut pane.entries[at].what
            {
                *shown = card.clone();
            }
            pane.files.insert(n, card);
        }
        while pane.files.len() > super::window::ENTRIES_MAX {
            pane.files.pop_first();
        }
    }
}

/// How it stands with a room after this was told: who left it belongs no longer, which is not to be removed from it.
const fn after(before: State, told: State) -> State {
    match (before, told) {
        (State::Left, State::Removed) => State::Left,
        _ => told,
    }
}
