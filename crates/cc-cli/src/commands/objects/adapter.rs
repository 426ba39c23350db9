//! What `adapter check` prints.

use cc_adapter_kit::{Case, Outcome};
use serde::Serialize;

/// `adapter check`: one case.
#[derive(Debug, Serialize)]
pub struct CheckedCase {
    /// The case's name.
    pub case: &'static str,
    /// The rule that it tries.
    pub rule: &'static str,
    /// Where the rule is written: a file of `spec/` and a heading in it.
    pub section: &'static str,
    /// `ok`, `failed` or `skipped`.
    pub outcome: &'static str,
    /// What the specification asks for; null unless it failed.
    pub expected: Option<String>,
    /// What came, or why it was skipped; null where it is as it should be.
    pub came: Option<String>,
}

impl CheckedCase {
    /// How a case came out.
    pub fn new(case: &Case, outcome: Outcome) -> Self {
        let (word, expected, came) = match outcome {
            Outcome::Ok => ("ok", None, None),
            Outcome::Failed { expected, came } => ("failed", Some(expected), Some(came)),
            Outcome::Skipped(why) => ("skipped", None, Some(why)),
        };
        Self {
            case: case.name,
            rule: case.rule,
            section: case.section,
            outcome: word,
            expected,
            came,
        }
    }
}
