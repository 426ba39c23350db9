//! What each method does, and how failures beneath become numbers.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use cc_net::{
    Draft, DraftError, GossipState, GossipStatus, LeaveError, NodeError, Room, RoomError,
    RoomEvent, RoomState, RoomStatus, SendError,
};
use cc_proto::frames::Refusal;
use cc_proto::id::AuthorId;
use cc_proto::room::{RejectReason, RoomEvent as CoreEvent};
use cc_proto::via::{Role, Via};
use futures_util::future::join_all;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::agents::Speech;
use super::files;
use super::keeper::{KeeperHandle, OpenedRoom};
use super::members;
use super::receipts;
use super::subscription;
use crate::commands::send::check_text;
use crate::error::{CliError, Kind};
use crate::launch::VERSION;
use crate::rooms;
use crate::rpc::{
    API_VERSION, GossipInfo, HeldList, HeldParams, Hello, HelloParams, JoinParams, Opened,
    RoomInfo, RoomList, RoomParams, RpcError, SendKind, SendParams, SendResult, SendRole,
    StartParams, State, Status, Stopping, Subscribed, TicketResult, WakeMember, WakeParams,
    WakeState, code,
};

/// Subscriptions of one connection.
const SUBSCRIPTIONS_MAX: usize = 64;
/// How often is looked whether a client is still there that something long is done for: only a moment tells, no event
/// that could be told from a client that only finished sending.
const GONE_EVERY: Duration = Duration::from_millis(200);
/// The longest that `room.join` waits to be let in.
const JOIN_WAIT_MAX: Duration = Duration::from_mins(10);

/// What the requests of one connection share.
#[derive(Clone)]
pub struct Session {
    /// The way to the keeper.
    pub keeper: KeeperHandle,
    /// Lines for the client.
    pub out: mpsc::Sender<String>,
    /// Cancelled when the daemon ends.
    pub end: CancellationToken,
    /// The client's end of the connection.
    pub peer: Arc<OwnedFd>,
}

impl Session {
    /// Returns once the client has closed the connection for good, and not only its sending side.
    pub async fn gone(&self) {
        loop {
            let mut peer = [PollFd::new(&self.peer, PollFlags::empty())];
            let now = Timespec::default();
            if poll(&mut peer, Some(&now)).is_ok()
                && peer[0]
                    .revents()
                    .intersects(PollFlags::HUP | PollFlags::ERR)
            {
                return;
            }
            tokio::time::sleep(GONE_EVERY).await;
        }
    }
}

/// Carries out any method but `subscribe`.
pub async fn call(session: &Session, method: &str, params: Value) -> Result<Value, RpcError> {
    match method {
        "hello" => result(&hello(session, &read(params)?)),
        "room.start" => {
            let opened = session.keeper.start(read::<StartParams>(params)?).await?;
            result(&describe(opened, None).await?)
        }
        "room.join" => result(&join(session, read(params)?).await?),
        "room.list" => result(&RoomList {
            rooms: rooms(&session.keeper).await,
        }),
        "room.ticket" => {
            let room = session.keeper.room(&read::<RoomParams>(params)?.room)?;
            let ticket = room.ticket().await.map_err(ticket_error)?;
            result(&TicketResult {
                room: room.id().to_hex(),
                ticket: ticket.to_string(),
            })
        }
        "room.leave" => {
            let room = read::<RoomParams>(params)?.room;
            result(&session.keeper.leave(&room).await?)
        }
        "room.invite" => result(&members::invite(&session.keeper, read(params)?).await?),
        "room.invites" => result(&members::invites(&session.keeper, read(params)?).await?),
        "room.revoke" => result(&members::revoke(&session.keeper, read(params)?).await?),
        "room.members" => result(&members::members(&session.keeper, read(params)?).await?),
        "room.remove" => result(&members::remove(&session.keeper, read(params)?).await?),
        "room.admin" => result(&members::admin(&session.keeper, read(params)?).await?),
        "room.retract" => result(&members::retract(&session.keeper, read(params)?).await?),
        "room.trust" => {
            members::trust(&session.keeper, read(params)?).await?;
            Ok(json!({}))
        }
        "room.petname" => {
            members::petname(&session.keeper, read(params)?).await?;
            Ok(json!({}))
        }
        "room.receipts" => result(&receipts::receipts(&session.keeper, read(params)?).await?),
        "room.share_receipts" => result(&receipts::share(&session.keeper, read(params)?).await?),
        "send" => result(&send(session, read(params)?).await?),
        "room.wake" => result(&wake(session, read(params)?).await?),
        "file.share" => result(&files::share(session, read(params)?).await?),
        "file.list" => result(&files::list(&session.keeper, read(params)?).await?),
        "file.get" => result(&files::get(&session.keeper, read(params)?).await?),
        "file.cancel" => result(&files::cancel(&session.keeper, read(params)?).await?),
        "file.verify" => result(&files::verify(&session.keeper, read(params)?).await?),
        "file.settings" => result(&files::settings(&session.keeper, read(params)?).await?),
        "held.list" => result(&HeldList {
            held: session.keeper.agents.held_messages(),
        }),
        "held.approve" => result(&approve(session, &read(params)?).await?),
        "held.refuse" => {
            let held = read::<HeldParams>(params)?.held;
            files::refuse_held(session, held).await?;
            Ok(json!({}))
        }
        "status" => result(&status(session).await),
        // The connection cancels the daemon once the answer is in its queue.
        "stop" => result(&Stopping { stopping: true }),
        _ => Err(RpcError::new(code::METHOD_NOT_FOUND, "no such method")),
    }
}

