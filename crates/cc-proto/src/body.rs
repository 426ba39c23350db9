//! What a message says: the kinds of the registry and their bodies.
//!
//! A body is the postcard encoding of the kind's struct. The header names it by hash, so that a
//! body can be erased and its chain stays verifiable.

use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecError};
use crate::id::{AuthorId, ChainId, Hash, InviteKey, MessageId, Seq, Timestamp};
use crate::identity::{Signature, is_sound_key};
use crate::limits;

/// The kinds of the registry in `spec/registries.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Makes the room.
    Genesis,
    /// Makes an invite.
    Invite,
    /// Voids the admissions under an invite.
    InviteRevoke,
    /// Lets a joiner in.
    Admit,
    /// Asks to be let in, proving an invite.
    Join,
    /// Ends a membership.
    Remove,
    /// Makes or unmakes an admin.
    Grant,
    /// Claims a nickname.
    Profile,
    /// Says something.
    Chat,
    /// Announces a file.
    File,
    /// Takes a message back.
    Retract,
    /// Sums up the room.
    Summary,
    /// Ends one's own membership.
    Leave,
    /// A kind of a later version: kept and passed on, never shown.
    Unknown(u16),
}

/// The registry: number, name.
const KINDS: [(Kind, u16, &str); 13] = [
    (Kind::Genesis, 1, "genesis"),
    (Kind::Invite, 2, "invite"),
    (Kind::InviteRevoke, 3, "invite-revoke"),
    (Kind::Admit, 4, "admit"),
    (Kind::Join, 5, "join"),
    (Kind::Remove, 6, "remove"),
    (Kind::Grant, 7, "grant"),
    (Kind::Profile, 8, "profile"),
    (Kind::Chat, 9, "chat"),
    (Kind::File, 10, "file"),
    (Kind::Retract, 11, "retract"),
    (Kind::Summary, 12, "summary"),
    (Kind::Leave, 13, "leave"),
];

impl Kind {
    /// The kind of a registry number.
    pub fn from_number(number: u16) -> Self {
        KINDS
            .iter()
            .find(|(_, known, _)| *known == number)
            .map_or(Self::Unknown(number), |(kind, _, _)| *kind)
    }

    /// The registry number.
    pub fn number(self) -> u16 {
        match self {
            Self::Unknown(number) => number,
            kind => KINDS
                .iter()
                .find(|(known, _, _)| *known == kind)
                .map_or(0, |(_, number, _)| *number),
        }
    }

    /// The registry name; `unknown` for the kinds of later versions.
    pub fn name(self) -> &'static str {
        KINDS
            .iter()
            .find(|(known, _, _)| *known == self)
            .map_or("unknown", |(_, _, name)| name)
    }

    /// Whether it can change who belongs, under which name, or what of it still stands: such a
    /// message always keeps its own verified signature, and its line in the log is flagged.
    pub fn shapes_roster(self) -> bool {
        !matches!(
            self,
            Self::Chat | Self::File | Self::Summary | Self::Unknown(_)
        )
    }

    /// Longest body, in bytes of its encoding.
    pub fn body_bytes_max(self) -> usize {
        match self {
            Self::InviteRevoke | Self::Remove | Self::Grant => limits::ROSTER_BODY_BYTES_MAX,
            _ => limits::BODY_BYTES_MAX,
        }
    }
}

/// Who may invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvitePolicy {
    /// Every member.
    Members,
    /// The root and the admins.
    Admins,
}

/// Makes the room; its author is the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// The room's name, at most [`limits::ROOM_NAME_BYTES_MAX`] bytes.
    pub name: String,
    /// The root's nickname.
    pub nick: String,
    /// Who may invite.
    pub invite_policy: InvitePolicy,
    /// Random, so that two rooms of one author and name differ.
    pub nonce: [u8; 16],
}

/// Makes an invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// The public key of the secret in the ticket.
    pub key: InviteKey,
    /// No admission after this, by the clock of the member at the door.
    pub expires: Option<Timestamp>,
    /// Most distinct keys that may come by it.
    pub uses_max: Option<u32>,
    /// For people, at most [`limits::NOTE_BYTES_MAX`] bytes.
    pub note: String,
    /// The removals that this invite lifts.
    pub lifts: Vec<MessageId>,
}

/// Voids the admissions under an invite but those of `keep`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteRevoke {
    /// The invite.
    pub invite: InviteKey,
    /// Who came by it and stays.
    pub keep: Vec<AuthorId>,
}

