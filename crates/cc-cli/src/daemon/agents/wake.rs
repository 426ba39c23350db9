//! Waking an agent that sits idle when somebody names its user: when, whom, and by which means.
//!
//! Nobody is woken unless the owner said so, for the room or for a member. What wakes is a message that comes now, of a
//! person, which names the owner; never one that was written long ago, and never one of an agent unless the owner said
//! that as well. The words are fixed; what was said is brought by the hook, as data, to the prompt that follows.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use cc_hook_generic::pause::Pause;
use cc_hook_generic::profile::WakeMeans;
use cc_hook_generic::{Profile, Session, WAKE_TEXT, sessions, wake_path};
use cc_log::{RosterView, Trust};
use cc_net::StoredMessage;
use cc_proto::id::{RoomId, Timestamp};
use cc_proto::limits::WAKES_PER_HOUR_MAX;
use cc_proto::text::{clean_text, names_reader};
use cc_proto::via::{Role, Via};
use tokio::process::Command;

use super::settings::AgentSettings;

/// A message that was written longer before it came, or that far ahead of our clock, is history.
pub const LIVE_MS: u64 = 2 * 60 * 1000;
/// A session that nothing was heard of for this long is taken to have ended.
const SESSION_LIVE_MS: u64 = 12 * 60 * 60 * 1000;
/// A session is not woken again before this time.
const QUIET_MS: u64 = 60 * 1000;
const HOUR_MS: u64 = 60 * 60 * 1000;
/// How long a command that wakes an agent may take.
const COMMAND_DEADLINE: Duration = Duration::from_secs(20);

/// When which session was woken, by the name of its files.
#[derive(Debug, Default)]
pub struct Woken(BTreeMap<String, Vec<Timestamp>>);

/// When a session may be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Now; it is noted that it is.
    Now,
    /// When its quiet time is over.
    Later {
        /// In so many milliseconds.
        wait_ms: u64,
    },
    /// It was woken often enough for now.
    Never,
}

impl Woken {
    /// When a session may be woken.
    pub fn turn(&mut self, session: &str, now: Timestamp) -> Turn {
        self.0.retain(|_, times| {
            times.retain(|at| now.0.saturating_sub(at.0) < HOUR_MS);
            !times.is_empty()
        });
        let times = self.0.entry(session.to_owned()).or_default();
        let since_last = times.last().map(|last| now.0.saturating_sub(last.0));
        if times.len() as u64 >= WAKES_PER_HOUR_MAX {
            return Turn::Never;
        }
        if let Some(wait_ms) = since_last
            .and_then(|since| QUIET_MS.checked_sub(since))
            .filter(|wait_ms| *wait_ms > 0)
        {
            return Turn::Later { wait_ms };
        }
        times.push(now);
        Turn::Now
    }

    /// Takes the last time back: it was in vain.
    pub fn undo(&mut self, session: &str) {
        if let Some(times) = self.0.get_mut(session) {
            times.pop();
        }
    }
}

/// Whom a message calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The agent after the owner's nick, as in `@alice/codex`; without one all that the owner has.
    agent: Option<String>,
}

/// Whether a message is a reason to wake somebody: who may, says it now, and names the owner.
pub fn call(
    stored: &StoredMessage,
    view: &RosterView,
    settings: &AgentSettings,
    now: Timestamp,
) -> Option<Call> {
    let header = stored.message.header();
    let via = Via::parse(&header.via);
    // A status asks nobody for anything.
    if via.as_ref().is_some_and(|via| via.role != Role::Message) {
        return None;
    }
    let is_agents = via.is_some();
    let is_live = header.ts.0.abs_diff(now.0) <= LIVE_MS;
    let may = settings.may_wake(&header.author) && (!is_agents || settings.wake_agents);
    if header.author == view.me || !may || !is_live || view.trust(&header.author) != Trust::Inline {
        return None;
    }
    if view.voids(header, &stored.message.id()) {
        return None;
    }
    let text = clean_text(stored.message.text()?);
    if !names_reader(&text, &view.nick) {
        return None;
    }
    Some(Call {
        agent: agent_after(&text, &view.nick),
    })
}

