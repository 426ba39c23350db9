//! Every test that `spec/security.md` and `SECURITY.md` name exists.

use std::fs;
use std::path::{Path, PathBuf};

/// All Rust sources of the workspace, as one text.
fn sources(root: &Path) -> String {
    let mut folders: Vec<PathBuf> = vec![root.join("crates"), root.join("tests")];
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

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn what_is_claimed_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let sources = sources(&root);
    let mut named = 0;
    for page in ["spec/security.md", "SECURITY.md"] {
        for quoted in quoted(&fs::read_to_string(root.join(page)).unwrap()) {
            let is_test = quoted.len() > 20 && quoted.chars().all(|c| c == '_' || c.is_lowercase());
            if quoted.contains('/') {
                let path = root.join(quoted);
                assert!(
                    path.exists() || !quoted.starts_with(['c', 't', 's']),
                    "{page}: {quoted}"
                );
            } else if is_test {
                named += 1;
                assert!(
                    sources.contains(&format!("fn {quoted}(")),
                    "{page}: no test {quoted}"
                );
            }
        }
    }
    assert!(named > 15, "only {named} tests are named");
}
