//! `preview`: what the next prompt would get.

use crate::args::PreviewArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::output::Output;

/// Shows it.
pub fn run(_home: Option<&std::path::Path>, _args: &PreviewArgs, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "preview: under construction"))
}