/// The agent that a text names after the nick, as `codex` in `@alice/codex`, where it names one only so.
fn agent_after(text: &str, nick: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mention = format!("@{nick}").to_lowercase();
    let text = text.to_lowercase();
    let mut agents = text.match_indices(&mention).map(|(at, _)| {
        let rest = text[at + mention.len()..].strip_prefix('/')?;
        let end = rest.find(|c| !plain(c)).unwrap_or(rest.len());
        (end > 0).then(|| rest[..end].to_owned())
    });
    let first = agents.next()??;
    agents
        .all(|agent| agent.as_ref() == Some(&first))
        .then_some(first)
}

/// The sessions that a call in a room reaches, each with how its agent is woken.
pub fn reached(home: &Path, room: RoomId, call: &Call, now: Timestamp) -> Vec<(Session, Profile)> {
    let pause = Pause::load(home);
    if pause.holds(&room, now) {
        return Vec::new();
    }
    let live = |session: &Session| {
        let quiet = now.0.saturating_sub(session.last_event.0) < SESSION_LIVE_MS;
        quiet && session.rooms(home).is_ok_and(|rooms| rooms.contains(&room))
    };
    let all = sessions(home).unwrap_or_default();
    let live = all.into_iter().filter(live);
    live.filter_map(|session| {
        let profile = Profile::find(home, &session.agent).ok()??;
        let asked = call.agent.as_ref().is_none_or(|agent| {
            *agent == profile.name || profile.aliases.iter().any(|alias| alias == agent)
        });
        (asked && profile.wake.means != WakeMeans::None).then_some((session, profile))
    })
    .collect()
}

/// Wakes a session.
///
/// # Errors
/// In words for the log: the file could not be written, or the command failed.
pub async fn wake(home: &Path, session: &Session, profile: &Profile) -> Result<(), String> {
    match profile.wake.means {
        WakeMeans::None => Ok(()),
        WakeMeans::Exit2OnFile | WakeMeans::File => {
            let path = wake_path(home, &session.agent, &session.session);
            let touched = tokio::task::spawn_blocking(move || touch(&path)).await;
            touched
                .map_err(|error| error.to_string())?
                .map_err(|error| error.to_string())
        }
        WakeMeans::Command => run(session, &profile.wake.command).await,
    }
}

/// Changes what the agent watches; what it holds says nothing.
fn touch(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(format!("{}\n", super::now().0).as_bytes())
}

async fn run(session: &Session, command: &[String]) -> Result<(), String> {
    let fill = |argument: &String| {
        argument
            .replace("{message}", WAKE_TEXT)
            .replace("{session}", &session.session)
    };
    let mut arguments = command.iter().map(fill);
    let program = arguments.next().ok_or("no command")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if session.directory.is_dir() {
        command.current_dir(&session.directory);
    }
    let ended = tokio::time::timeout(COMMAND_DEADLINE, command.status()).await;
    let status = ended
        .map_err(|_| "the command took too long".to_owned())?
        .map_err(|error| error.to_string())?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the command ended with {status}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_woken_once_a_minute_and_so_often_an_hour() {
        let mut woken = Woken::default();
        assert_eq!(woken.turn("one", Timestamp(0)), Turn::Now);
        let wait_ms = 1;
        let early = Timestamp(QUIET_MS - 1);
        assert_eq!(woken.turn("one", early), Turn::Later { wait_ms });
        assert_eq!(woken.turn("two", early), Turn::Now);
        woken.undo("two");
        assert_eq!(woken.turn("two", early), Turn::Now);
        for turn in 1..WAKES_PER_HOUR_MAX {
            assert_eq!(woken.turn("one", Timestamp(turn * QUIET_MS)), Turn::Now);
        }
        let next = WAKES_PER_HOUR_MAX * QUIET_MS;
        assert_eq!(woken.turn("one", Timestamp(next)), Turn::Never);
        assert_eq!(woken.turn("one", Timestamp(HOUR_MS + next)), Turn::Now);
    }

    #[test]
    fn an_agent_after_the_nick_is_the_one_that_is_meant() {
        for (text, agent) in [
            ("@alice look", None),
            ("@alice/codex look", Some("codex")),
            ("@Alice/Codex, look", Some("codex")),
            (
                "@alice/claude-code and @alice/claude-code",
                Some("claude-code"),
            ),
            ("@alice/codex and @alice", None),
            ("@alice/codex or @alice/claude", None),
            ("@alice/ what", None),
        ] {
            assert_eq!(agent_after(text, "alice").as_deref(), agent, "{text}");
        }
    }
}
