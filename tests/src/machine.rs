//! A member's machine: an empty home folder, a folder to work in, and the daemon that our commands
//! start there. Everything is under one temporary folder and on loopback, and ends with the value.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::{self, Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
    time::{error::Elapsed, timeout},
};

use crate::bins::bin;

/// How long one command may take before it counts as hung. Generous, as it only bounds failures.
pub const COMMAND_DEADLINE: Duration = Duration::from_mins(1);

/// A machine with nothing on it yet.
#[derive(Debug)]
pub struct Machine {
    folder: TempDir,
}

impl Machine {
    /// An empty machine.
    ///
    /// # Panics
    /// Where no temporary folder can be made.
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("cc-").expect("a temporary folder");
        let machine = Self { folder };
        for folder in [machine.home(), machine.project(), machine.temporary()] {
            std::fs::create_dir(folder).expect("a folder in a new folder");
        }
        machine
    }

    /// The user's home folder. The machine's rooms are at the default place in it.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder that the user works in, and in which commands run.
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// A command that runs on this machine and knows nothing of the one that runs the tests: its
    /// environment holds a path to programs, the machine's own folders, and loopback to bind to.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = process::Command::new(program);
        command
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", self.home())
            .env("TMPDIR", self.temporary())
            .env("CC_CONNECT_BIND", "127.0.0.1:0")
            .current_dir(self.project())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut command = Command::from(command);
        command.kill_on_drop(true);
        command
    }

    /// Runs `cc-connect` with these arguments, `stdin` on its standard input, and returns the JSON
    /// objects that it printed, one a line.
    ///
    /// # Panics
    /// Where it fails, prints anything else or takes longer than [`COMMAND_DEADLINE`].
    pub async fn cc_connect(&self, args: &[&str], stdin: &str) -> Vec<Value> {
        let mut command = self.command(&bin("cc-connect"));
        let output = run(command.args(args), stdin).await.expect("it starts");
        let what = format!("cc-connect {}", args.join(" "));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{what}: {}\n{stderr}",
            output.status
        );
        let stdout = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        stdout.lines().map(|line| object(&what, line)).collect()
    }

    /// Follows the log of the room bound to the project until a line satisfies `wanted`, and
    /// returns that line.
    ///
    /// # Panics
    /// Where none has come within [`COMMAND_DEADLINE`].
    pub async fn log_line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut command = self.command(&bin("cc-connect"));
        command.args(["log", "--follow", "--json"]);
        command.stderr(Stdio::inherit());
        let mut child = command.spawn().expect("it starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(stdout).lines();
        let found = async {
            while let Some(line) = lines.next_line().await.expect("stdout is readable") {
                let line = object("cc-connect log", &line);
                if wanted(&line) {
                    return line;
                }
            }
            panic!("cc-connect log ended before the line came");
        };
        let found = timeout(COMMAND_DEADLINE, found).await;
        found.expect("the line comes before the deadline")
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

/// Stops the daemon, before the folder under it goes. A test that fails leaves none behind either.
impl Drop for Machine {
    fn drop(&mut self) {
        if !self.home().join(".cc-connect").exists() {
            return;
        }
        let mut command = self.command(&bin("cc-connect"));
        let stop = command.as_std_mut().arg("stop").output();
        if let Err(error) = stop {
            eprintln!(
                "cannot stop the daemon in {}: {error}",
                self.folder.path().display()
            );
        }
    }
}

/// Runs a command to its end, with `stdin` on its standard input.
///
/// # Errors
/// Where it does not start, or is not done within [`COMMAND_DEADLINE`]; it is killed then.
pub async fn run(command: &mut Command, stdin: &str) -> io::Result<Output> {
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let mut pipe = child.stdin.take();
    let done = async {
        if let Some(pipe) = &mut pipe {
            // A command may end without reading all that it is given.
            let _ = pipe.write_all(stdin.as_bytes()).await;
        }
        drop(pipe);
        child.wait_with_output().await
    };
    let late = |_: Elapsed| io::Error::from(io::ErrorKind::TimedOut);
    timeout(COMMAND_DEADLINE, done).await.map_err(late)?
}

fn object(what: &str, line: &str) -> Value {
    let object = serde_json::from_str(line);
    object.unwrap_or_else(|error| panic!("{what} printed {line:?}: {error}"))
}
