//! `receipts`: whether the others hear what reached this machine.

use crate::args::ReceiptsArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Output;

/// Sets it, or says how it is.
pub async fn run(_home: &Home, _args: &ReceiptsArgs, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "receipts: under construction"))
}
