//! The cases, made from code with fixed keys. Each states its verdict, and what else was worked out
//! by hand; the remaining fields are what the crates give, and are reviewed as files.
//!
//! The functions are lists of cases, and so they are long: a case is read beside its neighbours.

mod bodies;
mod chains;
mod curve;
mod disk;
mod doors;
mod encoding;
mod headers;
mod injection;
mod membership;
mod merge;
mod messages;
mod names;
mod proofs;
mod receipts;
mod segments;
mod signatures;
mod tickets;
mod transport;
mod world;

use serde_json::Value;

use super::worlds::SharedWorld;
use super::{Case, OK};

/// Makes the worlds that cases begin with.
pub fn worlds() -> Vec<SharedWorld> {
    merge::worlds()
}

/// Makes every case.
///
/// # Panics
/// Where a case does not come out as it says.
pub fn all() -> Vec<Case> {
    let mut cases = Cases::default();
    encoding::add(&mut cases);
    tickets::add(&mut cases);
    signatures::add(&mut cases);
    curve::add(&mut cases);
    headers::add(&mut cases);
    bodies::add(&mut cases);
    messages::add(&mut cases);
    segments::add(&mut cases);
    membership::add(&mut cases);
    merge::add(&mut cases);
    doors::add(&mut cases);
    chains::add(&mut cases);
    transport::add(&mut cases);
    disk::add(&mut cases);
    names::add(&mut cases);
    proofs::add(&mut cases);
    receipts::add(&mut cases);
    injection::add(&mut cases);
    assert!(cases.wrong.is_empty(), "{}", cases.wrong.join("\n"));
    cases.made.sort_by_key(Case::path);
    cases.made
}

#[derive(Default)]
struct Cases {
    made: Vec<Case>,
    /// What did not come out as it says.
    wrong: Vec<String>,
}

impl Cases {
    /// What came of the case that was added last.
    fn last(&self) -> &Value {
        &self.made.last().expect("a case was added").expect
    }

    /// A case that is taken; `expect` holds what is known of the outcome beforehand, or null.
    fn ok(&mut self, group: &str, name: &str, about: &str, input: Value, expect: &Value) {
        self.add(group, name, about, input, OK, expect);
    }

    /// A case that is refused.
    fn refused(&mut self, group: &str, name: &str, about: &str, input: Value, verdict: &str) {
        self.add(group, name, about, input, verdict, &Value::Null);
    }

    fn add(
        &mut self,
        group: &str,
        name: &str,
        about: &str,
        input: Value,
        verdict: &str,
        expect: &Value,
    ) {
        let actual = super::outcome(group, &input);
        if actual["verdict"] != verdict || !holds(&actual, expect) {
            let wrong = format!("{group}/{name}: expected {verdict} {expect}\n  in {actual}");
            self.wrong.push(wrong);
        }
        self.made.push(Case {
            group: group.to_owned(),
            name: name.to_owned(),
            about: about.to_owned(),
            input,
            expect: actual,
        });
    }
}

/// Whether `actual` has everything that `wanted` has.
fn holds(actual: &Value, wanted: &Value) -> bool {
    match (actual, wanted) {
        (_, Value::Null) => true,
        (Value::Object(actual), Value::Object(wanted)) => wanted.iter().all(|(key, wanted)| {
            actual.get(key).is_some_and(|actual| {
                actual == wanted || (!wanted.is_null() && holds(actual, wanted))
            })
        }),
        _ => actual == wanted,
    }
}
