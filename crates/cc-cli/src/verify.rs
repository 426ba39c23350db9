//! What two members compare to know that each has the other's key: the same digits at both ends.
//!
//! `spec/control.md`, section *Comparing keys*.

use cc_proto::id::{AuthorId, RoomId};

/// Put before room and keys when they are hashed for people to compare.
const VERIFY_DOMAIN: &[u8] = b"cc-connect/1 verify\0";
/// Groups of digits.
const GROUPS: usize = 12;
/// Bytes of hash behind one group: 40 bits over 100,000 leave no digit likelier than another that anyone could use.
const GROUP_BYTES: usize = 5;

/// Twelve groups of five digits, with a space between, the same whichever of the two members asks.
pub fn digits(room: &RoomId, one: &AuthorId, other: &AuthorId) -> String {
    let (low, high) = (one.min(other), one.max(other));
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(VERIFY_DOMAIN)
        .update(room.as_bytes())
        .update(low.as_bytes())
        .update(high.as_bytes());
    let mut bytes = [0; GROUPS * GROUP_BYTES];
    hasher.finalize_xof().fill(&mut bytes);
    let groups: Vec<String> = bytes
        .chunks_exact(GROUP_BYTES)
        .map(|chunk| {
            let number = chunk
                .iter()
                .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
            format!("{:05}", number % 100_000)
        })
        .collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(room: u8, one: u8, other: u8) -> String {
        let author = |byte| AuthorId::from_bytes([byte; 32]);
        digits(
            &RoomId::from_bytes([room; 32]),
            &author(one),
            &author(other),
        )
    }

    #[test]
    fn both_see_the_same_and_nobody_else_does() {
        assert_eq!(of(1, 2, 3), of(1, 3, 2));
        for other in [of(1, 2, 4), of(1, 4, 3), of(9, 2, 3)] {
            assert_ne!(of(1, 2, 3), other);
        }
    }

    #[test]
    fn there_are_twelve_groups_of_five_digits() {
        let digits = of(1, 2, 3);
        let groups: Vec<&str> = digits.split(' ').collect();
        assert_eq!(groups.len(), 12);
        let is_group = |group: &&str| group.len() == 5 && group.bytes().all(|b| b.is_ascii_digit());
        assert!(groups.iter().all(is_group), "{digits}");
    }
}
