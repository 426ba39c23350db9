//! The settings file on disk: read, kept as a backup, replaced by rename.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{SettingsError, backup_path};

/// Stands in the backup where there was no file; no JSON text looks like it.
const NO_FILE: &str = "there was no settings file before cc-connect\n";
/// Stands in the backup where there was not even a folder.
const NO_FOLDER: &str = "there was no settings folder before cc-connect\n";
/// Links followed before a chain of them counts as endless.
const LINKS_MAX: usize = 40;

/// What was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Before {
    Text { text: String, mode: u32 },
    NoFile,
    NoFolder,
}

impl Before {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::NoFile | Self::NoFolder => None,
        }
    }
}

/// A settings file by the name it is known under and by the one its bytes stand in.
pub(super) struct Target {
    file: PathBuf,
    backup: PathBuf,
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SettingsError {
    let path = path.to_owned();
    move |source| SettingsError::Io {
        action,
        path,
        source,
    }
}

impl Target {
    /// Follows symbolic links, so that a linked file is edited and the link stays.
    pub fn resolve(settings_path: &Path) -> Result<Self, SettingsError> {
        let mut file = settings_path.to_owned();
        for _ in 0..LINKS_MAX {
            match fs::read_link(&file) {
                Ok(to) => file = file.parent().unwrap_or(Path::new("")).join(to),
                Err(_) => {
                    return Ok(Self {
                        file,
                        backup: backup_path(settings_path),
                    });
                }
            }
        }
        let endless = io::Error::other("too many symbolic links");
        Err(failed("follow", settings_path)(endless))
    }

    pub fn read(&self) -> Result<Before, SettingsError> {
        read(&self.file)
    }

    /// The file as it was before us, if that is on record.
    pub fn backup(&self) -> Result<Option<Before>, SettingsError> {
        Ok(match read(&self.backup)? {
            Before::NoFile | Before::NoFolder => None,
            Before::Text { text, .. } if text == NO_FILE => Some(Before::NoFile),
            Before::Text { text, .. } if text == NO_FOLDER => Some(Before::NoFolder),
            kept @ Before::Text { .. } => Some(kept),
        })
    }

    pub fn keep_backup(&self, before: &Before) -> Result<(), SettingsError> {
        let (text, mode) = match before {
            Before::Text { text, mode } => (text.as_str(), *mode),
            Before::NoFile => (NO_FILE, 0o600),
            Before::NoFolder => (NO_FOLDER, 0o600),
        };
        make_folder(&self.backup)?;
        make_folder(&self.file)?;
        replace(&self.backup, text, mode)
    }

    pub fn drop_backup(&self) -> Result<(), SettingsError> {
        absent_is_fine(fs::remove_file(&self.backup)).map_err(failed("remove", &self.backup))
    }

    /// Puts `text` in the file's place, if the file still is what was read.
    pub fn write(&self, before: &Before, text: &str) -> Result<(), SettingsError> {
        self.still_is(before)?;
        let mode = match before {
            Before::Text { mode, .. } => *mode,
            Before::NoFile | Before::NoFolder => 0o600,
        };
        replace(&self.file, text, mode)
    }

    /// Removes the file, if it still is what was read.
    pub fn remove(&self, before: &Before) -> Result<(), SettingsError> {
        self.still_is(before)?;
        fs::remove_file(&self.file).map_err(failed("remove", &self.file))
    }

    /// Removes the folder that we made, unless something else is in it by now.
    pub fn remove_folder(&self) {
        if let Some(folder) = self.file.parent() {
            // Refused by the system while anything is in it, which is what is wanted.
            let _ = fs::remove_dir(folder);
        }
    }

    fn still_is(&self, before: &Before) -> Result<(), SettingsError> {
        if self.read()?.text() == before.text() {
            return Ok(());
        }
        Err(SettingsError::ChangedMeanwhile {
            path: self.file.clone(),
        })
    }
}

fn read(path: &Path) -> Result<Before, SettingsError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path
                .parent()
                .is_none_or(|folder| folder.as_os_str().is_empty() || folder.exists());
            return Ok(if folder {
                Before::NoFile
            } else {
                Before::NoFolder
            });
        }
        Err(error) => return Err(failed("read", path)(error)),
    };
    let mode = fs::metadata(path)
        .map_err(failed("read", path))?
        .permissions()
        .mode()
        & 0o7777;
    let text = String::from_utf8(bytes).map_err(|_| {
        let source = serde::de::Error::custom("it is not UTF-8");
        SettingsError::Malformed {
            path: path.to_owned(),
            source,
        }
    })?;
    Ok(Before::Text { text, mode })
}

fn make_folder(path: &Path) -> Result<(), SettingsError> {
    let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    else {
        return Ok(());
    };
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    made.map_err(failed("create", folder))
}

/// Writes a file beside the target and renames it over: a reader sees the old bytes or the new.
fn replace(path: &Path, text: &str, mode: u32) -> Result<(), SettingsError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(name);
    let written = write_new(&temporary, text, mode).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(failed("write", path)(error));
    }
    Ok(())
}

fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    absent_is_fine(fs::remove_file(path))?;
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
