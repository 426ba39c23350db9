//! What is sent, and commands.

use super::{Answered, App, Ask, Connection, Draft, Overlay, Pending, Work, closed};
use crate::chat::slash::{self, Here, Plan, Reply, Slash, Typed};
use crate::chat::types::{Entry, What};
use crate::rooms::{self, KnownRoom};

/// Messages on their way in one room at once.
const PENDING_MAX: usize = 100;
/// Said of what was put into the clipboard: whether the terminal did so, nobody tells.
const COPIED: &str = "Copied, where the terminal lets programs into the clipboard.";
/// The title of what lists the members.
const MEMBERS: &str = "/members";
/// What is longer, in characters, is shown over the messages.
const TOAST_CHARS_MAX: usize = 160;
/// What answers a question with yes, whole or its first letter.
pub(super) const YES: &str = "yes";
/// A question takes an answer only after so long: whoever types on has not read it yet.
const CONFIRM_DELAY_MS: u64 = 400;

impl App {
    /// Enter was pressed.
    pub(super) fn submit(&mut self, text: &str) {
        if self.answered(text) {
            return;
        }
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
        // All of them or none: the text stays as a whole.
        if self.can_send(parts.len()) && parts.iter().all(|part| self.send(part)) {
            self.accepted();
        }
    }

    fn accepted(&mut self) {
        if let Some(pane) = self.pane_mut() {
            pane.goes_out();
            pane.editor.accepted();
        }
    }

    /// Whether a question is open.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self.overlay, Some(Overlay::Confirm { .. }))
    }

    /// Nothing of what was asked is done.
    pub(super) fn answered_no(&mut self) {
        self.overlay = None;
        self.say("nothing was done");
    }

    /// Does what was asked where the text is a yes, which is no message then.
    fn answered(&mut self, text: &str) -> bool {
        let Some(Overlay::Confirm { since_ms, .. }) = &self.overlay else {
            return false;
        };
        let is_yes = ["y", YES].contains(&text.trim().to_lowercase().as_str());
        if self.now_ms < *since_ms || !is_yes {
            self.answered_no();
            return false;
        }
        let Some(Overlay::Confirm { then, room, .. }) = self.overlay.take() else {
            return false;
        };
        if let Some(pane) = self.pane_mut() {
            pane.editor.clear();
        }
        self.run(room, then);
        true
    }

    /// Puts a message on its way; false where nothing can be said, and the text stays.
    fn send(&mut self, text: &str) -> bool {
        if !self.can_send(1) {
            return false;
        }
        let local = self.next_local;
        let Some(pane) = self.pane_mut() else {
            return false;
        };
        let answers = pane.answers.take();
        let re = answers.as_ref().map(|answered| answered.id.clone());
        pane.pending.push(Pending {
            local,
            text: text.to_owned(),
            answers,
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

    /// Whether so many messages can be put on their way; says why not.
    fn can_send(&mut self, count: usize) -> bool {
        let Some(pane) = self.pane() else {
            return false;
        };
        let trouble = closed(pane.entry.state).or_else(|| {
            let many = pane.pending.len() + count > PENDING_MAX;
            many.then_some("too much is on its way already: wait until it is sent")
        });
        if let Some(trouble) = trouble {
            self.complain(trouble);
        }
        trouble.is_none()
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
            // What is said with it stays where it cannot be sent.
            Ok(Plan::Answer { answered, text }) => self.answer(answered, text.as_deref()),
            Ok(plan) => {
                self.accepted();
                self.carry_out(plan);
            }
            Err(why) => self.complain(why),
        }
    }

    fn answer(&mut self, answered: Answered, text: Option<&str>) {
        let Some(pane) = self.pane_mut() else { return };
        let before = pane.answers.replace(answered);
        let Some(text) = text else {
            pane.selected = None;
            return self.accepted();
        };
        if self.send(text) {
            self.accepted();
        } else if let Some(pane) = self.pane_mut() {
            pane.answers = before;
        }
    }

    fn carry_out(&mut self, plan: Plan) {
        match plan {
            Plan::Run(slash) => {
                let room = self.room();
                self.run(room, slash);
            }
            Plan::Answer { answered, text } => self.answer(answered, text.as_deref()),
            Plan::Copy(text) => {
                self.asks.push(Ask::Copy(text));
                self.say(COPIED);
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
            Ok(Reply::Said(mut said)) => {
                if said.title == MEMBERS {
                    said.lines.extend(self.agents_of(&room));
                }
                self.tell(&said.title, said.lines, false);
            }
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
                let note = format!("{note} {COPIED}");
                self.overlay = Some(Overlay::Ticket { ticket, qr, note });
            }
        }
        // It may have changed anything.
        self.ask(Work::Look);
        self.ask(Work::Held);
        self.ask_files();
    }

    /// Whose agents were met in a room: on a small screen they have no other place.
    fn agents_of(&mut self, room: &str) -> Vec<String> {
        let members = self.pane_of(room).map_or(&[] as &[_], |pane| &pane.members);
        let with_agents = members.iter().filter(|member| !member.agents.is_empty());
        let lines =
            with_agents.map(|it| format!("@{}'s agents: {}", it.name, it.agents.join(", ")));
        let lines: Vec<String> = lines.collect();
        let gap = (!lines.is_empty()).then(String::new);
        gap.into_iter().chain(lines).collect()
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
