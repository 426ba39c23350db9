//! One run of an adapter, bounded: whatever it does, the check goes on.

use std::ffi::OsStr;
use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// No run lasts longer: then the adapter is killed with all that it started.
pub const HARD_LIMIT: Duration = Duration::from_secs(5);
/// More output is not kept.
const OUTPUT_BYTES_MAX: u64 = 1024 * 1024;

/// What an adapter is started with.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub command: &'a [std::ffi::OsString],
    pub arguments: Vec<String>,
    pub environment: Vec<(&'static str, &'a OsStr)>,
    pub directory: &'a Path,
    pub stdin: Vec<u8>,
    /// Whether its standard input stays open until it ends.
    pub keep_stdin_open: bool,
    /// Whether nobody reads what it prints.
    pub deaf: bool,
}

/// What became of it.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub took: Duration,
    /// It did not end by itself.
    pub killed: bool,
}

/// A run that goes on.
#[derive(Debug)]
pub(crate) struct Running {
    started: Instant,
    group: Option<Pid>,
    status: Receiver<io::Result<ExitStatus>>,
    stdout: Receiver<Vec<u8>>,
    /// Dropping it lets its standard input be closed.
    _stdin: Option<mpsc::Sender<()>>,
}

impl Running {
    /// Starts an adapter.
    pub fn start(call: Call<'_>) -> io::Result<Self> {
        let program = call.command.first();
        let program = program.ok_or_else(|| io::Error::other("no program is named"))?;
        let started = Instant::now();
        let mut child = Command::new(program)
            .args(&call.command[1..])
            .args(&call.arguments)
            .env_clear()
            .envs(call.environment)
            .current_dir(call.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (leash, released) = mpsc::channel::<()>();
        if let Some(mut stdin) = child.stdin.take() {
            thread::spawn(move || {
                // An adapter need not read all of it.
                let _ = stdin.write_all(&call.stdin).and_then(|()| stdin.flush());
                if call.keep_stdin_open {
                    let _ = released.recv();
                }
            });
        }
        let (print, stdout) = mpsc::channel();
        let out = child.stdout.take().filter(|_| !call.deaf);
        if call.deaf {
            let _ = print.send(Vec::new());
        }
        if let Some(out) = out {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                let _ = out.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes);
                let _ = print.send(bytes);
            });
        }
        let (end, status) = mpsc::channel();
        thread::spawn(move || {
            let _ = end.send(child.wait());
        });
        Ok(Self {
            started,
            group,
            status,
            stdout,
            _stdin: call.keep_stdin_open.then_some(leash),
        })
    }

    /// Waits until it ended and its standard output was closed by whoever holds it.
    pub fn end(self) -> io::Result<Ended> {
        let left = || HARD_LIMIT.saturating_sub(self.started.elapsed());
        let mut killed = false;
        let status = if let Ok(status) = self.status.recv_timeout(left()) {
            status?
        } else {
            killed = true;
            self.kill();
            self.status.recv().map_err(io::Error::other)??
        };
        let took = self.started.elapsed();
        let stdout = self.stdout.recv_timeout(left()).or_else(|_| {
            // A child that it left behind holds it.
            killed = true;
            self.kill();
            self.stdout.recv_timeout(HARD_LIMIT)
        });
        Ok(Ended {
            code: status.code(),
            stdout: stdout.unwrap_or_default(),
            took,
            killed,
        })
    }

    fn kill(&self) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
