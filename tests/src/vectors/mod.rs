//! The conformance vectors of `spec/vectors`: one case a file.
//!
//! The files are the truth: [`load_all`] reads them and [`check`] holds the crates to them, one
//! function for each group, from the parsed JSON alone. [`build::all`] makes the same files from
//! code, so that a new case is a few lines; a test says that both agree.
//!
//! | module | what it holds |
//! |---|---|
//! | `check` | each group's function: from an input to what came of it |
//! | `build` | the cases, with fixed keys |
//! | `input` | typed access to the JSON of a case |
//! | `refusals` | errors of the crates to the names of `spec/` |
//! | `format` | the one formatting of the files |
//! | `worlds` | what several cases begin with |

pub mod build;
mod check;
mod format;
mod input;
mod refusals;
pub mod worlds;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use check::GROUPS;

/// The word for a case that is taken.
pub const OK: &str = "ok";

/// A case, as its file holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The folder that it is in, which tells what `input` and `expect` hold.
    pub group: String,
    /// The name of its file, without `.json`.
    pub name: String,
    /// The one fault, or the one thing that is shown.
    pub about: String,
    /// What is given.
    pub input: Value,
    /// What must come of it; `verdict` is [`OK`] or the name of the refusal.
    pub expect: Value,
}

impl Case {
    /// The expected verdict.
    pub fn verdict(&self) -> &str {
        self.expect["verdict"].as_str().unwrap_or_default()
    }

    /// Where the file is, below the folder of the vectors.
    pub fn path(&self) -> PathBuf {
        Path::new(&self.group).join(format!("{}.json", self.name))
    }

    /// The bytes of the file.
    pub fn to_text(&self) -> String {
        format::to_text(self)
    }
}

/// The folder of the vectors.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors")
}

/// Reads every case.
///
/// # Panics
/// Where a file is no case, is not formatted as all are, or is not where it says that it is.
pub fn load_all() -> Vec<Case> {
    let mut cases = Vec::new();
    for group in entries(&root()) {
        if group.is_file() {
            let name = group.file_name().and_then(|name| name.to_str());
            assert_eq!(name, Some("README.md"), "{} is no vector", group.display());
            continue;
        }
        if group.ends_with(worlds::FOLDER) {
            continue;
        }
        cases.extend(entries(&group).iter().map(|path| load(path)));
    }
    cases
}

fn load(path: &Path) -> Case {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let case: Case =
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let case = Case {
        input: format::whole(case.input),
        expect: format::whole(case.expect),
        ..case
    };
    assert!(
        path.ends_with(case.path()),
        "{} says that it is {}",
        path.display(),
        case.path().display()
    );
    assert!(
        case.to_text() == text,
        "{} is not formatted as vectors are",
        path.display()
    );
    case
}

fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    read.map(|entry| entry.expect("a folder lists its files").path())
        .collect()
}

/// Holds the crates to a case.
///
/// # Errors
/// What came of the input, where that is not what the case expects.
///
/// # Panics
/// Where the group is not known, or its input is not of the group's form.
pub fn check(case: &Case) -> Result<(), String> {
    let actual = outcome(&case.group, &case.input);
    if actual == case.expect {
        return Ok(());
    }
    Err(format!(
        "{}\n  {}\n  expected {}\n  but got  {actual}",
        case.path().display(),
        case.about,
        case.expect
    ))
}

/// What comes of an input: the value that `expect` must have.
fn outcome(group: &str, input: &Value) -> Value {
    let group = GROUPS
        .iter()
        .find(|known| known.name == group)
        .unwrap_or_else(|| panic!("no group of vectors is called {group}"));
    let (verdict, fields) = match group.run(input) {
        Ok(fields) => (OK, fields),
        Err(refused) => (refused.verdict, refused.details),
    };
    let mut all = Map::new();
    all.insert("verdict".into(), verdict.into());
    if let Value::Object(fields) = fields {
        all.extend(fields);
    }
    Value::Object(all)
}

/// Writes the files of all cases that [`build::all`] makes, and removes all others.
///
/// # Panics
/// Where a file operation fails.
pub fn write_all() {
    for world in build::worlds() {
        world.store();
    }
    let cases = build::all();
    let kept: BTreeSet<PathBuf> = cases.iter().map(|case| root().join(case.path())).collect();
    for folder in entries(&root())
        .into_iter()
        .filter(|path| path.is_dir() && !path.ends_with(worlds::FOLDER))
    {
        for stale in entries(&folder).difference(&kept) {
            fs::remove_file(stale).expect("a vector can be removed");
        }
    }
    for case in cases {
        let path = root().join(case.path());
        let folder = path.parent().expect("a vector is in a folder");
        fs::create_dir_all(folder).expect("a folder can be made");
        fs::write(&path, case.to_text()).expect("a vector can be written");
    }
}
