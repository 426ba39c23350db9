//! The chat without a terminal, a clock or a disk: what is put in changes what is known, and gives what is to be done.
//!
//! | file | what |
//! |---|---|
//! | `state.rs` | what is known of a room, and what lies over it |
//! | `exchange.rs` | what goes in and what comes out |
//! | `keyed.rs` | keys |
//! | `clicked.rs` | the mouse |
//! | `commands.rs` | what is sent, and commands |
//! | `drafts.rs` | what is being typed, kept for the next time |
//! | `told.rs` | what the worker has |
//! | `window.rs` | which lines are loaded, and where the view stands |
//! | `screen.rs` | what is drawn |

mod clicked;
mod commands;
mod drafts;
mod exchange;
mod keyed;
mod screen;
mod state;
#[cfg(test)]
mod tests;
mod told;
mod window;

use std::collections::VecDeque;
use std::path::PathBuf;

pub use exchange::{Ask, Came, Draft, Input, Lines, Load, Told, Work};
pub use state::{Answered, Connection, Hit, Kept, Overlay, Pane, Pending, Search, Toast};

use super::complete::Completion;
use super::types::RoomEntry;
use super::view::Drawn;
use crate::rpc::State;

/// How long a word to the person stands.
const TOAST_MS: u64 = 6_000;
/// How long one that says what went wrong does.
const BAD_TOAST_MS: u64 = 12_000;
/// Words that stand at once; of more the oldest goes.
const TOASTS_MAX: usize = 4;
/// At most one notification in this time.
const NOTIFY_INTERVAL_MS: u64 = 3_000;

/// Where the chat runs.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The folder that relative paths are of.
    pub folder: PathBuf,
    /// Our home, of which nothing is listed.
    pub home: PathBuf,
    /// The person's own folder, which `~` stands for.
    pub user: Option<PathBuf>,
}

/// The chat.
#[derive(Debug)]
pub struct App {
    /// The rooms, in the order of the list.
    pub panes: Vec<Pane>,
    /// The one that is looked at.
    pub front: usize,
    /// What lies over the messages.
    pub overlay: Option<Overlay>,
    /// The list of candidates that is open.
    pub completion: Option<Completion>,
    /// Words that go away by themselves, the newest last.
    pub toasts: VecDeque<Toast>,
    /// The daemon.
    pub connection: Connection,
    /// Whether the terminal has the person's attention.
    pub focused: bool,
    /// Whether clicks and the wheel come to us; else the terminal's own selection works.
    pub mouse: bool,
    /// Whether the list of members is wanted where there is room for it.
    pub sidebar: bool,
    /// Rooms in which nothing reaches our agents for now, by id.
    pub paused: Vec<String>,
    /// Messages of our agents that wait for our yes.
    pub held: u64,
    /// Where it runs.
    pub places: Places,
    /// The wall clock at the last input, in unix milliseconds.
    now_ms: u64,
    /// Where things were on the screen at the last drawing.
    drawn: Drawn,
    /// The number of the next thing that is sent.
    next_local: u64,
    /// Commands that run.
    runs: usize,
    /// Tab was pressed for invites that were not known yet, and whether forward.
    tab_waits: Option<bool>,
    /// Whether a room that turns up now is the one that was asked for.
    joining: bool,
    /// Whether the person was told, on leaving, that something is not sent.
    warned: bool,
    /// When somebody was last told of a mention.
    notified_ms: u64,
    /// What is to be done, in order.
    asks: Vec<Ask>,
}

impl App {
    /// A chat of these rooms, with this one in front.
    pub fn new(rooms: Vec<RoomEntry>, front: Option<&str>, places: Places, now_ms: u64) -> Self {
        let at = rooms
            .iter()
            .position(|room| Some(room.room.as_str()) == front);
        let mut app = Self {
            panes: rooms.into_iter().map(Pane::new).collect(),
            front: at.unwrap_or(0),
            overlay: None,
            completion: None,
            toasts: VecDeque::new(),
            connection: Connection::Looking,
            focused: true,
            mouse: true,
            sidebar: true,
            paused: Vec::new(),
            held: 0,
            places,
            now_ms,
            drawn: Drawn::default(),
            next_local: 1,
            runs: 0,
            tab_waits: None,
            joining: false,
            warned: false,
            notified_ms: 0,
            asks: Vec::new(),
        };
        app.open_front();
        app
    }

    /// Takes in what happened; gives what is to be done.
    pub fn handle(&mut self, input: Input, now_ms: u64) -> Vec<Ask> {
        self.now_ms = now_ms;
        self.toasts.retain(|toast| toast.until_ms > now_ms);
        match input {
            Input::Key(key) => self.keyed(&key),
            Input::Mouse(mouse) => self.moused(mouse),
            Input::Paste(text) => self.pasted(&text),
            Input::Resized | Input::Tick => {}
            Input::Focus(focused) => self.focus(focused),
            Input::Told(told) => self.told(told),
        }
        self.keep();
        self.take_asks()
    }