/// Starts a subscription among those of the connection.
pub async fn subscribe(
    session: &Session,
    params: Value,
    running: &mut JoinSet<()>,
) -> Result<Value, RpcError> {
    let room = session.keeper.room(&read::<RoomParams>(params)?.room)?;
    while running.try_join_next().is_some() {}
    if running.len() >= SUBSCRIPTIONS_MAX {
        return Err(RpcError::new(
            code::TOO_MANY,
            format!("a connection has at most {SUBSCRIPTIONS_MAX} subscriptions"),
        ));
    }
    // The events first: what happens between the two is then heard of twice rather than not at all.
    let events = room.events();
    let status = status_of(&room).await?;
    running.spawn(subscription::run(
        room.id(),
        events,
        session.keeper.agents.events(),
        session.out.clone(),
    ));
    result(&Subscribed {
        n: status.lines,
        state: state(&status),
    })
}

fn hello(session: &Session, params: &HelloParams) -> Hello {
    if let Some(version) = &params.client_version {
        tracing::debug!(version = %cc_proto::text::clean_line(version, 32), "a client came");
    }
    Hello {
        api: API_VERSION,
        version: VERSION.to_owned(),
        pid: std::process::id(),
        home: session.keeper.home.clone(),
    }
}

async fn join(session: &Session, params: JoinParams) -> Result<Opened, RpcError> {
    let ticket = params.ticket.trim().to_owned();
    let wait = Duration::from_millis(params.wait_ms).min(JOIN_WAIT_MAX);
    let opened = session.keeper.join(params).await?;
    let mut refusal = None;
    tokio::select! {
        waited = tokio::time::timeout(wait, until_joined(&opened.room, &mut refusal)) => {
            if let Ok(outcome) = waited {
                outcome?;
            }
        }
        () = session.end.cancelled() => {}
    }
    let mut opened = describe(opened, Some(ticket)).await?;
    opened.refusal = refusal
        .filter(|_| opened.state == State::Joining)
        .map(|refusal| refusal.to_string());
    Ok(opened)
}

/// Returns once a member let us in. Keeps the last refusal, and gives up on one that every door would repeat.
async fn until_joined(room: &Room, last: &mut Option<Refusal>) -> Result<(), RpcError> {
    // The events first: what happens between the two is then heard of twice rather than not at all.
    let mut events = room.events();
    if state(&status_of(room).await?) == State::Joined {
        return Ok(());
    }
    while let Some(event) = events.next().await {
        match event {
            RoomEvent::Core(CoreEvent::DoorClosed { refusal, .. }) => {
                *last = Some(refusal);
                if subscription::is_final(refusal) {
                    return Err(refused(refusal));
                }
            }
            RoomEvent::Core(CoreEvent::Joined) => return Ok(()),
            RoomEvent::Lagged(_) if state(&status_of(room).await?) == State::Joined => {
                return Ok(());
            }
            _ => {}
        }
    }
    Err(closed())
}

fn refused(refusal: Refusal) -> RpcError {
    let hint = match refusal {
        Refusal::Removed => {
            "ask an admin for a ticket that lets you back: cc-connect remove YOU --back"
        }
        _ => "ask a member for a new ticket",
    };
    RpcError::new(code::REFUSED, refusal.to_string()).hint(hint)
}

