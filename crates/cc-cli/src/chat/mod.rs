//! The chat: rooms full screen in a terminal.
//!
//! | file | what |
//! |---|---|
//! | `types.rs` | what the parts hand to each other |

mod types;
