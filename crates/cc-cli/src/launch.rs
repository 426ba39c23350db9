//! Starting the daemon where none serves the home, replacing one that is older, and stopping it for good.
//!
//! Clients that start at once take turns by `daemon-start.lock`, so that one daemon is started and the others find
//! it. A daemon holds `daemon.lock` for as long as it lives: it is gone when the lock is free. No process is ever
//! found or ended by its number.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::rpc::{Hello, HelloParams, Stopping};

/// This program's version, which the daemon has too when it is the same program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How long a daemon may take to open its rooms and its socket.
const START_DEADLINE: Duration = Duration::from_mins(1);
/// How long a daemon may take to end after it said it would.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// What a system has as its shell.
const SHELL: &str = "/bin/sh";
/// Closes what the starter has open, standard streams apart and as far as every shell has numbers for it, and becomes the
/// program that it is given.
const CLOSE_AND_START: &str = r#"exec "$0" "$@" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-"#;
/// How much of the end of `daemon.log` goes into an error.
const LOG_TAIL_BYTES: u64 = 2048;

/// Connects to the daemon of `home`, starting it first where none runs and replacing one that is older.
pub async fn connect_or_start(home: &Home) -> CliResult<Client> {
    if let Some(client) = connect_current(home).await? {
        return Ok(client);
    }
    let turn = take_lock(home, "daemon-start.lock", START_DEADLINE)
        .await?
        .ok_or_else(|| {
            CliError::new(Kind::Daemon, "another command is still starting the daemon")
                .hint("try again")
        })?;
    let client = match connect_current(home).await? {
        Some(client) => client,
        None => start(home).await?,
    };
    drop(turn);
    Ok(client)
}

/// Connects to the daemon of `home`, if one runs, whatever its version.
pub async fn connect(home: &Home) -> CliResult<Option<Client>> {
    Client::connect(home.path()).await
}

/// Connects again after a daemon was lost; to a new one where the last one crashed. `None` where it was told to stop,
/// or is still ending: its socket is gone then, or its lock is held.
pub async fn reconnect(home: &Home) -> CliResult<Option<Client>> {
    if let Some(client) = connect(home).await? {
        return Ok(Some(client));
    }
    let crashed = is_free(home)? && crate::socket::path(home.path()).symlink_metadata().is_ok();
    if crashed {
        return connect_or_start(home).await.map(Some);
    }
    Ok(None)
}

/// Asks the daemon to stop and returns when its process has ended; false if none ran.
pub async fn stop(home: &Home) -> CliResult<bool> {
    let Some(client) = connect(home).await? else {
        // None listens, but one may be starting or ending: it holds the lock.
        if is_free(home)? {
            return Ok(false);
        }
        return match wait_for_socket_or_end(home).await? {
            Some(client) => stop_connected(home, client).await,
            None => Ok(true),
        };
    };
    stop_connected(home, client).await
}

async fn stop_connected(home: &Home, mut client: Client) -> CliResult<bool> {
    let process = client.peer_pid().and_then(crate::process::watch);
    // Whether the answer comes does not matter: the lock tells when the process has ended.
    let _: CliResult<Stopping> = client.call("stop", &serde_json::json!({})).await;
    drop(client);
    let freed = take_lock(home, "daemon.lock", STOP_DEADLINE).await?;
    if freed.is_none() {
        return Err(CliError::new(
            Kind::Daemon,
            "the daemon said it would stop and is still there",
        )
        .hint("see daemon.log in the home folder"));
    }
    if let Some(process) = process {
        tokio::task::spawn_blocking(move || process.wait(STOP_DEADLINE))
            .await
            .map_err(|error| {
                CliError::new(Kind::Daemon, "cannot wait for the daemon").because(&error)
            })?;
    }
    Ok(true)
}

/// Connects unless there is no daemon or it was an older one, which is then asked to stop and gone.
async fn connect_current(home: &Home) -> CliResult<Option<Client>> {
    let Some(mut client) = connect(home).await? else {
        return Ok(None);
    };
    let hello = match hello(&mut client).await {
        Ok(hello) => hello,
        // It was ending: the next one waits for its lock.
        Err(error) if error.kind == Kind::Gone => return Ok(None),
        Err(error) => return Err(error),
    };
    if is_older(&hello.version, VERSION) {
        stop_connected(home, client).await?;
        return Ok(None);
    }
    Ok(Some(client))
}

async fn hello(client: &mut Client) -> CliResult<Hello> {
    client
        .call(
            "hello",
            &HelloParams {
                client_version: Some(VERSION.to_owned()),
            },
        )
        .await
}

