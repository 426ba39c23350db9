//! The shapes of parameters, results and notifications. Fields may be added; they are never renamed or removed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bindings::BindTo;

/// `hello`: a client says what it is.
#[derive(Debug, Serialize, Deserialize)]
pub struct HelloParams {
    /// The client's own version; kept in the daemon's log only.
    #[serde(default)]
    pub client_version: Option<String>,
}

/// What `hello` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The version of this protocol.
    pub api: u32,
    /// The daemon's version.
    pub version: String,
    /// The daemon's process.
    pub pid: u32,
    /// The home it serves.
    pub home: PathBuf,
}

/// `room.start`
#[derive(Debug, Serialize, Deserialize)]
pub struct StartParams {
    /// What the room is called.
    pub name: String,
    /// What the others see us as.
    pub nick: String,
    /// Where to bind the room: `"none"`, `"global"` or `{"dir":"/path"}`; nowhere by default.
    #[serde(default)]
    pub bind: Option<BindTo>,
    /// `default`, `none` or a URL; what is in use by default.
    #[serde(default)]
    pub relay: Option<String>,
}

/// `room.join`
#[derive(Debug, Serialize, Deserialize)]
pub struct JoinParams {
    /// The ticket.
    pub ticket: String,
    /// What the others see us as.
    pub nick: String,
    /// As in [`StartParams`].
    #[serde(default)]
    pub bind: Option<BindTo>,
    /// As in [`StartParams`].
    #[serde(default)]
    pub relay: Option<String>,
    /// How long to wait to be let in before answering `joining`, in milliseconds; at most 10 minutes.
    #[serde(default)]
    pub wait_ms: u64,
}

/// Whether we are in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// No member has let us in yet; the daemon goes on trying.
    Joining,
    /// We are a member.
    Joined,
    /// We were a member: somebody removed us, or revoked the invite that we came by.
    Removed,
    /// We left.
    Left,
}

impl State {
    /// What to say of a room beside its name, where we are no member.
    pub const fn aside(self) -> Option<&'static str> {
        match self {
            Self::Joined => None,
            Self::Joining => Some("waiting for a member to let you in"),
            Self::Removed => Some("you are no longer a member"),
            Self::Left => Some("you left"),
        }
    }
}

/// What `room.start` and `room.join` answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Opened {
    /// The room's id.
    pub room: String,
    /// Its name.
    pub name: String,
    /// Our nick in it.
    pub nick: String,
    /// A ticket to hand on: a secret.
    pub ticket: String,
    /// Whether we are in.
    pub state: State,
    /// While joining: why the last member's door was closed, if one was.
    pub refusal: Option<String>,
    /// The folder that was bound, in canonical form, `"global"`, or nothing.
    pub bound: Option<String>,
}

/// The one parameter of `room.ticket` and `subscribe`.
#[derive(Debug, Serialize, Deserialize)]
pub struct RoomParams {
    /// The room's id.
    pub room: String,
}

/// What `room.ticket` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct TicketResult {
    /// The room's id.
    pub room: String,
    /// A ticket: a secret.
    pub ticket: String,
}

/// `send`
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SendParams {
    /// The room's id.
    pub room: String,
    /// What to say.
    pub text: String,
    /// The agent that wrote it; empty for a human.
    #[serde(default)]
    pub via: String,
    /// The id of the message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<String>,
    /// A message or a summary of the room.
    #[serde(default)]
    pub kind: SendKind,
    /// What an agent's message is for; of no effect where a human wrote it.
    #[serde(default)]
    pub role: SendRole,
    /// Whether an agent's message waits for the human's yes.
    #[serde(default)]
    pub hold: bool,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SendKind {
    /// A message.
    #[default]
    Chat,
    /// A summary of the room.
    Summary,
}

/// What an agent's message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SendRole {
    /// It says something.
    #[default]
    Message,
    /// It tells how far the agent is.
    Status,
    /// It tells what went wrong.
    Error,
}

/// What `send` answers once the message is on disk, or held.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendResult {
    /// The message's id; null where it is held.
    pub id: Option<String>,
    /// Its line in our log; null where it is held.
    pub n: Option<u64>,
    /// Its number among the held ones, where it waits for the human's yes.
    #[serde(default)]
    pub held: Option<u64>,
}

/// One room in `room.list` and `status`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoomInfo {
    /// The room's id.
    pub room: String,
    /// Its name.
    pub name: String,
    /// Our nick in it.
    pub nick: String,
    /// Whether we are in.
    pub state: State,
    /// How many belong to it, ourselves included.
    pub members: u64,
    /// How many of them are connected now, ourselves included.
    pub online: u64,
    /// How many chat messages we have.
    pub messages: u64,
    /// How many lines our log has.
    pub lines: u64,
    /// Whether we belong no longer: removed, or the invite that we came by was revoked.
    #[serde(default)]
    pub removed: bool,
    /// The keys of those who signed two messages for one place.
    #[serde(default)]
    pub forked: Vec<String>,
    /// The fast path; null without a daemon.
    #[serde(default)]
    pub gossip: Option<GossipInfo>,
    /// Who sent what cannot be taken, or was turned away at the door, since the daemon started.
    #[serde(default)]
    pub refused: Vec<RefusedPeer>,
    /// How much agents say; null without a daemon.
    #[serde(default)]
    pub agents: Option<AgentsInfo>,
}

