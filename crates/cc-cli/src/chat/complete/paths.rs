//! The entries of a folder that a path can go on with.

/// How many entries of a folder are looked at.
pub const ENTRIES_MAX: usize = 1_000;
