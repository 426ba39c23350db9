//! The commands, one module each; what they print with `--json` is in [`objects`].

mod agent;
mod chat;
pub mod hook;
mod identity;
mod log;
pub mod objects;
mod room;
mod run;
pub mod send;
mod status;

use crate::args::{Cli, Command, RoomCommand};
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Output;

/// Carries out what was typed; gives the exit code.
pub fn run(cli: Cli, output: Output) -> CliResult<u8> {
    let home = cli.global.home.as_deref();
    match cli.command {
        Command::Room(RoomCommand::Start(args)) => {
            wait(room::start(&Home::open(home)?, &args, output))?;
        }
        Command::Room(RoomCommand::Join(args)) => {
            wait(room::join(&Home::open(home)?, &args, output))?;
        }
        Command::Room(RoomCommand::List) => room::list(Home::existing(home)?.as_ref(), output)?,
        Command::Send(args) => wait(send::run(&Home::open(home)?, &args, output))?,
        Command::Log(args) => wait(log::run(&Home::open(home)?, &args, output))?,
        Command::Status => wait(status::status(Home::existing(home)?.as_ref(), output))?,
        Command::Stop => wait(status::stop(Home::existing(home)?.as_ref(), output))?,
        Command::Run(args) => wait(run::run(&Home::open(home)?, &args, output))?,
        Command::Hook(args) => hook::run_with_home(home, &args),
        Command::Identity => identity::run(&Home::open(home)?, output)?,
        Command::Install(args) => agent::install(args.agent, home, output)?,
        Command::Uninstall(args) => agent::uninstall(args.agent, output)?,
        Command::Demo => return wait(crate::demo::run(output)),
        // Only a home that is there is served: a daemon must not bring back one that was removed.
        Command::Daemon => match Home::existing(home)? {
            Some(home) => crate::daemon::run(&home)?,
            None => return Err(CliError::new(Kind::Home, "there is no such home folder")),
        },
    }
    Ok(0)
}

fn wait<T>(command: impl Future<Output = CliResult<T>>) -> CliResult<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            CliError::new(Kind::Command, "cannot start the runtime").because(&error)
        })?;
    let outcome = runtime.block_on(command);
    runtime.shutdown_background();
    outcome
}
