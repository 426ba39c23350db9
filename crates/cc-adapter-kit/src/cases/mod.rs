//! The cases, by what they are about.

mod budget;
mod cursors;
mod damage;
mod events;
mod files;
mod hostile;
mod layout;
mod offered;
mod rooms;
mod together;
mod trouble;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

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

/// A row of a table of cases.
const fn case(
    name: &'static str,
    section: &'static str,
    rule: &'static str,
    run: fn(&mut World<'_>) -> Checked,
) -> Case {
    Case {
        name,
        rule,
        section,
        run,
    }
}

impl Case {
    /// Tries an adapter.
    pub fn check(&self, subject: &Subject) -> Outcome {
        let tried = World::new(subject).and_then(|mut world| (self.run)(&mut world));
        tried.into()
    }
}

/// How many cases are tried at once: what they wait for is mostly a deadline.
const AT_ONCE: usize = 4;

/// Tries an adapter in each of these cases, a few at once; gives them to `tell` in order.
pub fn check_all(subject: &Subject, cases: &[Case], mut tell: impl FnMut(&Case, Outcome)) {
    let next = AtomicUsize::new(0);
    let (send, outcomes) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            let (next, send) = (&next, send.clone());
            scope.spawn(move || {
                while let Some((at, case)) = at(cases, next.fetch_add(1, Ordering::Relaxed)) {
                    // Whoever does not listen any more has seen enough.
                    if send.send((at, case.check(subject))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let (mut told, mut waiting) = (0, BTreeMap::new());
        for (at, outcome) in outcomes {
            waiting.insert(at, outcome);
            while let Some(outcome) = waiting.remove(&told) {
                tell(&cases[told], outcome);
                told += 1;
            }
        }
    });
}

fn at(cases: &[Case], at: usize) -> Option<(usize, &Case)> {
    Some((at, cases.get(at)?))
}

/// All cases.
pub fn cases() -> Vec<Case> {
    [
        rooms::CASES,
        offered::CASES,
        layout::CASES,
        hostile::CASES,
        files::CASES,
        budget::CASES,
        cursors::CASES,
        damage::CASES,
        events::CASES,
        trouble::CASES,
        together::CASES,
    ]
    .concat()
}
