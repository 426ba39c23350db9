//! One subscription: what happens in a room, as notifications to one client.
//!
//! | `event` | detail |
//! |---|---|
//! | `message` | `n`, `at`, `id`, `author`, `ts`, `kind`, `via`, and `text`, `re` where there are any: a line of the log |
//! | `roster` | names or members changed: read `view.json` again |
//! | `joined` | we were let in |
//! | `refused` | `peer`, `reason`, `code` (`refused`, `expired`, `used_up`, `revoked`, `removed`, `busy`): a member's door was closed to us |
//! | `member_joined` | `author` |
//! | `member_gone` | `author`: removed, left, or their invite was revoked |
//! | `removed` | we belong no longer |
//! | `closed` | the room is open no longer, and this is over with it; one that is opened again is subscribed to anew |
//! | `forked` | `author`: it signed two messages for one place |
//! | `adopted` | a message of our own was met that we lacked: this home was restored or copied |
//! | `rejected` | `peer`, `reason`: something that a peer sent was refused |
//! | `receipts` | members told what is on their disks or what their agents were shown; at most one a second |
//! | `synced` | `peer` |
//! | `file` | the fields of [`FileInfo`](crate::rpc::FileInfo): a file came further, at most four times a second, or its state changed |
//! | `held` | `held`, `via`: a message of an agent waits for the owner's yes |
//! | `decided` | `held`, `approved`: what waited for the owner's yes waits no longer |
//! | `held_back` | `via`, `reason`, `at`, `count`: an agent of this machine was not let speak |
//! | `woken` | `agent`: a session of an agent of this machine was woken |
//! | `agents_stopped` | `run`: agents of several members answered each other as often as they may |
//!
//! A client that does not read makes this wait at the connection's queue; meanwhile the room goes on, drops what does
//! not fit into this listener's ring, and the client is told by `lagged` how much that was.

use cc_net::{FileStatus, RoomEvent, RoomEvents, StoredMessage};
use cc_proto::frames::Refusal;
use cc_proto::id::RoomId;
use cc_proto::room::RoomEvent as CoreEvent;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};

use super::agents::AgentEvent;
use super::files;
use crate::rpc::{EventParams, LaggedParams, notification_line};

/// Passes events on until the client is gone, or the room, which is the last that is told.
pub async fn run(
    id: RoomId,
    mut events: RoomEvents,
    mut of_agents: broadcast::Receiver<(RoomId, AgentEvent)>,
    out: mpsc::Sender<String>,
) {
    let room = id.to_hex();
    loop {
        let line = tokio::select! {
            event = events.next() => match event {
                Some(RoomEvent::File(status)) => of_file(id, &status),
                Some(event) => line(&room, &event),
                None => break,
            },
            event = of_agents.recv() => match event {
                Ok((of, event)) if of == id => of_agent(&room, &event),
                Ok(_) => None,
                Err(RecvError::Lagged(missed)) => lagged(&room, missed),
                Err(RecvError::Closed) => return,
            },
        };
        let Some(line) = line else { continue };
        if out.send(line).await.is_err() {
            return;
        }
    }
    if let Some(line) = notification(&room, "closed", json!({})) {
        // A client that has gone misses nothing.
        let _ = out.send(line).await;
    }
}

fn line(room: &str, event: &RoomEvent) -> Option<String> {
    let (name, detail) = match event {
        RoomEvent::Lagged(missed) => return lagged(room, *missed),
        RoomEvent::Message(stored) => ("message", message(stored)),
        RoomEvent::RosterChanged => ("roster", json!({})),
        RoomEvent::Core(event) => core(event)?,
        _ => return None,
    };
    notification(room, name, detail)
}

fn lagged(room: &str, missed: u64) -> Option<String> {
    let params = LaggedParams {
        room: room.to_owned(),
        missed,
    };
    let params = serde_json::to_value(params).ok()?;
    Some(notification_line("lagged", &params))
}

fn of_agent(room: &str, event: &AgentEvent) -> Option<String> {
    let (name, detail) = match event {
        AgentEvent::Held { held, via } => ("held", json!({"held": held, "via": via})),
        AgentEvent::Decided { held, approved } => {
            ("decided", json!({"held": held, "approved": approved}))
        }
        AgentEvent::HeldBack(info) => ("held_back", serde_json::to_value(info).ok()?),
        AgentEvent::Woken { agent } => ("woken", json!({"agent": agent})),
        AgentEvent::Stopped { run } => ("agents_stopped", json!({"run": run})),
    };
    notification(room, name, detail)
}

fn of_file(room: RoomId, status: &FileStatus) -> Option<String> {
    let file = files::info(room, status);
    notification(&file.room, "file", serde_json::to_value(&file).ok()?)
}

fn notification(room: &str, name: &str, detail: Value) -> Option<String> {
    let Value::Object(mut detail) = detail else {
        return None;
    };
    // It stands beside the event's name already.
    detail.remove("room");
    let params = EventParams {
        room: room.to_owned(),
        event: name.to_owned(),
        detail,
    };
    Some(notification_line(
        "event",
        &serde_json::to_value(params).ok()?,
    ))
}

fn message(stored: &StoredMessage) -> Value {
    let message = &stored.message;
    let header = message.header();
    let mut detail = Map::new();
    detail.insert("n".into(), stored.n.0.into());
    detail.insert("at".into(), stored.at.0.into());
    detail.insert("id".into(), message.id().to_hex().into());
    detail.insert("author".into(), header.author.to_hex().into());
    detail.insert("ts".into(), header.ts.0.into());
    detail.insert("kind".into(), message.kind().name().into());
    detail.insert("via".into(), header.via.clone().into());
    if let Some(text) = message.text() {
        detail.insert("text".into(), text.into());
    }
    if let Some(re) = header.re {
        detail.insert("re".into(), re.to_hex().into());
    }
    Value::Object(detail)
}

fn core(event: &CoreEvent) -> Option<(&'static str, Value)> {
    Some(match event {
        CoreEvent::Joined => ("joined", json!({})),
        CoreEvent::DoorClosed { peer, refusal } => {
            let detail = json!({"peer": peer.to_hex(), "reason": refusal.to_string(), "code": refusal_code(*refusal)});
            ("refused", detail)
        }
        CoreEvent::MemberJoined(author) => ("member_joined", json!({"author": author.to_hex()})),
        CoreEvent::MemberGone(author) => ("member_gone", json!({"author": author.to_hex()})),
        CoreEvent::Removed => ("removed", json!({})),
        CoreEvent::Forked(author) => ("forked", json!({"author": author.to_hex()})),
        CoreEvent::Adopted(_) => ("adopted", json!({})),
        CoreEvent::Refused { peer, kind } => (
            "rejected",
            json!({"peer": peer.to_hex(), "reason": kind.to_string()}),
        ),
        CoreEvent::Receipts => ("receipts", json!({})),
        CoreEvent::Synced(peer) => ("synced", json!({"peer": peer.to_hex()})),
        _ => return None,
    })
}

/// The stable name of a refusal.
pub const fn refusal_code(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Expired => "expired",
        Refusal::UsedUp => "used_up",
        Refusal::Revoked => "revoked",
        Refusal::Removed => "removed",
        Refusal::Busy => "busy",
        _ => "refused",
    }
}

/// Whether no other door will open to this ticket either.
pub const fn is_final(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Refusal::Expired | Refusal::UsedUp | Refusal::Revoked | Refusal::Removed
    )
}
