//! The chat: rooms full screen in a terminal.
//!
//! | file | what |
//! |---|---|
//! | `app.rs` | what the chat knows, and what happens with it: no terminal, no clock, no disk |
//! | `complete/` | completion of names, commands and paths |
//! | `editor/` | the text being typed |
//! | `keys.rs` | the chords |
//! | `slash/` | the commands |
//! | `plain.rs` | the chat line by line, for pipes, screen readers and terminals that can no more |
//! | `run.rs` | the loop of the full-screen chat |
//! | `terminal.rs` | the terminal: made ours, and given back |
//! | `theme.rs` | colours and signs |
//! | `wrap.rs` | text in cells: what surely takes how many columns, and where a line is broken |
//! | `worker/` | the daemon, the logs, searches and commands, so that nobody who draws waits |
//! | `types.rs` | what the parts hand to each other |
//! | `view/` | the drawing: a function of the state and of the size of the terminal |

mod app;
mod complete;
mod editor;
mod keys;
pub mod plain;
pub mod run;
mod slash;
mod terminal;
mod theme;
mod types;
mod view;
mod worker;
mod wrap;
