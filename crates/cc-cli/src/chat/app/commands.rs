//! What is sent, and commands.

use super::{App, Ask, Connection, Draft, Overlay, Pending, Work, closed};
use crate::chat::slash::{self, Here, Plan, Reply, Slash, Typed};
use crate::chat::types::{Entry, What};
use crate::rooms::{self, KnownRoom};

/// Messages on their way in one room at once.
const PENDING_MAX: usize = 100;
/// What is longer, in characters, is shown over the messages.
const TOAST_CHARS_MAX: usize = 160;
/// A question takes keys only after so long: whoever types on has not read it yet.
const CONFIRM_DELAY_MS: u64 = 400;

impl App {
    /// Enter was pressed.
    pub(super) fn submit(&mut self, text: &str) {
        match slash::parse(text) {
            Typed::Message(text) => {
                if !text.trim().is_empty() && self.send(&text) {
                    self.accepted();
                }
            }
            Typed::Command(slash) => self.command(slash),
            Typed::Wrong(lines) => self.tell("not understood", lines, true),
            Typed::Help(lines) => {
                self.accepted();
                self.tell("", lines, false);
            }
        }
    }

    /// What is too long for one message goes out as several.
    pub(super) fn submit_parts(&mut self, parts: &[String]) {
        let is_sent = parts.iter().all(|part| self.send(part));
        if is_sent {
            self.accepted();
        }
    }

    fn accepted(&mut self) {
        if let Some(pane) = self.pane_mut() {
            pane.editor.accepted();
        }
    }

    /// Puts a message on its way; false where nothing can be said, and the text stays.
    fn send(&mut self, text: &str) -> bool {
        let local = self.next_local;
        let Some(pane) = self.pane_mut() else {
            return false;
        };
        let trouble = closed(pane.entry.state).or_else(|| {
            let many = pane.pending.len() >= PENDING_MAX;
            many.then_some("too much is on its way already: wait until it is sent")
        });
        if let Some(trouble) = trouble {
            self.complain(trouble);
            return false;
        }
        let answers = pane.answers.take();
        let re = answers.and_then(|n| pane.by_n(n)?.id.clone());
        pane.pending.push(Pending {
            local,
            text: text.to_owned(),
            answers,
            re: re.clone(),
            n: None,
            fault: None,
        });
        pane.selected = None;
        let draft = Draft {
            room: pane.entry.room.clone(),
            local,
            text: text.to_owned(),
            re,
        };
        self.next_local += 1;
        self.ask(Work::Send(draft));
        if self.connection == Connection::Stopped {
            self.say("the daemon was stopped: starting one again");
            self.ask(Work::Reconnect);
        }
        self.go_to_newest();
        true
    }

    fn command(&mut self, slash: Slash) {
        let Some(pane) = self.pane() else { return };
        let is_message =
            |entry: &&Entry| matches!(entry.what, What::Said(_) | What::Summary(_) | What::File(_));
        let mut newest = pane.entries.iter().rev().filter(is_message);
        let mut messages = newest.clone();
        let here = Here {
            selected: pane.selected.and_then(|n| pane.by_n(n)),
            own: newest.find(|entry| entry.mine && entry.via.is_none()),
            others: messages.find(|entry| !entry.mine),
        };
        match slash::plan(slash, &here) {
            Ok(plan) => {
                self.accepted();
                self.carry_out(plan);
            }
            Err(why) => self.complain(why),
        }
    }

    fn carry_out(&mut self, plan: Plan) {
        match plan {
            Plan::Run(slash) => {
                let room = self.room();
                self.run(room, slash);
            }
            Plan::Answer { n, text } => {
                if let Some(pane) = self.pane_mut() {
                    pane.answers = Some(n);
                    pane.selected = None;
                }
                if let Some(text) = text {
                    self.send(&text);
                }
            }
            Plan::Find(words) => self.open_search(&words),
            Plan::Room(asked) => self.go_to_room(&asked),
            Plan::Help => self.page("Help", slash::overview()),
            Plan::Tell(lines) => self.tell("", lines, false),
            Plan::Quit => self.leave(false),
        }
    }

    /// Has a command carried out.
    pub(super) fn run(&mut self, room: String, slash: Box<Slash>) {
        self.joining |= matches!(*slash, Slash::Join(_));
        if matches!(*slash, Slash::Drop(_)) {
            self.say("sharing; Esc gives it up");
        }
        self.runs += 1;
        self.ask(Work::Run { room, slash });
    }

    /// What came of a command.
    pub(super) fn replied(&mut self, room: String, reply: Result<Reply, Vec<String>>) {
        self.runs = self.runs.saturating_sub(1);
        match reply {
            Err(lines) => self.tell("not done", lines, true),
            Ok(Reply::Said(said)) => self.tell(&said.title, said.lines, false),
            Ok(Reply::Confirm { question, then }) => {
                self.overlay = Some(Overlay::Confirm {
                    question,
                    then,
                    room,
                    since_ms: self.now_ms + CONFIRM_DELAY_MS,
                });
            }
            Ok(Reply::Ticket { ticket, qr, note }) => {
                self.asks.push(Ask::Copy(ticket.clone()));
                self.overlay = Some(Overlay::Ticket { ticket, qr, note });
            }
        }
        // It may have changed anything.
        let room = self.room();
        self.ask(Work::Look);
        self.ask(Work::Held);
        self.ask(Work::Files(room));
    }

    fn go_to_room(&mut self, asked: &str) {
        let known = self.panes.iter().filter_map(|pane| {
            Some(KnownRoom {
                id: pane.entry.room.parse().ok()?,
                name: pane.entry.name.clone(),
                nick: pane.entry.nick.clone(),
                state: pane.entry.state,
                members: pane.entry.members,
            })
        });
        let known: Vec<KnownRoom> = known.collect();
        match rooms::named(&known, asked) {
            Ok(room) => {
                let id = room.id.to_hex();
                let at = self.panes.iter().position(|pane| pane.entry.room == id);
                self.show_room(at.unwrap_or(self.front));
            }
            Err(error) => self.complain(error.message),
        }
    }

    /// Few words as a word that goes away, more over the messages.
    pub(super) fn tell(&mut self, title: &str, lines: Vec<String>, bad: bool) {
        match lines.as_slice() {
            [] => {}
            [one] if one.chars().count() <= TOAST_CHARS_MAX => self.toast(one.clone(), bad),
            _ => self.page(title, lines),
        }
    }
}
