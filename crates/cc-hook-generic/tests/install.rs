//! Registering each shipped agent in homes of every kind, and taking it out again, on real files. Long because it is a
//! list of such homes, one after the other.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use cc_hook_generic::Profile;
use cc_hook_generic::install::{
    InstallError, Request, Scope, backup_path, plan_install, plan_uninstall, registered,
};
use proptest::prelude::*;

const AGENTS: [&str; 8] = [
    "claude", "codex", "gemini", "qwen", "copilot", "opencode", "cline", "aider",
];
const PROGRAM: &str = "/opt/a place/cc-connect";

/// A home with a project in it.
struct Place {
    folder: tempfile::TempDir,
    mid_turn: bool,
    project: bool,
    program: &'static str,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        Self {
            folder,
            mid_turn: false,
            project: false,
            program: PROGRAM,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn with<R>(&self, agent: &str, act: impl FnOnce(&Profile, &Request<'_>) -> R) -> R {
        let profile = Profile::named(agent).unwrap();
        let home = self.path().to_owned();
        let environment = move |name: &str| (name == "HOME").then(|| OsString::from(&home));
        let project = self.project || !profile.has_user_settings();
        let request = Request {
            scope: if project {
                Scope::Project(self.path().join("project"))
            } else {
                Scope::User
            },
            program: self.program.into(),
            home: None,
            view: self.path().join("cc/views/0123456789abcdef/ROOM.md"),
            mid_turn: self.mid_turn,
            approve: false,
            environment: &environment,
        };
        act(&profile, &request)
    }

    fn install(&self, agent: &str) -> Result<bool, InstallError> {
        self.with(agent, |profile, request| {
            let plan = plan_install(profile, request)?;
            plan.apply()?;
            Ok(plan.is_change())
        })
    }

    fn uninstall(&self, agent: &str) -> Result<bool, InstallError> {
        self.with(agent, |profile, request| {
            let plan = plan_uninstall(profile, request)?;
            plan.apply()?;
            Ok(plan.is_change())
        })
    }

    /// The files of an agent.
    fn files(&self, agent: &str) -> Vec<PathBuf> {
        self.with(agent, |profile, request| {
            let plan = plan_install(profile, request).unwrap();
            let files = plan.files().iter();
            files.map(|file| file.path().to_owned()).collect()
        })
    }

    fn registered(&self, agent: &str) -> Vec<&'static str> {
        self.with(agent, |profile, request| {
            let mut whats: Vec<&str> = registered(profile, request)
                .unwrap()
                .iter()
                .inspect(|it| {
                    let program = it.program.as_deref();
                    assert!(program.is_none_or(|it| it == Path::new(self.program)));
                })
                .map(|it| it.what.name())
                .collect();
            whats.sort_unstable();
            whats.dedup();
            whats
        })
    }

    /// All there is: kind, mode and bytes by path.
    fn tree(&self) -> BTreeMap<PathBuf, (char, u32, Vec<u8>)> {
        let mut tree = BTreeMap::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let meta = fs::symlink_metadata(&path).unwrap();
                let mode = meta.permissions().mode() & 0o7777;
                let (kind, bytes) = if meta.is_symlink() {
                    let to = fs::read_link(&path).unwrap();
                    ('l', to.into_os_string().into_encoded_bytes())
                } else if meta.is_dir() {
                    folders.push(path.clone());
                    ('d', Vec::new())
                } else {
                    ('f', fs::read(&path).unwrap())
                };
                tree.insert(path, (kind, mode, bytes));
            }
        }
        tree
    }
}

fn write(file: &Path, text: &str, mode: u32) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

