//! The index's fixed-size record of one line, and the flags in it.

use cc_proto::id::{ArrivalNo, AuthorId, MessageId, Seq};

use crate::checksum::crc32;

/// Size of a record on disk. Record `n` stands at `(n - 1) * RECORD_BYTES` of `index/records`.
pub(crate) const RECORD_BYTES: usize = 64;
/// Where a record's checksum stands; it covers what is before it.
const CHECKSUM_AT: usize = RECORD_BYTES - 4;
/// Goes into every checksum, so that another version's records never pass for ours.
const RECORD_DOMAIN: &[u8] = b"cc-log record 2";
/// How much of an id or of a key a record holds.
pub(crate) const PREFIX_BYTES: usize = 8;

/// What the index knows of a line without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u16);

impl Flags {
    const CHAT: u16 = 1;
    const INJECTABLE: u16 = 1 << 1;
    const NAMES_OWNER: u16 = 1 << 2;
    const SHAPES_ROSTER: u16 = 1 << 3;
    const OWN_AGENT: u16 = 1 << 4;
    const DAMAGED: u16 = 1 << 5;
    const REPAIR: u16 = 1 << 6;
    const ERASED: u16 = 1 << 7;
    const FILE: u16 = 1 << 8;

    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }

    const fn with(self, bit: u16, on: bool) -> Self {
        Self(if on { self.0 | bit } else { self.0 & !bit })
    }

    /// The flags of a damaged line: it counts as injectable, so that whoever passes it is told of
    /// a message they could not be shown.
    pub(crate) const fn of_damaged() -> Self {
        Self(Self::DAMAGED | Self::INJECTABLE)
    }

    pub(crate) const fn with_damaged(self) -> Self {
        self.with(Self::DAMAGED, true)
    }

    pub(crate) const fn with_chat(self, on: bool) -> Self {
        self.with(Self::CHAT, on)
    }

    pub(crate) const fn with_file(self, on: bool) -> Self {
        self.with(Self::FILE, on)
    }

    pub(crate) const fn with_injectable(self, on: bool) -> Self {
        self.with(Self::INJECTABLE, on)
    }

    pub(crate) const fn with_names_owner(self, on: bool) -> Self {
        self.with(Self::NAMES_OWNER, on)
    }

    pub(crate) const fn with_shapes_roster(self, on: bool) -> Self {
        self.with(Self::SHAPES_ROSTER, on)
    }

    pub(crate) const fn with_own_agent(self, on: bool) -> Self {
        self.with(Self::OWN_AGENT, on)
    }

    pub(crate) const fn with_repair(self, on: bool) -> Self {
        self.with(Self::REPAIR, on)
    }

    /// The flags of the line once its message has no body: there is nothing to tell of.
    pub(crate) const fn with_erased(self) -> Self {
        let told = Self::CHAT | Self::FILE | Self::INJECTABLE | Self::NAMES_OWNER;
        Self(self.0 & !told | Self::ERASED)
    }

    /// A chat message.
    pub const fn chat(self) -> bool {
        self.has(Self::CHAT)
    }

    /// Announces a file.
    pub const fn file(self) -> bool {
        self.has(Self::FILE)
    }

    /// Belongs in a prompt: chat or a file, and not by the owner's own agent.
    pub const fn injectable(self) -> bool {
        self.has(Self::INJECTABLE)
    }

    /// Its text names the owner of this log.
    pub const fn names_owner(self) -> bool {
        self.has(Self::NAMES_OWNER)
    }

    /// Can change who belongs: a reader stops before it until its roster view is true through it.
    pub const fn shapes_roster(self) -> bool {
        self.has(Self::SHAPES_ROSTER)
    }

    /// Written by the owner's own agent.
    pub const fn own_agent(self) -> bool {
        self.has(Self::OWN_AGENT)
    }

    /// Its line did not decode when the index was written.
    pub const fn damaged(self) -> bool {
        self.has(Self::DAMAGED)
    }

    /// The refetched copy of a damaged line before it.
    pub const fn repair(self) -> bool {
        self.has(Self::REPAIR)
    }

    /// Its message has no body any more, as it was taken back; nothing of it is shown or counted.
    pub const fn erased(self) -> bool {
        self.has(Self::ERASED)
    }
}

