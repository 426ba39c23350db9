//! The home folder: its place, its mode, the identity in it, and the daemon's settings.
//!
//! `$CC_CONNECT_HOME` or `--home`, else `~/.cc-connect`; mode 0700. The rooms in it are cc-net's and cc-log's.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cc_proto::identity::Identity;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::error::{CliError, CliResult, Kind};

/// A home folder that exists, is the user's alone, and has a canonical path.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

/// `config.json`: settings of the daemon, the same for all rooms of the home.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Config {
    /// Always 1.
    pub v: u32,
    /// `default`, `none` or a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay: Option<String>,
}

impl Home {
    /// Opens the home that was asked for, making it where it is missing.
    pub fn open(asked: Option<&Path>) -> CliResult<Self> {
        let place = Self::place(asked)?;
        let failed = |error: io::Error| {
            CliError::new(
                Kind::Home,
                format!("cannot use the home folder {}", place.display()),
            )
            .because(&error)
        };
        match DirBuilder::new().recursive(true).mode(0o700).create(&place) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(error));
            }
            _ => {}
        }
        let home = Self(place.canonicalize().map_err(failed)?);
        home.make_private()?;
        Ok(home)
    }

    /// The home that was asked for, if it is there already.
    pub fn existing(asked: Option<&Path>) -> CliResult<Option<Self>> {
        Ok(Self::place(asked)?
            .canonicalize()
            .ok()
            .filter(|path| path.is_dir())
            .map(Self))
    }

    fn place(asked: Option<&Path>) -> CliResult<PathBuf> {
        match asked {
            Some(path) if !path.as_os_str().is_empty() => Ok(path.to_path_buf()),
            _ => user_folder()
                .map(|folder| folder.join(".cc-connect"))
                .ok_or_else(|| {
                    CliError::new(Kind::Home, "HOME is not set")
                        .hint("name a folder with --home DIR")
                }),
        }
    }

    /// The whole path of the home that was asked for, unless it is the one that is used where none is asked for.
    pub fn other_than_default(asked: Option<&Path>) -> CliResult<Option<PathBuf>> {
        let whole = |place: PathBuf| {
            let whole = place.canonicalize();
            whole.or_else(|_| std::path::absolute(place))
        };
        let Some(asked) = asked.filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(None);
        };
        let home = whole(asked.to_path_buf()).map_err(|error| {
            CliError::new(
                Kind::Home,
                format!("cannot use the home folder {}", asked.display()),
            )
            .because(&error)
        })?;
        let default = user_folder().and_then(|folder| whole(folder.join(".cc-connect")).ok());
        Ok(Some(home).filter(|home| Some(home) != default.as_ref()))
    }

    /// The canonical path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file or folder in the home.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    // A folder that is empty or already a home is made private; any other folder with a wider mode is more likely a
    // slip of the hand, and is left as it is.
    fn make_private(&self) -> CliResult {
        let failed = |error: &io::Error| {
            CliError::new(
                Kind::Home,
                format!("cannot use the home folder {}", self.0.display()),
            )
            .because(error)
        };
        let meta = fs::metadata(&self.0).map_err(|error| failed(&error))?;
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(CliError::new(
                Kind::Home,
                format!(
                    "the home folder {} belongs to another user",
                    self.0.display()
                ),
            )
            .hint("name a folder of your own with --home DIR"));
        }
        if meta.mode().trailing_zeros() >= 6 {
            return Ok(());
        }
        let is_empty = fs::read_dir(&self.0).is_ok_and(|mut entries| entries.next().is_none());
        if !is_empty && !self.join("identity").exists() {
            return Err(CliError::new(
                Kind::Home,
                format!(
                    "{} holds other files and is open to other users",
                    self.0.display()
                ),
            )
            .hint("name an empty folder with --home DIR"));
        }
        fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700))
            .map_err(|error| failed(&error))
    }

    /// Reads the identity; makes it where there is none. Two first commands at once end with the same one.
    pub fn identity(&self) -> CliResult<Identity> {
        if let Some(identity) = self.existing_identity()? {
            return Ok(identity);
        }
        let seed: [u8; 32] = rand::random();
        let made = tempfile::Builder::new()
            .prefix(".identity")
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(&self.0)
            .and_then(|mut file| {
                writeln!(file, "{}", HEXLOWER.encode(&seed))?;
                file.as_file().sync_all()?;
                match file.persist_noclobber(self.join("identity")) {
                    Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
                        Err(error.error)
                    }
                    _ => File::open(&self.0)?.sync_all(),
                }
            });
        made.map_err(|error| {
            CliError::new(Kind::Home, "cannot write the identity").because(&error)
        })?;
        self.existing_identity()?
            .ok_or_else(|| CliError::new(Kind::Home, "the identity vanished while it was made"))
    }

    /// Reads the identity, if there is one.
    pub fn existing_identity(&self) -> CliResult<Option<Identity>> {
        let path = self.join("identity");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(
                    CliError::new(Kind::Home, format!("cannot read {}", path.display()))
                        .because(&error),
                );
            }
        };
        HEXLOWER
            .decode(text.trim_end().as_bytes())
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .map(|seed| Some(Identity::from_seed(seed)))
            .ok_or_else(|| {
                CliError::new(
                    Kind::Home,
                    format!("{} does not hold 64 hexadecimal digits", path.display()),
                )
                .hint("restore it from a backup; moving it away makes you a new member everywhere")
            })
    }

    /// Reads `config.json`; without the file, the defaults.
    pub fn config(&self) -> CliResult<Config> {
        let path = self.join("config.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                CliError::new(Kind::Home, format!("cannot understand {}", path.display()))
                    .because(&error)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Config { v: 1, relay: None })
            }
            Err(error) => Err(
                CliError::new(Kind::Home, format!("cannot read {}", path.display()))
                    .because(&error),
            ),
        }
    }

    /// Replaces a small file of the home by rename; mode 0600.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".tmp-")
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(&self.0)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(self.join(name)).map_err(|error| error.error)?;
        File::open(&self.0)?.sync_all()
    }

    /// Opens a lock file. Never makes the home: a daemon whose home was removed must not bring it back.
    pub fn open_lock(&self, name: &str) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.join(name))
    }
}

/// The user's own folder, as `HOME` says.
pub fn user_folder() -> Option<PathBuf> {
    std::env::var_os("HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_new_home_and_its_identity_are_private_and_stay() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(&dir.path().join("a/home"))).unwrap();
        let author = home.identity().unwrap().author();
        assert_eq!(mode(home.path()), 0o700);
        assert_eq!(mode(&home.join("identity")), 0o600);
        assert_eq!(home.identity().unwrap().author(), author);
    }

    #[test]
    fn an_open_folder_with_other_files_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        assert_eq!(Home::open(Some(dir.path())).unwrap_err().kind, Kind::Home);
        assert_eq!(mode(dir.path()), 0o755);
    }

    #[test]
    fn a_damaged_identity_is_reported_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path())).unwrap();
        fs::write(home.join("identity"), "not hex\n").unwrap();
        assert_eq!(home.identity().unwrap_err().kind, Kind::Home);
        assert_eq!(
            fs::read_to_string(home.join("identity")).unwrap(),
            "not hex\n"
        );
    }
}