/// What people have in such a file, in layouts that no serializer prints; and what is broken.
fn texts(file: &Path) -> (&'static [&'static str], &'static [&'static str]) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let in_folder = |folder: &str| file.parent().unwrap().ends_with(folder);
    match name {
        "config.toml" => (
            &[
                "# mine\nmodel = \"o3\"   # fast\n\n[mcp_servers.other]\ncommand = \"true\" # theirs\n",
                "model = 'x'",
                "[projects.\"/a\"]\r\ntrust_level = \"trusted\"\r\n",
                "\n",
            ],
            &[
                "model = ",
                "[mcp_servers]\ncc-connect = 1\n",
                "mcp_servers = {}\n",
            ],
        ),
        ".aider.conf.yml" => (
            &[
                "# mine\nmodel: x\n",
                "model: x",
                "read: [a.md,  b.md] # both\n",
                "read: []\n",
                "read:\n  # first\n  - a.md\n  - \"b.md\"\ndark-mode: true\n",
                "a: 1\r\nread:\r\n- a.md\r\n",
            ],
            &[
                "read: a.md\n",
                "read: [a]\nread: [b]\n",
                "{read: [a]}\n",
                "read: &x [a]\n",
                "# only\n",
            ],
        ),
        "cc-connect.js" => (
            &[],
            &[
                "// somebody else's\n",
                "// after `cc-connect install cline`, by hand\n",
            ],
        ),
        "settings.json" if in_folder(".gemini") || in_folder(".qwen") => (
            &[
                "{\n  // mine\n  \"theme\": \"x\", // dark\n  \"hooks\": {\n    \"BeforeAgent\": [], /* none */ \"UserPromptSubmit\": [ {\"hooks\": [{\"type\": \"command\", \"command\": \"true\"}]} ] // keep\n  }\n  // last\n}\n",
                "{ /* nothing */ }",
                "{\n\t\"mcpServers\": {\"a\": {\"command\": \"b\"} }, \"n\": [1.0, 1e3, \"\\u00e9 // no comment\"]\n}",
                "// first\n{}\n",
            ],
            &[
                "{",
                "{\"a\": 1,}",
                "{\"hooks\": []}",
                "{\"mcpServers\": 3}",
                "{\"mcpServers\": {\"cc-connect\": {\"command\": \"x\"}}}",
                "/* open {}",
            ],
        ),
        "mcp-config.json" => (
            &[
                "{\n  \"mcpServers\": {\n    \"a\": {\"command\": \"b\",}, // mine\n  },\n}\n",
                "{\"mcpServers\":{}}",
                "{\n  \"x\": [\n    1, // one\n  ],\n}",
            ],
            &[
                "[]",
                "{,}",
                "{\"mcpServers\": []}",
                "{\"mcpServers\": {\"cc-connect\": {\"command\": \"x\"}}}",
            ],
        ),
        // Strict JSON: hooks, or tools.
        _ => (
            &[
                "{}",
                "{ }\n",
                "{\"model\":\"opus\"}",
                "{\r\n\t\"env\": {\"A\": \"}{[]\\\"\"}\r\n}\r\n",
                "{\n    \"permissions\": { \"allow\": [\"Bash(ls:*)\"],   \"deny\": [] },\n  \"hooks\": {\n    \"UserPromptSubmit\": [ {\"hooks\": [{\"type\": \"command\", \"command\": \"true\"}]} ],\n    \"Stop\": []\n  },\n  \"mcpServers\": {},\n    \"zz\": [1.0, 1e3, \"\\u00e9\"]\n}\n",
                "{\n  \"mcpServers\": {\n    \"a\": { \"command\": \"b\" }\n  }\n}",
            ],
            &["{", "[]", "{\"a\": 1,}", "{ // no\n}"],
        ),
    }
}

#[test]
fn an_empty_home_is_empty_again() {
    for agent in AGENTS {
        for (mid_turn, project) in [(false, false), (true, false), (true, true)] {
            let mut place = Place::new();
            (place.mid_turn, place.project) = (mid_turn, project);
            let before = place.tree();
            assert!(place.install(agent).unwrap(), "{agent}");
            let installed = place.tree();
            assert!(!place.install(agent).unwrap(), "{agent} twice");
            assert_eq!(place.tree(), installed, "{agent} twice");
            let whats = place.registered(agent);
            match agent {
                "opencode" => assert_eq!(whats, ["plugin"]),
                "aider" => assert_eq!(whats, ["view"]),
                "cline" if project => assert_eq!(whats, ["hook"]),
                _ => assert_eq!(whats, ["hook", "tools"], "{agent}"),
            }
            assert!(place.uninstall(agent).unwrap(), "{agent}");
            assert_eq!(place.tree(), before, "{agent}");
            assert!(!place.uninstall(agent).unwrap(), "{agent}");
            assert_eq!(place.tree(), before, "{agent}");
        }
    }
}

