//! What differs between agents: how an event reads and how an answer is written.

use std::path::PathBuf;

/// An agent, as far as the engine needs to know it.
#[derive(Debug, Clone, Copy)]
pub struct Agent {
    /// Its name in cursors, in `hook.log` and in `via`.
    pub name: &'static str,
    /// Reads the event that the agent hands to its hook.
    pub read: fn(&[u8]) -> Result<Heard, EventError>,
    /// Wraps an injection in what the agent takes, ready to be written to stdout in one go.
    pub write: fn(&str) -> Vec<u8>,
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A prompt is on its way to the model.
    Prompt(PromptEvent),
    /// Something else; it gets no answer.
    Other,
}

/// A prompt, without its text: nothing here depends on what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptEvent {
    /// The agent's own name for the conversation.
    pub session: String,
    /// The session's working directory.
    pub directory: PathBuf,
}

/// Why bytes are not an event. Holds no part of them: a prompt is nobody's business.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// Not JSON, or JSON of another shape.
    #[error("the event is not what this agent sends (line {line}, column {column})")]
    Shape {
        /// Where, counted from 1.
        line: usize,
        /// Where, counted from 1.
        column: usize,
    },
    /// A field that is needed is not there or empty.
    #[error("the event has no `{field}`")]
    Missing {
        /// Its name.
        field: &'static str,
    },
}
