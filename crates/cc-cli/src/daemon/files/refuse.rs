//! Which files are not shared, judged by where they are: as the path was typed, and as it is once links are followed.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use cc_proto::limits::{FOLDER_DEPTH_MAX, FOLDER_FILES_MAX};
use cc_proto::text::clean_line;

use super::key::{NEVER, NEVER_HINT, OwnKey};
use crate::credentials;
use crate::rpc::{RpcError, code};

/// Credentials in a folder that are named; the others are counted.
const NAMED_MAX: usize = 5;
/// Folders in which there are no files of a disk.
const NO_DISKS: [&str; 3] = ["/proc", "/sys", "/dev"];

/// What is to be shared.
#[derive(Debug)]
pub struct Request {
    /// The path as it was typed, from the root on.
    pub path: PathBuf,
    /// The folder of an agent's session.
    pub within: Option<PathBuf>,
    /// Whether an agent wants it.
    pub is_agent: bool,
    /// Whether a person wants it although it looks like a credential.
    pub force: bool,
}

/// What may be shared as far as its path tells.
#[derive(Debug)]
pub struct Checked {
    /// As it was typed.
    pub typed: PathBuf,
    /// As it is.
    pub canonical: PathBuf,
    /// Whether credentials are shared.
    pub force: bool,
    /// The key that is looked for in it.
    pub key: OwnKey,
    /// The folders from which alone an agent shares; none where a person does.
    folders: Option<Folders>,
    home: PathBuf,
}

/// The folders from which an agent shares, as they are.
#[derive(Debug)]
struct Folders {
    /// That of its session.
    session: Option<PathBuf>,
    /// Those for temporary files.
    temporary: Vec<PathBuf>,
}

/// Judges a path. Reads nothing of the file, and names of a folder only.
pub fn check(request: Request, home: &Path) -> Result<Checked, RpcError> {
    let Request {
        path: typed,
        within,
        is_agent,
        force,
    } = request;
    if !typed.is_absolute() {
        return Err(RpcError::new(
            code::INVALID_PARAMS,
            "the path must begin at the root",
        ));
    }
    let canonical = typed
        .canonicalize()
        .map_err(|error| unreadable(&typed, &error))?;
    let meta = fs::metadata(&canonical).map_err(|error| unreadable(&typed, &error))?;
    is_shareable(&typed, &canonical, &meta)?;
    let checked = Checked {
        typed,
        canonical,
        force,
        key: OwnKey::of_home(home),
        folders: is_agent.then(|| folders_of(within)),
        home: home.canonicalize().unwrap_or_else(|_| home.to_owned()),
    };
    checked.is_not_ours()?;
    checked.is_within()?;
    if !force {
        checked.is_no_credential()?;
        if meta.is_dir() {
            checked.holds_no_credential()?;
        }
    }
    Ok(checked)
}

impl Checked {
    /// Judges a file by its path once more when it is opened: what lies in a folder, and what came there meanwhile.
    pub fn allows(&self, canonical: &Path, relative: &Path) -> Result<(), String> {
        let shown = shown(relative);
        if is_of_home(&self.home, canonical) {
            return Err(format!("{shown} is a file of cc-connect's own, {NEVER}"));
        }
        if !self.may_be_at(canonical) {
            return Err(format!(
                "{shown} is neither in the folder of this session nor a temporary file of yours"
            ));
        }
        if self.force {
            return Ok(());
        }
        match credentials::of_path(canonical).or_else(|| credentials::of_path(relative)) {
            Some(what) => Err(format!("{shown} looks like {what}, and was not shared")),
            None => Ok(()),
        }
    }

    /// How it is shared all the same.
    pub fn hint(&self) -> String {
        let path = quoted(&self.typed);
        if self.folders.is_some() {
            format!(
                "leave it out; the user can share it all the same: cc-connect share --force {path}"
            )
        } else {
            format!("to share it all the same: cc-connect share --force {path}")
        }
    }

    /// Nobody shares the key of this machine or the logs, not even by force: whoever has the key is its owner to all others.
    fn is_not_ours(&self) -> Result<(), RpcError> {
        let holds_it = self.home.starts_with(&self.canonical);
        if holds_it || is_of_home(&self.home, &self.canonical) {
            let what = if holds_it { "holds" } else { "is in" };
            return Err(RpcError::new(
                code::CREDENTIAL,
                format!(
                    "{} {what} the folder in which cc-connect keeps your key and your rooms, {NEVER}",
                    shown(&self.typed)
                ),
            )
            .hint(NEVER_HINT));
        }
        Ok(())
    }

    fn is_within(&self) -> Result<(), RpcError> {
        if self.may_be_at(&self.canonical) {
            return Ok(());
        }
        Err(RpcError::new(
            code::OUTSIDE,
            format!(
                "{} is neither in the folder of this session nor a temporary file of yours: an agent shares nothing else",
                shown(&self.typed)
            ),
        )
        .hint(format!(
            "the user can share it: cc-connect share {}",
            quoted(&self.typed)
        )))
    }

