//! What can be typed about proofs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `proof …`
#[derive(Debug, Subcommand)]
pub enum ProofCommand {
    /// Print a proof that anybody can check, in a room or not
    #[command(subcommand)]
    Export(ExportCommand),
    /// Check a proof that somebody handed over; needs no room, no daemon and no network
    Check(CheckArgs),
}

/// `proof export …`
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// That a member signed two messages for one place
    Fork(ExportForkArgs),
    /// That a member wrote a message
    Message(ExportMessageArgs),
}

/// `proof export fork`
#[derive(Debug, Args)]
pub struct ExportForkArgs {
    /// The member: name, fingerprint, or the beginning of the key
    pub member: String,
    #[command(flatten)]
    pub common: ExportOptions,
}

/// `proof export message`
#[derive(Debug, Args)]
pub struct ExportMessageArgs {
    /// The message: its line in `log`, its id, or the beginning of its id
    pub message: String,
    #[command(flatten)]
    pub common: ExportOptions,
}

/// What both have in common.
#[derive(Debug, Args)]
pub struct ExportOptions {
    /// The room: its name, its id, or the beginning of its id
    #[arg(long)]
    pub room: Option<String>,
    /// Leave out what was said; that it was signed is still proven
    #[arg(long)]
    pub without_text: bool,
}

/// `proof check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The file that holds the proof, or - to read it from standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}
