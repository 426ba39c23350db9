//! Our own binaries, built for the tests that run them.
//!
//! Cargo tells a test where the binaries of its own package are, and ours belong to others. So
//! cargo is asked to build them: in the profile of the test itself, once a process. It holds no
//! lock while tests run, and has nothing left to do where they are fresh.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    io::BufReader,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use cargo_metadata::Message;

/// The path of one of the workspace's binaries, such as `cc-connect`.
///
/// # Panics
/// Where the workspace does not build, or has no such binary.
pub fn bin(name: &str) -> PathBuf {
    static BINS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let bins = BINS.get_or_init(build);
    let path = bins.get(name);
    path.unwrap_or_else(|| panic!("no binary {name} among {bins:?}"))
        .clone()
}

/// Builds all of them at once, and over the whole workspace: to build one package alone resolves
/// the features of its dependencies anew, and would compile most of them a second time.
fn build() -> BTreeMap<String, PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut child = Command::new(cargo)
        .args(["build", "--workspace", "--bins", "--quiet"])
        .args(["--message-format", "json-render-diagnostics"])
        .args(["--profile", &profile()])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("cargo starts");
    let stdout = child.stdout.take().expect("stdout is piped");
    let bins = Message::parse_stream(BufReader::new(stdout))
        .filter_map(
            |message| match message.expect("cargo prints its messages") {
                Message::CompilerArtifact(artifact) => {
                    Some((artifact.target.name, artifact.executable?.into()))
                }
                _ => None,
            },
        )
        .collect();
    let status = child.wait().expect("cargo ends");
    assert!(status.success(), "cargo build: {status}");
    bins
}

/// The profile that this test was built in, from its own path `…/<profile>/deps/<test>`.
fn profile() -> String {
    let test = env::current_exe().expect("a test knows its path");
    let folder = test.ancestors().nth(2).and_then(Path::file_name);
    match folder.and_then(|folder| folder.to_str()) {
        Some("debug") | None => "dev".to_owned(),
        Some(profile) => profile.to_owned(),
    }
}
