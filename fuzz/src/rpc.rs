//! The program's own reading and writing of a line on the daemon's socket, which is in no library.
#![allow(dead_code, missing_docs, reason = "the target uses a part of it")]

#[path = "../../crates/cc-cli/src/rpc/code.rs"]
pub mod code;
#[path = "../../crates/cc-cli/src/rpc/line.rs"]
pub mod line;
