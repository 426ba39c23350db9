//! Our entry within the text of the settings: found, put in, taken out. No files here.

use std::path::Path;

use serde::Serialize;

use super::json_text::{self, Layout, Node};
use super::{Installed, SettingsError, TIMEOUT_SECONDS};

const EVENT: &str = "UserPromptSubmit";

#[derive(Serialize)]
struct Hooks<'a> {
    #[serde(rename = "UserPromptSubmit")]
    event: [Group<'a>; 1],
}

#[derive(Serialize)]
struct Group<'a> {
    hooks: [Hook<'a>; 1],
}

#[derive(Serialize)]
struct Hook<'a> {
    r#type: &'a str,
    command: &'a str,
    timeout: u32,
}

/// What is wrong with a text, before it is known which file it came from.
pub(super) enum Fault {
    Malformed(serde_json::Error),
    Shape {
        what: &'static str,
        expected: &'static str,
    },
}

impl Fault {
    pub fn at(self, path: &Path) -> SettingsError {
        let path = path.to_owned();
        match self {
            Self::Malformed(source) => SettingsError::Malformed { path, source },
            Self::Shape { what, expected } => SettingsError::WrongShape {
                path,
                what,
                expected,
            },
        }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error)
    }
}

/// The text with our entry in it.
pub(super) fn put(text: &str, command: &str) -> Result<(String, Installed), Fault> {
    let found = find(text)?;
    if !found.ours.is_empty() {
        return replace_command(text, command);
    }
    let layout = Layout::of(text, &found.root);
    let group = Group {
        hooks: [Hook {
            r#type: "command",
            command,
            timeout: TIMEOUT_SECONDS,
        }],
    };
    let new = match (found.hooks(), found.event()) {
        (_, Some(event)) => layout.append(text, event, &layout.write(None, &group, 3), 2),
        (Some(hooks), None) => {
            layout.append(text, hooks, &layout.write(Some(EVENT), &[group], 2), 1)
        }
        (None, None) => {
            let hooks = Hooks { event: [group] };
            layout.append(
                text,
                &found.root,
                &layout.write(Some("hooks"), &hooks, 1),
                0,
            )
        }
    };
    Ok((new, Installed::Added))
}

/// Gives our first entry this command and takes out any others of ours.
fn replace_command(text: &str, command: &str) -> Result<(String, Installed), Fault> {
    let mut text = text.to_owned();
    let mut done = Installed::AlreadyThere;
    loop {
        let found = find(&text)?;
        let Some(extra) = found.ours.get(1) else {
            break;
        };
        text = found.without(&text, extra, Containers::default())?;
        done = Installed::Replaced;
    }
    let found = find(&text)?;
    if let Some(place) = found.ours.first()
        && place.command != command
    {
        let quoted = serde_json::to_string(command)?;
        text = json_text::replace(&text, place.command_span.clone(), &quoted);
        done = Installed::Replaced;
    }
    Ok((text, done))
}

/// What is left once our entry is gone.
pub(super) struct Taken {
    pub text: String,
    /// The command that stood there.
    pub command: String,
    /// Whether an empty object is all that is left.
    pub nothing_left: bool,
}

/// Which emptied containers were there before us and therefore stay.
#[derive(Clone, Copy, Default)]
struct Containers {
    hooks: bool,
    event: bool,
}

/// The text without our entry, or `None` where there is none. `original` is the text before we came.
pub(super) fn take(text: &str, original: Option<&str>) -> Result<Option<Taken>, Fault> {
    let keep = original
        .and_then(|original| find(original).ok())
        .map_or_else(Containers::default, |found| Containers {
            hooks: found.hooks().is_some(),
            event: found.event().is_some(),
        });
    let mut text = text.to_owned();
    let mut command = None;
    loop {
        let found = find(&text)?;
        let Some(place) = found.ours.first() else {
            let nothing_left = found.root.parts().is_empty();
            return Ok(command.map(|command| Taken {
                text,
                command,
                nothing_left,
            }));
        };
        command.get_or_insert_with(|| place.command.clone());
        text = found.without(&text, place, keep)?;
    }
}

/// Where one entry of ours stands.
struct Place {
    group: usize,
    hook: usize,
    command: String,
    command_span: std::ops::Range<usize>,
}

/// The parts of a settings text that matter here.
struct Found {
    root: Node,
    ours: Vec<Place>,
}

impl Found {
    fn hooks(&self) -> Option<&Node> {
        self.root.member("hooks")
    }

    fn event(&self) -> Option<&Node> {
        self.hooks()?.member(EVENT)
    }

