//! The `cc-connect` program: rooms whose history every member's own agent reads.
//!
//! # Standard output with `--json`
//!
//! One object a line, each with `"v":1`. Fields may be added; they are never renamed or removed. The objects are
//! described where they are made: [`commands::objects`]. A failure is one object on standard error,
//! `{"v":1,"error":{"kind","message","hint"}}`, with the kinds of [`error::Kind`]. Exit codes: 0 done, 1 failed, 2 called
//! wrongly, 130 interrupted; `run` ends as its command does, and `hook` always with 0.
//!
//! # Environment
//!
//! | variable | meaning |
//! |---|---|
//! | `CC_CONNECT_HOME` | the home folder, as `--home` |
//! | `CC_CONNECT_ROOM` | the one room that reaches this session; set by `run`, read by the hook |
//! | `CC_CONNECT_BIND` | the address of the daemon's endpoint; a loopback address such as `127.0.0.1:0` keeps it on this machine: no mDNS, and no relay unless one is named |
//! | `CC_CONNECT_LOG` | what goes to `daemon.log`, in the syntax of `RUST_LOG` |
//! | `NO_COLOR`, `TERM=dumb` | no colour, unless `--color` says otherwise |
//! | `USER`, `LOGNAME` | the nick where `--nick` is not given |
//! | `CLAUDE_CONFIG_DIR`, `HOME` | where Claude Code's settings are, for `install` and `uninstall` |

mod args;
mod bindings;
mod chat;
mod client;
mod commands;
mod confirm;
mod copy;
mod credentials;
mod daemon;
mod demo;
mod error;
mod files;
mod history;
mod home;
mod launch;
mod mcp;
mod names;
mod output;
mod people;
mod process;
mod qr;
mod reading;
mod rooms;
mod rpc;
mod secrets;
mod size;
mod socket;
mod table;
mod verify;
mod when;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, ColorChoice, Global};
use crate::error::{CliError, Kind};
use crate::output::Output;

fn main() -> ExitCode {
    // Before anything else: a person's prompt waits for this one.
    if let Some(code) = commands::hook::run_early() {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let output = Output::new(&cli.global);
    let code = match commands::run(cli, output) {
        Ok(code) => code,
        Err(error) => {
            if error.kind != Kind::Interrupted {
                output.error(&error);
            }
            error.kind.exit_code()
        }
    };
    // Threads that wait for standard input or for a lock do not hold up the end.
    std::process::exit(code.into())
}

/// Help and version go to standard output with 0; a wrong call goes to standard error with 2.
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && commands::hook::was_meant() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wants_json {
        let text = error.render().to_string();
        let mut lines = text
            .lines()
            .map(|line| line.trim().trim_start_matches("error: "))
            .filter(|line| !line.is_empty());
        let message = lines.next().unwrap_or("wrong call").to_owned();
        let global = Global {
            json: true,
            color: ColorChoice::Never,
            home: None,
        };
        Output::new(&global)
            .error(&CliError::new(Kind::Usage, message).hint("see cc-connect --help"));
        return ExitCode::from(Kind::Usage.exit_code());
    }
    // Nowhere to say it is no reason to fail in another way.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Kind::Usage.exit_code()))
}
