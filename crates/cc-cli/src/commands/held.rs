//! `held`, `approve` and `refuse`: what agents want to say, and the owner's word on it.

use crate::args::{HeldArgs, RoomArg};
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Output;

/// Lists what waits.
pub async fn list(_home: &Home, _args: &RoomArg, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "held: under construction"))
}

/// Lets it go out.
pub async fn approve(_home: &Home, _args: &HeldArgs, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "approve: under construction"))
}

/// Throws it away.
pub async fn refuse(_home: &Home, _args: &HeldArgs, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "refuse: under construction"))
}
