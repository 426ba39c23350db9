//! An agent as data: a TOML file that says how its event reads, what to print, how it is registered and woken.
//!
//! The agents we know come with the program ([`Profile::named`]); a user's own stand in `<home>/agents/NAME.toml`.
//! The format is specified in `spec/adapters.md`.

mod event;
mod template;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cc_proto::limits::VIA_BYTES_MAX;
use cc_proto::render::INJECTION_BYTES_MAX;
use serde::Deserialize;

use crate::adapter::{Adapter, Event, EventError, Heard, Moment};
use crate::install::Register;

pub use event::{EventShape, FieldPath, Moments, Trigger};
pub use template::{Template, TemplateError};

/// The folder in the home that holds a user's own profiles.
pub const PROFILES_DIR: &str = "agents";
/// The longest name of an agent, in bytes.
pub const AGENT_NAME_BYTES_MAX: usize = 32;
/// The least that an agent may say it takes: below it an injection has no room for messages.
pub const CONTEXT_MIN: usize = 4096;

/// The largest profile, in bytes.
const PROFILE_BYTES_MAX: u64 = 256 * 1024;
/// The version of the format.
const VERSION: u32 = 1;

/// What comes with the program: the names that each goes by, lest a hook read all of them to find its own, and its text.
const SHIPPED: [(&[&str], &str); 9] = [
    (
        &["claude-code", "claude"],
        include_str!("../profiles/claude-code.toml"),
    ),
    (&["codex"], include_str!("../profiles/codex.toml")),
    (
        &["gemini-cli", "gemini"],
        include_str!("../profiles/gemini-cli.toml"),
    ),
    (
        &["qwen-code", "qwen"],
        include_str!("../profiles/qwen-code.toml"),
    ),
    (
        &["copilot-cli", "copilot"],
        include_str!("../profiles/copilot-cli.toml"),
    ),
    (&["opencode"], include_str!("../profiles/opencode.toml")),
    (&["cline"], include_str!("../profiles/cline.toml")),
    (&["aider"], include_str!("../profiles/aider.toml")),
    (&["generic"], include_str!("../profiles/generic.toml")),
];

/// An agent, as a file describes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The version of the format, 1.
    pub v: u32,
    /// Its name: in `via`, among the cursors, on the command line.
    pub name: String,
    /// Shorter names for the command line.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Its name for people.
    pub title: String,
    /// Where its event says what.
    #[serde(default)]
    pub event: EventShape,
    /// Which of its events are which moments.
    #[serde(default)]
    pub moments: Moments,
    /// What it takes in answer.
    #[serde(default)]
    pub answer: Answers,
    /// How much it takes.
    #[serde(default)]
    pub limits: Limits,
    /// How to tell that it is on this machine.
    pub found: Option<Found>,
    /// What its registration writes, and where.
    #[serde(default)]
    pub register: Vec<Register>,
    /// What its user has to know or do once it is registered.
    #[serde(default)]
    pub notes: Vec<String>,
    /// How an idle session of it is woken.
    #[serde(default)]
    pub wake: Wake,
    /// How it reads the file view, where it has no hook.
    pub view: Option<View>,
}

/// What an agent takes in answer to its events.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// With a prompt.
    pub prompt: Option<Template>,
    /// At a session's start.
    pub start: Option<Template>,
    /// After a tool call.
    pub tool: Option<Template>,
}

/// How long a text an agent takes whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// So many units of it.
    pub max: usize,
    /// What is counted.
    #[serde(default)]
    pub unit: Unit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max: INJECTION_BYTES_MAX,
            unit: Unit::Bytes,
        }
    }
}

/// What an agent counts a text by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Bytes of UTF-8.
    #[default]
    Bytes,
    /// Units of UTF-16.
    Utf16,
    /// Characters.
    Chars,
}

impl Unit {
    /// How long a text is, so counted.
    pub fn count(self, text: &str) -> usize {
        match self {
            Self::Bytes => text.len(),
            Self::Utf16 => text.encode_utf16().count(),
            Self::Chars => text.chars().count(),
        }
    }
}

