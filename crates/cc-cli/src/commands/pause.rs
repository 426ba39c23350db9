//! `pause` and `resume`: agents are told nothing for a while.

use crate::args::{PauseArgs, RoomArg};
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Output;

/// Pauses.
pub async fn pause(_home: &Home, _args: &PauseArgs, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "pause: under construction"))
}

/// Goes on.
pub async fn resume(_home: &Home, _args: &RoomArg, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "resume: under construction"))
}
