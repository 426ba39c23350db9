//! What was put before which session, and when: `<home>/rooms/<id>/audit.jsonl`.
//!
//! One line for each injection and room, appended after the session's cursor moved. It holds numbers and
//! names of sessions, never a message.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use cc_proto::id::{ArrivalNo, Timestamp};
use serde::{Deserialize, Serialize};

/// The file in a room's folder.
pub const AUDIT_FILE: &str = "audit.jsonl";
/// Past this size, in bytes, the file becomes `audit.jsonl.old` and a new one begins.
pub const AUDIT_BYTES_MAX: u64 = 1024 * 1024;

const VERSION: u32 = 1;
/// What is read of a file at most; more than a rotation and a burst of hooks can make of it.
const READ_BYTES_MAX: u64 = 8 * AUDIT_BYTES_MAX;

/// What a session was told of a room, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    v: u32,
    /// When, in ms.
    pub at: u64,
    /// The agent's name.
    pub agent: String,
    /// The session's id.
    pub session: String,
    /// At which moment.
    pub event: AuditEvent,
    /// The last line before what was looked at: the session's cursor before.
    pub from: u64,
    /// The last line looked at: the session's cursor after.
    pub through: u64,
    /// The lines that were quoted, in order.
    pub shown: Vec<u64>,
    /// How many messages were only counted.
    pub counted: u64,
}

/// At which moment something was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditEvent {
    /// With a prompt.
    Prompt,
    /// At a session's start; the cursor does not move.
    Start,
    /// After a tool call.
    Tool,
    /// Because the agent asked, by a tool of ours.
    Read,
}

impl AuditEvent {
    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Start => "start",
            Self::Tool => "tool",
            Self::Read => "read",
        }
    }
}

impl AuditLine {
    /// A line about `agent`'s `session`, with nothing told yet.
    pub fn new(at: Timestamp, agent: &str, session: &str, event: AuditEvent) -> Self {
        Self {
            v: VERSION,
            at: at.0,
            agent: agent.to_owned(),
            session: session.to_owned(),
            event,
            from: 0,
            through: 0,
            shown: Vec::new(),
            counted: 0,
        }
    }

    /// The lines after `from` up to `through` were looked at.
    #[must_use]
    pub fn range(mut self, from: ArrivalNo, through: ArrivalNo) -> Self {
        (self.from, self.through) = (from.0, through.0);
        self
    }

    /// These were quoted, and so many more counted.
    #[must_use]
    pub fn told(mut self, shown: &[ArrivalNo], counted: u64) -> Self {
        self.shown = shown.iter().map(|n| n.0).collect();
        self.counted = counted;
        self
    }
}

/// Appends a line in one write. `dir` is the room's folder.
///
/// # Errors
/// As the file system reports them.
pub fn append(dir: &Path, line: &AuditLine) -> io::Result<()> {
    let path = dir.join(AUDIT_FILE);
    let mut file = open(&path)?;
    if file.metadata()?.len() >= AUDIT_BYTES_MAX && set_aside(&file, &path)? {
        file = open(&path)?;
    }
    let mut bytes = Vec::new();
    // What a crash left unfinished must not swallow this line.
    if !ends_a_line(&file)? {
        bytes.push(b'\n');
    }
    serde_json::to_writer(&mut bytes, line)?;
    bytes.push(b'\n');
    (&file).write_all(&bytes)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

fn ends_a_line(file: &File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else {
        return Ok(true);
    };
    let mut byte = [0];
    Ok(file.read_at(&mut byte, last)? == 0 || byte == *b"\n")
}

/// Whether the file was renamed, by this hook or by another: of two, the second must not put the new file in the
/// old one's place.
fn set_aside(file: &File, path: &Path) -> io::Result<bool> {
    if file.try_lock().is_err() {
        return Ok(false);
    }
    let (ours, named) = (file.metadata()?, fs::metadata(path));
    let is_ours = named.is_ok_and(|it| (it.dev(), it.ino()) == (ours.dev(), ours.ino()));
    if is_ours {
        fs::rename(path, path.with_extension("jsonl.old"))?;
    }
    file.unlock()?;
    Ok(true)
}

/// The lines of a room, the oldest first, those that were set aside included. Damaged lines are left out.
pub fn read(dir: &Path) -> impl Iterator<Item = AuditLine> + use<> {
    let path = dir.join(AUDIT_FILE);
    [path.with_extension("jsonl.old"), path]
        .into_iter()
        .flat_map(|path| lines(&path))
}

fn lines(path: &Path) -> Vec<AuditLine> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(READ_BYTES_MAX).read_to_end(&mut bytes));
    if read.is_err() {
        return Vec::new();
    }
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<AuditLine>(line).ok())
        .filter(|line| line.v == VERSION)
        .collect()
}