#[test]
fn what_people_have_is_given_back_to_the_byte() {
    for agent in AGENTS {
        for file in Place::new().files(agent) {
            for (index, text) in texts(&file).0.iter().enumerate() {
                for keep_backup in [true, false] {
                    let place = Place::new();
                    let files = place.files(agent);
                    let same = |it: &&PathBuf| it.file_name() == file.file_name();
                    let file = files.iter().find(same).unwrap();
                    write(file, text, 0o640);
                    let before = place.tree();

                    assert!(place.install(agent).unwrap(), "{agent} {text:?}");
                    let now = fs::read_to_string(file).unwrap();
                    assert_ne!(now, *text, "{agent}");
                    let mode = fs::metadata(file).unwrap().permissions().mode();
                    assert_eq!(mode & 0o777, 0o640, "{agent}");
                    assert_eq!(fs::read_to_string(backup_path(file)).unwrap(), *text);
                    assert!(!place.install(agent).unwrap(), "{agent} twice {text:?}");
                    assert_eq!(fs::read_to_string(file).unwrap(), now);

                    if !keep_backup {
                        fs::remove_file(backup_path(file)).unwrap();
                    }
                    assert!(place.uninstall(agent).unwrap(), "{agent} {text:?}");
                    let after = place.tree();
                    // Without it, how a container that was empty before was laid out is forgotten.
                    if keep_backup {
                        assert_eq!(after, before, "{agent} {index} {text:?}\n{now}");
                    } else {
                        assert!(!fs::read_to_string(file).unwrap().contains("cc-connect"));
                    }
                }
            }
        }
    }
}

#[test]
fn what_others_write_meanwhile_stays() {
    let cases = [
        (
            "claude",
            ".claude/settings.json",
            "{\n  \"model\": \"opus\"\n}\n",
        ),
        ("codex", ".codex/config.toml", "model = \"x\"\n"),
        (
            "qwen",
            ".qwen/settings.json",
            "{\n  // mine\n  \"ui\": {}\n}\n",
        ),
        (
            "copilot",
            ".copilot/mcp-config.json",
            "{\n  \"mcpServers\": {\n    \"a\": {},\n  },\n}\n",
        ),
        ("aider", "project/.aider.conf.yml", "model: x\n"),
    ];
    for (agent, name, text) in cases {
        let place = Place::new();
        let file = place.path().join(name);
        write(&file, text, 0o600);
        place.install(agent).unwrap();
        let now = fs::read_to_string(&file).unwrap();
        let theirs = match agent {
            "codex" => now.clone() + "\n[hooks.state]\nx = 1 # theirs\n",
            "aider" => now.clone() + "dark-mode: true\n",
            _ => now.replacen('{', "{ \"theirs\":  [ 1 ],", 1),
        };
        fs::write(&file, theirs).unwrap();
        assert!(place.uninstall(agent).unwrap());
        let wanted = match agent {
            "codex" => text.to_owned() + "\n[hooks.state]\nx = 1 # theirs\n",
            "aider" => text.to_owned() + "dark-mode: true\n",
            _ => text.replacen('{', "{ \"theirs\":  [ 1 ],", 1),
        };
        assert_eq!(fs::read_to_string(&file).unwrap(), wanted, "{agent}");
        assert!(!backup_path(&file).exists());
    }
}

#[test]
fn a_file_of_ours_that_others_wrote_to_is_kept_without_ours() {
    for (agent, name) in [
        ("claude", ".claude.json"),
        ("qwen", ".qwen/settings.json"),
        ("copilot", ".copilot/hooks/00-cc-connect.json"),
    ] {
        let place = Place::new();
        place.install(agent).unwrap();
        let file = place.path().join(name);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen('{', "{\"$version\": 4,", 1)).unwrap();
        place.uninstall(agent).unwrap();
        let left: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let mut wanted = serde_json::json!({"$version": 4});
        if agent == "copilot" {
            wanted["version"] = 1.into();
        }
        assert_eq!(left, wanted, "{agent}");
    }
}

