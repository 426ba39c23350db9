//! The shapes of what is asked and answered about who belongs. Fields may be added; they are never renamed or removed.

use serde::{Deserialize, Serialize};

/// When an invite ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Expires {
    /// At this time, in unix milliseconds.
    At(u64),
    /// `"never"`
    Word(Never),
}

/// The word for an invite that does not end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Never {
    /// `never`
    Never,
}

/// `room.invite`
#[derive(Debug, Serialize, Deserialize)]
pub struct InviteParams {
    /// The room's id.
    pub room: String,
    /// When it ends; in 7 days by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Expires>,
    /// How many keys may come by it; any number by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// For people.
    #[serde(default)]
    pub note: String,
    /// The key of a removed member: every removal of it that we may lift is lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<String>,
}

/// What `room.invite` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Invited {
    /// The room's id.
    pub room: String,
    /// The invite's id: its public key.
    pub invite: String,
    /// The ticket: a secret.
    pub ticket: String,
    /// When it ends, in unix milliseconds; null: never.
    pub expires: Option<u64>,
    /// How many keys may come by it; null: any number.
    pub uses: Option<u32>,
    /// For people.
    pub note: String,
    /// The message that made it.
    pub id: String,
    /// Its line in our log.
    pub n: u64,
}

/// An invite in `room.invites`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InviteInfo {
    /// The invite's id: its public key.
    pub invite: String,
    /// The key of the member who made it.
    pub by: String,
    /// The name under which that member is shown.
    pub by_name: String,
    /// When it ends, in unix milliseconds; null: never.
    pub expires: Option<u64>,
    /// Whether that time has passed, by this machine's clock.
    pub expired: bool,
    /// How many keys may come by it; null: any number.
    pub uses: Option<u32>,
    /// How many came by it.
    pub used: u32,
    /// For people; not cleaned.
    pub note: String,
    /// Whether it was revoked, or ended with a removal.
    pub revoked: bool,
}

/// What `room.invites` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct InviteList {
    /// The room's id.
    pub room: String,
    /// Every invite that is known here.
    pub invites: Vec<InviteInfo>,
}

/// `room.revoke`
#[derive(Debug, Serialize, Deserialize)]
pub struct RevokeParams {
    /// The room's id.
    pub room: String,
    /// The invite's id.
    pub invite: String,
}

/// What an act answers once it is on disk.
#[derive(Debug, Serialize, Deserialize)]
pub struct Acted {
    /// The room's id.
    pub room: String,
    /// The message that did it.
    pub id: String,
    /// Its line in our log.
    pub n: u64,
}

/// How a member's words reach the agents of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// In full.
    Inline,
    /// Only counted.
    Notice,
    /// Not at all.
    Muted,
}

impl Trust {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Notice => "notice",
            Self::Muted => "muted",
        }
    }
}

impl From<Trust> for cc_log::Trust {
    fn from(trust: Trust) -> Self {
        match trust {
            Trust::Inline => Self::Inline,
            Trust::Notice => Self::Notice,
            Trust::Muted => Self::Muted,
        }
    }
}

impl From<cc_log::Trust> for Trust {
    fn from(trust: cc_log::Trust) -> Self {
        match trust {
            cc_log::Trust::Notice => Self::Notice,
            cc_log::Trust::Muted => Self::Muted,
            _ => Self::Inline,
        }
    }
}

/// Somebody who belongs, in `room.members`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Person {
    /// The key.
    pub author: String,
    /// Its first ten digits.
    pub fingerprint: String,
    /// The name under which the member is shown, without `@`: fit for a terminal.
    pub name: String,
    /// The nick that the member claims; not cleaned.
    pub nick: String,
    /// The name that was given to the member here.
    pub petname: Option<String>,
    /// How the member's words reach the agents of this machine.
    pub trust: Trust,
    /// Whether the member made the room.
    pub root: bool,
    /// Whether the member may remove others.
    pub admin: bool,
    /// Whether it is us.
    pub me: bool,
    /// Whether the member was heard from within the last minute.
    pub online: bool,
    /// Whether the member came over an invite's uses, at another door.
    pub over: bool,
    /// Whether the member signed two messages for one place.
    pub forked: bool,
    /// Whether the claimed nick looks like another's, and so is shown with the fingerprint.
    pub lookalike: bool,
    /// The keys of the members at whose doors this one was let in.
    pub doors: Vec<String>,
    /// The invites that the member came by.
    pub invites: Vec<String>,
}

/// Somebody who belonged, in `room.members`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FormerPerson {
    /// The key.
    pub author: String,
    /// Its first ten digits.
    pub fingerprint: String,
    /// The name under which the person is shown, without `@`: fit for a terminal.
    pub name: String,
    /// The nick that the person claimed; not cleaned.
    pub nick: String,
    /// The name that was given to the person here.
    pub petname: Option<String>,
    /// How what still stands of the person's words reaches the agents of this machine.
    pub trust: Trust,
    /// Whether it is us.
    pub me: bool,
    /// Whether an admin removed them.
    pub removed: bool,
    /// Whether they left. Neither: the invite that they came by was revoked, and they were not known to who did it.
    pub left: bool,
    /// The keys of those who removed them.
    pub by: Vec<String>,
    /// Whether the person signed two messages for one place.
    pub forked: bool,
}

/// What `room.members` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct People {
    /// The room's id.
    pub room: String,
    /// Who belongs, ourselves included.
    pub members: Vec<Person>,
    /// Who belonged.
    pub former: Vec<FormerPerson>,
}

/// `room.remove`
#[derive(Debug, Serialize, Deserialize)]
pub struct RemoveParams {
    /// The room's id.
    pub room: String,
    /// The member's key.
    pub member: String,
    /// Whether the invites that the member came by stay good.
    #[serde(default)]
    pub keep_invite: bool,
}

/// What `room.remove` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct RemoveResult {
    /// The room's id.
    pub room: String,
    /// The message that did it.
    pub id: String,
    /// Its line in our log.
    pub n: u64,
    /// The invites that ended with it.
    pub voided: Vec<String>,
}

/// `room.admin`
#[derive(Debug, Serialize, Deserialize)]
pub struct AdminParams {
    /// The room's id.
    pub room: String,
    /// The member's key.
    pub member: String,
    /// Made or unmade.
    pub admin: bool,
}

/// What `room.leave` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct LeaveResult {
    /// The room's id.
    pub room: String,
    /// The message that says so; null where we were no member.
    pub id: Option<String>,
    /// Its line in our log.
    pub n: Option<u64>,
    /// Whether another member has heard of it; else the others hear of it from nobody until we are back.
    pub told: bool,
}

/// `room.retract`
#[derive(Debug, Serialize, Deserialize)]
pub struct RetractParams {
    /// The room's id.
    pub room: String,
    /// The message's id.
    pub message: String,
}

/// `room.trust`
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustParams {
    /// The room's id.
    pub room: String,
    /// The member's key.
    pub member: String,
    /// How their words reach the agents of this machine.
    pub trust: Trust,
}

/// `room.petname`
#[derive(Debug, Serialize, Deserialize)]
pub struct PetnameParams {
    /// The room's id.
    pub room: String,
    /// The member's key.
    pub member: String,
    /// The name; null takes it away.
    pub petname: Option<String>,
}
