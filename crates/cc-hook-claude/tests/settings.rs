//! Putting the hook into Claude Code's settings and taking it out again, on real files.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use cc_hook_claude::settings::{
    Installed, SettingsError, Uninstalled, backup_path, command_line, default_path, install,
    uninstall,
};
use proptest::prelude::*;

const OURS: &str = "/opt/cc/cc-hook-claude";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn with(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("settings.json");
    fs::write(&path, text).unwrap();
    path
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The commands of all prompt hooks in the file.
fn commands(path: &Path) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let groups = json["hooks"]["UserPromptSubmit"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let hooks = groups
        .iter()
        .flat_map(|group| group["hooks"].as_array().cloned().unwrap_or_default());
    hooks
        .map(|hook| hook["command"].as_str().unwrap_or_default().to_owned())
        .collect()
}

const FILES: &[&str] = &[
    "{}",
    "{ }\n",
    "{\n}\n",
    "{\"model\":\"opus\"}",
    "{\n  \"model\": \"opus\"\n}\n",
    "{\r\n\t\"model\": \"opus\",\r\n\t\"env\": {\"A\": \"}{[]\\\"\"}\r\n}\r\n",
    "{\n    \"hooks\": {},\n    \"z\": 1,\n    \"a\": [1,2,  3]\n}",
    "{\n  \"hooks\" : { \"Stop\": [] }\n}\n",
    "{\n  \"hooks\": {\n    \"UserPromptSubmit\": []\n  }\n}\n",
    "{\n  \"hooks\": {\n    \"UserPromptSubmit\": [\n      {\n        \"hooks\": [\n          {\"type\": \"command\", \"command\": \"echo hi\"}\n        ]\n      }\n    ],\n    \"Stop\": []\n  },\n  \"b\": 1\n}\n\n",
    "{\"hooks\":{\"UserPromptSubmit\":[{\"matcher\":\"\",\"hooks\":[]}]},\"x\":\"\\u00e9 é\"}",
];

#[test]
fn out_again_gives_back_every_byte() {
    for text in FILES {
        let folder = folder();
        let path = with(folder.path(), text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();

        assert_eq!(install(&path, OURS).unwrap(), Installed::Added, "{text}");
        assert!(commands(&path).contains(&OURS.to_owned()), "{text}");
        assert_eq!(fs::read_to_string(backup_path(&path)).unwrap(), *text);
        let installed = fs::read_to_string(&path).unwrap();
        assert_eq!(install(&path, OURS).unwrap(), Installed::AlreadyThere);
        assert_eq!(fs::read_to_string(&path).unwrap(), installed);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(
            fs::metadata(backup_path(&path))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o640
        );

        assert_eq!(uninstall(&path).unwrap(), Uninstalled::Removed);
        assert_eq!(fs::read_to_string(&path).unwrap(), *text);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(names(folder.path()), ["settings.json"]);
        assert_eq!(uninstall(&path).unwrap(), Uninstalled::NotInstalled);
    }
}

#[test]
fn the_entry_has_the_documented_shape_and_the_files_own_layout() {
    let folder = folder();
    let path = with(folder.path(), "{\n  \"model\": \"opus\"\n}\n");
    install(&path, OURS).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        r#"{
  "model": "opus",
  "hooks": {
    "UserPromptSubmit": [
      {
        "hooks": [
          {
            "type": "command",
            "command": "/opt/cc/cc-hook-claude",
            "timeout": 5
          }
        ]
      }
    ]
  }
}
"#
    );
    let compact = with(folder.path(), "{\"a\":1}");
    install(&compact, OURS).unwrap();
    assert_eq!(
        fs::read_to_string(&compact).unwrap(),
        "{\"a\":1,\"hooks\":{\"UserPromptSubmit\":[{\"hooks\":[{\"type\":\"command\",\"command\":\"/opt/cc/cc-hook-claude\",\"timeout\":5}]}]}}"
    );
}