    /// Whether who shares it may share from there.
    fn may_be_at(&self, canonical: &Path) -> bool {
        let Some(folders) = &self.folders else {
            return true;
        };
        let is_in = |folder: &PathBuf| canonical.starts_with(folder);
        folders.session.iter().any(is_in)
            || (folders.temporary.iter().any(is_in)
                && is_mine(canonical)
                && !self.is_in_another_home(canonical))
    }

    /// Whether somebody else's home, or another one of ours, holds it.
    fn is_in_another_home(&self, canonical: &Path) -> bool {
        let mut homes = canonical.ancestors().filter(|it| *it != self.home);
        homes.any(|it| {
            it.file_name().is_some_and(|name| name == ".cc-connect")
                || (it.join("identity").is_file() && it.join("rooms").is_dir())
        })
    }

    fn is_no_credential(&self) -> Result<(), RpcError> {
        let [as_typed, as_it_is] =
            [&self.typed, &self.canonical].map(|it| credentials::of_path(it));
        // What is really there says more than the folders on the way.
        let Some(what) = as_it_is.or(as_typed) else {
            return Ok(());
        };
        let mut refused = format!("{} looks like {what}", shown(&self.typed));
        if as_it_is.is_some() && as_typed != as_it_is {
            refused = format!(
                "{} is {}, which looks like {what}",
                shown(&self.typed),
                shown(&self.canonical)
            );
        }
        Err(
            RpcError::new(code::CREDENTIAL, format!("{refused}, and was not shared"))
                .hint(self.hint()),
        )
    }

    /// Looks through the names in a folder. Links in it are not followed, nor shared.
    fn holds_no_credential(&self) -> Result<(), RpcError> {
        let mut found = Vec::new();
        let mut names = 0;
        walk(&self.canonical, 0, &mut names, &mut |path| {
            let relative = path.strip_prefix(&self.canonical).unwrap_or(path);
            if credentials::of_path(relative).is_some() {
                found.push(shown(relative));
            }
        });
        if found.is_empty() {
            return Ok(());
        }
        found.sort();
        let more = found.len().saturating_sub(NAMED_MAX);
        found.truncate(NAMED_MAX);
        let mut listed = found.join(", ");
        if more > 0 {
            listed = format!("{listed} and {more} more");
        }
        Err(RpcError::new(
            code::CREDENTIAL,
            format!(
                "{} holds what looks like credentials, and was not shared: {listed}",
                shown(&self.typed)
            ),
        )
        .hint(self.hint()))
    }
}

fn folders_of(within: Option<PathBuf>) -> Folders {
    let temporary = [std::env::temp_dir(), PathBuf::from("/tmp")];
    Folders {
        session: within.and_then(|it| it.canonicalize().ok()),
        temporary: temporary.iter().flat_map(|it| it.canonicalize()).collect(),
    }
}

/// Whether a file is this user's own.
fn is_mine(canonical: &Path) -> bool {
    fs::metadata(canonical).is_ok_and(|it| it.uid() == rustix::process::geteuid().as_raw())
}

/// Looks at every file below a folder, as far as a folder that can be shared goes. What cannot be read is told by whoever
/// reads it.
fn walk(folder: &Path, depth: usize, names: &mut usize, look: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        *names += 1;
        if *names > 2 * FOLDER_FILES_MAX {
            return;
        }
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && depth < FOLDER_DEPTH_MAX {
            walk(&entry.path(), depth + 1, names, look);
        } else if kind.is_file() {
            look(&entry.path());
        }
    }
}

/// Whether a path lies in our home and is none of the files that a room brought here: those may be passed on.
fn is_of_home(home: &Path, canonical: &Path) -> bool {
    let Ok(inside) = canonical.strip_prefix(home) else {
        return false;
    };
    !credentials::is_brought(inside)
}

fn is_shareable(typed: &Path, canonical: &Path, meta: &Metadata) -> Result<(), RpcError> {
    let no_disk = NO_DISKS.iter().any(|folder| canonical.starts_with(folder));
    let kind = meta.file_type();
    let what = match () {
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_block_device() || kind.is_char_device() => "a device",
        () if no_disk => "made up by the system and on no disk",
        () if kind.is_file() || kind.is_dir() => return Ok(()),
        () => "of a kind that cannot be shared",
    };
    let text = format!(
        "{} is {what}: only files and folders are shared",
        shown(typed)
    );
    Err(RpcError::new(code::UNREADABLE, text))
}

fn unreadable(path: &Path, error: &io::Error) -> RpcError {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "you are not allowed to read it".to_owned(),
        _ => error.to_string(),
    };
    RpcError::new(code::UNREADABLE, format!("{}: {why}", shown(path)))
}

fn shown(path: &Path) -> String {
    clean_line(&path.to_string_lossy(), usize::MAX)
}

/// A path as it can be typed again.
fn quoted(path: &Path) -> String {
    let shown = shown(path);
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=@%,".contains(c);
    if shown.chars().all(is_plain) {
        return shown;
    }
    format!("'{}'", shown.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
