//! What can be typed: the one definition behind parsing, `--help` and usage errors.

mod agents;
mod files;
mod members;
mod proof;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use agents::{
    AdapterCheckArgs, AdapterCommand, AuditArgs, HeldArgs, HookArgs, InstallArgs, McpArgs,
    MomentArg, OnOff, PauseArgs, PreviewArgs, ReceiptsArgs, UninstallArgs, WakeArgs,
};
pub use files::{ChatArgs, FilesArgs, GetArgs, ShareArgs};
pub use members::{
    AdminArgs, InviteArgs, LeaveArgs, MemberArg, PetnameArgs, RemoveArgs, RetractArgs, RevokeArgs,
    RoomArg, TrustArgs,
};
pub use proof::{
    CheckArgs, ExportCommand, ExportForkArgs, ExportMessageArgs, ExportOptions, ProofCommand,
};

/// Rooms whose history every member's own agent reads.
#[derive(Debug, Parser)]
#[command(
    name = "cc-connect",
    version,
    about = "Peer-to-peer rooms whose history every member's own agent reads",
    after_help = "Start here:\n  cc-connect room start          make a room, print its ticket, open the chat\n  \
                  cc-connect room join TICKET    join with the ticket\n  cc-connect install claude      let Claude Code read your rooms\n  \
                  cc-connect demo                watch the whole story on this machine alone"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// Print one JSON object a line on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// The folder that holds your identity and your rooms [default: ~/.cc-connect]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "CC_CONNECT_HOME",
        hide_env_values = true
    )]
    pub home: Option<PathBuf>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Even when not on a terminal
    Always,
    /// Not at all
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make, join and list rooms
    #[command(subcommand)]
    Room(RoomCommand),
    /// Send a message to a room
    Send(SendArgs),
    /// Read a room's history
    Log(LogArgs),
    /// Open the chat of your rooms
    Chat(ChatArgs),
    /// Share files and folders with a room
    Share(ShareArgs),
    /// List the files of a room, and choose which come by themselves
    Files(FilesArgs),
    /// Fetch a file of a room
    Get(GetArgs),
    /// Make a ticket that lets people in
    Invite(InviteArgs),
    /// List the invites of a room
    Invites(RoomArg),
    /// End an invite; who came by it stays
    Revoke(RevokeArgs),
    /// List who belongs to a room, and who did
    Members(RoomArg),
    /// Remove a member, or let a removed one back
    Remove(RemoveArgs),
    /// Make a member an admin, or no longer one
    Admin(AdminArgs),
    /// Leave a room; what you wrote stays
    Leave(LeaveArgs),
    /// Take a message back
    Retract(RetractArgs),
    /// Choose how a member's words reach your agents
    Trust(TrustArgs),
    /// Call a member by a name of your own
    Petname(PetnameArgs),
    /// Compare keys with a member, aloud
    Verify(MemberArg),
    /// Make and check proofs for people who are in no room of yours
    #[command(subcommand)]
    Proof(ProofCommand),
    /// Show the daemon and the rooms
    Status,
    /// Stop the daemon; rooms and history stay
    Stop,
    /// Run a command whose agent reads this room, wherever it runs
    Run(RunArgs),
    /// Print what belongs in an agent's next prompt; called by the agent, always exits 0
    Hook(HookArgs),
    /// Show who you are
    Identity,
    /// Let agents read your rooms
    Install(InstallArgs),
    /// Take out of agents' settings what install put in
    Uninstall(UninstallArgs),
    /// List the agents: which are found, installed, trusted, and when they last read
    Agents,
    /// Serve the rooms as tools to an agent, on standard input and output
    Mcp(McpArgs),
    /// Show what an agent's next prompt in this folder would get
    Preview(PreviewArgs),
    /// Tell agents nothing for a while
    Pause(PauseArgs),
    /// Tell agents again what is said
    Resume(RoomArg),
    /// List which messages went into which prompt
    Audit(AuditArgs),
    /// List what your agents want to say and wait for your yes
    Held(RoomArg),
    /// Let a held message go out
    Approve(HeldArgs),
    /// Throw a held message away
    Refuse(HeldArgs),
    /// Choose whether a mention of you wakes your agents
    Wake(WakeArgs),
    /// Choose whether the others hear what reached you
    Receipts(ReceiptsArgs),
    /// For authors of adapters
    #[command(subcommand)]
    Adapter(AdapterCommand),
    /// Show the whole story on this machine alone, with two members in temporary folders
    Demo,
    /// Serve this home until told to stop; started by the commands that need it
    #[command(hide = true)]
    Daemon,
}

/// `room …`
#[derive(Debug, Subcommand)]
pub enum RoomCommand {
    /// Make a room, print its ticket and open the chat
    Start(StartArgs),
    /// Join a room with a ticket and open the chat
    Join(JoinArgs),
    /// List your rooms
    List,
}

/// `room start`
#[derive(Debug, Args)]
pub struct StartArgs {
    /// What the room is called [default: the name of the current folder]
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub common: RoomOptions,
}

/// `room join`
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// The ticket (cc1-…), or - to read it from standard input
    pub ticket: String,
    /// How long to wait to be let in before returning, with --no-ui; joining goes on by itself
    #[arg(long, value_name = "SECS", default_value_t = 5)]
    pub wait: u64,
    /// Say what joining would expose and bind, and join nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub common: RoomOptions,
}

/// What `room start` and `room join` have in common.
#[derive(Debug, Args)]
pub struct RoomOptions {
    /// What the others see you as [default: your user name]
    #[arg(long)]
    pub nick: Option<String>,
    /// The relay that all your rooms use: a URL, `none` or `default`
    #[arg(long, value_name = "URL|none")]
    pub relay: Option<String>,
    /// The folder whose agent sessions read this room, or `global`, or `none` [default: the current folder]
    #[arg(long, value_name = "DIR|global|none")]
    pub bind: Option<PathBuf>,
    /// Return at once instead of opening the chat
    #[arg(long)]
    pub no_ui: bool,
    /// Chat line by line, for screen readers and pipes; what is typed into a terminal may be a command, as /help
    #[arg(long, conflicts_with = "no_ui")]
    pub plain: bool,
    /// Fetch files up to this size by themselves: 500K, 10M, 1G, or `off`
    #[arg(long, value_name = "SIZE|off")]
    pub auto_get: Option<String>,
}

/// `send`
#[derive(Debug, Args)]
pub struct SendArgs {
    /// The room: its name, its id, or the beginning of its id
    #[arg(long)]
    pub room: Option<String>,
    /// The agent that wrote it, where a person did not
    #[arg(long, value_name = "AGENT")]
    pub via: Option<String>,
    /// What to say, or - to read it from standard input; put -- before words that begin with a dash
    #[arg(required = true)]
    pub text: Vec<String>,
}

/// `log`
#[derive(Debug, Args)]
pub struct LogArgs {
    /// The room: its name, its id, or the beginning of its id
    #[arg(long)]
    pub room: Option<String>,
    /// Keep printing what arrives
    #[arg(long, short)]
    pub follow: bool,
    /// Only what arrived after line N, or since a time: 90s, 10m, 2h, 3d, 2026-11-22, 2026-11-22T10:00Z
    #[arg(long, value_name = "WHEN|N")]
    pub since: Option<String>,
    /// Say with each message whom it reached, and to whose agents it was offered
    #[arg(long)]
    pub receipts: bool,
}

/// `run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The room: its name, its id, or the beginning of its id
    pub room: String,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}
