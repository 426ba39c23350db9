//! What belongs in one file of an agent: put in, taken out, found, whatever its format.

use std::path::{Path, PathBuf};

use super::command::tools_program;
use super::fault::{Fault, InstallError};
use super::json_edit::{self, Entry, Kind, Reading};
use super::json_text::Lax;
use super::lines::{toml_block, yaml_list};
use super::register::{Format, Register, Request, What, Words, source_text};
use super::{HookEntries, Registered};
use crate::profile::Profile;

/// On the first line of a file that is ours as a whole.
const OURS: &str = "cc-connect install";

/// All entries of an agent that belong in one file.
pub(super) struct Edits {
    pub path: PathBuf,
    form: Form,
    parts: Vec<Part>,
}

enum Form {
    Json { how: Reading, base: String },
    Toml,
    Yaml,
    File,
}

struct Part {
    what: What,
    wanted: bool,
    entry: Entry,
}

/// A text without our entries.
pub(super) struct Taken {
    pub text: String,
    /// Whether nothing is left that was not in a file of our making.
    pub nothing_left: bool,
}

impl Edits {
    /// Every file of an agent in that scope, with what belongs in it.
    pub fn of(profile: &Profile, request: &Request<'_>) -> Result<Vec<Self>, InstallError> {
        let words = Words::new(profile.short_name(), request)?;
        let mut files: Vec<Self> = Vec::new();
        for register in &profile.register {
            let Some(path) = register.path(request)? else {
                continue;
            };
            let part = part(register, request, &words).map_err(|fault| fault.at(&path))?;
            match files.iter_mut().find(|file| file.path == path) {
                Some(file) => file.parts.push(part),
                None => files.push(Self {
                    form: form(profile, register),
                    path,
                    parts: vec![part],
                }),
            }
        }
        Ok(files)
    }

    /// A hook's entries in one JSON file.
    pub fn of_hook(hook: &HookEntries<'_>) -> Self {
        let entry = |event: &&str| Entry {
            at: vec!["hooks".to_owned(), (*event).to_owned()],
            kind: Kind::Item,
            value: hook.item.to_owned(),
        };
        let part = |entry| Part {
            what: What::Hook,
            wanted: true,
            entry,
        };
        Self {
            path: hook.path.to_owned(),
            form: Form::Json {
                how: Reading {
                    names: hook.names.iter().map(|name| (*name).to_owned()).collect(),
                    lax: Lax::default(),
                },
                base: "{}".to_owned(),
            },
            parts: hook.events.iter().map(entry).map(part).collect(),
        }
    }

    /// The text with what is wanted in it, and without what is not; `None` is a file that is not there.
    pub fn put(&self, text: Option<&str>) -> Result<Option<String>, Fault> {
        let (wanted, unwanted) = (self.entries(true), self.entries(false));
        let new = match &self.form {
            Form::Json { how, base } => {
                let given = text;
                let text = text.filter(|text| !is_blank(text));
                if text.is_none() && wanted.is_empty() {
                    return Ok(given.map(str::to_owned));
                }
                let mut new = text.unwrap_or(base).to_owned();
                if let Some(without) = json_edit::take(&new, None, &unwanted, how)? {
                    new = without;
                }
                let new = json_edit::put(&new, &wanted, how)?;
                if text.is_none() { new + "\n" } else { new }
            }
            Form::Toml => {
                let put =
                    |text: String, entry: &Entry| toml_block::put(&text, &entry.at, &entry.value);
                let start = text.unwrap_or_default().to_owned();
                wanted.iter().try_fold(start, put)?
            }
            Form::Yaml => {
                let put = |text: String, entry: &Entry| {
                    yaml_list::put(&text, &entry.at[0], &entry.value, &is_view)
                };
                let start = text.unwrap_or_default().to_owned();
                wanted.iter().try_fold(start, put)?
            }
            Form::File => {
                if text.is_some_and(|text| !self.is_our_file(text)) {
                    return Err(Fault::Taken("another file of this name".into()));
                }
                match wanted.first() {
                    Some(entry) => entry.value.clone(),
                    None => return Ok(text.map(str::to_owned)),
                }
            }
        };
        Ok(Some(new))
    }

    /// The text without any entry of ours, or `None` where it has none.
    pub fn take(&self, text: &str, original: Option<&str>) -> Result<Option<Taken>, Fault> {
        let entries = self.all();
        let left = match &self.form {
            Form::Json { .. } if is_blank(text) => None,
            Form::Json { how, .. } => json_edit::take(text, original, &entries, how)?,
            Form::Toml => {
                let mut left = None;
                for entry in &entries {
                    let now = left.as_deref().unwrap_or(text);
                    left = toml_block::take(now, &entry.at)?.or(left);
                }
                left
            }
            Form::Yaml => yaml_list::take(text, &entries[0].at[0], &is_view)?,
            Form::File => self.is_our_file(text).then(String::new),
        };
        Ok(left.map(|text| Taken {
            nothing_left: match &self.form {
                Form::Json { how, base } => json_edit::is_base(&text, base, how),
                _ => text.trim().is_empty(),
            },
            text,
        }))
    }

    /// Whether this text is the original with our entries put in and nothing else done.
    pub fn is_untouched(&self, text: &str, original: &str) -> bool {
        match &self.form {
            // Nothing but white space was taken for a file that is not there.
            Form::Json { .. } if is_blank(original) => {
                let taken = self.take(text, None).ok().flatten();
                taken.is_some_and(|taken| taken.nothing_left)
            }
            Form::Json { how, .. } => json_edit::is_untouched(text, original, &self.all(), how),
            // There, taking out is exact.
            _ => false,
        }
    }

