//! Keys: what is no chord goes into the text, always.

use ratatui::crossterm::event::{KeyEvent, KeyEventKind};

use super::commands::YES;
use super::{App, Ask, Load, Overlay, Work};
use crate::chat::complete::{Completion, Sources};
use crate::chat::editor::{Editor, Outcome, Pasted};
use crate::chat::keys::{self, Action};
use crate::chat::slash;
use crate::chat::types::{RoomEntry, What};

/// The command that names an invite.
const REVOKE: &str = "/revoke";

impl App {
    pub(super) fn keyed(&mut self, key: &KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        let action = keys::action(key);
        if self.unconfirmed(action) || self.overlaid(key, action) {
            return;
        }
        if let Some(action) = action {
            if self.acts(action) {
                return;
            }
            if matches!(action, Action::Complete | Action::CompleteBack) {
                return self.complete(action == Action::Complete);
            }
        }
        let Some(pane) = self.pane_mut() else {
            return self.keyed_nowhere(action);
        };
        let outcome = pane.editor.handle(key);
        self.edited(outcome, action);
    }

    pub(super) fn pasted(&mut self, text: &str) {
        if !matches!(self.overlay, Some(Overlay::Hits { .. })) {
            self.overlay = None;
        }
        let editor = if let Some(Overlay::Hits { editor }) = &mut self.overlay {
            Some(editor.as_mut())
        } else {
            self.panes.get_mut(self.front).map(|pane| &mut pane.editor)
        };
        let Some(editor) = editor else { return };
        if let Pasted::TooLarge(bytes) = editor.paste(text) {
            self.complain(format!(
                "not pasted: {bytes} bytes are too many; put them into a file, and /drop that"
            ));
        }
        self.warned = false;
        self.completion = None;
    }

    /// A key that nobody else has a use for.
    fn keyed_nowhere(&mut self, action: Option<Action>) {
        match action {
            Some(Action::Interrupt) => self.leave(true),
            Some(Action::EndOfInput) => self.leave(false),
            _ => {}
        }
    }

    /// What came of a key in the text.
    fn edited(&mut self, outcome: Outcome, action: Option<Action>) {
        match outcome {
            Outcome::Changed => {
                self.warned = false;
                self.completion = None;
                self.tab_waits = None;
                self.typed_at_a_question();
                self.offer();
            }
            Outcome::Nothing => {}
            Outcome::Submit(text) => {
                self.completion = None;
                self.tab_waits = None;
                self.submit(&text);
            }
            Outcome::TooLong(too_long) => self.complain(too_long.told()),
            Outcome::SubmitParts(parts) => self.submit_parts(&parts),
            Outcome::NotMine => self.keyed_nowhere(action),
        }
    }

    /// A question is put away; false where there is none, or the key is for the rest.
    fn unconfirmed(&mut self, action: Option<Action>) -> bool {
        let is_away = self.is_asked() && matches!(action, Some(Action::Close | Action::Interrupt));
        if is_away {
            self.answered_no();
        }
        is_away
    }

    /// Whoever types something else than a yes goes on talking, and every key of it is in the text.
    fn typed_at_a_question(&mut self) {
        let text = self.pane().map_or("", |pane| pane.editor.text()).trim();
        if self.is_asked() && !YES.starts_with(&text.to_lowercase()) {
            self.answered_no();
        }
    }

    /// What a key does to what lies over the messages; false where it is for the rest.
    fn overlaid(&mut self, key: &KeyEvent, action: Option<Action>) -> bool {
        let rest = self.drawn.overlay_rest;
        match (&mut self.overlay, action) {
            (None | Some(Overlay::Confirm { .. }), _) => false,
            (Some(Overlay::Hits { .. }), _) => {
                self.searching(key, action);
                true
            }
            (Some(_), Some(Action::Close)) => {
                self.overlay = None;
                true
            }
            (Some(Overlay::Text { scroll, .. }), Some(action)) => {
                let page = 10;
                *scroll = match action {
                    Action::Up => scroll.saturating_sub(1),
                    Action::Down => (*scroll + 1).min(rest),
                    Action::PageUp => scroll.saturating_sub(page),
                    Action::PageDown => (*scroll + page).min(rest),
                    Action::Oldest => 0,
                    Action::Newest => rest,
                    _ => {
                        self.overlay = None;
                        return false;
                    }
                };
                true
            }
            (Some(_), _) => {
                // Whoever types on has read it.
                self.overlay = None;
                false
            }
        }
    }

