//! Claude Code's side of the hook: its event JSON in, its answer JSON out.

use std::borrow::Cow;
use std::path::PathBuf;

use cc_hook_generic::{Adapter, Event, EventError, Heard, Moment};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// Its events that are moments of ours.
const EVENTS: [(&str, Moment); 4] = [
    ("UserPromptSubmit", Moment::Prompt),
    ("SessionStart", Moment::Start),
    ("PostToolUse", Moment::Tool),
    ("FileChanged", Moment::Wake),
];

/// Claude Code, as the engine knows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClaudeCode;

/// What is read of an event. Its prompt is skipped over, not kept.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    hook_event_name: Cow<'a, str>,
    #[serde(borrow, default)]
    session_id: Cow<'a, str>,
    #[serde(borrow, default)]
    cwd: Cow<'a, str>,
    #[serde(default)]
    transcript_path: Option<IgnoredAny>,
    #[serde(default)]
    timestamp: Option<IgnoredAny>,
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(rename = "hookSpecificOutput")]
    output: Output<'a>,
}

#[derive(Serialize)]
struct Output<'a> {
    #[serde(rename = "hookEventName")]
    event: &'a str,
    #[serde(rename = "additionalContext")]
    context: &'a str,
    #[serde(rename = "watchPaths", skip_serializing_if = "Vec::is_empty")]
    watch: Vec<Cow<'a, str>>,
}

impl Adapter for ClaudeCode {
    fn name(&self) -> &'static str {
        "claude-code"
    }

    fn read(&self, event: &[u8], _named: Option<&str>) -> Result<Heard, EventError> {
        parse_event(event)
    }

    fn write(&self, event: &Event, text: &str) -> Vec<u8> {
        output_json(event.moment, text, &[])
    }

    fn watches(&self) -> bool {
        true
    }

    fn write_start(&self, event: &Event, text: &str, watch: &[PathBuf]) -> Vec<u8> {
        output_json(event.moment, text, watch)
    }
}

/// Reads the event that Claude Code writes to its hook's stdin.
///
/// # Errors
/// [`EventError::Shape`] where it is not an object with these fields as strings;
/// [`EventError::Missing`] where a moment has no session or no directory.
pub fn parse_event(stdin: &[u8]) -> Result<Heard, EventError> {
    // A list of strings would also pass for the three fields.
    if stdin.trim_ascii_start().first() != Some(&b'{') {
        return Err(EventError::Shape { line: 1, column: 1 });
    }
    let event: Fields<'_> = serde_json::from_slice(stdin).map_err(|error| EventError::Shape {
        line: error.line(),
        column: error.column(),
    })?;
    if event.hook_event_name.is_empty() {
        return Err(missing("hook_event_name"));
    }
    // Copilot CLI runs a project's Claude Code hooks too, and drops this answer: what it was told would be lost.
    if event.timestamp.is_some() && event.transcript_path.is_none() {
        return Ok(Heard::Other);
    }
    let moment = EVENTS
        .iter()
        .find(|(name, _)| *name == event.hook_event_name);
    let Some((_, moment)) = moment else {
        return Ok(Heard::Other);
    };
    if event.session_id.is_empty() {
        return Err(missing("session_id"));
    }
    if event.cwd.is_empty() {
        return Err(missing("cwd"));
    }
    Ok(Heard::Event(Event {
        moment: *moment,
        session: event.session_id.into_owned(),
        directory: PathBuf::from(event.cwd.into_owned()),
    }))
}

fn missing(field: &str) -> EventError {
    EventError::Missing {
        field: field.to_owned(),
    }
}

/// The one line that hands `context` to Claude Code, its line break included. `watch` are the files whose change it is to
/// tell of from then on, which it asks for at a session's start.
pub fn output_json(moment: Moment, context: &str, watch: &[PathBuf]) -> Vec<u8> {
    let event = EVENTS.iter().find(|(_, of)| *of == moment);
    let answer = Answer {
        output: Output {
            event: event.map_or("", |(name, _)| name),
            context,
            watch: watch.iter().map(|path| path.to_string_lossy()).collect(),
        },
    };
    // Strings serialise into memory without fail.
    let mut bytes = serde_json::to_vec(&answer).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_event_is_read() {
        let event = br#"{"session_id":"s\u0031","transcript_path":"/t","cwd":"/p","prompt_id":"x","permission_mode":"default",
            "hook_event_name":"UserPromptSubmit","prompt":"Redis or Postgres?"}"#;
        let prompt = Event {
            moment: Moment::Prompt,
            session: "s1".into(),
            directory: "/p".into(),
        };
        assert_eq!(parse_event(event).unwrap(), Heard::Event(prompt));
    }

    #[test]
    fn each_of_its_four_moments_is_known() {
        for (name, moment) in EVENTS {
            let event = format!(r#"{{"hook_event_name":"{name}","session_id":"s","cwd":"/p"}}"#);
            let Heard::Event(event) = parse_event(event.as_bytes()).unwrap() else {
                panic!("{name} is no moment");
            };
            assert_eq!(event.moment, moment);
        }
    }

    #[test]
    fn other_events_get_no_answer() {
        let event = br#"{"hook_event_name":"PreCompact","session_id":"s"}"#;
        assert_eq!(parse_event(event).unwrap(), Heard::Other);
    }

    #[test]
    fn an_event_that_copilot_hands_to_it_gets_no_answer() {
        let event = br#"{"hook_event_name":"UserPromptSubmit","session_id":"s","timestamp":"2026-11-22T15:00:00Z","cwd":"/p","prompt":"x"}"#;
        assert_eq!(parse_event(event).unwrap(), Heard::Other);
    }

    #[test]
    fn garbage_is_named_without_being_quoted() {
        for garbage in [
            &b""[..],
            b"secret",
            b"[\"secret\"]",
            b"\xff\xfe",
            b"{\"hook_event_name\":7}",
            b"{\"hook_event_name\":\"UserPromptSubmit\"}",
            b"{\"hook_event_name\":\"UserPromptSubmit\",\"session_id\":\"secret\",\"cwd\":\"\"}",
            b"{}",
        ] {
            let error = parse_event(garbage).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_answer_is_one_line_of_json() {
        let answer = output_json(
            Moment::Prompt,
            "[chatroom @bob 14:02Z] \"hi\"\n----- x -----",
            &[],
        );
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            "{\"hookSpecificOutput\":{\"hookEventName\":\"UserPromptSubmit\",\
             \"additionalContext\":\"[chatroom @bob 14:02Z] \\\"hi\\\"\\n----- x -----\"}}\n"
        );
        let answer = output_json(Moment::Start, "x", &["/h/a.wake".into()]);
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            "{\"hookSpecificOutput\":{\"hookEventName\":\"SessionStart\",\
             \"additionalContext\":\"x\",\"watchPaths\":[\"/h/a.wake\"]}}\n"
        );
    }
}
