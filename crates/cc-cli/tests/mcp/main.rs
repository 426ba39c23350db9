//! The agent tools: the real program, real daemons, and a client that speaks the protocol by hand.

mod files;
mod listing;
mod reading;
mod rooms;
mod saying;
#[path = "../support/mod.rs"]
mod support;
mod waiting;
