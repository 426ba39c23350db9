use super::*;
use crate::auto::{Auto, agent_of};

fn heard(profile: &Profile, event: &str, named: Option<&str>) -> Event {
    match profile.read(event.as_bytes(), named).unwrap() {
        Heard::Event(event) => event,
        Heard::Other => panic!("{}: no moment: {event}", profile.name),
    }
}

/// The events that each agent was seen to send, and what it takes in answer to a text.
const EVENTS: [(&str, &str, Option<&str>, Moment, &str); 19] = [
    (
        "claude-code",
        r#"{"session_id":"s","transcript_path":"/t","cwd":"/p","prompt_id":"x","permission_mode":"default","hook_event_name":"UserPromptSubmit","prompt":"hi"}"#,
        None,
        Moment::Prompt,
        r#"{"hookSpecificOutput":{"hookEventName":"UserPromptSubmit","additionalContext":"a\"b\nc"}}"#,
    ),
    (
        "claude-code",
        r#"{"session_id":"s","transcript_path":"/t","cwd":"/p","hook_event_name":"SessionStart","source":"startup","model":"m"}"#,
        None,
        Moment::Start,
        r#"{"hookSpecificOutput":{"hookEventName":"SessionStart","additionalContext":"a\"b\nc","watchPaths":["/w"]}}"#,
    ),
    (
        "claude-code",
        r#"{"session_id":"s","transcript_path":"/t","cwd":"/p","permission_mode":"default","effort":"x","hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{},"tool_response":{},"tool_use_id":"t","duration_ms":1}"#,
        None,
        Moment::Tool,
        r#"{"hookSpecificOutput":{"hookEventName":"PostToolUse","additionalContext":"a\"b\nc"}}"#,
    ),
    (
        "claude-code",
        r#"{"session_id":"s","transcript_path":"/t","cwd":"/p","hook_event_name":"FileChanged","file_path":"/w","event":"change"}"#,
        None,
        Moment::Wake,
        "",
    ),
    (
        "codex",
        r#"{"session_id":"s","turn_id":"t","transcript_path":null,"cwd":"/p","hook_event_name":"UserPromptSubmit","model":"m","permission_mode":"default","prompt":"hi"}"#,
        None,
        Moment::Prompt,
        r#"{"hookSpecificOutput":{"hookEventName":"UserPromptSubmit","additionalContext":"a\"b\nc"}}"#,
    ),
    (
        "codex",
        r#"{"session_id":"s","transcript_path":"/t","cwd":"/p","hook_event_name":"SessionStart","model":"m","permission_mode":"default","source":"startup"}"#,
        None,
        Moment::Start,
        r#"{"hookSpecificOutput":{"hookEventName":"SessionStart","additionalContext":"a\"b\nc"}}"#,
    ),
    (
        "codex",
        r#"{"session_id":"s","turn_id":"t","transcript_path":"/t","cwd":"/p","hook_event_name":"PostToolUse","model":"m","permission_mode":"default","tool_name":"Bash","tool_input":{},"tool_response":"","tool_use_id":"c"}"#,
        None,
        Moment::Tool,
        r#"{"hookSpecificOutput":{"hookEventName":"PostToolUse","additionalContext":"a\"b\nc"}}"#,
    ),
    (
        "gemini-cli",
        r#"{"session_id":"s","transcript_path":"/t","cwd":"/p","hook_event_name":"BeforeAgent","timestamp":"2026-11-22T15:00:00Z","prompt":"hi"}"#,
        None,
        Moment::Prompt,
        r#"{"hookSpecificOutput":{"hookEventName":"BeforeAgent","additionalContext":"a\"b\nc"}}"#,
    ),
    (
        "gemini-cli",
        r#"{"session_id":"s","transcript_path":"/t","cwd":"/p","hook_event_name":"AfterTool","timestamp":"2026-11-22T15:00:00Z","tool_name":"x","tool_input":{},"tool_response":{}}"#,
        None,
        Moment::Tool,
        r#"{"hookSpecificOutput":{"hookEventName":"AfterTool","additionalContext":"a\"b\nc"}}"#,
    ),
    (
        "qwen-code",
        r#"{"session_id":"s","transcript_path":"/t","cwd":"/p","hook_event_name":"UserPromptSubmit","timestamp":"2026-11-22T15:00:00Z","permission_mode":"default","prompt_id":"x","prompt":"hi","submitted_prompt":"hi"}"#,
        None,
        Moment::Prompt,
        r#"{"hookSpecificOutput":{"hookEventName":"UserPromptSubmit","additionalContext":"a\"b\nc"}}"#,
    ),
    (
        "qwen-code",
        r#"{"session_id":"s","transcript_path":"/t","cwd":"/p","hook_event_name":"UserPromptSubmit","timestamp":"2026-11-22T15:00:00Z","permission_mode":"default","prompt_id":"x","prompt":""}"#,
        None,
        Moment::Tool,
        r#"{"hookSpecificOutput":{"hookEventName":"UserPromptSubmit","additionalContext":"a\"b\nc"}}"#,
    ),
    (
        "copilot-cli",
        r#"{"sessionId":"s","timestamp":1795341600000,"cwd":"/p","prompt":"hi"}"#,
        Some("userPromptSubmitted"),
        Moment::Prompt,
        r#"{"additionalContext":"a\"b\nc"}"#,
    ),
    (
        "copilot-cli",
        r#"{"sessionId":"s","timestamp":1795341600000,"cwd":"/p","source":"new","initialPrompt":"hi"}"#,
        Some("sessionStart"),
        Moment::Start,
        r#"{"additionalContext":"a\"b\nc"}"#,
    ),
    (
        "copilot-cli",
        r#"{"sessionId":"s","timestamp":1795341600000,"cwd":"/p","toolName":"bash","toolArgs":"{}","toolResult":{"resultType":"success","textResultForLlm":""}}"#,
        Some("postToolUse"),
        Moment::Tool,
        r#"{"additionalContext":"a\"b\nc"}"#,
    ),
    (
        "copilot-cli",
        r#"{"hook_event_name":"UserPromptSubmit","session_id":"s","timestamp":"2026-11-22T15:00:00Z","cwd":"/p","prompt":"hi"}"#,
        None,
        Moment::Prompt,
        r#"{"additionalContext":"a\"b\nc"}"#,
    ),
    (
        "opencode",
        r#"{"v":1,"event":"prompt","session":"s","directory":"/p"}"#,
        None,
        Moment::Prompt,
        r#"{"v":1,"context":"a\"b\nc"}"#,
    ),
    (
        "cline",
        r#"{"v":1,"event":"prompt","session":"s","directory":"/p"}"#,
        None,
        Moment::Prompt,
        r#"{"v":1,"context":"a\"b\nc"}"#,
    ),
    (
        "generic",
        r#"{"v":1,"event":"tool","session":"s","directory":"/p"}"#,
        None,
        Moment::Tool,
        r#"{"v":1,"context":"a\"b\nc"}"#,
    ),
    (
        "generic",
        r#"{"v":1,"event":"wake","session":"s","directory":"/p"}"#,
        None,
        Moment::Wake,
        "",
    ),
];

