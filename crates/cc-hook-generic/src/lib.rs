//! The cc-connect hook engine: what belongs in an agent's next prompt.
//!
//! An adapter says how its agent's event reads and how an answer is written ([`Agent`]); the
//! engine finds the session's rooms, reads what the session was not offered yet, renders it and,
//! once it is out, moves the session's cursors. It opens no socket, waits for nobody longer than
//! [`DEADLINE`] and always exits 0; what went wrong is in the home's `hook.log`.
//!
//! ```
//! use cc_hook_generic::{Agent, EventError, Heard, PromptEvent};
//!
//! // An agent whose event is the session's name alone and that takes plain text.
//! fn read(event: &[u8]) -> Result<Heard, EventError> {
//!     let session = String::from_utf8_lossy(event).trim().to_owned();
//!     let directory = std::env::current_dir().map_err(|_| EventError::Missing { field: "directory" })?;
//!     Ok(Heard::Prompt(PromptEvent { session, directory }))
//! }
//! let agent = Agent { name: "example", read, write: |text| text.as_bytes().to_vec() };
//! assert_eq!((agent.write)("hello"), b"hello");
//! // A hook's whole main: `fn main() -> ExitCode { cc_hook_generic::hook_main(&agent) }`
//! ```

mod agent;
mod bindings;
mod deadline;
mod hook_log;
mod offer;
mod run;

pub use agent::{Agent, EventError, Heard, PromptEvent};
pub use bindings::{BINDINGS_FILE, BindingsError, rooms_bound_to};
pub use deadline::DEADLINE;
pub use hook_log::{HOOK_LOG_BYTES_MAX, HOOK_LOG_FILE};
pub use run::{Environment, HOME_VARIABLE, ROOM_VARIABLE, hook_main};
