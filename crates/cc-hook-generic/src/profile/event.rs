//! How a profile reads an event: where in its JSON things stand, and which moment it is.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::adapter::{Event, EventError, Heard, Moment};

/// Where an event says what. Each is a list of places, of which the first that is there counts.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventShape {
    /// The session's id.
    #[serde(default)]
    pub session: FieldPath,
    /// The working directory; where it is nowhere, that of the hook's process.
    #[serde(default)]
    pub directory: FieldPath,
    /// The event's name; where there is none the command line names it.
    #[serde(default)]
    pub name: FieldPath,
    /// Which moment an event is that nobody names; a prompt where no place is given for the name.
    #[serde(default)]
    pub unnamed: Option<Moment>,
    /// What has to stand where, lest the event be somebody else's.
    #[serde(default)]
    pub require: BTreeMap<String, Value>,
}

/// Places in an object: each the names on the way down, with dots between them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "OneOrMore")]
pub struct FieldPath(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for FieldPath {
    fn from(paths: OneOrMore) -> Self {
        match paths {
            OneOrMore::One(path) => Self(vec![path]),
            OneOrMore::More(paths) => Self(paths),
        }
    }
}

impl FieldPath {
    /// Whether there is no such place.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The places, the one that counts first in front.
    pub fn places(&self) -> &[String] {
        &self.0
    }

    /// The text at the first of the places that is there.
    fn text<'a>(&self, event: &'a Value) -> Result<Option<&'a str>, EventError> {
        let mut places = self.0.iter().filter_map(|path| at(event, path));
        match places.find(|value| !value.is_null()) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.missing()),
        }
    }

    fn missing(&self) -> EventError {
        EventError::Missing {
            field: self.0.first().cloned().unwrap_or_default(),
        }
    }
}

fn at<'a>(event: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(event, |value, key| value.get(key))
}

/// Which of an agent's events are which moments.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    /// [`Moment::Prompt`].
    #[serde(default)]
    pub prompt: Vec<Trigger>,
    /// [`Moment::Start`].
    #[serde(default)]
    pub start: Vec<Trigger>,
    /// [`Moment::Tool`].
    #[serde(default)]
    pub tool: Vec<Trigger>,
    /// [`Moment::Wake`].
    #[serde(default)]
    pub wake: Vec<Trigger>,
}

/// An event that is a moment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Trigger {
    /// Every event of that name.
    Name(String),
    /// Those of that name that have these values in these places. Looked at before those by name alone.
    Where(Conditions),
}

/// An event of a name with certain values in it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// The event's name.
    pub event: String,
    /// What stands where.
    pub r#where: BTreeMap<String, Value>,
}

impl Trigger {
    /// The event's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Where(conditions) => &conditions.event,
        }
    }

    /// What has to stand where besides.
    pub fn conditions(&self) -> impl Iterator<Item = (&String, &Value)> {
        let conditions = match self {
            Self::Name(_) => None,
            Self::Where(conditions) => Some(&conditions.r#where),
        };
        conditions.into_iter().flatten()
    }

    /// How well it fits; `None` for not at all.
    fn fits(&self, name: &str, event: &Value) -> Option<u8> {
        if self.name() != name {
            return None;
        }
        match self {
            Self::Name(_) => Some(0),
            Self::Where(conditions) => conditions
                .r#where
                .iter()
                .all(|(path, value)| at(event, path) == Some(value))
                .then_some(1),
        }
    }
}

impl Moments {
    fn of(&self, name: &str, event: &Value) -> Option<Moment> {
        [
            (Moment::Prompt, &self.prompt),
            (Moment::Start, &self.start),
            (Moment::Tool, &self.tool),
            (Moment::Wake, &self.wake),
        ]
        .into_iter()
        .flat_map(|(moment, triggers)| triggers.iter().map(move |trigger| (moment, trigger)))
        .filter_map(|(moment, trigger)| Some((trigger.fits(name, event)?, moment)))
        .max_by_key(|(fit, _)| *fit)
        .map(|(_, moment)| moment)
    }
}

/// Reads an event of an agent that has this shape and these moments.
pub(super) fn read(
    shape: &EventShape,
    moments: &Moments,
    bytes: &[u8],
    named: Option<&str>,
) -> Result<Heard, EventError> {
    let event: Value = serde_json::from_slice(bytes).map_err(|error| EventError::Shape {
        line: error.line(),
        column: error.column(),
    })?;
    if !event.is_object() {
        return Err(EventError::Shape { line: 1, column: 1 });
    }
    for (path, value) in &shape.require {
        if at(&event, path) != Some(value) {
            return Err(EventError::Missing {
                field: format!("{path}: {value}"),
            });
        }
    }
    let named = shape.name.text(&event)?.or(named);
    let unnamed = shape.name.is_empty().then_some(Moment::Prompt);
    let moment = match (named, shape.unnamed.or(unnamed)) {
        (Some(name), _) => moments.of(name, &event),
        (None, None) => return Err(shape.name.missing()),
        (None, moment) => moment,
    };
    let Some(moment) = moment else {
        return Ok(Heard::Other);
    };
    let session = shape.session.text(&event)?;
    let session = session.ok_or_else(|| shape.session.missing())?.to_owned();
    let directory = shape.directory.text(&event)?.map(PathBuf::from);
    let directory = directory
        .or_else(|| env::current_dir().ok())
        .ok_or_else(|| shape.directory.missing())?;
    Ok(Heard::Event(Event {
        moment,
        session,
        directory,
    }))
}
