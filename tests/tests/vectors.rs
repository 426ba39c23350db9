//! The conformance vectors: the crates agree with the files of `spec/vectors`, the files with the
//! code that makes them, and there are enough of them.
//!
//! `UPDATE_VECTORS=1 cargo test -p cc-tests --test vectors` writes the files anew.

use std::collections::{BTreeMap, BTreeSet};
use std::env;

use cc_tests::vectors::{self, Case, GROUPS, OK};

#[test]
fn the_crates_agree_with_every_vector() {
    let wrong: Vec<String> = vectors::load_all()
        .iter()
        .filter_map(|case| vectors::check(case).err())
        .collect();
    assert!(
        wrong.is_empty(),
        "{} vectors do not hold:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_files_are_what_the_code_makes() {
    if env::var_os("UPDATE_VECTORS").is_some() {
        vectors::write_all();
    }
    let made = by_path(vectors::build::all());
    let stored = by_path(vectors::load_all());
    let names = |cases: &BTreeMap<_, _>| cases.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&stored), names(&made), "set UPDATE_VECTORS=1");
    for (path, case) in made {
        assert!(
            stored[&path] == case,
            "{path} differs; set UPDATE_VECTORS=1"
        );
    }
}

/// By path; two cases of one name would be one file.
fn by_path(cases: Vec<Case>) -> BTreeMap<String, Case> {
    let count = cases.len();
    let named: BTreeMap<_, _> = cases
        .into_iter()
        .map(|case| (case.path().display().to_string(), case))
        .collect();
    assert_eq!(named.len(), count, "two cases have one name");
    named
}

#[test]
fn every_group_shows_both_verdicts() {
    let cases = vectors::load_all();
    assert!(cases.len() >= 120, "only {} vectors", cases.len());
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in &cases {
        let (good, refused) = counts.entry(&case.group).or_default();
        *(if case.verdict() == OK { good } else { refused }) += 1;
        let sentence = case.about.ends_with('.') && case.about.len() <= 160;
        assert!(sentence, "{}: about is one sentence", case.path().display());
    }
    for group in &GROUPS {
        let (good, refused) = counts.remove(group.name).unwrap_or_default();
        assert!(good > 0, "{} has no good case", group.name);
        assert_eq!(refused > 0, group.refuses(), "{}: refusals", group.name);
    }
    assert!(counts.is_empty(), "unknown groups {counts:?}");
}

#[test]
fn an_altered_vector_is_noticed() {
    // Each expectation of each case is made another; the check must see all of them.
    for case in vectors::load_all() {
        let keys: Vec<String> = case
            .expect
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect();
        for key in keys {
            let mut altered = case.clone();
            altered.expect[&key] = "altered".into();
            assert!(
                vectors::check(&altered).is_err(),
                "{} does not look at {key}",
                case.path().display()
            );
        }
    }
}
