//! The testkit of cc-connect.

pub mod bins;
pub mod machine;
pub mod model_api;
pub mod sim;
