//! What an agent's registration writes, and where: the `[[register]]` entries of a profile.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::command::command_line;
use super::fault::InstallError;
use super::json_text::{Lax, parse, replace};

/// The texts of whole files that come with the program.
const SOURCES: [(&str, &str); 2] = [
    ("opencode.js", include_str!("../../profiles/opencode.js")),
    ("cline.js", include_str!("../../profiles/cline.js")),
];

/// One thing that a registration writes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// What it is for.
    pub what: What,
    /// The file among the user's own settings.
    #[serde(default)]
    pub user: UserPath,
    /// The file among a folder's settings, from that folder.
    pub project: Option<String>,
    /// How the file is written.
    pub format: Format,
    /// Whether a JSON file may have a comma after the last of several.
    #[serde(default)]
    pub trailing_commas: bool,
    /// The keys that lead to the place.
    #[serde(default)]
    pub at: Vec<String>,
    /// The item that goes into the list at that place.
    pub item: Option<String>,
    /// The value that stands at that place.
    pub value: Option<String>,
    /// The lines, or the whole file.
    pub text: Option<String>,
    /// The name of a whole file that comes with the program.
    pub source: Option<String>,
    /// What a JSON file has in it that is not there yet, without ours.
    pub base: Option<String>,
    /// Only where this was asked for.
    pub only: Option<Only>,
}

/// What something that is registered is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// The hook.
    Hook,
    /// The tools.
    Tools,
    /// Both, by a plugin of ours.
    Plugin,
    /// The file view.
    View,
}

impl What {
    /// Its name in profiles and in `--json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::Tools => "tools",
            Self::Plugin => "plugin",
            Self::View => "view",
        }
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON.
    Json,
    /// JSON with comments.
    Jsonc,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
    /// A file that is ours as a whole.
    File,
}

/// What has to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Only {
    /// `--mid-turn`
    MidTurn,
}

/// Where a file is, the first that can be told: `~/…`, or `$VARIABLE/…` where that is set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(untagged)]
pub enum UserPath {
    /// The agent has no settings of its user.
    #[default]
    None,
    /// One place.
    One(String),
    /// Several.
    First(Vec<String>),
}

/// Whose settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The user's, for every folder.
    User,
    /// Those of this folder.
    Project(PathBuf),
}

/// What a registration is made of.
#[derive(Clone)]
pub struct Request<'a> {
    /// Whose settings.
    pub scope: Scope,
    /// This program.
    pub program: PathBuf,
    /// The home, where it is not the one by default.
    pub home: Option<PathBuf>,
    /// The file view of the folder.
    pub view: PathBuf,
    /// Whether the agent is told of what is addressed to its user in the middle of its work.
    pub mid_turn: bool,
    /// Whether what the agent wants to say is held for the human's yes.
    pub approve: bool,
    /// Looks a variable of the environment up.
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Register {
    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// In words, after the key's name.
    pub(crate) fn check(&self) -> Result<(), String> {
        let given = [&self.item, &self.value, &self.text, &self.source];
        if given.iter().filter(|it| it.is_some()).count() != 1 {
            return Err("needs one of item, value, text, source".into());
        }
        let fits = match self.format {
            Format::Json | Format::Jsonc => self.item.is_some() || self.value.is_some(),
            Format::Toml => self.text.is_some(),
            Format::Yaml => self.item.is_some() && self.at.len() == 1,
            Format::File => self.text.is_some() || self.source.is_some(),
        };
        if !fits || (self.at.is_empty() != (self.format == Format::File)) {
            return Err("does not fit its format".into());
        }
        if let Some(source) = &self.source
            && source_text(source).is_none()
        {
            return Err(format!(
                "names {source}, which does not come with cc-connect"
            ));
        }
        if self.format != Format::Yaml {
            for json in [&self.item, &self.value, &self.base].into_iter().flatten() {
                parse(json, Lax::default()).map_err(|error| format!("has no JSON: {error}"))?;
            }
        }
        let inside = |path: &String| {
            Path::new(path)
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_)))
        };
        if !self.project.as_ref().is_none_or(inside) {
            return Err("has a project file outside the folder".into());
        }
        Ok(())
    }

    /// Its file, or `None` where the agent has none of that scope.
    ///
    /// # Errors
    /// [`InstallError::NoHome`]
    pub(super) fn path(&self, request: &Request<'_>) -> Result<Option<PathBuf>, InstallError> {
        match &request.scope {
            Scope::Project(folder) => Ok(self.project.as_ref().map(|project| folder.join(project))),
            Scope::User => self.user.resolve(request.environment),
        }
    }

    /// Whether it was asked for.
    pub(super) fn is_wanted(&self, request: &Request<'_>) -> bool {
        match self.only {
            None => true,
            Some(Only::MidTurn) => request.mid_turn,
        }
    }
}

