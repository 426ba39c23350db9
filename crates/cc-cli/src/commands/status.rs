//! `status` and `stop`: neither starts a daemon.

use super::objects::{DaemonObject, StatusObject, object};
use crate::error::CliResult;
use crate::history::History;
use crate::home::Home;
use crate::launch;
use crate::output::{Output, Style};
use crate::rooms::{self, KnownRoom};
use crate::rpc::{RoomInfo, State, Status};

/// Shows the daemon and the rooms; without a daemon, what the home tells of them.
pub async fn status(home: Option<&Home>, output: Output) -> CliResult {
    let client = match home {
        Some(home) => launch::connect(home).await?,
        None => None,
    };
    let home_path = home.map(|home| home.path().to_path_buf());
    let object_of = |daemon, rooms| StatusObject {
        daemon,
        home: home_path,
        rooms,
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
        object_of(daemon, status.rooms)
    } else {
        let rooms = home.map(rooms::all).transpose()?.unwrap_or_default();
        let stored = home
            .into_iter()
            .flat_map(|home| rooms.iter().map(|room| stored(home, room)));
        object_of(DaemonObject::default(), stored.collect())
    };
    output.data(&object(&status), text(&status, output));
    Ok(())
}

/// Stops the daemon; returns when its process has ended.
pub async fn stop(home: Option<&Home>, output: Output) -> CliResult {
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

fn text(status: &StatusObject, output: Output) -> String {
    let mut lines = vec![match (&status.daemon.pid, &status.daemon.version) {
        (Some(pid), Some(version)) => format!("daemon {version} is running (process {pid})"),
        _ => "no daemon is running; the next command that needs it starts it".to_owned(),
    }];
    for room in &status.rooms {
        let name = rooms::shown_name(&room.name, &room.room);
        let detail = match room.state {
            State::Joining => "waiting for a member to let you in".to_owned(),
            State::Joined => format!(
                "{}, {} online, {}",
                counted(room.members, "member"),
                room.online,
                counted(room.messages, "message")
            ),
        };
        let id = rooms::short(&room.room);
        lines.push(format!(
            "{}  {}  {detail}",
            output.style(Style::Bold, &name),
            output.style(Style::Dim, id)
        ));
    }
    if status.rooms.is_empty() {
        lines
            .push("no rooms yet: cc-connect room start, or cc-connect room join TICKET".to_owned());
    }
    lines.join("\n")
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
