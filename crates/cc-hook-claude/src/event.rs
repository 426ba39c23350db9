//! Claude Code's side of the hook: its event JSON in, its answer JSON out.

use std::borrow::Cow;
use std::path::PathBuf;

use cc_hook_generic::{Agent, EventError, Heard, PromptEvent};
use serde::{Deserialize, Serialize};

/// The only event that gets an answer.
const EVENT: &str = "UserPromptSubmit";

/// Claude Code, as the engine knows it.
pub const CLAUDE_CODE: Agent = Agent {
    name: "claude-code",
    read: parse_event,
    write: output_json,
};

/// What is read of an event. Its prompt is skipped over, not kept.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    hook_event_name: Cow<'a, str>,
    #[serde(borrow, default)]
    session_id: Cow<'a, str>,
    #[serde(borrow, default)]
    cwd: Cow<'a, str>,
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
}

/// Reads the event that Claude Code writes to its hook's stdin.
///
/// # Errors
/// [`EventError::Shape`] where it is not an object with these fields as strings;
/// [`EventError::Missing`] where a prompt has no session or no directory.
pub fn parse_event(stdin: &[u8]) -> Result<Heard, EventError> {
    // A list of strings would also pass for the three fields.
    if stdin.trim_ascii_start().first() != Some(&b'{') {
        return Err(EventError::Shape { line: 1, column: 1 });
    }
    let event: Event<'_> = serde_json::from_slice(stdin).map_err(|error| EventError::Shape {
        line: error.line(),
        column: error.column(),
    })?;
    if event.hook_event_name.is_empty() {
        return Err(EventError::Missing {
            field: "hook_event_name",
        });
    }
    if event.hook_event_name != EVENT {
        return Ok(Heard::Other);
    }
    if event.session_id.is_empty() {
        return Err(EventError::Missing {
            field: "session_id",
        });
    }
    if event.cwd.is_empty() {
        return Err(EventError::Missing { field: "cwd" });
    }
    Ok(Heard::Prompt(PromptEvent {
        session: event.session_id.into_owned(),
        directory: PathBuf::from(event.cwd.into_owned()),
    }))
}

/// The one line that hands `context` to Claude Code, its line break included.
pub fn output_json(context: &str) -> Vec<u8> {
    let answer = Answer {
        output: Output {
            event: EVENT,
            context,
        },
    };
    // Two strings serialise into memory without fail.
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
        let prompt = PromptEvent {
            session: "s1".into(),
            directory: "/p".into(),
        };
        assert_eq!(parse_event(event).unwrap(), Heard::Prompt(prompt));
    }

    #[test]
    fn other_events_get_no_answer() {
        let event = br#"{"hook_event_name":"SessionStart","session_id":"s"}"#;
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
        let answer = output_json("[chatroom @bob 14:02Z] \"hi\"\n----- x -----");
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            "{\"hookSpecificOutput\":{\"hookEventName\":\"UserPromptSubmit\",\
             \"additionalContext\":\"[chatroom @bob 14:02Z] \\\"hi\\\"\\n----- x -----\"}}\n"
        );
    }
}
