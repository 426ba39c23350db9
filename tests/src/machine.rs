//! A member's machine: an empty home folder, a folder to work in, and the daemon that our commands
//! start there. Everything is under one temporary folder and on loopback, and ends with the value.

use std::{
    collections::BTreeSet,
    env, io,
    path::{Path, PathBuf},
    process::{self, Output, Stdio},
    time::{Duration, Instant},
};

use cc_log::LogReader;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    time::{error::Elapsed, timeout},
};

use crate::{bins::bin, control::Control, injection::Injection};

/// How long one command may take before it counts as hung. Generous, as it only bounds failures.
pub const COMMAND_DEADLINE: Duration = Duration::from_mins(1);

/// How often a hook is asked that may have run out of its time.
const HOOK_ATTEMPTS: u32 = 20;

/// `CC_TEST_LOG=cc_net=debug` shows what the daemons say, when their machines are gone.
const LOG_VARIABLE: &str = "CC_TEST_LOG";

/// A machine with nothing on it yet.
#[derive(Debug)]
pub struct Machine {
    folder: TempDir,
    /// The network namespace it is in, where it is not the test's own.
    network: Option<String>,
    bind: String,
}

/// What a command said that failed, as it was called with `--json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of the error.
    pub kind: String,
    /// What it says to a person.
    pub message: String,
    /// The exit code.
    pub exit: i32,
}

/// A machine's daemon, started by the test itself, so that the test can kill it.
#[derive(Debug)]
pub struct Daemon(Child);

impl Daemon {
    /// The process.
    pub fn pid(&self) -> u32 {
        self.0.id().expect("it was not waited for")
    }

    /// `kill -9`; returns when the process is gone.
    ///
    /// # Panics
    /// Where it had ended by itself.
    pub async fn kill(mut self) {
        let ended = self.0.try_wait().expect("a child of ours");
        assert_eq!(ended, None, "the daemon ended by itself");
        self.0.kill().await.expect("a child of ours");
    }

    /// Returns when the process has ended by itself.
    ///
    /// # Panics
    /// Where it has not by the deadline.
    pub async fn ended(mut self) -> process::ExitStatus {
        let ended = within("the daemon's end", self.0.wait()).await;
        ended.expect("a child of ours")
    }
}

impl Machine {
    /// An empty machine.
    ///
    /// # Panics
    /// Where no temporary folder can be made.
    pub fn new() -> Self {
        Self::new_in(&env::temp_dir())
    }

    /// An empty machine whose disk is that of `folder`.
    ///
    /// # Panics
    /// Where no temporary folder can be made there.
    pub fn new_in(folder: &Path) -> Self {
        let folder = TempDir::with_prefix_in("cc-", folder).expect("a temporary folder");
        let machine = Self {
            folder,
            network: None,
            bind: "127.0.0.1:0".to_owned(),
        };
        for folder in [machine.home(), machine.project(), machine.temporary()] {
            std::fs::create_dir(folder).expect("a folder in a new folder");
        }
        machine
    }

    /// Puts the machine into a network namespace, in which its address is `ip`.
    #[must_use]
    pub fn in_network(mut self, namespace: &str, ip: &str) -> Self {
        self.network = Some(namespace.to_owned());
        self.bind = format!("{ip}:0");
        self
    }

    /// The user's home folder. The machine's rooms are at the default place in it.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder that the user works in, and in which commands run.
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Where the machine's rooms are.
    pub fn cc_home(&self) -> PathBuf {
        self.home().join(".cc-connect")
    }

    /// The folder of a room.
    pub fn room_dir(&self, room: &str) -> PathBuf {
        self.cc_home().join("rooms").join(room)
    }

    fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// A command that runs on this machine and knows nothing of the one that runs the tests: its
    /// environment holds a path to programs, the machine's own folders, and loopback to bind to.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = match &self.network {
            None => process::Command::new(program),
            Some(namespace) => {
                let mut command = process::Command::new("ip");
                command.args(["netns", "exec", namespace]).arg(program);
                command
            }
        };
        command
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(env::var_os(LOG_VARIABLE).map(|filter| ("CC_CONNECT_LOG", filter)))
            .env("HOME", self.home())
            .env("TMPDIR", self.temporary())
            .env("CC_CONNECT_BIND", &self.bind)
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

    /// Runs `cc-connect` with these arguments and returns how it failed.
    ///
    /// # Panics
    /// Where it does not fail, or prints anything but one error.
    pub async fn failure(&self, args: &[&str], stdin: &str) -> Failure {
        let mut command = self.command(&bin("cc-connect"));
        let output = run(command.args(args), stdin).await.expect("it starts");
        let what = format!("cc-connect {}", args.join(" "));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{what}");
        let error = object(&what, stderr.lines().last().unwrap_or_default());
        let part = |name: &str| error["error"][name].as_str().expect(name).to_owned();
        Failure {
            kind: part("kind"),
            message: part("message"),
            exit: output.status.code().expect("it was not killed"),
        }
    }

    /// Makes a room that is bound to the project; gives its id and its ticket.
    ///
    /// # Panics
    /// As [`Machine::cc_connect`].
    pub async fn start_room(&self, nick: &str) -> (String, String) {
        let start = "room start --relay none --no-ui --json --nick";
        let args: Vec<&str> = start.split(' ').chain([nick]).collect();
        let room = self.cc_connect(&args, "").await;
        let part = |name: &str| room[0][name].as_str().expect(name).to_owned();
        (part("room"), part("ticket"))
    }

    /// Joins a room, binds it to the project, and waits to be let in.
    ///
    /// # Panics
    /// Where nobody lets it in; as [`Machine::cc_connect`].
    pub async fn join_room(&self, ticket: &str, nick: &str) {
        let join = "room join - --wait 60 --relay none --no-ui --json --nick";
        let args: Vec<&str> = join.split(' ').chain([nick]).collect();
        let room = self.cc_connect(&args, ticket).await;
        assert_eq!(room[0]["state"], "joined", "{}", self.daemon_log());
    }

    /// Starts the daemon as a child of the test; returns when it is ready.
    ///
    /// # Panics
    /// Where it does not get ready before the deadline.
    pub async fn daemon(&self) -> Daemon {
        let mut daemon = self.spawn_daemon();
        let stdout = daemon.0.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(stdout).lines();
        let said = within("the daemon's start", lines.next_line()).await;
        let said = said.expect("stdout is readable").unwrap_or_default();
        let ready = serde_json::from_str(&said).map(|said: Value| said["ready"] == true);
        assert!(
            ready.is_ok_and(|ready| ready),
            "{said}\n{}",
            self.daemon_log()
        );
        daemon
    }

    /// Starts the daemon as a child of the test and does not wait.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn spawn_daemon(&self) -> Daemon {
        std::fs::create_dir_all(self.cc_home()).expect("a home");
        let mut command = self.command(&bin("cc-connect"));
        command.arg("daemon").stderr(Stdio::inherit());
        Daemon(command.spawn().expect("it starts"))
    }

    /// What the daemon wrote into its log.
    pub fn daemon_log(&self) -> String {
        std::fs::read_to_string(self.cc_home().join("daemon.log")).unwrap_or_default()
    }

    /// A connection to the daemon.
    ///
    /// # Panics
    /// Where none is running.
    pub async fn control(&self) -> Control {
        Control::connect(&self.cc_home().join("daemon.sock")).await
    }

    /// What the daemon says of the one room there is.
    ///
    /// # Panics
    /// Where no daemon is running, or it does not answer before the deadline.
    pub async fn room_status(&self) -> Value {
        let mut control = self.control().await;
        let answer = within("a status", control.call("status", &json!({}))).await;
        answer["result"]["rooms"][0].clone()
    }

    /// Returns once the room's log has so many lines.
    ///
    /// # Panics
    /// Where it has not by `deadline`, or the daemon goes away.
    pub async fn until_lines(&self, room: &str, lines: u64, deadline: Duration) {
        let mut control = self.control().await;
        let begun = control.call("subscribe", &json!({"room": room})).await;
        let mut has = begun["result"]["n"].as_u64().expect("a subscription");
        let come = async {
            while has < lines {
                let line = control.line().await.expect("the daemon lives");
                // What this listener was too slow for is before the next message it hears of.
                has = line["params"]["n"].as_u64().unwrap_or(has).max(has);
            }
        };
        let come = timeout(deadline, come).await.is_ok();
        assert!(
            come,
            "{has} of {lines} lines after {deadline:?}\n{}",
            self.daemon_log()
        );
    }

    /// The room's log as it is on disk.
    ///
    /// # Panics
    /// Where it does not open.
    pub fn log_reader(&self, room: &str) -> LogReader {
        LogReader::open(&self.room_dir(room)).expect("the log opens")
    }

    /// Every message of the room's log but for damaged ones, of which there may be none: its id
    /// and, of a chat message, its text; in order of arrival.
    ///
    /// # Panics
    /// Where a line cannot be read or its message is not what the line says.
    pub fn messages(&self, room: &str) -> Vec<(String, Option<String>)> {
        let reader = self.log_reader(room);
        let lines = reader.range(cc_proto::id::ArrivalNo(1), reader.len());
        let lines = lines.expect("the log can be read");
        lines
            .map(|line| {
                let message = line.expect("a line").message.expect("an undamaged line");
                (message.id().to_hex(), message.text().map(str::to_owned))
            })
            .collect()
    }

    /// Asks the hook what belongs into the prompt of this session in `folder`: `None` where it says
    /// nothing.
    ///
    /// # Panics
    /// Where it fails, or prints what Claude Code does not take.
    pub async fn hook(&self, session: &str, folder: &Path) -> Option<Injection> {
        for _ in 0..HOOK_ATTEMPTS {
            let asked = Instant::now();
            let told = self.hook_once(session, folder).await;
            // A machine that is busy with other tests may be too slow for the hook's own deadline: then it was as
            // if nobody had asked.
            if told.is_some() || asked.elapsed() < cc_hook_generic::DEADLINE {
                return told;
            }
        }
        None
    }

    /// Asks the hook once, however slow the machine is: it may have given up.
    ///
    /// # Panics
    /// As [`Machine::hook`].
    pub async fn hook_once(&self, session: &str, folder: &Path) -> Option<Injection> {
        let event = json!({
            "session_id": session,
            "cwd": folder,
            "hook_event_name": "UserPromptSubmit",
            "prompt": "Redis or Postgres?",
        });
        let mut command = self.command(&bin("cc-hook-claude"));
        let output = run(&mut command, &event.to_string()).await;
        let output = output.expect("the hook ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        if output.stdout.is_empty() {
            return None;
        }
        let printed = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        let printed = object("cc-hook-claude", &printed);
        let specific = &printed["hookSpecificOutput"];
        assert_eq!(specific["hookEventName"], "UserPromptSubmit", "{printed}");
        let context = specific["additionalContext"].as_str();
        Some(Injection::parse(context.expect("a context")))
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
        let found = found.expect("the line comes before the deadline");
        // What a daemon stores with a line, as who belongs now, it may still be writing: it answers when it is done.
        self.room_status().await;
        found
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
        if !self.cc_home().exists() {
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
        if env::var_os(LOG_VARIABLE).is_some() {
            eprintln!(
                "--- {}\n{}",
                self.folder.path().display(),
                self.daemon_log()
            );
        }
    }
}

/// Returns once every one of these machines, whose daemons run and where nobody says anything any
/// more, has what any of them has; gives that: ids, and texts of chat messages.
///
/// # Panics
/// Where that has not come by `deadline`, or a machine has something twice.
pub async fn until_same(
    machines: &[&Machine],
    room: &str,
    deadline: Duration,
) -> BTreeSet<(String, Option<String>)> {
    let of_any = machines.iter().flat_map(|machine| machine.messages(room));
    let all: BTreeSet<_> = of_any.collect();
    for machine in machines {
        let lines = all.len() as u64;
        machine.until_lines(room, lines, deadline).await;
        let messages = machine.messages(room);
        assert_eq!(messages.len(), all.len(), "none is stored twice");
        assert_eq!(messages.into_iter().collect::<BTreeSet<_>>(), all);
    }
    all
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

/// Waits for `future`, but not for ever.
///
/// # Panics
/// At [`COMMAND_DEADLINE`].
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = timeout(COMMAND_DEADLINE, future).await;
    done.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

fn object(what: &str, line: &str) -> Value {
    let object = serde_json::from_str(line);
    object.unwrap_or_else(|error| panic!("{what} printed {line:?}: {error}"))
}
