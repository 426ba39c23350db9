//! The commands, one module each; what they print with `--json` is in [`objects`].

mod adapter;
mod agents;
pub mod audit;
pub mod belong;
mod chat;
mod dry_run;
pub mod files;
pub mod get;
pub mod held;
pub mod hook;
mod identity;
mod install;
pub mod invite;
mod log;
mod mcp;
pub mod members;
pub mod objects;
pub mod pause;
pub mod preview;
mod proof;
pub mod receipts;
pub mod room;
mod run;
pub mod send;
pub mod share;
pub mod status;
pub mod wake;

use crate::args::{AdapterCommand, Cli, Command, ExportCommand, ProofCommand, RoomCommand};
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
        Command::Room(RoomCommand::Join(args)) if args.dry_run => {
            dry_run::run(Home::existing(home)?.as_ref(), &args, output)?;
        }
        Command::Room(RoomCommand::Join(args)) => {
            wait(room::join(&Home::open(home)?, &args, output))?;
        }
        Command::Room(RoomCommand::List) => room::list(Home::existing(home)?.as_ref(), output)?,
        Command::Send(args) => wait(send::run(&Home::open(home)?, &args, output))?,
        Command::Log(args) => wait(log::run(&Home::open(home)?, &args, output))?,
        Command::Chat(args) => wait(chat::open(&Home::open(home)?, &args, output))?,
        Command::Share(args) => wait(share::run(&Home::open(home)?, &args, output))?,
        Command::Files(args) => wait(files::run(&Home::open(home)?, &args, output))?,
        Command::Get(args) => wait(get::run(&Home::open(home)?, &args, output))?,
        Command::Invite(args) => wait(invite::invite(&Home::open(home)?, &args, output))?,
        Command::Invites(args) => wait(invite::list(&Home::open(home)?, &args, output))?,
        Command::Revoke(args) => wait(invite::revoke(&Home::open(home)?, &args, output))?,
        Command::Members(args) => wait(members::list(&Home::open(home)?, &args, output))?,
        Command::Remove(args) => wait(belong::remove(&Home::open(home)?, &args, output))?,
        Command::Admin(args) => wait(belong::admin(&Home::open(home)?, &args, output))?,
        Command::Leave(args) => wait(belong::leave(&Home::open(home)?, &args, output))?,
        Command::Retract(args) => wait(belong::retract(&Home::open(home)?, &args, output))?,
        Command::Trust(args) => wait(members::trust(&Home::open(home)?, &args, output))?,
        Command::Petname(args) => wait(members::petname(&Home::open(home)?, &args, output))?,
        Command::Verify(args) => wait(members::verify(&Home::open(home)?, &args, output))?,
        Command::Proof(ProofCommand::Export(ExportCommand::Fork(args))) => {
            proof::fork(&Home::open(home)?, &args, output)?;
        }
        Command::Proof(ProofCommand::Export(ExportCommand::Message(args))) => {
            proof::message(&Home::open(home)?, &args, output)?;
        }
        Command::Proof(ProofCommand::Check(args)) => proof::check(&args, output)?,
        Command::Status => wait(status::status(Home::existing(home)?.as_ref(), output))?,
        Command::Stop => wait(status::stop(Home::existing(home)?.as_ref(), output))?,
        Command::Run(args) => wait(run::run(&Home::open(home)?, &args, output))?,
        Command::Hook(args) => return Ok(hook::run_with_home(home, &args)),
        Command::Identity => identity::run(&Home::open(home)?, output)?,
        Command::Install(args) => install::install(&args, home, output)?,
        Command::Uninstall(args) => install::uninstall(&args, home, output)?,
        Command::Agents => wait(agents::list(home, output))?,
        Command::Mcp(args) => wait(mcp::run(home, &args))?,
        Command::Preview(args) => preview::run(home, &args, output)?,
        Command::Pause(args) => pause::pause(&Home::open(home)?, &args, output)?,
        Command::Resume(args) => pause::resume(&Home::open(home)?, &args, output)?,
        Command::Audit(args) => audit::run(&Home::open(home)?, &args, output)?,
        Command::Held(args) => wait(held::list(&Home::open(home)?, &args, output))?,
        Command::Approve(args) => wait(held::approve(&Home::open(home)?, &args, output))?,
        Command::Refuse(args) => wait(held::refuse(&Home::open(home)?, &args, output))?,
        Command::Wake(args) => wait(wake::run(&Home::open(home)?, &args, output))?,
        Command::Receipts(args) => wait(receipts::run(&Home::open(home)?, &args, output))?,
        Command::Adapter(AdapterCommand::Check(args)) => return adapter::check(&args, output),
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
