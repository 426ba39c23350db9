//! Claude Code's `settings.json`: putting our prompt hook in and taking our hooks out again.
//!
//! This is [`cc_hook_generic::install`] for programs that bring a hook of their own; `cc-connect install claude` registers
//! more. The file belongs to its user. An edit touches only our own entries' bytes; a file that is not
//! understood is left alone; while installed, the file as it was is kept beside it as
//! `settings.json.cc-connect-backup`, and taking the hook out gives back those very bytes unless somebody else
//! has written to the file since, in which case only our entries go.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cc_hook_generic::install::{FileChange, HookEntries};

pub use cc_hook_generic::install::{
    BACKUP_SUFFIX, InstallError as SettingsError, backup_path, command_line,
};

/// The event that the hook is registered for.
const PROMPT: &str = "UserPromptSubmit";
/// The events that a hook of ours may stand at.
const EVENTS: [&str; 4] = [PROMPT, "SessionStart", "PostToolUse", "FileChanged"];
/// Seconds after which Claude Code may end the hook; the hook itself gives up far sooner.
pub const TIMEOUT_SECONDS: u32 = 5;

/// What [`install`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// The entry was put in.
    Added,
    /// An entry of ours with another command was there; it has this command now.
    Replaced,
    /// The very entry was there; nothing was written.
    AlreadyThere,
}

/// What [`uninstall`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uninstalled {
    /// The entry was taken out.
    Removed,
    /// The file held nothing else and was made by [`install`]; it is gone.
    FileRemoved,
    /// There was no entry of ours.
    NotInstalled,
}

/// The user's settings file: in `$CLAUDE_CONFIG_DIR`, else in `~/.claude`.
///
/// `env` looks a variable up; `None` when neither it nor `HOME` is set.
pub fn default_path(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name: &str| {
        env(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let folder =
        set("CLAUDE_CONFIG_DIR").or_else(|| set("HOME").map(|home| home.join(".claude")))?;
    Some(folder.join("settings.json"))
}

/// Registers `command` (a shell command line, see [`command_line`]) to run at each prompt.
///
/// Idempotent. Makes the file, and its folder, where they are missing.
///
/// # Errors
/// Every [`SettingsError`]; after one the settings are as they were.
pub fn install(settings_path: &Path, command: &str) -> Result<Installed, SettingsError> {
    // Its members in this order, whatever the library would make of them.
    let command = serde_json::Value::from(command);
    let item = format!(
        r#"{{"hooks":[{{"type":"command","command":{command},"timeout":{TIMEOUT_SECONDS}}}]}}"#
    );
    let plan = entries(settings_path, &[PROMPT], &item).plan_install()?;
    let had_ours = plan.files().iter().any(FileChange::had_ours);
    plan.apply()?;
    Ok(match (plan.is_change(), had_ours) {
        (false, _) => Installed::AlreadyThere,
        (true, true) => Installed::Replaced,
        (true, false) => Installed::Added,
    })
}

/// Takes our entries out, whatever their command line's folder and their event.
///
/// Idempotent. Removes the backup, and the file and folder where [`install`] made them and
/// nothing else is in them.
///
/// # Errors
/// Every [`SettingsError`]; after one the settings are as they were.
pub fn uninstall(settings_path: &Path) -> Result<Uninstalled, SettingsError> {
    let any = r#"{"hooks":[]}"#;
    let plan = entries(settings_path, &EVENTS, any).plan_uninstall()?;
    plan.apply()?;
    let is_gone = plan.files().iter().any(|file| file.after().is_none());
    Ok(match (plan.is_change(), is_gone) {
        (false, _) => Uninstalled::NotInstalled,
        (true, true) => Uninstalled::FileRemoved,
        (true, false) => Uninstalled::Removed,
    })
}

fn entries<'a>(settings_path: &'a Path, events: &'a [&'a str], item: &'a str) -> HookEntries<'a> {
    HookEntries {
        path: settings_path,
        names: &["claude-code", "claude"],
        events,
        item,
    }
}
