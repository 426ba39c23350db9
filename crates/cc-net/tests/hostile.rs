//! Peers that do not follow the protocol: noise, outsiders, and members that do not read.

mod common;

use std::time::Duration;

use cc_net::{Draft, GossipState, Room};
use cc_proto::frames::{
    Hello, Proof, RoomTag, SYNC_ALPN, SYNC_VERSION, SyncFrame, gossip_topic, refusal_frame,
};
use cc_proto::id::{AuthorId, Hash, RoomId};
use cc_proto::limits::HELLO_BYTES_MAX;
use common::{Machine, chat_texts, identity, wait_for_texts, within};
use iroh::endpoint::{Connection, ConnectionError, PortmapperConfig, QuicTransportConfig, presets};
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayMode, SecretKey};

/// A bare endpoint of the machine with that seed.
async fn endpoint(seed: u8) -> Endpoint {
    let small = QuicTransportConfig::builder()
        .stream_receive_window(4096u32.into())
        .build();
    Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .portmapper_config(PortmapperConfig::Disabled)
        .clear_ip_transports()
        .bind_addr("127.0.0.1:0")
        .unwrap()
        .secret_key(SecretKey::from_bytes(identity(seed).seed()))
        .transport_config(small)
        .bind()
        .await
        .unwrap()
}

fn address(of: &Machine) -> EndpointAddr {
    let id = EndpointId::from_bytes(of.node.id().as_bytes()).unwrap();
    EndpointAddr::new(id).with_ip_addr(of.address())
}

async fn dial(from: &Endpoint, to: &Machine, alpn: &[u8]) -> Connection {
    within("a connection", from.connect(address(to), alpn))
        .await
        .unwrap()
}

fn framed(frame: &[u8]) -> Vec<u8> {
    [
        &u32::try_from(frame.len()).unwrap().to_le_bytes()[..],
        frame,
    ]
    .concat()
}

/// Sends bytes as a dialer would; gives all that came back and how the connection was closed.
async fn talk(from: &Endpoint, to: &Machine, bytes: &[u8], finish: bool) -> (Vec<u8>, String) {
    let connection = dial(from, to, SYNC_ALPN).await;
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(bytes).await.unwrap();
    if finish {
        send.finish().unwrap();
    }
    let mut answer = Vec::new();
    while let Ok(Some(chunk)) = within("an answer", receive.read_chunk(1 << 16)).await {
        answer.extend_from_slice(&chunk);
    }
    let closed = within("the close", connection.closed()).await;
    let ConnectionError::ApplicationClosed(closed) = closed else {
        panic!("{closed}")
    };
    (answer, closed.to_string())
}

