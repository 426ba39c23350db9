//! The example adapter passes, and with one rule broken it fails where that rule is tried, for the right reason.
//!
//! Without python3 these tests say that they are skipped; `CC_REQUIRE_AGENTS=1` makes that a failure.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use cc_adapter_kit::{Case, Outcome, Subject, cases, check_all};

const WRONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wrong_adapter.py");
const RIGHT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../examples/python-adapter/adapter.py"
);

/// Which rule is broken, which case must tell, and what it must say: part of what was expected, or of what came.
const BROKEN: &[(&str, &str, &str)] = &[
    ("budget", "over-budget", "at most 8192 bytes"),
    ("message_budget", "long-message", "(cut, 5000 bytes in all"),
    ("no_share", "many-authors", "in line "),
    ("no_cleaning", "control-characters", "\\u{1b}"),
    ("no_cleaning", "bidi-and-invisible", "\\u{202e}"),
    ("no_indent", "forged-fence", "    ----- 5f3a9c0e1b2d4f60"),
    ("no_indent", "further-lines", "    two"),
    ("no_tags", "vendor-tags", "\\u{3c}system-reminder>"),
    ("no_tags", "forged-header", "\\u{5b}chatroom"),
    ("cursor_stays", "one-room", "the cursor after line 3"),
    ("cursor_stays", "goes-on", "nothing printed: nothing is new"),
    (
        "cursor_too_far",
        "beyond-the-view",
        "a cursor of version 1 after line 2",
    ),
    ("cursor_first", "nobody-listens", "nothing was printed"),
    ("exit_code", "empty-home", "exit code 1"),
    ("exit_code", "garbage-events", "exit code 0"),
    ("plain_text", "one-room", "nothing or one answer in JSON"),
    ("two_answers", "one-room", "nothing or one answer in JSON"),
    (
        "believes_fields",
        "readable-fields-lie",
        "a lie that nobody wrote",
    ),
    ("unchecked", "body-altered", "in line 4"),
    ("unchecked", "raw-of-another-message", "in line 4"),
    (
        "ignores_trust",
        "muted",
        "nothing printed: its author is muted",
    ),
    ("ignores_trust", "notice", "from @mallory not shown"),
    ("ignores_cuts", "cut-off", "in line "),
    ("ignores_cuts", "stray", "in line "),
    ("repeats", "goes-on", "nothing printed: nothing is new"),
    ("slow", "in-time", "200 ms"),
    ("no_lock", "locked-cursor", "another holds the cursor"),
    ("no_deadline", "slow-log", "an end by itself"),
    ("no_deadline", "endless-event", "an end by itself"),
    (
        "session_as_path",
        "odd-session-ids",
        "the cursor after line 2",
    ),
    ("own_agent", "own-agent", "the owner's own agent wrote it"),
    ("fixed_fence", "fence-is-drawn", "three fences"),
    ("ignores_pause", "paused", "everything is paused"),
    (
        "ignores_pause",
        "damaged-pause",
        "pause.json is not understood",
    ),
    ("ignores_room_variable", "named-room", "in line "),
    (
        "ignores_room_variable",
        "named-room-invalid",
        "CC_CONNECT_ROOM is no room id",
    ),
    ("files_at_once", "file-announced", "in line "),
    ("links_followed", "file-not-whole", "in line "),
    ("half_a_hash", "file-place-of-another", "in line "),
    ("claimed_names", "file-names", "in line "),
    ("no_quotes", "file-folder", "in line "),
    ("words_as_files", "file-words", "\\u{40}file:"),
    (
        "awaits_nothing",
        "file-announced",
        "a cursor with the files",
    ),
    (
        "awaits_nothing",
        "file-dropped-later",
        "nothing was printed",
    ),
    (
        "tells_twice",
        "file-dropped-later",
        "a cursor with the files",
    ),
    ("tells_of_withdrawn", "file-withdrawn", "in line "),
    ("counts_arrived", "file-with-unread", "in line "),
    ("believes_list", "file-list-damaged", "awaits nothing"),
    ("writes_elsewhere", "one-room", "rooms/mine.txt was made"),
];

/// Breaking a rule breaks no case that is about another.
const UNTOUCHED: &[(&str, &str)] = &[
    ("budget", "one-room"),
    ("no_cleaning", "benign-text"),
    ("cursor_stays", "notice-many"),
    ("believes_fields", "damaged-line"),
    ("no_lock", "goes-on"),
    ("slow", "empty-home"),
];

fn has_python() -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok();
    let required = std::env::var_os("CC_REQUIRE_AGENTS").is_some_and(|it| it == "1");
    assert!(
        found || !required,
        "CC_REQUIRE_AGENTS=1, and python3 is missing"
    );
    if !found {
        eprintln!("skipped: there is no python3");
    }
    found
}

fn subject(arguments: &[&str]) -> Subject {
    let command = ["python3"].iter().chain(arguments);
    let command: Vec<OsString> = command.map(OsString::from).collect();
    Subject::program(command).unwrap().introduced()
}

fn case(name: &str) -> Case {
    let found = cases().into_iter().find(|case| case.name == name);
    found.unwrap_or_else(|| panic!("there is no case {name}"))
}

#[test]
fn the_example_passes_every_case() {
    if !has_python() {
        return;
    }
    let subject = subject(&[RIGHT]);
    assert_eq!(subject.agent(), "python-example");
    let mut failed = Vec::new();
    check_all(&subject, &cases(), |case, outcome| {
        if outcome.is_failure() {
            failed.push((case.name, outcome));
        }
    });
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn each_broken_rule_is_found_and_named() {
    if !has_python() {
        return;
    }
    assert!(Path::new(WRONG).is_file());
    for (broken, name, reason) in BROKEN {
        let outcome = case(name).check(&subject_called(broken));
        let Outcome::Failed { expected, came } = &outcome else {
            panic!("{broken}: {name} gave {outcome:?}");
        };
        assert!(
            expected.contains(reason) || came.contains(reason),
            "{broken}: {name} does not say {reason:?} but {outcome:?}"
        );
    }
}

#[test]
fn other_cases_are_not_harmed() {
    if !has_python() {
        return;
    }
    for (broken, name) in UNTOUCHED {
        let outcome = case(name).check(&subject_called(broken));
        assert_eq!(outcome, Outcome::Ok, "{broken}: {name}");
    }
}

/// The wrong adapter under its own name, which one that fails at once would not tell.
fn subject_called(broken: &str) -> Subject {
    let command = ["python3", WRONG, broken].map(OsString::from);
    let subject = Subject::program(command.to_vec()).unwrap();
    subject.called("python-example")
}
