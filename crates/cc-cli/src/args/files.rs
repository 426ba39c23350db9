//! Files, and the chat.

use std::path::PathBuf;

use clap::Args;

/// `share`
#[derive(Debug, Args)]
pub struct ShareArgs {
    /// The room: its name, its id, or the beginning of its id
    #[arg(long)]
    pub room: Option<String>,
    /// Share it although it looks like a credential
    #[arg(long)]
    pub force: bool,
    /// The files and folders
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `files`
#[derive(Debug, Args)]
pub struct FilesArgs {
    /// The room: its name, its id, or the beginning of its id
    #[arg(long)]
    pub room: Option<String>,
    /// From now on fetch files up to this size by themselves: 500K, 10M, 1G, or `off`
    #[arg(long, value_name = "SIZE|off")]
    pub auto_get: Option<String>,
    /// From now on fetch by themselves so much in all, where a file in a folder counts 4 KiB at least: 500M, 2G, or `off`
    #[arg(long, value_name = "SIZE|off")]
    pub quota: Option<String>,
    /// Read the files that are here from end to end, and find what is damaged
    #[arg(long)]
    pub verify: bool,
}

/// `get`
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The room: its name, its id, or the beginning of its id
    #[arg(long)]
    pub room: Option<String>,
    /// Put a copy there: a file, or a folder that is there
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Stop fetching it; what is here already stays for another time
    #[arg(long, conflicts_with = "out")]
    pub cancel: bool,
    /// The file: its name, or the beginning of its id as `files` shows it
    #[arg(value_name = "FILE")]
    pub file: String,
}

/// `chat`
#[derive(Debug, Args)]
pub struct ChatArgs {
    /// The room: its name, its id, or the beginning of its id
    #[arg(long)]
    pub room: Option<String>,
    /// Line by line, for screen readers and pipes; what is typed into a terminal may be a command, as /help
    #[arg(long)]
    pub plain: bool,
}
