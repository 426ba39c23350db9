//! What the CLIs differ in, and where they are.

use std::{
    env, fs,
    io::{Write as _, stderr},
    path::{Path, PathBuf},
};

use cc_tests::{
    machine::{Machine, run},
    model_api::ModelApi,
};
use serde_json::Value;
use tokio::process::Command;

/// An agent's CLI.
#[derive(Debug)]
pub struct Agent {
    /// Its name for `cc-connect install`.
    pub name: &'static str,
    /// The folder with its pin, below `tests/agents`.
    pub folder: &'static str,
    /// The npm package that is pinned there, or its other file with the version.
    pub pin: Pin,
    /// The program, in that folder.
    pub program: &'static str,
    /// Whether CI may not do without it.
    pub required: bool,
    /// What the user has in their home before anything of ours comes: settings, and where the model is.
    pub seed: fn(&Machine, &ModelApi),
    /// Completes the command line of one headless prompt.
    pub ask: fn(&mut Command, &ModelApi, Turn<'_>),
    /// What the names of the room's tools begin with; `None` where it takes no tools.
    pub tools: Option<&'static str>,
    /// What it writes into the home by itself, run or not run with us: files, and folders with all that is in
    /// them; a `*` ends the beginning of a name.
    pub own: &'static [&'static str],
    /// Whether a session can be gone on with without a terminal.
    pub goes_on: bool,
    /// A run takes seconds, so that a test does with fewer.
    pub is_slow: bool,
}

/// How a version is pinned.
#[derive(Debug)]
pub enum Pin {
    /// An npm package of this name.
    Npm(&'static str),
    /// A Python package of this name, in a virtual environment.
    Python(&'static str),
}

/// One prompt.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// What the human says.
    pub prompt: &'a str,
    /// Whether it goes on with the last session.
    pub is_next: bool,
}

/// The folder with the pins.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("agents")
}

impl Agent {
    /// The CLI, or `None` where the test is to be skipped.
    pub async fn find(&self) -> Option<PathBuf> {
        let folder = folder().join(self.folder);
        let program = folder.join(self.program);
        let wanted = self.pin.wanted(&folder);
        let missing = match self.pin.installed(&folder) {
            Some(version) if version == wanted => match starts(&program).await {
                Ok(()) => return Some(program),
                Err(error) => format!("{} does not start: {error}", program.display()),
            },
            Some(version) => format!("the CLI is {version}, not {wanted}"),
            None => format!("no CLI at {}", program.display()),
        };
        let missing = format!(
            "{}: {missing}; fetch it with tests/agents/run-all",
            self.name
        );
        let required = match env::var("CC_REQUIRE_AGENTS").as_deref() {
            Ok("1") => self.required,
            Ok("all") => true,
            _ => false,
        };
        assert!(!required, "{missing}");
        // Not by a macro, whose output the test harness would keep to itself.
        let _ = writeln!(stderr(), "skipped: {missing}");
        None
    }
}

impl Pin {
    fn wanted(&self, folder: &Path) -> String {
        match self {
            Self::Npm(package) => {
                let pins = json(&folder.join("package.json")).expect("the pins");
                let kinds = [&pins["dependencies"], &pins["optionalDependencies"]];
                let pin = kinds.iter().find_map(|pins| pins[package].as_str());
                pin.unwrap_or_else(|| panic!("{package} is pinned"))
                    .to_owned()
            }
            Self::Python(package) => {
                let pins = fs::read_to_string(folder.join("requirements.txt")).expect("the pins");
                let pin = pins.lines().find_map(|line| line.strip_prefix(package));
                let pin = pin.and_then(|pin| pin.strip_prefix("=="));
                pin.unwrap_or_else(|| panic!("{package} is pinned"))
                    .to_owned()
            }
        }
    }

    fn installed(&self, folder: &Path) -> Option<String> {
        match self {
            Self::Npm(package) => {
                let package = folder
                    .join("node_modules")
                    .join(package)
                    .join("package.json");
                json(&package)?["version"].as_str().map(str::to_owned)
            }
            Self::Python(package) => {
                let prefix = format!("{}-", package.replace('-', "_"));
                let versions = fs::read_dir(folder.join("venv/lib")).ok()?.flatten();
                let packages =
                    versions.filter_map(|lib| fs::read_dir(lib.path().join("site-packages")).ok());
                let names = packages.flatten().flatten().map(|entry| entry.file_name());
                names
                    .filter_map(|name| name.into_string().ok())
                    .find_map(|name| {
                        let version = name.strip_prefix(&prefix)?.strip_suffix(".dist-info")?;
                        Some(version.to_owned())
                    })
            }
        }
    }
}

/// Before its package's install script has run, a CLI may be a file that cannot do even this.
async fn starts(program: &Path) -> Result<(), String> {
    let nobody = Machine::new();
    match run(nobody.command(program).arg("--version"), "").await {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(output.status.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes a file into a home, with the folders above it.
pub fn write(machine: &Machine, path: &str, content: &str) {
    let path = machine.home().join(path);
    fs::create_dir_all(path.parent().expect("a folder")).unwrap();
    fs::write(path, content).unwrap();
}
