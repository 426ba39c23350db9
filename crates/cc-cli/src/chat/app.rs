//! The chat without a terminal, a clock or a disk: what is put in changes what is known, and gives what is to be done.

mod state;

use std::collections::VecDeque;

pub use state::{Areas, Connection, Hit, Overlay, Pane, Pending, Place, Search, Toast};

/// The chat.
#[derive(Debug)]
pub struct App {
    /// The rooms, in the order of the list.
    pub panes: Vec<Pane>,
    /// The one that is looked at.
    pub front: usize,
    /// What lies over the messages.
    pub overlay: Option<Overlay>,
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
    /// The wall clock at the last input, in unix milliseconds.
    pub now_ms: u64,
    /// Where things are on the screen.
    pub areas: Areas,
}
