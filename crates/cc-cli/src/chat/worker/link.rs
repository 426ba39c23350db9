//! The connection that tells what happens: found again, and a daemon started again, whenever it is lost.
//!
//! What happens is in the log; an event only says that there is something to read.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cc_proto::text::{clean_line, clean_nick};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::calls::Call;
use super::lines::Job;
use crate::chat::app::{Connection, Told};
use crate::chat::types::RoomEntry;
use crate::client::{Client, Notification};
use crate::commands::status::{held_back_note, stopped};
use crate::error::CliResult;
use crate::home::Home;
use crate::launch;
use crate::rooms;
use crate::rpc::{HeldBackInfo, People, RoomInfo, RoomList, RoomParams, State, Status, Subscribed};

/// Rooms whose events are heard; a connection may have so many. Of further ones the list of rooms tells.
const SUBSCRIPTIONS_MAX: usize = 60;
/// How often to look who is online.
const LIST_INTERVAL: Duration = Duration::from_secs(10);
/// How long after its start a daemon may not have met those who are online: it dials everybody a few times.
pub const LOOKING: Duration = Duration::from_secs(10);
/// How long to wait before the daemon is looked for again; twice as long each time, up to the latter.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How often in a row no daemon may be found before it counts as stopped: it may be ending, or another takes its place.
const LOOKS_MAX: u32 = 5;
/// How often to look whether somebody has started one again.
const STOPPED_INTERVAL: Duration = Duration::from_secs(2);

/// What the connection is asked.
#[derive(Debug)]
pub enum Urge {
    /// Find a daemon, and start one where there is none.
    Connect,
    /// Look which rooms there are.
    Look,
}

/// What is known of the rooms.
struct Heard {
    /// Rooms whose events are heard, on this connection.
    rooms: BTreeSet<String>,
    /// Rooms that were in a list, on this connection or one before, and were not left since.
    listed: BTreeSet<String>,
    /// Rooms that nobody had let us into at the last look.
    joining: BTreeSet<String>,
    /// Rooms in which nobody else was online at the last look.
    alone: BTreeSet<String>,
    /// Until then it is too early to say so.
    looking_until: Instant,
}

/// What it needs to tell others.
pub struct Link {
    /// The home.
    pub home: Home,
    /// To the chat.
    pub told: mpsc::Sender<Told>,
    /// To who reads the logs.
    pub lines: mpsc::Sender<Job>,
    /// To who asks the daemon.
    pub calls: mpsc::Sender<Call>,
    /// Counts the connections, so that others know when to try again.
    pub epoch: watch::Sender<u64>,
}

impl Link {
    /// Runs until it is dropped.
    pub async fn run(self, mut urges: mpsc::Receiver<Urge>) {
        let mut client = self.connect().await;
        let mut heard = Heard {
            rooms: BTreeSet::new(),
            listed: BTreeSet::new(),
            joining: BTreeSet::new(),
            alone: BTreeSet::new(),
            looking_until: Instant::now(),
        };
        loop {
            if self.meet(&mut client, &mut heard).await.is_ok() {
                self.epoch.send_modify(|epoch| *epoch += 1);
                self.tell(Told::Connection(Connection::Up)).await;
                let _ = self.calls.send(Call::Held).await;
                self.listen(&mut client, &mut heard, &mut urges).await;
            }
            self.tell(Told::Connection(Connection::Looking)).await;
            client = self.reconnect(&mut urges).await;
        }
    }

    async fn tell(&self, told: Told) {
        // Nobody listens any more at the end.
        let _ = self.told.send(told).await;
    }