fn hello(room: RoomId) -> Vec<u8> {
    let hello = Hello {
        version: SYNC_VERSION,
        tag: RoomTag::of(&room),
        proof: Proof::Member { bundle: Vec::new() },
        digest: Hash::of(b"nothing"),
    };
    framed(&SyncFrame::Hello(hello).encode())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outsider_cannot_tell_a_room_from_none() {
    let alice = Machine::start(1).await;
    let room = alice.create("planning").await;
    let mallory = endpoint(66).await;
    let of_a_room = talk(&mallory, &alice, &hello(room.id()), false).await;
    let of_none = talk(&mallory, &alice, &hello(RoomId::from_bytes([9; 32])), false).await;
    assert_eq!(of_a_room.0, framed(&refusal_frame()));
    assert_eq!(of_a_room, of_none);
    assert_eq!(room.status().await.unwrap().members.len(), 1);
    mallory.close().await;
    alice.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_is_closed_and_harms_nobody() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    let lines = hers.status().await.unwrap().lines;
    let mallory = endpoint(66).await;
    let too_long = u32::try_from(HELLO_BYTES_MAX + 1).unwrap().to_le_bytes();
    let cut = &hello(hers.id())[..20];
    for noise in [
        &b""[..],
        &[0xff; 4096],
        &too_long,
        cut,
        &framed(b""),
        &framed(&[7; 300]),
    ] {
        talk(&mallory, &alice, noise, true).await;
    }
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for len in [0, 1, 20, 1200, 1500] {
        for first in [0x00, 0x40, 0xc3, 0xff] {
            socket
                .send_to(&vec![first; len], alice.address())
                .await
                .unwrap();
        }
    }
    his.send(Draft::text("still there?")).await.unwrap();
    wait_for_texts(&hers, &["still there?"]).await;
    assert_eq!(hers.status().await.unwrap().lines, lines + 1);
    mallory.close().await;
    bob.node.shutdown().await;
    alice.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_says_nothing_is_let_go() {
    let alice = Machine::start(1).await;
    let mallory = endpoint(66).await;
    let silent = dial(&mallory, &alice, SYNC_ALPN).await;
    let (mut send, _receive) = silent.open_bi().await.unwrap();
    send.write_all(&[9]).await.unwrap();
    let closed = within("the close", silent.closed()).await;
    assert!(
        matches!(closed, ConnectionError::ApplicationClosed(_)),
        "{closed}"
    );
    mallory.close().await;
    alice.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_is_closed_to_outsiders_in_both_directions() {
    let alice = Machine::start(1).await;
    let room = alice.create("planning").await;
    let mallory = endpoint(66).await;
    let alpn = RoomTag::of(&room.id()).gossip_alpn();
    let connection = dial(&mallory, &alice, &alpn).await;
    let ConnectionError::ApplicationClosed(closed) = within("the close", connection.closed()).await
    else {
        panic!("a close by the application")
    };
    assert_eq!(closed.error_code, 1u32.into());
    assert_eq!(room.status().await.unwrap().gossip.neighbors, 0);
    let unknown = RoomTag::of(&RoomId::from_bytes([9; 32])).gossip_alpn();
    let refused = within("the refusal", mallory.connect(address(&alice), &unknown)).await;
    assert!(refused.is_err());
    mallory.close().await;
    alice.node.shutdown().await;
}

/// Becomes a neighbour by hand and then never reads.
async fn neighbor_that_never_reads(member: &Endpoint, of: &Machine, room: &Room) -> Connection {
    let connection = dial(member, of, &RoomTag::of(&room.id()).gossip_alpn()).await;
    let mut stream = connection.open_uni().await.unwrap();
    // A frame is its length, big-endian, and postcard: the topic, then Swarm(Join(None)).
    let topic = [&32u32.to_be_bytes()[..], &gossip_topic(&room.id())].concat();
    let join = [&3u32.to_be_bytes()[..], &[0, 0, 0]].concat();
    stream.write_all(&[topic, join].concat()).await.unwrap();
    // Kept open: a reset would make the stream's end a close.
    tokio::spawn(async move {
        stream.stopped().await.ok();
    });
    connection
}

async fn online(room: &Room, peer: AuthorId) -> bool {
    let status = room.status().await.unwrap();
    status
        .members
        .iter()
        .any(|member| member.author == peer && member.online)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_never_reads_holds_nobody_up() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    // Carol becomes a member and goes; her key comes back without a program that reads.
    let carol = Machine::start_without_gossip(3).await;
    carol.join(&hers).await;
    let carol_id = carol.node.id();
    carol.stop().await;
    let frozen = endpoint(3).await;
    let held = neighbor_that_never_reads(&frozen, &alice, &hers).await;
    within("carol to look online", async {
        while !(online(&hers, carol_id).await && hers.status().await.unwrap().gossip.neighbors > 0)
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let text = "x".repeat(8 * 1024);
    let mut count = 0;
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    within("gossip to be built anew", async {
        while hers.status().await.unwrap().gossip.rebuilds == 0 {
            let sent = tokio::time::Instant::now();
            hers.send(Draft::text(format!("{count} {text}")))
                .await
                .unwrap();
            assert!(
                sent.elapsed() < Duration::from_secs(5),
                "a send was held up"
            );
            count += 1;
            ticks.tick().await;
        }
    })
    .await;
    assert_ne!(hers.status().await.unwrap().gossip.state, GossipState::Off);
    assert!(
        held.close_reason().is_some(),
        "the connection that stalled was closed"
    );
    hers.send(Draft::text("the last word")).await.unwrap();
    wait_for_texts(&his, &["the last word"]).await;
    within("all of them", async {
        while chat_texts(&his).len() < count + 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    frozen.close().await;
    bob.node.shutdown().await;
    alice.node.shutdown().await;
}
