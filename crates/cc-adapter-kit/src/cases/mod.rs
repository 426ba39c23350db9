//! The cases, by what they are about.

mod rooms;

use crate::report::{Checked, Outcome};
use crate::subject::Subject;
use crate::world::World;

/// One rule of the specification, tried.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// The rule, in a sentence.
    pub rule: &'static str,
    /// Where it is written: a file of `spec/` and a heading in it.
    pub section: &'static str,
    run: fn(&mut World<'_>) -> Checked,
}

impl Case {
    /// Tries an adapter.
    pub fn check(&self, subject: &Subject) -> Outcome {
        let tried = World::new(subject).and_then(|mut world| (self.run)(&mut world));
        tried.into()
    }
}

/// All cases.
pub fn cases() -> Vec<Case> {
    rooms::CASES.to_vec()
}