async fn start(home: &Home) -> CliResult<Client> {
    let failed = |error: &dyn std::error::Error| {
        CliError::new(Kind::Daemon, "cannot start the daemon").because(error)
    };
    let spawned = spawn(home).map_err(|error| failed(&error))?;
    let said = tokio::time::timeout(
        START_DEADLINE,
        tokio::task::spawn_blocking(move || first_line(spawned)),
    )
    .await
    .map_err(|_| {
        CliError::new(Kind::Daemon, "the daemon did not get ready in time")
            .hint("see daemon.log in the home folder")
    })?
    .map_err(|error| failed(&error))?;
    let said: Value = serde_json::from_str(&said).unwrap_or(Value::Null);
    if said["ready"] == true {
        return connect(home).await?.ok_or_else(|| ended_early(home));
    }
    if said["locked"] == true {
        // One that was started by other means: it listens soon, or it is ending and the caller may try again.
        return wait_for_socket_or_end(home).await?.ok_or_else(|| {
            CliError::new(Kind::Daemon, "another daemon of this home was ending").hint("try again")
        });
    }
    match said.get("error") {
        Some(error) => Err(CliError::from_json(error)),
        None => Err(ended_early(home)),
    }
}

/// Starts the daemon, and hands on none of the descriptors that a shell can name: a lock or a pipe of somebody's script
/// would be held for as long as the daemon runs.
fn spawn(home: &Home) -> io::Result<std::process::ChildStdout> {
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(home.join("daemon.log"))?;
    // Without a shell, as on Android, it keeps what its starter had open.
    let mut command = if Path::new(SHELL).exists() {
        let mut shell = Command::new(SHELL);
        shell.args(["-c", CLOSE_AND_START]);
        shell.arg(std::env::current_exe()?);
        shell
    } else {
        Command::new(std::env::current_exe()?)
    };
    let mut child = command
        .arg("--home")
        .arg(home.path())
        .arg("daemon")
        .env_remove("CC_CONNECT_ROOM")
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()?;
    child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("no pipe to the daemon"))
}

fn first_line(pipe: std::process::ChildStdout) -> String {
    let mut line = String::new();
    // An end without a line says the same as an error: it did not get ready.
    let _ = BufReader::new(pipe).read_line(&mut line);
    line
}

fn ended_early(home: &Home) -> CliError {
    let error = CliError::new(Kind::Daemon, "the daemon ended before it was ready");
    match log_tail(home) {
        Ok(tail) if !tail.is_empty() => error.hint(format!("the end of daemon.log:\n{tail}")),
        _ => error,
    }
}

fn log_tail(home: &Home) -> io::Result<String> {
    let mut file = File::open(home.join("daemon.log"))?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(cc_proto::text::clean_text(
        String::from_utf8_lossy(&bytes).trim(),
    ))
}

fn is_free(home: &Home) -> CliResult<bool> {
    match home
        .open_lock("daemon.lock")
        .and_then(|lock| Ok(lock.try_lock()?))
    {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(CliError::new(Kind::Home, "cannot use daemon.lock").because(&error)),
    }
}

/// Waits until somebody listens or the lock is free.
async fn wait_for_socket_or_end(home: &Home) -> CliResult<Option<Client>> {
    let lock = take_lock(home, "daemon.lock", START_DEADLINE);
    tokio::pin!(lock);
    let mut look = tokio::time::interval(Duration::from_millis(20));
    loop {
        tokio::select! {
            lock = &mut lock => {
                return match lock? {
                    Some(_) => Ok(None),
                    None => Err(CliError::new(Kind::Daemon, "the daemon holds its lock but does not listen")
                        .hint("see daemon.log in the home folder")),
                };
            }
            _ = look.tick() => {
                if let Some(client) = connect(home).await? {
                    return Ok(Some(client));
                }
            }
        }
    }
}

/// Waits for a lock; `None` after the deadline.
async fn take_lock(home: &Home, name: &str, deadline: Duration) -> CliResult<Option<File>> {
    let failed =
        |error: io::Error| CliError::new(Kind::Home, format!("cannot use {name}")).because(&error);
    let file = home.open_lock(name).map_err(failed)?;
    let waiting = tokio::task::spawn_blocking(move || file.lock().map(|()| file));
    match tokio::time::timeout(deadline, waiting).await {
        Ok(Ok(locked)) => locked.map(Some).map_err(failed),
        Ok(Err(error)) => Err(failed(io::Error::other(error))),
        Err(_) => Ok(None),
    }
}

/// Whether version `a` comes before `b`; what is not `x.y.z` is not compared.
fn is_older(a: &str, b: &str) -> bool {
    let numbers = |version: &str| -> Option<[u64; 3]> {
        let plain = version.split(['-', '+']).next()?;
        let parts: Vec<u64> = plain
            .split('.')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        parts.try_into().ok()
    };
    matches!((numbers(a), numbers(b)), (Some(a), Some(b)) if a < b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_older("0.9.0", "0.10.0"));
        assert!(!is_older("0.10.0", "0.9.0"));
        assert!(!is_older("0.1.0", "0.1.0"));
        assert!(!is_older("nonsense", "0.1.0"));
    }
}