#[test]
fn what_others_wrote_meanwhile_stays() {
    for text in FILES {
        let folder = folder();
        let path = with(folder.path(), text);
        install(&path, OURS).unwrap();
        let edited = fs::read_to_string(&path)
            .unwrap()
            .replacen('{', "{ \"theirs\":  [ 1 ],", 1);
        fs::write(&path, &edited).unwrap();
        assert_eq!(uninstall(&path).unwrap(), Uninstalled::Removed, "{text}");
        let left = fs::read_to_string(&path).unwrap();
        assert!(left.starts_with("{ \"theirs\":  [ 1 ]"), "{left}");
        assert!(!left.contains(OURS));
        let mut json: serde_json::Value = serde_json::from_str(&left).unwrap();
        json.as_object_mut().unwrap().remove("theirs");
        assert_eq!(
            json,
            serde_json::from_str::<serde_json::Value>(text).unwrap(),
            "{text}"
        );
        assert_eq!(names(folder.path()), ["settings.json"]);
    }
}

#[test]
fn without_a_backup_only_our_entry_goes() {
    let folder = folder();
    let text = "{\n  \"a\": 1,\n  \"hooks\": {\n    \"Stop\": []\n  }\n}\n";
    let path = with(folder.path(), text);
    install(&path, OURS).unwrap();
    fs::remove_file(backup_path(&path)).unwrap();
    assert_eq!(uninstall(&path).unwrap(), Uninstalled::Removed);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn an_upgrade_replaces_the_command_and_doubles_nothing() {
    let folder = folder();
    let text = "{\n  \"a\": 1\n}\n";
    let path = with(folder.path(), text);
    for command in [
        OURS,
        "'/new place/cc-hook-claude'",
        "/usr/bin/cc-connect hook --agent claude",
        OURS,
    ] {
        install(&path, command).unwrap();
        assert_eq!(commands(&path), [command]);
    }
    assert_eq!(
        install(&path, "/x/cc-hook-claude").unwrap(),
        Installed::Replaced
    );
    assert_eq!(uninstall(&path).unwrap(), Uninstalled::Removed);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn doubled_entries_become_one_and_all_go() {
    let folder = folder();
    let twice = r#"{"hooks":{"UserPromptSubmit":[
        {"hooks":[{"type":"command","command":"/old/cc-hook-claude"},{"type":"command","command":"mine"}]},
        {"hooks":[{"type":"command","command":"/older/cc-connect hook --agent claude"}]},
        {"hooks":[{"type":"command","command":"cc-connect-hook"},{"type":"command","command":"/x/cc-connect send"}]}]}}"#;
    let path = with(folder.path(), twice);
    assert_eq!(install(&path, OURS).unwrap(), Installed::Replaced);
    assert_eq!(
        commands(&path),
        [OURS, "mine", "cc-connect-hook", "/x/cc-connect send"]
    );
    assert_eq!(uninstall(&path).unwrap(), Uninstalled::Removed);
    assert_eq!(
        commands(&path),
        ["mine", "cc-connect-hook", "/x/cc-connect send"]
    );
}

#[test]
fn a_line_that_only_begins_like_ours_stays() {
    for theirs in [
        "cc-hook-claude && my-own-tool",
        "cc-hook-claude; my-own-tool",
        "mine;/bin/cc-hook-claude",
        "cc-hook-claude | tee log",
        "cc-hook-claude --mine",
        "cc-hook-claude --home",
        "cc-hook-claude --home $(mine)",
        "$MINE/cc-hook-claude",
        "/opt/bin/cc-connect hook --agent other --mine",
        "/opt/bin/cc-connect hook --agent claude --mine",
        "/opt/bin/cc-connect hook --agent claude > log",
        "/opt/bin/cc-connect hook",
    ] {
        let folder = folder();
        let text = serde_json::json!({"hooks": {"UserPromptSubmit": [
            {"hooks": [{"type": "command", "command": theirs}]}]}});
        let path = with(folder.path(), &text.to_string());
        assert_eq!(uninstall(&path).unwrap(), Uninstalled::NotInstalled);
        assert_eq!(install(&path, OURS).unwrap(), Installed::Added, "{theirs}");
        assert_eq!(commands(&path), [theirs, OURS]);
        assert_eq!(uninstall(&path).unwrap(), Uninstalled::Removed);
        assert_eq!(fs::read_to_string(&path).unwrap(), text.to_string());
    }
}

