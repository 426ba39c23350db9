//! The roster as readers need it: names, trust, and what counts. Made by the writer, true through
//! a stated line; a reader stops before the first line after it that shapes the roster.

use std::io;
use std::path::Path;

use cc_proto::id::{ArrivalNo, AuthorId, ChainId, MessageId, RoomId, Seq};
use cc_proto::message::Header;
use cc_proto::text::{MemberName, clean_nick, display_names, fingerprint};
use serde::{Deserialize, Serialize};

use crate::error::ViewError;
use crate::fs::FsStorage;
use crate::layout;
use crate::storage::{Durability, Storage};

/// The version of the file.
const VIEW_VERSION: u32 = 1;
/// No view is larger: a hundred thousand members fit.
const VIEW_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How a member's words reach the reader's agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Trust {
    /// In full.
    #[default]
    Inline,
    /// Only counted.
    Notice,
    /// Not at all.
    Muted,
}

/// One member, or one who was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewMember {
    /// Who.
    #[serde(with = "hex_id")]
    pub author: AuthorId,
    /// The nickname they claim.
    pub nick: String,
    /// The name that the reader gave them.
    pub petname: Option<String>,
    /// Whether they made the room.
    pub root: bool,
    /// Whether the root made them an admin.
    #[serde(default)]
    pub admin: bool,
    /// How their words reach the reader's agent.
    #[serde(default)]
    pub trust: Trust,
}

/// How much of an author's chains counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewCut {
    /// Who.
    #[serde(with = "hex_id")]
    pub author: AuthorId,
    /// By chain, the last place that counts.
    pub chains: Vec<(u32, u64)>,
    /// Whether a chain that is not listed counts; if not, for nothing.
    #[serde(default)]
    pub others: bool,
}

impl ViewCut {
    /// Whether a message at that place of the author's counts for nothing.
    pub fn voids(&self, chain: ChainId, seq: Seq) -> bool {
        let listed = self.chains.iter().find(|(listed, _)| *listed == chain.0);
        listed.map_or(!self.others, |(_, last)| seq.0 > *last)
    }
}

/// Under which name somebody is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ShownName {
    #[serde(with = "hex_id")]
    author: AuthorId,
    name: String,
}

/// `view.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterView {
    /// The file's version.
    pub v: u32,
    /// The room.
    #[serde(with = "hex_id")]
    pub room: RoomId,
    /// The room's name.
    pub name: String,
    /// Whose log it is.
    #[serde(with = "hex_id")]
    pub me: AuthorId,
    /// The owner's nickname.
    pub nick: String,
    /// It is true through this line.
    pub through: u64,
    /// The members.
    pub members: Vec<ViewMember>,
    /// Those who were members and are not, whose words may still be told of.
    #[serde(default)]
    pub former: Vec<ViewMember>,
    /// How much counts of those of whom not everything does.
    #[serde(default)]
    pub cuts: Vec<ViewCut>,
    /// Messages that are held and count for nothing beside the cuts: on a branch of a chain that does not count.
    #[serde(default, with = "hex_ids")]
    pub strays: Vec<MessageId>,
    /// The line of the newest summary that counts, by somebody whose words reach the reader's agent in full; only a
    /// hint, as is all that is not the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<u64>,
    /// The names in [`name_of`](Self::name_of), worked out when the view is saved: a hook has no tables of letters that
    /// look alike.
    #[serde(default)]
    names: Vec<ShownName>,
}

impl RosterView {
    /// A view without members.
    pub fn new(room: RoomId, name: String, me: AuthorId, nick: String) -> Self {
        Self {
            v: VIEW_VERSION,
            room,
            name,
            me,
            nick,
            through: 0,
            members: Vec::new(),
            former: Vec::new(),
            cuts: Vec::new(),
            strays: Vec::new(),
            summary: None,
            names: Vec::new(),
        }
    }

    /// The line through which it is true.
    pub fn through(&self) -> ArrivalNo {
        ArrivalNo(self.through)
    }

