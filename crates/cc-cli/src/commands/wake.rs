//! `wake`: whether a mention wakes the owner's agents.

use crate::args::WakeArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Output;

/// Sets it, or says how it is.
pub async fn run(_home: &Home, _args: &WakeArgs, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "wake: under construction"))
}
