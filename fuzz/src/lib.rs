//! What each fuzz target does with its bytes: one function a target, from which `fuzz_targets/` makes programs.
//!
//! A target fails by panicking. Beside what the code itself asserts, each holds its decoder to properties that
//! must be true of *any* input: what decodes encodes to the same bytes, what was cleaned stays clean, what was
//! refused changed nothing. `README.md` has the list and how to run one.
//!
//! | module | targets |
//! |---|---|
//! | [`wire`] | what comes over the network, and tickets |
//! | [`proofs`] | proofs as anybody may hand them over |
//! | [`disk`] | the log and what lies beside it |
//! | [`agents`] | an agent's event and settings, the daemon's socket |
//! | [`shown`] | what people and agents get to see |
//! | [`room`] | the room's core under any sequence of inputs |

#![forbid(unsafe_code)]

pub mod agents;
pub mod disk;
pub mod proofs;
pub mod receipts;
pub mod room;
mod rpc;
pub mod shown;
pub mod wire;
mod world;