    /// Chords that are not the text's affair; false for those that are.
    fn acts(&mut self, action: Action) -> bool {
        match action {
            Action::Close => self.close(),
            Action::PageUp => self.scroll(0, 1),
            Action::PageDown => self.scroll(0, -1),
            Action::Oldest => self.go_to_oldest(),
            Action::Newest => self.go_to_newest(),
            Action::SelectOlder => self.select(false),
            Action::SelectNewer => self.select(true),
            Action::Answered => self.go_to_answered(),
            Action::Search => self.open_search(""),
            Action::NextRoom => self.step_room(1),
            Action::PreviousRoom => self.step_room(-1),
            Action::Room(at) => self.show_room(usize::from(at).saturating_sub(1)),
            Action::Members => self.sidebar = !self.sidebar,
            Action::Mouse => self.toggle_mouse(),
            Action::Redraw => self.asks.push(Ask::Redraw),
            Action::Help => self.page("Help", slash::overview()),
            _ => return false,
        }
        true
    }

    pub(super) fn page(&mut self, title: &str, lines: Vec<String>) {
        self.overlay = Some(Overlay::Text {
            title: title.to_owned(),
            lines,
            scroll: 0,
        });
    }

    fn toggle_mouse(&mut self) {
        self.mouse = !self.mouse;
        self.asks.push(Ask::Mouse(self.mouse));
        self.say(if self.mouse {
            "the mouse is the chat's: wheel and clicks"
        } else {
            "the mouse is the terminal's: select and copy; F3 gives it back to the chat"
        });
    }

    fn step_room(&mut self, by: i32) {
        let count = self.panes.len();
        if count > 1 {
            let at = if by > 0 {
                self.front + 1
            } else {
                self.front + count - 1
            };
            self.show_room(at % count);
        }
    }

    /// Closes one thing: candidates, the selection, the answer, commands that run.
    fn close(&mut self) {
        if self.completion.take().is_some() {
            return;
        }
        if let Some(pane) = self.pane_mut()
            && (pane.selected.take().is_some() | pane.answers.take().is_some())
        {
            return;
        }
        if self.runs > 0 {
            return self.ask(Work::StopRuns);
        }
        if !self.pane().is_none_or(super::Pane::follows) {
            self.go_to_newest();
        }
    }

    fn select(&mut self, newer: bool) {
        let shown = self.drawn.shown;
        let Some(pane) = self.pane_mut() else { return };
        let is_message = |at: &usize| {
            let entry = pane.entries.get(*at);
            entry.is_some_and(|it| !matches!(it.what, What::System(_) | What::Nothing))
        };
        let at = match pane.selected.and_then(|n| pane.at(n)) {
            Some(at) if newer => (at + 1..pane.entries.len()).find(is_message),
            Some(at) => (0..at).rev().find(is_message),
            None => {
                let last = shown.and_then(|(_, last)| pane.at(last));
                let last = last.map_or(pane.entries.len(), |at| at + 1);
                (0..last).rev().find(is_message)
            }
        };
        match at.and_then(|at| pane.entries.get(at)) {
            Some(entry) => {
                pane.selected = Some(entry.n);
                pane.motion.show = Some(entry.n);
            }
            None if newer => pane.selected = None,
            None => {}
        }
    }

    /// Opens the list of candidates, or goes on in it.
    fn complete(&mut self, forward: bool) {
        self.ask_invites();
        if self.completion.is_none() {
            self.completion = self.find_completion(true);
        }
        let waits = self.pane().and_then(|pane| pane.invites.as_ref());
        self.tab_waits = waits
            .filter(|invites| invites.is_empty() && self.completion.is_none())
            .map(|_| forward);
        let (Some(completion), Some(pane)) =
            (self.completion.as_mut(), self.panes.get_mut(self.front))
        else {
            return;
        };
        let close = if forward {
            completion.next(&mut pane.editor)
        } else {
            completion.previous(&mut pane.editor)
        };
        if close {
            self.completion = None;
        }
    }

    /// Offers candidates while somebody types.
    fn offer(&mut self) {
        self.completion = self.find_completion(false);
        self.ask_invites();
    }

    fn ask_invites(&mut self) {
        let Some(pane) = self.pane_mut() else { return };
        // Which invites are open is asked for when somebody is about to name one.
        if !pane.editor.text().starts_with(REVOKE) {
            pane.invites = None;
        } else if pane.invites.is_none() {
            pane.invites = Some(Vec::new());
            let room = pane.entry.room.clone();
            self.ask(Work::Invites(room));
        }
    }

