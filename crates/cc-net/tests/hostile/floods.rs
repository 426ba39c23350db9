//! Very many of everything: sessions, messages, chains, branches, acts. Connections are in `../attack/`.

use std::time::Duration;

use cc_net::Room;
use cc_proto::body::{Body, Profile};
use cc_proto::frames::SyncFrame;
use cc_proto::limits::CHAINS_PER_AUTHOR_MAX;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::common::{Machine, chat_texts, wait_for_texts, within};
use crate::peer::{DONE, framed};
use crate::scene::{Scene, speak};

/// Long enough for a loaded machine, and far too short for anybody to be held up.
const SOON: Duration = Duration::from_secs(10);

/// What the others say reaches each other soon, while `flood` lasts and after it.
async fn others_go_on(a: &Room, b: &Room, label: &str, rounds: usize) {
    for k in 0..rounds {
        let began = Instant::now();
        speak(a, &[b], &format!("{label} {k} from a")).await;
        speak(b, &[a], &format!("{label} {k} from b")).await;
        assert!(began.elapsed() < SOON, "{label} {k}: {:?}", began.elapsed());
    }
}

fn assert_nothing_lost(room: &Room, label: &str, rounds: usize) {
    let texts = chat_texts(room);
    let of_label = texts.iter().filter(|text| text.starts_with(label)).count();
    assert_eq!(of_label, 2 * rounds);
}

/// A member who writes as fast as it can, by gossip and by sync at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_floods_holds_nobody_up_and_loses_nothing_of_theirs() {
    let mut scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let mut by_gossip = scene.pen.on_chain(50);
    let flood = scene.pen.chats("flood", 6000);
    let mut session = scene.mallory.enter(&scene.alice, scene.hers.id()).await;
    let mut neighbor = scene.mallory.gossip(&scene.alice, scene.hers.id()).await;
    let by_sync = tokio::spawn(async move {
        for part in flood.chunks(50) {
            let messages = part.to_vec();
            session.send(&SyncFrame::Segment { messages }).await;
        }
        session.send(&SyncFrame::Done).await;
        session.end().await
    });
    let gossiping = tokio::spawn(async move {
        for k in 0..6000 {
            let message = by_gossip.chat(format!("gossip {k}"));
            neighbor.message(&message).await;
        }
        neighbor
    });
    others_go_on(&scene.hers, &his, "meanwhile", 20).await;
    assert_eq!(within("the flood by sync", by_sync).await.unwrap(), DONE);
    let _neighbor = within("the flood by gossip", gossiping).await.unwrap();
    others_go_on(&scene.hers, &his, "afterwards", 5).await;
    for room in [&scene.hers, &his] {
        assert_nothing_lost(room, "meanwhile", 20);
        assert_nothing_lost(room, "afterwards", 5);
    }
    // What was taken of the flood reaches the others as well.
    wait_for_texts(&his, &["flood 5999"]).await;
    bob.node.shutdown().await;
    scene.end().await;
}

/// Ten times as many sessions as one may have: each takes the place of the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_has_one_session_however_many_it_opens() {
    let scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let mut sessions = Vec::new();
    for _ in 0..100 {
        // Those above the bound are closed at once, before anything is said.
        let mut session = scene.mallory.open(&scene.alice).await;
        let bundle = Vec::new();
        let proof = cc_proto::frames::Proof::Member { bundle };
        let hello = crate::peer::hello(scene.hers.id(), proof);
        session.raw(&framed(&hello.encode())).await.ok();
        sessions.push(session);
    }
    others_go_on(&scene.hers, &his, "meanwhile", 5).await;
    let mut ends = JoinSet::new();
    for session in &sessions {
        let connection = session.connection.clone();
        ends.spawn(async move { connection.closed().await });
    }
    within("the end of all but one", async {
        while ends.len() > 1 {
            ends.join_next().await;
        }
    })
    .await;
    bob.node.shutdown().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_chains_only_so_many_are_kept() {
    let scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let lines = scene.lines().await;
    // One chain is there already, that of the join.
    let chains: Vec<_> = (2..)
        .take(2 * CHAINS_PER_AUTHOR_MAX)
        .map(|chain| scene.pen.on_chain(chain).chat(format!("chain {chain}")))
        .collect();
    assert_eq!(scene.mallory.deliver(&scene.alice, &chains).await, DONE);
    let kept = scene.lines().await - lines;
    assert_eq!(kept, CHAINS_PER_AUTHOR_MAX as u64 - 1);
    let last = format!("chain {CHAINS_PER_AUTHOR_MAX}");
    wait_for_texts(&his, &[&last]).await;
    others_go_on(&scene.hers, &his, "afterwards", 3).await;
    // The chain that it has goes on.
    let mut pen = scene.pen.clone();
    let code = scene
        .mallory
        .deliver(&scene.alice, &[pen.chat("mine")])
        .await;
    assert_eq!(code, DONE);
    wait_for_texts(&scene.hers, &["mine"]).await;
    bob.node.shutdown().await;
    scene.end().await;
}

/// A member who changes its nick thousands of times.
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_acts_leave_the_last_one() {
    let mut scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let acts: Vec<_> = (0..3000)
        .map(|k| {
            let nick = format!("nick {k}");
            scene.pen.write(Body::Profile(Profile { nick }))
        })
        .collect();
    let mut session = scene.mallory.enter(&scene.alice, scene.hers.id()).await;
    let flood = tokio::spawn(async move {
        for part in acts.chunks(64) {
            let messages = part.to_vec();
            session.send(&SyncFrame::Segment { messages }).await;
        }
        session.send(&SyncFrame::Done).await;
        session.end().await
    });
    others_go_on(&scene.hers, &his, "meanwhile", 10).await;
    assert_eq!(within("the flood", flood).await.unwrap(), DONE);
    others_go_on(&scene.hers, &his, "afterwards", 3).await;
    let members = scene.hers.status().await.unwrap().members;
    let mallory = members.iter().find(|m| m.author == scene.mallory.id());
    assert_eq!(mallory.unwrap().nick, "nick 2999");
    bob.node.shutdown().await;
    scene.end().await;
}