/// Lets a joiner in, in the chain of the member at whose door it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admit {
    /// Who is let in.
    pub joiner: AuthorId,
    /// By which invite.
    pub invite: InviteKey,
    /// On which join.
    pub join: MessageId,
}

/// Asks to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The invite.
    pub invite: InviteKey,
    /// The invite secret's signature over room id and joiner.
    pub proof: Signature,
    /// The joiner's nickname.
    pub nick: String,
}

/// The last message of a removed member's chain that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The chain.
    pub chain: ChainId,
    /// The last place that counts.
    pub seq: Seq,
    /// The message there.
    pub id: MessageId,
}

/// Ends a membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remove {
    /// Who.
    pub member: AuthorId,
    /// What still counts; a chain that is not listed counts for nothing.
    pub cuts: Vec<Cut>,
    /// Whether the invite the member came by stays good.
    pub keep_invite: bool,
    /// Who stays of those that the member invited.
    pub keep: Vec<AuthorId>,
}

/// Makes or unmakes an admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub member: AuthorId,
    /// Made or unmade.
    pub admin: bool,
    /// Where it is unmade: what the member wrote as an admin counts up to there.
    pub cuts: Vec<Cut>,
}

/// Claims a nickname.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The nickname, at most [`limits::NICK_BYTES_MAX`] bytes.
    pub nick: String,
}

/// Says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    /// At least one byte and at most [`limits::TEXT_BYTES_MAX`].
    pub text: String,
}

/// Announces a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The name it had, a claim.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its BLAKE3.
    pub hash: Hash,
    /// Its media type, a claim.
    pub media_type: String,
}

/// Takes a message back: its body is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retract {
    /// Who wrote it: another than the retract's own author where an admin takes it back.
    pub author: AuthorId,
    /// In which of the author's chains it stands.
    pub chain: ChainId,
    /// At which place: by it alone whoever holds the message finds it.
    pub seq: Seq,
    /// Which.
    pub message: MessageId,
}

/// Sums up the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// At least one byte and at most [`limits::TEXT_BYTES_MAX`].
    pub text: String,
    /// The newest message it takes in.
    pub through: MessageId,
}

/// A body of a known kind and version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// See [`Genesis`].
    Genesis(Genesis),
    /// See [`Invite`].
    Invite(Invite),
    /// See [`InviteRevoke`].
    InviteRevoke(InviteRevoke),
    /// See [`Admit`].
    Admit(Admit),
    /// See [`Join`].
    Join(Join),
    /// See [`Remove`].
    Remove(Remove),
    /// See [`Grant`].
    Grant(Grant),
    /// See [`Profile`].
    Profile(Profile),
    /// See [`Chat`].
    Chat(Chat),
    /// See [`File`].
    File(File),
    /// See [`Retract`].
    Retract(Retract),
    /// See [`Summary`].
    Summary(Summary),
    /// Ends one's own membership; no bytes.
    Leave,
}

/// A body breaks a rule of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is not the canonical encoding of the kind's struct.
    #[error("body of kind {kind}: {source}")]
    Encoding {
        /// The kind's name.
        kind: &'static str,
        /// What is wrong with the bytes.
        source: CodecError,
    },
    /// A text in it is too long.
    #[error("{field} is {bytes} bytes long, more than {bytes_max}")]
    TooLong {
        /// Which text.
        field: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// A text in it must not be empty.
    #[error("{field} is empty")]
    Empty {
        /// Which text.
        field: &'static str,
    },
    /// It would make an admin of a key under which anybody can sign.
    #[error("the key of the new admin is nobody's")]
    UnsoundKey,
}

/// The version of every body of this release.
pub const BODY_VERSION: u16 = 1;