#[test]
fn each_documented_event_is_read_and_answered_in_the_agents_own_form() {
    for (name, event, named, moment, answer) in EVENTS {
        let profile = Profile::named(name).unwrap();
        let read = heard(&profile, event, named);
        let expected = Event {
            moment,
            session: "s".into(),
            directory: "/p".into(),
        };
        assert_eq!(read, expected, "{name}: {event}");
        let said = profile.write_start(&read, "a\"b\nc", &["/w".into()]);
        let said = String::from_utf8(said).unwrap();
        assert_eq!(said.trim_end_matches('\n'), answer, "{name}");
        assert!(said.is_empty() || said.ends_with("}\n") && said.lines().count() == 1);
    }
}

#[test]
fn all_that_is_shipped_is_read_and_goes_by_its_names() {
    assert_eq!(Profile::shipped().len(), SHIPPED.len());
    for (names, text) in SHIPPED {
        let profile = Profile::parse(text).unwrap();
        assert_eq!(names[0], profile.name);
        assert_eq!(names[1..], profile.aliases);
        for name in names {
            assert_eq!(Profile::named(name).unwrap().name, profile.name);
        }
        assert_eq!(
            profile.has_hook(),
            profile.view.is_none(),
            "{}",
            profile.name
        );
        assert!(profile.bytes_max() <= INJECTION_BYTES_MAX);
    }
    for (alias, name) in [
        ("claude", "claude-code"),
        ("gemini", "gemini-cli"),
        ("qwen", "qwen-code"),
        ("copilot", "copilot-cli"),
    ] {
        assert_eq!(Profile::named(alias).unwrap().name, name);
    }
    assert_eq!(Profile::named("nobody"), None);
}

