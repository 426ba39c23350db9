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
/// Longest relay URL of a peer address, in bytes of UTF-8.
pub const RELAY_BYTES_MAX: usize = 256;
const TICKET_VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// Where a peer was seen. A ticket keeps to [`RELAY_BYTES_MAX`] and [`limits::DIRECT_ADDRESSES_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PeerAddress {
    /// Whose address it is.
    pub id: AuthorId,
    /// The URL of its relay.
    pub relay: Option<String>,
    /// Its socket addresses.
    pub direct: Vec<SocketAddr>,
}

impl PeerAddress {
    fn fits(&self) -> bool {
        self.has_short_relay() && self.direct.len() <= limits::DIRECT_ADDRESSES_MAX
    }

    fn has_short_relay(&self) -> bool {
        self.relay
            .as_ref()
            .is_none_or(|relay| relay.len() <= RELAY_BYTES_MAX)
    }

    /// What of it a ticket can carry.
    fn fitted(&self) -> Self {
        let direct = self.direct.iter().take(limits::DIRECT_ADDRESSES_MAX);
        Self {
            id: self.id,
            relay: self.relay.clone().filter(|_| self.has_short_relay()),
            direct: direct.copied().collect(),
        }
    }
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
            || !wire.addresses.iter().all(PeerAddress::fits)
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

/// Leaves out what is over a limit, so that a reader takes whatever is printed: within the limits no ticket is
/// longer than [`limits::TICKET_CHARS_MAX`].
impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name[..self.name.floor_char_boundary(limits::ROOM_NAME_BYTES_MAX)];
        let mut bytes = codec::encode(&Wire {
            version: TICKET_VERSION,
            room: self.room,
            invite_secret: self.invite_secret,
            expires: self.expires,
            name: name.to_owned(),
            addresses: self
                .addresses
                .iter()
                .take(limits::TICKET_ADDRESSES_MAX)
                .map(PeerAddress::fitted)
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
    fn whatever_is_printed_is_read() {
        let address = |relay: usize, direct: usize| PeerAddress {
            id: AuthorId::from_bytes([0xff; 32]),
            relay: Some("r".repeat(relay)),
            direct: vec!["[ffff::ffff]:65535".parse().unwrap(); direct],
        };
        let of = |name: &str, address: PeerAddress| Ticket {
            expires: Some(Timestamp(u64::MAX)),
            name: name.to_owned(),
            addresses: vec![address; limits::TICKET_ADDRESSES_MAX + 1],
            ..ticket()
        };
        let name = "x".repeat(limits::ROOM_NAME_BYTES_MAX);
        let largest = address(RELAY_BYTES_MAX, limits::DIRECT_ADDRESSES_MAX);
        let read: Ticket = of(&name, largest.clone()).to_string().parse().unwrap();
        assert_eq!(read.name, name);
        assert_eq!(read.addresses, vec![largest; limits::TICKET_ADDRESSES_MAX]);

        let over = address(RELAY_BYTES_MAX + 1, limits::DIRECT_ADDRESSES_MAX + 1);
        let read: Ticket = of(&format!("{}€", &name[1..]), over)
            .to_string()
            .parse()
            .unwrap();
        assert_eq!(read.name, name[1..]);
        assert_eq!(read.addresses[0].relay, None);
        assert_eq!(read.addresses[0].direct.len(), limits::DIRECT_ADDRESSES_MAX);
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
