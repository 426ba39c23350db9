//! cc-log
