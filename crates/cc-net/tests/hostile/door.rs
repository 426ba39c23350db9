//! Those who come to the door with an invite that is none.

use std::time::Duration;

use cc_net::Room;
use cc_proto::body::{Body, Cut, Invite, InviteRevoke, Remove};
use cc_proto::frames::{Proof, Refusal, RoomTag, SyncFrame, refusal_frame};
use cc_proto::id::{AuthorId, InviteKey, RoomId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::SignedMessage;
use cc_proto::room::MisbehaviourKind;
use cc_proto::roster::join_body;
use cc_proto::ticket::Ticket;
use tokio::time::Instant;

use crate::common::{Machine, chat_texts, identity, wait_for_texts, within};
use crate::peer::{DONE, HostilePeer, Pen, REFUSED, closed, framed, hello, wall};
use crate::scene::{Scene, speak, wait_for_refusal};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// An invite that a member made, and its ticket.
fn invite(pen: &mut Pen, seed: u8, expires: Option<Timestamp>, uses_max: Option<u32>) -> Made {
    let secret = [seed; 32];
    let key = InviteKey::from_bytes(*Identity::from_seed(secret).author().as_bytes());
    let message = pen.write(Body::Invite(Invite {
        key,
        expires,
        uses_max,
        note: String::new(),
        lifts: Vec::new(),
    }));
    let ticket = Ticket {
        room: pen.room,
        invite_secret: secret,
        expires,
        name: String::new(),
        addresses: Vec::new(),
    };
    Made { message, ticket }
}

struct Made {
    message: SignedMessage,
    ticket: Ticket,
}

fn refused(refusal: Refusal) -> Vec<u8> {
    SyncFrame::Refused(refusal).encode()
}

/// The joiner's own clock does not count: an invite is over by the clock of the member at the door.
#[tokio::test(flavor = "multi_thread")]
async fn a_back_dated_join_does_not_open_an_expired_invite() {
    let mut scene = Scene::new().await;
    let expired = Timestamp(wall().0 - HOUR_MS);
    let made = invite(&mut scene.pen, 20, Some(expired), None);
    let code = scene.mallory.deliver(&scene.alice, &[made.message]).await;
    assert_eq!(code, DONE);
    let lines = scene.lines().await;
    let thief = HostilePeer::start(67).await;
    for at in [wall().0, expired.0 - 1, 0, u64::MAX] {
        let mut pen = Pen::new(&thief.identity, made.ticket.room);
        pen.clock = Some(Timestamp(at));
        let join = pen.join(&made.ticket, "thief");
        let answer = thief.join_with(&scene.alice, join).await.unwrap_err();
        // Whoever holds the secret may be told why.
        assert_eq!(answer.bytes, refused(Refusal::Expired));
        assert_eq!(answer.code, REFUSED);
    }
    assert_eq!(scene.lines().await, lines);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_is_used_no_more_often_than_it_may_be() {
    let mut scene = Scene::new().await;
    let made = invite(&mut scene.pen, 21, None, Some(1));
    let code = scene.mallory.deliver(&scene.alice, &[made.message]).await;
    assert_eq!(code, DONE);
    let (first, second) = (HostilePeer::start(67).await, HostilePeer::start(68).await);
    let admitted = first.join_by(&scene.alice, &made.ticket, "first").await;
    assert!(admitted.is_ok());
    let answer = second.join_by(&scene.alice, &made.ticket, "second").await;
    assert_eq!(answer.err().unwrap().bytes, refused(Refusal::UsedUp));
    // The same key again is no further use.
    let again = first.join_by(&scene.alice, &made.ticket, "first").await;
    assert!(again.is_ok());
    scene.end().await;
}

/// A member who lets people in by an invite that nobody made lets in nobody.
#[tokio::test(flavor = "multi_thread")]
async fn an_admission_without_an_invite_admits_nobody() {
    let mut scene = Scene::new().await;
    let stranger = HostilePeer::start(67).await;
    let never_made = invite(&mut scene.pen.clone(), 22, None, None).ticket;
    let join = Pen::new(&stranger.identity, scene.hers.id()).join(&never_made, "stranger");
    let admit = scene.pen.write(Body::Admit(cc_proto::body::Admit {
        joiner: stranger.id(),
        invite: never_made.invite_key(),
        join: join.header.id(),
    }));
    let members = scene.hers.status().await.unwrap().members.len();
    assert_eq!(scene.mallory.deliver(&scene.alice, &[admit]).await, DONE);
    let answer = stranger.join_with(&scene.alice, join.clone()).await;
    assert_eq!(answer.unwrap_err().bytes, refused(Refusal::Refused));
    // Nor does the join come in by the member's hand.
    let lines = scene.lines().await;
    scene.mallory.deliver(&scene.alice, &[join]).await;
    assert_eq!(scene.lines().await, lines);
    assert_eq!(scene.hers.status().await.unwrap().members.len(), members);
    scene.end().await;
}

/// A ticket that was stolen is worth nothing once its invite is revoked, whatever the thief's clock
/// says, and those who came by it before stay.
#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_invite_lets_nobody_in_after_its_revocation() {
    let mut scene = Scene::new().await;
    let made = invite(&mut scene.pen, 23, None, None);
    assert_eq!(
        scene.mallory.deliver(&scene.alice, &[made.message]).await,
        DONE
    );
    let friend = HostilePeer::start(67).await;
    let came = friend.join_by(&scene.alice, &made.ticket, "friend").await;
    assert!(came.is_ok());
    let revoked = scene.pen.write(Body::InviteRevoke(InviteRevoke {
        invite: made.ticket.invite_key(),
        keep: vec![friend.id()],
    }));
    assert_eq!(scene.mallory.deliver(&scene.alice, &[revoked]).await, DONE);
    let before = scene.hers.status().await.unwrap();
    assert!(before.members.iter().any(|m| m.author == friend.id()));

    let thief = HostilePeer::start(68).await;
    for at in [wall().0, wall().0 - 10 * HOUR_MS, 0] {
        let mut pen = Pen::new(&thief.identity, made.ticket.room);
        pen.clock = Some(Timestamp(at));
        let join = pen.join(&made.ticket, "thief");
        let answer = thief.join_with(&scene.alice, join).await.unwrap_err();
        assert_eq!(answer.bytes, refused(Refusal::Revoked));
    }
    // Who cannot prove the secret is not told that there was such an invite.
    let mut guess = Pen::new(&thief.identity, made.ticket.room);
    let mut join = join_body(&identity(9), &guess.room, &thief.id(), "thief".into());
    join.invite = made.ticket.invite_key();
    let answer = thief
        .join_with(&scene.alice, guess.write(Body::Join(join)))
        .await;
    assert_eq!(answer.unwrap_err().bytes, refusal_frame());
    let after = scene.hers.status().await.unwrap();
    assert_eq!((before.lines, before.members), (after.lines, after.members));
    scene.end().await;
}

/// Alice, Bob and a courier belong; Mallory did, and was removed by the root.
struct Removal {
    scene: Scene,
    bob: Machine,
    his: Room,
    /// A member who passes on whatever it is given.
    courier: HostilePeer,
    /// An invite that Mallory made.
    hers: Ticket,
}

impl Removal {
    async fn prepare() -> Self {
        let mut scene = Scene::new().await;
        let bob = Machine::start(2).await;
        let his = bob.join(&scene.hers).await;
        let courier = HostilePeer::start(4).await;
        courier.join(&scene.alice, &scene.hers).await;
        let made = invite(&mut scene.pen, 24, None, None);
        let said = scene.pen.chat("said before");
        let code = scene
            .mallory
            .deliver(&scene.alice, &[made.message, said])
            .await;
        assert_eq!(code, DONE);
        wait_for_texts(&his, &["said before"]).await;
        Self {
            scene,
            bob,
            his,
            courier,
            hers: made.ticket,
        }
    }

    /// The root's remove, written by hand in a chain of its own.
    fn remove(&self) -> SignedMessage {
        let pen = &self.scene.pen;
        let cut = Cut {
            chain: pen.chain,
            seq: Seq(pen.seq),
            id: pen.prev.unwrap(),
        };
        Pen::new(&identity(1), pen.room)
            .on_chain(99)
            .write(Body::Remove(Remove {
                member: self.scene.mallory.id(),
                cuts: vec![cut],
                keep_invite: false,
                keep: vec![self.bob.node.id(), self.courier.id()],
            }))
    }

    async fn carry_out(&self) {
        let remove = self.remove();
        assert_eq!(
            self.courier.deliver(&self.scene.alice, &[remove]).await,
            DONE
        );
        for room in [&self.scene.hers, &self.his] {
            wait_until_gone(room, &self.scene.mallory.id()).await;
        }
    }

    async fn end(self) {
        speak(&self.his, &[&self.scene.hers], "from bob").await;
        speak(&self.scene.hers, &[&self.his], "from alice").await;
        for room in [&self.scene.hers, &self.his] {
            assert!(chat_texts(room).contains(&"said before".to_owned()));
        }
        self.courier.endpoint.close().await;
        self.bob.node.shutdown().await;
        self.scene.mallory.endpoint.close().await;
        self.scene.alice.node.shutdown().await;
    }
}

async fn wait_until_gone(room: &Room, who: &AuthorId) {
    let mut events = room.events();
    within("the end of the membership", async {
        while room
            .status()
            .await
            .unwrap()
            .members
            .iter()
            .any(|m| m.author == *who)
        {
            events.next().await.expect("the room is open");
        }
    })
    .await;
}

/// At the door of the member who removed it, and of another whose address it knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_is_refused_at_every_door() {
    let removal = Removal::prepare().await;
    let (scene, room) = (&removal.scene, removal.scene.hers.id());
    let theirs = scene.hers.ticket().await.unwrap();
    removal.carry_out().await;
    let nothing = Proof::Member { bundle: Vec::new() };
    let nowhere = RoomId::from_bytes([9; 32]);
    let of_nowhere = framed(&hello(nowhere, nothing.clone()).encode());
    let of_room = framed(&hello(room, nothing).encode());
    for door in [&scene.alice, &removal.bob] {
        let answer = scene.mallory.talk(door, &of_room, false).await;
        assert_eq!(answer, scene.mallory.talk(door, &of_nowhere, false).await);
        let gossip = scene
            .mallory
            .dial(door, &RoomTag::of(&room).gossip_alpn())
            .await;
        assert_eq!(closed(&gossip).await, (REFUSED, Vec::new()));

        // By the ticket it came by, and by its own: from the beginning of a new chain, back-dated.
        for (ticket, at) in [(&theirs, wall().0), (&removal.hers, 0)] {
            let mut pen = scene.pen.on_chain(17);
            pen.clock = Some(Timestamp(at));
            let join = pen.join(ticket, "mallory");
            let answer = scene.mallory.join_with(door, join).await;
            assert_eq!(answer.unwrap_err().bytes, refused(Refusal::Removed));
        }
        // A fresh key gets in by neither.
        let fresh = HostilePeer::start(69).await;
        for ticket in [&theirs, &removal.hers] {
            let answer = fresh.join_by(door, ticket, "somebody else").await;
            assert_eq!(answer.err().unwrap().bytes, refused(Refusal::Revoked));
        }
    }
    removal.end().await;
}

