//! What can be typed about agents: letting them in, what they read, what they may say, and when they are woken.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::RoomArg;

/// `hook`
#[derive(Debug, Args)]
pub struct HookArgs {
    /// Which agent is asking
    #[arg(long)]
    pub agent: Option<String>,
    /// The event, where the agent's own JSON does not name it
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// A profile of your own instead of an agent's name
    #[arg(long, value_name = "FILE", conflicts_with = "agent")]
    pub profile: Option<PathBuf>,
}

/// `install`
#[derive(Debug, Args)]
pub struct InstallArgs {
    /// Which agents, as `agents` lists them
    #[arg(value_name = "AGENT", required_unless_present_any = ["all_found", "profile"])]
    pub agents: Vec<String>,
    /// Every agent that is found on this machine
    #[arg(long)]
    pub all_found: bool,
    /// In the settings of the current folder
    #[arg(long, conflicts_with = "user")]
    pub project: bool,
    /// In your own settings, for every folder [default, where the agent has any]
    #[arg(long)]
    pub user: bool,
    /// Say what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Also tell the agent in the middle of its work of what is addressed to you
    #[arg(long)]
    pub mid_turn: bool,
    /// Hold whatever the agent wants to say until you approve it
    #[arg(long)]
    pub approve: bool,
    /// A profile of your own to install as well
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
}

/// `uninstall`
#[derive(Debug, Args)]
pub struct UninstallArgs {
    /// Which agents
    #[arg(value_name = "AGENT", required_unless_present = "all")]
    pub agents: Vec<String>,
    /// Every agent that it is installed for
    #[arg(long)]
    pub all: bool,
    /// From the settings of the current folder
    #[arg(long, conflicts_with = "user")]
    pub project: bool,
    /// From your own settings
    #[arg(long)]
    pub user: bool,
    /// Say what would be taken out, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `mcp`
#[derive(Debug, Args)]
pub struct McpArgs {
    /// The agent that uses the tools: what it says carries this name
    #[arg(long)]
    pub agent: String,
    /// Only this room
    #[command(flatten)]
    pub of: RoomArg,
    /// Hold whatever the agent wants to say until you approve it
    #[arg(long)]
    pub approve: bool,
}

/// `preview`
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// Only this agent [default: every agent that was seen in the folder]
    #[arg(long)]
    pub agent: Option<String>,
    /// This session of the agent [default: its last one in the folder, else a new one]
    #[arg(long)]
    pub session: Option<String>,
    /// The folder that the agent works in [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// At which moment
    #[arg(long, value_enum, default_value_t = MomentArg::Prompt)]
    pub moment: MomentArg,
}

/// When an agent is told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MomentArg {
    /// With the next prompt
    Prompt,
    /// When a session starts
    Start,
    /// After a tool call
    Tool,
}

/// `pause`
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// Until when: 30m, 1h, 2d [default: until `resume`]
    #[arg(long = "for", value_name = "SPAN")]
    pub span: Option<String>,
    #[command(flatten)]
    pub of: RoomArg,
}

/// `audit`
#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(flatten)]
    pub of: RoomArg,
    /// Only this agent
    #[arg(long)]
    pub agent: Option<String>,
    /// Only this session
    #[arg(long)]
    pub session: Option<String>,
    /// Only since a time: 90s, 10m, 2h, 3d, 2026-11-22, 2026-11-22T10:00Z
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
}

/// `approve` and `refuse`
#[derive(Debug, Args)]
pub struct HeldArgs {
    /// The numbers of the messages, as `held` lists them
    #[arg(value_name = "N", required_unless_present = "all")]
    pub held: Vec<u64>,
    /// All of them
    #[arg(long, conflicts_with = "held")]
    pub all: bool,
}

/// `wake`
#[derive(Debug, Args)]
pub struct WakeArgs {
    /// Whether a mention of you wakes your agents [default: say how it is]
    #[arg(value_enum)]
    pub wake: Option<OnOff>,
    /// Only what this member writes
    #[arg(long, value_name = "MEMBER")]
    pub member: Option<String>,
    /// What agents of others write
    #[arg(long, conflicts_with = "member")]
    pub agents: bool,
    #[command(flatten)]
    pub of: RoomArg,
}

/// `receipts`
#[derive(Debug, Args)]
pub struct ReceiptsArgs {
    /// Whether the others hear what reached this machine and its agents [default: say how it is]
    #[arg(value_enum)]
    pub receipts: Option<OnOff>,
    #[command(flatten)]
    pub of: RoomArg,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// Yes
    On,
    /// No
    Off,
}

/// `adapter …`
#[derive(Debug, Subcommand)]
pub enum AdapterCommand {
    /// Run an adapter through every case of the specification's hook chapter
    Check(AdapterCheckArgs),
}

/// `adapter check`
#[derive(Debug, Args)]
pub struct AdapterCheckArgs {
    /// Check a profile, run by this program
    #[arg(long, value_name = "FILE", required_unless_present = "command")]
    pub profile: Option<PathBuf>,
    /// Only cases whose name holds this
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Check a program that speaks the generic JSON of the specification
    #[arg(last = true, value_name = "CMD", conflicts_with = "profile")]
    pub command: Vec<OsString>,
}
