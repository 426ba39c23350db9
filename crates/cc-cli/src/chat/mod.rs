//! The chat: rooms full screen in a terminal.
//!
//! | file | what |
//! |---|---|
//! | `app.rs` | what the chat knows, and what happens with it: no terminal, no clock, no disk |
//! | `complete/` | completion of names, commands and paths |
//! | `editor/` | the text being typed |
//! | `keys.rs` | the chords |
//! | `slash/` | the commands |
//! | `theme.rs` | colours and signs |
//! | `types.rs` | what the parts hand to each other |
//! | `view/` | the drawing: a function of the state and of the size of the terminal |

mod app;
mod complete;
mod editor;
mod keys;
mod slash;
mod theme;
mod types;
mod view;
