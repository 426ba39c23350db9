//! What differs between agents: how an event reads and how an answer is written.

use std::path::PathBuf;

use cc_proto::render::INJECTION_BYTES_MAX;
use serde::Deserialize;

/// An agent, as far as the engine needs to know it.
pub trait Adapter {
    /// Its name in cursors, in `hook.log` and in `via`.
    fn name(&self) -> &str;

    /// Reads the event that the agent hands to its hook. `named` is the event's name from the command
    /// line, for agents whose JSON does not say it.
    ///
    /// # Errors
    /// Where the bytes are not what this agent sends. The error quotes none of them.
    fn read(&self, event: &[u8], named: Option<&str>) -> Result<Heard, EventError>;

    /// Wraps a text in what the agent takes in answer to `event`: the whole of stdout, written in one go.
    fn write(&self, event: &Event, text: &str) -> Vec<u8>;

    /// Whether it can be told at a session's start to watch a file, and be woken by its change.
    fn watches(&self) -> bool {
        false
    }

    /// [`write`](Self::write) at the start of a session of an agent that [`watches`](Self::watches).
    fn write_start(&self, event: &Event, text: &str, watch: &[PathBuf]) -> Vec<u8> {
        let _ = watch;
        self.write(event, text)
    }

    /// The longest text it takes, in bytes; more than [`INJECTION_BYTES_MAX`] is never used.
    fn bytes_max(&self) -> usize {
        INJECTION_BYTES_MAX
    }

    /// Another adapter that this very event belongs to, for hooks that several agents share.
    fn instead(&self, event: &[u8]) -> Option<Box<dyn Adapter>> {
        let _ = event;
        None
    }
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A moment at which something may be told.
    Event(Event),
    /// Something else; it gets no answer.
    Other,
}

/// A moment of a session, without its texts: nothing here depends on what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What is happening.
    pub moment: Moment,
    /// The agent's own name for the conversation.
    pub session: String,
    /// The session's working directory.
    pub directory: PathBuf,
}

/// What is happening in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Moment {
    /// A prompt is on its way to the model: it is told what is unread.
    Prompt,
    /// A session starts or goes on after a while: it is told where it is.
    Start,
    /// A tool was called: it is told what is unread if some of that names the reader.
    Tool,
    /// The session is idle, and something may be a reason to wake it.
    Wake,
}

impl Moment {
    /// Its name in profiles, in the audit and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Start => "start",
            Self::Tool => "tool",
            Self::Wake => "wake",
        }
    }
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
    /// A field that is needed is not there, empty, or no text.
    #[error("the event has no `{field}`")]
    Missing {
        /// Its name.
        field: String,
    },
}