/// How to tell that an agent is on this machine, and which version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// The name of its program.
    pub command: String,
    /// The arguments that make it say its version.
    #[serde(default)]
    pub version: Vec<String>,
}

/// How an idle session of an agent is woken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wake {
    /// By which means.
    #[serde(default)]
    pub means: WakeMeans,
    /// For [`WakeMeans::Command`]: the program and its arguments, in which `{session}` and `{message}` are replaced.
    #[serde(default)]
    pub command: Vec<String>,
}

/// The means to wake a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WakeMeans {
    /// There is none.
    #[default]
    None,
    /// Its wake event comes when the file of [`wake_path`](crate::wake_path) changes; exit code 2 wakes it.
    Exit2OnFile,
    /// A command is run.
    Command,
    /// A plugin of ours in it looks at the file of [`wake_path`](crate::wake_path).
    File,
}

/// How an agent without a hook reads the file view.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The arguments that make it read a file, in which `{path}` is replaced.
    pub args: Vec<String>,
}

/// Why a profile is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("the profile {} cannot be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is larger than any profile.
    #[error("the profile is larger than {PROFILE_BYTES_MAX} bytes")]
    TooLarge,
    /// Not TOML, or TOML with other keys.
    #[error("the profile is not understood: {}", .0.to_string().trim_end())]
    Toml(#[from] toml::de::Error),
    /// Written for a newer program.
    #[error("the profile has version {0}, this program knows 1")]
    Version(u32),
    /// What it says does not hold together.
    #[error("in the profile `{key}` {reason}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Profile {
    /// The profiles that come with the program.
    pub fn shipped() -> Vec<Self> {
        // A test holds every one of them to be read.
        let profiles = SHIPPED.iter();
        profiles
            .filter_map(|(_, text)| Self::parse(text).ok())
            .collect()
    }

    /// A profile that comes with the program, by its name or another name of it.
    pub fn named(name: &str) -> Option<Self> {
        let mut shipped = SHIPPED.iter();
        let (_, text) = shipped.find(|(names, _)| names.contains(&name))?;
        Self::parse(text).ok()
    }

    /// A profile by name: one that comes with the program, else the user's own.
    ///
    /// # Errors
    /// As [`load`](Self::load), and where the user's file has another name in it than its own.
    pub fn find(home: &Path, name: &str) -> Result<Option<Self>, ProfileError> {
        if let Some(shipped) = Self::named(name) {
            return Ok(Some(shipped));
        }
        if !is_name(name) {
            return Ok(None);
        }
        let path = home.join(PROFILES_DIR).join(format!("{name}.toml"));
        match Self::load(&path) {
            Ok(profile) if profile.name == name => Ok(Some(profile)),
            Ok(profile) => Err(value(
                "name",
                format!("is {}, but the file is {name}.toml", profile.name),
            )),
            Err(ProfileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The user's own profiles in a home: the name of each file, and what is in it.
    ///
    /// # Errors
    /// Where the folder cannot be read. Without a folder there are none.
    pub fn own(home: &Path) -> io::Result<Vec<(String, Result<Self, ProfileError>)>> {
        let folder = match fs::read_dir(home.join(PROFILES_DIR)) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut own = Vec::new();
        for entry in folder {
            let path = entry?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            let is_toml = path.extension().is_some_and(|it| it == "toml");
            if let (true, Some(name)) = (is_toml, name) {
                own.push((name.to_owned(), Self::load(&path)));
            }
        }
        own.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(own)
    }

    /// Reads a user's own profile.
    ///
    /// # Errors
    /// Every [`ProfileError`]; among them that it takes the name of one that comes with the program.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let io = |source| ProfileError::Io {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(io)?.len() > PROFILE_BYTES_MAX {
            return Err(ProfileError::TooLarge);
        }
        let profile = Self::parse(&fs::read_to_string(path).map_err(io)?)?;
        let names = std::iter::once(&profile.name).chain(&profile.aliases);
        for name in names {
            if Self::named(name).is_some() {
                return Err(value(
                    "name",
                    format!("is {name}, which is the name of a profile that comes with cc-connect"),
                ));
            }
        }
        Ok(profile)
    }

    /// Reads a profile's text.
    ///
    /// # Errors
    /// Every [`ProfileError`] but [`ProfileError::Io`].
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text)?;
        profile.check()?;
        Ok(profile)
    }

    /// Whether that is its name or another name of it.
    pub fn goes_by(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// Whether it has a hook at all; one without reads the file view.
    pub fn has_hook(&self) -> bool {
        !self.moments.prompt.is_empty()
    }

    fn template(&self, moment: Moment) -> Option<&Template> {
        match moment {
            Moment::Prompt => self.answer.prompt.as_ref(),
            Moment::Start => self.answer.start.as_ref(),
            Moment::Tool => self.answer.tool.as_ref(),
            Moment::Wake => None,
        }
    }

    fn check(&self) -> Result<(), ProfileError> {
        if self.v != VERSION {
            return Err(ProfileError::Version(self.v));
        }
        let names = std::iter::once(("name", &self.name));
        let aliases = self.aliases.iter().map(|alias| ("aliases", alias));
        for (key, name) in names.chain(aliases) {
            if !is_name(name) {
                return Err(value(
                    key,
                    format!(
                        "has {name:?}; a name is 1 to {AGENT_NAME_BYTES_MAX} of a-z, 0-9 and `-`, and begins with a letter"
                    ),
                ));
            }
        }
        if self.title.trim().is_empty() {
            return Err(value("title", "is empty".into()));
        }
        if self.limits.max < CONTEXT_MIN {
            return Err(value(
                "limits.max",
                format!(
                    "is {}; less than {CONTEXT_MIN} has no room for messages",
                    self.limits.max
                ),
            ));
        }
        for (moment, triggers, key) in [
            (Moment::Prompt, &self.moments.prompt, "answer.prompt"),
            (Moment::Start, &self.moments.start, "answer.start"),
            (Moment::Tool, &self.moments.tool, "answer.tool"),
        ] {
            if triggers.is_empty() == self.template(moment).is_some() {
                let reason = if triggers.is_empty() {
                    format!("is there, but no event is `moments.{}`", moment.name())
                } else {
                    format!("is missing, but there is `moments.{}`", moment.name())
                };
                return Err(value(key, reason));
            }
        }
        if self.has_hook() && self.event.session.is_empty() {
            return Err(value("event.session", "is missing".into()));
        }
        for register in &self.register {
            register
                .check()
                .map_err(|reason| value("register", reason))?;
        }
        let is_command = self.wake.means == WakeMeans::Command;
        if is_command == self.wake.command.is_empty() {
            return Err(value(
                "wake.command",
                "belongs to means = \"command\", and to it alone".into(),
            ));
        }
        Ok(())
    }
}

fn value(key: &'static str, reason: String) -> ProfileError {
    ProfileError::Value { key, reason }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= AGENT_NAME_BYTES_MAX.min(VIA_BYTES_MAX)
        && name
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(plain)
}

impl Adapter for Profile {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, event: &[u8], named: Option<&str>) -> Result<Heard, EventError> {
        event::read(&self.event, &self.moments, event, named)
    }

    fn write(&self, event: &Event, text: &str) -> Vec<u8> {
        self.write_start(event, text, &[])
    }

    fn write_start(&self, event: &Event, text: &str, watch: &[PathBuf]) -> Vec<u8> {
        let template = self.template(event.moment);
        template.map_or_else(Vec::new, |template| template.fill(text, watch))
    }

    fn watches(&self) -> bool {
        matches!(self.wake.means, WakeMeans::Exit2OnFile | WakeMeans::File)
    }

    fn bytes_max(&self) -> usize {
        // No character takes fewer bytes than it has of the other units.
        self.limits.max.min(INJECTION_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests;