#[test]
fn what_is_not_understood_is_left_alone_and_nothing_else_is_written() {
    for agent in AGENTS {
        for index in 0..Place::new().files(agent).len() {
            let file = Place::new().files(agent)[index].clone();
            for text in texts(&file).1 {
                let place = Place::new();
                let file = &place.files(agent)[index];
                write(file, text, 0o600);
                let before = place.tree();
                let error = place
                    .install(agent)
                    .expect_err(&format!("{agent} {text:?}"));
                let words = error.to_string();
                assert!(words.contains(file.to_str().unwrap()), "{words}");
                assert_eq!(place.tree(), before, "{agent} {text:?}");
            }
        }
    }
}

#[test]
fn a_linked_file_is_edited_where_it_stands() {
    for agent in ["claude", "codex", "copilot", "aider"] {
        let place = Place::new();
        for (index, file) in place.files(agent).iter().enumerate() {
            let Some(text) = texts(file).0.first() else {
                continue;
            };
            // Settings of a folder stay in it.
            let folder = if agent == "aider" { "project/x" } else { "x" };
            let real = place.path().join(format!("{folder}/{index}"));
            write(&real, text, 0o600);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            symlink(&real, file).unwrap();
        }
        let before = place.tree();
        place.install(agent).unwrap();
        for file in place.files(agent) {
            assert!(fs::symlink_metadata(&file).unwrap().is_symlink(), "{agent}");
        }
        place.uninstall(agent).unwrap();
        assert_eq!(place.tree(), before, "{agent}");
    }
}

#[test]
fn a_folder_whose_links_lead_out_of_it_is_left_alone() {
    for agent in ["claude", "codex", "qwen", "aider"] {
        // The file itself, the folder it is in, a file that is not there, and one by way of a folder to be made.
        for kind in 0..4 {
            let mut place = Place::new();
            place.project = true;
            let outside = place.path().join("outside");
            fs::create_dir(&outside).unwrap();
            let file = place.files(agent).remove(0);
            let folder = file.parent().unwrap();
            let is_deep = !folder.ends_with("project");
            match kind {
                0 => {
                    let text = texts(&file).0.first().copied().unwrap_or("{}");
                    write(&outside.join("theirs"), text, 0o600);
                    fs::create_dir_all(folder).unwrap();
                    symlink(outside.join("theirs"), &file).unwrap();
                }
                1 if is_deep => symlink(&outside, folder).unwrap(),
                2 => {
                    fs::create_dir_all(folder).unwrap();
                    symlink("../outside/new", folder.join("hop")).unwrap();
                    symlink(outside.join("new"), &file).unwrap();
                }
                3 => {
                    fs::create_dir_all(folder).unwrap();
                    symlink("made/../../../outside/new", &file).unwrap();
                }
                _ => continue,
            }
            let before = place.tree();
            let refused = place.install(agent);
            assert!(
                matches!(refused, Err(InstallError::LeadsOutside { .. })),
                "{agent} {kind}: {refused:?}"
            );
            assert_eq!(place.tree(), before, "{agent} {kind}");
        }
    }
}

#[test]
fn a_folder_under_another_name_is_the_same_folder() {
    let mut place = Place::new();
    place.project = true;
    let project = place.path().join("project");
    fs::rename(&project, place.path().join("real")).unwrap();
    symlink(place.path().join("real"), &project).unwrap();
    fs::create_dir(project.join("shared")).unwrap();
    symlink("shared", project.join(".claude")).unwrap();
    assert!(place.install("claude").unwrap());
    assert!(place.uninstall("claude").unwrap());
}

