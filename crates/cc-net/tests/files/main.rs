//! Files of rooms, over real endpoints on loopback.
//!
//! | file | what |
//! |---|---|
//! | `share.rs` | what is shared, and what is refused before anything is announced |
//! | `fetch.rs` | from one member to another, over restarts, from whoever has it |
//! | `folders.rs` | the same of folders |
//! | `damage.rs` | bytes that changed on disk, a store that does not open, what was taken back |
//! | `hostile.rs`, `thief.rs` | members and others who ask for what is not theirs |
//! | `liar.rs` | members who announce or give what is not there |
//! | `scene.rs` | what they have in common |

#[path = "../common/mod.rs"]
mod common;
mod fetch;
mod scene;