/// How much agents say in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentsInfo {
    /// Their messages in a row since a person spoke, where agents of several members are among them; else 0.
    pub run: u64,
    /// So many are shared by the members whose agents wrote them; who wrote its share waits for a person.
    pub run_max: u64,
    /// Whether all of them do.
    #[serde(default)]
    pub stopped: bool,
    /// The last time that an agent of this machine was not let speak, since the daemon started.
    pub held_back: Option<HeldBackInfo>,
}

/// That an agent was not let speak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBackInfo {
    /// Which agent.
    pub via: String,
    /// Why.
    pub reason: String,
    /// When, in unix milliseconds.
    pub at: u64,
    /// How often by then.
    pub count: u64,
}

/// What `held.list` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct HeldList {
    /// What waits, the oldest first.
    pub held: Vec<HeldInfo>,
}

/// A message of an agent that waits for the owner's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldInfo {
    /// Its number.
    pub held: u64,
    /// The room's id.
    pub room: String,
    /// The agent.
    pub agent: String,
    /// What it is for.
    pub role: SendRole,
    /// What it says.
    pub text: String,
    /// A message or a summary.
    pub kind: SendKind,
    /// The id of the message that it answers.
    pub re: Option<String>,
    /// Since when it waits, in unix milliseconds.
    pub at: u64,
    /// The path of what it shares, where it shares something; there is no text then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The folder of the session from which that is shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<PathBuf>,
    /// How many bytes that had when it was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its BLAKE3 then; of a folder, of its list of hashes. Nothing else is shared by approving it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The owner approved it, and it is not known to be shared: it may be in the room already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approved: bool,
}

/// The one parameter of `held.approve` and `held.refuse`.
#[derive(Debug, Serialize, Deserialize)]
pub struct HeldParams {
    /// The number of the message.
    pub held: u64,
}

/// How the fast path of a room is doing. When it fails, messages come by sync, later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GossipInfo {
    /// `off`, `up` or `rebuilding`.
    pub state: String,
    /// Peers that it is connected to.
    pub neighbors: u64,
    /// How often it had to be built anew since the daemon started.
    pub rebuilds: u64,
    /// Why it had to be the last time.
    pub cause: Option<String>,
}

/// A peer of whom something was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedPeer {
    /// The peer's key.
    pub peer: String,
    /// Why, the last time.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// A room that is not open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClosedRoom {
    /// The room's id.
    pub room: String,
    /// Why.
    pub reason: String,
}

/// What `room.list` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct RoomList {
    /// All rooms of the home.
    pub rooms: Vec<RoomInfo>,
}

/// What `status` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// The daemon's process.
    pub pid: u32,
    /// How long it has been up, in milliseconds.
    pub uptime_ms: u64,
    /// The relay in use: `default`, `none` or a URL.
    pub relay: String,
    /// The rooms of the home that are open.
    pub rooms: Vec<RoomInfo>,
    /// The rooms that are not open.
    #[serde(default)]
    pub closed: Vec<ClosedRoom>,
}

/// What `subscribe` answers; notifications follow for whatever happens after it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Subscribed {
    /// The newest line of the log at that time: what came before is read from the log.
    pub n: u64,
    /// Whether we are in.
    pub state: State,
}

/// What `stop` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stopping {
    /// Always true.
    pub stopping: bool,
}

/// The parameters of the notification `event`.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventParams {
    /// The room's id.
    pub room: String,
    /// What happened; unknown ones are to be passed over.
    pub event: String,
    /// What belongs to it.
    #[serde(flatten)]
    pub detail: serde_json::Map<String, Value>,
}

/// The parameters of the notification `lagged`: this client was too slow; what it missed is in the log.
#[derive(Debug, Serialize, Deserialize)]
pub struct LaggedParams {
    /// The room's id.
    pub room: String,
    /// How many events were left out.
    pub missed: u64,
}

/// `room.wake`: what is left out stays as it is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct WakeParams {
    /// The room's id.
    pub room: String,
    /// Whether a mention by anybody wakes.
    #[serde(default)]
    pub wake: Option<bool>,
    /// Whether what agents write wakes, too.
    #[serde(default)]
    pub agents: Option<bool>,
    /// For this member alone: whether a mention by them wakes.
    #[serde(default)]
    pub member: Option<WakeMember>,
}

/// Whether a mention by a member wakes, whatever holds for the others.
#[derive(Debug, Serialize, Deserialize)]
pub struct WakeMember {
    /// The member's key.
    pub author: String,
    /// Whether it does.
    pub wake: bool,
}

/// What `room.wake` answers: how it is now.
#[derive(Debug, Serialize, Deserialize)]
pub struct WakeState {
    /// The room's id.
    pub room: String,
    /// Whether a mention by anybody wakes.
    pub wake: bool,
    /// Whether what agents write wakes, too.
    pub agents: bool,
    /// The members for whom it is otherwise.
    pub people: Vec<WakeMember>,
}