#[test]
fn another_program_takes_the_place_of_the_first() {
    for agent in AGENTS {
        let mut place = Place::new();
        let before = place.tree();
        place.install(agent).unwrap();
        place.program = "/usr/local/bin/cc-connect";
        place.mid_turn = true;
        let changed = place.install(agent).unwrap();
        assert_eq!(changed, agent != "aider", "{agent}");
        let whats = place.registered(agent);
        assert!(!whats.is_empty());
        for (path, (_, _, bytes)) in place.tree() {
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains(PROGRAM), "{}: {text}", path.display());
        }
        // What was asked for last counts.
        place.mid_turn = false;
        place.install(agent).unwrap();
        let texts: Vec<Vec<u8>> = place.tree().into_values().map(|it| it.2).collect();
        let all = String::from_utf8_lossy(&texts.concat()).into_owned();
        for event in ["PostToolUse", "AfterTool", "postToolUse", "MID_TURN = true"] {
            assert!(!all.contains(event), "{agent} {event}");
        }
        place.uninstall(agent).unwrap();
        assert_eq!(place.tree(), before, "{agent}");
    }
}

#[test]
fn a_write_that_fails_takes_the_others_back() {
    for agent in ["claude", "codex", "copilot", "cline"] {
        let place = Place::new();
        let files = place.files(agent);
        let last = files.last().unwrap();
        // Where the file is written before it is renamed, something is in the way.
        let mut name = last.as_os_str().to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        fs::create_dir_all(Path::new(&name).join("in the way")).unwrap();
        let before = place.tree();
        assert!(
            matches!(place.install(agent), Err(InstallError::Io { .. })),
            "{agent}"
        );
        assert_eq!(place.tree(), before, "{agent}");

        fs::remove_dir_all(&name).unwrap();
        place.install(agent).unwrap();
        let text = fs::read_to_string(last).unwrap();
        fs::write(last, text.replacen('{', "{ \"theirs\": 1,", 1)).unwrap();
        fs::create_dir_all(Path::new(&name).join("in the way")).unwrap();
        if agent != "codex" {
            let before = place.tree();
            assert!(place.uninstall(agent).is_err(), "{agent}");
            assert_eq!(place.tree(), before, "{agent}");
        }
    }
}

#[test]
fn where_there_is_no_place_for_it_nothing_is_written() {
    let place = Place::new();
    fs::write(place.path().join(".gemini"), "a file, not a folder").unwrap();
    let before = place.tree();
    assert!(matches!(
        place.install("gemini"),
        Err(InstallError::Io { .. })
    ));
    assert_eq!(place.tree(), before);

    let user = place.with("aider", |profile, request| {
        let request = Request {
            scope: Scope::User,
            ..request.clone()
        };
        plan_install(profile, &request).map(|_| ())
    });
    assert!(matches!(user, Err(InstallError::NoSuchScope { .. })));
    let homeless = place.with("claude", |profile, request| {
        let request = Request {
            environment: &|_| None,
            ..request.clone()
        };
        plan_install(profile, &request).map(|_| ())
    });
    assert!(matches!(homeless, Err(InstallError::NoHome)));
}

#[test]
fn variables_of_the_agents_say_where_their_settings_are() {
    for (agent, variable, file) in [
        ("claude", "CLAUDE_CONFIG_DIR", "there/.claude.json"),
        ("codex", "CODEX_HOME", "there/hooks.json"),
        ("gemini", "GEMINI_CLI_HOME", "there/.gemini/settings.json"),
        ("qwen", "QWEN_HOME", "there/settings.json"),
        ("copilot", "COPILOT_HOME", "there/mcp-config.json"),
        (
            "opencode",
            "XDG_CONFIG_HOME",
            "there/opencode/plugins/cc-connect.js",
        ),
        ("cline", "CLINE_MCP_SETTINGS_PATH", "there"),
    ] {
        let place = Place::new();
        let there = place.path().join("there");
        let files: Vec<PathBuf> = place.with(agent, |profile, request| {
            let environment = |name: &str| match name {
                "HOME" => Some("/h".into()),
                name if name == variable => Some(OsString::from(&there)),
                _ => None,
            };
            let request = Request {
                environment: &environment,
                ..request.clone()
            };
            let plan = plan_install(profile, &request).unwrap();
            plan.files()
                .iter()
                .map(|file| file.path().to_owned())
                .collect()
        });
        assert!(
            files.contains(&place.path().join(file)),
            "{agent}: {files:?}"
        );
    }
}

