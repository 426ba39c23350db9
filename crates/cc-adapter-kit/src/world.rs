//! The home that a case is about, and the adapter asked in it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cc_hook_generic::{BINDINGS_FILE, DEADLINE, Moment};
use cc_proto::id::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Call, Ended, Running};
use crate::report::{Checked, Stop};
use crate::room::{Room, now};
use crate::subject::Subject;

/// How often an adapter is asked again that may have run out of its time, as on a busy machine.
const ATTEMPTS: u32 = 8;
/// Whoever took no longer did not give up.
const QUICK: Duration = DEADLINE.saturating_sub(Duration::from_millis(60));

/// What an adapter said.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The text for the agent, where there was one.
    pub text: Option<String>,
    /// When it was asked, and when it had answered.
    pub from: Timestamp,
    pub to: Timestamp,
    pub took: Duration,
}

/// How an adapter is asked.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    pub moment: Moment,
    pub session: &'a str,
    pub directory: &'a Path,
    /// The value of `CC_CONNECT_ROOM`, where it is set.
    pub room: Option<&'a str>,
    /// What it gets instead of an event.
    pub stdin: Option<Vec<u8>>,
    pub keep_stdin_open: bool,
    /// Nobody reads what it prints.
    pub deaf: bool,
}

/// A home, a folder that rooms are bound to and one that none is, and the adapter.
pub(crate) struct World<'a> {
    pub subject: &'a Subject,
    root: TempDir,
    pub home: PathBuf,
    pub project: PathBuf,
    pub elsewhere: PathBuf,
}

impl<'a> World<'a> {
    /// A home with nothing in it.
    pub fn new(subject: &'a Subject) -> Checked<Self> {
        let root = tempfile::Builder::new().prefix("cc-adapter-").tempdir()?;
        let path = root.path().canonicalize()?;
        let world = Self {
            subject,
            home: path.join("home"),
            project: path.join("project"),
            elsewhere: path.join("elsewhere"),
            root,
        };
        for folder in [&world.home, &world.project, &world.elsewhere] {
            fs::create_dir(folder)?;
        }
        Ok(world)
    }

    /// The folder above all the others, which is the user's own.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// A room of four; `byte` tells it from the others.
    pub fn room(&self, byte: u8, name: &str) -> Checked<Room> {
        Room::make(&self.home, byte, name, 4)
    }

    /// The usual: one room, `"trip"`, that the project is bound to.
    pub fn trip(&self) -> Checked<Room> {
        let room = self.room(1, "trip")?;
        self.bind(&[(&room, Some(&self.project))])?;
        Ok(room)
    }

    /// Writes `bindings.json`; `None` binds everywhere.
    pub fn bind(&self, bindings: &[(&Room, Option<&Path>)]) -> Checked {
        let mut list = Vec::new();
        for (room, path) in bindings {
            list.push(match path {
                Some(path) => binding(room, path)?,
                None => json!({"room": room.id.to_hex(), "global": true}),
            });
        }
        self.write_bindings(&json!({"v": 1, "bindings": list}))
    }

    /// Writes any `bindings.json`.
    pub fn write_bindings(&self, file: &Value) -> Checked {
        Ok(fs::write(
            self.home.join(BINDINGS_FILE),
            file.to_string() + "\n",
        )?)
    }

    /// A prompt of a session in the project.
    pub fn ask<'b>(&'b self, session: &'b str) -> Ask<'b> {
        Ask {
            moment: Moment::Prompt,
            session,
            directory: &self.project,
            room: None,
            stdin: None,
            keep_stdin_open: false,
            deaf: false,
        }
    }

    /// Starts the adapter without waiting for it.
    pub fn start(&self, ask: &Ask<'_>) -> Checked<Running> {
        let (event, arguments) = self.subject.event(ask.moment, ask.session, ask.directory);
        let mut environment: Vec<(&'static str, &OsStr)> = vec![
            ("CC_CONNECT_HOME", self.home.as_os_str()),
            ("HOME", self.root.path().as_os_str()),
        ];
        let path = std::env::var_os("PATH");
        environment.extend(path.as_deref().map(|path| ("PATH", path)));
        environment.extend(ask.room.map(|room| ("CC_CONNECT_ROOM", OsStr::new(room))));
        let stdin = ask.stdin.clone();
        let directory = if self.subject.says_directory() {
            Path::new("/")
        } else {
            ask.directory
        };
        Ok(Running::start(Call {
            command: &self.subject.command,
            arguments,
            environment,
            directory,
            stdin: stdin.unwrap_or_else(|| event.to_string().into_bytes()),
            keep_stdin_open: ask.keep_stdin_open,
            deaf: ask.deaf,
        })?)
    }

