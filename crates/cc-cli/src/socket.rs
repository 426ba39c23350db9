//! Where the daemon's socket is, and who may be at its other end.
//!
//! The socket is `daemon.sock` in the home. Unix limits a socket's path to some hundred bytes, so a home with a long
//! path has its socket at `/tmp/cc-connect-<uid>/<first 16 hex digits of BLAKE3 of the home's canonical path>.sock`
//! instead, in a folder of mode 0700 that must belong to the user. The place follows from the home and the user
//! alone, so that clients and daemon agree on it whatever their environments say.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cc_proto::id::Hash;

/// The longest socket path that every supported system takes, in bytes (macOS has 104 with the final NUL).
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// The place of the socket of the daemon that serves `home`, which must be canonical.
pub fn path(home: &Path) -> PathBuf {
    let plain = home.join("daemon.sock");
    if plain.as_os_str().as_bytes().len() <= SOCKET_PATH_BYTES_MAX {
        return plain;
    }
    let hash = Hash::of(home.as_os_str().as_bytes()).to_hex();
    short_dir().join(format!("{}.sock", &hash[..16]))
}

/// Makes the folder that a socket at `path` needs and clears a stale socket away. Only the holder of the daemon's lock may call it.
pub fn prepare(path: &Path) -> io::Result<()> {
    if let Some(dir) = path.parent().filter(|dir| **dir == short_dir()) {
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => check_dir(dir)?,
        }
    }
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(meta) if meta.file_type().is_socket() => fs::remove_file(path),
        Ok(_) => Err(io::Error::other(format!(
            "{} is in the way: it is not a socket",
            path.display()
        ))),
    }
}

/// Whether the folder of a socket at `path` can be trusted; a client asks before it connects.
pub fn check(path: &Path) -> io::Result<()> {
    match path.parent().filter(|dir| **dir == short_dir()) {
        Some(dir) => check_dir(dir),
        None => Ok(()),
    }
}

/// Makes the bound socket the user's alone.
pub fn restrict(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

/// The id that both ends of a connection must have.
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Removes the short folder if nothing is left in it; a folder in use stays.
pub fn tidy(path: &Path) {
    if let Some(dir) = path.parent().filter(|dir| **dir == short_dir()) {
        // Not empty: another home's socket is there, which is no fault.
        let _ = fs::remove_dir(dir);
    }
}

fn short_dir() -> PathBuf {
    PathBuf::from(format!("/tmp/cc-connect-{}", own_uid()))
}

fn check_dir(dir: &Path) -> io::Result<()> {
    let meta = fs::symlink_metadata(dir)?;
    if meta.is_dir() && meta.uid() == own_uid() && meta.mode().trailing_zeros() >= 6 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("{} is not a folder of mode 0700 of your own", dir.display()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_home_holds_its_socket() {
        assert_eq!(
            path(Path::new("/home/alice/.cc-connect")),
            Path::new("/home/alice/.cc-connect/daemon.sock")
        );
    }

    #[test]
    fn a_long_home_has_a_short_socket_of_its_own() {
        let long = PathBuf::from("/").join("x".repeat(120));
        let other = PathBuf::from("/").join("y".repeat(120));
        assert!(path(&long).as_os_str().len() <= SOCKET_PATH_BYTES_MAX);
        assert_ne!(path(&long), path(&other));
        assert_eq!(path(&long), path(&long));
    }

    #[test]
    fn what_is_not_a_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("daemon.sock");
        fs::write(&file, "precious").unwrap();
        assert!(prepare(&file).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }
}