    /// A daemon, started where there is none.
    async fn connect(&self) -> Client {
        let mut wait = BACKOFF.0;
        loop {
            match launch::connect_or_start(&self.home).await {
                Ok(client) => return client,
                Err(error) => self.failed(&error.to_string()).await,
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    async fn failed(&self, why: &str) {
        let why = clean_line(why, 200);
        self.tell(Told::Connection(Connection::Failed(why))).await;
    }

    /// The daemon that took the place of the lost one; one that crashed is started again, and one that was stopped only
    /// where that is wanted.
    async fn reconnect(&self, urges: &mut mpsc::Receiver<Urge>) -> Client {
        let (mut wait, mut looks) = (BACKOFF.0, 0);
        loop {
            match launch::reconnect(&self.home).await {
                Ok(Some(client)) => return client,
                Ok(None) => looks += 1,
                Err(error) => self.failed(&error.to_string()).await,
            }
            if looks == LOOKS_MAX {
                self.tell(Told::Connection(Connection::Stopped)).await;
            }
            if looks >= LOOKS_MAX {
                wait = STOPPED_INTERVAL;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                urge = urges.recv() => match urge {
                    Some(Urge::Look) => {}
                    Some(Urge::Connect) => {
                        self.tell(Told::Connection(Connection::Looking)).await;
                        return self.connect().await;
                    }
                    None => std::future::pending().await,
                },
            }
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    async fn meet(&self, client: &mut Client, heard: &mut Heard) -> CliResult {
        let status: Status = client.call("status", &json!({})).await?;
        let up = Duration::from_millis(status.uptime_ms);
        heard.rooms.clear();
        heard.looking_until = Instant::now() + LOOKING.saturating_sub(up);
        self.greet(client, heard).await
    }

    /// Subscribes to the rooms that are new to this connection, or were opened again, and has everything read that has
    /// arrived meanwhile.
    async fn greet(&self, client: &mut Client, heard: &mut Heard) -> CliResult {
        let mut rooms = self.list(client, heard).await?;
        let open: BTreeSet<String> = rooms.iter().map(|room| room.room.clone()).collect();
        let gone: Vec<String> = heard.listed.difference(&open).cloned().collect();
        for room in gone {
            self.closed(heard, room).await;
        }
        heard.listed.extend(open);
        rooms.retain(|room| !heard.rooms.contains(&room.room));
        // Of too many rooms those count first in which something can be said.
        rooms.sort_by_key(|room| room.state != State::Joined);
        rooms.truncate(SUBSCRIPTIONS_MAX.saturating_sub(heard.rooms.len()));
        for room in rooms {
            let params = RoomParams {
                room: room.room.clone(),
            };
            let subscribed: Subscribed = client.call("subscribe", &params).await?;
            let (room, state) = (room.room, subscribed.state);
            heard.rooms.insert(room.clone());
            self.state(&room, state).await;
            // What was told of before is not told again.
            self.tell(Told::NewReceipts(room.clone())).await;
            self.look_at(room).await;
        }
        Ok(())
    }

    /// A room is not open, so nothing of it is heard any more; it may be opened again.
    async fn closed(&self, heard: &mut Heard, room: String) {
        heard.rooms.remove(&room);
        // One that failed, or whose daemon ends, is as it was.
        if self.on_disk(&room).await == Some(State::Left) {
            heard.listed.remove(&room);
            self.state(&room, State::Left).await;
        }
    }

    /// How it stands with a room by what the daemon left on disk.
    async fn on_disk(&self, room: &str) -> Option<State> {
        let (home, id) = (self.home.clone(), room.parse().ok()?);
        let known = tokio::task::spawn_blocking(move || rooms::known(&home, id));
        known.await.ok().map(|room| room.state)
    }

    /// Who leaves belongs no longer, and is not to be told that they were removed.
    async fn why_gone(&self, client: &mut Client, room: &str) -> State {
        let params = RoomParams {
            room: room.to_owned(),
        };
        let left = match client.call::<People>("room.members", &params).await {
            Ok(people) => people.former.iter().any(|person| person.me && person.left),
            // It is closed already.
            Err(_) => self.on_disk(room).await == Some(State::Left),
        };
        if left { State::Left } else { State::Removed }
    }

    async fn state(&self, room: &str, state: State) {
        let room = room.to_owned();
        self.tell(Told::State { room, state }).await;
    }

    async fn look_at(&self, room: String) {
        let _ = self.lines.send(Job::Names(room.clone())).await;
        let _ = self.lines.send(Job::News(room)).await;
    }

    async fn list(&self, client: &mut Client, heard: &mut Heard) -> CliResult<Vec<RoomInfo>> {
        let mut list: RoomList = client.call("room.list", &json!({})).await?;
        // Until others have heard that we leave, the room is open, and says only that we belong no longer.
        let gone = |room: &&mut RoomInfo| room.state == State::Removed;
        for room in list.rooms.iter_mut().filter(gone) {
            room.state = self.why_gone(client, &room.room).await;
        }
        let is_early = Instant::now() < heard.looking_until;
        let entries: Vec<RoomEntry> = list.rooms.iter().map(|it| entry(it, is_early)).collect();
        let alone = entries.iter().filter(|room| room.online <= 1);
        heard.alone = alone.map(|room| room.room.clone()).collect();
        let joining = entries.iter().filter(|it| it.state == State::Joining);
        heard.joining = joining.map(|room| room.room.clone()).collect();
        self.tell(Told::Rooms(entries)).await;
        let _ = self.calls.send(Call::Paused).await;
        // What is decided about a room that was left is an event of no room.
        let _ = self.calls.send(Call::Held).await;
        Ok(list.rooms)
    }

    /// Passes on what happens until the connection is lost.
    async fn listen(
        &self,
        client: &mut Client,
        heard: &mut Heard,
        urges: &mut mpsc::Receiver<Urge>,
    ) {
        let mut tick = tokio::time::interval(LIST_INTERVAL);
        tick.reset();
        let looked = tokio::time::sleep_until(heard.looking_until.into());
        tokio::pin!(looked);
        let mut is_early = true;
        loop {
            tokio::select! {
                notification = client.notification() => match notification {
                    Some(notification) => {
                        self.notified(client, heard, &notification).await;
                        if !changes_list(&notification, heard) {
                            continue;
                        }
                    }
                    None => return,
                },
                _ = tick.tick() => {}
                () = &mut looked, if is_early => is_early = false,
                urge = urges.recv() => match urge {
                    Some(Urge::Look) => {}
                    // There is a daemon already.
                    Some(Urge::Connect) => continue,
                    None => std::future::pending().await,
                },
            }
            if self.greet(client, heard).await.is_err() {
                return;
            }
        }
    }

    async fn notified(&self, client: &mut Client, heard: &mut Heard, notification: &Notification) {
        let params = &notification.params;
        let Some(room) = params["room"].as_str().map(str::to_owned) else {
            return;
        };
        let event = match notification.method.as_str() {
            "event" => params["event"].as_str().unwrap_or_default(),
            // What was missed is in the log, and may be anything.
            "lagged" => {
                self.epoch.send_modify(|epoch| *epoch += 1);
                let _ = self.calls.send(Call::Held).await;
                return self.look_at(room).await;
            }
            _ => return,
        };
        match event {
            "message" | "synced" | "adopted" => drop(self.lines.send(Job::News(room)).await),
            "roster" | "member_joined" | "member_gone" | "forked" => {
                self.look_at(room.clone()).await;
                let _ = self.calls.send(Call::Members(room)).await;
            }
            "joined" => {
                self.state(&room, State::Joined).await;
                self.word("a member let you in", false).await;
                self.epoch.send_modify(|epoch| *epoch += 1);
                self.look_at(room.clone()).await;
                let _ = self.calls.send(Call::Members(room)).await;
            }
            "removed" => {
                let state = self.why_gone(client, &room).await;
                self.state(&room, state).await;
                self.look_at(room).await;
            }
            "closed" => self.closed(heard, room).await,
            "refused" if heard.joining.contains(&room) => self.refused(params).await,
            // Where nobody is there to say more, this is all that one who was removed hears of it.
            "refused" => {
                if self.on_disk(&room).await == Some(State::Joined) {
                    self.word(
                        "a member refused this machine: you may have been removed",
                        true,
                    )
                    .await;
                }
            }
            "receipts" => self.tell(Told::NewReceipts(room)).await,
            "file" => drop(self.calls.send(Call::FileEvent(room, params.clone())).await),
            _ => self.of_agents(event, params).await,
        }
    }

    async fn word(&self, text: &str, bad: bool) {
        let text = text.to_owned();
        self.tell(Told::Word { text, bad }).await;
    }

    async fn refused(&self, params: &Value) {
        let reason = params["reason"].as_str().unwrap_or("no reason was given");
        let reason = clean_line(reason, 200);
        let is_final = params["code"].as_str().is_some_and(is_final);
        let text = if is_final {
            format!("{reason}: ask a member for a new ticket")
        } else {
            format!("a member's door was closed: {reason}")
        };
        self.word(&text, true).await;
    }

    async fn of_agents(&self, event: &str, params: &Value) {
        let text = match event {
            "held" => {
                let _ = self.calls.send(Call::Held).await;
                let via = params["via"].as_str().and_then(clean_nick);
                let (via, held) = (via.unwrap_or_else(|| "agent".to_owned()), &params["held"]);
                let held = held.as_u64().unwrap_or_default();
                Some(format!(
                    "your {via} wants to say something: /held, then /approve {held} or /refuse {held}"
                ))
            }
            // Here or elsewhere: what waits is asked for.
            "decided" => {
                let _ = self.calls.send(Call::Held).await;
                None
            }
            "held_back" => {
                let info: Option<HeldBackInfo> = serde_json::from_value(params.clone()).ok();
                info.map(|info| held_back_note(&info))
            }
            "agents_stopped" => params["run"].as_u64().map(stopped),
            "woken" => {
                let agent = params["agent"].as_str().and_then(clean_nick);
                agent.map(|agent| format!("a session of your {agent} was woken"))
            }
            _ => None,
        };
        if let Some(text) = text {
            self.word(&text, event != "woken").await;
        }
    }
}

/// Whether what the list of rooms says is another now.
fn changes_list(notification: &Notification, heard: &Heard) -> bool {
    let params = &notification.params;
    match params["event"].as_str().unwrap_or_default() {
        "joined" | "member_joined" | "member_gone" | "removed" | "closed" | "roster" => true,
        // Somebody was met where nobody was.
        "synced" => params["room"]
            .as_str()
            .is_some_and(|room| heard.alone.contains(room)),
        _ => false,
    }
}

/// Whether no other door will open to this ticket either.
fn is_final(code: &str) -> bool {
    matches!(code, "expired" | "used_up" | "revoked" | "removed")
}

/// A room as the list shows it; what is unread in it is told by who reads the logs.
fn entry(info: &RoomInfo, is_early: bool) -> RoomEntry {
    RoomEntry {
        room: info.room.clone(),
        name: rooms::shown_name(&info.name, &info.room),
        nick: clean_nick(&info.nick).unwrap_or_default(),
        state: info.state,
        members: info.members,
        online: info.online,
        looking: is_early && info.online <= 1,
        unread: 0,
        mentions: 0,
    }
}
