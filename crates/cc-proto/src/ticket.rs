//! The ticket that lets somebody join: a secret, typed or pasted by people.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::id::{AuthorId, InviteKey, RoomId, Timestamp};
use crate::identity::Identity;
use crate::limits;

/// What a ticket starts with; the number is its version.
pub const TICKET_PREFIX: &str = "cc1-";
const TICKET_VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// Where a peer was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PeerAddress {
    /// Whose address it is.
    pub id: AuthorId,
    /// The URL of its relay.
    pub relay: Option<String>,
    /// Its socket addresses.
    pub direct: Vec<SocketAddr>,
}

/// A ticket. Printed by [`fmt::Display`], read by [`FromStr`]; [`fmt::Debug`] hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The room.
    pub room: RoomId,
    /// The invite's signing seed.
    pub invite_secret: [u8; 32],
    /// When the invite ends; a hint, the member at the door decides.
    pub expires: Option<Timestamp>,
    /// The room's name; a hint.
    pub name: String,
    /// Members seen of late.
    pub addresses: Vec<PeerAddress>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    version: u8,
    room: RoomId,
    invite_secret: [u8; 32],
    expires: Option<Timestamp>,
    name: String,
    addresses: Vec<PeerAddress>,
}

/// Why a text is no ticket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// It does not start as tickets do.
    #[error("a ticket starts with cc1-")]
    NoPrefix,
    /// It is longer than any ticket.
    #[error("the ticket is longer than {} characters", limits::TICKET_CHARS_MAX)]
    TooLong,
    /// A character cannot stand in a ticket.
    #[error("the ticket has a character that no ticket has, at position {position}")]
    BadCharacter {
        /// Counted from 1, the prefix included.
        position: usize,
    },
    /// It was cut or mistyped.
    #[error("the ticket was cut or mistyped: its checksum does not fit")]
    BadChecksum,
    /// It is of a later version.
    #[error("the ticket is of version {version}, which this program does not know")]
    UnknownVersion {
        /// Which.
        version: u8,
    },
    /// The checksum holds, but what it covers is not a ticket.
    #[error("the ticket does not decode")]
    Malformed,
}

impl Ticket {
    /// The key pair of the invite.
    pub fn invite(&self) -> Identity {
        Identity::from_seed(self.invite_secret)
    }

    /// The public key that names the invite.
    pub fn invite_key(&self) -> InviteKey {
        InviteKey::from_bytes(*self.invite().author().as_bytes())
    }

    fn decode(bytes: &[u8]) -> Result<Self, TicketError> {
        match bytes.first() {
            Some(&TICKET_VERSION) => {}
            Some(&version) => return Err(TicketError::UnknownVersion { version }),
            None => return Err(TicketError::Malformed),
        }
        let wire: Wire = codec::decode(bytes).map_err(|_| TicketError::Malformed)?;
        if wire.addresses.len() > limits::TICKET_ADDRESSES_MAX
            || wire.name.len() > limits::ROOM_NAME_BYTES_MAX
        {
            return Err(TicketError::Malformed);
        }
        Ok(Self {
            room: wire.room,
            invite_secret: wire.invite_secret,
            expires: wire.expires,
            name: wire.name,
            addresses: wire.addresses,
        })
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = codec::encode(&Wire {
            version: TICKET_VERSION,
            room: self.room,
            invite_secret: self.invite_secret,
            expires: self.expires,
            name: self.name.clone(),
            addresses: self
                .addresses
                .iter()
                .take(limits::TICKET_ADDRESSES_MAX)
                .cloned()
                .collect(),
        });
        let checksum = blake3::hash(&bytes);
        bytes.extend_from_slice(&checksum.as_bytes()[..CHECKSUM_BYTES]);
        let text = data_encoding::BASE32_NOPAD
            .encode(&bytes)
            .to_ascii_lowercase();
        write!(f, "{TICKET_PREFIX}{text}")
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    /// Reads a ticket; capitals are taken as small letters and white space around it is passed over.
    fn from_str(text: &str) -> Result<Self, TicketError> {
        let text = text.trim();
        if text.len() > limits::TICKET_CHARS_MAX {
            return Err(TicketError::TooLong);
        }
        let lower = text.to_ascii_lowercase();
        let encoded = lower
            .strip_prefix(TICKET_PREFIX)
            .ok_or(TicketError::NoPrefix)?;
        let stray = encoded
            .chars()
            .position(|c| !matches!(c, 'a'..='z' | '2'..='7'));
        if let Some(position) = stray {
            let position = TICKET_PREFIX.len() + position + 1;
            return Err(TicketError::BadCharacter { position });
        }
        let bytes = data_encoding::BASE32_NOPAD
            .decode(encoded.to_ascii_uppercase().as_bytes())
            .map_err(|_| TicketError::BadChecksum)?;
        let (content, checksum) = bytes
            .len()
            .checked_sub(CHECKSUM_BYTES)
            .map(|at| bytes.split_at(at))
            .ok_or(TicketError::BadChecksum)?;
        if blake3::hash(content).as_bytes()[..CHECKSUM_BYTES] != *checksum {
            return Err(TicketError::BadChecksum);
        }
        Self::decode(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            room: RoomId::from_bytes([1; 32]),
            invite_secret: [2; 32],
            expires: Some(Timestamp(1_800_000_000_000)),
            name: "db".into(),
            addresses: vec![PeerAddress {
                id: AuthorId::from_bytes([3; 32]),
                relay: None,
                direct: vec!["127.0.0.1:4444".parse().unwrap()],
            }],
        }
    }

    #[test]
    fn a_ticket_reads_back_and_hides_its_secret() {
        let text = ticket().to_string();
        assert_eq!(text.parse::<Ticket>().unwrap(), ticket());
        assert_eq!(
            format!(" {}\n", text.to_uppercase())
                .parse::<Ticket>()
                .unwrap(),
            ticket()
        );
        assert!(!format!("{:?}", ticket()).contains("2, 2"));
    }

    #[test]
    fn every_cut_and_every_mistyped_character_is_told() {
        let text = ticket().to_string();
        for end in 0..text.len() {
            assert!(text[..end].parse::<Ticket>().is_err(), "cut at {end}");
        }
        for i in 0..text.len() {
            for wrong in ['a', 'b', '7', '1'] {
                let mut typed = text.clone();
                typed.replace_range(i..=i, &wrong.to_string());
                if typed != text {
                    assert!(typed.parse::<Ticket>().is_err(), "{wrong} at {i}");
                }
            }
        }
    }
}
