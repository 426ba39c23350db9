//! Two machines, a room, a model, and one prompt.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use cc_tests::{
    bins::bin,
    machine::{COMMAND_DEADLINE, Daemon, Machine, run},
    model_api::{ANSWER, ModelApi, PromptText, Request},
};
use tokio::{
    process::Command,
    sync::Semaphore,
    time::{error::Elapsed, timeout},
};

use crate::agent::{Agent, Turn};

/// What the human asks.
pub const QUESTION: &str = "Redis or Postgres?";
/// What Bob said.
pub const LINE: &str = "postgres, we have it";

/// How often an agent is asked whose hook had no time to answer.
const ATTEMPTS: usize = 8;

/// Each CLI takes a core and hundreds of megabytes.
static RUNNING: Semaphore = Semaphore::const_new(2);

/// Alice's machine with an agent's CLI, and Bob's.
pub struct Stage {
    pub agent: &'static Agent,
    pub alice: Machine,
    pub bob: Machine,
    pub room: String,
    pub model: ModelApi,
    program: PathBuf,
    daemon: Option<Daemon>,
}

impl Stage {
    /// Alice has a room in her project, with Bob, who said his line; it is in her log. `None` where there is no CLI.
    pub async fn new(agent: &'static Agent) -> Option<Self> {
        let program = agent.find().await?;
        let (alice, bob) = (Machine::new(), Machine::new());
        let model = ModelApi::start().await.unwrap();
        (agent.seed)(&alice, &model);
        let daemon = alice.daemon().await;
        let (room, ticket) = alice.start_room("alice").await;
        bob.join_room(&ticket, "bob").await;
        bob.cc_connect(&["send", "--json", LINE], "").await;
        let line = alice.log_line(|line| line["text"] == LINE).await;
        assert_eq!(
            (&line["nick"], &line["kind"]),
            (&"bob".into(), &"chat".into())
        );

        let stage = Self {
            agent,
            alice,
            bob,
            room,
            model,
            program,
            daemon: Some(daemon),
        };
        stage.restore_ours();
        Some(stage)
    }

    /// `kill -9`.
    pub async fn kill_daemon(&mut self) {
        self.daemon.take().expect("it runs").kill().await;
    }

    /// Our program as it is on this machine alone, so that it can be taken away.
    pub fn ours(&self) -> PathBuf {
        let folder = self.alice.project().with_file_name("bin");
        folder.join("cc-connect")
    }

    /// Puts our program where it belongs.
    pub fn restore_ours(&self) {
        let ours = self.ours();
        fs::create_dir_all(ours.parent().expect("a folder")).unwrap();
        let _ = fs::remove_file(&ours);
        if fs::hard_link(bin("cc-connect"), &ours).is_err() {
            fs::copy(bin("cc-connect"), &ours).unwrap();
        }
    }

    /// Runs our program on Alice's machine; gives what it printed.
    pub async fn cc_connect(&self, args: &[&str]) -> String {
        let mut command = self.command(&self.ours());
        let output = run(command.args(args), "").await.expect("it starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {stderr}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// A command on Alice's machine, where the CLI is among the programs.
    fn command(&self, program: &Path) -> Command {
        let mut command = self.alice.command(program);
        let folder = self.program.parent().expect("it is in a folder");
        let rest = env::var_os("PATH").unwrap_or_default();
        let folders = [folder.to_owned()]
            .into_iter()
            .chain(env::split_paths(&rest));
        let path: OsString = env::join_paths(folders).expect("folders");
        command.env("PATH", path);
        command
    }

    /// Asks the question in Alice's project, and gives the request that carried it to the model.
    pub async fn ask(&self, is_next: bool) -> Request {
        self.ask_in(&self.alice.project(), is_next, &[]).await
    }

    /// The same until what went out is as it should be, since on a busy machine neither the hook nor the tools may be up
    /// in time. Where the hook says that it has another fault, and after some attempts, it is given as it is.
    pub async fn ask_until(&self, more: &[&str], is_wanted: impl Fn(&Request) -> bool) -> Request {
        let before = self.hook_log();
        for _ in 1..ATTEMPTS {
            let request = self.ask_in(&self.alice.project(), false, more).await;
            let log = self.hook_log();
            let mut noted = log.strip_prefix(&before).unwrap_or(&log).lines();
            let has_fault = noted.any(|line| !line.contains(" gave up after "));
            if is_wanted(&request) || has_fault {
                return request;
            }
        }
        self.ask_in(&self.alice.project(), false, more).await
    }

    /// Asks in a folder. The prompt goes through, whatever else happens.
    pub async fn ask_in(&self, folder: &Path, is_next: bool, more: &[&str]) -> Request {
        let turn = Turn {
            prompt: QUESTION,
            is_next,
        };
        let mut command = self.command(&self.program);
        (self.agent.ask)(&mut command, &self.model, turn);
        command.args(more).current_dir(folder);
        let _one_of_few = RUNNING.acquire().await.expect("it is never closed");
        let before = self.model.requests().len();
        let output = to_its_end(&mut command).await;
        let output = output.unwrap_or_else(|_| panic!("{} hangs", self.agent.name));
        let stderr = String::from_utf8_lossy(&output.stderr);
        let said = String::from_utf8_lossy(&output.stdout);
        let requests = self.model.requests();
        let about = || {
            format!(
                "{}: {}\n{said}\n{stderr}\n{}",
                self.agent.name,
                output.status,
                self.hook_log()
            )
        };
        assert!(output.status.success(), "{}", about());
        assert!(said.contains(ANSWER), "{}", about());
        let mut asked = requests[before..]
            .iter()
            .filter(|request| self.is_turn(request));
        // What it asks of its own accord comes later.
        let request = asked
            .next()
            .unwrap_or_else(|| panic!("no prompt went out: {}", about()));
        request.clone()
    }

    /// Whether this is the human's turn, and not the title or a summary of it.
    fn is_turn(&self, request: &Request) -> bool {
        let texts = request.texts();
        let offers = self.agent.tools.is_none() || !request.tools().is_empty();
        offers && texts.iter().any(is_humans)
    }

    fn hook_log(&self) -> String {
        fs::read_to_string(self.alice.cc_home().join("hook.log")).unwrap_or_default()
    }
}

/// Runs a command, and ends whatever it leaves behind.
async fn to_its_end(command: &mut Command) -> Result<Output, Elapsed> {
    let child = command.process_group(0).spawn().expect("it starts");
    let group = format!("-{}", child.id().expect("it runs"));
    let output = timeout(COMMAND_DEADLINE, child.wait_with_output()).await;
    // Mostly there is nobody left, which is an error here.
    let mut kill = Command::new("kill");
    let _ = kill.args(["-KILL", "--", &group]).output().await;
    output.map(|output| output.expect("it can be read"))
}

fn is_humans(piece: &PromptText) -> bool {
    piece.role == "user" && piece.text.contains(QUESTION)
}