    /// Whether the whole file is ours.
    pub fn is_own_file(&self) -> bool {
        matches!(self.form, Form::File)
    }

    /// Whether the text has an entry of ours; one that is not understood has none.
    pub fn has_ours(&self, text: &str) -> bool {
        self.parts.iter().any(|part| {
            self.programs(text, part)
                .is_ok_and(|found| !found.is_empty())
        })
    }

    /// What of ours the file has.
    pub fn registered(&self) -> Result<Vec<Registered>, InstallError> {
        let before = super::disk::Target::resolve(&self.path)?.read()?;
        let Some(text) = before.text() else {
            return Ok(Vec::new());
        };
        let mut all: Vec<Registered> = Vec::new();
        for part in &self.parts {
            let programs = self.programs(text, part);
            for program in programs.map_err(|fault| fault.at(&self.path))? {
                let one = Registered {
                    what: part.what,
                    path: self.path.clone(),
                    program: program.map(PathBuf::from),
                };
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
        Ok(all)
    }

    /// One for each entry found: the program that it runs, where that can be told.
    fn programs(&self, text: &str, part: &Part) -> Result<Vec<Option<String>>, Fault> {
        let entry = &part.entry;
        Ok(match &self.form {
            Form::Json { .. } if is_blank(text) => Vec::new(),
            Form::Json { how, .. } => {
                let programs = json_edit::programs(text, entry, how)?;
                programs.into_iter().map(Some).collect()
            }
            Form::Toml => {
                let strings = toml_block::strings(text, &entry.at)?;
                let strings: Vec<&str> = strings.iter().map(String::as_str).collect();
                let program = tools_program(&strings);
                program.map(|it| Some(it.to_owned())).into_iter().collect()
            }
            Form::Yaml => {
                let paths = yaml_list::ours(text, &entry.at[0], &is_view);
                paths.into_iter().map(|_| None).collect()
            }
            Form::File if self.is_our_file(text) => vec![program_of_file(text)],
            Form::File => Vec::new(),
        })
    }

    /// Whether a file begins with the very line that ours does, which has to name us.
    fn is_our_file(&self, text: &str) -> bool {
        let first = text.lines().next().filter(|line| line.contains(OURS));
        let mut ours = self.parts.iter().map(|part| part.entry.value.lines());
        first.is_some() && ours.any(|mut ours| ours.next() == first)
    }

    fn entries(&self, wanted: bool) -> Vec<Entry> {
        let parts = self.parts.iter().filter(|part| part.wanted == wanted);
        parts.map(|part| part.entry.clone()).collect()
    }

    fn all(&self) -> Vec<Entry> {
        self.parts.iter().map(|part| part.entry.clone()).collect()
    }
}

/// Whether nothing is in a file but white space, a byte order mark perhaps before it: to agents that is one without
/// settings.
fn is_blank(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim().is_empty()
}

fn form(profile: &Profile, register: &Register) -> Form {
    match register.format {
        Format::Json | Format::Jsonc => {
            let mut names = vec![profile.name.clone()];
            names.extend(profile.aliases.iter().cloned());
            Form::Json {
                how: Reading {
                    names,
                    lax: Lax {
                        comments: register.format == Format::Jsonc,
                        trailing_commas: register.trailing_commas,
                    },
                },
                base: register.base.clone().unwrap_or_else(|| "{}".to_owned()),
            }
        }
        Format::Toml => Form::Toml,
        Format::Yaml => Form::Yaml,
        Format::File => Form::File,
    }
}

fn part(register: &Register, request: &Request<'_>, words: &Words) -> Result<Part, Fault> {
    let kind = if register.item.is_some() {
        Kind::Item
    } else {
        Kind::Member
    };
    let source = register.source.as_deref().and_then(source_text);
    let text = register.text.as_deref().or(source);
    let value = match (&register.item, &register.value, text) {
        (Some(item), _, _) if register.format == Format::Yaml => words.path(item),
        (Some(json), _, _) | (_, Some(json), _) => words.json(json)?,
        (_, _, text) => words.text(text.unwrap_or_default())?,
    };
    Ok(Part {
        what: register.what,
        wanted: register.is_wanted(request),
        entry: Entry {
            at: register.at.clone(),
            kind,
            value,
        },
    })
}

/// Whether a path is that of a file view, in whichever home.
fn is_view(path: &str) -> bool {
    let mut parts = Path::new(path)
        .iter()
        .rev()
        .filter_map(|part| part.to_str());
    let is_hex =
        |folder: &str| folder.len() == 16 && folder.bytes().all(|it| it.is_ascii_hexdigit());
    parts.next() == Some("ROOM.md")
        && parts.next().is_some_and(is_hex)
        && parts.next() == Some("views")
}

/// The first string of the first list on a line of its own that begins with our program: what the file runs.
fn program_of_file(text: &str) -> Option<String> {
    let lists = text.lines().filter_map(|line| {
        let list = &line[line.find("[\"")?..];
        let mut stream = serde_json::Deserializer::from_str(list).into_iter::<Vec<String>>();
        stream.next()?.ok()
    });
    let mut programs = lists.filter_map(|list| list.into_iter().next());
    programs.find(|program| program.ends_with("cc-connect"))
}
