//! cc-proto
