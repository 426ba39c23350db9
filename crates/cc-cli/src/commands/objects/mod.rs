//! What `--json` prints, one type an object. Fields may be added; they are never renamed or removed.
//!
//! | command | objects |
//! |---|---|
//! | `room start`, `room join` | [`Opened`]; without `--no-ui` then one [`LogLine`] a line of the room |
//! | `room list` | one [`ListedRoom`] a room |
//! | `send` | [`Sent`] |
//! | `log` | one [`LogLine`] a line |
//! | `share` | one [`rpc::FileInfo`] a path that was shared; each that was not is an error of its own |
//! | `files` | one [`ListedFile`](super::files::ListedFile) a file; with `--auto-get` or `--quota` [`rpc::FileSettingsInfo`] |
//! | `get` | [`Got`](super::get::Got) |
//! | `receipts` | [`ReceiptsObject`] |
//! | `held` | one [`rpc::HeldInfo`] a message |
//! | `approve`, `refuse` | one [`Decided`] a message |
//! | `status` | [`StatusObject`] |
//! | `room join --dry-run` | [`DryRun`] |
//! | `invite` | [`rpc::Invited`] |
//! | `invites` | one [`ListedInvite`] an invite |
//! | `revoke` | [`Revoked`] |
//! | `members` | one [`ListedPerson`] a person |
//! | `remove` | [`Removed`] |
//! | `admin` | [`AdminObject`] |
//! | `leave` | [`rpc::LeaveResult`] |
//! | `retract` | [`Retracted`] |
//! | `trust` | [`TrustObject`] |
//! | `petname` | [`PetnameObject`] |
//! | `verify` | [`Comparison`] |
//! | `stop` | `{"v":1,"stopped":bool}`; false: none was running |
//! | `identity` | [`IdentityObject`] |
//! | `install`, `uninstall` | one [`Edited`] an agent |
//! | `agents` | one [`ListedAgent`] an agent |
//! | `adapter check` | one [`CheckedCase`] a case |
//! | `preview` | one [`Previewed`] an agent |
//! | `pause`, `resume` | [`Paused`] |
//! | `audit` | one [`Audited`] for each room that something was told of |
//! | `demo` | [`crate::demo::Told`] |

mod adapter;
mod agents;
mod members;
mod told;

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

pub use adapter::CheckedCase;
pub use agents::{Edited, EditedFile, Last, ListedAgent, ListedRegistration};
pub use members::{
    Address, AdminObject, Comparison, DryRun, ListedInvite, ListedPerson, PetnameObject, Removed,
    Retracted, Revoked, TrustObject,
};

pub use told::{Audited, Paused, Previewed};

use crate::rpc;

/// An object with its version.
#[derive(Debug, Serialize)]
pub struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    object: T,
}

/// The object as it is printed.
pub fn object(object: &impl Serialize) -> Value {
    // The types of this module have string keys and no maps of other kinds, which is all that could fail.
    serde_json::to_value(Versioned { v: 1, object }).unwrap_or(Value::Null)
}

/// `room start` and `room join`: the daemon's [`rpc::Opened`], as it is: `room, name, nick, ticket, state, refusal, bound`.
pub type Opened = rpc::Opened;

/// `room list`
#[derive(Debug, Serialize)]
pub struct ListedRoom {
    /// The room's id.
    pub room: String,
    /// Its name; until we are let in as the ticket says it.
    pub name: String,
    /// Our nick in it.
    pub nick: String,
    /// `joined` or `joining`.
    pub state: rpc::State,
    /// The folders it is bound to.
    pub bound: Vec<PathBuf>,
    /// Whether it is bound everywhere.
    pub global: bool,
}

/// `send`
#[derive(Debug, Serialize)]
pub struct Sent {
    /// The room's id.
    pub room: String,
    /// The message's id; null where it is held.
    pub id: Option<String>,
    /// Its line in our log: the message is on disk. Null where it is held.
    pub n: Option<u64>,
    /// Its number among the held ones, where it waits for a yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<u64>,
}