    /// The member of that key.
    pub fn member(&self, author: &AuthorId) -> Option<&ViewMember> {
        self.members.iter().find(|member| member.author == *author)
    }

    /// The member of that key, or who was one.
    pub fn person(&self, author: &AuthorId) -> Option<&ViewMember> {
        let former = || self.former.iter().find(|member| member.author == *author);
        self.member(author).or_else(former)
    }

    /// How an author's words reach the reader's agent.
    pub fn trust(&self, author: &AuthorId) -> Trust {
        self.person(author)
            .map_or(Trust::default(), |person| person.trust)
    }

    /// The name under which somebody is shown, without the `@`: see [`display_names`]. Of a view that was not yet saved
    /// each nick is marked, like each name that may be taken for another.
    pub fn name_of(&self, author: &AuthorId) -> String {
        if let Some(shown) = self.names.iter().find(|shown| shown.author == *author) {
            return shown.name.clone();
        }
        let print = fingerprint(author);
        let person = self.person(author);
        let petname = person.and_then(|person| clean_nick(person.petname.as_deref()?));
        let nick = || person.and_then(|person| clean_nick(&person.nick));
        petname
            .or_else(|| nick().map(|nick| format!("{nick}#{print}")))
            .unwrap_or(print)
    }

    /// Whether a message counts for nothing: its author was removed or left before it, or it is a stray.
    pub fn voids(&self, header: &Header, id: &MessageId) -> bool {
        let cut = |cut: &ViewCut| cut.author == header.author;
        self.cuts
            .iter()
            .filter(|it| cut(it))
            .any(|cut| cut.voids(header.chain, header.seq))
            || self.strays.contains(id)
    }

    fn shown_names(&self) -> Vec<ShownName> {
        let people = self.members.iter().chain(&self.former);
        let people: Vec<MemberName<'_>> = people
            .map(|person| MemberName {
                author: person.author,
                nick: &person.nick,
                petname: person.petname.as_deref(),
            })
            .collect();
        let names = display_names(&people, Some(self.me)).into_iter();
        names
            .map(|(author, name)| ShownName { author, name })
            .collect()
    }

    /// Reads the view in `dir`, the room's folder; `None` where there is none yet.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn load(dir: &Path) -> Result<Option<Self>, ViewError> {
        Self::load_in(&FsStorage, dir)
    }

    /// As [`load`](Self::load), on `storage`.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn load_in<S: Storage>(storage: &S, dir: &Path) -> Result<Option<Self>, ViewError> {
        let bytes = match storage.read(&layout::view(dir), VIEW_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let view: Self = serde_json::from_slice(&bytes)?;
        if view.v != VIEW_VERSION {
            return Err(ViewError::Version { v: view.v });
        }
        Ok(Some(view))
    }

    /// Writes the view by rename, with everybody's name as it is to be shown. Not synced: it is made anew whenever the
    /// writer opens the log.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn save<S: Storage>(&self, storage: &S, dir: &Path) -> Result<(), ViewError> {
        let mut named = self.clone();
        named.names = self.shown_names();
        let mut bytes = serde_json::to_vec(&named)?;
        bytes.push(b'\n');
        Ok(storage.replace(&layout::view(dir), &bytes, Durability::Unsynced)?)
    }
}

/// Ids as hexadecimal text.
mod hex_id {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<T: Display, S: Serializer>(id: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(from)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Lists of ids as hexadecimal text.
mod hex_ids {
    use cc_proto::id::MessageId;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(ids: &[MessageId], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(ids.iter().map(MessageId::to_hex))
    }

    pub(super) fn deserialize<'de, D>(from: D) -> Result<Vec<MessageId>, D::Error>
    where
        D: Deserializer<'de>,
    {
        let ids = Vec::<String>::deserialize(from)?;
        let parsed = ids.iter().map(|id| id.parse().map_err(de::Error::custom));
        parsed.collect()
    }
}
