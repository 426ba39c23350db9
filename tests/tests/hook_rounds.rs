//! Hooks that run at the same instant: two prompts of one session, prompts of two sessions, and a prompt while its
//! session is being woken. A thousand times, with the real programs: a session is told each message once, and none is lost.

use std::{
    collections::BTreeMap,
    process::{Output, Stdio},
    sync::Arc,
};

use cc_hook_generic::WAKE_TEXT;
use cc_tests::{
    bins::bin,
    injection::Injection,
    machine::{Machine, within},
    on_disk::{RoomOnDisk, bind},
};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, sync::Barrier, task::JoinSet};

/// In all rooms together.
const ROUNDS: usize = 1000;
/// Each has its own rounds, beside those of the others.
const ROOMS: u8 = 2;
/// How often a hook is asked again that may have run out of its time, as on a busy machine.
const ATTEMPTS: usize = 100;

const SESSIONS: [&str; 2] = ["one", "two"];

/// Several times what fits into a pipe.
const PROMPT_BYTES: usize = 256 * 1024;
const PROMPT: &str = "UserPromptSubmit";
const WAKE: &str = "FileChanged";

/// What a round does at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Two prompts in a session.
    SameSession,
    /// A prompt in each of two sessions.
    TwoSessions,
    /// The session is asked whether to wake, and prompted.
    Wake,
}

/// One run of a hook.
#[derive(Debug, Clone, Copy)]
struct Ask {
    session: &'static str,
    event: &'static str,
    program: &'static str,
}

/// A room, and what its sessions were told.
struct Rounds {
    machine: Arc<Machine>,
    room: RoomOnDisk,
    said: Vec<String>,
    told: BTreeMap<&'static str, Vec<String>>,
    /// In how many rounds both hooks had something to say.
    met: usize,
}

impl Round {
    fn of(number: usize) -> Self {
        [Self::SameSession, Self::TwoSessions, Self::Wake][number % 3]
    }

    fn wakes(self) -> bool {
        self == Self::Wake
    }

