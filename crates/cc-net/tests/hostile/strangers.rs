//! Those who know an address, or a room's id as well, and belong nowhere.

use cc_net::Draft;
use cc_proto::body::{Admit, Body, Invite};
use cc_proto::frames::{Proof, RoomTag, SYNC_ALPN, SyncFrame, gossip_topic, refusal_frame};
use cc_proto::id::{InviteKey, RoomId};
use cc_proto::identity::{Identity, Signature};
use cc_proto::limits::{HELLO_BYTES_MAX, SYNC_FRAME_BYTES_MAX};
use cc_proto::message::SignedMessage;
use iroh::endpoint::ConnectionError;

use crate::common::{Machine, identity, wait_for_texts, within};
use crate::peer::{
    Answer, HostilePeer, Pen, REFUSED, Session, closed, framed, gossip_framed, hello,
};

const NOWHERE: RoomId = RoomId::from_bytes([9; 32]);

/// Protocols that other programs on iroh speak, and what ours might be called one day.
const OTHER_PROTOCOLS: [&[u8]; 5] = [
    b"/iroh-bytes/4",
    b"/iroh-gossip/1",
    b"h3",
    b"cc-connect/sync/2",
    b"cc-connect/gossip/1/",
];

fn proof_of_nothing() -> Proof {
    Proof::Member { bundle: Vec::new() }
}

/// All that somebody without a room id can think of saying first.
fn first_words() -> Vec<Vec<u8>> {
    let too_long = u32::try_from(HELLO_BYTES_MAX + 1).unwrap().to_le_bytes();
    let hello = framed(&hello(NOWHERE, proof_of_nothing()).encode());
    let done = SyncFrame::Done.encode();
    vec![
        hello.clone(),
        hello[..20].to_vec(),
        Vec::new(),
        vec![0xff; 4096],
        too_long.to_vec(),
        framed(b""),
        framed(&[7; 300]),
        framed(&done),
        vec![0; 64],
    ]
}

