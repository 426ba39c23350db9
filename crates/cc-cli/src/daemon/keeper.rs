//! The keeper: one task that owns the node, the relay setting and the bindings, and makes one change at a time.
//!
//! The node is opened when there is a room to hold open, at the latest by the first `room.start` or `room.join`, so
//! that a relay named there is in place before anything reaches the network.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cc_net::{CreateOptions, Node, NodeBuilder, RelayChoice, Room};
use cc_proto::id::{AuthorId, RoomId};
use cc_proto::identity::Identity;
use cc_proto::limits::{NICK_BYTES_MAX, ROOM_NAME_BYTES_MAX};
use cc_proto::text::{clean_line, clean_nick};
use cc_proto::ticket::{Ticket, TicketError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::agents::Agents;
use super::methods::{leave_error, node_error};
use super::refusals;
use crate::bindings::{BindTo, Bindings};
use crate::error::{CliError, CliResult};
use crate::home::Home;
use crate::rpc::{ClosedRoom, JoinParams, LeaveResult, RefusedPeer, RpcError, StartParams, code};

/// Changes waiting for the keeper; when it is full, requests wait.
const CHANGES_MAX: usize = 16;
/// How long rooms and endpoint may take to close.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);

/// The way to the keeper. Cheap to clone.
#[derive(Clone)]
pub struct KeeperHandle {
    changes: mpsc::Sender<Change>,
    shared: watch::Receiver<Shared>,
    /// The home that is served.
    pub home: PathBuf,
    /// When the daemon started.
    pub since: Instant,
    /// Whose home it is.
    pub me: AuthorId,
    /// What this machine's agents may say, and when they are woken.
    pub agents: Agents,
}

/// The running keeper.
pub struct Keeper {
    /// The way to it.
    pub handle: KeeperHandle,
    task: JoinSet<()>,
    end: CancellationToken,
}

/// A room that was made or joined, and where it was bound.
pub struct OpenedRoom {
    /// The room.
    pub room: Room,
    /// The bound folder, or `global`.
    pub bound: Option<String>,
}

/// What requests may look at without asking.
#[derive(Clone)]
struct Shared {
    node: Option<Node>,
    relay: String,
    refused: BTreeMap<RoomId, watch::Receiver<Vec<RefusedPeer>>>,
}

type Reply<T> = oneshot::Sender<Result<T, RpcError>>;

enum Change {
    Start(StartParams, Reply<OpenedRoom>),
    Join(JoinParams, Reply<OpenedRoom>),
    Leave(RoomId, Reply<LeaveResult>),
}

struct Owner {
    home: Home,
    bind: Option<SocketAddr>,
    identity: Identity,
    shared: watch::Sender<Shared>,
    agents: Agents,
    /// Each hears what happens in one room, for as long as that is open.
    listening: JoinSet<()>,
}

/// Opens the rooms of `home`, if it has any, and starts the keeper.
pub async fn spawn(
    home: Home,
    bind: Option<SocketAddr>,
    end: CancellationToken,
) -> CliResult<Keeper> {
    let identity = home.identity()?;
    let relay = home.config()?.relay.unwrap_or_else(|| "default".to_owned());
    let (shared, watching) = watch::channel(Shared {
        node: None,
        relay: relay.clone(),
        refused: BTreeMap::new(),
    });
    let agents = Agents::new(home.path(), identity.author());
    let (changes, mut queue) = mpsc::channel::<Change>(CHANGES_MAX);
    let handle = KeeperHandle {
        changes,
        shared: watching,
        home: home.path().to_path_buf(),
        since: Instant::now(),
        me: identity.author(),
        agents: agents.clone(),
    };
    let mut owner = Owner {
        home,
        bind,
        identity,
        shared,
        agents,
        listening: JoinSet::new(),
    };
    if owner.has_rooms() {
        let node = owner.open_node(&relay).await.map_err(CliError::from)?;
        owner.shared.send_modify(|shared| shared.node = Some(node));
        owner.listen();
    }
    let mut task = JoinSet::new();
    let ended = end.clone();
    task.spawn(async move {
        loop {
            let change = tokio::select! {
                () = ended.cancelled() => break,
                change = queue.recv() => change,
            };
            let Some(change) = change else { break };
            owner.carry_out(change).await;
            owner.listen();
        }
        owner.close_node().await;
    });
    Ok(Keeper { handle, task, end })
}

impl Keeper {
    /// Closes the rooms and the endpoint, and returns when they are closed or took too long.
    pub async fn shutdown(mut self) {
        self.end.cancel();
        while self.task.join_next().await.is_some() {}
    }
}

impl KeeperHandle {
    /// Makes a room.
    pub async fn start(&self, params: StartParams) -> Result<OpenedRoom, RpcError> {
        self.change(|reply| Change::Start(params, reply)).await
    }

    /// Joins a room, or opens it again where we are in it.
    pub async fn join(&self, params: JoinParams) -> Result<OpenedRoom, RpcError> {
        self.change(|reply| Change::Join(params, reply)).await
    }

    /// Leaves a room and closes it.
    pub async fn leave(&self, id: &str) -> Result<LeaveResult, RpcError> {
        let room = self.room(id)?.id();
        self.change(|reply| Change::Leave(room, reply)).await
    }

    /// All rooms.
    pub fn rooms(&self) -> Vec<Room> {
        self.shared
            .borrow()
            .node
            .as_ref()
            .map(Node::rooms)
            .unwrap_or_default()
    }

    /// The room of that id.
    pub fn room(&self, id: &str) -> Result<Room, RpcError> {
        let id: RoomId = id.parse().map_err(|_| {
            RpcError::new(code::INVALID_PARAMS, "a room's id is 64 hexadecimal digits")
        })?;
        let found = self
            .shared
            .borrow()
            .node
            .as_ref()
            .and_then(|node| node.room(&id));
        found.ok_or_else(|| {
            RpcError::new(
                code::NO_SUCH_ROOM,
                format!("there is no room {}", id.short()),
            )
        })
    }

    /// The relay setting.
    pub fn relay(&self) -> String {
        self.shared.borrow().relay.clone()
    }

    /// Of whom something was refused in a room.
    pub fn refused(&self, room: &RoomId) -> Vec<RefusedPeer> {
        let shared = self.shared.borrow();
        let refused = shared.refused.get(room);
        refused.map_or_else(Vec::new, |refused| refused.borrow().clone())
    }

    /// The rooms that are not open.
    pub fn closed_rooms(&self) -> Vec<ClosedRoom> {
        let shared = self.shared.borrow();
        let closed = shared.node.as_ref().map(Node::closed_rooms);
        let closed = closed.unwrap_or_default().into_iter();
        closed
            .map(|room| ClosedRoom {
                room: room.id.to_hex(),
                reason: room.error,
            })
            .collect()
    }

    async fn change<T>(&self, change: impl FnOnce(Reply<T>) -> Change) -> Result<T, RpcError> {
        let stopping = || RpcError::new(code::STOPPING, "the daemon is stopping");
        let (reply, answer) = oneshot::channel();
        self.changes
            .send(change(reply))
            .await
            .map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }
}

impl Owner {
    fn has_rooms(&self) -> bool {
        std::fs::read_dir(self.home.join("rooms")).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// Makes a change and answers; who asked may be gone, and the change is made all the same.
    async fn carry_out(&self, change: Change) {
        match change {
            Change::Start(params, reply) => drop(reply.send(self.start(params).await)),
            Change::Join(params, reply) => drop(reply.send(self.join(params).await)),
            Change::Leave(room, reply) => drop(reply.send(self.leave(&room).await)),
        }
    }

    async fn start(&self, params: StartParams) -> Result<OpenedRoom, RpcError> {
        let name = checked_name(&params.name)?;
        let nick = checked_nick(&params.nick)?;
        let bind = checked_bind(params.bind)?;
        let node = self.node(params.relay.as_deref()).await?;
        let room = node
            .create_room(&name, &nick, CreateOptions::default())
            .await
            .map_err(|error| node_error(&error))?;
        let bound = self.bind(&room.id(), bind).await?;
        Ok(OpenedRoom { room, bound })
    }

    async fn join(&self, params: JoinParams) -> Result<OpenedRoom, RpcError> {
        let ticket: Ticket = params.ticket.trim().parse().map_err(|error: TicketError| {
            RpcError::new(code::BAD_TICKET, error.to_string())
                .hint("copy the whole ticket, from cc1- to its end")
        })?;
        let nick = checked_nick(&params.nick)?;
        let bind = checked_bind(params.bind)?;
        let node = self.node(params.relay.as_deref()).await?;
        let room = node
            .join_room(ticket, &nick)
            .await
            .map_err(|error| node_error(&error))?;
        let bound = self.bind(&room.id(), bind).await?;
        Ok(OpenedRoom { room, bound })
    }

    async fn leave(&self, room: &RoomId) -> Result<LeaveResult, RpcError> {
        let node = self.node(None).await?;
        let left = node
            .leave(*room)
            .await
            .map_err(|error| leave_error(&error))?;
        let unbound = *room;
        self.edit_bindings(move |bindings| {
            bindings.unbind(&unbound);
            Ok(())
        })
        .await?;
        Ok(LeaveResult {
            room: room.to_hex(),
            id: left.sent.map(|sent| sent.id.to_hex()),
            n: left.sent.map(|sent| sent.n.0),
            told: left.told,
        })
    }

    /// Has somebody listen in every room that is open: to what is refused, and to what agents say.
    fn listen(&mut self) {
        while self.listening.try_join_next().is_some() {}
        let node = self.shared.borrow().node.clone();
        let open = node.map(|node| node.rooms()).unwrap_or_default();
        let mut counted = BTreeMap::new();
        for room in open {
            let before = self.shared.borrow().refused.get(&room.id()).cloned();
            // A counter ends with its room, and a room that is opened again has a new one.
            let receiver = before.filter(|before| before.has_changed().is_ok());
            let receiver = receiver.unwrap_or_else(|| {
                let (sender, receiver) = watch::channel(Vec::new());
                self.listening.spawn(refusals::count(room.events(), sender));
                receiver
            });
            counted.insert(room.id(), receiver);
            if let Some(attend) = self.agents.attend(&room) {
                self.listening.spawn(attend);
            }
        }
        self.shared.send_modify(|shared| shared.refused = counted);
    }

    /// The node, under the relay that was asked for.
    async fn node(&self, wanted: Option<&str>) -> Result<Node, RpcError> {
        let Shared { node, relay, .. } = self.shared.borrow().clone();
        let wanted = wanted
            .map(checked_relay)
            .transpose()?
            .filter(|wanted| *wanted != relay);
        match (node, wanted) {
            (Some(node), None) => Ok(node),
            (None, None) => self.replace_node(&relay).await,
            (None, Some(wanted)) => self.change_relay(&wanted).await,
            (Some(node), Some(wanted)) if node.rooms().is_empty() => {
                self.close_node().await;
                self.change_relay(&wanted).await
            }
            (Some(_), Some(_)) => Err(RpcError::new(
                code::RELAY_IN_USE,
                format!("all rooms of one home use one relay, and yours use `{relay}`"),
            )
            .hint(format!(
                "leave --relay out; or, to change it for all rooms: cc-connect stop, then set \"relay\" in {}",
                self.home.join("config.json").display()
            ))),
        }
    }

    async fn change_relay(&self, relay: &str) -> Result<Node, RpcError> {
        let node = self.replace_node(relay).await?;
        let config = serde_json::json!({"v": 1, "relay": relay});
        self.home
            .replace("config.json", format!("{config}\n").as_bytes())
            .map_err(|error| {
                RpcError::new(code::DISK, format!("cannot write config.json: {error}"))
            })?;
        Ok(node)
    }

    async fn replace_node(&self, relay: &str) -> Result<Node, RpcError> {
        let node = self.open_node(relay).await?;
        self.shared.send_modify(|shared| {
            shared.node = Some(node.clone());
            relay.clone_into(&mut shared.relay);
        });
        Ok(node)
    }

    async fn open_node(&self, relay: &str) -> Result<Node, RpcError> {
        let loopback = self.bind.is_some_and(|address| address.ip().is_loopback());
        let relay = match relay {
            "none" => RelayChoice::None,
            "default" if loopback => RelayChoice::None,
            "default" => RelayChoice::Default,
            url => RelayChoice::Url(url.to_owned()),
        };
        let mut builder = NodeBuilder::new(self.home.path())
            .identity(self.identity.clone())
            .relay(relay)
            .mdns(!loopback);
        if let Some(address) = self.bind {
            builder = builder.bind(address);
        }
        builder.spawn().await.map_err(|error| node_error(&error))
    }

    async fn close_node(&self) {
        let node = self.shared.borrow().node.clone();
        let Some(node) = node else { return };
        if tokio::time::timeout(SHUTDOWN_DEADLINE, node.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("rooms and endpoint took too long to close");
        }
        self.shared.send_modify(|shared| shared.node = None);
    }

    async fn bind(&self, room: &RoomId, to: BindTo) -> Result<Option<String>, RpcError> {
        let bound = match &to {
            BindTo::None => return Ok(None),
            BindTo::Global => "global".to_owned(),
            BindTo::Dir(dir) => dir.to_string_lossy().into_owned(),
        };
        let room = *room;
        self.edit_bindings(move |bindings| bindings.bind(&room, &to))
            .await?;
        Ok(Some(bound))
    }

    async fn edit_bindings(
        &self,
        edit: impl FnOnce(&mut Bindings) -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), RpcError> {
        let home = self.home.clone();
        tokio::task::spawn_blocking(move || {
            let mut bindings = Bindings::load(&home)?;
            edit(&mut bindings)?;
            bindings.store(&home)
        })
        .await
        .map_err(|error| RpcError::new(code::INTERNAL_ERROR, error.to_string()))?
        .map_err(|error| RpcError::new(code::DISK, format!("cannot write bindings.json: {error}")))
    }
}

fn checked_name(name: &str) -> Result<String, RpcError> {
    let name = name.trim();
    if clean_line(name, ROOM_NAME_BYTES_MAX).is_empty() {
        return Err(RpcError::new(
            code::BAD_NAME,
            "a room's name cannot be empty",
        ));
    }
    if name.len() > ROOM_NAME_BYTES_MAX {
        return Err(RpcError::new(
            code::BAD_NAME,
            format!("a room's name has at most {ROOM_NAME_BYTES_MAX} bytes"),
        ));
    }
    Ok(name.to_owned())
}

fn checked_nick(nick: &str) -> Result<String, RpcError> {
    let bad = |what: String| {
        RpcError::new(code::BAD_NAME, what).hint("choose a nick of letters and digits")
    };
    if nick.len() > NICK_BYTES_MAX {
        return Err(bad(format!("a nick has at most {NICK_BYTES_MAX} bytes")));
    }
    clean_nick(nick).ok_or_else(|| bad("nothing of that nick can be shown".to_owned()))
}

fn checked_bind(bind: Option<BindTo>) -> Result<BindTo, RpcError> {
    let Some(BindTo::Dir(dir)) = bind else {
        return Ok(bind.unwrap_or(BindTo::None));
    };
    let failed = |why: &dyn std::fmt::Display| {
        RpcError::new(
            code::CANNOT_BIND,
            format!("cannot bind {}: {why}", dir.display()),
        )
        .hint("name an existing folder with --bind, or --bind none")
    };
    let path = dir.canonicalize().map_err(|error| failed(&error))?;
    if path.is_dir() {
        Ok(BindTo::Dir(path))
    } else {
        Err(failed(&"it is not a folder"))
    }
}

fn checked_relay(relay: &str) -> Result<String, RpcError> {
    let is_url = relay.starts_with("https://") || relay.starts_with("http://");
    if is_url || relay == "none" || relay == "default" {
        return Ok(relay.to_owned());
    }
    Err(RpcError::new(
        code::INVALID_PARAMS,
        "a relay is `none`, `default` or a URL that starts with https://",
    ))
}