#[test]
fn a_line_with_a_home_is_ours() {
    let folder = folder();
    let path = with(folder.path(), "{}");
    let hook = ["hook", "--agent", "claude", "--home", "/it's a home"];
    let ours = [
        command_line(Path::new("/opt/cc-connect"), &hook).unwrap(),
        command_line(Path::new("/opt/cc-hook-claude"), &hook[3..]).unwrap(),
    ];
    for line in ours {
        install(&path, &line).unwrap();
        assert_eq!(commands(&path), [line]);
    }
    assert_eq!(uninstall(&path).unwrap(), Uninstalled::Removed);
    assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
}

#[test]
fn an_upgrade_without_a_backup_makes_one() {
    let folder = folder();
    let path = with(folder.path(), "{ \"a\":  1 }");
    install(&path, "/old/cc-hook-claude").unwrap();
    fs::remove_file(backup_path(&path)).unwrap();
    let before = fs::read_to_string(&path).unwrap();
    assert_eq!(install(&path, OURS).unwrap(), Installed::Replaced);
    assert_eq!(fs::read_to_string(backup_path(&path)).unwrap(), before);
    assert_eq!(uninstall(&path).unwrap(), Uninstalled::Removed);
    assert_eq!(commands(&path), [""; 0]);
    assert_eq!(names(folder.path()), ["settings.json"]);
}

#[test]
fn what_install_made_goes_again() {
    let folder = folder();
    let inside = folder.path().join(".claude").join("settings.json");
    assert_eq!(install(&inside, OURS).unwrap(), Installed::Added);
    assert_eq!(commands(&inside), [OURS]);
    assert!(fs::read_to_string(&inside).unwrap().ends_with("}\n"));
    assert_eq!(uninstall(&inside).unwrap(), Uninstalled::FileRemoved);
    assert_eq!(names(folder.path()), [""; 0]);

    let beside = folder.path().join("settings.json");
    install(&beside, OURS).unwrap();
    assert_eq!(uninstall(&beside).unwrap(), Uninstalled::FileRemoved);
    assert_eq!(names(folder.path()), [""; 0]);

    install(&inside, OURS).unwrap();
    let edited = fs::read_to_string(&inside)
        .unwrap()
        .replacen('{', "{\n  \"model\": \"opus\",", 1);
    fs::write(&inside, edited).unwrap();
    assert_eq!(uninstall(&inside).unwrap(), Uninstalled::Removed);
    assert_eq!(
        fs::read_to_string(&inside).unwrap(),
        "{\n  \"model\": \"opus\"\n}\n"
    );
    assert_eq!(
        uninstall(&folder.path().join("nowhere").join("s.json")).unwrap(),
        Uninstalled::NotInstalled
    );
}

#[test]
fn a_file_with_nothing_in_it_is_one_without_settings() {
    for text in ["", "\n", "\u{feff}"] {
        let folder = folder();
        let path = with(folder.path(), text);
        install(&path, OURS).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains(OURS));
        uninstall(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(names(folder.path()), ["settings.json"]);
    }
}

