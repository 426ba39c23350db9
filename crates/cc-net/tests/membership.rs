//! Who belongs, between real nodes on loopback: doors, removals, the way back, and leaving.

mod common;

use std::time::{Duration, Instant};

use cc_log::{RosterView, Trust};
use cc_net::{
    Draft, InviteOptions, LocalError, People, Room, RoomEvent, RoomState, SendError, StoredMessage,
};
use cc_proto::body::Kind;
use cc_proto::frames::{
    Hello, Proof, Refusal, RoomTag, SYNC_ALPN, SYNC_VERSION, SyncFrame, gossip_topic,
};
use cc_proto::id::{AuthorId, Hash, Timestamp};
use cc_proto::room::Act;
use cc_proto::ticket::Ticket;
use common::{Machine, chat_texts, identity, wait_for_texts, within};
use iroh::endpoint::{Connection, PortmapperConfig, RecvStream, SendStream, presets};
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayMode, SecretKey};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// As the acceptance says: from a peer's own append of the removal.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

async fn people(room: &Room) -> People {
    room.people().await.unwrap()
}

/// Returns once the room's people are as wanted.
async fn wait_for(room: &Room, what: &str, wanted: impl Fn(&People) -> bool) {
    let mut events = room.events();
    let found = async {
        while !wanted(&people(room).await) {
            events.next().await.expect("the room is open");
        }
    };
    within(what, found).await;
}

async fn wait_for_members(room: &Room, count: usize) {
    let what = format!("{count} members at {}", room.nick());
    wait_for(room, &what, |people| people.members.len() == count).await;
}

fn is_former(people: &People, who: AuthorId) -> bool {
    people.former.iter().any(|former| former.author == who)
}

/// Tries to join, and gives why the door stayed closed.
async fn refusal(machine: &Machine, ticket: Ticket) -> Refusal {
    let room = machine.node.join_room(ticket, "knocking").await.unwrap();
    let mut events = room.events();
    let refused = async {
        loop {
            let event = events.next().await.expect("the room is open");
            if let RoomEvent::Core(cc_proto::room::RoomEvent::DoorClosed { refusal, .. }) = event {
                return refusal;
            }
        }
    };
    let refusal = within("the door", refused).await;
    assert_eq!(room.status().await.unwrap().state, RoomState::Joining);
    refusal
}

