//! `status` and `stop`: neither starts a daemon.

use cc_hook_generic::pause::Pause;
use cc_proto::text::{clean_line, clean_nick};

use super::objects::{DaemonObject, StatusObject, object};
use crate::error::CliResult;
use crate::history::History;
use crate::home::Home;
use crate::launch;
use crate::output::{Printer, Style};
use crate::rooms::{self, KnownRoom};
use crate::rpc::{HeldBackInfo, RoomInfo, State, Status};
use crate::when;

/// The longest reason that is shown, in characters.
const REASON_CHARS_MAX: usize = 160;

/// Shows the daemon and the rooms; without a daemon, what the home tells of them.
pub async fn status(home: Option<&Home>, output: Printer<'_>) -> CliResult {
    let client = match home {
        Some(home) => launch::connect(home).await?,
        None => None,
    };
    let home_path = home.map(|home| home.path().to_path_buf());
    let object_of = |daemon, rooms: Vec<RoomInfo>, closed| StatusObject {
        daemon,
        paused: home.map_or_else(Vec::new, |home| paused(home, &rooms)),
        home: home_path,
        rooms,
        closed,
    };
    let status = if let Some(mut client) = client {
        let status: Status = client.call("status", &serde_json::json!({})).await?;
        let daemon = DaemonObject {
            running: true,
            version: Some(status.version),
            pid: Some(status.pid),
            uptime_ms: Some(status.uptime_ms),
            relay: Some(status.relay),
        };
        object_of(daemon, status.rooms, status.closed)
    } else {
        let rooms = home.map(rooms::all).transpose()?.unwrap_or_default();
        let stored = home
            .into_iter()
            .flat_map(|home| rooms.iter().map(|room| stored(home, room)));
        object_of(DaemonObject::default(), stored.collect(), Vec::new())
    };
    output.data(&object(&status), text(&status, output));
    Ok(())
}

/// Stops the daemon; returns when its process has ended.
pub async fn stop(home: Option<&Home>, output: Printer<'_>) -> CliResult {
    let stopped = match home {
        Some(home) => launch::stop(home).await?,
        None => false,
    };
    let object = serde_json::json!({"v": 1, "stopped": stopped});
    output.data(
        &object,
        if stopped {
            "the daemon has stopped"
        } else {
            "no daemon was running"
        },
    );
    Ok(())
}

fn text(status: &StatusObject, output: Printer<'_>) -> String {
    let mut lines = vec![match (&status.daemon.pid, &status.daemon.version) {
        (Some(pid), Some(version)) => format!("daemon {version} is running (process {pid})"),
        _ => "no daemon is running; the next command that needs it starts it".to_owned(),
    }];
    for room in &status.rooms {
        let name = rooms::shown_name(&room.name, &room.room);
        let counts = || {
            format!(
                "{}, {} online, {}",
                counted(room.members, "member"),
                room.online,
                counted(room.messages, "message")
            )
        };
        let detail = room.state.aside().map_or_else(counts, str::to_owned);
        let id = rooms::short(&room.room);
        lines.push(format!(
            "{}  {}  {detail}",
            output.style(Style::Bold, &name),
            output.style(Style::Dim, id)
        ));
        if status.paused.contains(&room.room) {
            lines.push("  paused: agents are told nothing of it until cc-connect resume, or the pause ends".to_owned());
        }
        lines.extend(troubles(room).iter().map(|trouble| format!("  {trouble}")));
    }
    for room in &status.closed {
        lines.push(format!(
            "{}  not open: {}",
            output.style(Style::Dim, rooms::short(&room.room)),
            clean_line(&room.reason, REASON_CHARS_MAX)
        ));
    }
    if !status.closed.is_empty() {
        lines.push("  cc-connect stop, and the next command tries to open what is not".to_owned());
    }
    if status.rooms.is_empty() && status.closed.is_empty() {
        lines
            .push("no rooms yet: cc-connect room start, or cc-connect room join TICKET".to_owned());
    }
    lines.join("\n")
}

/// The rooms of which agents are told nothing for now.
fn paused(home: &Home, rooms: &[RoomInfo]) -> Vec<String> {
    let (pause, now) = (Pause::load(home.path()), when::now());
    let ids = rooms.iter().map(|room| room.room.clone());
    ids.filter(|id| id.parse().is_ok_and(|room| pause.holds(&room, now)))
        .collect()
}

/// What a person may have to know of a room beside its counts.
fn troubles(room: &RoomInfo) -> Vec<String> {
    let mut troubles = Vec::new();
    if let Some(gossip) = &room.gossip {
        let cause = gossip.cause.as_deref().map_or_else(String::new, |cause| {
            format!(": {}", clean_line(cause, REASON_CHARS_MAX))
        });
        if gossip.state == "rebuilding" {
            troubles.push(format!(
                "the fast path is being built anew{cause}; messages come a little later"
            ));
        } else if gossip.rebuilds > 0 {
            troubles.push(format!(
                "the fast path was built anew {}{cause}",
                counted(gossip.rebuilds, "time")
            ));
        }
    }
    if let Some(agents) = &room.agents {
        if agents.stopped {
            troubles.push(stopped(agents.run));
        }
        if let Some(held_back) = &agents.held_back {
            troubles.push(held_back_note(held_back));
        }
    }
    for author in &room.forked {
        troubles.push(format!(
            "{} signed two messages for one place: their home was copied, or they deceive somebody",
            rooms::short(author)
        ));
    }
    for refused in &room.refused {
        troubles.push(format!(
            "refused {} {}: {}",
            rooms::short(&refused.peer),
            counted(refused.count, "time"),
            clean_line(&refused.reason, REASON_CHARS_MAX)
        ));
    }
    troubles
}

/// That agents wait for a person.
pub fn stopped(run: u64) -> String {
    format!(
        "agents have written {run} messages in a row; no more of theirs until a person writes one"
    )
}

/// That an agent of this machine was not let speak.
pub fn held_back_note(held_back: &HeldBackInfo) -> String {
    let via = clean_nick(&held_back.via).unwrap_or_else(|| "agent".to_owned());
    let reason = clean_line(&held_back.reason, REASON_CHARS_MAX);
    let times = counted(held_back.count, "time");
    format!("your {via} was held back ({times}): {reason}")
}

/// `1 message`, `2 messages`.
fn counted(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

fn stored(home: &Home, room: &KnownRoom) -> RoomInfo {
    let (messages, lines) = History::open(home, room)
        .and_then(|history| Ok((history.chat_count()?, history.len().0)))
        // Nothing has arrived yet, or it cannot be read, which `log` tells.
        .unwrap_or((0, 0));
    RoomInfo {
        room: room.id.to_hex(),
        name: room.name.clone(),
        nick: room.nick.clone(),
        state: room.state,
        members: room.members,
        online: 0,
        messages,
        lines,
        removed: room.state == State::Removed,
        forked: Vec::new(),
        gossip: None,
        refused: Vec::new(),
        agents: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_counted_as_one() {
        let counted = [0, 1, 2].map(|count| counted(count, "message"));
        assert_eq!(counted, ["0 messages", "1 message", "2 messages"]);
    }
}
