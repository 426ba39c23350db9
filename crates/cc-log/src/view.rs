//! The roster as readers need it: names, trust, and what counts. Made by the writer, true through
//! a stated line; a reader stops before the first line after it that shapes the roster.

use std::io;
use std::path::Path;

use cc_proto::id::{ArrivalNo, AuthorId, ChainId, RoomId, Seq};
use cc_proto::message::Header;
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

/// One member.
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
    /// By chain, the last place that counts. A chain that is not listed counts for nothing.
    pub chains: Vec<(u32, u64)>,
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
    /// What of former members counts.
    #[serde(default)]
    pub cuts: Vec<ViewCut>,
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
            cuts: Vec::new(),
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

    /// Whether a message counts for nothing, because its author was removed before it.
    pub fn voids(&self, header: &Header) -> bool {
        self.voids_place(&header.author, header.chain, header.seq)
    }

    fn voids_place(&self, author: &AuthorId, chain: ChainId, seq: Seq) -> bool {
        self.cuts
            .iter()
            .filter(|cut| cut.author == *author)
            .any(|cut| {
                let last = cut.chains.iter().find(|(listed, _)| *listed == chain.0);
                last.is_none_or(|(_, last)| seq.0 > *last)
            })
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

    /// Writes the view by rename. Not synced: it is made anew whenever the writer opens the log.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn save<S: Storage>(&self, storage: &S, dir: &Path) -> Result<(), ViewError> {
        let mut bytes = serde_json::to_vec(self)?;
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
