//! Commands typed into the chat. They are those of the command line, by the same definitions, so that options and help
//! are written once; here they are about the room on the screen where no other is named.
//!
//! | file | what |
//! |---|---|
//! | `words.rs` | a line cut into words, as a shell does |
//! | `help.rs` | what `/help` says, and what was meant by a mistyped name |
//! | `plan.rs` | what a command comes to where it is typed |
//! | `run.rs` | carrying it out |

mod help;
mod plan;
mod run;
mod words;

use clap::{Args, Parser, Subcommand};

use crate::args::{
    AdminArgs, AuditArgs, FilesArgs, HeldArgs, InviteArgs, LeaveArgs, MemberArg, PauseArgs,
    PetnameArgs, PreviewArgs, ReceiptsArgs, RemoveArgs, RevokeArgs, RoomArg, ShareArgs, TrustArgs,
    WakeArgs,
};

pub use help::{names, options, overview};
pub use plan::{Here, Plan, plan};
pub use run::{Reply, Said, run};
#[cfg(test)]
pub use run::{members_lines, members_sample};
pub use words::{Word, last as last_word, quoted, user_home, words};

/// What a typed text is.
#[derive(Debug)]
pub enum Typed {
    /// Something to say, as it is to be sent.
    Message(String),
    /// A command.
    Command(Slash),
    /// A command that cannot be understood. It is not sent, and stays in the editor.
    Wrong(Vec<String>),
    /// Words about a command that was asked for with `--help`.
    Help(Vec<String>),
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Slash {
    /// Share files and folders with the room
    #[command(visible_alias = "share")]
    Drop(ShareArgs),
    /// List the files of the room, and choose which come by themselves
    Files(FilesArgs),
    /// Fetch a file [default: the selected one]
    Get(SlashGetArgs),
    /// Stop fetching a file; what is here already stays for another time
    Cancel(FileArg),
    /// Make a ticket that lets people in
    Invite(InviteArgs),
    /// List the invites of the room
    Invites(RoomArg),
    /// End an invite; who came by it stays
    Revoke(SlashRevokeArgs),
    /// List who belongs to the room, and who did
    Members(RoomArg),
    /// Remove a member, or let a removed one back
    Remove(RemoveArgs),
    /// Make a member an admin, or no longer one
    Admin(SlashAdminArgs),
    /// Choose how a member's words reach your agents
    Trust(TrustArgs),
    /// Call a member by a name of your own
    Petname(PetnameArgs),
    /// Compare keys with a member, aloud
    Verify(MemberArg),
    /// Take a message back [default: the selected one, else your last]
    Retract(SlashRetractArgs),
    /// Answer the selected message [default: the last one of somebody else]
    Reply(Words),
    /// Copy the selected message, or a file's path [default: the last one of somebody else]
    Copy,
    /// Tell agents nothing of this room for a while
    Pause(SlashPauseArgs),
    /// Tell agents again what is said
    Resume(SlashResumeArgs),
    /// Show what an agent's next prompt in this folder would get
    Preview(PreviewArgs),
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
    /// Look for words in the room
    Find(Words),
    /// Go to another room
    Room(RoomName),
    /// List your rooms
    Rooms,
    /// Join a room with a ticket
    Join(SlashJoinArgs),
    /// Leave the room for good; what you wrote stays
    Leave(LeaveArgs),
    /// Show and copy the room's ticket, with its QR code
    Ticket(RoomArg),
    /// Show the daemon and the rooms
    Status,
    /// Leave the chat; the rooms go on
    #[command(visible_alias = "exit")]
    Quit,
    /// Say what the keys and the commands do
    Help(HelpArgs),
}

impl Slash {
    /// What it is called, with its slash.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Drop(_) => "/drop",
            Self::Files(_) => "/files",
            Self::Get(_) => "/get",
            Self::Cancel(_) => "/cancel",
            Self::Invite(_) => "/invite",
            Self::Invites(_) => "/invites",
            Self::Revoke(_) => "/revoke",
            Self::Members(_) => "/members",
            Self::Remove(_) => "/remove",
            Self::Admin(_) => "/admin",
            Self::Trust(_) => "/trust",
            Self::Petname(_) => "/petname",
            Self::Verify(_) => "/verify",
            Self::Retract(_) => "/retract",
            Self::Reply(_) => "/reply",
            Self::Copy => "/copy",
            Self::Pause(_) => "/pause",
            Self::Resume(_) => "/resume",
            Self::Preview(_) => "/preview",
            Self::Audit(_) => "/audit",
            Self::Held(_) => "/held",
            Self::Approve(_) => "/approve",
            Self::Refuse(_) => "/refuse",
            Self::Wake(_) => "/wake",
            Self::Receipts(_) => "/receipts",
            Self::Find(_) => "/find",
            Self::Room(_) => "/room",
            Self::Rooms => "/rooms",
            Self::Join(_) => "/join",
            Self::Leave(_) => "/leave",
            Self::Ticket(_) => "/ticket",
            Self::Status => "/status",
            Self::Quit => "/quit",
            Self::Help(_) => "/help",
        }
    }
}

