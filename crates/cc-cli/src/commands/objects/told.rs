//! What `preview`, `pause`, `resume` and `audit` print.

use std::path::PathBuf;

use cc_hook_generic::audit::AuditEvent;
use serde::Serialize;

/// `preview`
#[derive(Debug, Serialize)]
pub struct Previewed {
    /// The agent's name.
    pub agent: String,
    /// The session; null for one that is new.
    pub session: Option<String>,
    /// Its working directory.
    pub directory: PathBuf,
    /// `prompt`, `start` or `tool`.
    pub moment: &'static str,
    /// The ids of the rooms that reach it.
    pub rooms: Vec<String>,
    /// Those of them that are paused.
    pub paused: Vec<String>,
    /// What the model would get to see; null where it would be nothing.
    pub text: Option<String>,
    /// What the hook would print.
    pub stdout: Option<String>,
}

/// `pause` and `resume`
#[derive(Debug, Serialize)]
pub struct Paused {
    /// The room's id; null for everything.
    pub room: Option<String>,
    /// Whether it is paused now.
    pub paused: bool,
    /// Until when, in unix milliseconds; null for no end.
    pub until: Option<u64>,
}

/// `audit`
#[derive(Debug, Serialize)]
pub struct Audited {
    /// The room's id.
    pub room: String,
    /// When, in unix milliseconds.
    pub at: u64,
    /// The agent's name.
    pub agent: String,
    /// Its session.
    pub session: String,
    /// `prompt`, `start`, `tool`, or `read` where the agent asked by a tool.
    pub event: AuditEvent,
    /// The last line of the room's log before what was looked at.
    pub from: u64,
    /// The last line looked at.
    pub through: u64,
    /// The lines that the agent was shown.
    pub shown: Vec<u64>,
    /// How many messages were only counted.
    pub counted: u64,
}
