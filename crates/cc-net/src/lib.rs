//! cc-net
