//! The cc-connect hook engine: what belongs in an agent's next prompt.
//!
//! An adapter says how its agent's event reads and how an answer is written ([`Adapter`]): a [`Profile`], which is data, or
//! code of one's own. The engine finds the session's rooms, reads what the session was not offered yet, renders it and,
//! once it is out, moves the session's cursors. It opens no socket, waits for nobody longer than
//! [`DEADLINE`] and never fails; what went wrong is in the home's `hook.log`.
//!
//! ```
//! use cc_hook_generic::{Adapter, Event, EventError, Heard, Moment};
//!
//! // An agent whose event is the session's name alone and that takes plain text.
//! struct Example;
//!
//! impl Adapter for Example {
//!     fn name(&self) -> &str {
//!         "example"
//!     }
//!     fn read(&self, event: &[u8], _named: Option<&str>) -> Result<Heard, EventError> {
//!         let session = String::from_utf8_lossy(event).trim().to_owned();
//!         let directory = std::env::current_dir()
//!             .map_err(|_| EventError::Missing { field: "directory".into() })?;
//!         Ok(Heard::Event(Event { moment: Moment::Prompt, session, directory }))
//!     }
//!     fn write(&self, _event: &Event, text: &str) -> Vec<u8> {
//!         text.as_bytes().to_vec()
//!     }
//! }
//! assert!(matches!(Example.read(b"s1\n", None), Ok(Heard::Event(event)) if event.session == "s1"));
//! // A hook's whole main: `fn main() -> ExitCode { cc_hook_generic::hook_main(&Example, None) }`
//! ```

mod adapter;
mod answer;
pub mod audit;
mod auto;
mod bindings;
mod deadline;
mod file_view;
mod files;
mod hook_log;
pub mod install;
mod offer;
mod orient;
pub mod pause;
mod preview;
pub mod profile;
mod run;
mod sessions;

pub use adapter::{Adapter, Event, EventError, Heard, Moment};
pub use auto::{AUTO, Auto, agent_of};
pub use bindings::{BINDINGS_FILE, BindingsError, bound_directories, rooms_bound_to};
pub use deadline::DEADLINE;
pub use file_view::{VIEW_FILE, VIEWS_DIR, WrittenView, view_path, write_view};
pub use files::shared_file;
pub use hook_log::{HOOK_LOG_BYTES_MAX, HOOK_LOG_FILE};
pub use pause::Pause;
pub use preview::{Preview, PreviewRequest, preview};
pub use profile::{Profile, ProfileError};
pub use run::{
    Environment, HOME_VARIABLE, ROOM_VARIABLE, WAKE_TEXT, hook_main, hook_main_in, note_failure,
};
pub use sessions::{
    DIRECTORY_BYTES_MAX, SESSION_ID_BYTES_MAX, SESSION_UNUSED_MS_MAX, SESSIONS_DIR, Session,
    reader_name, session_id, sessions, sweep as sweep_sessions, wake_path,
};