/// Everything that a stranger gets back from a machine with so many rooms.
async fn all_answers(rooms: usize) -> (Vec<Answer>, Vec<String>) {
    let alice = Machine::start(1).await;
    for k in 0..rooms {
        alice.create(&format!("room {k}")).await;
    }
    let mallory = HostilePeer::start(66).await;
    let mut answers = Vec::new();
    for words in first_words() {
        answers.push(mallory.talk(&alice, &words, true).await);
    }
    let mut failures = Vec::new();
    for alpn in OTHER_PROTOCOLS {
        failures.push(mallory.knock(&alice, alpn).await);
    }
    let nowhere = RoomTag::of(&NOWHERE).gossip_alpn();
    failures.push(mallory.knock(&alice, &nowhere).await);
    mallory.endpoint.close().await;
    alice.node.shutdown().await;
    (answers, failures)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_answers_the_same_whatever_rooms_there_are() {
    let (none, one, five) = tokio::join!(all_answers(0), all_answers(1), all_answers(5));
    assert_eq!(none.0[0].bytes, framed(&refusal_frame()));
    assert_eq!(none.0[0].code, REFUSED);
    assert!(none.0[1..].iter().all(|answer| answer.code != 0));
    assert_eq!(none, one);
    assert_eq!(none, five);
}

/// Blobs are not served in this release: their protocol is as unknown as any other.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_served_to_nobody() {
    let alice = Machine::start(1).await;
    let hers = alice.create("planning").await;
    let mallory = HostilePeer::start(66).await;
    mallory.join(&alice, &hers).await;
    let stranger = HostilePeer::start(67).await;
    let unknown = mallory.knock(&alice, b"no such protocol").await;
    assert!(unknown.starts_with("turned down"), "{unknown}");
    for alpn in OTHER_PROTOCOLS {
        assert_eq!(mallory.knock(&alice, alpn).await, unknown, "a member");
        assert_eq!(stranger.knock(&alice, alpn).await, unknown);
    }
    alice.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outsider_cannot_tell_a_room_from_none() {
    let alice = Machine::start(1).await;
    let room = alice.create("planning").await;
    let mallory = HostilePeer::start(66).await;
    let words = |room| framed(&hello(room, proof_of_nothing()).encode());
    let of_a_room = mallory.talk(&alice, &words(room.id()), false).await;
    let of_none = mallory.talk(&alice, &words(NOWHERE), false).await;
    assert_eq!(of_a_room.bytes, framed(&refusal_frame()));
    assert_eq!(of_a_room, of_none);
    assert_eq!(room.status().await.unwrap().members.len(), 1);
    mallory.endpoint.close().await;
    alice.node.shutdown().await;
}

/// Proofs of one who knows the room's id, the acts of its members, and the public key of an invite.
fn false_proofs(
    stranger: &Identity,
    room: RoomId,
    invite: InviteKey,
    known: &[SignedMessage],
) -> Vec<(&'static str, Proof)> {
    let me = stranger.author();
    let own = Identity::from_seed([9; 32]);
    let own_key = InviteKey::from_bytes(*own.author().as_bytes());
    let join = |by: &Identity, names: InviteKey, room: RoomId| {
        let mut body = cc_proto::roster::join_body(by, &room, &me, "user 1".into());
        body.invite = names;
        let mut pen = Pen::new(stranger, room);
        pen.write(Body::Join(body))
    };
    let mut pen = Pen::new(stranger, room);
    let joined = join(&own, own_key, room);
    let own_invite = pen.write(Body::Invite(Invite {
        key: own_key,
        expires: None,
        uses_max: None,
        note: String::new(),
        lifts: Vec::new(),
    }));
    let own_admit = pen.write(Body::Admit(Admit {
        joiner: me,
        invite: own_key,
        join: joined.header.id(),
    }));
    let with_own = [known, &[own_invite, joined.clone(), own_admit][..]].concat();
    let mut unsigned = joined.clone();
    unsigned.signature = None;
    let mut garbled = joined.clone();
    garbled.signature = Some(Signature([7; 64]));
    let member = |bundle: Vec<SignedMessage>| Proof::Member { bundle };
    vec![
        ("nothing", member(Vec::new())),
        ("the acts of others", member(known.to_vec())),
        ("an invite and an admit of one's own", member(with_own)),
        (
            "more acts than a bundle has",
            member(vec![joined.clone(); 65]),
        ),
        ("an invite that nobody made", Proof::Join { join: joined }),
        ("an unsigned join", Proof::Join { join: unsigned }),
        ("a garbled join", Proof::Join { join: garbled }),
        (
            "an invite whose secret is not known",
            Proof::Join {
                join: join(&own, invite, room),
            },
        ),
        (
            "a join of another room",
            Proof::Join {
                join: join(&own, own_key, NOWHERE),
            },
        ),
        (
            "a message that is no join",
            Proof::Join {
                join: Pen::new(stranger, room).chat("let me in"),
            },
        ),
        (
            "somebody else's join",
            Proof::Join {
                join: known.last().unwrap().clone(),
            },
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_knows_the_room_gets_one_refusal_whatever_the_cause() {
    let alice = Machine::start(1).await;
    let room = alice.create("planning").await;
    // What a member once saw, and a stranger was told: an invite's public key, and Bob's join.
    let ticket = room.ticket().await.unwrap();
    let bob = HostilePeer::start(2).await;
    let mut pen = Pen::new(&bob.identity, room.id());
    let known = pen.join(&ticket, "bob");
    bob.join_with(&alice, known.clone()).await.unwrap();
    let before = room.status().await.unwrap();

    let mallory = HostilePeer::start(66).await;
    let words = framed(&hello(NOWHERE, proof_of_nothing()).encode());
    let nowhere = mallory.talk(&alice, &words, false).await;
    assert_eq!(nowhere.bytes, framed(&refusal_frame()));
    let proofs = false_proofs(&mallory.identity, room.id(), ticket.invite_key(), &[known]);
    for (what, proof) in proofs {
        let words = framed(&hello(room.id(), proof).encode());
        assert_eq!(mallory.talk(&alice, &words, false).await, nowhere, "{what}");
    }
    let SyncFrame::Hello(mut later) = hello(room.id(), proof_of_nothing()) else {
        unreachable!()
    };
    later.version += 1;
    let words = framed(&SyncFrame::Hello(later).encode());
    assert_eq!(mallory.talk(&alice, &words, false).await, nowhere);

    let after = room.status().await.unwrap();
    assert_eq!((after.lines, after.members), (before.lines, before.members));
    mallory.endpoint.close().await;
    bob.endpoint.close().await;
    alice.node.shutdown().await;
}

/// A member of one room is a stranger to the other rooms of the same machine.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_one_room_is_a_stranger_to_the_next() {
    let alice = Machine::start(1).await;
    let (one, other) = (alice.create("one").await, alice.create("other").await);
    let mallory = HostilePeer::start(66).await;
    let mut pen = Pen::new(&mallory.identity, one.id());
    let join = pen.join(&one.ticket().await.unwrap(), "mallory");
    mallory.join_with(&alice, join.clone()).await.unwrap();
    let words = |room, proof| framed(&hello(room, proof).encode());
    let of_none = words(NOWHERE, proof_of_nothing());
    let nowhere = mallory.talk(&alice, &of_none, false).await;
    for proof in [
        proof_of_nothing(),
        Proof::Member {
            bundle: vec![join.clone()],
        },
        Proof::Join { join },
    ] {
        let answer = mallory.talk(&alice, &words(other.id(), proof), false).await;
        assert_eq!(answer, nowhere);
    }
    let closed = closed(
        &mallory
            .dial(&alice, &RoomTag::of(&other.id()).gossip_alpn())
            .await,
    )
    .await;
    assert_eq!(closed, (REFUSED, Vec::new()));
    assert_eq!(other.status().await.unwrap().members.len(), 1);
    alice.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_is_closed_and_harms_nobody() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    let lines = hers.status().await.unwrap().lines;
    let mallory = HostilePeer::start(66).await;
    for noise in first_words() {
        mallory.talk(&alice, &noise, true).await;
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
    mallory.endpoint.close().await;
    bob.node.shutdown().await;
    alice.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_is_closed_to_outsiders_in_both_directions() {
    let alice = Machine::start(1).await;
    let room = alice.create("planning").await;
    let mallory = HostilePeer::start(66).await;
    let alpn = RoomTag::of(&room.id()).gossip_alpn();
    let connection = mallory.dial(&alice, &alpn).await;
    // Whatever is written before the close comes is not looked at.
    if let Ok(mut stream) = connection.open_uni().await {
        let topic = gossip_framed(&gossip_topic(&room.id()));
        stream.write_all(&topic).await.ok();
    }
    assert_eq!(closed(&connection).await, (REFUSED, Vec::new()));
    assert_eq!(room.status().await.unwrap().gossip.neighbors, 0);
    // Of a room that is not here no less.
    let of_none = RoomTag::of(&NOWHERE).gossip_alpn();
    let (here, nowhere) = (
        mallory.knock(&alice, &alpn).await,
        mallory.knock(&alice, &of_none).await,
    );
    assert_eq!(here, nowhere);
    mallory.endpoint.close().await;
    alice.node.shutdown().await;
}

/// A first frame of the greatest length, from one who may not even know a room, is not answered
/// with more than the refusal.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_answered_with_less_than_it_sends() {
    let alice = Machine::start(1).await;
    let room = alice.create("planning").await;
    let mallory = HostilePeer::with_identity(identity(66)).await;
    let smallest = framed(&hello(room.id(), proof_of_nothing()).encode());
    let answer = mallory.talk(&alice, &smallest, false).await;
    assert!(answer.bytes.len() < smallest.len());
    let Session {
        connection,
        mut send,
        ..
    } = mallory.open(&alice).await;
    let most = u32::try_from(SYNC_FRAME_BYTES_MAX).unwrap().to_le_bytes();
    send.write_all(&most).await.unwrap();
    let (code, _) = closed(&connection).await;
    assert_eq!(code, crate::peer::BROKEN);
    assert!(matches!(
        within("it", connection.closed()).await,
        ConnectionError::ApplicationClosed(_)
    ));
    assert_eq!(connection.alpn(), SYNC_ALPN);
    alice.node.shutdown().await;
}
