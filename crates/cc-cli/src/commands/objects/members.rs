//! What `--json` prints about who belongs.

use std::net::SocketAddr;

use serde::Serialize;

use crate::rpc::{FormerPerson, InviteInfo, Person, State, Trust};

/// `invites`: an invite.
#[derive(Debug, Serialize)]
pub struct ListedInvite {
    /// The room's id.
    pub room: String,
    /// `invite, by, by_name, expires, expired, uses, used, note, revoked`.
    #[serde(flatten)]
    pub invite: InviteInfo,
}

/// `revoke`
#[derive(Debug, Serialize)]
pub struct Revoked {
    /// The room's id.
    pub room: String,
    /// The invite's id.
    pub invite: String,
    /// The message that ended it.
    pub id: String,
    /// Its line in our log.
    pub n: u64,
    /// The keys of those who came by it, and stay.
    pub stay: Vec<String>,
}

/// `members`: a person, by `member`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ListedPerson {
    /// Who belongs.
    Member {
        /// The room's id.
        room: String,
        /// Always true.
        member: bool,
        /// `author, fingerprint, name, nick, petname, trust, root, admin, me, online, over, forked, lookalike, doors,
        /// invites`.
        #[serde(flatten)]
        person: Person,
    },
    /// Who belonged.
    Former {
        /// The room's id.
        room: String,
        /// Always false.
        member: bool,
        /// `author, fingerprint, name, nick, petname, trust, me, removed, left, by, forked`.
        #[serde(flatten)]
        person: FormerPerson,
    },
}

/// `remove`
#[derive(Debug, Serialize)]
pub struct Removed {
    /// The room's id.
    pub room: String,
    /// The person's key.
    pub author: String,
    /// Whether this removed them; false with `--back` where they were out already.
    pub removed: bool,
    /// The message that removed them.
    pub id: Option<String>,
    /// Its line in our log.
    pub n: Option<u64>,
    /// The invites that ended with it.
    pub voided: Vec<String>,
    /// With `--back`: the invite that lets them in again.
    pub invite: Option<String>,
    /// Its ticket: a secret.
    pub ticket: Option<String>,
    /// When it ends, in unix milliseconds.
    pub expires: Option<u64>,
    /// How many keys may come by it.
    pub uses: Option<u32>,
}

/// `admin`
#[derive(Debug, Serialize)]
pub struct AdminObject {
    /// The room's id.
    pub room: String,
    /// The member's key.
    pub author: String,
    /// Whether they are an admin now.
    pub admin: bool,
    /// The message that did it.
    pub id: String,
    /// Its line in our log.
    pub n: u64,
}

/// `retract`
#[derive(Debug, Serialize)]
pub struct Retracted {
    /// The room's id.
    pub room: String,
    /// The message that was taken back.
    pub message: String,
    /// The message that did it.
    pub id: String,
    /// Its line in our log.
    pub n: u64,
}

/// `trust`
#[derive(Debug, Serialize)]
pub struct TrustObject {
    /// The room's id.
    pub room: String,
    /// The member's key.
    pub author: String,
    /// How their words reach the agents of this machine.
    pub trust: Trust,
}

/// `petname`
#[derive(Debug, Serialize)]
pub struct PetnameObject {
    /// The room's id.
    pub room: String,
    /// The member's key.
    pub author: String,
    /// The name; null: none.
    pub petname: Option<String>,
}

/// `verify`
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The room's id.
    pub room: String,
    /// The member's key.
    pub author: String,
    /// The name under which the member is shown.
    pub name: String,
    /// Our own key.
    pub me: String,
    /// Twelve groups of five digits, which the member sees as well.
    pub digits: String,
}

/// `room join --dry-run`
#[derive(Debug, Serialize)]
pub struct DryRun {
    /// Always true.
    pub dry_run: bool,
    /// The room's id.
    pub room: String,
    /// What the ticket calls the room.
    pub name: String,
    /// When the ticket says that its invite ends, in unix milliseconds; null: never.
    pub expires: Option<u64>,
    /// Whether that has passed, by this machine's clock.
    pub expired: bool,
    /// How this home stands to the room already; null: it has none such.
    pub state: Option<State>,
    /// Whom joining would contact.
    pub addresses: Vec<Address>,
    /// The relay that would be used: `default`, `none` or a URL.
    pub relay: String,
    /// The key that the members would see; null: joining would make one.
    pub key: Option<String>,
    /// The nick that the members would see; null: the first digits of the key.
    pub nick: Option<String>,
    /// What would be bound: a folder, `global`, or null.
    pub bound: Option<String>,
}

/// A member in a ticket.
#[derive(Debug, Serialize)]
pub struct Address {
    /// The member's key.
    pub author: String,
    /// The relay where the member was seen.
    pub relay: Option<String>,
    /// The addresses where the member was seen.
    pub direct: Vec<SocketAddr>,
}