#[test]
fn agents_that_share_a_command_are_told_apart_by_their_events() {
    for (name, event, ..) in EVENTS {
        if ["opencode", "cline", "generic"].contains(&name) {
            continue;
        }
        assert_eq!(agent_of(event.as_bytes()), name, "{event}");
        let other = Auto.instead(event.as_bytes()).unwrap();
        assert_eq!(other.name(), name);
    }
    assert_eq!(agent_of(b"garbage"), "claude-code");
}

#[test]
fn hostile_events_are_errors_that_quote_nothing_or_no_moment() {
    let deep = "[".repeat(100_000);
    let hostile = [
        "",
        "secret",
        "null",
        "[\"secret\"]",
        "{\"v\":1}",
        "{\"v\":1,\"event\":\"prompt\"}",
        "{\"v\":1,\"event\":\"prompt\",\"session\":\"\"}",
        "{\"v\":1,\"event\":\"prompt\",\"session\":7}",
        "{\"v\":1,\"event\":\"prompt\",\"session\":[\"secret\"],\"directory\":\"/\"}",
        "{\"v\":1,\"event\":\"prompt\",\"session\":\"secret\",\"directory\":{}}",
        "{\"v\":1,\"event\":{\"secret\":1},\"session\":\"s\"}",
        "{\"v\":2,\"event\":\"prompt\",\"session\":\"secret\",\"directory\":\"/\"}",
        "{\"v\":1,\"event\":\"prompt\",\"session\":\"secret\"",
        deep.as_str(),
    ];
    let profile = Profile::named("generic").unwrap();
    for event in hostile {
        let error = profile.read(event.as_bytes(), None).unwrap_err();
        let error = error.to_string();
        assert!(error.len() < 200 && !error.contains("secret"), "{error}");
    }
    profile.read(b"\xff\xfe", None).unwrap_err();
    let unknown = br#"{"v":1,"event":"secret","session":"s","directory":"/"}"#;
    assert_eq!(profile.read(unknown, None).unwrap(), Heard::Other);
}

