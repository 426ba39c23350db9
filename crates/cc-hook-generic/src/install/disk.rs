//! A settings file on disk: read, kept as a backup, replaced by rename.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use super::fault::InstallError;

/// What stands after a settings file's name in its backup's.
pub const BACKUP_SUFFIX: &str = ".cc-connect-backup";

/// Stands in the backup where there was no file; no settings look like it.
const NO_FILE: &str = "there was no settings file before cc-connect\n";
/// Stands in the backup where there was not even a folder.
const NO_FOLDER: &str = "there was no settings folder before cc-connect\n";
/// Stands in the backup, once more for each, where more than one folder was missing.
const NOR_ABOVE: &str = "nor the one above it\n";
/// Links followed before a chain of them counts as endless.
const LINKS_MAX: usize = 40;

/// What was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Before {
    Text {
        text: String,
        mode: u32,
    },
    /// No file, and so many of the folders that it would be in.
    Nothing {
        folders: usize,
    },
}

impl Before {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Nothing { .. } => None,
        }
    }

    fn mode(&self) -> u32 {
        match self {
            Self::Text { mode, .. } => *mode,
            Self::Nothing { .. } => 0o600,
        }
    }
}

/// A settings file by the name it is known under and by the one its bytes stand in.
#[derive(Debug, Clone)]
pub(super) struct Target {
    file: PathBuf,
    backup: PathBuf,
}

/// Where a settings file as it was before us is kept.
pub fn backup_path(settings_path: &Path) -> PathBuf {
    let mut name = settings_path.as_os_str().to_owned();
    name.push(BACKUP_SUFFIX);
    PathBuf::from(name)
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> InstallError {
    let path = path.to_owned();
    move |source| InstallError::Io {
        action,
        path,
        source,
    }
}

impl Target {
    /// Follows symbolic links, so that a linked file is edited and the link stays.
    pub fn resolve(settings_path: &Path) -> Result<Self, InstallError> {
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

    /// That the file is in `folder`, once every link is followed: a folder that came from somebody else must not have
    /// its user's own settings edited.
    pub fn must_be_in(&self, folder: &Path, settings_path: &Path) -> Result<(), InstallError> {
        let real = |path: &Path| path.canonicalize().map_err(failed("follow", path));
        let there = self.file.ancestors().find(|path| path.exists());
        let there = there.unwrap_or(&self.file);
        let missing = self.file.strip_prefix(there).unwrap_or(Path::new(""));
        // What is missing is made, and might then lead anywhere by its `..`.
        let goes_up = missing
            .components()
            .any(|part| part == Component::ParentDir);
        let real_there = real(there)?;
        if real_there.starts_with(real(folder)?) && !goes_up {
            return Ok(());
        }
        Err(InstallError::LeadsOutside {
            path: settings_path.to_owned(),
            to: real_there
                .components()
                .chain(missing.components())
                .collect(),
        })
    }

    pub fn read(&self) -> Result<Before, InstallError> {
        read(&self.file)
    }

    /// The file as it was before us, if that is on record.
    pub fn backup(&self) -> Result<Option<Before>, InstallError> {
        let Before::Text { text, mode } = read(&self.backup)? else {
            return Ok(None);
        };
        if text == NO_FILE {
            return Ok(Some(Before::Nothing { folders: 0 }));
        }
        let above = text.strip_prefix(NO_FOLDER).filter(|above| {
            let lines = above.len() / NOR_ABOVE.len();
            NOR_ABOVE.repeat(lines) == **above
        });
        Ok(Some(match above {
            Some(above) => Before::Nothing {
                folders: 1 + above.len() / NOR_ABOVE.len(),
            },
            None => Before::Text { text, mode },
        }))
    }

    pub fn keep_backup(&self, before: &Before) -> Result<(), InstallError> {
        let text = match before {
            Before::Text { text, .. } => text.clone(),
            Before::Nothing { folders: 0 } => NO_FILE.to_owned(),
            Before::Nothing { folders } => NO_FOLDER.to_owned() + &NOR_ABOVE.repeat(folders - 1),
        };
        make_folder(&self.backup)?;
        make_folder(&self.file)?;
        replace(&self.backup, &text, before.mode())
    }

    pub fn drop_backup(&self) -> Result<(), InstallError> {
        absent_is_fine(fs::remove_file(&self.backup)).map_err(failed("remove", &self.backup))
    }

    /// Puts `text` in the file's place, if the file still is what was read.
    pub fn write(&self, before: &Before, text: &str) -> Result<(), InstallError> {
        self.still_is(before)?;
        make_folder(&self.file)?;
        replace(&self.file, text, before.mode())
    }

    /// Removes the file, if it still is what was read.
    pub fn remove(&self, before: &Before) -> Result<(), InstallError> {
        self.still_is(before)?;
        fs::remove_file(&self.file).map_err(failed("remove", &self.file))
    }

    /// Gives the file back as it was, whatever it is now.
    pub fn restore(&self, before: &Before) -> Result<(), InstallError> {
        match before {
            Before::Text { text, mode } => {
                make_folder(&self.file)?;
                replace(&self.file, text, *mode)
            }
            Before::Nothing { .. } => {
                absent_is_fine(fs::remove_file(&self.file)).map_err(failed("remove", &self.file))
            }
        }
    }

    /// Removes folders that we made, unless something else is in them by now.
    pub fn remove_folders(&self, folders: usize) {
        for folder in self.file.ancestors().skip(1).take(folders) {
            // Refused by the system while anything is in it, which is what is wanted.
            if fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }

    fn still_is(&self, before: &Before) -> Result<(), InstallError> {
        if self.read()?.text() == before.text() {
            return Ok(());
        }
        Err(InstallError::ChangedMeanwhile {
            path: self.file.clone(),
        })
    }
}

fn read(path: &Path) -> Result<Before, InstallError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.ancestors().skip(1);
            let missing =
                above.take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
            return Ok(Before::Nothing {
                folders: missing.count(),
            });
        }
        Err(error) => return Err(failed("read", path)(error)),
    };
    let mode = fs::metadata(path)
        .map_err(failed("read", path))?
        .permissions()
        .mode()
        & 0o7777;
    let text = String::from_utf8(bytes).map_err(|error| InstallError::Malformed {
        path: path.to_owned(),
        format: "UTF-8",
        source: error.utf8_error().into(),
    })?;
    Ok(Before::Text { text, mode })
}

fn make_folder(path: &Path) -> Result<(), InstallError> {
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
fn replace(path: &Path, text: &str, mode: u32) -> Result<(), InstallError> {
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
