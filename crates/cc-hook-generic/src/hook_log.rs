//! `hook.log`: the only place where a hook says what went wrong.
//!
//! One line a problem: time, agent, session, reason. Never a message, a prompt or the environment.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use cc_proto::id::Timestamp;
use cc_proto::render::utc_time;
use cc_proto::text::clean_line;

/// The file's name in the home.
pub const HOOK_LOG_FILE: &str = "hook.log";
/// Past this size, in bytes, the file becomes `hook.log.old` and a new one begins.
pub const HOOK_LOG_BYTES_MAX: u64 = 256 * 1024;
/// The longest session id in a line, in characters.
const SESSION_CHARS_MAX: usize = 64;
/// The longest reason in a line, in characters.
const REASON_CHARS_MAX: usize = 400;

/// Writes to a home's `hook.log`. Cheap to clone; clones share the session's name.
#[derive(Debug, Clone)]
pub(crate) struct HookLog {
    home: Option<PathBuf>,
    agent: Arc<Mutex<String>>,
    session: Arc<Mutex<String>>,
}

impl HookLog {
    pub fn new(home: Option<&Path>, agent: &str) -> Self {
        Self {
            home: home.map(Path::to_owned),
            agent: Arc::new(Mutex::new(agent.to_owned())),
            session: Arc::default(),
        }
    }

    /// From here on lines carry this agent's and this session's name.
    pub fn name_session(&self, agent: &str, session: &str) {
        agent.clone_into(&mut self.agent.lock().unwrap_or_else(PoisonError::into_inner));
        let session = clean_line(session, SESSION_CHARS_MAX).replace(' ', "_");
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }

    /// Writes one line. That it cannot be written is told to nobody: there is nobody to tell.
    pub fn note(&self, reason: &str) {
        let _ = self.try_note(reason);
    }

    fn try_note(&self, reason: &str) -> io::Result<()> {
        let Some(home) = &self.home else {
            return Ok(());
        };
        let session = self
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let session = if session.is_empty() { "-" } else { &session };
        let reason = clean_line(reason, REASON_CHARS_MAX);
        let line = format!(
            "{} {} {session} {reason}\n",
            utc_time(wall_clock()),
            self.agent.lock().unwrap_or_else(PoisonError::into_inner)
        );
        make_home(home)?;
        let path = home.join(HOOK_LOG_FILE);
        if fs::metadata(&path).is_ok_and(|meta| meta.len() + line.len() as u64 > HOOK_LOG_BYTES_MAX)
        {
            fs::rename(&path, home.join(format!("{HOOK_LOG_FILE}.old")))?;
        }
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(line.as_bytes())
    }
}

fn make_home(home: &Path) -> io::Result<()> {
    if home.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(home)
}

/// The machine's clock; 1970 where it stands before that.
pub(crate) fn wall_clock() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