/// `given` is the ticket we came by, which is handed on where the room has none.
async fn describe(opened: OpenedRoom, given: Option<String>) -> Result<Opened, RpcError> {
    let OpenedRoom { room, bound } = opened;
    let status = status_of(&room).await?;
    let ticket = match room.ticket().await {
        Ok(ticket) => ticket.to_string(),
        Err(error) => given.ok_or_else(|| ticket_error(error))?,
    };
    Ok(Opened {
        room: room.id().to_hex(),
        name: room.name(),
        nick: room.nick(),
        ticket,
        state: state(&status),
        refusal: None,
        bound,
    })
}

async fn send(session: &Session, params: SendParams) -> Result<SendResult, RpcError> {
    let room = session.keeper.room(&params.room)?;
    let re = params.re.map(|id| id.parse()).transpose().map_err(|_| {
        RpcError::new(
            code::INVALID_PARAMS,
            "a message's id is 64 hexadecimal digits",
        )
    })?;
    check_text(&params.text).map_err(|error| {
        let refused = RpcError::new(code::BAD_MESSAGE, error.message);
        match error.hint {
            Some(hint) => refused.hint(hint),
            None => refused,
        }
    })?;
    if let Some(via) = Via::parse(&params.via) {
        let role = match via.role {
            Role::Message => params.role,
            Role::Status => SendRole::Status,
            Role::Error => SendRole::Error,
        };
        let speech = Speech {
            text: params.text,
            agent: via.agent,
            role,
            re,
            kind: params.kind,
            file: None,
        };
        return session.keeper.agents.say(&room, speech, params.hold).await;
    }
    let summary = match params.kind {
        SendKind::Chat => None,
        SendKind::Summary => session.keeper.agents.newest(room.id()).await,
    };
    let draft = Draft {
        text: params.text,
        via: String::new(),
        re,
        summary,
    };
    let sent = room.send(draft).await.map_err(|error| send_error(&error))?;
    Ok(SendResult {
        id: Some(sent.id.to_hex()),
        n: Some(sent.n.0),
        held: None,
    })
}

async fn wake(session: &Session, params: WakeParams) -> Result<WakeState, RpcError> {
    let room = session.keeper.room(&params.room)?;
    let agents = &session.keeper.agents;
    let before = agents.settings(&room.id());
    let mut settings = before.clone();
    settings.wake = params.wake.unwrap_or(settings.wake);
    settings.wake_agents = params.agents.unwrap_or(settings.wake_agents);
    if let Some(member) = params.member {
        let author = members::member_id(&member.author)?;
        settings.wake_people.insert(author, member.wake);
    } else if params.wake.is_some() {
        // Said of everybody, it is said of those as well.
        settings.wake_people.clear();
    }
    if settings != before {
        agents.choose(&room.id(), settings.clone()).await?;
    }
    let people = settings.wake_people.iter().map(|(who, wake)| WakeMember {
        author: who.to_hex(),
        wake: *wake,
    });
    Ok(WakeState {
        room: room.id().to_hex(),
        wake: settings.wake,
        agents: settings.wake_agents,
        people: people.collect(),
    })
}

async fn approve(session: &Session, params: &HeldParams) -> Result<SendResult, RpcError> {
    if let Some(approved) = session.keeper.agents.held_share(params.held)? {
        let room = session.keeper.room(&approved.message.room)?;
        let file = files::share_approved(session, &room, &approved).await?;
        session
            .keeper
            .agents
            .shared_approved(room.id(), &approved)?;
        return Ok(SendResult {
            id: Some(file.id.to_hex()),
            n: Some(file.n.0),
            held: None,
        });
    }
    let held = session.keeper.agents.take_held(params.held)?;
    match session.keeper.room(&held.room) {
        Ok(room) => session.keeper.agents.send_approved(&room, held).await,
        Err(error) => {
            session.keeper.agents.put_back(held)?;
            Err(error)
        }
    }
}

async fn status(session: &Session) -> Status {
    Status {
        version: VERSION.to_owned(),
        pid: std::process::id(),
        uptime_ms: session.keeper.since.elapsed().as_millis() as u64,
        relay: session.keeper.relay(),
        rooms: rooms(&session.keeper).await,
        closed: session.keeper.closed_rooms(),
    }
}