async fn remove(room: &Room, member: AuthorId) {
    let act = Act::Remove {
        member,
        keep_invite: false,
    };
    room.act(act).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_for_one_lets_one_in() {
    let (alice, bob, carol) = (
        Machine::start(1).await,
        Machine::start(2).await,
        Machine::start(3).await,
    );
    let hers = alice.create("planning").await;
    let options = InviteOptions {
        uses_max: Some(1),
        note: "for bob".to_owned(),
        ..InviteOptions::default()
    };
    let invite = hers.invite(options).await.unwrap();
    assert_eq!(invite.ticket.name, "planning");
    assert!(!invite.ticket.addresses.is_empty());
    let his = bob
        .node
        .join_room(invite.ticket.clone(), "bob")
        .await
        .unwrap();
    within("bob is let in", his.joined()).await.unwrap();
    assert_eq!(refusal(&carol, invite.ticket).await, Refusal::UsedUp);
    let listed = people(&hers).await.invites;
    let listed = listed.iter().find(|it| it.key == invite.key).unwrap();
    assert_eq!((listed.used, listed.note.as_str()), (1, "for bob"));
    let people = people(&hers).await;
    let bobs = people.members.iter().find(|it| it.author == bob.node.id());
    let bobs = bobs.unwrap();
    assert_eq!(
        (bobs.invites.as_slice(), bobs.doors.as_slice()),
        ([invite.key].as_slice(), [alice.node.id()].as_slice())
    );
    assert!(!bobs.me && !bobs.root && !bobs.admin && !bobs.over);
    for machine in [alice, bob, carol] {
        machine.node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_or_revoked_invite_lets_nobody_in_and_says_why() {
    let (alice, bob, carol) = (
        Machine::start(1).await,
        Machine::start(2).await,
        Machine::start(3).await,
    );
    let hers = alice.create("planning").await;
    let expired = InviteOptions {
        expires: Some(Timestamp(1)),
        ..InviteOptions::default()
    };
    let expired = hers.invite(expired).await.unwrap();
    assert_eq!(refusal(&bob, expired.ticket).await, Refusal::Expired);
    let revoked = hers.invite(InviteOptions::default()).await.unwrap();
    let act = Act::Revoke {
        invite: revoked.key,
    };
    hers.act(act).await.unwrap();
    assert_eq!(refusal(&carol, revoked.ticket).await, Refusal::Revoked);
    let again = hers.act(Act::Revoke {
        invite: cc_proto::id::InviteKey::from_bytes([7; 32]),
    });
    assert!(matches!(again.await, Err(SendError::Draft(_))));
    for machine in [alice, bob, carol] {
        machine.node.shutdown().await;
    }
}

/// What a peer that speaks by hand holds of one machine.
struct Held {
    sync: (SendStream, RecvStream),
    connections: [Connection; 2],
}

async fn bare_endpoint(seed: u8) -> Endpoint {
    Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .portmapper_config(PortmapperConfig::Disabled)
        .clear_ip_transports()
        .bind_addr("127.0.0.1:0")
        .unwrap()
        .secret_key(SecretKey::from_bytes(identity(seed).seed()))
        .bind()
        .await
        .unwrap()
}

/// A sync session past its welcome, which this side then leaves open, and a gossip neighbour.
async fn hold(endpoint: &Endpoint, machine: &Machine, room: &Room) -> Held {
    let id = EndpointId::from_bytes(machine.node.id().as_bytes()).unwrap();
    let address = EndpointAddr::new(id).with_ip_addr(machine.address());
    let tag = RoomTag::of(&room.id());
    let dial = endpoint.connect(address.clone(), SYNC_ALPN);
    let sync = within("a sync connection", dial).await.unwrap();
    let (mut send, mut receive) = sync.open_bi().await.unwrap();
    let hello = Hello {
        version: SYNC_VERSION,
        tag,
        proof: Proof::Member { bundle: Vec::new() },
        digest: Hash::of(b"nothing"),
    };
    let hello = SyncFrame::Hello(hello).encode();
    let len = u32::try_from(hello.len()).unwrap().to_le_bytes();
    send.write_all(&[&len[..], &hello].concat()).await.unwrap();
    let mut len = [0; 4];
    within("the welcome", receive.read_exact(&mut len))
        .await
        .unwrap();
    let mut frame = vec![0; u32::from_le_bytes(len) as usize];
    within("the welcome", receive.read_exact(&mut frame))
        .await
        .unwrap();
    assert!(matches!(
        SyncFrame::decode(&frame),
        Ok(SyncFrame::Welcome { .. })
    ));
    let alpn = tag.gossip_alpn();
    let dial = endpoint.connect(address, &alpn);
    let gossip = within("a gossip connection", dial).await.unwrap();
    let mut stream = gossip.open_uni().await.unwrap();
    // A frame is its length, big-endian, and postcard: the topic, then Swarm(Join(None)).
    let topic = [&32u32.to_be_bytes()[..], &gossip_topic(&room.id())].concat();
    let join = [&3u32.to_be_bytes()[..], &[0, 0, 0]].concat();
    stream.write_all(&[topic, join].concat()).await.unwrap();
    within("a neighbour", async {
        while room.status().await.unwrap().gossip.neighbors == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Kept open: a reset would make the stream's end a close.
    tokio::spawn(async move { stream.stopped().await.ok() });
    Held {
        sync: (send, receive),
        connections: [sync, gossip],
    }
}

/// Fires when the machine has stored the removal.
fn removal_stored(room: &Room) -> oneshot::Receiver<Instant> {
    let (stored, when) = oneshot::channel();
    let mut events = room.events();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let RoomEvent::Message(message) = &event
                && is_remove(message)
            {
                stored.send(Instant::now()).ok();
                return;
            }
        }
    });
    when
}

/// When the last of its connections was closed, whatever the test waits for meanwhile.
fn all_closed(held: &Held) -> JoinHandle<Instant> {
    let connections = held.connections.clone();
    tokio::spawn(async move {
        for connection in &connections {
            connection.closed().await;
        }
        Instant::now()
    })
}

fn is_remove(stored: &StoredMessage) -> bool {
    stored.message.kind() == Kind::Remove
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_is_dropped_at_once_everywhere_and_hears_nothing_more() {
    let (alice, carol) = (Machine::start(1).await, Machine::start(3).await);
    let hers = alice.create("planning").await;
    let third = carol.join(&hers).await;
    wait_for_members(&hers, 2).await;
    let bob = Machine::start_without_gossip(2).await;
    let his = bob.join(&hers).await;
    his.send(Draft::text("before")).await.unwrap();
    for room in [&hers, &third] {
        wait_for_texts(room, &["before"]).await;
    }
    let (bob_id, bobs) = (bob.node.id(), bob.stop().await);
    let endpoint = bare_endpoint(2).await;
    let mut held = [
        hold(&endpoint, &alice, &hers).await,
        hold(&endpoint, &carol, &third).await,
    ];
    let stored = [removal_stored(&hers), removal_stored(&third)];
    let ends = [all_closed(&held[0]), all_closed(&held[1])];
    remove(&hers, bob_id).await;
    hers.send(Draft::text("after")).await.unwrap();
    wait_for_texts(&third, &["after"]).await;
    for ((held, stored), ended) in held.iter_mut().zip(stored).zip(ends) {
        let stored = within("the removal", stored).await.unwrap();
        let ended = within("the close", ended).await.unwrap();
        let passed = ended.saturating_duration_since(stored);
        assert!(passed < CLOSED_WITHIN, "{passed:?}");
        // What came before the close is at most what was said before the removal.
        let mut rest = Vec::new();
        while let Ok(Some(chunk)) = held.sync.1.read_chunk(1 << 16).await {
            rest.extend_from_slice(&chunk);
        }
        let said = |text: &str| rest.windows(text.len()).any(|it| it == text.as_bytes());
        assert!(!said("after"), "a later message reached the removed member");
    }
    for room in [&hers, &third] {
        let people = people(room).await;
        assert!(is_former(&people, bob_id) && people.members.len() == 2);
        assert_eq!(chat_texts(room), ["before", "after"]);
        let view = RosterView::load(room.dir()).unwrap().unwrap();
        assert!(view.member(&bob_id).is_none());
        assert!(view.cuts.iter().any(|cut| cut.author == bob_id));
    }
    endpoint.close().await;
    // The machine that was not there when it happened asks, and is turned away.
    let bob = bobs.start().await;
    let his = bob.node.room(&hers.id()).unwrap();
    his.send(Draft::text("too late")).await.unwrap();
    let mut events = his.events();
    within("the door", async {
        while let Some(event) = events.next().await {
            if let RoomEvent::Core(cc_proto::room::RoomEvent::DoorClosed { .. }) = event {
                return;
            }
        }
    })
    .await;
    assert_eq!(chat_texts(&hers), ["before", "after"]);
    for machine in [alice, bob, carol] {
        machine.node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_is_an_invite_that_says_so() {
    let (alice, bob, carol) = (
        Machine::start(1).await,
        Machine::start(2).await,
        Machine::start(3).await,
    );
    let hers = alice.create("planning").await;
    let old = hers.ticket().await.unwrap();
    let his = bob.join(&hers).await;
    let third = carol.join(&hers).await;
    let mut bobs_own = his.invite(InviteOptions::default()).await.unwrap().ticket;
    // His own door may be open for as long as he has not heard.
    bobs_own.addresses.retain(|it| it.id != bob.node.id());
    his.send(Draft::text("before")).await.unwrap();
    for room in [&hers, &third] {
        wait_for_texts(room, &["before"]).await;
        wait_for_members(room, 3).await;
    }
    remove(&hers, bob.node.id()).await;
    for room in [&hers, &third] {
        wait_for_members(room, 2).await;
        let people = people(room).await;
        assert!(people.former.iter().any(|it| it.removed));
    }
    // Neither a fresh key by the old ticket nor by an invite that he made, nor he by another one.
    let fresh = Machine::start(4).await;
    assert_eq!(refusal(&fresh, old).await, Refusal::Revoked);
    assert!(
        hers.ticket().await.is_err(),
        "a ticket that lets nobody in is not handed out"
    );
    let fresher = Machine::start(5).await;
    assert_eq!(refusal(&fresher, bobs_own).await, Refusal::Revoked);
    let plain = hers.invite(InviteOptions::default()).await.unwrap();
    let again = bob.node.join_room(plain.ticket, "bob").await.unwrap();
    let mut events = again.events();
    within("the door", async {
        while let Some(event) = events.next().await {
            if let RoomEvent::Core(cc_proto::room::RoomEvent::DoorClosed { refusal, .. }) = event
                && refusal == Refusal::Removed
            {
                return;
            }
        }
    })
    .await;
    let back = InviteOptions {
        back: Some(bob.node.id()),
        ..InviteOptions::default()
    };
    let back = hers.invite(back).await.unwrap();
    let again = bob.node.join_room(back.ticket, "bob").await.unwrap();
    wait_for_members(&hers, 3).await;
    within("bob is back", again.joined()).await.unwrap();
    wait_for_members(&again, 3).await;
    again.send(Draft::text("back again")).await.unwrap();
    for room in [&hers, &third] {
        wait_for_texts(room, &["before", "back again"]).await;
        assert_eq!(people(room).await.former, []);
    }
    assert_eq!(again.status().await.unwrap().state, RoomState::Open);
    for machine in [alice, bob, carol, fresh, fresher] {
        machine.node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_gone_and_may_come_again() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    his.send(Draft::text("so long")).await.unwrap();
    wait_for_texts(&hers, &["so long"]).await;
    wait_for_members(&hers, 2).await;
    let id = his.id();
    let dir = his.dir().to_owned();
    let left = bob.node.leave(id).await.unwrap();
    assert!(left.sent.is_some() && left.told, "{left:?}");
    wait_for_members(&hers, 1).await;
    let former = people(&hers).await.former;
    assert!(former[0].left && !former[0].removed);
    assert!(his.send(Draft::text("too late")).await.is_err());
    assert!(bob.node.room(&id).is_none() && dir.join("log.jsonl").exists());
    // A restart does not open it again; a ticket does.
    let bob = bob.stop().await.start().await;
    assert!(bob.node.rooms().is_empty() && bob.node.closed_rooms().is_empty());
    let his = bob.join(&hers).await;
    his.send(Draft::text("hello again")).await.unwrap();
    wait_for_texts(&hers, &["so long", "hello again"]).await;
    wait_for_members(&hers, 2).await;
    let bob = bob.stop().await.start().await;
    assert!(bob.node.room(&id).is_some());
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

/// Nothing but a sync carries the word, and the one by which they came may still be under way.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_at_once_and_without_gossip_is_told_of() {
    let alice = Machine::start(1).await;
    let hers = alice.create("planning").await;
    for seed in 2..6 {
        let bob = Machine::start_without_gossip(seed).await;
        let his = bob.join(&hers).await;
        let left = bob.node.leave(his.id()).await.unwrap();
        assert!(left.sent.is_some() && left.told, "{left:?}");
        wait_for_members(&hers, 1).await;
        assert!(is_former(&people(&hers).await, bob.node.id()));
        bob.node.shutdown().await;
    }
    alice.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_with_nobody_there_ends_soon_and_says_so() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    wait_for_members(&his, 2).await;
    let id = hers.id();
    let _alice = alice.stop().await;
    let left = within("leaving", bob.node.leave(id)).await.unwrap();
    assert!(left.sent.is_some() && !left.told, "{left:?}");
    assert!(matches!(
        bob.node.leave(id).await,
        Err(cc_net::LeaveError::NoRoom)
    ));
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn petnames_and_trust_stay_on_this_machine() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    let bob_id = bob.node.id();
    hers.set_petname(bob_id, Some("bobby".to_owned()))
        .await
        .unwrap();
    hers.set_trust(bob_id, Trust::Notice).await.unwrap();
    let bad = hers.set_petname(bob_id, Some("\u{1b}[31m".to_owned()));
    assert!(matches!(bad.await, Err(LocalError::InvalidName { .. })));
    let stranger = AuthorId::from_bytes([9; 32]);
    assert!(matches!(
        hers.set_trust(stranger, Trust::Muted).await,
        Err(LocalError::UnknownPerson)
    ));
    let id = hers.id();
    let alice = alice.stop().await.start().await;
    let hers = alice.node.room(&id).unwrap();
    let view = RosterView::load(hers.dir()).unwrap().unwrap();
    let shown = view.member(&bob_id).unwrap();
    assert_eq!(
        (shown.petname.as_deref(), shown.trust),
        (Some("bobby"), Trust::Notice)
    );
    let listed = people(&hers).await.members;
    let listed = listed.iter().find(|it| it.author == bob_id).unwrap();
    assert_eq!(listed.petname.as_deref(), Some("bobby"));
    assert!(
        people(&his)
            .await
            .members
            .iter()
            .all(|it| it.petname.is_none())
    );
    hers.set_petname(bob_id, None).await.unwrap();
    let view = RosterView::load(hers.dir()).unwrap().unwrap();
    assert_eq!(view.member(&bob_id).unwrap().petname, None);
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retracted_message_is_erased_at_both_ends() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    let said = his
        .send(Draft::text("the password is swordfish"))
        .await
        .unwrap();
    his.send(Draft::text("oops")).await.unwrap();
    wait_for_texts(&hers, &["the password is swordfish", "oops"]).await;
    let header = {
        let reader = his.reader().unwrap();
        reader
            .line(said.n)
            .unwrap()
            .message
            .unwrap()
            .header()
            .clone()
    };
    his.act(Act::Retract {
        author: header.author,
        chain: header.chain,
        seq: header.seq,
        message: said.id,
    })
    .await
    .unwrap();
    his.send(Draft::text("where were we?")).await.unwrap();
    for room in [&hers, &his] {
        wait_for_texts(room, &["oops", "where were we?"]).await;
        assert_eq!(chat_texts(room), ["oops", "where were we?"]);
        let log = std::fs::read_to_string(room.dir().join("log.jsonl")).unwrap();
        assert!(!log.contains("swordfish"));
    }
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_does_not_open_is_named_with_its_cause() {
    let alice = Machine::start(1).await;
    let hers = alice.create("planning").await;
    let (id, dir) = (hers.id(), hers.dir().to_owned());
    let stopped = alice.stop().await;
    std::fs::remove_dir_all(&dir).unwrap();
    std::fs::create_dir(&dir).unwrap();
    let alice = stopped.start().await;
    let closed = alice.node.closed_rooms();
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].id, id);
    assert!(closed[0].error.contains("holds no room"), "{:?}", closed[0]);
    alice.node.shutdown().await;
}