    /// Runs the adapter once. Whatever it is asked, it ends by itself with exit code 0, prints nothing or one answer of its
    /// agent's shape, and changes no file but those that are its own.
    pub fn once(&self, ask: &Ask<'_>) -> Checked<Answer> {
        let before = self.files()?;
        let from = now();
        let ended = self.start(ask)?.end()?;
        let answer = self.judge(ask, &ended, from)?;
        self.holds_still(&before)?;
        Ok(answer)
    }

    /// What every answer must be, whatever was asked.
    pub fn judge(&self, ask: &Ask<'_>, ended: &Ended, from: Timestamp) -> Checked<Answer> {
        if ended.killed {
            return Err(Stop::fault(
                "an end by itself, with nothing left running",
                format!("it was killed after {} ms", ended.took.as_millis()),
            ));
        }
        if ended.code != Some(0) {
            let code = ended
                .code
                .map_or("a signal".into(), |code| code.to_string());
            return Err(Stop::fault("exit code 0", format!("exit code {code}")));
        }
        let text = if ended.stdout.is_empty() {
            None
        } else {
            let text = self.subject.text_of(ask.moment, &ended.stdout);
            Some(text.map_err(|came| Stop::fault("nothing or one answer in JSON", came))?)
        };
        if let Some(text) = &text {
            let max = self.subject.bytes_max();
            if text.len() > max {
                return Err(Stop::fault(
                    format!("at most {max} bytes"),
                    format!("{} bytes", text.len()),
                ));
            }
        }
        Ok(Answer {
            text,
            from,
            to: now(),
            took: ended.took,
        })
    }

    /// Runs the adapter until it says something or was quick to say nothing: one that gave up in time did what it should,
    /// and nothing is lost by it.
    pub fn patiently(&self, ask: &Ask<'_>) -> Checked<Answer> {
        let mut answer = self.once(ask)?;
        for _ in 1..ATTEMPTS {
            if answer.text.is_some() || answer.took < QUICK {
                break;
            }
            answer = self.once(ask)?;
        }
        Ok(answer)
    }

    /// At the next prompt of a session nothing is told.
    pub fn silent(&self, ask: &Ask<'_>, why: &str) -> Checked {
        match self.once(ask)?.text {
            None => Ok(()),
            Some(text) => Err(Stop::fault(
                format!("nothing printed: {why}"),
                format!("{text:?}"),
            )),
        }
    }

    /// Every file that is not an adapter's to write, and what is in it.
    fn files(&self) -> Checked<BTreeMap<PathBuf, Vec<u8>>> {
        let mut files = BTreeMap::new();
        collect(&self.home, &mut files)?;
        Ok(files)
    }

    fn holds_still(&self, before: &BTreeMap<PathBuf, Vec<u8>>) -> Checked {
        let after = self.files()?;
        for (path, bytes) in before {
            let came = match after.get(path) {
                Some(now) if now == bytes => continue,
                Some(_) => "was changed",
                None => "was removed",
            };
            return Err(self.touched(path, came));
        }
        let new = after.keys().find(|path| !before.contains_key(*path));
        new.map_or(Ok(()), |path| Err(self.touched(path, "was made")))
    }

    fn touched(&self, path: &Path, came: &str) -> Stop {
        let shown = path.strip_prefix(&self.home).unwrap_or(path);
        Stop::fault(
            "no file touched but cursors, sessions, audit and hook.log",
            format!("{} {came}", shown.display()),
        )
    }
}

fn binding(room: &Room, path: &Path) -> Checked<Value> {
    let meta = fs::metadata(path)?;
    Ok(json!({"room": room.id.to_hex(), "path": path, "dev": meta.dev(), "ino": meta.ino()}))
}

/// Regular files below a folder, without those that adapters write.
fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Checked {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let is_theirs = matches!(name, "cursors" | "sessions")
            || name.starts_with("hook.log")
            || name.starts_with("audit.jsonl");
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        if is_theirs {
            continue;
        }
        if meta.is_dir() {
            collect(&path, files)?;
        } else if meta.is_file() {
            let bytes = fs::read(&path)?;
            files.insert(path, bytes);
        }
    }
    Ok(())
}
