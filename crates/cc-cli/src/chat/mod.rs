//! The chat: rooms full screen in a terminal.
//!
//! | file | what |
//! |---|---|
//! | `app.rs` | what the chat knows, and what happens with it: no terminal, no clock, no disk |
//! | `types.rs` | what the parts hand to each other |

mod app;
mod types;
