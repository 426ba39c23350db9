//! The testkit of cc-connect.
