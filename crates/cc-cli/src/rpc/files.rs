//! Files: what is asked of the daemon about them, and what it tells.

use std::path::PathBuf;

pub use cc_net::{FileState, WaitsFor};
use serde::{Deserialize, Serialize};

/// `file.share`
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ShareParams {
    /// The room's id.
    pub room: String,
    /// The absolute path of a file or a folder.
    pub path: PathBuf,
    /// The agent that shares it; empty for a person.
    #[serde(default)]
    pub via: String,
    /// The folder of the agent's session: an agent shares nothing from outside it.
    #[serde(default)]
    pub within: Option<PathBuf>,
    /// The id of the message it answers.
    #[serde(default)]
    pub re: Option<String>,
    /// Whether a person wants it shared although it looks like a credential. Not for agents.
    #[serde(default)]
    pub force: bool,
    /// Whether it waits for the owner's yes.
    #[serde(default)]
    pub hold: bool,
}

/// What `file.share` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct ShareResult {
    /// The file as it was announced; null where it waits for the owner.
    pub file: Option<FileInfo>,
    /// Its number among the held messages.
    #[serde(default)]
    pub held: Option<u64>,
}

/// `file.list`
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct FileListParams {
    /// The room's id.
    pub room: String,
    /// Only those announced in lines before this one.
    #[serde(default)]
    pub before: Option<u64>,
    /// At most so many; 100 where it is left out, 1,000 at most.
    #[serde(default)]
    pub count: Option<u32>,
}

/// What `file.list` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct FileList {
    /// The room's id.
    pub room: String,
    /// The newest first.
    pub files: Vec<FileInfo>,
    /// What is fetched by itself.
    pub settings: FileSettingsInfo,
}

/// `file.get`, `file.cancel`, `file.verify`
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct FileParams {
    /// The room's id.
    pub room: String,
    /// The id of the message that announced it.
    pub file: String,
    /// The agent that wants it, with `file.get`: it is held to the room's quota. Empty for a person.
    #[serde(default)]
    pub via: String,
}

/// `file.settings`: what is left out stays as it is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct FileSettingsParams {
    /// The room's id.
    pub room: String,
    /// Files up to so many bytes are fetched by themselves; 0 for none.
    #[serde(default)]
    pub auto_get: Option<u64>,
    /// So many bytes are fetched by themselves in all.
    #[serde(default)]
    pub quota: Option<u64>,
}

/// What `file.settings` answers: how it is now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileSettingsInfo {
    /// The room's id.
    pub room: String,
    /// Files up to so many bytes are fetched by themselves.
    pub auto_get: u64,
    /// So many bytes are fetched by themselves in all.
    pub quota: u64,
    /// So many bytes of the room's files are on this machine's disk; a file in a folder counts at least 4 KiB.
    pub used: u64,
    /// What was chosen could not be read: nothing is fetched by itself until something is chosen anew.
    #[serde(default)]
    pub lost: bool,
}

/// A file of a room, as it is on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// The room's id.
    pub room: String,
    /// The id of the message that announced it.
    pub file: String,
    /// The line of that message in our log.
    pub n: u64,
    /// Whose message it is.
    pub author: String,
    /// When it was announced, in unix milliseconds.
    pub ts: u64,
    /// The agent that shared it; empty for a person.
    pub via: String,
    /// Its name, made safe for a terminal and a path.
    pub name: String,
    /// Its size in bytes, as it was announced; of a folder, of all files in it.
    pub size: u64,
    /// Its BLAKE3; of a folder, of its list of hashes.
    pub hash: String,
    /// Its media type, a claim; cleaned.
    pub media_type: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// How far it has come.
    pub state: FileState,
    /// What it waits for, where it waits.
    #[serde(default)]
    pub waits_for: Option<WaitsFor>,
    /// How many bytes are here.
    pub have: u64,
    /// Where it is, once it is here.
    pub path: Option<PathBuf>,
    /// Why it could not be fetched or is not whole, in words.
    pub fault: Option<String>,
}
