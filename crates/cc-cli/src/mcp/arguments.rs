//! What a call may say. Anything else is refused with a reason, rather than passed over: an agent that misspells
//! `reply_to` must not believe that it answered.

use std::time::Duration;

use rmcp::model::JsonObject;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::refusal::{Outcome, Refusal};
use crate::rpc::SendRole;

/// How long a wait lasts where nothing else is said.
pub const DEADLINE_SECONDS_DEFAULT: u64 = 60;
/// The longest wait.
pub const DEADLINE_SECONDS_MAX: u64 = 600;
/// How many messages are read where nothing else is said.
pub const LIMIT_DEFAULT: u64 = 20;
/// The most messages that are read at once.
pub const LIMIT_MAX: u64 = 100;
/// The longest text to search for, in bytes.
pub const QUERY_BYTES_MAX: usize = 256;

/// `room_send`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendArguments {
    /// What to say.
    pub text: String,
    /// The room.
    #[serde(default)]
    pub room: Option<String>,
    /// The message that is answered.
    #[serde(default)]
    pub reply_to: Option<Reference>,
    /// What the message is for.
    #[serde(default)]
    pub role: Option<SendRole>,
}

/// A message or a file, by the line in our log, or by what else names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Reference {
    /// The number that stands in a message's header.
    Line(u64),
    /// Of a message the id, or the number as a text; of a file its name, or the beginning of its id or hash.
    Text(String),
}

/// `room_read`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadArguments {
    /// The room.
    #[serde(default)]
    pub room: Option<String>,
    /// Which messages.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// A line: read after it, around it or before it.
    #[serde(default)]
    pub n: Option<u64>,
    /// How many messages at most.
    #[serde(default)]
    pub limit: Option<u64>,
    /// A text that the messages hold.
    #[serde(default)]
    pub query: Option<String>,
    /// Who wrote them.
    #[serde(default)]
    pub author: Option<String>,
}

/// Which messages are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The newest.
    Recent,
    /// Those after line `n`, the oldest first.
    Since,
    /// Line `n` and those on both sides.
    Around,
    /// The newest that hold `query`.
    Search,
    /// The newest by `author`.
    Author,
}

/// `room_ask`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskArguments {
    /// What to ask.
    pub text: String,
    /// The room.
    #[serde(default)]
    pub room: Option<String>,
    /// The message that is answered with the question.
    #[serde(default)]
    pub reply_to: Option<Reference>,
    /// How long to wait.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
}

/// `room_wait`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitArguments {
    /// The room; all of them where none is named.
    #[serde(default)]
    pub room: Option<String>,
    /// How long to wait.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
    /// Only what comes after this line.
    #[serde(default)]
    pub after: Option<u64>,
}

/// `room_members`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembersArguments {
    /// The room.
    #[serde(default)]
    pub room: Option<String>,
}

/// `room_share_file`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareFileArguments {
    /// The file or folder; relative to the folder of the session.
    pub path: String,
    /// The room.
    #[serde(default)]
    pub room: Option<String>,
    /// The message that is answered with it.
    #[serde(default)]
    pub reply_to: Option<Reference>,
}

/// `room_files`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesArguments {
    /// The room.
    #[serde(default)]
    pub room: Option<String>,
    /// Only those announced before this line.
    #[serde(default)]
    pub n: Option<u64>,
    /// How many at most.
    #[serde(default)]
    pub limit: Option<u64>,
    /// A text that the names hold.
    #[serde(default)]
    pub query: Option<String>,
}

/// `room_get_file`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetFileArguments {
    /// Which.
    pub file: Reference,
    /// The room.
    #[serde(default)]
    pub room: Option<String>,
    /// How long to wait.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
}

/// `room_summary`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryArguments {
    /// Read it, or write a new one.
    pub action: SummaryAction,
    /// The new one.
    #[serde(default)]
    pub text: Option<String>,
    /// The room.
    #[serde(default)]
    pub room: Option<String>,
}

/// What to do with the room's summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SummaryAction {
    /// Read the newest.
    Read,
    /// Write a new one.
    Propose,
}

/// Reads a call's arguments.
pub fn read<T: DeserializeOwned>(arguments: JsonObject) -> Outcome<T> {
    // What is null is the same as what is not there: some clients send every field.
    let given = arguments.into_iter().filter(|(_, value)| !value.is_null());
    serde_json::from_value(Value::Object(given.collect()))
        .map_err(|error| Refusal::arguments(error.to_string()))
}

