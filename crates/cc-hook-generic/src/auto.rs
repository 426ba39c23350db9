//! One registered command for several agents: which of them runs it is told from the shape of its event.
//!
//! For the one plugin folder in Claude Code's format that several agents take.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::adapter::{Adapter, Event, EventError, Heard};
use crate::profile::Profile;

/// The name on the command line that stands for whichever agent it is.
pub const AUTO: &str = "auto";

/// Whichever agent sends events like Claude Code's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Auto;

/// What tells the agents apart. The values are not looked at.
#[derive(Debug, Default, Deserialize)]
struct Marks<'a> {
    #[serde(borrow, default)]
    hook_event_name: Cow<'a, str>,
    #[serde(default, rename = "sessionId")]
    session_id_camel: Option<IgnoredAny>,
    #[serde(default)]
    turn_id: Option<IgnoredAny>,
    #[serde(default)]
    transcript_path: Option<IgnoredAny>,
    #[serde(default)]
    timestamp: Option<IgnoredAny>,
    #[serde(default)]
    permission_mode: Option<IgnoredAny>,
    #[serde(default)]
    model: Option<IgnoredAny>,
}

/// The name of the agent whose event this looks like; Claude Code's where nothing says otherwise.
pub fn agent_of(event: &[u8]) -> &'static str {
    let marks: Marks<'_> = serde_json::from_slice(event).unwrap_or_default();
    let gemini = ["BeforeAgent", "AfterTool"];
    if gemini.contains(&&*marks.hook_event_name) {
        return "gemini-cli";
    }
    let stamped = marks.timestamp.is_some();
    if marks.session_id_camel.is_some() || (stamped && marks.transcript_path.is_none()) {
        return "copilot-cli";
    }
    if stamped {
        return "qwen-code";
    }
    // Its first event of a session has no turn yet.
    let starts = marks.model.is_some() && marks.permission_mode.is_some();
    if marks.turn_id.is_some() || starts {
        return "codex";
    }
    "claude-code"
}

impl Adapter for Auto {
    fn name(&self) -> &'static str {
        AUTO
    }

    /// Not asked: each event is some agent's.
    fn read(&self, _event: &[u8], _named: Option<&str>) -> Result<Heard, EventError> {
        Ok(Heard::Other)
    }

    fn write(&self, _event: &Event, _text: &str) -> Vec<u8> {
        Vec::new()
    }

    fn instead(&self, event: &[u8]) -> Option<Box<dyn Adapter>> {
        let profile = Profile::named(agent_of(event))?;
        Some(Box::new(profile))
    }
}
