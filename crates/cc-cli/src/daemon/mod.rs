//! The daemon: one process a user and home, which holds the rooms open and answers clients.
//!
//! Start: leave the terminal, take `daemon.lock` and hold it for life, open the rooms, bind the socket, and only then
//! print `{"ready":true}` for the command that waits at the other end of the pipe. A failure before that is printed as
//! `{"v":1,"error":{…}}` instead, a lock that stays taken as `{"locked":true}`. `kill -9` leaves a stale socket, which the
//! next daemon clears away under the lock, and nothing else.
//!
//! Tasks: the *keeper* owns what belongs to all rooms (the node, the relay setting, the bindings) and takes one change
//! at a time; *views* keeps what agents without a hook read; each connection has a reader, a writer and a set of requests under way.

mod agents;
mod connection;
mod files;
mod keeper;
mod members;
mod methods;
mod receipts;
mod refusals;
mod server;
mod subscription;
mod sweep;
mod views;

pub use views::write_once as write_views;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::process;

/// How long to wait for the lock of a daemon that is ending.
const LOCK_DEADLINE: Duration = Duration::from_secs(10);
/// After how many tasks a thread looks whether sockets have something for it. A transfer makes many; with the runtime's
/// own 61, chat that came meanwhile waits longer, and the transfer is slower too.
const EVENT_INTERVAL: u32 = 8;
/// After how many tasks a thread looks whether others have left it some. The runtime would choose a few here, as a
/// transfer's tasks are long, and those who wake them are other threads: chat would wait for all of that.
const GLOBAL_QUEUE_INTERVAL: u32 = 61;
/// How long tasks that do not heed the end of the runtime may take.
const RUNTIME_END_DEADLINE: Duration = Duration::from_secs(2);
/// `daemon.log` is set aside as `daemon.log.1` at start when it is longer, in bytes.
const LOG_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The address of the endpoint. A loopback address keeps the daemon on this machine: no mDNS, and no relay unless one is named.
const BIND_VARIABLE: &str = "CC_CONNECT_BIND";
/// What goes to `daemon.log`, in the syntax of `RUST_LOG`.
const LOG_VARIABLE: &str = "CC_CONNECT_LOG";
const LOG_DEFAULT: &str = "warn,cc_connect=info,cc_net=info,cc_log=info,cc_proto=info";

/// Runs the daemon of `home` until it is told to stop.
pub fn run(home: &Home) -> CliResult {
    process::detach();
    let Some(lock) = take_lock(home)? else {
        return say(&json!({"locked": true}));
    };
    let ended = run_locked(home);
    if let Err(error) = &ended {
        tracing::error!(%error, "the daemon ends");
        // Whoever waits learns the reason; after "ready" this goes nowhere.
        let _ = say(&error.to_json());
    }
    drop(lock);
    ended
}

fn run_locked(home: &Home) -> CliResult {
    start_log(home)?;
    let bind = bind_address()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .global_queue_interval(GLOBAL_QUEUE_INTERVAL)
        .build()
        .map_err(|error| CliError::new(Kind::Daemon, "cannot start the runtime").because(&error))?;
    let ended = runtime.block_on(serve(home.clone(), bind));
    runtime.shutdown_timeout(RUNTIME_END_DEADLINE);
    ended
}

async fn serve(home: Home, bind: Option<SocketAddr>) -> CliResult {
    let end = CancellationToken::new();
    let signals = signals()?;
    let keeper = keeper::spawn(home.clone(), bind, end.clone()).await?;
    let server = match server::Server::bind(&home) {
        Ok(server) => server,
        Err(error) => {
            keeper.shutdown().await;
            return Err(error);
        }
    };
    tracing::info!(
        version = crate::launch::VERSION,
        pid = std::process::id(),
        "ready"
    );
    let mut tasks = JoinSet::new();
    tasks.spawn(views::keep_fresh(home.path().to_owned(), end.clone()));
    tasks.spawn(sweep::sessions(home.path().to_owned(), end.clone()));
    // Nobody is waiting any more: the command was ended, and the daemon it wanted is not wanted either.
    let wanted = say(&json!({"v": 1, "ready": true})).and_then(|()| process::silence_stdout());
    if wanted.is_ok() {
        let _offers = receipts::watch(keeper.handle.clone(), end.clone());
        let ending = async {
            signals.await;
            tracing::info!("told to stop by a signal");
            end.cancel();
        };
        tokio::join!(server.run(&keeper.handle, &end), async {
            tokio::select! {
                () = ending => {}
                () = end.cancelled() => {}
            }
        });
    }
    keeper.shutdown().await;
    while tasks.join_next().await.is_some() {}
    tracing::info!("stopped");
    wanted
}

/// Completes on SIGTERM or SIGINT; SIGHUP is taken and ignored.
fn signals() -> CliResult<impl Future<Output = ()>> {
    let failed =
        |error: io::Error| CliError::new(Kind::Daemon, "cannot listen for signals").because(&error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
                _ = hang_up.recv() => {}
            }
        }
    })
}

fn say(line: &Value) -> CliResult {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| CliError::new(Kind::Daemon, "nobody waits for the daemon").because(&error))
}

fn take_lock(home: &Home) -> CliResult<Option<File>> {
    let failed =
        |error: &io::Error| CliError::new(Kind::Home, "cannot use daemon.lock").because(error);
    let file = home
        .open_lock("daemon.lock")
        .map_err(|error| failed(&error))?;
    let (sender, receiver) = mpsc::sync_channel(1);
    // On a lock that never comes free the thread stays behind, and ends with the process.
    std::thread::spawn(move || sender.send(file.lock().map(|()| file)));
    match receiver.recv_timeout(LOCK_DEADLINE) {
        Ok(Ok(file)) => Ok(Some(file)),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Ok(None),
    }
}

fn bind_address() -> CliResult<Option<SocketAddr>> {
    match std::env::var(BIND_VARIABLE) {
        Ok(text) if !text.is_empty() => {
            text.parse()
                .map(Some)
                .map_err(|error: std::net::AddrParseError| {
                    CliError::new(
                        Kind::Usage,
                        format!("{BIND_VARIABLE} is not an address such as 127.0.0.1:0"),
                    )
                    .because(&error)
                })
        }
        _ => Ok(None),
    }
}

fn start_log(home: &Home) -> CliResult {
    let failed =
        |error: io::Error| CliError::new(Kind::Home, "cannot write daemon.log").because(&error);
    let path = home.join("daemon.log");
    if fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_BYTES_MAX) {
        fs::rename(&path, home.join("daemon.log.1")).map_err(failed)?;
    }
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let filter = std::env::var(LOG_VARIABLE)
        .ok()
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(LOG_DEFAULT));
    tracing_subscriber::fmt()
        // What cannot be written to a full disk would be told on stderr, which is the same file: with a panic.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(file))
        .init();
    Ok(())
}
