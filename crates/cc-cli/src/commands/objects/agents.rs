//! What is printed about agents and their settings.

use std::path::PathBuf;

use serde::Serialize;

/// `install` and `uninstall`
#[derive(Debug, Serialize)]
pub struct Edited {
    /// Its name on the command line: `claude`
    pub agent: String,
    /// Its name everywhere else: `claude-code`
    pub name: String,
    /// The first of the files; null where there is nothing to register.
    pub path: Option<PathBuf>,
    /// Whether anything had to be done.
    pub changed: bool,
    /// Whether it was only said what would be done.
    pub dry_run: bool,
    /// `user` or `project`
    pub scope: &'static str,
    /// Whether the agent is on this machine; null where that cannot be told.
    pub found: Option<bool>,
    /// Every file that was looked at.
    pub files: Vec<EditedFile>,
    /// What its user has to know or do.
    pub notes: Vec<String>,
}

/// A file of an agent's settings.
#[derive(Debug, Serialize)]
pub struct EditedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it had to be written.
    pub changed: bool,
    /// `created`, `changed`, `removed` or `same`
    pub change: &'static str,
}

/// `agents`
#[derive(Debug, Serialize)]
pub struct ListedAgent {
    /// Its name on the command line.
    pub agent: String,
    /// Its name everywhere else.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Whether it comes with the program; else its profile is the user's own.
    pub shipped: bool,
    /// Its program; null where it is not found.
    pub found: Option<PathBuf>,
    /// Its version, where that can be told.
    pub version: Option<String>,
    /// What of ours is in its settings.
    pub registered: Vec<ListedRegistration>,
    /// Why its settings cannot be read.
    pub fault: Option<String>,
    /// Whether it runs what is registered: `trusted`, `untrusted`, `unknown`, `not needed`; null where nothing is.
    pub trusted: Option<&'static str>,
    /// The last event of a session.
    pub last_event: Option<Last>,
    /// The last time it was told something.
    pub last_injection: Option<Last>,
}

/// Something of ours in an agent's settings.
#[derive(Debug, Serialize)]
pub struct ListedRegistration {
    /// `user` or `project`
    pub scope: &'static str,
    /// `hook`, `tools`, `plugin` or `view`
    pub what: &'static str,
    /// The file.
    pub path: PathBuf,
    /// The program that it runs.
    pub program: Option<PathBuf>,
    /// `this`, `other` or `missing`
    pub is: &'static str,
}

/// When something was, and in which session.
#[derive(Debug, Serialize)]
pub struct Last {
    /// When, in ms.
    pub at: u64,
    /// The session's id.
    pub session: String,
}
