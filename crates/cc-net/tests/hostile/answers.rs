//! Peers that are dialed, and answer what they should not.

use cc_net::RoomState;
use cc_proto::frames::{GossipFrame, Refusal, SYNC_ALPN, SyncFrame};
use cc_proto::id::{Hash, Head, MessageId, Seq};
use cc_proto::room::RoomEvent;
use cc_proto::ticket::{PeerAddress, Ticket};

use crate::common::{Machine, within};
use crate::peer::{BROKEN, HostilePeer, MISBEHAVED, REFUSED, Session, framed};
use crate::scene::{Scene, speak};

/// The next sync stream that somebody opens to `peer`.
async fn dialed(peer: &HostilePeer) -> Session {
    within("a dial", async {
        loop {
            let incoming = peer.endpoint.accept().await.expect("an open endpoint");
            // Gossip is dialed as well, and turned down.
            let Ok(connection) = incoming.await else {
                continue;
            };
            if let Ok((send, receive)) = connection.accept_bi().await {
                return Session {
                    connection,
                    send,
                    receive,
                };
            }
        }
    })
    .await
}

fn welcome() -> SyncFrame {
    SyncFrame::Welcome {
        bundle: Vec::new(),
        digest: Hash::of(b"nothing"),
    }
}

/// A member that is dialed and answers with what is no answer: the session ends, and the others go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_answers_wrongly_ends_its_own_session_alone() {
    let scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    scene.mallory.endpoint.set_alpns(vec![SYNC_ALPN.to_vec()]);
    let mut neighbor = scene.mallory.gossip(&scene.alice, scene.hers.id()).await;
    let endless_heads = SyncFrame::Heads {
        heads: Vec::new(),
        more: true,
    };
    let wrong: [(Vec<u8>, u64); 4] = [
        (framed(&[0xff; 20]), MISBEHAVED),
        ([0xff; 4].to_vec(), BROKEN),
        (framed(&SyncFrame::Done.encode()), MISBEHAVED),
        (
            [framed(&welcome().encode()), framed(&endless_heads.encode())].concat(),
            MISBEHAVED,
        ),
    ];
    for (round, (bytes, code)) in (1..).zip(wrong) {
        // What she does not hold she asks for.
        let head = Head {
            author: scene.mallory.id(),
            chain: scene.pen.chain,
            seq: Seq(scene.pen.seq + round),
            id: MessageId::from_bytes([9; 32]),
        };
        neighbor
            .say(&GossipFrame::Heights(vec![head]).encode())
            .await;
        let mut session = dialed(&scene.mallory).await;
        let hello = session.frame().await;
        assert!(matches!(hello, Some(SyncFrame::Hello(_))), "{hello:?}");
        session.raw(&bytes).await.unwrap();
        assert_eq!(session.end().await, code, "round {round}");
        speak(&scene.hers, &[&his], &format!("round {round}")).await;
    }
    bob.node.shutdown().await;
    scene.end().await;
}

/// Whoever a ticket names may answer: a joiner takes nothing from it but what the room's id proves,
/// and gives away no secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_joiner_takes_nothing_from_one_who_does_not_belong() {
    let alice = Machine::start(1).await;
    let hers = alice.create("planning").await;
    let mallory = HostilePeer::start(66).await;
    mallory.endpoint.set_alpns(vec![SYNC_ALPN.to_vec()]);
    let true_ticket = hers.ticket().await.unwrap();
    let ticket = Ticket {
        addresses: vec![PeerAddress {
            id: mallory.id(),
            relay: None,
            direct: mallory.endpoint.bound_sockets(),
        }],
        ..true_ticket.clone()
    };
    let bob = Machine::start(2).await;
    let his = bob.node.join_room(ticket.clone(), "bob").await.unwrap();
    let mut events = his.events();

    let mut session = dialed(&mallory).await;
    let hello = session.frame().await.unwrap();
    let bytes = hello.encode();
    let secret = ticket.invite_secret;
    assert!(!bytes.windows(secret.len()).any(|part| part == secret));
    session.send(&welcome()).await;
    let none = SyncFrame::Heads {
        heads: Vec::new(),
        more: false,
    };
    session.send(&none).await;
    session.send(&SyncFrame::Asked).await;
    let elsewhere = Machine::start(5).await;
    let other = elsewhere.create("planning").await;
    let reader = other.reader().unwrap();
    let genesis = reader.line(cc_proto::id::ArrivalNo(1)).unwrap();
    let genesis = genesis.message.unwrap().wire().clone();
    let own = crate::peer::Pen::new(&mallory.identity, ticket.room).chat("welcome, I am Alice");
    for messages in [vec![own], vec![genesis]] {
        session.send(&SyncFrame::Segment { messages }).await;
    }
    session.send(&SyncFrame::Done).await;
    session.end().await;

    // Another time it is told that the door is closed.
    let mut session = dialed(&mallory).await;
    session.frame().await.unwrap();
    session.send(&SyncFrame::Refused(Refusal::Removed)).await;
    assert_eq!(session.end().await, REFUSED);
    within("the word of the door", async {
        while let Some(event) = events.next().await {
            let cc_net::RoomEvent::Core(RoomEvent::DoorClosed { peer, .. }) = event else {
                continue;
            };
            assert_eq!(peer, mallory.id());
            return;
        }
    })
    .await;
    let status = his.status().await.unwrap();
    assert_eq!((status.state, status.lines), (RoomState::Joining, 0));
    assert_eq!(status.members.len(), 0);

    // The true ticket lets it in all the same.
    let his = bob.node.join_room(true_ticket, "bob").await.unwrap();
    within("bob is let in", his.joined()).await.unwrap();
    speak(&hers, &[&his], "welcome").await;
    elsewhere.node.shutdown().await;
    bob.node.shutdown().await;
    alice.node.shutdown().await;
}
