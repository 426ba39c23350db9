//! Files to share, which are like no others.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// Makes a file of `bytes`, a multiple of a MiB, that are others for every seed.
///
/// # Panics
/// Where it cannot be written.
pub fn write_random(path: &Path, bytes: u64, seed: u64) {
    let mut source = blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof();
    let mut file = File::create(path).expect("a file");
    let mut block = vec![0; 1 << 20];
    for _ in 0..bytes >> 20 {
        source.fill(&mut block);
        file.write_all(&block).expect("room on the disk");
    }
}