/// One line, as the index knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub offset: u64,
    /// With the newline; 0 for a number whose line is gone without a trace.
    pub len: u32,
    pub flags: Flags,
    pub kind: u16,
    /// Injectable lines up to and with this one, each repaired line once.
    pub injectable: u64,
    /// The last line up to and with this one that shapes the roster; 0 where there is none.
    pub last_roster: u64,
    pub author: [u8; PREFIX_BYTES],
    pub branch: u32,
    pub seq: Seq,
    pub id: [u8; PREFIX_BYTES],
}

/// The first bytes of an id.
pub(crate) fn id_prefix(id: &MessageId) -> [u8; PREFIX_BYTES] {
    prefix(id.as_bytes())
}

/// The first bytes of an author's key.
pub(crate) fn author_prefix(author: &AuthorId) -> [u8; PREFIX_BYTES] {
    prefix(author.as_bytes())
}

fn prefix(bytes: &[u8; 32]) -> [u8; PREFIX_BYTES] {
    let mut prefix = [0; PREFIX_BYTES];
    prefix.copy_from_slice(&bytes[..PREFIX_BYTES]);
    prefix
}

impl Record {
    /// Where the next line begins.
    pub fn end(&self) -> u64 {
        self.offset + u64::from(self.len)
    }

    /// The record of line `n` as it stands on disk.
    pub fn encode(&self, n: ArrivalNo) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[0..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.len.to_le_bytes());
        bytes[12..14].copy_from_slice(&self.flags.bits().to_le_bytes());
        bytes[14..16].copy_from_slice(&self.kind.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.injectable.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.last_roster.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.author);
        bytes[40..44].copy_from_slice(&self.branch.to_le_bytes());
        bytes[44..52].copy_from_slice(&self.seq.0.to_le_bytes());
        bytes[52..60].copy_from_slice(&self.id);
        let sum = checksum(n, &bytes);
        bytes[CHECKSUM_AT..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The record of line `n`, or `None` where these bytes are not it.
    pub fn decode(n: ArrivalNo, bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; RECORD_BYTES] = bytes.try_into().ok()?;
        if le_u32(bytes, CHECKSUM_AT) != checksum(n, bytes) {
            return None;
        }
        Some(Self {
            offset: le_u64(bytes, 0),
            len: le_u32(bytes, 8),
            flags: Flags::from_bits(u16::from_le_bytes([bytes[12], bytes[13]])),
            kind: u16::from_le_bytes([bytes[14], bytes[15]]),
            injectable: le_u64(bytes, 16),
            last_roster: le_u64(bytes, 24),
            author: le_u64(bytes, 32).to_le_bytes(),
            branch: le_u32(bytes, 40),
            seq: Seq(le_u64(bytes, 44)),
            id: le_u64(bytes, 52).to_le_bytes(),
        })
    }
}

fn checksum(n: ArrivalNo, bytes: &[u8; RECORD_BYTES]) -> u32 {
    crc32(&[RECORD_DOMAIN, &n.0.to_le_bytes(), &bytes[..CHECKSUM_AT]])
}

/// The little-endian number at `at`; callers index within fixed arrays.
pub(crate) fn le_u64(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}

pub(crate) fn le_u32(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_accepted_only_whole_and_only_at_its_own_place() {
        let record = Record {
            offset: 1234,
            len: 567,
            flags: Flags::default().with_chat(true).with_injectable(true),
            kind: 9,
            injectable: 40,
            last_roster: 3,
            author: [1; 8],
            branch: 2,
            seq: Seq(17),
            id: [9; 8],
        };
        let bytes = record.encode(ArrivalNo(41));
        assert_eq!(Record::decode(ArrivalNo(41), &bytes), Some(record));
        assert_eq!(Record::decode(ArrivalNo(42), &bytes), None);
        for at in 0..RECORD_BYTES {
            let mut altered = bytes;
            altered[at] ^= 1;
            assert_eq!(Record::decode(ArrivalNo(41), &altered), None, "byte {at}");
        }
        assert_eq!(Record::decode(ArrivalNo(1), &[0; RECORD_BYTES]), None);
    }
}