/// How long to wait.
pub fn deadline(seconds: Option<u64>) -> Outcome<Duration> {
    match seconds.unwrap_or(DEADLINE_SECONDS_DEFAULT) {
        seconds @ 1..=DEADLINE_SECONDS_MAX => Ok(Duration::from_secs(seconds)),
        _ => Err(Refusal::arguments(format!(
            "deadline_seconds is from 1 to {DEADLINE_SECONDS_MAX}"
        ))),
    }
}

impl ReadArguments {
    /// The mode, and what it needs: told where it is left out by what else was given.
    pub fn mode(&self) -> Outcome<Mode> {
        let mode = match (self.mode, self.n, &self.query, &self.author) {
            (Some(mode), ..) => mode,
            (None, _, Some(_), _) => Mode::Search,
            (None, _, None, Some(_)) => Mode::Author,
            (None, Some(_), None, None) => Mode::Since,
            (None, None, None, None) => Mode::Recent,
        };
        let missing = match mode {
            Mode::Since | Mode::Around if self.n.is_none() => "n",
            Mode::Search if self.query.is_none() => "query",
            Mode::Author if self.author.is_none() => "author",
            _ => return Ok(mode),
        };
        Err(Refusal::arguments(format!("this mode needs `{missing}`")))
    }

    /// How many messages.
    pub fn limit(&self) -> Outcome<usize> {
        limit(self.limit)
    }

    /// What to look for.
    pub fn query(&self) -> Outcome<Option<&str>> {
        query(self.query.as_deref())
    }
}

impl FilesArguments {
    /// How many files.
    pub fn limit(&self) -> Outcome<usize> {
        limit(self.limit)
    }

    /// What the names hold.
    pub fn query(&self) -> Outcome<Option<&str>> {
        query(self.query.as_deref())
    }
}

fn limit(limit: Option<u64>) -> Outcome<usize> {
    match limit.unwrap_or(LIMIT_DEFAULT) {
        limit @ 1..=LIMIT_MAX => Ok(limit as usize),
        _ => Err(Refusal::arguments(format!(
            "limit is from 1 to {LIMIT_MAX}"
        ))),
    }
}

fn query(query: Option<&str>) -> Outcome<Option<&str>> {
    match query {
        Some(query) if query.trim().is_empty() => Err(Refusal::arguments("query is empty")),
        Some(query) if query.len() > QUERY_BYTES_MAX => Err(Refusal::arguments(format!(
            "query has at most {QUERY_BYTES_MAX} bytes"
        ))),
        query => Ok(query),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> JsonObject {
        let Value::Object(object) = value else {
            panic!("not an object");
        };
        object
    }

    #[test]
    fn what_is_not_known_or_of_the_wrong_type_is_refused_with_its_name() {
        for (arguments, named) in [
            (json!({"text": "hi", "repyl_to": 3}), "repyl_to"),
            (json!({"text": 7}), "string"),
            (json!({}), "text"),
            (json!({"text": "hi", "role": "boss"}), "boss"),
        ] {
            let refused = read::<SendArguments>(object(arguments.clone())).unwrap_err();
            assert_eq!(refused.kind, "bad_arguments");
            assert!(
                refused.text().contains(named),
                "{arguments}: {}",
                refused.text()
            );
        }
    }

    #[test]
    fn null_is_the_same_as_nothing() {
        let arguments = object(json!({"text": "hi", "room": null, "role": null, "reply_to": null}));
        assert!(read::<SendArguments>(arguments).unwrap().role.is_none());
    }

    #[test]
    fn the_mode_is_told_by_what_was_given() {
        let mode = |value: Value| read::<ReadArguments>(object(value)).unwrap().mode();
        for (given, expected) in [
            (json!({}), Mode::Recent),
            (json!({"n": 4}), Mode::Since),
            (json!({"query": "x"}), Mode::Search),
            (json!({"author": "bob"}), Mode::Author),
            (json!({"author": "bob", "query": "x"}), Mode::Search),
            (json!({"mode": "around", "n": 4}), Mode::Around),
        ] {
            assert_eq!(mode(given.clone()).unwrap(), expected, "{given}");
        }
        for lacking in ["since", "around", "search", "author"] {
            assert!(mode(json!({"mode": lacking})).is_err(), "{lacking}");
        }
    }

    #[test]
    fn deadlines_and_limits_have_ends() {
        assert_eq!(deadline(None).unwrap().as_secs(), 60);
        assert_eq!(deadline(Some(600)).unwrap().as_secs(), 600);
        assert!(deadline(Some(0)).is_err() && deadline(Some(601)).is_err());
        let limit = |limit| {
            ReadArguments {
                limit,
                ..ReadArguments::default()
            }
            .limit()
        };
        assert_eq!((limit(None).unwrap(), limit(Some(100)).unwrap()), (20, 100));
        assert!(limit(Some(0)).is_err() && limit(Some(101)).is_err());
    }
}
