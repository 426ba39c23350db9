//! Choices by chance from a seed given by the caller, so that a run can be repeated.

use crate::id::Hash;

/// A stream of numbers from a seed: BLAKE3 over seed and counter.
#[derive(Debug, Clone)]
pub struct Random {
    seed: [u8; 32],
    drawn: u64,
}

impl Random {
    /// The stream of `seed`.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next 16 bytes.
    pub fn bytes(&mut self) -> [u8; 16] {
        self.drawn += 1;
        let hash = Hash::of(&[&self.seed[..], &self.drawn.to_le_bytes()].concat());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        bytes
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        let bytes = self.bytes();
        u64::from_le_bytes([
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
        ])
    }

    /// Up to `count` of `items`, each at most once, in any order.
    pub fn choose<T: Copy>(&mut self, items: &[T], count: usize) -> Vec<T> {
        let mut pool = items.to_vec();
        let mut chosen = Vec::new();
        while chosen.len() < count && !pool.is_empty() {
            let at = (self.next_u64() % pool.len() as u64) as usize;
            chosen.push(pool.swap_remove(at));
        }
        chosen
    }
}