    /// Of each program that is shipped, one.
    fn asks(self) -> [Ask; 2] {
        let [one, two] = SESSIONS;
        let ((first, event), second) = match self {
            Self::SameSession => ((one, PROMPT), one),
            Self::TwoSessions => ((two, PROMPT), one),
            Self::Wake => ((one, WAKE), one),
        };
        let ask = |session, event, program| Ask {
            session,
            event,
            program,
        };
        [
            ask(first, event, "cc-connect"),
            ask(second, PROMPT, "cc-hook-claude"),
        ]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_at_the_same_instant_tell_a_session_each_message_once() {
    let machine = Arc::new(Machine::new());
    let rooms: Vec<RoomOnDisk> = (1..=ROOMS).map(|n| RoomOnDisk::new(&machine, n)).collect();
    bind(&machine, &rooms.iter().collect::<Vec<_>>());

    let mut running = JoinSet::new();
    for room in rooms {
        let rounds = Rounds {
            machine: Arc::clone(&machine),
            room,
            said: Vec::new(),
            told: SESSIONS.map(|session| (session, Vec::new())).into(),
            met: 0,
        };
        running.spawn(rounds.run(ROUNDS / usize::from(ROOMS)));
    }
    for rounds in running.join_all().await {
        for (session, told) in &rounds.told {
            assert_once(session, told, &rounds.said);
        }
        // Otherwise the rounds would show nothing.
        assert!(rounds.met > 0, "no two hooks had something to say");
    }
}

impl Rounds {
    async fn run(mut self, rounds: usize) -> Self {
        for number in 0..rounds {
            self.round(number, Round::of(number)).await;
        }
        for session in SESSIONS {
            self.settle(session, self.said.len()).await;
        }
        self
    }

    /// Bob says one to three things, the hooks run at once, and Bob says one more meanwhile.
    async fn round(&mut self, number: usize, round: Round) {
        let names = if round.wakes() { "@alice" } else { "all" };
        let text = |of: usize| format!("{number}.{of} for {names}");
        self.say(&[0, 1, 2].map(text)[..=number % 3]);
        let before = self.said.len();

        let asked = round.asks();
        let start = Arc::new(Barrier::new(asked.len()));
        let [first, second] =
            asked.map(|ask| tokio::spawn(self.hook(ask, Some(Arc::clone(&start)))));
        self.say(&[text(3)]);
        let outputs = [first.await, second.await].map(|ended| ended.expect("no hook hangs"));

        let mut answered = 0;
        for (ask, output) in asked.iter().zip(&outputs) {
            answered += usize::from(self.hear(ask, output));
        }
        self.met += usize::from(answered == 2);
        for ask in asked {
            // Whoever was woken is prompted; and whoever found the cursor taken, or had no time, is asked once more.
            self.settle(ask.session, before).await;
        }
    }

    fn say(&mut self, texts: &[String]) {
        self.room.say(texts);
        self.said.extend_from_slice(texts);
    }

    /// Prompts a session until it was told so many messages.
    async fn settle(&mut self, session: &'static str, wanted: usize) {
        let ask = Ask {
            session,
            event: PROMPT,
            program: "cc-hook-claude",
        };
        for _ in 0..ATTEMPTS {
            if self.told[session].len() >= wanted {
                return;
            }
            let output = self.hook(ask, None).await;
            self.hear(&ask, &output);
        }
        panic!(
            "{session} was told {:?} of {:?}",
            self.told[session], self.said
        );
    }

    /// Notes what a hook said; gives whether that was anything.
    fn hear(&mut self, ask: &Ask, output: &Output) -> bool {
        let said = String::from_utf8_lossy(&output.stderr);
        if ask.event == WAKE {
            let wakes = output.status.code() == Some(2);
            assert!(wakes || output.status.success(), "{output:?}");
            assert_eq!(said.trim_end(), if wakes { WAKE_TEXT } else { "" });
            assert!(output.stdout.is_empty(), "{output:?}");
            return wakes;
        }
        assert!(output.status.success() && said.is_empty(), "{output:?}");
        if output.stdout.is_empty() {
            return false;
        }
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let context = &answer["hookSpecificOutput"]["additionalContext"];
        let injection = Injection::parse(context.as_str().expect("a context"));
        assert_eq!(injection.counted, 0, "all of it fits: {context}");
        let told = self.told.get_mut(ask.session).expect("a session");
        told.extend(injection.texts().map(str::to_owned));
        true
    }

    /// Runs a program of ours as Claude Code does, up to the `start` that it has with others.
    fn hook(&self, ask: Ask, start: Option<Arc<Barrier>>) -> impl Future<Output = Output> + use<> {
        let mut command = self.machine.command(&bin(ask.program));
        if ask.program == "cc-connect" {
            command.args(["hook", "--agent", "claude"]);
        }
        // As long as this: a program that took it out of the pipe is up and reading.
        let prompt = "Redis or Postgres? ".repeat(PROMPT_BYTES / 19);
        let rest = json!({
            "session_id": ask.session,
            "cwd": self.room.folder(),
            "hook_event_name": ask.event,
        });
        let opening = format!("{{\"prompt\":\"{prompt}\",");
        let rest = rest.to_string().split_off(1);
        async move {
            let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
            let mut stdin = child.stdin.take().expect("it is piped");
            // Where it had no time even for this, it is gone.
            let _ = stdin.write_all(opening.as_bytes()).await;
            if let Some(start) = start {
                start.wait().await;
            }
            let _ = stdin.write_all(rest.as_bytes()).await;
            drop(stdin);
            within("a hook", child.wait_with_output())
                .await
                .expect("it ends")
        }
    }
}

/// Every message once, and nothing else.
fn assert_once(session: &str, told: &[String], said: &[String]) {
    let mut times: BTreeMap<&str, usize> = said.iter().map(|text| (text.as_str(), 0)).collect();
    for text in told {
        *times.get_mut(text.as_str()).expect("it was said") += 1;
    }
    times.retain(|_, times| *times != 1);
    assert!(times.is_empty(), "session {session}: {times:?}");
}