    /// Which invites of a room are open.
    pub(super) fn told_invites(&mut self, room: &str, invites: Vec<(String, String)>) {
        if let Some(pane) = self.pane_of(room)
            && pane.invites.is_some()
        {
            pane.invites = Some(invites);
        } else {
            return;
        }
        // A key that came before the answer is not lost.
        if self.room() == room
            && let Some(forward) = self.tab_waits.take()
        {
            self.complete(forward);
            self.tab_waits = None;
        }
    }

    fn find_completion(&self, asked: bool) -> Option<Completion> {
        let pane = self.pane()?;
        let rooms: Vec<RoomEntry> = self.panes.iter().map(|pane| pane.entry.clone()).collect();
        let files: Vec<(String, String)> = pane
            .entries
            .iter()
            .rev()
            .filter_map(|entry| match &entry.what {
                What::File(card) => Some((entry.id.clone()?, card.name.clone())),
                _ => None,
            })
            .collect();
        let sources = Sources {
            members: &pane.members,
            rooms: &rooms,
            files: &files,
            invites: pane.invites.as_deref().unwrap_or_default(),
            folder: &self.places.folder,
            home: &self.places.home,
        };
        Completion::find(&pane.editor, &sources, asked)
    }

    /// Opens the search of the room in front.
    pub(super) fn open_search(&mut self, words: &str) {
        self.completion = None;
        let Some(pane) = self.pane() else { return };
        let mut editor = Editor::default();
        let before = pane
            .search
            .as_ref()
            .map_or("", |search| search.text.as_str());
        editor.set_text(if words.is_empty() { before } else { words });
        self.overlay = Some(Overlay::Hits {
            editor: Box::new(editor),
        });
        if !words.is_empty() {
            self.search(words.to_owned());
        }
    }

    fn search(&mut self, text: String) {
        let room = self.room();
        if let Some(pane) = self.pane_mut() {
            pane.search = Some(super::Search {
                text: text.clone(),
                running: true,
                ..super::Search::default()
            });
        }
        self.ask(Work::Search { room, text });
    }

    /// Ends the search, and keeps what it has found.
    pub(super) fn close_search(&mut self) {
        if matches!(self.overlay, Some(Overlay::Hits { .. })) {
            self.overlay = None;
        }
        if let Some(pane) = self.pane_mut()
            && let Some(search) = &mut pane.search
            && std::mem::take(&mut search.running)
        {
            self.ask(Work::StopSearch);
        }
    }

    /// Keys while the search is open: words are typed, hits are chosen.
    fn searching(&mut self, key: &KeyEvent, action: Option<Action>) {
        match action {
            Some(Action::Close | Action::Interrupt | Action::Search) => return self.close_search(),
            Some(Action::Up) => return self.choose_hit(-1),
            Some(Action::Down) => return self.choose_hit(1),
            Some(Action::PageUp) => return self.choose_hit(-10),
            Some(Action::PageDown) => return self.choose_hit(10),
            _ => {}
        }
        let Some(Overlay::Hits { editor }) = &mut self.overlay else {
            return;
        };
        if let Outcome::Submit(text) = editor.handle(key) {
            let text = text.trim().to_owned();
            let search = self.pane().and_then(|pane| pane.search.as_ref());
            if search.is_some_and(|search| search.text == text) {
                let hit = search.and_then(|search| search.hits.get(search.at));
                if let Some(n) = hit.map(|hit| hit.n) {
                    self.close_search();
                    self.go_to(n);
                }
            } else if !text.is_empty() {
                self.search(text);
            }
        }
    }

    fn choose_hit(&mut self, by: isize) {
        let search = self.pane_mut().and_then(|pane| pane.search.as_mut());
        if let Some(search) = search {
            let last = search.hits.len().saturating_sub(1);
            search.at = search.at.saturating_add_signed(by).min(last);
        }
    }

    /// Brings the message on the screen that the selected one answers.
    fn go_to_answered(&mut self) {
        let room = self.room();
        let Some(pane) = self.pane_mut() else { return };
        let Some(n) = pane
            .selected
            .filter(|n| pane.by_n(*n).is_some_and(|it| it.re.is_some()))
        else {
            return self.say("select a message that answers another, with Alt+Up");
        };
        pane.loading = true;
        let what = Load::Answered(n);
        self.ask(Work::Load { room, what });
    }

    /// Brings a line on the screen, and selects it.
    pub(super) fn go_to(&mut self, n: u64) {
        let Some(pane) = self.pane_mut() else { return };
        if pane.at(n).is_some() {
            pane.selected = Some(n);
            pane.motion.show = Some(n);
            return;
        }
        let room = pane.entry.room.clone();
        pane.loading = true;
        self.ask(Work::Load {
            room,
            what: Load::Around(n),
        });
    }
}