/// A line of `log` and of the chat.
#[derive(Debug, Serialize)]
pub struct LogLine {
    /// The room's id.
    pub room: String,
    /// Its number, in order of arrival.
    pub n: u64,
    /// When it arrived here, in unix milliseconds.
    pub at: u64,
    /// The message's id; null for a damaged line, as is all that follows but `kind`.
    pub id: Option<String>,
    /// Who wrote it: the key.
    pub author: Option<String>,
    /// The name under which the author is shown.
    pub nick: Option<String>,
    /// When it was written, by the author's clock, in unix milliseconds.
    pub ts: Option<u64>,
    /// `chat`, `genesis`, `join` …, or `damaged`.
    pub kind: String,
    /// The text of a chat message, as it was written: not cleaned.
    pub text: Option<String>,
    /// The agent that wrote it; empty for a human.
    pub via: Option<String>,
    /// The id of the message it answers.
    pub re: Option<String>,
    /// The damaged line that this one repairs.
    pub repairs: Option<u64>,
    /// Whether the message was taken back; there is no text then.
    pub erased: bool,
    /// The key of whom it is about: who was let in, removed, made or unmade an admin.
    pub about: Option<String>,
    /// Whether another message of its author stands for the same place of the same chain.
    pub fork: bool,
    /// Of a file: what was announced, and where it is.
    #[serde(flatten)]
    pub file: Option<LogFile>,
    /// With `--receipts`, of a message: how far it has come.
    #[serde(flatten)]
    pub receipt: Option<LogReceipt>,
}

/// A file in a line of `log`.
#[derive(Debug, Serialize)]
pub struct LogFile {
    /// Its name, made safe.
    pub name: String,
    /// Its size in bytes, as announced; of a folder, of all files in it.
    pub size: u64,
    /// Its BLAKE3; of a folder, of its list of hashes.
    pub hash: String,
    /// Its media type, a claim; cleaned.
    pub media_type: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// Where it is; null while it is not here.
    pub path: Option<PathBuf>,
}

/// How far a message has come.
#[derive(Debug, Serialize)]
pub struct LogReceipt {
    /// Whether it is on this machine's disk; of what is in the log, always.
    pub stored: bool,
    /// How many members there are beside us and its author.
    pub others: u64,
    /// The keys of those of them on whose disks it is, as far as they tell.
    pub reached: Vec<String>,
    /// Whose agents were shown it, ours too.
    pub offered: Vec<rpc::OfferInfo>,
}

/// `receipts`
#[derive(Debug, Serialize)]
pub struct ReceiptsObject {
    /// The room's id.
    pub room: String,
    /// Whether the members are told what is on this machine's disk and what its agents were shown.
    pub receipts: bool,
}

/// `status`
#[derive(Debug, Serialize)]
pub struct StatusObject {
    /// The daemon.
    pub daemon: DaemonObject,
    /// The home folder.
    pub home: Option<PathBuf>,
    /// The rooms; with no daemon running, `online` is 0 and `gossip` null.
    pub rooms: Vec<rpc::RoomInfo>,
    /// The rooms that the daemon could not open.
    pub closed: Vec<rpc::ClosedRoom>,
    /// The ids of the rooms of which agents are told nothing for now.
    pub paused: Vec<String>,
}

/// The daemon in `status`.
#[derive(Debug, Default, Serialize)]
pub struct DaemonObject {
    /// Whether it runs; without it all that follows is null.
    pub running: bool,
    /// Its version.
    pub version: Option<String>,
    /// Its process.
    pub pid: Option<u32>,
    /// How long it has been up, in milliseconds.
    pub uptime_ms: Option<u64>,
    /// `default`, `none` or a URL.
    pub relay: Option<String>,
}

/// `identity`
#[derive(Debug, Serialize)]
pub struct IdentityObject {
    /// The public key: the author of every message from here.
    pub id: String,
    /// Its first ten digits, as shown beside names.
    pub fingerprint: String,
    /// The home folder.
    pub home: PathBuf,
}

/// `approve` and `refuse`
#[derive(Debug, Serialize)]
pub struct Decided {
    /// The number of the message.
    pub held: u64,
    /// Whether it was sent.
    pub approved: bool,
    /// The id under which it was sent.
    pub id: Option<String>,
    /// Its line in our log.
    pub n: Option<u64>,
}
