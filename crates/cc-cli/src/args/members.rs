//! What can be typed about who belongs: invites, members, and one's own place in a room.

use clap::{Args, ValueEnum};

use crate::rpc::Trust;

/// `invite`
#[derive(Debug, Args)]
pub struct InviteArgs {
    /// The room: its name, its id, or the beginning of its id
    #[arg(long)]
    pub room: Option<String>,
    /// When the invite ends: 30m, 24h, 7d, 2w, a date and time, or `never`
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    pub expires: String,
    /// How many people may come by it [default: as many as like]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub uses: Option<u32>,
    /// A word for the members on whom it is for
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Print the ticket as a QR code as well
    #[arg(long)]
    pub qr: bool,
}

/// What takes nothing but a room.
#[derive(Debug, Args)]
pub struct RoomArg {
    /// The room: its name, its id, or the beginning of its id
    #[arg(long)]
    pub room: Option<String>,
}

/// `revoke`
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The invite: its id, or the beginning of its id, as `invites` lists it
    pub invite: String,
    #[command(flatten)]
    pub of: RoomArg,
}

/// What takes nothing but a member.
#[derive(Debug, Args)]
pub struct MemberArg {
    /// The member: the petname, the nick where only one has it, or the beginning of the key
    pub member: String,
    #[command(flatten)]
    pub of: RoomArg,
}

/// `remove`
#[derive(Debug, Args)]
pub struct RemoveArgs {
    #[command(flatten)]
    pub who: MemberArg,
    /// Leave the invite that they came by good for others
    #[arg(long)]
    pub keep_invite: bool,
    /// Let a person in again who was removed: prints the ticket they need, and removes nobody
    #[arg(long)]
    pub back: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// `admin`
#[derive(Debug, Args)]
pub struct AdminArgs {
    #[command(flatten)]
    pub who: MemberArg,
    /// Make them an ordinary member again
    #[arg(long)]
    pub off: bool,
}

/// `leave`
#[derive(Debug, Args)]
pub struct LeaveArgs {
    #[command(flatten)]
    pub of: RoomArg,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// `retract`
#[derive(Debug, Args)]
pub struct RetractArgs {
    /// The message: its line in `log`, its id, or the beginning of its id
    pub message: String,
    #[command(flatten)]
    pub of: RoomArg,
}

/// `trust`
#[derive(Debug, Args)]
pub struct TrustArgs {
    #[command(flatten)]
    pub who: MemberArg,
    /// How their words reach your agents
    #[arg(value_enum)]
    pub trust: TrustLevel,
}

/// How a member's words reach the agents of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TrustLevel {
    /// In full
    Inline,
    /// Only how many messages there are
    Notice,
    /// Not at all
    Muted,
}

impl From<TrustLevel> for Trust {
    fn from(level: TrustLevel) -> Self {
        match level {
            TrustLevel::Inline => Self::Inline,
            TrustLevel::Notice => Self::Notice,
            TrustLevel::Muted => Self::Muted,
        }
    }
}

/// `petname`
#[derive(Debug, Args)]
pub struct PetnameArgs {
    #[command(flatten)]
    pub who: MemberArg,
    /// What you call them; nobody else sees it
    #[arg(required_unless_present = "clear")]
    pub name: Option<String>,
    /// Show them by their own nick again
    #[arg(long, conflicts_with = "name")]
    pub clear: bool,
}
