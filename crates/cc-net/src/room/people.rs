//! The people of a room, as a handle shows them, and what is done about who belongs.

use cc_log::Trust;
use cc_proto::id::{AuthorId, InviteKey, MessageId, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::room::Act;
use cc_proto::roster::InviteStatus;
use cc_proto::ticket::Ticket;

use super::Room;
use super::request::{Request, RoomError, SendError, Sent};
use crate::engine::LocalError;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PersonStatus {
    /// Whose.
    pub author: AuthorId,
    /// The nickname they claim. Not cleaned for a terminal.
    pub nick: String,
    /// The name that we call them by.
    pub petname: Option<String>,
    /// How their words reach our agents.
    pub trust: Trust,
    /// Whether they made the room.
    pub root: bool,
    /// Whether the root made them an admin.
    pub admin: bool,
    /// Whether it is us.
    pub me: bool,
    /// Whether they were heard from within the last minute; oneself always.
    pub online: bool,
    /// Whether they came over an invite's uses, at another door.
    pub over: bool,
    /// Whether they signed two messages for one place.
    pub forked: bool,
    /// At whose doors they were let in.
    pub doors: Vec<AuthorId>,
    /// By which invites they came.
    pub invites: Vec<InviteKey>,
    /// When they were first let in, by the clock of the member at the door.
    pub since: Timestamp,
}

/// Somebody who belonged and no longer does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormerStatus {
    /// Who.
    pub author: AuthorId,
    /// The nickname claimed last. Not cleaned for a terminal.
    pub nick: String,
    /// The name that we call them by.
    pub petname: Option<String>,
    /// How what still stands of their words reaches our agents.
    pub trust: Trust,
    /// Whether a removal stands in the way of their coming back.
    pub removed: bool,
    /// Whether they left by themselves. If neither, the invite they came by was revoked.
    pub left: bool,
    /// The removals that stand.
    pub removes: Vec<MessageId>,
    /// Who removed them.
    pub by: Vec<AuthorId>,
}

/// Who belongs, who belonged, and by which invites others may come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct People {
    /// Who belongs now, oneself included, by key.
    pub members: Vec<PersonStatus>,
    /// Who belonged.
    pub former: Vec<FormerStatus>,
    /// Every invite, also those that let nobody in any more.
    pub invites: Vec<InviteStatus>,
    /// Authors who signed two messages for one place, members or not.
    pub forked: Vec<AuthorId>,
}

/// What an invite allows. The default never ends, and lets in whoever has the ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InviteOptions {
    /// Nobody is let in after this, by the clock of the member at the door.
    pub expires: Option<Timestamp>,
    /// Most distinct keys that may come by it.
    pub uses_max: Option<u32>,
    /// For people, at most [`cc_proto::limits::NOTE_BYTES_MAX`] bytes; every member reads it.
    pub note: String,
    /// Lets this removed member come back.
    pub back: Option<AuthorId>,
}

/// An invite that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvite {
    /// Its public key, by which it is listed and revoked.
    pub key: InviteKey,
    /// What to hand to whom is invited: a secret, kept nowhere but here.
    pub ticket: Ticket,
    /// The message that made it.
    pub sent: Sent,
}

/// One change of what is noted down about somebody.
#[derive(Debug)]
pub(crate) enum NoteChange {
    /// The name we call them by.
    Petname(Option<String>),
    /// How their words reach our agents.
    Trust(Trust),
}

impl Room {
    /// Does something about who belongs: revoke, remove, grant or retract. Ready when it is durable
    /// here; gives the last message that it took. [`Room::invite`] makes an invite with its ticket,
    /// and [`crate::Node::leave`] leaves and closes the room.
    ///
    /// Cancel safe in this sense: dropped, it may still be done.
    ///
    /// # Errors
    /// [`SendError`]; nothing was done then, but for [`SendError::Closed`].
    pub async fn act(&self, act: Act) -> Result<Sent, SendError> {
        let act = Box::new(act);
        let answer = self.ask(|reply| Request::Act { act, reply }).await;
        answer.unwrap_or(Err(SendError::Closed))
    }

    /// Makes an invite, and the ticket for it with the addresses of today. Waits a moment for a node
    /// that has just started to know its own.
    ///
    /// # Errors
    /// As [`Room::act`], and where the system has no randomness to give.
    pub async fn invite(&self, options: InviteOptions) -> Result<NewInvite, SendError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|_| SendError::NoRandomness)?;
        let key = InviteKey::from_bytes(*Identity::from_seed(secret).author().as_bytes());
        self.address_settled().await;
        let place = self.ask(|reply| Request::Place { reply }).await;
        let place = place.map_err(|_| SendError::Closed)?;
        let act = Act::Invite {
            key,
            expires: options.expires,
            uses_max: options.uses_max,
            note: options.note,
            back: options.back,
        };
        let sent = self.act(act).await?;
        let ticket = Ticket {
            room: self.id(),
            invite_secret: secret,
            expires: options.expires,
            name: place.name,
            addresses: place.addresses,
        };
        Ok(NewInvite { key, ticket, sent })
    }

    /// Who belongs, who belonged, and by which invites others may come.
    ///
    /// # Errors
    /// When the room is closed.
    pub async fn people(&self) -> Result<People, RoomError> {
        self.ask(|reply| Request::People { reply }).await
    }

    /// Calls somebody by a name of one's own, or no longer. It is kept on this machine alone, and
    /// shown instead of the nickname that they claim.
    ///
    /// # Errors
    /// [`LocalError`]: nothing is changed then.
    pub async fn set_petname(&self, who: AuthorId, name: Option<String>) -> Result<(), LocalError> {
        self.note(who, NoteChange::Petname(name)).await
    }

    /// Says how somebody's words reach our agents. It is kept on this machine alone.
    ///
    /// # Errors
    /// [`LocalError`]: nothing is changed then.
    pub async fn set_trust(&self, who: AuthorId, trust: Trust) -> Result<(), LocalError> {
        self.note(who, NoteChange::Trust(trust)).await
    }

    async fn note(&self, who: AuthorId, change: NoteChange) -> Result<(), LocalError> {
        let answer = self.ask(|reply| Request::Note { who, change, reply }).await;
        answer.unwrap_or(Err(LocalError::Closed))
    }
}