#[test]
fn tools_that_another_way_registered_are_ours_to_mend() {
    let place = Place::new();
    let file = place.path().join(".claude.json");
    let by_cli = "{\n  \"mcpServers\": {\n    \"cc-connect\": {\n      \"type\": \"stdio\",\n      \"command\": \"/old/cc-connect\",\n      \"args\": [\"mcp\", \"--agent\", \"claude\"],\n      \"env\": {\"MINE\": \"1\"}\n    }\n  }\n}";
    write(&file, by_cli, 0o600);
    place.install("claude").unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let entry = &json["mcpServers"]["cc-connect"];
    assert_eq!(entry["command"], PROGRAM);
    assert_eq!(entry["alwaysLoad"], true);
    assert_eq!(entry["env"]["MINE"], "1");
    place.uninstall("claude").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "{}");
}

#[test]
fn what_follows_a_comment_stays_outside_it() {
    let place = Place::new();
    let file = place.path().join(".gemini/settings.json");
    let text = "{\"a\":1,// \n\"hooks\":{\"BeforeAgent\":[]}}";
    write(&file, text, 0o600);
    place.install("gemini").unwrap();
    fs::remove_file(backup_path(&file)).unwrap();
    place.uninstall("gemini").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"a\":1// \n}");
    place.install("gemini").unwrap();
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Spaces and comments wherever JSON may have them.
fn spread(text: &str, fill: &[String]) -> String {
    let mut out = String::new();
    let mut fills = fill.iter().cycle();
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if !quoted && "{}[]:,".contains(c) {
            out.push_str(fills.next().map_or("", String::as_str));
            out.push(c);
            out.push_str(fills.next().map_or("", String::as_str));
            continue;
        }
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_json_survives(
        rest in prop::collection::btree_map("[a-g\"\\\\/]{1,3}", any_json(), 0..5),
        hooks in prop::option::of(prop::collection::btree_map("Stop|BeforeAgent", Just(serde_json::json!([])), 0..2)),
        fill in prop::collection::vec("( |\n|\r\n|\t|/\\* [a-z\",{}]{0,4} \\*/|// [a-z\"{},]{0,3}\n){0,3}", 1..6),
        backup: bool,
    ) {
        let mut object: serde_json::Map<String, serde_json::Value> = rest.into_iter().collect();
        let has_hooks = hooks.is_some();
        if let Some(hooks) = hooks {
            object.insert("hooks".into(), serde_json::Value::Object(hooks.into_iter().collect()));
        }
        let is_empty = object.is_empty();
        let text = spread(&serde_json::Value::Object(object).to_string(), &fill);
        let place = Place::new();
        let file = place.path().join(".gemini/settings.json");
        write(&file, &text, 0o600);
        prop_assert!(place.install("gemini").unwrap());
        prop_assert_eq!(place.registered("gemini"), ["hook", "tools"]);
        prop_assert!(!place.install("gemini").unwrap());
        if !backup {
            fs::remove_file(backup_path(&file)).unwrap();
        }
        prop_assert!(place.uninstall("gemini").unwrap());
        // Without a backup it is the splicer's own work; how an empty container was laid out it cannot know.
        if backup || (!is_empty && !has_hooks) {
            prop_assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }
}

/// What Codex makes of its file: it writes it anew, with tables of others between our marks or without a mark.
#[test]
fn a_table_of_ours_is_known_by_what_it_runs() {
    type Change<'a> = &'a dyn Fn(&str) -> String;
    const BEGIN: &str = "# cc-connect begin; `cc-connect uninstall` takes this out\n";
    const END: &str = "# cc-connect end\n";
    let text = "# mine\nmodel = \"x\"   # fast\n";
    let theirs = "\n[features]\na = true # theirs\n\n[hooks.state]\nb = 1\n";
    let with_end = |text: &str| text.replace(END, &format!("{theirs}{END}"));
    let cases: [(Change<'_>, String); 6] = [
        (&str::to_owned, text.into()),
        (&with_end, format!("{text}{theirs}")),
        (&|it| it.replace(BEGIN, ""), format!("{text}\n")),
        (&|it| it.replace(END, ""), text.into()),
        (
            &|it| it.replace(BEGIN, "").replace(END, ""),
            format!("{text}\n"),
        ),
        (
            &|it| with_end(it).replace(BEGIN, ""),
            format!("{text}\n{theirs}"),
        ),
    ];
    for (index, (rewrite, wanted)) in cases.iter().enumerate() {
        let mut place = Place::new();
        let file = place.path().join(".codex/config.toml");
        write(&file, text, 0o600);
        place.install("codex").unwrap();
        let now = rewrite(&fs::read_to_string(&file).unwrap());
        fs::write(&file, &now).unwrap();
        assert_eq!(place.registered("codex"), ["hook", "tools"], "{index}");
        place.install("codex").unwrap();
        // What is right stays as it was written.
        assert_eq!(fs::read_to_string(&file).unwrap(), now, "{index}");
        place.program = "/elsewhere/cc-connect";
        assert!(place.install("codex").unwrap(), "{index}");
        let moved = fs::read_to_string(&file).unwrap();
        assert_eq!(moved.matches("/elsewhere/cc-connect").count(), 1);
        assert_eq!(moved.matches("[mcp_servers.cc-connect]").count(), 1);
        assert!(moved.starts_with(wanted.as_str()), "{index}: {moved}");
        place.uninstall("codex").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), *wanted, "{index}");

        place.program = PROGRAM;
        fs::write(&file, &now).unwrap();
        assert!(place.uninstall("codex").unwrap(), "{index}");
        assert_eq!(fs::read_to_string(&file).unwrap(), *wanted, "{index}");
    }
}

