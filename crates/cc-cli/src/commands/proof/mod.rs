//! `proof export` and `proof check`: what somebody who is in no room can be shown, and can check.

mod check;
mod export;
mod told;

pub use check::check;
pub use export::{fork, message};
