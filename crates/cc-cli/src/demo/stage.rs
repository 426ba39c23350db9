//! What the demo plays on: two people with folders, and the real program run as each of them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use cc_proto::text::clean_text;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::client::Client;
use crate::error::{CliError, CliResult, Kind};
use crate::history::History;
use crate::home::Home;
use crate::launch;
use crate::rooms;
use crate::rpc::{RoomParams, Subscribed};

/// How long a message may take from one to the other on one machine.
const DELIVERY_DEADLINE: Duration = Duration::from_secs(30);
/// How much of each daemon's log is shown when something fails, in characters.
const LOG_TAIL_CHARS: usize = 1500;

/// Two people and their folders.
pub struct Stage {
    /// Who makes the room.
    pub alice: Person,
    /// Who joins it.
    pub bob: Person,
    folder: TempDir,
}

/// One of them.
pub struct Person {
    home: Home,
    user: PathBuf,
    project: PathBuf,
}

impl Stage {
    /// Makes the folders.
    pub fn build() -> CliResult<Self> {
        let failed = |error: std::io::Error| {
            CliError::new(Kind::Demo, "cannot make temporary folders").because(&error)
        };
        let folder = tempfile::Builder::new()
            .prefix("cc-demo-")
            .tempdir()
            .map_err(failed)?;
        // Canonical, as hooks and bindings see it.
        let top = folder.path().canonicalize().map_err(failed)?;
        Ok(Self {
            alice: Person::at(&top, "alice")?,
            bob: Person::at(&top, "bob")?,
            folder,
        })
    }

    /// Stops both daemons and removes every file.
    pub async fn clear(self) -> CliResult {
        let stopped = self.stop_both().await;
        if std::fs::remove_dir_all(self.folder.path()).is_err() {
            // A daemon that was still on its way in when the demo was interrupted may have written meanwhile.
            self.stop_both().await?;
            self.folder.close().map_err(|error| {
                CliError::new(Kind::Demo, "cannot remove the temporary folders").because(&error)
            })?;
        }
        stopped
    }

    async fn stop_both(&self) -> CliResult {
        let outcomes = [
            launch::stop(&self.alice.home).await,
            launch::stop(&self.bob.home).await,
        ];
        outcomes
            .into_iter()
            .try_for_each(|outcome| outcome.map(|_| ()))
    }

    /// The ends of the daemons' logs, if they say anything.
    pub fn daemon_logs(&self) -> Option<String> {
        let ends: Vec<String> = [&self.alice, &self.bob]
            .into_iter()
            .filter_map(Person::log_end)
            .collect();
        (!ends.is_empty()).then(|| ends.join("\n"))
    }
}

impl Person {
    fn at(top: &Path, name: &str) -> CliResult<Self> {
        let user = top.join(name);
        let project = user.join("project");
        std::fs::create_dir_all(&project).map_err(|error| {
            CliError::new(Kind::Demo, "cannot make temporary folders").because(&error)
        })?;
        let home = Home::open(Some(&user.join("home")))?;
        Ok(Self {
            home,
            user,
            project,
        })
    }

    /// The project folder.
    pub fn project(&self) -> &Path {
        &self.project
    }

    /// Runs the program as this person with `--json`; gives the one object that it prints.
    pub async fn command_json(&self, arguments: &[&str], input: &str) -> CliResult<Value> {
        let mut all = vec!["--json"];
        all.extend(arguments);
        let printed = self.command(&all, input).await?;
        serde_json::from_str(&printed).map_err(|error| {
            CliError::new(
                Kind::Demo,
                format!("{} printed no object", shown(arguments)),
            )
            .because(&error)
        })
    }

    /// Runs the program as this person, in their project, with nothing of the user's own environment that could lead
    /// to their home; gives what it prints.
    pub async fn command(&self, arguments: &[&str], input: &str) -> CliResult<String> {
        let failed = |error: std::io::Error| {
            CliError::new(Kind::Demo, format!("cannot run {}", shown(arguments))).because(&error)
        };
        let mut child = Command::new(std::env::current_exe().map_err(failed)?)
            .args(arguments)
            .current_dir(&self.project)
            .env("HOME", &self.user)
            .env("CC_CONNECT_HOME", self.home.path())
            .env("CC_CONNECT_BIND", "127.0.0.1:0")
            .env_remove("CC_CONNECT_ROOM")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read its input has no use for it.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let ended = child.wait_with_output().await.map_err(failed)?;
        if !ended.status.success() {
            let why = clean_text(String::from_utf8_lossy(&ended.stderr).trim());
            return Err(CliError::new(
                Kind::Demo,
                format!("{} failed: {why}", shown(arguments)),
            ));
        }
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    }

    /// Returns when the message is in this person's log.
    pub async fn until_arrived(&self, room: &str, message: &str) -> CliResult {
        let arrived = tokio::time::timeout(DELIVERY_DEADLINE, self.watch_for(room, message));
        arrived
            .await
            .unwrap_or_else(|_| Err(CliError::new(Kind::Demo, "the message did not arrive")))
    }

    async fn watch_for(&self, room: &str, message: &str) -> CliResult {
        let gone = || CliError::new(Kind::Demo, "the daemon went away");
        let mut client: Client = launch::connect(&self.home).await?.ok_or_else(gone)?;
        let _: Subscribed = client
            .call(
                "subscribe",
                &RoomParams {
                    room: room.to_owned(),
                },
            )
            .await?;
        let known = rooms::find(&self.home, Some(room))?;
        let mut history = History::open(&self.home, &known)?;
        let message = message
            .parse()
            .map_err(|error: cc_proto::id::ParseIdError| {
                CliError::new(Kind::Demo, "the message has no id").because(&error)
            })?;
        while !history.holds(&message)? {
            client.notification().await.ok_or_else(gone)?;
        }
        Ok(())
    }

    fn log_end(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.home.join("daemon.log")).ok()?;
        let start = text
            .char_indices()
            .rev()
            .nth(LOG_TAIL_CHARS)
            .map_or(0, |(at, _)| at);
        let end = clean_text(text[start..].trim());
        (!end.is_empty()).then_some(end)
    }
}

/// A command as it is named in an error.
fn shown(arguments: &[&str]) -> String {
    let words = arguments.iter().filter(|word| !word.starts_with('-'));
    format!(
        "cc-connect {}",
        words.take(2).copied().collect::<Vec<_>>().join(" ")
    )
}
