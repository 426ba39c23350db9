//! A tmux of its own, its screens, and waiting until something is on one.

use std::env;
use std::fs;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{DEADLINE, Person};

/// How often a screen is looked at while something is waited for.
const LOOK_INTERVAL: Duration = Duration::from_millis(25);

/// A tmux server with a socket of its own; it ends with the value, and everything in it.
pub struct Tmux {
    folder: TempDir,
    program: PathBuf,
}

/// A terminal in it.
pub struct Screen<'a> {
    tmux: &'a Tmux,
    name: String,
}

impl Tmux {
    /// A server; `None` where there is no tmux and the test is to be skipped.
    pub fn start() -> Option<Self> {
        let paths = env::var_os("PATH").unwrap_or_default();
        let mut programs = env::split_paths(&paths).map(|folder| folder.join("tmux"));
        let Some(program) = programs.find(|program| program.is_file()) else {
            let missing = "there is no tmux here";
            let required =
                env::var_os("CC_REQUIRE_AGENTS").is_some_and(|it| it == "1" || it == "all");
            assert!(!required, "{missing}");
            // Not by a macro, whose output the test harness would keep to itself.
            let _ = writeln!(stderr(), "skipped: {missing}");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        Some(Self { folder, program })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .env("SHELL", "/bin/sh")
            .arg("-S")
            .arg(self.folder.path().join("socket"))
            .args(["-f", "/dev/null"]);
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs our program as a person in a new terminal of this size. The terminal stays when the program has ended, and
    /// says how.
    pub fn open(
        &self,
        person: &Person,
        name: &str,
        size: (u16, u16),
        arguments: &str,
    ) -> Screen<'_> {
        self.open_with(person, name, size, "TERM=tmux-256color", arguments)
    }

    /// As [`Tmux::open`], with this in the environment.
    pub fn open_with(
        &self,
        person: &Person,
        name: &str,
        size: (u16, u16),
        variable: &str,
        arguments: &str,
    ) -> Screen<'_> {
        let program = env!("CARGO_BIN_EXE_cc-connect");
        let script = format!(
            "cd '{}' && env CC_CONNECT_HOME='{}' CC_CONNECT_BIND=127.0.0.1:0 USER=tester HOME='{}' {variable} '{program}' {arguments}; \
             echo \"ended with $?\"; exec sleep 1000",
            person.project.display(),
            person.home.display(),
            person.folder().display(),
        );
        let (columns, rows) = (size.0.to_string(), size.1.to_string());
        self.run(&[
            "new-session",
            "-d",
            "-s",
            name,
            "-x",
            &columns,
            "-y",
            &rows,
            &script,
        ]);
        // The size is ours to say, as no terminal is attached.
        self.run(&["set-option", "-t", name, "window-size", "manual"]);
        Screen {
            tmux: self,
            name: name.to_owned(),
        }
    }

    /// What programs have put into the clipboard.
    pub fn clipboard(&self) -> Option<String> {
        let output = self.command().arg("show-buffer").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then_some(text)
    }

    /// Has programs put texts into the clipboard.
    pub fn allow_clipboard(&self) {
        self.run(&["set-option", "-s", "set-clipboard", "on"]);
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // What is killed is this server alone: it is the one at the socket.
        let _ = self
            .command()
            .arg("kill-server")
            .stderr(Stdio::null())
            .status();
    }
}

impl Screen<'_> {
    /// What is on the screen, a line a row.
    pub fn text(&self) -> String {
        self.tmux.run(&["capture-pane", "-p", "-t", &self.name])
    }

    /// What is on the screen, colours and all.
    pub fn dressed(&self) -> String {
        self.tmux
            .run(&["capture-pane", "-e", "-p", "-t", &self.name])
    }

    /// Waits until `text` is on the screen; gives the screen.
    pub fn until(&self, text: &str) -> String {
        self.until_true(text, |screen| screen.contains(text))
    }

    /// Waits until `text` is not on the screen.
    pub fn until_gone(&self, text: &str) -> String {
        self.until_true(&format!("no {text}"), |screen| !screen.contains(text))
    }

    /// Waits until the screen is as it should be.
    pub fn until_true(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.text();
            if is_there(&screen) {
                return screen;
            }
            assert!(
                begun.elapsed() < DEADLINE,
                "{}: {what} does not come\n{screen}",
                self.name
            );
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Types this, character by character.
    pub fn write(&self, text: &str) {
        self.tmux
            .run(&["send-keys", "-t", &self.name, "-l", "--", text]);
    }

    /// Presses these keys, by tmux's names.
    pub fn press(&self, keys: &[&str]) {
        let mut arguments = vec!["send-keys", "-t", &self.name];
        arguments.extend(keys);
        self.tmux.run(&arguments);
    }

    /// Writes a line and sends it.
    pub fn say(&self, text: &str) {
        self.write(text);
        self.press(&["Enter"]);
    }

    /// Pastes as a terminal does: in brackets, where the program asked for them.
    pub fn paste(&self, text: &str) {
        let file = self.tmux.folder.path().join("paste");
        fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        self.tmux.run(&["load-buffer", "-b", "pasted", file]);
        self.tmux.run(&[
            "paste-buffer",
            "-p",
            "-r",
            "-d",
            "-b",
            "pasted",
            "-t",
            &self.name,
        ]);
    }

    /// Gives the terminal another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.tmux.run(&[
            "resize-window",
            "-t",
            &self.name,
            "-x",
            &columns,
            "-y",
            &rows,
        ]);
    }

    /// Whether what is on the screen is what is drawn when everything is drawn anew. That it was drawn is seen by a blot
    /// that goes away.
    pub fn assert_has_no_artefact(&self) {
        const BLOT: &str = "#BLOT#";
        let of = |format: &str| {
            let arguments = ["display-message", "-p", "-t", &self.name, format];
            self.tmux.run(&arguments).trim().to_owned()
        };
        let terminal = of("#{pane_tty}");
        let begun = Instant::now();
        loop {
            let before = self.dressed();
            // The program may be drawing at that very moment.
            self.until_true("a blot", |screen| {
                let is_there = screen.contains(BLOT);
                if !is_there {
                    fs::write(&terminal, format!("\x1b7\x1b[1;1H{BLOT}\x1b8")).unwrap();
                }
                is_there
            });
            self.press(&["C-l"]);
            self.until_gone(BLOT);
            let after = self.dressed();
            if after == before {
                return;
            }
            // A word that goes away by itself may have gone meanwhile.
            assert!(
                begun.elapsed() < DEADLINE,
                "the screen was\n{before}\nand drawn anew it is\n{after}"
            );
        }
    }

    /// Ends the program in the terminal by SIGTERM.
    pub fn end_program(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Kills the program in the terminal.
    pub fn kill_program(&self) {
        self.signal(rustix::process::Signal::KILL);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let arguments = ["display-message", "-p", "-t", &self.name, "#{pane_pid}"];
        let shell = self.tmux.run(&arguments);
        let children = format!("/proc/{0}/task/{0}/children", shell.trim());
        let child = match fs::read_to_string(&children) {
            Ok(children) => children.split_whitespace().next().map(str::to_owned),
            Err(_) => None,
        };
        let pid: i32 = child.unwrap_or_default().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Keeps the screen beside the test's binary, for whoever wants to look at it.
    pub fn keep(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screens");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.txt")), self.text()).unwrap();
    }
}
