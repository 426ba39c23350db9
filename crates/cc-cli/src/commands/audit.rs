//! `audit`: which messages went into which prompt of which session.

use crate::args::AuditArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Output;

/// Lists them.
pub fn run(_home: &Home, _args: &AuditArgs, _output: Output) -> CliResult {
    Err(CliError::new(Kind::Command, "audit: under construction"))
}