async fn rooms(keeper: &KeeperHandle) -> Vec<RoomInfo> {
    let rooms = keeper.rooms();
    join_all(rooms.iter().map(|room| describe_room(keeper, room)))
        .await
        .into_iter()
        .flatten()
        .collect()
}

async fn describe_room(keeper: &KeeperHandle, room: &Room) -> Option<RoomInfo> {
    // A room that is closing has nothing to say.
    let status = room.status().await.ok()?;
    let mut nick = room.nick();
    if nick.is_empty() && status.state == RoomState::Joining {
        nick = asked_nick(room).await.unwrap_or_default();
    }
    Some(RoomInfo {
        room: room.id().to_hex(),
        name: room.name(),
        nick,
        state: state(&status),
        members: status.members.len() as u64,
        online: status.online as u64,
        messages: status.messages,
        lines: status.lines,
        removed: status.removed,
        forked: status.forked.iter().map(AuthorId::to_hex).collect(),
        gossip: Some(gossip(&status.gossip)),
        refused: keeper.refused(&room.id()),
        agents: Some(keeper.agents.info(&room.id())),
    })
}

async fn asked_nick(room: &Room) -> Option<String> {
    let dir = room.dir().to_owned();
    let asked = tokio::task::spawn_blocking(move || rooms::asked_nick(&dir));
    asked.await.ok()?
}

fn state(status: &RoomStatus) -> State {
    match status.state {
        _ if status.removed => State::Removed,
        RoomState::Open => State::Joined,
        RoomState::Joining => State::Joining,
    }
}

fn gossip(status: &GossipStatus) -> GossipInfo {
    let state = match status.state {
        GossipState::Up => "up",
        GossipState::Rebuilding => "rebuilding",
        _ => "off",
    };
    GossipInfo {
        state: state.to_owned(),
        neighbors: status.neighbors as u64,
        rebuilds: status.rebuilds,
        cause: status.last_fault.map(|fault| fault.to_string()),
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, RpcError> {
    serde_json::from_value(params)
        .map_err(|error| RpcError::new(code::INVALID_PARAMS, error.to_string()))
}

fn result(value: &impl Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(value)
        .map_err(|error| RpcError::new(code::INTERNAL_ERROR, error.to_string()))
}

async fn status_of(room: &Room) -> Result<RoomStatus, RpcError> {
    room.status().await.map_err(|_| closed())
}

pub fn closed() -> RpcError {
    RpcError::new(code::STOPPING, "the room is closed")
}

fn ticket_error(error: RoomError) -> RpcError {
    match error {
        RoomError::NoTicket => {
            RpcError::new(code::NO_TICKET, error.to_string()).hint("cc-connect invite makes one")
        }
        _ => closed(),
    }
}

pub fn send_error(error: &SendError) -> RpcError {
    let code = match error {
        SendError::Draft(DraftError::Rejected(RejectReason::NotJoined)) => code::JOINING,
        SendError::Draft(DraftError::Rejected(RejectReason::NotAMember)) => code::NOT_A_MEMBER,
        SendError::Draft(DraftError::Rejected(RejectReason::NotAllowed(_))) => code::NOT_ALLOWED,
        SendError::Draft(DraftError::Rejected(_)) => code::BAD_MESSAGE,
        SendError::Draft(_) => code::DISK,
        SendError::Closed => code::STOPPING,
        _ => code::INTERNAL_ERROR,
    };
    RpcError::new(code, error.to_string())
}

/// Why a room was not left.
pub fn leave_error(error: &LeaveError) -> RpcError {
    match error {
        LeaveError::NoRoom => RpcError::new(code::NO_SUCH_ROOM, error.to_string()),
        LeaveError::Send(error) => send_error(error),
        LeaveError::Node(error) => node_error(error),
        _ => RpcError::new(code::INTERNAL_ERROR, error.to_string()),
    }
}

/// The number of a node's failure, and its causes in one line.
pub fn node_error(error: &NodeError) -> RpcError {
    let code = match error {
        NodeError::Endpoint(_) | NodeError::Lookup(_) => code::NETWORK,
        NodeError::Home { .. } | NodeError::Engine(_) => code::DISK,
        NodeError::ShutDown => code::STOPPING,
        _ => code::INTERNAL_ERROR,
    };
    RpcError::new(
        code,
        CliError::new(Kind::Daemon, error.to_string())
            .because_of_sources(error)
            .to_string(),
    )
}
