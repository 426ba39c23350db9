//! The key of this machine in what is shared: whoever has it is its owner to all members, so that nobody shares it, under
//! whatever name, not even by force.
//!
//! It is known as it lies in the home, in hexadecimal digits of either case, and as bare bytes. Packed, encrypted or in
//! another alphabet it is not noticed.

use std::fmt;
use std::path::Path;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

/// How a refusal ends that no force changes.
pub const NEVER: &str = "and is never shared";
/// Why there is no way around such a refusal.
pub const NEVER_HINT: &str = "leave it out: whoever has that key is you to all members";
/// The bytes of a key, and the digits it is written with.
const KEY_BYTES: usize = 32;
const DIGITS: usize = 2 * KEY_BYTES;
/// A file with no more bytes can hold the digits of a key and nothing else.
const ALONE_BYTES_MAX: usize = DIGITS + 2;

/// What is looked for: the key of a home, if it has one.
#[derive(Default)]
pub struct OwnKey(Option<[Needle; 2]>);

impl OwnKey {
    /// That of a home.
    pub fn of_home(home: &Path) -> Self {
        let text = std::fs::read(home.join("identity")).unwrap_or_default();
        let seed = HEXLOWER_PERMISSIVE.decode(text.trim_ascii());
        Self::of_seed(&seed.unwrap_or_default())
    }

    fn of_seed(seed: &[u8]) -> Self {
        if seed.len() != KEY_BYTES {
            return Self(None);
        }
        let digits = HEXLOWER.encode(seed).into_bytes();
        Self(Some([
            Needle::new(digits, true),
            Needle::new(seed.to_vec(), false),
        ]))
    }
}

impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnKey")
    }
}

/// Looks for the key in a file that comes in pieces.
#[derive(Debug, Default)]
pub struct KeyScanner {
    /// The end of what came, in which the key may begin.
    tail: Vec<u8>,
    /// The beginning of the file.
    head: Vec<u8>,
}

impl KeyScanner {
    /// Takes the next piece. Whether the key stands in what came so far.
    pub fn feed(&mut self, key: &OwnKey, piece: &[u8]) -> bool {
        let room = (ALONE_BYTES_MAX + 1).saturating_sub(self.head.len());
        self.head.extend_from_slice(&piece[..piece.len().min(room)]);
        let Some(needles) = &key.0 else {
            return false;
        };
        let found = |text: &[u8]| needles.iter().any(|needle| needle.is_in(text));
        let cut = DIGITS - 1;
        self.tail.extend_from_slice(&piece[..piece.len().min(cut)]);
        if found(&self.tail) || found(piece) {
            return true;
        }
        if piece.len() >= cut {
            self.tail.clear();
            self.tail.extend_from_slice(&piece[piece.len() - cut..]);
        } else {
            let over = self.tail.len().saturating_sub(cut);
            self.tail.drain(..over);
        }
        false
    }

    /// Whether the file was nothing but the digits of some key, as a home keeps them under the name `identity`.
    pub fn is_an_identity(&self, file: &Path) -> bool {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let text = self.head.trim_ascii();
        name.to_lowercase().contains("identity")
            && self.head.len() <= ALONE_BYTES_MAX
            && text.len() == DIGITS
            && text.iter().all(u8::is_ascii_hexdigit)
    }
}

/// What is looked for at a fraction of the places, as far apart as the last byte there allows.
struct Needle {
    bytes: Vec<u8>,
    is_any_case: bool,
    steps: [usize; 256],
}

impl Needle {
    fn new(bytes: Vec<u8>, is_any_case: bool) -> Self {
        let mut steps = [bytes.len(); 256];
        for (at, byte) in bytes.iter().enumerate().take(bytes.len() - 1) {
            let step = bytes.len() - 1 - at;
            steps[usize::from(*byte)] = step;
            if is_any_case {
                steps[usize::from(byte.to_ascii_uppercase())] = step;
            }
        }
        Self {
            bytes,
            is_any_case,
            steps,
        }
    }

    fn is_in(&self, text: &[u8]) -> bool {
        let len = self.bytes.len();
        let mut at = 0;
        while let Some(here) = text.get(at..at + len) {
            let is_it = if self.is_any_case {
                here.eq_ignore_ascii_case(&self.bytes)
            } else {
                here == self.bytes
            };
            if is_it {
                return true;
            }
            at += self.steps[usize::from(here[len - 1])];
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed() -> Vec<u8> {
        (0..32).map(|n: u8| n.wrapping_mul(37) ^ 0xa5).collect()
    }

    fn finds(key: &OwnKey, text: &[u8], piece: usize) -> bool {
        let mut scanner = KeyScanner::default();
        text.chunks(piece).any(|piece| scanner.feed(key, piece))
    }

    #[test]
    fn the_key_is_found_in_every_form_wherever_it_is_cut() {
        let key = OwnKey::of_seed(&seed());
        let digits = HEXLOWER.encode(&seed());
        for form in [
            digits.clone().into_bytes(),
            digits.to_uppercase().into_bytes(),
            seed(),
        ] {
            for before in [0, 1, 31, 63, 64, 200] {
                let mut text = vec![b'a'; before];
                text.extend_from_slice(&form);
                text.extend_from_slice(b"\nand more");
                for piece in [1, 7, 31, 32, 63, 64, 65, 100, 1 << 16] {
                    assert!(finds(&key, &text, piece), "{before} {piece}");
                }
            }
            let last = form.len() - 1;
            assert!(!finds(&key, &form[..last], 1 << 16));
            assert!(!finds(&key, &form[1..], 5));
        }
        assert!(!finds(&OwnKey::default(), digits.as_bytes(), 64));
    }

    #[test]
    fn the_identity_of_another_home_is_known_by_its_name_and_form() {
        let digits = HEXLOWER.encode(&seed());
        for (name, text, is_one) in [
            ("identity", format!("{digits}\n"), true),
            ("x/old-Identity.bak", digits.clone(), true),
            ("sum.txt", format!("{digits}\n"), false),
            ("identity", format!("{digits}  x"), false),
            ("identity", digits[1..].to_owned(), false),
            ("identity", format!("{digits}{}", "\n".repeat(90)), false),
        ] {
            let mut scanner = KeyScanner::default();
            for piece in text.as_bytes().chunks(10) {
                scanner.feed(&OwnKey::default(), piece);
            }
            assert_eq!(scanner.is_an_identity(Path::new(name)), is_one, "{name}");
        }
    }
}
