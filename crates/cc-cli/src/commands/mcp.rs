//! `mcp`: the rooms as tools for an agent.

use std::path::Path;

use crate::args::McpArgs;
use crate::error::CliResult;
use crate::mcp::{self, Options};

/// Serves until standard input ends. What is printed is the protocol's, and an agent with no home yet gets none.
pub async fn run(home: Option<&Path>, args: &McpArgs) -> CliResult {
    mcp::serve(Options {
        home: home.map(Path::to_owned),
        agent: args.agent.clone(),
        room: args.of.room.clone(),
        approve: args.approve,
    })
    .await
}
