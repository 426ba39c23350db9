//! `get`: a file of a room comes here.

use crate::args::GetArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Output;

/// Carries out the command.
pub async fn run(_home: &Home, _args: &GetArgs, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "not here yet"))
}
