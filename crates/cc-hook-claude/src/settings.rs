//! Claude Code's `settings.json`: putting our hook in and taking it out again.
//!
//! The file belongs to its user. An edit touches only our own entry's bytes; a file that is not
//! understood is left alone; while installed, the file as it was is kept beside it as
//! `settings.json.cc-connect-backup`, and taking the hook out gives back those very bytes unless somebody else
//! has written to the file since, in which case only our entry goes.

mod entry;
mod file;
mod json_text;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use file::{Before, Target};

pub use entry::command_line;

/// What stands after the settings file's name in its backup's.
pub const BACKUP_SUFFIX: &str = ".cc-connect-backup";

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

/// Why settings were left as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file is not JSON, so nothing in it can be told apart.
    #[error("{} is not valid JSON; it was left as it is", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The file is JSON, but not of the shape that Claude Code documents.
    #[error("in {} `{what}` is not {expected}; the file was left as it is", path.display())]
    WrongShape {
        /// The file.
        path: PathBuf,
        /// Which part.
        what: &'static str,
        /// What it would have to be.
        expected: &'static str,
    },
    /// Somebody else wrote to the file during the edit.
    #[error("{} was changed by another program at the same time; it was left as it is", path.display())]
    ChangedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
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

/// Where the file as it was before [`install`] is kept.
pub fn backup_path(settings_path: &Path) -> PathBuf {
    let mut name = settings_path.as_os_str().to_owned();
    name.push(BACKUP_SUFFIX);
    PathBuf::from(name)
}

/// Registers `command` (a shell command line, see [`command_line`]) to run at each prompt.
///
/// Idempotent. Makes the file, and its folder, where they are missing.
///
/// # Errors
/// Every [`SettingsError`]; after one the settings are as they were.
pub fn install(settings_path: &Path, command: &str) -> Result<Installed, SettingsError> {
    let target = Target::resolve(settings_path)?;
    let before = target.read()?;
    let text = before.text().unwrap_or("{}");
    let (new, done) = entry::put(text, command).map_err(|fault| fault.at(settings_path))?;
    if done == Installed::AlreadyThere {
        return Ok(done);
    }
    // An earlier backup stays as long as our entry does; without an entry it is out of date.
    let keep = done == Installed::Added || target.backup()?.is_none();
    if keep {
        target.keep_backup(&before)?;
    }
    let new = if before.text().is_none() {
        new + "\n"
    } else {
        new
    };
    if let Err(error) = target.write(&before, &new) {
        if keep {
            target.drop_backup()?;
        }
        return Err(error);
    }
    Ok(done)
}

/// Takes our entry out, whatever its command line's folder.
///
/// Idempotent. Removes the backup, and the file and folder where [`install`] made them and
/// nothing else is in them.
///
/// # Errors
/// Every [`SettingsError`]; after one the settings are as they were.
pub fn uninstall(settings_path: &Path) -> Result<Uninstalled, SettingsError> {
    let target = Target::resolve(settings_path)?;
    let before = target.read()?;
    let Some(text) = before.text() else {
        target.drop_backup()?;
        return Ok(Uninstalled::NotInstalled);
    };
    let backup = target.backup()?;
    // A backup that has our entry was made when it was brought up to date, and does not tell what was before us.
    let original = backup
        .as_ref()
        .and_then(Before::text)
        .filter(|original| !entry::has_ours(original));
    let taken = entry::take(text, original).map_err(|fault| fault.at(settings_path))?;
    let Some(taken) = taken else {
        target.drop_backup()?;
        return Ok(Uninstalled::NotInstalled);
    };
    let made_by_us = backup
        .as_ref()
        .is_some_and(|backup| backup.text().is_none());
    if made_by_us && taken.nothing_left {
        target.remove(&before)?;
        target.drop_backup()?;
        if backup == Some(Before::NoFolder) {
            target.remove_folder();
        }
        return Ok(Uninstalled::FileRemoved);
    }
    let untouched = original.is_some_and(|original| {
        entry::put(original, &taken.command).is_ok_and(|(installed, _)| installed == text)
    });
    match original {
        Some(original) if untouched => target.write(&before, original)?,
        _ => target.write(&before, &taken.text)?,
    }
    target.drop_backup()?;
    Ok(Uninstalled::Removed)
}