impl UserPath {
    /// # Errors
    /// [`InstallError::NoHome`] where only `HOME` could tell.
    pub(crate) fn resolve(
        &self,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Option<PathBuf>, InstallError> {
        let places: &[String] = match self {
            Self::None => return Ok(None),
            Self::One(place) => std::slice::from_ref(place),
            Self::First(places) => places,
        };
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        for place in places {
            let (base, rest) = match place.split_once('/') {
                Some((base, rest)) => (base, Some(rest)),
                None => (place.as_str(), None),
            };
            let base = if base == "~" {
                set("HOME")
            } else if let Some(variable) = base.strip_prefix('$') {
                set(variable)
            } else if place.starts_with('/') {
                return Ok(Some(PathBuf::from(place)));
            } else {
                None
            };
            if let Some(base) = base {
                let base = PathBuf::from(base);
                return Ok(Some(rest.map_or(base.clone(), |rest| base.join(rest))));
            }
        }
        Err(InstallError::NoHome)
    }
}

pub(super) fn source_text(name: &str) -> Option<&'static str> {
    let found = SOURCES.iter().find(|(source, _)| *source == name);
    found.map(|(_, text)| *text)
}

/// What stands for the places in templates.
pub(super) struct Words {
    program: String,
    hook: Vec<String>,
    home: Vec<String>,
    tools: Vec<String>,
    view: String,
    mid_turn: bool,
}

impl Words {
    /// # Errors
    /// [`InstallError::NotText`]
    pub fn new(agent: &str, request: &Request<'_>) -> Result<Self, InstallError> {
        let text = |path: &Path| {
            path.to_str()
                .map(str::to_owned)
                .ok_or_else(|| InstallError::NotText {
                    path: path.to_owned(),
                })
        };
        let home = match &request.home {
            Some(home) => vec!["--home".to_owned(), text(home)?],
            None => Vec::new(),
        };
        let mut tools: Vec<String> = ["mcp", "--agent", agent].map(str::to_owned).to_vec();
        if request.approve {
            tools.push("--approve".to_owned());
        }
        tools.extend(home.iter().cloned());
        Ok(Self {
            program: text(&request.program)?,
            hook: ["hook", "--agent", agent].map(str::to_owned).to_vec(),
            home,
            tools,
            view: text(&request.view)?,
            mid_turn: request.mid_turn,
        })
    }

    fn hook_line(&self, event: Option<&str>) -> String {
        let mut arguments: Vec<&str> = self.hook.iter().map(String::as_str).collect();
        arguments.extend(event.into_iter().flat_map(|event| ["--event", event]));
        arguments.extend(self.home.iter().map(String::as_str));
        command_line(Path::new(&self.program), &arguments).unwrap_or_default()
    }

    /// A JSON template with every place in its strings filled.
    pub fn json(&self, template: &str) -> Result<String, serde_json::Error> {
        let parsed = parse(template, Lax::default())?;
        let mut nodes = vec![&parsed.root];
        let mut texts = Vec::new();
        while let Some(node) = nodes.pop() {
            match node.text() {
                Some(text) => texts.push((node.span.clone(), text)),
                None => nodes.extend(node.children()),
            }
        }
        texts.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let mut out = template.to_owned();
        for (span, text) in texts {
            let filled = match text {
                "{tools}" => serde_json::to_string(&self.tools)?,
                "{tools_command}" => serde_json::to_string(&self.tools_command())?,
                _ => serde_json::to_string(&self.in_string(text))?,
            };
            out = replace(&out, span, &filled);
        }
        Ok(out)
    }

    fn in_string(&self, text: &str) -> String {
        let mut out = text
            .replace("{program}", &self.program)
            .replace("{view}", &self.view);
        if out.contains("{hook}") {
            out = out.replace("{hook}", &self.hook_line(None));
        }
        while let Some(open) = out.find("{hook:") {
            let Some(close) = out[open..].find('}').map(|at| open + at) else {
                break;
            };
            let line = self.hook_line(Some(&out[open + "{hook:".len()..close]));
            out = format!("{}{line}{}", &out[..open], &out[close + 1..]);
        }
        out
    }

    /// A text with every place filled by a JSON literal, which is one of TOML and of JavaScript, too.
    pub fn text(&self, template: &str) -> Result<String, serde_json::Error> {
        let mut hook = vec![self.program.clone()];
        hook.extend(self.hook.iter().chain(&self.home).cloned());
        Ok(template
            .replace("{program}", &serde_json::to_string(&self.program)?)
            .replace("{hook_command}", &serde_json::to_string(&hook)?)
            .replace(
                "{tools_command}",
                &serde_json::to_string(&self.tools_command())?,
            )
            .replace("{tools}", &serde_json::to_string(&self.tools)?)
            .replace("{mid_turn}", if self.mid_turn { "true" } else { "false" }))
    }

    fn tools_command(&self) -> Vec<String> {
        let mut command = vec![self.program.clone()];
        command.extend(self.tools.iter().cloned());
        command
    }

    /// A path as it stands in a list of files.
    pub fn path(&self, template: &str) -> String {
        self.in_string(template)
    }
}
