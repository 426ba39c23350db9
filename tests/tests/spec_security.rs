//! `spec/security.md` and `SECURITY.md` name tests that exist, a test for each row, and every test
//! of the hostile suite.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGES: [&str; 2] = ["spec/security.md", "SECURITY.md"];
const HOSTILE: &str = "crates/cc-net/tests/hostile";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Rust sources below these folders, as one text.
fn sources(mut folders: Vec<PathBuf>) -> String {
    let mut all = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "node_modules" && name != "target" {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                all.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    all
}

/// The names of the tests in `sources`, but those that are run by others alone.
fn tests_in(sources: &str) -> BTreeSet<&str> {
    let mut tests = BTreeSet::new();
    let (mut is_test, mut is_ignored) = (false, false);
    for line in sources.lines().map(str::trim) {
        is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
        is_ignored |= line.starts_with("#[ignore");
        if let Some((_, name)) = line.split_once("fn ") {
            if is_test && !is_ignored {
                tests.extend(name.split_once('(').map(|(name, _)| name));
            }
            (is_test, is_ignored) = (false, false);
        }
    }
    tests
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The last cell of every row of every table that says what shows it.
fn shown_by(page: &str) -> Vec<&str> {
    let mut shown = Vec::new();
    let mut in_table = false;
    for line in page.lines() {
        let Some(row) = line.strip_prefix('|') else {
            in_table = false;
            continue;
        };
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        if last == "shown by" {
            in_table = true;
        } else if in_table && !last.starts_with("---") {
            shown.push(last);
        }
    }
    shown
}

/// Whether a name between backticks is meant to be a test's.
fn is_test_name(name: &str) -> bool {
    name.len() > 15 && name.chars().all(|c| c == '_' || c.is_ascii_lowercase())
}

#[test]
fn what_is_claimed_names_tests_that_exist() {
    let sources = sources(vec![root().join("crates"), root().join("tests")]);
    let tests = tests_in(&sources);
    for page in PAGES {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for name in quoted(&text) {
            if name.contains('/') {
                let is_ours = name.starts_with("crates/")
                    || name.starts_with("tests/")
                    || name.starts_with("spec/");
                assert!(!is_ours || root().join(name).exists(), "{page}: {name}");
            } else if is_test_name(name) {
                assert!(tests.contains(name), "{page}: no test {name}");
            }
        }
    }
}

#[test]
fn every_row_names_what_shows_it() {
    for (page, rows_min) in PAGES.into_iter().zip([50, 25]) {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let cells = shown_by(&text);
        assert!(cells.len() >= rows_min, "{page} has {} rows", cells.len());
        for cell in cells {
            let names = quoted(cell).any(|name| is_test_name(name) || name.contains('/'));
            assert!(names || cell.starts_with("vectors `"), "{page}: {cell}");
        }
    }
}

#[test]
fn every_test_of_the_hostile_suite_has_its_row() {
    let page = fs::read_to_string(root().join(PAGES[0])).unwrap();
    let named: BTreeSet<&str> = shown_by(&page).into_iter().flat_map(quoted).collect();
    let sources = sources(vec![root().join(HOSTILE)]);
    let tests = tests_in(&sources);
    assert!(tests.len() > 30, "only {} tests", tests.len());
    for test in tests {
        assert!(
            named.contains(test),
            "spec/security.md has no row for {test}"
        );
    }
}
