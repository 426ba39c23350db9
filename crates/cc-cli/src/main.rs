//! The `cc-connect` program.
fn main() {}