/// `/get`
#[derive(Debug, Args)]
pub struct SlashGetArgs {
    #[command(flatten)]
    pub get: FileArg,
    /// Put a copy there: a file, or a folder that is there
    #[arg(long, value_name = "PATH")]
    pub out: Option<std::path::PathBuf>,
}

/// What takes nothing but a file.
#[derive(Debug, Args)]
pub struct FileArg {
    /// The file: its name, or the beginning of its id as `/files` shows it
    #[arg(value_name = "FILE")]
    pub file: Option<String>,
}

/// `/revoke`
#[derive(Debug, Args)]
pub struct SlashRevokeArgs {
    #[command(flatten)]
    pub revoke: RevokeArgs,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// `/admin`
#[derive(Debug, Args)]
pub struct SlashAdminArgs {
    #[command(flatten)]
    pub admin: AdminArgs,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// `/retract`
#[derive(Debug, Args)]
pub struct SlashRetractArgs {
    /// The message: its line in `log`, its id, or the beginning of its id
    pub message: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// `/pause`
#[derive(Debug, Args)]
pub struct SlashPauseArgs {
    #[command(flatten)]
    pub pause: PauseArgs,
    /// Tell agents nothing of any room
    #[arg(long, conflicts_with = "room")]
    pub everywhere: bool,
}

/// `/resume`
#[derive(Debug, Args)]
pub struct SlashResumeArgs {
    #[command(flatten)]
    pub of: RoomArg,
    /// End every pause
    #[arg(long, conflicts_with = "room")]
    pub everywhere: bool,
}

/// `/join`
#[derive(Debug, Args)]
pub struct SlashJoinArgs {
    /// The ticket (cc1-…)
    pub ticket: String,
    /// What the others see you as [default: your nick in this room]
    #[arg(long)]
    pub nick: Option<String>,
    /// The folder whose agent sessions read the room, or `global`, or `none` [default: the current folder]
    #[arg(long, value_name = "DIR|global|none")]
    pub bind: Option<std::path::PathBuf>,
}

/// `/room`
#[derive(Debug, Args)]
pub struct RoomName {
    /// The room: its name, its id, or the beginning of its id
    #[arg(value_name = "ROOM")]
    pub room: String,
}

/// `/help`
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// About this command [default: everything]
    pub command: Option<String>,
}

/// Words that are taken as they are typed, quotes and all.
#[derive(Debug, Args)]
pub struct Words {
    /// The words
    #[arg(value_name = "WORDS", num_args = 0.., allow_hyphen_values = true)]
    pub words: Vec<String>,
}

impl Words {
    /// The text.
    pub fn text(&self) -> String {
        self.words.join(" ")
    }
}

/// The whole line, for clap.
#[derive(Debug, Parser)]
#[command(
    name = "/",
    no_binary_name = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    term_width = 0
)]
struct Line {
    #[command(subcommand)]
    slash: Slash,
}

/// Tells what was typed. Only a single line that begins with `/` is a command: what is pasted with its line breaks is
/// never one. `//` at the beginning stands for one slash that is sent, of however many lines the text is.
pub fn parse(text: &str) -> Typed {
    let line = text.trim_end_matches('\n');
    if line.contains('\n') || !line.starts_with('/') || line.starts_with("//") {
        return Typed::Message(said(text).to_owned());
    }
    let line = &line[1..];
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if !help::is_name(name) {
        return Typed::Wrong(help::no_such(name));
    }
    let words: Vec<String> = if matches!(name, "find" | "reply") {
        // An option would be a word that somebody looks for.
        let rest = rest.trim();
        let rest = (!rest.is_empty()).then(|| rest.to_owned());
        ["--".to_owned()].into_iter().chain(rest).collect()
    } else {
        match words::words(rest) {
            Ok(words) => words.into_iter().map(|word| word.text).collect(),
            Err(open) => {
                return Typed::Wrong(vec![format!(
                    "a {open} is opened and not closed: \\{open} is one that stands for itself"
                )]);
            }
        }
    };
    let all = std::iter::once(name).chain(words.iter().map(String::as_str));
    match Line::try_parse_from(all) {
        Ok(line) => Typed::Command(line.slash),
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            Typed::Help(help::usage(name).unwrap_or_default())
        }
        Err(error) => Typed::Wrong(help::wrong(name, &error)),
    }
}

/// What a typed text says, where it is no command.
pub fn said(typed: &str) -> &str {
    if typed.starts_with("//") {
        &typed[1..]
    } else {
        typed
    }
}

/// The text that is typed to say this: what begins with a slash has a second one, also where it has several lines and would
/// be no command. It would be one as soon as somebody takes the others out.
pub fn as_typed(text: &str) -> String {
    if text.starts_with('/') {
        format!("/{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests;
