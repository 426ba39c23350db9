//! What all calls share: who asks, from where, and how far it heard.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cc_hook_generic::{AUTO, Profile};
use cc_proto::id::Timestamp;
use cc_proto::text::{clean_nick, names_reader};
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::places::Places;
use super::refusal::{Outcome, Refusal};
use crate::client::Client;
use crate::home::Home;
use crate::launch;
use crate::when;

/// How many calls may be under way at once. One more is refused rather than kept waiting.
pub const CALLS_MAX: usize = 64;
/// Set by Claude Code for what it starts: the session's id, by which its hook is known too.
const SESSION_VARIABLE: &str = "CLAUDE_CODE_SESSION_ID";
/// The longest session id that is taken from the environment, in bytes.
const SESSION_BYTES_MAX: usize = 128;

/// How the server was started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The home that was asked for. Looked at anew for each call: it may be made while the server runs.
    pub home: Option<PathBuf>,
    /// The agent's name, or what it is called for short.
    pub agent: String,
    /// The only room, of those that the folder is connected to.
    pub room: Option<String>,
    /// Whether all that the agent says waits for the human's yes.
    pub approve: bool,
}

/// What all calls share.
pub struct Desk {
    /// How the server was started.
    pub options: Options,
    /// The agent's name as it stands in `via`.
    pub agent: String,
    /// The names by which a text can call the agent.
    called: Vec<String>,
    /// The session's name in the audit.
    pub session: String,
    /// When the server started.
    pub started: Timestamp,
    /// Cancelled when the client is gone.
    pub end: CancellationToken,
    places: Mutex<Places>,
}

impl Desk {
    /// Notes how far the rooms are: what comes after this is heard by whoever waits for it, however late.
    pub fn open(options: Options, end: CancellationToken) -> Self {
        let home = Home::existing(options.home.as_deref()).ok().flatten();
        let places = home.as_ref().map(Places::now).unwrap_or_default();
        Self::at(places, home.as_ref(), options, end)
    }

    /// The same without a look at the disk. What comes after this is then told by its time.
    pub fn unread(options: Options, end: CancellationToken) -> Self {
        Self::at(Places::default(), None, options, end)
    }

    fn at(places: Places, home: Option<&Home>, options: Options, end: CancellationToken) -> Self {
        let (agent, called) = agent(home, &options.agent);
        Self {
            agent,
            called,
            session: session(),
            started: when::now(),
            places: Mutex::new(places),
            options,
            end,
        }
    }

    /// Whether a text calls the agent by its name, unless that is somebody's in the room.
    pub fn calls_agent(&self, text: &str, is_taken: impl Fn(&str) -> bool) -> bool {
        let called = self.called.iter().filter(|name| !is_taken(name));
        called.into_iter().any(|name| names_reader(text, name))
    }

    /// Whether some of the lines of an answer were given before it.
    pub fn gave(&self, answer: &Answer) -> bool {
        answer.shown.as_ref().is_some_and(|shown| {
            let place = self.places().of(&shown.room);
            let mut lines = shown.lines.iter();
            lines.any(|n| *n <= place.through || place.given.contains(n))
        })
    }

    /// How far the session heard of each room.
    pub fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection to the daemon, which is started where none runs. One for each call: they are cheap, and so no call waits
/// for another's answer.
pub async fn daemon(home: &Home) -> Outcome<Client> {
    launch::connect_or_start(home).await.map_err(Refusal::from)
}

/// Runs what reads files where it holds up no other call.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Outcome<T> + Send + 'static,
) -> Outcome<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Refusal::new("internal_error", "a fault in the tool itself")))
}

/// The agent's name, and all names it goes by. One without a profile goes by what it was called here.
fn agent(home: Option<&Home>, asked: &str) -> (String, Vec<String>) {
    let asked = if asked == AUTO { whose() } else { asked };
    let own = || Profile::find(home?.path(), asked).ok().flatten();
    if let Some(profile) = Profile::named(asked).or_else(own) {
        let called = std::iter::once(profile.name.clone()).chain(profile.aliases);
        return (profile.name, called.collect());
    }
    let name = clean_nick(asked).unwrap_or_else(|| "agent".to_owned());
    (name.clone(), vec![name])
}

/// Which agent started this server, by what it leaves in the environment: for a plugin that several agents take. Codex leaves nothing.
fn whose() -> &'static str {
    let marks = [
        ("CLAUDECODE", "claude-code"),
        (SESSION_VARIABLE, "claude-code"),
        ("COPILOT_AGENT_SESSION_ID", "copilot-cli"),
        ("QWEN_CODE_SESSION_ID", "qwen-code"),
    ];
    let mut there = marks
        .iter()
        .filter(|(name, _)| std::env::var_os(name).is_some());
    there.next().map_or("codex", |(_, agent)| agent)
}

/// The agent's own name for the session where it tells, else one for this process.
fn session() -> String {
    std::env::var(SESSION_VARIABLE)
        .ok()
        .filter(|id| !id.is_empty() && id.len() <= SESSION_BYTES_MAX)
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic()))
        .unwrap_or_else(|| format!("mcp-{}", std::process::id()))
}
