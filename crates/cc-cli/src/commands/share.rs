//! `share`: files and folders go into a room.

use crate::args::ShareArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Output;

/// Carries out the command.
pub async fn run(_home: &Home, _args: &ShareArgs, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "not here yet"))
}