#[test]
fn what_is_not_understood_is_left_alone() {
    for text in [
        "{",
        "{\"a\":1,}",
        "{ // note\n}",
        "\u{feff}{}",
        "nonsense",
        "{\"a\":1} x",
    ] {
        let folder = folder();
        let path = with(folder.path(), text);
        assert!(
            matches!(install(&path, OURS), Err(SettingsError::Malformed { .. })),
            "{text}"
        );
        assert!(
            matches!(uninstall(&path), Err(SettingsError::Malformed { .. })),
            "{text}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(names(folder.path()), ["settings.json"]);
    }
    for text in [
        "[]",
        "3",
        "{\"hooks\":[]}",
        "{\"hooks\":null}",
        "{\"hooks\":{\"UserPromptSubmit\":{}}}",
        "{\"hooks\":{\"UserPromptSubmit\":[3]}}",
        "{\"hooks\":{\"UserPromptSubmit\":[{\"hooks\":{}}]}}",
        "{\"hooks\":{},\"hooks\":{}}",
        r#"{"hooks":{"UserPromptSubmit":[{"hooks":[{"command":"/x/cc-hook-claude","command":"theirs"}]}]}}"#,
        r#"{"hooks":{"UserPromptSubmit":[{"hooks":[{"x":{"command":"/x/cc-hook-claude"},"x":1}]}]}}"#,
    ] {
        let folder = folder();
        let path = with(folder.path(), text);
        let error = install(&path, OURS).unwrap_err();
        assert!(matches!(error, SettingsError::WrongShape { .. }), "{text}");
        assert!(error.to_string().contains("left as it"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(names(folder.path()), ["settings.json"]);
    }
    let folder = folder();
    let path = folder.path().join("settings.json");
    fs::write(&path, b"{\"a\":\"\xff\"}").unwrap();
    assert!(matches!(
        install(&path, OURS),
        Err(SettingsError::Malformed { .. })
    ));
}

#[test]
fn a_linked_file_is_edited_where_it_stands() {
    let folder = folder();
    let dotfiles = folder.path().join("dotfiles");
    let claude = folder.path().join("claude");
    fs::create_dir(&dotfiles).unwrap();
    fs::create_dir(&claude).unwrap();
    let real = with(&dotfiles, "{\"a\":1}\n");
    let link = claude.join("settings.json");
    symlink("../dotfiles/settings.json", &link).unwrap();
    install(&link, OURS).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(commands(&real), [OURS]);
    assert_eq!(names(&dotfiles), ["settings.json"]);
    uninstall(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "{\"a\":1}\n");
    assert_eq!(names(&claude), ["settings.json"]);

    fs::remove_file(&real).unwrap();
    install(&link, OURS).unwrap();
    assert_eq!(commands(&real), [OURS]);
    assert_eq!(uninstall(&link).unwrap(), Uninstalled::FileRemoved);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn a_path_with_spaces_is_quoted_for_the_shell() {
    assert_eq!(
        command_line(Path::new("/opt/cc-hook-claude"), &[]).as_deref(),
        Some("/opt/cc-hook-claude")
    );
    assert_eq!(
        command_line(
            Path::new("/Users/a b/it's/cc-connect"),
            &["hook", "--agent", "claude"]
        )
        .as_deref(),
        Some(r"'/Users/a b/it'\''s/cc-connect' hook --agent claude")
    );
    let folder = folder();
    let path = with(folder.path(), "{}");
    let line = command_line(
        Path::new("/Users/a b/it's/cc-connect"),
        &["hook", "--agent", "claude"],
    )
    .unwrap();
    install(&path, &line).unwrap();
    assert_eq!(install(&path, OURS).unwrap(), Installed::Replaced);
    assert_eq!(commands(&path), [OURS]);
}

#[test]
fn the_users_file_is_where_claude_code_looks() {
    let of = |pairs: &'static [(&str, &str)]| {
        default_path(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).into())
        })
    };
    assert_eq!(
        of(&[("HOME", "/h")]),
        Some("/h/.claude/settings.json".into())
    );
    assert_eq!(
        of(&[("HOME", "/h"), ("CLAUDE_CONFIG_DIR", "/c")]),
        Some("/c/settings.json".into())
    );
    assert_eq!(of(&[]), None);
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_settings_survive(rest in prop::collection::btree_map("[a-g\"\\\\]{1,3}", any_json(), 0..5), pretty: bool) {
        let object = serde_json::Value::Object(rest.into_iter().collect());
        let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) }.unwrap();
        let folder = folder();
        let path = with(folder.path(), &text);
        install(&path, OURS).unwrap();
        prop_assert_eq!(commands(&path), [OURS]);
        // No backup: what is left is then the splicer's own work.
        fs::remove_file(backup_path(&path)).unwrap();
        uninstall(&path).unwrap();
        prop_assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