#[test]
fn what_somebody_added_to_our_table_is_not_lost_by_installing() {
    let mut place = Place::new();
    let file = place.path().join(".codex/config.toml");
    place.install("codex").unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let text = text + "\n# theirs\n[mcp_servers.cc-connect.env]\nA = \"b\"\n";
    fs::write(&file, &text).unwrap();
    assert!(!place.install("codex").unwrap());
    place.program = "/elsewhere/cc-connect";
    let error = place.install("codex").unwrap_err();
    assert!(matches!(error, InstallError::ByHand { .. }), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    // Without our table it would be one that cannot run.
    assert!(place.uninstall("codex").unwrap());
    assert_eq!(fs::read_to_string(&file).unwrap(), "\n# theirs\n");
}

#[test]
fn a_table_of_somebody_elses_under_our_name_stays() {
    let place = Place::new();
    let file = place.path().join(".codex/config.toml");
    let text = "[mcp_servers.cc-connect]\ncommand = \"theirs\"\nargs = [\"mcp\"]\n";
    write(&file, text, 0o600);
    let error = place.install("codex").unwrap_err();
    assert!(matches!(error, InstallError::Taken { .. }), "{error}");
    assert!(!place.uninstall("codex").unwrap());
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_file_of_white_space_is_one_without_settings() {
    for text in ["", "\n", " \r\n\t", "\u{feff}", "\u{feff}\r\n"] {
        for agent in ["claude", "qwen", "copilot"] {
            let place = Place::new();
            for file in place.files(agent) {
                write(&file, text, 0o640);
            }
            let before = place.tree();
            assert!(!place.uninstall(agent).unwrap());
            assert!(place.install(agent).unwrap());
            assert!(!place.install(agent).unwrap());
            assert!(place.uninstall(agent).unwrap());
            assert_eq!(place.tree(), before, "{agent} {text:?}");
        }
    }
}

/// What stands beside the list in an item of hooks is nothing without the list.
#[test]
fn an_item_that_got_a_matcher_goes_as_a_whole() {
    let place = Place::new();
    let file = place.path().join(".claude/settings.json");
    place.install("claude").unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let with = text.replace("\"hooks\": [", "\"matcher\": \"\", \"hooks\": [");
    assert_ne!(with, text);
    fs::write(&file, with).unwrap();
    assert!(place.uninstall("claude").unwrap());
    assert!(!file.exists());
    assert!(!place.uninstall("claude").unwrap());

    // Beside more than that the list stays, so that the item can be read.
    place.install("claude").unwrap();
    let with = text.replace("\"hooks\": [", "\"theirs\": [1], \"hooks\": [");
    fs::write(&file, with).unwrap();
    assert!(place.uninstall("claude").unwrap());
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .contains("\"theirs\": [1]")
    );
    assert!(!place.uninstall("claude").unwrap());
}
