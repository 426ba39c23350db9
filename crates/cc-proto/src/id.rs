//! Identifiers and counters, each its own type so that no two can be confused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text was not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct ParseIdError;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Shape: 32 bytes; printed as 64 lower-case hexadecimal digits.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps the bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// All 64 lower-case hexadecimal digits.
            pub fn to_hex(&self) -> String {
                data_encoding::HEXLOWER.encode(&self.0)
            }

            /// The first ten hexadecimal digits, for people and for logs.
            pub fn short(&self) -> String {
                data_encoding::HEXLOWER.encode(&self.0[..5])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                data_encoding::HEXLOWER_PERMISSIVE
                    .decode(text.as_bytes())
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok())
                    .map(Self)
                    .ok_or(ParseIdError)
            }
        }
    };
}

id_type! {
    /// Names a room: BLAKE3 of the genesis header.
    RoomId
}
id_type! {
    /// Names a message: BLAKE3 of its header.
    MessageId
}
id_type! {
    /// Names a member and their machine: an Ed25519 public key, which is also the iroh endpoint id.
    AuthorId
}
id_type! {
    /// A BLAKE3 hash of a body or of a file.
    Hash
}
id_type! {
    /// Names an invite: the Ed25519 public key of the secret in its ticket.
    InviteKey
}

impl Hash {
    /// The BLAKE3 hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

/// Tells one chain of an author from another: random, new with every fresh log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ChainId(pub u32);

/// A place in a chain, counted from 1.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Seq(pub u64);

impl Seq {
    /// The place of a chain's first message.
    pub const FIRST: Self = Self(1);

    /// The next place.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The number of a line in one machine's log, in order of arrival, counted from 1.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct ArrivalNo(pub u64);

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Timestamp(pub u64);

/// The tip of a branch of a chain. Two heads of one chain are a fork.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Whose chain.
    pub author: AuthorId,
    /// Which of the author's chains.
    pub chain: ChainId,
    /// The tip's place.
    pub seq: Seq,
    /// The tip's message.
    pub id: MessageId,
}
