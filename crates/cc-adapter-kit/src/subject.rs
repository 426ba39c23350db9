//! The adapter under test: how it is started, in which words it is asked, and how its answer reads.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use cc_hook_generic::profile::Trigger;
use cc_hook_generic::{Adapter as _, Event, Moment, Profile, reader_name, session_id};
use cc_log::reader_file_name;
use serde_json::{Map, Value};

use crate::report::Checked;
use crate::room::BOB;
use crate::world::World;

/// Stands in an answer where the text is looked for. No text that was cleaned holds it.
const MARKER: &str = "\u{0}context\u{0}";

/// Why there is nothing to check.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// No program was named.
    #[error("no program is named")]
    NoProgram,
    /// An agent that is told nothing by a hook.
    #[error("{0} has no hook to check")]
    NoHook(String),
}

/// An adapter.
#[derive(Debug, Clone)]
pub struct Subject {
    pub(crate) command: Vec<OsString>,
    profile: Profile,
    agent: String,
}

impl Subject {
    /// A program that speaks the generic JSON of `spec/adapters.md`.
    ///
    /// # Errors
    /// [`SubjectError`].
    pub fn program(command: Vec<OsString>) -> Result<Self, SubjectError> {
        let generic = Profile::named("generic");
        let generic = generic.ok_or_else(|| SubjectError::NoHook("generic".into()))?;
        Self::profile(generic, command)
    }

    /// Looks what the program calls itself: that begins the name of its first cursor. One that leaves no cursor keeps the
    /// name of its profile.
    #[must_use]
    pub fn introduced(mut self) -> Self {
        if let Ok(Some(agent)) = self.first_cursor() {
            self.agent = agent;
        }
        self
    }

    /// The same under another name: that of a program which is known not to tell it.
    #[must_use]
    pub fn called(mut self, agent: &str) -> Self {
        agent.clone_into(&mut self.agent);
        self
    }

    fn first_cursor(&self) -> Checked<Option<String>> {
        let world = World::new(self)?;
        let mut room = world.trip()?;
        room.say(BOB, "hello")?;
        world.patiently(&world.ask("probe"))?;
        for entry in fs::read_dir(room.cursors())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if let Some(agent) = name.strip_suffix("-probe.json") {
                return Ok(Some(agent.to_owned()));
            }
        }
        Ok(None)
    }

    /// A program that speaks as a profile says, mostly `cc-connect hook --profile FILE`.
    ///
    /// # Errors
    /// [`SubjectError`].
    pub fn profile(profile: Profile, command: Vec<OsString>) -> Result<Self, SubjectError> {
        if command.is_empty() {
            return Err(SubjectError::NoProgram);
        }
        if !profile.has_hook() {
            return Err(SubjectError::NoHook(profile.title));
        }
        let agent = profile.name.clone();
        Ok(Self {
            command,
            profile,
            agent,
        })
    }

    /// The agent's name, which begins the names of its cursors.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// The longest text that it takes, in bytes.
    pub(crate) fn bytes_max(&self) -> usize {
        self.profile.bytes_max()
    }

    /// The name of a session's files.
    pub(crate) fn reader_file(&self, session: &str) -> String {
        reader_file_name(&reader_name(&self.agent, &session_id(session)))
    }

    /// Whether it is told of such moments at all.
    pub(crate) fn has(&self, moment: Moment) -> bool {
        !self.triggers(moment).is_empty()
    }

    fn triggers(&self, moment: Moment) -> &[Trigger] {
        let moments = &self.profile.moments;
        match moment {
            Moment::Prompt => &moments.prompt,
            Moment::Start => &moments.start,
            Moment::Tool => &moments.tool,
            Moment::Wake => &moments.wake,
        }
    }

    /// Whether its events say in which directory a session is.
    pub(crate) fn says_directory(&self) -> bool {
        !self.profile.event.directory.places().is_empty()
    }

    /// An event as the agent would hand it over, and the arguments that go with it.
    pub(crate) fn event(
        &self,
        moment: Moment,
        session: &str,
        directory: &Path,
    ) -> (Value, Vec<String>) {
        let shape = &self.profile.event;
        let mut event = Value::Object(Map::new());
        for (path, value) in &shape.require {
            put(&mut event, path, value.clone());
        }
        let trigger = self.triggers(moment).first();
        for (path, value) in trigger.into_iter().flat_map(Trigger::conditions) {
            put(&mut event, path, value.clone());
        }
        let name = trigger.map_or("other", Trigger::name);
        let mut arguments = Vec::new();
        match shape.name.places().first() {
            Some(path) => put(&mut event, path, name.into()),
            None => arguments.extend(["--event".to_owned(), name.to_owned()]),
        }
        if let Some(path) = shape.session.places().first() {
            put(&mut event, path, session.into());
        }
        if let Some(path) = shape.directory.places().first() {
            put(&mut event, path, directory.to_string_lossy().into());
        }
        (event, arguments)
    }

    /// Where an event says what the session is called, and how the event is named.
    pub(crate) fn places(&self) -> (Option<&str>, Option<&str>, Option<&str>) {
        let shape = &self.profile.event;
        (
            shape.session.places().first().map(String::as_str),
            shape.directory.places().first().map(String::as_str),
            shape.name.places().first().map(String::as_str),
        )
    }

    /// The text in an answer.
    ///
    /// # Errors
    /// What is wrong with the answer.
    pub(crate) fn text_of(&self, moment: Moment, answer: &[u8]) -> Result<String, String> {
        let answer = std::str::from_utf8(answer).map_err(|_| "bytes that are no text")?;
        let event = Event {
            moment,
            session: String::new(),
            directory: "/".into(),
        };
        let form = self.profile.write_start(&event, MARKER, &[]);
        let form = String::from_utf8_lossy(&form);
        if form.trim_end_matches('\n') == MARKER {
            return Ok(answer.strip_suffix('\n').unwrap_or(answer).to_owned());
        }
        let form: Value = serde_json::from_str(&form).map_err(|error| error.to_string())?;
        let given: Value = serde_json::from_str(answer)
            .map_err(|error| format!("no single JSON object ({error}): {answer}"))?;
        let mut text = None;
        if !fits(&form, &given, &mut text) {
            return Err(format!("JSON of another shape: {answer}"));
        }
        text.ok_or_else(|| "an answer without a text".to_owned())
    }
}

/// Puts a value at a place in an object; the names on the way stand between dots.
pub(crate) fn put(event: &mut Value, path: &str, value: Value) {
    let mut at = event;
    let (way, last) = path.rsplit_once('.').unwrap_or(("", path));
    for key in way.split('.').filter(|key| !key.is_empty()) {
        let Value::Object(map) = at else { return };
        at = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Value::Object(map) = at {
        map.insert(last.to_owned(), value);
    }
}

/// Whether an answer has the form: the same keys, the same values, and any text where the marker stands.
fn fits(form: &Value, given: &Value, text: &mut Option<String>) -> bool {
    match (form, given) {
        (Value::String(form), Value::String(given)) if form == MARKER => {
            *text = Some(given.clone());
            true
        }
        (Value::Object(form), Value::Object(given)) => {
            form.len() == given.len()
                && form.iter().all(|(key, form)| {
                    let given = given.get(key);
                    given.is_some_and(|given| fits(form, given, text))
                })
        }
        // A list of files to watch is the adapter's own business.
        (Value::Array(form), Value::Array(_)) if form.is_empty() => true,
        (form, given) => form == given,
    }
}