    /// What is to be done that was not given yet.
    pub fn take_asks(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.asks)
    }

    /// When something changes by itself, in unix milliseconds.
    pub fn wakes_at(&self) -> Option<u64> {
        let toasts = self.toasts.iter().map(|toast| toast.until_ms);
        let texts = self.panes.iter().filter_map(|pane| pane.keep_at);
        toasts.chain(texts).min()
    }

    /// What was typed and is not known to be sent: the room's name and the text.
    pub fn unsent(&self) -> impl Iterator<Item = (&str, &str)> {
        self.panes.iter().flat_map(|pane| {
            let texts = pane.unsent();
            texts.map(|text| (pane.entry.name.as_str(), text))
        })
    }

    /// The room that is looked at; none where there is none at all.
    pub fn pane(&self) -> Option<&Pane> {
        self.panes.get(self.front)
    }

    fn pane_mut(&mut self) -> Option<&mut Pane> {
        self.panes.get_mut(self.front)
    }

    fn pane_of(&mut self, room: &str) -> Option<&mut Pane> {
        self.panes.iter_mut().find(|pane| pane.entry.room == room)
    }

    /// The room that is looked at, by id; empty where there is none.
    fn room(&self) -> String {
        self.pane()
            .map_or_else(String::new, |pane| pane.entry.room.clone())
    }

    fn ask(&mut self, work: Work) {
        self.asks.push(Ask::Work(work));
    }

    fn say(&mut self, text: impl Into<String>) {
        self.toast(text.into(), false);
    }

    fn complain(&mut self, text: impl Into<String>) {
        self.toast(text.into(), true);
    }

    fn toast(&mut self, text: String, bad: bool) {
        // The same word once more stands longer, and not twice.
        self.toasts.retain(|toast| toast.text != text);
        if self.toasts.len() == TOASTS_MAX {
            self.toasts.pop_front();
        }
        let lasts = if bad { BAD_TOAST_MS } else { TOAST_MS };
        let until_ms = self.now_ms + lasts;
        self.toasts.push_back(Toast {
            text,
            bad,
            until_ms,
        });
    }

    fn focus(&mut self, focused: bool) {
        self.focused = focused;
        if focused {
            self.look();
        } else {
            self.look_away();
        }
    }

    /// Brings a room to the front.
    fn show_room(&mut self, at: usize) {
        if at >= self.panes.len() || at == self.front {
            return;
        }
        self.look_away();
        self.close_search();
        self.completion = None;
        self.tab_waits = None;
        self.keep_soon();
        self.front = at;
        self.open_front();
        self.look();
    }

    /// Has the room in front read, where it was not yet.
    fn open_front(&mut self) {
        let Some(pane) = self.pane_mut() else { return };
        let room = pane.entry.room.clone();
        if !pane.opened && !pane.loading {
            pane.loading = true;
            let what = Load::End;
            self.ask(Work::Load {
                room: room.clone(),
                what,
            });
        }
        self.ask(Work::Members(room.clone()));
        self.ask(Work::Files(room));
    }

    /// What comes from now on is new to the person.
    fn look_away(&mut self) {
        if let Some(pane) = self.pane_mut()
            && pane.opened
            && pane.follows()
        {
            pane.seen = Some(pane.len);
        }
    }

    fn notify(&mut self, room: &str, name: &str) {
        let in_front = self.focused && self.room() == room;
        if in_front || self.now_ms < self.notified_ms + NOTIFY_INTERVAL_MS {
            return;
        }
        self.notified_ms = self.now_ms;
        let of = self.pane_of(room).map(|pane| pane.entry.name.clone());
        let of = of.unwrap_or_default();
        self.asks
            .push(Ask::Notify(format!("@{name} named you in {of}")));
    }

    /// Ends the chat; once asked where something would be lost.
    fn leave(&mut self, interrupted: bool) {
        let waiting = self.unsent().count();
        if waiting > 0 && !self.warned {
            self.warned = true;
            let what = if waiting == 1 {
                "a message is"
            } else {
                "some messages are"
            };
            self.complain(format!(
                "{what} not sent yet; once more leaves all the same, and it is in the text the next time"
            ));
            return;
        }
        self.asks.push(Ask::Leave { interrupted });
    }
}

/// Why nothing can be said in a room; none where it can.
fn closed(state: State) -> Option<&'static str> {
    match state {
        State::Joined | State::Joining => None,
        State::Removed => Some(
            "you are no longer a member of this room: you were removed, or your invite was revoked",
        ),
        State::Left => Some("you left this room"),
    }
}
