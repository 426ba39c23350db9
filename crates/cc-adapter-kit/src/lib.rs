//! Checks an agent's adapter against the hook chapter of the specification.
//!
//! An adapter is a program that an agent starts at every prompt and that answers with what was said in its rooms
//! (`spec/hook.md`, `spec/adapters.md`). A [`Case`] builds a home as the daemon leaves it behind, with messages that are really
//! signed, runs the adapter ([`Subject`]) as a process of its own, and holds what it printed and which files it changed
//! against the specification. Nothing here opens a socket; every home is a temporary folder.
//!
//! ```no_run
//! use cc_adapter_kit::{Subject, cases};
//!
//! let subject = Subject::program(["python3", "adapter.py"].map(Into::into).to_vec())?;
//! for case in cases() {
//!     println!("{}: {:?}", case.name, case.check(&subject));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | what | where |
//! |---|---|
//! | the cases, a table a subject | `cases/` |
//! | the home that a case is about | `world.rs`, `room.rs` |
//! | the adapter, how it is asked and how its answer reads | `subject.rs`, `process.rs` |
//! | what must have been told, and where cursors must stand | `expect.rs` |
//! | how a case came out | `report.rs` |

mod cases;
mod expect;
mod process;
mod report;
mod room;
mod subject;
mod world;

pub use cases::{Case, cases, check_all};
pub use process::HARD_LIMIT;
pub use report::{Outcome, Stop};
pub use subject::{Subject, SubjectError};
