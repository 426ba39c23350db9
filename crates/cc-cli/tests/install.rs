//! `install`, `uninstall` and `agents`, in a home that holds nothing else.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::{Person, stderr, stdout};

const AGENTS: [&str; 8] = [
    "claude", "codex", "gemini", "qwen", "copilot", "opencode", "cline", "aider",
];

/// Somebody whose `PATH` has only what the test puts there.
struct Somebody {
    person: Person,
    bin: PathBuf,
}

impl Somebody {
    fn new() -> Self {
        let person = Person::with_home(".cc-connect");
        let bin = person.folder().join("bin");
        fs::create_dir(&bin).unwrap();
        Self { person, bin }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.person.command();
        command
            .env_remove("CC_CONNECT_HOME")
            .env("PATH", &self.bin)
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn objects(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.command(arguments).arg("--json").output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        let lines = stdout(&output);
        let objects = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        objects
            .inspect(|object: &Value| assert_eq!(object["v"], 1))
            .collect()
    }

    fn object(&self, arguments: &[&str]) -> Value {
        let mut objects = self.objects(arguments);
        assert_eq!(objects.len(), 1, "{objects:?}");
        objects.remove(0)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.person.folder().join(name)
    }

    /// Every file but those of our own home.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.person.folder().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.ends_with(".cc-connect") {
                    continue;
                }
                if path.is_dir() {
                    files.push((path.clone(), Vec::new()));
                    folders.push(path);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    files.push((path, bytes));
                }
            }
        }
        files.sort();
        files
    }
}

#[test]
fn every_agent_goes_in_and_out_of_an_empty_home() {
    let somebody = Somebody::new();
    let before = somebody.files();
    for agent in AGENTS {
        let dry = somebody.object(&["install", agent, "--dry-run"]);
        assert_eq!(
            (&dry["dry_run"], &dry["changed"]),
            (&true.into(), &true.into())
        );
        assert_eq!(somebody.files(), before, "{agent}");
        let text = stdout(&somebody.run(&["install", agent, "--dry-run"]));
        assert!(
            text.contains("would be installed") && text.contains("\n    + "),
            "{text}"
        );

        let installed = somebody.object(&["install", agent]);
        assert_eq!(installed["agent"], agent);
        assert_eq!(installed["changed"], true);
        assert_eq!(installed["found"], false);
        let scope = if agent == "aider" { "project" } else { "user" };
        assert_eq!(installed["scope"], scope);
        for file in installed["files"].as_array().unwrap() {
            assert_eq!(file["change"], "created");
            assert!(Path::new(file["path"].as_str().unwrap()).is_file());
        }
        assert_eq!(installed["path"], installed["files"][0]["path"]);
        assert_eq!(somebody.object(&["install", agent])["changed"], false);

        let out = somebody.object(&["uninstall", agent]);
        assert_eq!(out["changed"], true);
        assert_eq!(somebody.files(), before, "{agent}");
        assert_eq!(somebody.object(&["uninstall", agent])["changed"], false);
    }
}

#[test]
fn the_file_that_aider_reads_is_there() {
    let somebody = Somebody::new();
    somebody.object(&["install", "aider"]);
    let text = fs::read_to_string(somebody.person.project.join(".aider.conf.yml")).unwrap();
    let path = text
        .lines()
        .find_map(|line| line.strip_prefix("- "))
        .unwrap();
    let path: PathBuf = serde_json::from_str(path).unwrap();
    assert!(path.is_file(), "{}", path.display());
}

#[test]
fn all_that_are_found_are_installed_and_all_that_are_installed_go() {
    let somebody = Somebody::new();
    let (error, exit) = failure(&somebody, &["install", "--all-found"]);
    assert_eq!((&error["kind"], exit), (&"settings".into(), 1));
    somebody.program("claude", "echo '2.1.330 (Claude Code)'");
    somebody.program("codex", "exec sleep 60");
    let before = somebody.files();
    let installed = somebody.objects(&["install", "--all-found"]);
    let names: Vec<&Value> = installed.iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["claude-code", "codex"]);
    assert!(installed.iter().all(|it| it["found"] == true));
    assert!(installed[1]["notes"][0].as_str().unwrap().contains("trust"));

    let agents = somebody.objects(&["agents"]);
    let of = |name: &str| agents.iter().find(|it| it["agent"] == name).unwrap();
    assert_eq!(of("claude")["version"], "2.1.330");
    assert_eq!(of("claude")["registered"].as_array().unwrap().len(), 2);
    assert_eq!(of("claude")["registered"][0]["is"], "this");
    assert_eq!(of("claude")["trusted"], "not needed");
    // It did not say in time.
    assert_eq!(of("codex")["version"], Value::Null);
    assert_eq!(of("codex")["trusted"], "untrusted");
    assert_eq!(of("gemini")["found"], Value::Null);
    assert_eq!(of("gemini")["registered"].as_array().unwrap().len(), 0);
    let table = stdout(&somebody.run(&["agents"]));
    let line = table
        .lines()
        .find(|line| line.starts_with("claude"))
        .unwrap();
    assert!(line.contains("user: hook, tools"), "{table}");

    let gone = somebody.objects(&["uninstall", "--all"]);
    assert_eq!(gone.len(), 2);
    assert_eq!(somebody.files(), before);
    assert_eq!(somebody.objects(&["uninstall", "--all"]).len(), 0);
}

