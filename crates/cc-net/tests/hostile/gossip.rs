//! Neighbours that do not read, or send what no gossip sends.

use std::time::Duration;

use cc_net::{Draft, GossipState, Room};
use cc_proto::frames::GossipFrame;
use cc_proto::id::{AuthorId, ChainId, Head, MessageId, Seq};
use cc_proto::limits::{GOSSIP_FRAME_BYTES_MAX, HEIGHTS_PER_FRAME_MAX};
use cc_proto::room::MisbehaviourKind;

use crate::common::{Machine, chat_texts, wait_for_texts, within};
use crate::peer::{HostilePeer, gossip_framed};
use crate::scene::{Scene, speak, wait_for_refusal};

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
    let frozen = HostilePeer::start(3).await;
    let held = frozen.gossip(&alice, hers.id()).await;
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
    within("the close of what stalled", held.connection.closed()).await;
    hers.send(Draft::text("the last word")).await.unwrap();
    wait_for_texts(&his, &["the last word"]).await;
    within("all of them", async {
        while chat_texts(&his).len() < count + 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    frozen.endpoint.close().await;
    bob.node.shutdown().await;
    alice.node.shutdown().await;
}

/// A frame longer than gossip takes ends the stream it came on, and nobody else notices.
#[tokio::test(flavor = "multi_thread")]
async fn an_oversize_gossip_frame_ends_its_own_stream_alone() {
    let mut scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let room = scene.hers.id();
    for too_long in [u32::try_from(GOSSIP_FRAME_BYTES_MAX + 1).unwrap(), u32::MAX] {
        let mut neighbor = scene.mallory.gossip(&scene.alice, room).await;
        neighbor.raw(&too_long.to_be_bytes()).await;
        let stopped = within("the end of the stream", neighbor.stream.stopped()).await;
        assert!(
            !matches!(stopped, Ok(None)),
            "the stream was read to its end"
        );
    }
    // One that fits, full of what is no frame of ours.
    let mut events = scene.hers.events();
    let mut neighbor = scene.mallory.gossip(&scene.alice, room).await;
    neighbor.say(&vec![7; GOSSIP_FRAME_BYTES_MAX - 128]).await;
    wait_for_refusal(&mut events, MisbehaviourKind::GarbledFrame).await;
    neighbor.message(&scene.pen.chat("by gossip")).await;
    wait_for_texts(&scene.hers, &["by gossip"]).await;
    wait_for_texts(&his, &["by gossip"]).await;
    speak(&scene.hers, &[&his], "still here").await;
    assert_eq!(scene.hers.status().await.unwrap().gossip.rebuilds, 0);
    bob.node.shutdown().await;
    scene.end().await;
}

/// What is no gossip at all ends the connection or is passed over.
#[tokio::test(flavor = "multi_thread")]
async fn noise_in_gossip_changes_nothing() {
    let scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let lines = scene.lines().await;
    let room = scene.hers.id();
    for noise in [
        gossip_framed(&[]),
        gossip_framed(&[0xff; 200]),
        gossip_framed(&[1, 3, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        // A frame that is announced and does not come.
        200u32.to_be_bytes().to_vec(),
    ] {
        let mut neighbor = scene.mallory.gossip(&scene.alice, room).await;
        neighbor.raw(&noise).await;
        neighbor.stream.finish().unwrap();
        within("the end", neighbor.stream.stopped()).await.ok();
    }
    // A topic that is not the room's.
    let elsewhere = scene.mallory.gossip(&scene.alice, room).await;
    let mut stream = elsewhere.connection.open_uni().await.unwrap();
    let topic = gossip_framed(&[9; 32]);
    let join = gossip_framed(&[0, 0, 0]);
    stream.write_all(&[topic, join].concat()).await.unwrap();
    speak(&scene.hers, &[&his], "still here").await;
    speak(&his, &[&scene.hers], "so am I").await;
    assert_eq!(scene.lines().await, lines + 2);
    assert_eq!(scene.hers.status().await.unwrap().gossip.rebuilds, 0);
    bob.node.shutdown().await;
    scene.end().await;
}

/// Heights of what there is none of make us ask whoever told them, in moderation.
#[tokio::test(flavor = "multi_thread")]
async fn heights_of_nothing_cost_nobody_else_anything() {
    let scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let mut neighbor = scene.mallory.gossip(&scene.alice, scene.hers.id()).await;
    let heights = |round: u64| {
        let heads = (0..HEIGHTS_PER_FRAME_MAX as u64).map(|k| Head {
            author: AuthorId::from_bytes([k as u8; 32]),
            chain: ChainId(1),
            seq: Seq(round * 1000 + k),
            id: MessageId::from_bytes([9; 32]),
        });
        GossipFrame::Heights(heads.collect()).encode()
    };
    for round in 0..200 {
        neighbor.say(&heights(round)).await;
    }
    let lines = scene.lines().await;
    for k in 0..10 {
        speak(&his, &[&scene.hers], &format!("to alice {k}")).await;
        speak(&scene.hers, &[&his], &format!("to bob {k}")).await;
    }
    assert_eq!(scene.lines().await, lines + 20);
    bob.node.shutdown().await;
    scene.end().await;
}
