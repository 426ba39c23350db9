//! The testkit of cc-connect.

pub mod bins;
pub mod control;
pub mod files;
pub mod injection;
pub mod machine;
pub mod model_api;
pub mod namespace;
pub mod on_disk;
pub mod sim;
pub mod vectors;
