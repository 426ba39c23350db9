//! `mcp`: the rooms as tools for an agent.

use crate::args::McpArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::output::Output;

/// Serves until standard input ends.
pub async fn run(_home: Option<&std::path::Path>, _args: &McpArgs, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "mcp: under construction"))
}
