//! The conformance vectors: the crates agree with the files of `spec/vectors`, the files with the
//! code that makes them, and there are enough of them.
//!
//! `UPDATE_VECTORS=1 cargo test -p cc-tests --test vectors` writes the files anew.

use std::collections::{BTreeMap, BTreeSet};
use std::{env, fs};

use cc_tests::vectors::worlds::SharedWorld;
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

/// The rows of the table of merge rules: its first cell, and those after it.
fn merge_table() -> Vec<(String, Vec<String>)> {
    let path = vectors::root().join("../membership.md");
    let text = fs::read_to_string(&path).expect("the chapter on membership");
    let (_, from) = text.split_once("## Merge rules").expect("the merge rules");
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().trim_matches('|');
        inner
            .split('|')
            .map(|cell| cell.trim().trim_matches('*').to_owned())
            .collect()
    };
    let lines = from.lines().skip_while(|line| !line.starts_with('|'));
    let lines = lines.take_while(|line| line.starts_with('|'));
    let rows = lines
        .map(cells)
        .filter(|row| !row.iter().all(|cell| cell.starts_with("---")));
    rows.map(|row| (row[0].clone(), row[1..].to_vec()))
        .collect()
}

#[test]
fn every_cell_of_the_merge_table_has_its_vector() {
    let rows = merge_table();
    let ((_, columns), rows) = rows.split_first().expect("a table");
    let names: Vec<&String> = rows.iter().map(|(name, _)| name).collect();
    assert_eq!(
        columns.iter().collect::<Vec<_>>(),
        names,
        "rows and columns are the same acts"
    );
    assert_eq!(names.len(), 10, "{names:?}");
    let cases = vectors::load_all();
    let mut missing = Vec::new();
    for (at, (row, cells)) in rows.iter().enumerate() {
        for (column, cell) in columns.iter().zip(cells).skip(at) {
            let name = format!("merge-{row}-{column}");
            let has_vector = cases
                .iter()
                .any(|case| case.group == "membership" && case.name == name);
            if cell.is_empty() || !has_vector {
                missing.push(name);
            }
        }
    }
    assert!(
        missing.is_empty(),
        "without a rule or a vector: {missing:?}"
    );
}

#[test]
fn the_worlds_are_what_the_code_makes_and_all_files_are_small_together() {
    for world in vectors::build::worlds() {
        assert!(
            SharedWorld::load(&world.name) == world,
            "{} differs; set UPDATE_VECTORS=1",
            world.name
        );
    }
    let bytes: usize = vectors::load_all()
        .iter()
        .map(|case| case.to_text().len())
        .sum();
    assert!(bytes < 1_000_000, "the vectors have grown to {bytes} bytes");
}
