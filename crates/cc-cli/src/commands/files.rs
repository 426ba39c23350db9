//! `files`: what files a room has, and which come by themselves.

use crate::args::FilesArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Output;

/// Carries out the command.
pub async fn run(_home: &Home, _args: &FilesArgs, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "not here yet"))
}