/// What a removed member wrote after, or says it wrote before, appears nowhere, though a member
/// passes it on.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_member_writes_is_taken_from_nobody() {
    let removal = Removal::prepare().await;
    let (scene, room) = (&removal.scene, removal.scene.hers.id());
    let mut later = scene.pen.clone();
    removal.carry_out().await;
    later.clock = Some(Timestamp(wall().0 - HOUR_MS));
    let mut elsewhere = scene.pen.on_chain(18);
    elsewhere.clock = later.clock;
    let strike_back = Body::Remove(Remove {
        member: scene.alice.node.id(),
        cuts: Vec::new(),
        keep_invite: true,
        keep: Vec::new(),
    });
    let said = [
        later.chat("said later"),
        later.write(strike_back),
        elsewhere.chat("said in another chain"),
        elsewhere.write(Body::Leave),
    ];
    let counts = [
        scene.lines().await,
        removal.his.status().await.unwrap().lines,
    ];
    for door in [&scene.alice, &removal.bob] {
        let mut neighbor = removal.courier.gossip(door, room).await;
        for message in &said {
            removal
                .courier
                .deliver(door, std::slice::from_ref(message))
                .await;
            neighbor.message(message).await;
        }
        removal.courier.deliver(door, &said).await;
        let its_room = if door.seed == 1 {
            &scene.hers
        } else {
            &removal.his
        };
        let mut events = its_room.events();
        // Gossip passes over what it has seen before, at whichever door.
        neighbor
            .say(format!("the last of it {}", door.seed).as_bytes())
            .await;
        wait_for_refusal(&mut events, MisbehaviourKind::GarbledFrame).await;
    }
    let now = [
        scene.lines().await,
        removal.his.status().await.unwrap().lines,
    ];
    assert_eq!(now, counts);
    assert_eq!(scene.hers.status().await.unwrap().members.len(), 3);
    removal.end().await;
}

/// Whatever connection a member has when its removal arrives is closed, and nothing more is sent on it.
#[tokio::test(flavor = "multi_thread")]
async fn the_connections_of_a_member_end_with_its_removal() {
    let removal = Removal::prepare().await;
    let (scene, room) = (&removal.scene, removal.scene.hers.id());
    let mut session = scene.mallory.enter(&scene.alice, room).await;
    let neighbor = scene.mallory.gossip(&scene.alice, room).await;
    let mut incoming = within("a stream from alice", neighbor.connection.accept_uni()).await;
    removal.carry_out().await;
    let appended = Instant::now();
    within("the end of the session", session.connection.closed()).await;
    within("the end of gossip", neighbor.connection.closed()).await;
    assert!(appended.elapsed() < Duration::from_secs(2));
    speak(&scene.hers, &[&removal.his], "not for mallory").await;
    let words = b"not for mallory";
    let overheard = incoming.as_mut().unwrap().read_to_end(1 << 20).await;
    let overheard = overheard.unwrap_or_default();
    assert!(!overheard.windows(words.len()).any(|bytes| bytes == words));
    while let Some(frame) = session.frame().await {
        assert!(!matches!(frame, SyncFrame::Segment { .. }));
    }
    removal.end().await;
}
