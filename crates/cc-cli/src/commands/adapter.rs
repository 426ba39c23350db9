//! `adapter check`: an adapter against every case of the hook chapter.

use crate::args::AdapterCheckArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::output::Output;

/// Gives the exit code: 1 where a case failed.
pub fn check(_args: &AdapterCheckArgs, _output: Output) -> CliResult<u8> {
    Err(CliError::new(Kind::Command, "adapter: under construction"))
}