#[test]
fn without_a_directory_the_process_has_one() {
    let profile = Profile::named("generic").unwrap();
    let read = heard(&profile, r#"{"v":1,"event":"prompt","session":"s"}"#, None);
    assert_eq!(read.directory, std::env::current_dir().unwrap());
}

/// A user's own profile with something in it.
fn own(extra: &str) -> String {
    format!(
        r#"v = 1
name = "mine"
title = "Mine"
{extra}
[event]
session = ["meta.session.id", "sid"]
directory = "meta.cwd"
name = "type"
[moments]
prompt = ["ask", {{ event = "step", where = {{ "meta.kind" = "user" }} }}]
[answer]
prompt = '{{"x":[1.0,"{{context}}"]}}'
"#
    )
}

#[test]
fn a_users_own_profile_reads_deep_fields_and_conditions() {
    let profile = Profile::parse(&own("")).unwrap();
    let read = |event: &str| profile.read(event.as_bytes(), None).unwrap();
    let asked = read(r#"{"type":"ask","meta":{"session":{"id":"a"},"cwd":"/p"}}"#);
    assert!(matches!(asked, Heard::Event(event) if event.session == "a"));
    let asked =
        read(r#"{"type":"step","sid":"b","meta":{"kind":"user","session":null,"cwd":"/p"}}"#);
    assert!(matches!(asked, Heard::Event(event) if event.session == "b"));
    let other = read(r#"{"type":"step","sid":"b","meta":{"kind":"agent"}}"#);
    assert_eq!(other, Heard::Other);
    let event = heard(&profile, r#"{"type":"ask","sid":"b"}"#, None);
    assert_eq!(
        profile.write(&event, "é\u{7}"),
        "{\"x\":[1.0,\"é\\u0007\"]}\n".as_bytes()
    );
}

#[test]
fn what_is_wrong_with_a_profile_is_said() {
    let answer = "prompt = '{\"x\":[1.0,\"{context}\"]}'";
    let with = |old: &str, new: &str| {
        let text = own("");
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    };
    let cases = [
        (own("nmae = 1"), "unknown field `nmae`"),
        (own("[limits]\nmax = 100"), "`limits.max` is 100"),
        (
            own("[limits]\nmax = 9000\nunit = \"words\""),
            "unknown variant `words`",
        ),
        (own("[wake]\nmeans = \"command\""), "`wake.command`"),
        (own("[wake]\nmeans = \"bell\""), "unknown variant `bell`"),
        (with("v = 1", "v = 2"), "version 2"),
        (with("\"mine\"", "\"Mine\""), "`name` has \"Mine\""),
        (with("\"mine\"", "\"../x\""), "`name` has"),
        (
            with("title = \"Mine\"", "title = \" \""),
            "`title` is empty",
        ),
        (with("[answer]", "[answers]"), "unknown field `answers`"),
        (with(answer, ""), "`answer.prompt` is missing"),
        (with(answer, "prompt = '{context'"), "an answer is JSON"),
        (with(answer, "prompt = '{\"x\":\"y\"}'"), "0 and 0 times"),
        (
            with(answer, "prompt = '{\"{context}\":1}'"),
            "0 and 0 times",
        ),
        (
            with(answer, "prompt = '[\"{context}\",\"{context}\"]'"),
            "2 and 0 times",
        ),
        (
            with("[answer]", "[answer]\nstart = \"{context}\""),
            "`answer.start` is there",
        ),
        (
            with("session = [\"meta.session.id\", \"sid\"]", ""),
            "`event.session` is missing",
        ),
        ("v = 1".to_owned(), "missing field `name`"),
        ("v =".to_owned(), "line 1"),
    ];
    for (text, expected) in cases {
        let error = Profile::parse(&text).unwrap_err().to_string();
        assert!(
            error.contains(expected),
            "{error}\nis not about\n{expected}"
        );
    }
}

#[test]
fn a_text_alone_is_an_answer_too() {
    let text = own("").replace("'{\"x\":[1.0,\"{context}\"]}'", "\"{context}\"");
    let profile = Profile::parse(&text).unwrap();
    let event = heard(&profile, r#"{"type":"ask","sid":"b"}"#, None);
    assert_eq!(profile.write(&event, "a\"b"), b"a\"b\n");
}

#[test]
fn a_users_own_profile_is_found_by_its_file_and_takes_no_shipped_name() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(PROFILES_DIR);
    assert_eq!(Profile::find(home.path(), "mine").unwrap(), None);
    assert!(Profile::own(home.path()).unwrap().is_empty());
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine.toml"), own("")).unwrap();
    fs::write(folder.join("other.toml"), own("")).unwrap();
    fs::write(folder.join("notes.txt"), "x").unwrap();
    assert_eq!(
        Profile::find(home.path(), "mine").unwrap().unwrap().name,
        "mine"
    );
    Profile::find(home.path(), "other").unwrap_err();
    assert_eq!(Profile::find(home.path(), "../agents/mine").unwrap(), None);
    assert_eq!(Profile::own(home.path()).unwrap().len(), 2);
    let taken = own("aliases = [\"claude\"]");
    fs::write(folder.join("mine.toml"), taken).unwrap();
    let error = Profile::find(home.path(), "mine").unwrap_err().to_string();
    assert!(error.contains("claude"), "{error}");
    fs::write(folder.join("mine.toml"), vec![b'#'; 300_000]).unwrap();
    assert!(matches!(
        Profile::find(home.path(), "mine"),
        Err(ProfileError::TooLarge)
    ));
}

#[test]
fn units_are_counted_as_the_agent_counts_them() {
    let text = "aé😀";
    assert_eq!(Unit::Bytes.count(text), 7);
    assert_eq!(Unit::Utf16.count(text), 4);
    assert_eq!(Unit::Chars.count(text), 3);
}

#[test]
fn whoever_is_woken_by_a_file_is_told_which() {
    for (name, watches) in [
        ("claude-code", true),
        ("opencode", true),
        ("codex", false),
        ("cline", false),
    ] {
        assert_eq!(Profile::named(name).unwrap().watches(), watches, "{name}");
    }
    let opencode = Profile::named("opencode").unwrap();
    let start = r#"{"v":1,"event":"start","session":"s","directory":"/p"}"#;
    let event = heard(&opencode, start, None);
    let answer = opencode.write_start(&event, "hi", &["/h/s.wake".into()]);
    assert_eq!(
        answer,
        b"{\"v\":1,\"context\":\"hi\",\"watch\":[\"/h/s.wake\"]}\n"
    );
}
