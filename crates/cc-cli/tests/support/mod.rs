//! People with homes of their own, the real program run as each of them, and the control socket.

#![allow(dead_code, reason = "every test file uses a part of it")]

pub mod people;
pub mod tools;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before a test fails.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// Somebody with a home and a project. Dropping them stops their daemon and removes their files.
pub struct Person {
    folder: TempDir,
    pub home: PathBuf,
    pub project: PathBuf,
}

impl Person {
    pub fn new() -> Self {
        Self::with_home("home")
    }

    pub fn with_home(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let project = top.join("project");
        std::fs::create_dir(&project).unwrap();
        Self {
            home: top.join(name),
            project,
            folder,
        }
    }

    /// The person's own folder, which holds home and project.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program as this person: loopback only, and nothing of the environment that leads elsewhere.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cc-connect"));
        command
            .current_dir(&self.project)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("USER", "tester")
            .env("CC_CONNECT_HOME", &self.home)
            .env("CC_CONNECT_BIND", "127.0.0.1:0")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that reads nothing may have ended before.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Every object that a command prints.
    pub fn objects(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self
            .command()
            .arg("--json")
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        stdout(&output)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The one object that a command prints.
    pub fn object(&self, arguments: &[&str]) -> Value {
        let mut objects = self.objects(arguments);
        assert_eq!(objects.len(), 1, "{arguments:?}: {objects:?}");
        let object = objects.remove(0);
        assert_eq!(object["v"], 1);
        object
    }

    /// The error object and the exit code of a command that fails.
    pub fn failure(&self, arguments: &[&str]) -> (Value, i32) {
        let output = self
            .command()
            .arg("--json")
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(stdout(&output), "", "{arguments:?}");
        let object: Value =
            serde_json::from_str(stderr(&output).lines().last().unwrap_or_default())
                .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", stderr(&output)));
        assert_eq!(object["v"], 1);
        (object["error"].clone(), output.status.code().unwrap())
    }

    /// Makes a room; gives its id and ticket.
    pub fn start(&self, name: &str, nick: &str) -> (String, String) {
        let object = self.object(&[
            "room", "start", "--name", name, "--nick", nick, "--relay", "none", "--no-ui",
        ]);
        (
            object["room"].as_str().unwrap().to_owned(),
            object["ticket"].as_str().unwrap().to_owned(),
        )
    }

    /// Joins with a ticket and waits to be let in.
    pub fn join(&self, ticket: &str, nick: &str) -> Value {
        let joined = self.object(&[
            "room", "join", ticket, "--nick", nick, "--relay", "none", "--no-ui", "--wait", "60",
        ]);
        assert_eq!(joined["state"], "joined", "{}", self.daemon_log());
        joined
    }

    /// Waits until a line of `log --follow` is what the test wants.
    pub fn follow_until(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let child = self
            .command()
            .args(["--json", "log", "--follow"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = Ended(child);
        let (sender, lines) = mpsc::channel();
        let out = child.0.stdout.take().unwrap();
        std::thread::spawn(move || {
            BufReader::new(out)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let mut seen = Vec::new();
        loop {
            let line = lines.recv_timeout(DEADLINE).unwrap_or_else(|error| {
                panic!("{error}: saw {seen:#?}\n{}", self.daemon_log());
            });
            let line: Value = serde_json::from_str(&line).unwrap();
            seen.push(line);
            if seen.last().is_some_and(&wanted) {
                break;
            }
        }
        // What a daemon stores with a line, as who belongs now, it may still be writing: it answers when it is done.
        self.connect().call("status", &json!({}));
        seen
    }

    /// Waits until a text is in the log.
    pub fn until_text(&self, text: &str) -> Vec<Value> {
        self.follow_until(|line| line["text"] == text)
    }

    /// The process that `status` names: this person's daemon.
    pub fn daemon_pid(&self) -> i32 {
        let status = self.object(&["status"]);
        i32::try_from(status["daemon"]["pid"].as_i64().unwrap()).unwrap()
    }

    /// Ends this person's daemon as a crash would, and returns when it is gone.
    pub fn kill_daemon(&self) {
        let killed = self.daemon_pid();
        let pid = rustix::process::Pid::from_raw(killed).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let lock = std::fs::File::open(self.home.join("daemon.lock")).unwrap();
        let until = Instant::now() + DEADLINE;
        // An open chat may have started another by then, which holds the lock for good.
        while lock.try_lock().is_err() && self.pid_if_any().is_none_or(|pid| pid == killed) {
            assert!(Instant::now() < until, "the killed daemon does not end");
        }
    }

    /// None too while a daemon ends or begins, and does not answer.
    fn pid_if_any(&self) -> Option<i32> {
        let status = self.run(&["status", "--json"]).stdout;
        let status: Value = serde_json::from_slice(&status).ok()?;
        i32::try_from(status["daemon"]["pid"].as_i64()?).ok()
    }

    pub fn is_daemon_running(&self) -> bool {
        let lock = std::fs::File::open(self.home.join("daemon.lock"));
        lock.is_ok_and(|lock| lock.try_lock().is_err())
    }

    /// Returns once no daemon holds this home: one that reported its failure may take a moment to end.
    pub fn daemon_ended(&self) {
        if let Ok(lock) = std::fs::File::open(self.home.join("daemon.lock")) {
            lock.lock().unwrap();
        }
    }

    pub fn daemon_log(&self) -> String {
        std::fs::read_to_string(self.home.join("daemon.log")).unwrap_or_default()
    }

    /// A connection to the daemon's socket.
    pub fn connect(&self) -> Socket {
        let stream = UnixStream::connect(self.home.join("daemon.sock")).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Socket {
            reader: BufReader::new(stream),
            last_id: 0,
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let stopped = self.run(&["stop"]);
        // A second panic would hide what the first one says.
        assert!(
            stopped.status.success() || std::thread::panicking(),
            "a daemon was left behind: {}",
            stderr(&stopped)
        );
    }
}

/// A process that does not outlive its test.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The control socket, by hand.
pub struct Socket {
    reader: BufReader<UnixStream>,
    last_id: u64,
}

impl Socket {
    pub fn write(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    /// Writes what the other side may refuse to take.
    pub fn try_write(&mut self, bytes: &[u8]) {
        let _ = self.reader.get_mut().write_all(bytes);
    }

    pub fn finish(&mut self) {
        self.reader
            .get_mut()
            .shutdown(std::net::Shutdown::Write)
            .unwrap();
    }

    /// The next line, or nothing at the end.
    pub fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Asks without waiting; gives the id of the answer.
    pub fn ask(&mut self, method: &str, params: &Value) -> u64 {
        self.last_id += 1;
        let line =
            json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params});
        self.write(format!("{line}\n").as_bytes());
        self.last_id
    }

    /// Asks and waits for the answer, passing over notifications.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        loop {
            let line = self.line().expect("the daemon closed the connection");
            if line["id"] == id {
                return line;
            }
        }
    }
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
