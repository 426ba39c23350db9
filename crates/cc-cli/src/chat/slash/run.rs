//! Carrying a command out: what the command line's commands do, told in lines instead of printed.

use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::rooms::KnownRoom;

use super::Slash;

/// What came of a command.
#[derive(Debug)]
pub enum Reply {
    /// Something to show.
    Said(Said),
    /// It needs a yes; then `then` is to be carried out.
    Confirm {
        /// What cannot be undone, and the question; clean.
        question: Vec<String>,
        /// What is carried out after the yes.
        then: Box<Slash>,
    },
    /// A ticket: a secret, to be shown with its code and copied.
    Ticket {
        /// The ticket.
        ticket: String,
        /// Its QR code, two rows of it a line, without colours.
        qr: Vec<String>,
        /// What to say beside it; clean.
        note: String,
    },
    /// It is the chat's own affair: which room is looked at, what is selected, looked for or answered, help, the end.
    Chat(Box<Slash>),
}

/// What a command has to say; clean.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it is about.
    pub title: String,
    /// The lines.
    pub lines: Vec<String>,
}

/// Carries a command out, about `room` where it names no other. Connects to the daemon by itself.
pub async fn run(_home: &Home, _room: &KnownRoom, slash: Slash) -> CliResult<Reply> {
    let _ = slash;
    Err(CliError::new(Kind::Command, "not here yet"))
}
