//! Files of rooms, over real endpoints on loopback.
//!
//! | file | what |
//! |---|---|
//! | `share.rs` | what is shared, and what is refused before anything is announced |
//! | `fetch.rs` | from one member to another, over restarts, from whoever has it |
//! | `limits.rs` | what comes by itself, from whom, and how much of it |
//! | `folders.rs` | the same of folders |
//! | `damage.rs` | bytes that changed on disk, a store that does not open, what was taken back |
//! | `thief.rs` | members and others who ask for what is not theirs |
//! | `liar.rs` | members who announce or give what is not there |
//! | `squatters.rs` | members who claim the place of another's file, folders of very many files |
//! | `scene.rs`, `../hostile/peer.rs` | what they have in common |

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod fetch;
mod folders;
mod liar;
mod limits;
#[path = "../hostile/peer.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod peer;
mod scene;
mod share;
mod squatters;
mod thief;
