//! Which sessions there are: a small file for each, whose time is that of its last event.
//!
//! Written by hooks, read by whoever asks which agents listen, and by what wakes them. The file of a
//! session is `<home>/sessions/<file>.json`, where `<file>` is the name of its cursors' files.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cc_log::reader_file_name;
use cc_proto::id::{RoomId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::bindings::{BindingsError, rooms_bound_to};

/// The folder in the home.
pub const SESSIONS_DIR: &str = "sessions";
/// The longest session id that is used as it is, in bytes.
pub const SESSION_ID_BYTES_MAX: usize = 256;
/// The longest directory of a session, in bytes.
pub const DIRECTORY_BYTES_MAX: usize = 4096;
/// A session without an event for this long is swept.
pub const SESSION_UNUSED_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1000;

/// No record is larger: a directory may double by escaping.
const RECORD_BYTES_MAX: u64 = 64 * 1024;
const VERSION: u32 = 1;

/// A session that a hook has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The agent's name.
    pub agent: String,
    /// The agent's own name for it, as [`session_id`] gives it.
    pub session: String,
    /// Its working directory at its last event.
    pub directory: PathBuf,
    /// The one room it was started for, whatever its directory is bound to.
    pub room: Option<RoomId>,
    /// Its first event.
    pub started: Timestamp,
    /// Its last event.
    pub last_event: Timestamp,
    /// The name of its files, here and among the cursors, without an extension.
    pub file: String,
}

impl Session {
    /// The rooms that reach it now.
    ///
    /// # Errors
    /// As [`rooms_bound_to`].
    pub fn rooms(&self, home: &Path) -> Result<BTreeSet<RoomId>, BindingsError> {
        match self.room {
            Some(room) => Ok(BTreeSet::from([room])),
            None => rooms_bound_to(home, &self.directory),
        }
    }

    /// The name that its cursors go by.
    pub fn reader(&self) -> String {
        reader_name(&self.agent, &self.session)
    }
}

/// What a hook knows of its session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub agent: &'a str,
    pub session: &'a str,
    pub directory: &'a Path,
    pub room: Option<RoomId>,
}

#[derive(Serialize)]
struct Head<'a> {
    v: u32,
    agent: &'a str,
    session: &'a str,
    directory: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
}

#[derive(Deserialize)]
struct Record {
    v: u32,
    agent: String,
    session: String,
    directory: PathBuf,
    #[serde(default)]
    room: Option<String>,
    started: u64,
}

/// A session id as it is used in all files: one that is over [`SESSION_ID_BYTES_MAX`] bytes, has a control character in it or
/// could be taken for an option of a command is replaced by its hash.
pub fn session_id(from_event: &str) -> String {
    let odd = from_event.len() > SESSION_ID_BYTES_MAX
        || from_event.starts_with('-')
        || from_event.chars().any(char::is_control);
    if odd {
        // The slash makes a name that is always hashed.
        reader_file_name(&format!("/{from_event}"))
    } else {
        from_event.to_owned()
    }
}

/// The name that a session's cursors go by.
pub fn reader_name(agent: &str, session: &str) -> String {
    format!("{agent}-{session}")
}

/// The file whose change wakes a session of an agent that watches files.
pub fn wake_path(home: &Path, agent: &str, session: &str) -> PathBuf {
    let file = reader_file_name(&reader_name(agent, session));
    home.join(SESSIONS_DIR).join(format!("{file}.wake"))
}

/// Makes the file of [`wake_path`] where it is not there: what is not there is not watched.
pub(crate) fn make_wake_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).open(path)?;
    Ok(())
}

fn record_path(home: &Path, agent: &str, session: &str) -> PathBuf {
    let file = reader_file_name(&reader_name(agent, session));
    home.join(SESSIONS_DIR).join(format!("{file}.json"))
}

