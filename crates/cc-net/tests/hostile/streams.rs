//! Streams that are too long, too slow, half open or out of order.

use std::time::Duration;

use cc_net::Draft;
use cc_net::tuning::{FIRST_FRAME_TIMEOUT, FRAME_GRACE, SESSION_IDLE_TIMEOUT};
use cc_proto::frames::{Proof, SyncFrame};
use cc_proto::id::{ChainId, Hash, Head, MessageId, Seq};
use cc_proto::limits::{
    HEADS_MAX, HEADS_PER_FRAME_MAX, HELLO_BYTES_MAX, LOCATOR_PLACES_MAX, SYNC_FRAME_BYTES_MAX,
};
use tokio::time::Instant;

use crate::common::{Machine, wait_for_texts, within};
use crate::peer::{
    BROKEN, DONE, HostilePeer, MISBEHAVED, SLOW_TO_TELL, TOO_SLOW, closed, framed, hello,
};
use crate::scene::{Scene, speak};

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap().to_le_bytes()
}

fn member() -> Proof {
    Proof::Member { bundle: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_lengths_end_the_connection_before_a_byte_of_them_is_read() {
    let scene = Scene::new().await;
    for too_long in [length(HELLO_BYTES_MAX + 1), [0xff; 4]] {
        let answer = scene.mallory.talk(&scene.alice, &too_long, false).await;
        assert_eq!((answer.bytes.len(), answer.code), (0, BROKEN));
    }
    for too_long in [length(SYNC_FRAME_BYTES_MAX + 1), [0xff; 4]] {
        let mut session = scene.mallory.enter(&scene.alice, scene.hers.id()).await;
        session.raw(&too_long).await.unwrap();
        assert_eq!(closed(&session.connection).await.0, BROKEN);
    }
    // Lengths within a frame: the greatest number there is, of heads, places, messages, addresses.
    let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    for kind in [3u8, 6, 7] {
        let mut session = scene.mallory.enter(&scene.alice, scene.hers.id()).await;
        session
            .raw(&framed(&[&[kind][..], &most].concat()))
            .await
            .ok();
        assert_eq!(session.end().await, MISBEHAVED, "{kind}");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_out_of_turn_end_the_session() {
    let scene = Scene::new().await;
    let (room, me) = (scene.hers.id(), scene.mallory.id());
    let digest = Hash::of(b"");
    let heads = |more| SyncFrame::Heads {
        heads: Vec::new(),
        more,
    };
    let locator = |places| SyncFrame::Locator {
        author: me,
        chain: ChainId(1),
        places: vec![(Seq(1), MessageId::from_bytes([1; 32])); places],
    };
    let welcome = SyncFrame::Welcome {
        bundle: Vec::new(),
        digest,
    };
    let refused = SyncFrame::Refused(cc_proto::frames::Refusal::Busy);
    // Where messages go over.
    for frames in [
        vec![hello(room, member())],
        vec![welcome.clone()],
        vec![refused.clone()],
        vec![heads(false)],
        vec![SyncFrame::Asked],
        vec![locator(1)],
        vec![locator(LOCATOR_PLACES_MAX + 1)],
    ] {
        let mut session = scene.mallory.enter(&scene.alice, room).await;
        for frame in &frames {
            session.send(frame).await;
        }
        assert_eq!(session.end().await, MISBEHAVED, "{frames:?}");
    }
    // Where heads are awaited.
    for frame in [
        hello(room, member()),
        welcome,
        refused,
        heads(true),
        SyncFrame::Asked,
        SyncFrame::Done,
        SyncFrame::Segment {
            messages: vec![scene.pen.clone().chat("too soon")],
        },
        SyncFrame::Addresses(Vec::new()),
    ] {
        let mut session = scene.mallory.open(&scene.alice).await;
        session.send(&hello(room, member())).await;
        session.send(&frame).await;
        assert_eq!(session.end().await, MISBEHAVED, "{frame:?}");
    }
    scene.end().await;
}

/// Heads of which ever more are announced come to an end.
#[tokio::test(flavor = "multi_thread")]
async fn heads_without_end_are_ended() {
    let scene = Scene::new().await;
    let mut session = scene.mallory.open(&scene.alice).await;
    session.send(&hello(scene.hers.id(), member())).await;
    let heads = (0..HEADS_PER_FRAME_MAX)
        .map(|k| Head {
            author: scene.mallory.id(),
            chain: ChainId(k as u32),
            seq: Seq(1),
            id: MessageId::from_bytes([7; 32]),
        })
        .collect();
    let frame = framed(&SyncFrame::Heads { heads, more: true }.encode());
    let mut sent = 0;
    while session.raw(&frame).await.is_ok() {
        sent += HEADS_PER_FRAME_MAX;
        assert!(sent < 2 * HEADS_MAX, "heads are taken without end");
    }
    // By their number, or on a machine that takes its time with them by the time they take.
    let code = session.end().await;
    assert!([MISBEHAVED, SLOW_TO_TELL].contains(&code), "{code}");
    scene.end().await;
}

/// A member who sends the same again and again has one session, which holds up nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_without_end_holds_nobody_up() {
    let mut scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let messages = scene.pen.chats("again", 200);
    assert_eq!(scene.mallory.deliver(&scene.alice, &messages).await, DONE);
    let lines = scene.lines().await;
    let segment = framed(&SyncFrame::Segment { messages }.encode());
    let mut session = scene.mallory.enter(&scene.alice, scene.hers.id()).await;
    let endless = tokio::spawn(async move {
        let mut rounds = 0u32;
        while session.raw(&segment).await.is_ok() {
            rounds += 1;
        }
        rounds
    });
    for k in 0..20 {
        let began = Instant::now();
        speak(&his, &[&scene.hers], &format!("meanwhile {k}")).await;
        assert!(began.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(scene.lines().await, lines + 20);
    endless.abort();
    bob.node.shutdown().await;
    scene.end().await;
}

/// How long somebody was let stay, and the code at the end.
async fn stays(what: &str, connection: &iroh::endpoint::Connection) -> (Duration, u64) {
    let began = Instant::now();
    let code = within(what, closed(connection)).await.0;
    (began.elapsed(), code)
}

/// All kinds of slowness at once, as the deadlines are real: nobody stays for longer than its own.
#[tokio::test(flavor = "multi_thread")]
async fn half_open_and_slow_streams_are_let_go() {
    let mut scene = Scene::new().await;
    let room = scene.hers.id();
    let text = "x".repeat(16 * 1024);
    for k in 0..40 {
        scene
            .hers
            .send(Draft::text(format!("{k}{}", &text[2..])))
            .await
            .unwrap();
    }
    let slack = Duration::from_secs(5);
    let first = FIRST_FRAME_TIMEOUT + slack;

    let no_stream = async {
        let peer = HostilePeer::start(70).await;
        let connection = peer.dial(&scene.alice, cc_proto::frames::SYNC_ALPN).await;
        let (stayed, code) = stays("one without a stream", &connection).await;
        assert!(code == TOO_SLOW && stayed < first, "{code} {stayed:?}");
    };
    let one_byte = async {
        let peer = HostilePeer::start(71).await;
        let mut session = peer.open(&scene.alice).await;
        session.raw(&[9]).await.unwrap();
        let (stayed, code) = stays("one that sent a byte", &session.connection).await;
        assert!(code == TOO_SLOW && stayed < first, "{code} {stayed:?}");
    };
    let drips = async {
        let peer = HostilePeer::start(72).await;
        let mut session = peer.open(&scene.alice).await;
        let began = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        let hello = framed(&hello(room, member()).encode());
        for byte in hello.iter().cycle() {
            if session.raw(&[*byte]).await.is_err() {
                break;
            }
            ticks.tick().await;
        }
        let (_, code) = stays("one that drips", &session.connection).await;
        assert!(code == TOO_SLOW && began.elapsed() < first, "{code}");
    };
    let silent_member = async {
        let mut pen_less = scene.mallory.enter(&scene.alice, room).await;
        while !matches!(pen_less.frame().await, Some(SyncFrame::Done)) {}
        let (stayed, code) = stays("a member that says nothing", &pen_less.connection).await;
        let allowed = SESSION_IDLE_TIMEOUT + slack;
        assert!(code == TOO_SLOW && stayed < allowed, "{code} {stayed:?}");
    };
    let (other, third) = (HostilePeer::start(73).await, HostilePeer::start(74).await);
    other.join(&scene.alice, &scene.hers).await;
    third.join(&scene.alice, &scene.hers).await;
    let trickling_member = async {
        let mut session = other.enter(&scene.alice, room).await;
        session.raw(&length(100)).await.unwrap();
        let began = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(500));
        while session.raw(&[0]).await.is_ok() {
            ticks.tick().await;
        }
        let (_, code) = stays("a member that trickles", &session.connection).await;
        let allowed = FRAME_GRACE + slack;
        assert!(code == TOO_SLOW && began.elapsed() < allowed, "{code}");
    };
    let member_that_does_not_read = async {
        let mut session = third.open(&scene.alice).await;
        session.send(&hello(room, member())).await;
        let none = SyncFrame::Heads {
            heads: Vec::new(),
            more: false,
        };
        session.send(&none).await;
        session.send(&SyncFrame::Asked).await;
        let (stayed, code) = stays("a member that does not read", &session.connection).await;
        // A frame in the making has a little longer, by its length.
        let allowed = SESSION_IDLE_TIMEOUT + FRAME_GRACE + slack;
        assert!(code == TOO_SLOW && stayed < allowed, "{code} {stayed:?}");
    };
    let gone_again = async {
        let peer = HostilePeer::start(75).await;
        let answer = peer.talk(&scene.alice, b"", true).await;
        assert_eq!((answer.bytes.len(), answer.code), (0, BROKEN));
        let mut session = peer.open(&scene.alice).await;
        session.raw(&[1, 0]).await.unwrap();
        session.send.reset(7u32.into()).unwrap();
        assert_eq!(closed(&session.connection).await.0, BROKEN);
    };
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let meanwhile = async {
        for k in 0..10 {
            speak(&his, &[&scene.hers], &format!("to alice {k}")).await;
            speak(&scene.hers, &[&his], &format!("to bob {k}")).await;
        }
    };
    tokio::join!(
        no_stream,
        one_byte,
        drips,
        silent_member,
        trickling_member,
        member_that_does_not_read,
        gone_again,
        meanwhile
    );
    wait_for_texts(&scene.hers, &["to alice 9"]).await;
    bob.node.shutdown().await;
    scene.pen.clock = None;
    scene.end().await;
}

/// A session has one stream, and there are no others.
#[tokio::test(flavor = "multi_thread")]
async fn no_further_streams_can_be_opened() {
    let scene = Scene::new().await;
    let session = scene.mallory.enter(&scene.alice, scene.hers.id()).await;
    let connection = session.connection.clone();
    let open = async {
        tokio::select! {
            stream = connection.open_uni() => stream.map(|_| ()),
            stream = connection.open_bi() => stream.map(|_| ()),
        }
    };
    // QUIC itself holds the opener back, for as long as it likes to wait.
    let opened = tokio::time::timeout(Duration::from_millis(200), open).await;
    assert!(opened.is_err(), "{opened:?}");
    let mut session = session;
    session.send(&SyncFrame::Done).await;
    assert_eq!(session.end().await, DONE);
    scene.end().await;
}