    /// Takes out one entry, and what it leaves empty unless that is to be kept.
    fn without(&self, text: &str, place: &Place, keep: Containers) -> Result<String, Fault> {
        let (Some(hooks), Some(event)) = (self.hooks(), self.event()) else {
            return Ok(text.to_owned());
        };
        let groups = event.items().unwrap_or_default();
        let group = &groups[place.group];
        let list = group.member("hooks").ok_or(HOOKS_OF_GROUP)?;
        if list.parts().len() > 1 || group.parts().len() > 1 {
            return Ok(json_text::remove(text, list, place.hook));
        }
        if groups.len() > 1 || keep.event {
            return Ok(json_text::remove(text, event, place.group));
        }
        if hooks.parts().len() > 1 || keep.hooks {
            return Ok(json_text::remove(text, hooks, index_of(hooks, EVENT)));
        }
        Ok(json_text::remove(
            text,
            &self.root,
            index_of(&self.root, "hooks"),
        ))
    }
}

fn index_of(object: &Node, key: &str) -> usize {
    object
        .members()
        .unwrap_or_default()
        .iter()
        .position(|member| member.key == key)
        .unwrap_or_default()
}

const HOOKS_OF_GROUP: Fault = Fault::Shape {
    what: "hooks.UserPromptSubmit[].hooks",
    expected: "a list",
};

/// Reads the text, refusing what does not have Claude Code's shape.
fn find(text: &str) -> Result<Found, Fault> {
    let root = json_text::parse(text)?;
    let members = root.members().ok_or(Fault::Shape {
        what: "the whole",
        expected: "an object",
    })?;
    only_one(members, "hooks", "hooks")?;
    if let Some(hooks) = root.member("hooks") {
        let members = hooks.members().ok_or(Fault::Shape {
            what: "hooks",
            expected: "an object",
        })?;
        only_one(members, EVENT, "hooks.UserPromptSubmit")?;
    }
    let event = root.member("hooks").and_then(|hooks| hooks.member(EVENT));
    let ours = event.map_or_else(|| Ok(Vec::new()), places)?;
    Ok(Found { root, ours })
}

/// Every entry of ours in the event's list.
fn places(event: &Node) -> Result<Vec<Place>, Fault> {
    let list = Fault::Shape {
        what: "hooks.UserPromptSubmit",
        expected: "a list",
    };
    let mut ours = Vec::new();
    for (group_index, group) in event.items().ok_or(list)?.iter().enumerate() {
        let object = Fault::Shape {
            what: "hooks.UserPromptSubmit[]",
            expected: "an object",
        };
        only_one(
            group.members().ok_or(object)?,
            "hooks",
            "hooks.UserPromptSubmit[].hooks",
        )?;
        let hooks = group
            .member("hooks")
            .and_then(Node::items)
            .ok_or(HOOKS_OF_GROUP)?;
        for (hook_index, hook) in hooks.iter().enumerate() {
            if let Some(command) = hook.member("command")
                && let Some(line) = command.text().filter(|line| is_ours(line))
            {
                ours.push(Place {
                    group: group_index,
                    hook: hook_index,
                    command: line.to_owned(),
                    command_span: command.span.clone(),
                });
            }
        }
    }
    Ok(ours)
}

fn only_one(members: &[json_text::Member], key: &str, what: &'static str) -> Result<(), Fault> {
    if members.iter().filter(|member| member.key == key).count() > 1 {
        return Err(Fault::Shape {
            what,
            expected: "given only once",
        });
    }
    Ok(())
}

/// Whether the text has an entry of ours.
pub(super) fn has_ours(text: &str) -> bool {
    find(text).is_ok_and(|found| !found.ours.is_empty())
}

/// Whether a command line is one that [`command_line`] writes for our hook: `…/cc-hook-claude` or
/// `…/cc-connect hook --agent claude`, either with `--home DIR` behind it and nothing else.
fn is_ours(line: &str) -> bool {
    let words = shell_words(line);
    // What stands otherwise than we write it may be more than a shell's words: somebody else's line.
    if join_quoted(words.iter().map(String::as_str)) != line {
        return false;
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is = |program: &str, name: &str| program.rsplit('/').next() == Some(name);
    match words.as_slice() {
        [program] | [program, "--home", _] => is(program, "cc-hook-claude"),
        [program, "hook", "--agent", "claude"]
        | [program, "hook", "--agent", "claude", "--home", _] => is(program, "cc-connect"),
        _ => false,
    }
}

/// The words of a shell command line, quotes undone; enough for the lines that we write.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, ' ' | '\t' | '\n') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The shell command line that runs `program` with these arguments.
///
/// Quoted where a shell would take a character for its own. `None` where the path is not UTF-8, which settings
/// cannot hold.
pub fn command_line(program: &Path, arguments: &[&str]) -> Option<String> {
    let words = std::iter::once(program.to_str()?).chain(arguments.iter().copied());
    Some(join_quoted(words))
}

fn join_quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.map(quote).collect();
    quoted.join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