/// Notes an event of a session: its record says where it is, and when that was.
pub(crate) fn record(home: &Path, seen: Seen<'_>, now: Timestamp) -> io::Result<()> {
    let directory = seen.directory.to_string_lossy();
    let head = Head {
        v: VERSION,
        agent: seen.agent,
        session: seen.session,
        directory: &directory,
        room: seen.room.map(|room| room.to_hex()),
    };
    let mut head = serde_json::to_vec(&head)?;
    head.pop();
    head.extend_from_slice(b",\"started\":");
    let path = record_path(home, seen.agent, seen.session);
    let mut started = now;
    match File::open(&path) {
        Ok(file) => {
            let mut before = Vec::with_capacity(head.len() + 32);
            (&file).take(RECORD_BYTES_MAX).read_to_end(&mut before)?;
            if before.starts_with(&head) && before.ends_with(b"}\n") {
                return file.set_modified(system_time(now));
            }
            if let Some(record) = decode(&before) {
                started = Timestamp(record.started.min(now.0));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    head.extend_from_slice(format!("{}}}\n", started.0).as_bytes());
    replace(&path, &head)
}

/// By rename, and under a name of its own: two hooks of a session may do so at once.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", process::id()));
    let open = || {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)
    };
    let file = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(path);
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            open()?
        }
        file => file?,
    };
    let written = (&file)
        .write_all(bytes)
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // It is of no use to anyone.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn decode(bytes: &[u8]) -> Option<Record> {
    let record: Record = serde_json::from_slice(bytes).ok()?;
    (record.v == VERSION).then_some(record)
}

/// The sessions seen so far, the one with the latest event first. Damaged records are left out.
///
/// # Errors
/// As the file system reports them. Without a folder there are none.
pub fn sessions(home: &Path) -> io::Result<Vec<Session>> {
    let mut found = Vec::new();
    for path in files(home)? {
        if path.extension().is_some_and(|it| it == "json") {
            found.extend(read(&path));
        }
    }
    found.sort_by(|a, b| (b.last_event, &a.file).cmp(&(a.last_event, &b.file)));
    Ok(found)
}

fn files(home: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(home.join(SESSIONS_DIR)) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn read(path: &Path) -> Option<Session> {
    let file = File::open(path).ok()?;
    let modified = file.metadata().ok()?.modified().ok()?;
    let mut bytes = Vec::new();
    file.take(RECORD_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    let record = decode(&bytes)?;
    let file = path.file_stem()?.to_str()?.to_owned();
    let room = match record.room {
        Some(hex) => Some(hex.parse().ok()?),
        None => None,
    };
    // A record under another session's name says nothing of either.
    if file != reader_file_name(&reader_name(&record.agent, &record.session)) {
        return None;
    }
    Some(Session {
        agent: record.agent,
        session: record.session,
        directory: record.directory,
        room,
        started: Timestamp(record.started),
        last_event: timestamp(modified),
        file,
    })
}

/// Removes what belongs to sessions without an event for 30 days; gives how many sessions those were.
///
/// # Errors
/// As the file system reports them.
pub fn sweep(home: &Path, now: Timestamp) -> io::Result<usize> {
    let is_old = |path: &Path| {
        let modified = fs::metadata(path).and_then(|meta| meta.modified());
        modified.is_ok_and(|at| timestamp(at).0.saturating_add(SESSION_UNUSED_MS_MAX) < now.0)
    };
    let mut swept = 0;
    for path in files(home)? {
        let extension = path.extension().and_then(|it| it.to_str());
        let record = path.with_extension("json");
        // What a session watches may be old while the session is not.
        let is_watched = extension == Some("wake") && record.exists();
        if is_watched || !is_old(&path) {
            continue;
        }
        if extension == Some("json") {
            remove_if_there(&path.with_extension("wake"))?;
            swept += 1;
        }
        remove_if_there(&path)?;
    }
    Ok(swept)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at.0)
}

fn timestamp(at: SystemTime) -> Timestamp {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
