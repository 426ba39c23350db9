//! Registering with an agent: our entries in its settings, put in and taken out again.
//!
//! The files belong to their user. What is written, and where, is data: the `[[register]]` entries of a
//! [`Profile`] ([`Register`]). An edit touches only our own entries' bytes; a file that is not
//! understood is left alone, and then nothing of that agent is written. While installed, a file as it was is kept beside it
//! ([`BACKUP_SUFFIX`]), and taking our entries out gives back those very bytes unless somebody else has written to the
//! file since, in which case only our entries go.
//!
//! | file | what is in it |
//! |---|---|
//! | `register` | the data: what, where, with which words |
//! | `edits` | one file's entries: put, taken out, found, whatever the format |
//! | `json_text`, `json_edit` | JSON as text with places, and our entries in it |
//! | `lines` | a block in TOML, an item in YAML |
//! | `command` | the command lines that are ours |
//! | `plan` | all edits of an agent, worked out before the first is written |
//! | `disk` | files, backups, folders |

mod command;
mod disk;
mod edits;
mod fault;
mod json_edit;
mod json_text;
mod lines;
mod plan;
mod register;

use std::path::{Path, PathBuf};

use crate::profile::Profile;

pub use command::command_line;
pub use disk::{BACKUP_SUFFIX, backup_path};
pub use fault::InstallError;
pub use plan::{FileChange, Plan};
pub use register::{Format, Only, Register, Request, Scope, UserPath, What};

use disk::Target;
use edits::Edits;

/// A hook's entries in a JSON file of settings, `hooks.EVENT[]`, for programs that bring a hook of their own.
#[derive(Debug, Clone, Copy)]
pub struct HookEntries<'a> {
    /// The file.
    pub path: &'a Path,
    /// The names of the agent.
    pub names: &'a [&'a str],
    /// The events that the hook is to run at.
    pub events: &'a [&'a str],
    /// What stands in each of their lists, as JSON; its command line is one of [`command_line`].
    pub item: &'a str,
}

impl HookEntries<'_> {
    /// As [`plan_install`].
    ///
    /// # Errors
    /// Every [`InstallError`]; nothing was written.
    pub fn plan_install(&self) -> Result<Plan, InstallError> {
        let mut plan = Plan::default();
        plan.install(&Edits::of_hook(self))?;
        Ok(plan)
    }

    /// As [`plan_uninstall`], whatever the item.
    ///
    /// # Errors
    /// Every [`InstallError`]; nothing was written.
    pub fn plan_uninstall(&self) -> Result<Plan, InstallError> {
        let mut plan = Plan::default();
        plan.uninstall(&Edits::of_hook(self))?;
        Ok(plan)
    }
}

/// Something of ours that stands in an agent's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// What it is for.
    pub what: What,
    /// In which file.
    pub path: PathBuf,
    /// The program that it runs, where that can be told.
    pub program: Option<PathBuf>,
}

impl Profile {
    /// The name that its registration uses: its shortest.
    pub fn short_name(&self) -> &str {
        let names = self.aliases.iter().map(String::as_str);
        names.fold(&self.name, |short, name| {
            if name.len() < short.len() {
                name
            } else {
                short
            }
        })
    }

    /// Whether its user has settings that it can be registered in, for every folder.
    pub fn has_user_settings(&self) -> bool {
        let mut places = self.register.iter().map(|register| &register.user);
        places.any(|place| *place != UserPath::None)
    }
}

/// Works out what registering would write. Idempotent: what is right already is left as it is.
///
/// # Errors
/// Every [`InstallError`]; nothing was written.
pub fn plan_install(profile: &Profile, request: &Request<'_>) -> Result<Plan, InstallError> {
    has_scope(profile, request)?;
    let mut plan = Plan::default();
    for edits in Edits::of(profile, request)? {
        if let Scope::Project(folder) = &request.scope {
            Target::resolve(&edits.path)?.must_be_in(folder, &edits.path)?;
        }
        plan.install(&edits)?;
    }
    Ok(plan)
}

/// Works out what taking our entries out would write, whatever they were put in with. Idempotent.
///
/// # Errors
/// Every [`InstallError`]; nothing was written.
pub fn plan_uninstall(profile: &Profile, request: &Request<'_>) -> Result<Plan, InstallError> {
    has_scope(profile, request)?;
    let mut plan = Plan::default();
    for edits in Edits::of(profile, request)? {
        plan.uninstall(&edits)?;
    }
    Ok(plan)
}

/// What of ours stands in the settings of that scope; nothing where the agent has none.
///
/// # Errors
/// [`InstallError`] where a file cannot be read or understood.
pub fn registered(
    profile: &Profile,
    request: &Request<'_>,
) -> Result<Vec<Registered>, InstallError> {
    let mut all = Vec::new();
    for edits in Edits::of(profile, request)? {
        all.extend(edits.registered()?);
    }
    Ok(all)
}

/// What carries the messages has to have a file of that scope; tools may be without.
fn has_scope(profile: &Profile, request: &Request<'_>) -> Result<(), InstallError> {
    let has = |register: &Register| match request.scope {
        Scope::User => register.user != UserPath::None,
        Scope::Project(_) => register.project.is_some(),
    };
    let carriers = profile.register.iter().filter(|it| it.what != What::Tools);
    if carriers.clone().count() == 0 || carriers.clone().any(has) {
        return Ok(());
    }
    Err(InstallError::NoSuchScope {
        agent: profile.title.clone(),
        scope: match request.scope {
            Scope::User => "for every folder",
            Scope::Project(_) => "of a folder",
        },
    })
}
