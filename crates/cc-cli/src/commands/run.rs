//! `run`: a command whose agent reads the named room, wherever it runs.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::args::RunArgs;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::launch;
use crate::output::Output;
use crate::rooms;

/// Becomes the command, with `CC_CONNECT_ROOM` set to the room's id; so its exit code is the command's.
pub async fn run(home: &Home, args: &RunArgs, output: Output) -> CliResult {
    let room = rooms::find(home, Some(&args.room))?;
    // Without the daemon the command runs all the same; it only hears nothing new.
    if let Err(error) = launch::connect_or_start(home).await {
        output.note(format!("the room receives nothing for now: {error}"));
    }
    let (program, arguments) = args
        .command
        .split_first()
        .ok_or_else(|| CliError::new(Kind::Usage, "no command was given"))?;
    let failed = Command::new(program)
        .args(arguments)
        .env("CC_CONNECT_ROOM", room.id.to_hex())
        .env("CC_CONNECT_HOME", home.path())
        .exec();
    Err(CliError::new(
        Kind::Command,
        format!("cannot run {}", program.to_string_lossy()),
    )
    .because(&failed))
}