#[test]
fn codex_is_asked_whether_it_trusts_the_hook() {
    let somebody = Somebody::new();
    somebody.object(&["install", "codex"]);
    let config = somebody.file(".codex/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text + "\n[hooks.state.\"x\"]\ntrusted_hash = \"y\"\n",
    )
    .unwrap();
    for (status, wanted) in [("trusted", "trusted"), ("modified", "untrusted")] {
        let hook = r#"{"command":"/opt/cc-connect hook --agent codex","trustStatus":"STATUS"}"#;
        let theirs = r#"{"command":"mine","trustStatus":"untrusted"}"#;
        let answer = format!(
            r#"{{"id":2,"result":{{"data":[{{"hooks":[{theirs},{}]}}]}}}}"#,
            hook.replace("STATUS", status)
        );
        somebody.program(
            "codex",
            &format!("[ \"$1\" = app-server ] && echo '{answer}'"),
        );
        let agents = somebody.objects(&["agents"]);
        let codex = agents.iter().find(|it| it["agent"] == "codex").unwrap();
        assert_eq!(codex["trusted"], wanted);
    }
}

#[test]
fn another_program_or_none_is_said_to_be_registered() {
    let somebody = Somebody::new();
    let file = somebody.file(".claude/settings.json");
    fs::create_dir(file.parent().unwrap()).unwrap();
    let old = somebody.file("old/cc-connect");
    let hook = format!(
        r#"{{"hooks":{{"UserPromptSubmit":[{{"hooks":[{{"type":"command","command":"{} hook --agent claude"}}]}}]}}}}"#,
        old.display()
    );
    fs::write(&file, hook).unwrap();
    let claude = || somebody.objects(&["agents"]).remove(0);
    assert_eq!(claude()["registered"][0]["is"], "missing");
    fs::create_dir(old.parent().unwrap()).unwrap();
    fs::write(&old, "").unwrap();
    assert_eq!(claude()["registered"][0]["is"], "other");
    somebody.object(&["install", "claude"]);
    assert_eq!(claude()["registered"][0]["is"], "this");

    fs::write(&file, "{ nonsense").unwrap();
    let broken = claude();
    assert!(broken["fault"].as_str().unwrap().contains("settings.json"));
}

#[test]
fn a_file_that_is_not_understood_stops_that_agent_alone() {
    let somebody = Somebody::new();
    fs::write(somebody.file(".claude.json"), "{").unwrap();
    let output = somebody.run(&["install", "claude", "qwen"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains(".claude.json is not valid JSON") && said.contains("hint: mend"),
        "{said}"
    );
    assert!(!somebody.file(".claude").exists(), "half installed");
    assert!(somebody.file(".qwen/settings.json").exists());
}

#[test]
fn options_and_scopes() {
    let somebody = Somebody::new();
    let installed = somebody.object(&["install", "claude", "--project", "--mid-turn", "--approve"]);
    assert_eq!(installed["scope"], "project");
    let text = |name: &str| fs::read_to_string(somebody.person.project.join(name)).unwrap();
    assert!(text(".claude/settings.json").contains("PostToolUse"));
    assert!(text(".mcp.json").contains("--approve"));
    assert!(!somebody.file(".claude").exists());
    somebody.object(&["uninstall", "claude", "--project"]);
    assert_eq!(fs::read_dir(&somebody.person.project).unwrap().count(), 0);

    let (error, exit) = failure(&somebody, &["install", "aider", "--user"]);
    assert_eq!((&error["kind"], exit), (&"usage".into(), 2));
    let (error, exit) = failure(&somebody, &["install", "emacs"]);
    assert_eq!((&error["kind"], exit), (&"usage".into(), 2));
    assert!(error["hint"].as_str().unwrap().contains("claude, codex"));
    let generic = somebody.object(&["install", "generic"]);
    assert_eq!(
        (&generic["changed"], &generic["path"]),
        (&false.into(), &Value::Null)
    );
    assert!(
        generic["notes"][0]
            .as_str()
            .unwrap()
            .contains("--agent generic")
    );

    // A home that is not the one by default stands in what is registered.
    let mut elsewhere = somebody.command(&["install", "claude", "--home", "elsewhere"]);
    assert!(elsewhere.status().unwrap().success());
    let settings = fs::read_to_string(somebody.file(".claude/settings.json")).unwrap();
    let home = somebody.person.project.join("elsewhere");
    assert!(
        settings.contains(&format!("--home {}", home.display())),
        "{settings}"
    );
}

#[test]
fn a_profile_of_ones_own_is_kept_and_goes_by_its_name() {
    let somebody = Somebody::new();
    let file = somebody.file("mine.toml");
    let profile = r#"
v = 1
name = "mine"
title = "Mine"
[event]
session = "id"
[moments]
prompt = ["ask"]
[answer]
prompt = "{context}"
[[register]]
what = "hook"
user = "~/.mine.json"
format = "json"
at = ["run"]
item = '"{hook:ask}"'
"#;
    fs::write(&file, profile).unwrap();
    let path = file.to_str().unwrap();
    let installed = somebody.object(&["install", "--profile", path]);
    assert_eq!(installed["agent"], "mine");
    let settings = somebody.file(".mine.json");
    let text = fs::read_to_string(&settings).unwrap();
    assert!(text.contains("hook --agent mine --event ask"), "{text}");
    assert!(somebody.file(".cc-connect/agents/mine.toml").is_file());
    let agents = somebody.objects(&["agents"]);
    assert_eq!(agents.last().unwrap()["shipped"], false);
    somebody.object(&["uninstall", "mine"]);
    assert!(!settings.exists());
}

fn failure(somebody: &Somebody, arguments: &[&str]) -> (Value, i32) {
    let output = somebody.command(arguments).arg("--json").output().unwrap();
    let said = stderr(&output);
    let error: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    (error["error"].clone(), output.status.code().unwrap())
}