impl Body {
    /// The kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Genesis(_) => Kind::Genesis,
            Self::Invite(_) => Kind::Invite,
            Self::InviteRevoke(_) => Kind::InviteRevoke,
            Self::Admit(_) => Kind::Admit,
            Self::Join(_) => Kind::Join,
            Self::Remove(_) => Kind::Remove,
            Self::Grant(_) => Kind::Grant,
            Self::Profile(_) => Kind::Profile,
            Self::Chat(_) => Kind::Chat,
            Self::File(_) => Kind::File,
            Self::Retract(_) => Kind::Retract,
            Self::Summary(_) => Kind::Summary,
            Self::Leave => Kind::Leave,
        }
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Genesis(body) => codec::encode(body),
            Self::Invite(body) => codec::encode(body),
            Self::InviteRevoke(body) => codec::encode(body),
            Self::Admit(body) => codec::encode(body),
            Self::Join(body) => codec::encode(body),
            Self::Remove(body) => codec::encode(body),
            Self::Grant(body) => codec::encode(body),
            Self::Profile(body) => codec::encode(body),
            Self::Chat(body) => codec::encode(body),
            Self::File(body) => codec::encode(body),
            Self::Retract(body) => codec::encode(body),
            Self::Summary(body) => codec::encode(body),
            Self::Leave => Vec::new(),
        }
    }

    /// Decodes the body of a kind and version; `None` where this release does not know them.
    ///
    /// # Errors
    /// [`BodyError`] where a known kind's body breaks its rules.
    pub fn decode(kind: Kind, v: u16, bytes: &[u8]) -> Result<Option<Self>, BodyError> {
        if v != BODY_VERSION {
            return Ok(None);
        }
        let encoding = |source| BodyError::Encoding {
            kind: kind.name(),
            source,
        };
        let body = match kind {
            Kind::Genesis => codec::decode(bytes).map(Self::Genesis),
            Kind::Invite => codec::decode(bytes).map(Self::Invite),
            Kind::InviteRevoke => codec::decode(bytes).map(Self::InviteRevoke),
            Kind::Admit => codec::decode(bytes).map(Self::Admit),
            Kind::Join => codec::decode(bytes).map(Self::Join),
            Kind::Remove => codec::decode(bytes).map(Self::Remove),
            Kind::Grant => codec::decode(bytes).map(Self::Grant),
            Kind::Profile => codec::decode(bytes).map(Self::Profile),
            Kind::Chat => codec::decode(bytes).map(Self::Chat),
            Kind::File => codec::decode(bytes).map(Self::File),
            Kind::Retract => codec::decode(bytes).map(Self::Retract),
            Kind::Summary => codec::decode(bytes).map(Self::Summary),
            Kind::Leave if bytes.is_empty() => Ok(Self::Leave),
            Kind::Leave => Err(CodecError::Malformed),
            Kind::Unknown(_) => return Ok(None),
        }
        .map_err(encoding)?;
        body.check()?;
        Ok(Some(body))
    }

    /// Checks the lengths of the texts.
    ///
    /// # Errors
    /// [`BodyError`] names the text.
    pub fn check(&self) -> Result<(), BodyError> {
        match self {
            Self::Genesis(body) => {
                bounded("room name", &body.name, limits::ROOM_NAME_BYTES_MAX)?;
                bounded("nick", &body.nick, limits::NICK_BYTES_MAX)
            }
            Self::Invite(body) => bounded("note", &body.note, limits::NOTE_BYTES_MAX),
            Self::Join(body) => bounded("nick", &body.nick, limits::NICK_BYTES_MAX),
            Self::Profile(body) => bounded("nick", &body.nick, limits::NICK_BYTES_MAX),
            // Every other way in needs a signature by the key; this one makes a member of a mere name.
            Self::Grant(body) if body.admin && !is_sound_key(body.member.as_bytes()) => {
                Err(BodyError::UnsoundKey)
            }
            Self::Chat(body) => text(&body.text),
            Self::Summary(body) => text(&body.text),
            Self::File(body) => {
                bounded("file name", &body.name, limits::NOTE_BYTES_MAX)?;
                bounded("media type", &body.media_type, limits::NOTE_BYTES_MAX)
            }
            _ => Ok(()),
        }
    }
}

fn text(text: &str) -> Result<(), BodyError> {
    if text.is_empty() {
        return Err(BodyError::Empty { field: "text" });
    }
    bounded("text", text, limits::TEXT_BYTES_MAX)
}

fn bounded(field: &'static str, text: &str, bytes_max: usize) -> Result<(), BodyError> {
    if text.len() > bytes_max {
        return Err(BodyError::TooLong {
            field,
            bytes: text.len(),
            bytes_max,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_number_and_name() {
        for (kind, number, name) in KINDS {
            assert_eq!((kind.number(), kind.name()), (number, name));
            assert_eq!(Kind::from_number(number), kind);
        }
        assert_eq!(Kind::from_number(99).number(), 99);
    }

    #[test]
    fn a_text_of_the_longest_length_passes_and_one_byte_more_does_not() {
        let chat = |n| {
            Body::Chat(Chat {
                text: "x".repeat(n),
            })
        };
        assert_eq!(chat(limits::TEXT_BYTES_MAX).check(), Ok(()));
        assert!(chat(limits::TEXT_BYTES_MAX + 1).check().is_err());
        assert!(chat(0).check().is_err());
    }
}
