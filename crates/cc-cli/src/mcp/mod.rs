//! The rooms as tools for an agent: an MCP server on standard input and output. Implements `spec/agent-tools.md`.
//!
//! | file | what it is |
//! |---|---|
//! | `server` | the protocol's side: what is listed, how a call begins and ends |
//! | `catalogue` | the tools and resources as they are listed, and the server's instructions |
//! | `arguments` | what a call may say, and nothing else |
//! | `desk` | what all calls share |
//! | `connected` | which rooms a call may name: those of the hook's own rule |
//! | `book` | a room's log as an agent may see it |
//! | `read`, `say`, `wait`, `people`, `summary`, `files`, `resources` | what the tools do |
//! | `places` | how far a session heard of its mentions |
//! | `answer`, `refusal` | what a call gives: what others wrote fenced, or a reason |
//! | `stdio` | the end of standard input |
//!
//! Nothing of a peer reaches the agent outside a fence, and no call reaches a room that the folder is not connected to.
//! Standard output belongs to the protocol: nothing else writes there, and what `tracing` collects goes nowhere.

mod answer;
mod arguments;
mod book;
mod catalogue;
mod connected;
mod desk;
mod files;
mod people;
mod places;
mod read;
mod refusal;
mod resources;
mod say;
mod server;
mod stdio;
mod summary;
mod wait;

pub use desk::Options;
pub use server::serve;
