//! Setting a room going: its thread, its tasks, its place at the gate.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use cc_proto::frames::{RoomTag, gossip_topic};
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::driver::{Driver, Pulse};
use super::inbox::RoomInbox;
use super::thread::{Face, RoomThread};
use super::{Room, Shared};
use crate::engine::RoomEngine;
use crate::files::{Book, FilesConfig, Keeper};
use crate::gate::{BLOBS_BOUNDS, CLOSED, GOSSIP_BOUNDS};
use crate::gossip::{GossipConfig, GossipSupervisor};
use crate::node::Net;
use crate::tuning::{ROOM_DIALS_QUEUE_MAX, ROOM_EVENTS_MAX};

/// Starts an opened room. It is reachable by others once it is in the table of `net`.
///
/// # Errors
/// When no thread can be started.
pub fn start_room(
    net: &Arc<Net>,
    (engine, book): (RoomEngine, Book),
    epoch: Instant,
    tasks: &mut JoinSet<()>,
    cancelled: &CancellationToken,
) -> std::io::Result<Room> {
    let (id, dir) = (engine.log().room(), engine.dir().to_path_buf());
    let tag = RoomTag::of(&id);
    let span = tracing::info_span!("room", room = %id.short());
    let (inbox, received) = RoomInbox::new();
    let gossip_max = if net.options.gossip {
        GOSSIP_BOUNDS
    } else {
        CLOSED
    };
    net.gate.open_room(&tag.gossip_alpn(), id, gossip_max);
    net.gate.open_room(&tag.blobs_alpn(), id, BLOBS_BOUNDS);
    let gossip = net.options.gossip.then(|| {
        let config = GossipConfig {
            alpn: tag.gossip_alpn(),
            topic: gossip_topic(&id),
        };
        GossipSupervisor::new(config, net.clone(), inbox.clone())
    });
    let (supervisor, gossip) = gossip.unzip();
    let (dials, dials_wanted) = mpsc::channel(ROOM_DIALS_QUEUE_MAX);
    let (events, _) = broadcast::channel(ROOM_EVENTS_MAX);
    let (pulse, pulse_seen) = watch::channel(Pulse::default());
    let (face, face_seen) = watch::channel(Face::default());
    let weak_events = events.downgrade();
    let config = FilesConfig {
        dir: dir.clone(),
        alpn: tag.blobs_alpn(),
        inbox: inbox.clone(),
        events: weak_events.clone(),
    };
    let (keeper, files) = Keeper::new(config, net, book, events.subscribe());
    let stopping = Arc::new(AtomicBool::new(false));
    let mut thread = RoomThread {
        engine,
        net: net.clone(),
        alpns: [tag.gossip_alpn(), tag.blobs_alpn()],
        gossip: gossip.clone(),
        inbox: received,
        dials,
        events,
        pulse,
        face,
        stopping: stopping.clone(),
        sessions: HashMap::new(),
        members: BTreeSet::new(),
        waiting: HashMap::new(),
        last_token: 0,
        neighbors: BTreeSet::new(),
        next_inputs: Vec::new(),
        epoch,
    };
    // Before the handle is out: it shows the name and the state from the first moment.
    thread.roster_changed();
    let thread_span = span.clone();
    let thread = std::thread::Builder::new()
        .name(format!("room-{}", id.short()))
        .spawn(move || thread_span.in_scope(|| thread.run()))?;
    let network_changed = Arc::new(Notify::new());
    let driver = Driver {
        net: net.clone(),
        inbox: inbox.clone(),
        pulse: pulse_seen.clone(),
        dials: dials_wanted,
        network_changed: network_changed.clone(),
    };
    let cancelled = cancelled.child_token();
    tasks.spawn(driver.run(cancelled.clone()).instrument(span.clone()));
    tasks.spawn(keeper.run(cancelled.clone()).instrument(span.clone()));
    if let Some(supervisor) = supervisor {
        tasks.spawn(supervisor.run(cancelled.clone()).instrument(span));
    }
    let shared = Shared {
        id,
        tag,
        dir,
        net: Arc::downgrade(net),
        inbox,
        gossip,
        files,
        events: weak_events,
        face: face_seen,
        pulse: pulse_seen,
        network_changed,
        stopping,
        cancelled,
        thread: Mutex::new(Some(thread)),
    };
    let room = Room {
        shared: Arc::new(shared),
    };
    net.insert_room(room.clone());
    Ok(room)
}
