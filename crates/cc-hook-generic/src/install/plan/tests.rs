//! Plans cut short, as by a power failure: whatever was written, doing it again or taking it out comes right.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::Plan;
use crate::install::{Request, Scope, plan_install, plan_uninstall};
use crate::profile::Profile;

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                files.insert(path, bytes);
            }
        }
    }
    files
}

/// Carries out so many steps and gives how many there are.
fn begin(plan: &Plan, steps: usize) -> usize {
    let all = plan.steps();
    for (file, step) in all.iter().take(steps) {
        plan.files[*file].step(*step).unwrap();
    }
    all.len()
}

/// A home with something in one of the agent's files, or in none.
fn with_home(agent: &str, seeded: bool, act: &dyn Fn(&Path, &Profile, &Request<'_>)) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_owned();
    if seeded {
        fs::write(path.join(".claude.json"), "{ \"a\": 1 }").unwrap();
        fs::create_dir(path.join(".codex")).unwrap();
        fs::write(path.join(".codex/config.toml"), "a = 1").unwrap();
        fs::create_dir(path.join(".copilot")).unwrap();
        fs::write(path.join(".copilot/mcp-config.json"), "{ }").unwrap();
    }
    let environment = |name: &str| (name == "HOME").then(|| OsString::from(&path));
    let request = Request {
        scope: Scope::User,
        program: "/opt/cc-connect".into(),
        home: None,
        view: "/v".into(),
        mid_turn: false,
        approve: false,
        environment: &environment,
    };
    act(&path, &Profile::named(agent).unwrap(), &request);
}

const CASES: [(&str, bool); 8] = [
    ("claude", false),
    ("claude", true),
    ("codex", false),
    ("codex", true),
    ("copilot", false),
    ("copilot", true),
    ("cline", false),
    ("opencode", false),
];

#[test]
fn an_installation_cut_short_can_be_repeated_or_taken_out() {
    for (agent, seeded) in CASES {
        for again in [true, false] {
            let mut cut = 0;
            loop {
                let more = std::cell::Cell::new(false);
                with_home(agent, seeded, &|home, profile, request| {
                    let before = files(home);
                    let plan = plan_install(profile, request).unwrap();
                    more.set(begin(&plan, cut) > cut);
                    if again {
                        let plan = plan_install(profile, request).unwrap();
                        plan.apply().unwrap();
                        assert!(!plan_install(profile, request).unwrap().is_change());
                    }
                    plan_uninstall(profile, request).unwrap().apply().unwrap();
                    assert_eq!(files(home), before, "{agent} {cut}");
                    if !seeded {
                        // No folder of ours either.
                        assert_eq!(fs::read_dir(home).unwrap().count(), 0, "{agent} {cut}");
                    }
                });
                if !more.get() {
                    break;
                }
                cut += 1;
            }
        }
    }
}

#[test]
fn an_uninstallation_cut_short_can_be_repeated() {
    for (agent, seeded) in CASES {
        for back in [true, false] {
            let mut cut = 0;
            loop {
                let more = std::cell::Cell::new(false);
                with_home(agent, seeded, &|home, profile, request| {
                    let before = files(home);
                    plan_install(profile, request).unwrap().apply().unwrap();
                    let installed = files(home);
                    let plan = plan_uninstall(profile, request).unwrap();
                    more.set(begin(&plan, cut) > cut);
                    if back {
                        plan_install(profile, request).unwrap().apply().unwrap();
                        let now = files(home);
                        let settings = |all: &BTreeMap<PathBuf, Vec<u8>>| {
                            let mut all = all.clone();
                            all.retain(|path, _| !path.to_string_lossy().ends_with("backup"));
                            all
                        };
                        assert_eq!(settings(&now), settings(&installed), "{agent} {cut}");
                    }
                    plan_uninstall(profile, request).unwrap().apply().unwrap();
                    assert_eq!(files(home), before, "{agent} {cut}");
                });
                if !more.get() {
                    break;
                }
                cut += 1;
            }
        }
    }
}
