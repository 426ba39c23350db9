//! Members who send what they should not: each case by sync, and by gossip where it makes a difference.

use cc_proto::body::{Body, BodyError, Invite, Profile, Retract};
use cc_proto::id::{AuthorId, Hash, InviteKey, MessageId, Timestamp};
use cc_proto::identity::{MESSAGE_DOMAIN, Signature};
use cc_proto::limits::{FORK_TIPS_MAX, PENDING_MESSAGES_MAX, SKEW_MS_MAX};
use cc_proto::message::{MessageError, SignedMessage};
use cc_proto::room::MisbehaviourKind;
use cc_proto::text::{MemberName, display_names, fingerprint};

use crate::common::{Machine, chat_texts, identity, wait_for_texts, within};
use crate::peer::{DONE, MISBEHAVED, Pen, wall};
use crate::scene::{Scene, speak, wait_for_refusal};

/// Sends `message` by sync and by gossip; both are refused for that reason, and nothing is appended.
async fn refused_both_ways(scene: &Scene, message: SignedMessage, why: MessageError) {
    let kind = MisbehaviourKind::Message(why);
    let lines = scene.lines().await;
    let mut events = scene.hers.events();
    let mut session = scene.mallory.enter(&scene.alice, scene.hers.id()).await;
    let messages = vec![message.clone()];
    let segment = cc_proto::frames::SyncFrame::Segment { messages };
    session.send(&segment).await;
    wait_for_refusal(&mut events, kind).await;
    assert_eq!(session.end().await, MISBEHAVED, "{why}");

    let mut neighbor = scene.mallory.gossip(&scene.alice, scene.hers.id()).await;
    neighbor.message(&message).await;
    wait_for_refusal(&mut events, kind).await;
    assert_eq!(scene.lines().await, lines, "{why}");
    neighbor.connection.close(0u32.into(), b"");
}

fn sign_again(scene: &Scene, message: &mut SignedMessage) {
    let bytes = cc_proto::codec::encode(&message.header);
    message.signature = Some(scene.mallory.identity.sign(MESSAGE_DOMAIN, &bytes));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_anothers_name_is_refused() {
    let scene = Scene::new().await;
    let mut forged = scene.pen.clone().chat("I, Alice, agree");
    forged.header.author = scene.alice.node.id();
    sign_again(&scene, &mut forged);
    refused_both_ways(&scene, forged.clone(), MessageError::BadSignature).await;
    forged.signature = None;
    refused_both_ways(&scene, forged, MessageError::Unsigned).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_body_was_altered_is_refused() {
    let scene = Scene::new().await;
    let true_one = scene.pen.clone().chat("pay 10");
    let mut altered = true_one.clone();
    altered.body.as_mut().unwrap()[5] = b'9';
    refused_both_ways(&scene, altered.clone(), MessageError::BodyMismatch).await;
    // With the hash made to fit, the signature does not.
    altered.header.body_hash = Hash::of(altered.body.as_ref().unwrap());
    refused_both_ways(&scene, altered, MessageError::BadSignature).await;
    let mut longer = true_one;
    longer.header.body_len = u32::MAX;
    sign_again(&scene, &mut longer);
    let bytes = u32::MAX.into();
    refused_both_ways(&scene, longer, MessageError::BodyTooLong { bytes }).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_its_rules_is_refused_though_it_is_signed() {
    let scene = Scene::new().await;
    let mut empty = scene.pen.clone().chat("x");
    empty.body = Some(vec![0]);
    empty.header.body_len = 1;
    empty.header.body_hash = Hash::of(&[0]);
    sign_again(&scene, &mut empty);
    let why = MessageError::Body(BodyError::Empty { field: "text" });
    refused_both_ways(&scene, empty, why).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_refused_in_another_room() {
    let scene = Scene::new().await;
    let other = scene.alice.create("other").await;
    let mut elsewhere = scene.mallory.join(&scene.alice, &other).await;
    let said = elsewhere.chat("yes, delete it");
    let room = scene.hers.id();
    let lines = scene.lines().await;
    let mut events = scene.hers.events();
    let code = scene
        .mallory
        .deliver_to(&scene.alice, room, std::slice::from_ref(&said))
        .await;
    assert_eq!(code, MISBEHAVED);
    let mut neighbor = scene.mallory.gossip(&scene.alice, room).await;
    neighbor.message(&said).await;
    let kind = MisbehaviourKind::Message(MessageError::WrongRoom);
    wait_for_refusal(&mut events, kind).await;
    wait_for_refusal(&mut events, kind).await;
    assert_eq!(scene.lines().await, lines);
    // In its own room it is welcome.
    assert_eq!(scene.mallory.deliver(&scene.alice, &[said]).await, DONE);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_garbled_inner_signature_is_dropped_and_its_message_stands() {
    let mut scene = Scene::new().await;
    let mut said = scene.pen.chats("said", 3);
    for inner in &mut said[..2] {
        inner.signature = Some(Signature([7; 64]));
    }
    assert_eq!(scene.mallory.deliver(&scene.alice, &said).await, DONE);
    assert_eq!(chat_texts(&scene.hers), ["said 0", "said 1", "said 2"]);
    // The garbled one went no further: somebody else gets the messages, and can verify them.
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    wait_for_texts(&his, &["said 0", "said 1", "said 2"]).await;
    bob.node.shutdown().await;
    scene.end().await;
}

/// What shapes the roster is vouched for by nothing but its own signature.
#[tokio::test(flavor = "multi_thread")]
async fn an_act_with_a_garbled_signature_is_refused_with_all_that_came_with_it() {
    let mut scene = Scene::new().await;
    let nick = "admin".to_owned();
    let mut act = scene.pen.write(Body::Profile(Profile { nick }));
    act.signature = Some(Signature([7; 64]));
    let after = scene.pen.chat("vouches for nothing");
    let lines = scene.lines().await;
    let code = scene.mallory.deliver(&scene.alice, &[act, after]).await;
    assert_eq!(code, MISBEHAVED);
    assert_eq!(scene.lines().await, lines);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_refused_until_what_was_missing_comes() {
    let mut scene = Scene::new().await;
    let said = scene.pen.chats("said", 4);
    let lines = scene.lines().await;
    let code = scene.mallory.deliver(&scene.alice, &said[1..]).await;
    assert_eq!(code, MISBEHAVED);
    // Gossip may well bring the later one first: it waits, within bounds.
    let mut neighbor = scene.mallory.gossip(&scene.alice, scene.hers.id()).await;
    let mut far = scene.pen.clone();
    far.seq += 10;
    for _ in 0..PENDING_MESSAGES_MAX {
        neighbor.message(&far.chat("from nowhere")).await;
    }
    neighbor.message(&said[2]).await;
    let garbage = b"the last of it";
    let mut events = scene.hers.events();
    neighbor.say(garbage).await;
    wait_for_refusal(&mut events, MisbehaviourKind::GarbledFrame).await;
    assert_eq!(scene.lines().await, lines);
    assert_eq!(scene.mallory.deliver(&scene.alice, &said).await, DONE);
    wait_for_texts(&scene.hers, &["said 0", "said 1", "said 2", "said 3"]).await;
    assert_eq!(scene.lines().await, lines + 4);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_is_kept_as_two_and_its_author_is_flagged() {
    let mut scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let mut other = scene.pen.clone();
    let (to_alice, to_bob) = (scene.pen.chat("yes"), other.chat("no"));
    assert_eq!(scene.mallory.deliver(&scene.alice, &[to_alice]).await, DONE);
    assert_eq!(scene.mallory.deliver(&bob, &[to_bob]).await, DONE);
    for room in [&scene.hers, &his] {
        wait_for_texts(room, &["yes", "no"]).await;
        let flagged = room.status().await.unwrap().forked;
        assert_eq!(flagged, [scene.mallory.id()]);
    }
    bob.node.shutdown().await;
    scene.end().await;
}

/// Many branches at one place: four of them are kept, and the session goes on.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_branches_a_few_are_kept() {
    let mut scene = Scene::new().await;
    let lines = scene.lines().await;
    let branches: Vec<_> = (0..500)
        .map(|k| scene.pen.clone().chat(format!("branch {k}")))
        .collect();
    scene.pen.seq += 1;
    assert_eq!(scene.mallory.deliver(&scene.alice, &branches).await, DONE);
    let kept = chat_texts(&scene.hers);
    assert_eq!(kept.len(), FORK_TIPS_MAX);
    assert_eq!(scene.lines().await, lines + FORK_TIPS_MAX as u64);
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    wait_for_texts(&his, &kept).await;
    bob.node.shutdown().await;
    scene.end().await;
}

/// Nothing keeps a member from claiming another's nick: it is shown with a fingerprint then, on both.
#[tokio::test(flavor = "multi_thread")]
async fn a_nick_taken_from_another_member_carries_a_fingerprint() {
    let mut scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let alice = scene.alice.node.id();
    for nick in ["user 1", "USER 1", "user\u{200b} 1", "uѕer 1", "user l"] {
        let nick = nick.to_owned();
        let claim = scene
            .pen
            .write(Body::Profile(Profile { nick: nick.clone() }));
        assert_eq!(scene.mallory.deliver(&bob, &[claim]).await, DONE);
        let members = his.status().await.unwrap().members;
        let names: Vec<MemberName<'_>> = members
            .iter()
            .map(|member| MemberName {
                author: member.author,
                nick: &member.nick,
                petname: None,
            })
            .collect();
        let shown = display_names(&names, Some(bob.node.id()));
        let marked = |author: &AuthorId| shown[author].ends_with(&fingerprint(author));
        assert!(
            marked(&alice) && marked(&scene.mallory.id()),
            "{nick:?}: {shown:?}"
        );
        assert!(!marked(&bob.node.id()));
    }
    bob.node.shutdown().await;
    scene.end().await;
}

/// Each message ten minutes later than the one before: ours is never led further than ten minutes
/// ahead of the true time.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_creeps_ahead_leads_ours_no_further_than_ten_minutes() {
    let mut scene = Scene::new().await;
    let start = wall().0;
    for step in 1..=50 {
        scene.pen.clock = Some(Timestamp(start + step * SKEW_MS_MAX));
        let message = scene.pen.chat(format!("step {step}"));
        assert_eq!(scene.mallory.deliver(&scene.alice, &[message]).await, DONE);
        let sent = scene.hers.send(cc_net::Draft::text("tick")).await.unwrap();
        let line = scene.hers.reader().unwrap().line(sent.n).unwrap();
        let ours = line.message.unwrap().header().ts.0;
        assert!(ours <= wall().0 + SKEW_MS_MAX, "step {step}: {ours}");
    }
    scene.pen.clock = None;
    scene.end().await;
}

/// A member is not stopped from inviting; the roster goes by the acts alone, in whatever order.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_twice_is_one_message() {
    let mut scene = Scene::new().await;
    let said = scene.pen.chat("once");
    let act = scene.pen.write(Body::Invite(Invite {
        key: InviteKey::from_bytes(*identity(40).author().as_bytes()),
        expires: None,
        uses_max: None,
        note: String::new(),
        lifts: Vec::new(),
    }));
    let lines = scene.lines().await;
    let all = [said.clone(), act.clone(), said.clone(), act.clone()];
    assert_eq!(scene.mallory.deliver(&scene.alice, &all).await, DONE);
    assert_eq!(scene.mallory.deliver(&scene.alice, &all).await, DONE);
    let mut neighbor = scene.mallory.gossip(&scene.alice, scene.hers.id()).await;
    for message in &all {
        neighbor.message(message).await;
    }
    let mut events = scene.hers.events();
    neighbor.say(b"the last of it").await;
    wait_for_refusal(&mut events, MisbehaviourKind::GarbledFrame).await;
    assert_eq!(scene.lines().await, lines + 2);
    scene.end().await;
}

/// A place that does not fit its link is refused, whoever signed it.
#[tokio::test(flavor = "multi_thread")]
async fn a_place_without_its_link_is_refused() {
    let scene = Scene::new().await;
    for (seq, prev) in [
        (0, None),
        (2, None),
        (1, Some(MessageId::from_bytes([7; 32]))),
    ] {
        let mut message = scene.pen.clone().chat("x");
        message.header.seq = cc_proto::id::Seq(seq);
        message.header.prev = prev;
        sign_again(&scene, &mut message);
        refused_both_ways(&scene, message, MessageError::BadLink { seq }).await;
    }
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    within("a word", speak(&scene.hers, &[&his], "still here")).await;
    bob.node.shutdown().await;
    scene.end().await;
}

/// A member may bring what others wrote, but not what somebody wrote who does not belong.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_stranger_is_passed_over_whoever_brings_it() {
    let scene = Scene::new().await;
    let (stranger, room) = (identity(67), scene.hers.id());
    let said = Pen::new(&stranger, room).chats("let me in", 3);
    let lines = scene.lines().await;
    scene.mallory.deliver(&scene.alice, &said).await;
    let mut neighbor = scene.mallory.gossip(&scene.alice, room).await;
    for message in &said {
        neighbor.message(message).await;
    }
    let mut events = scene.hers.events();
    neighbor.say(b"the last of it").await;
    wait_for_refusal(&mut events, MisbehaviourKind::GarbledFrame).await;
    assert_eq!(scene.lines().await, lines);
    scene.end().await;
}

fn retract(of: &SignedMessage) -> Body {
    Body::Retract(Retract {
        author: of.header.author,
        chain: of.header.chain,
        seq: of.header.seq,
        message: of.header.id(),
    })
}

/// An ordinary member takes back its own words and nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_back_what_another_member_said() {
    let mut scene = Scene::new().await;
    let sent = scene.hers.send(cc_net::Draft::text("it stands")).await;
    let reader = scene.hers.reader().unwrap();
    let line = reader.line(sent.unwrap().n).unwrap();
    let said = line.message.unwrap().wire().clone();
    let own = scene.pen.chat("it does not");
    // A place of one's own, with the other's message for it.
    let Body::Retract(mut disguised) = retract(&own) else {
        unreachable!()
    };
    disguised.message = said.header.id();
    let acts = [
        own.clone(),
        scene.pen.write(retract(&said)),
        scene.pen.write(Body::Retract(disguised)),
    ];
    assert_eq!(scene.mallory.deliver(&scene.alice, &acts).await, DONE);
    assert_eq!(chat_texts(&scene.hers), ["it stands", "it does not"]);
    let taken_back = scene.pen.write(retract(&own));
    let code = scene.mallory.deliver(&scene.alice, &[taken_back]).await;
    assert_eq!(code, DONE);
    assert_eq!(chat_texts(&scene.hers), ["it stands"]);
    scene.end().await;
}

/// Words that were taken back do not come again, though somebody kept them.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_was_taken_back_is_not_taken_in_again() {
    let mut scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let said = scene.pen.chat("the password is swordfish");
    let taken_back = scene.pen.write(retract(&said));
    let both = [said.clone(), taken_back];
    assert_eq!(scene.mallory.deliver(&scene.alice, &both).await, DONE);
    let his = bob.join(&scene.hers).await;
    for door in [&scene.alice, &bob] {
        let code = scene
            .mallory
            .deliver(door, std::slice::from_ref(&said))
            .await;
        assert_eq!(code, DONE);
        let mut neighbor = scene.mallory.gossip(door, said.room()).await;
        neighbor.message(&said).await;
    }
    speak(&scene.hers, &[&his], "anything new?").await;
    speak(&his, &[&scene.hers], "nothing").await;
    for room in [&scene.hers, &his] {
        assert_eq!(chat_texts(room), ["anything new?", "nothing"]);
        let log = std::fs::read_to_string(room.dir().join("log.jsonl")).unwrap();
        assert!(!log.contains("swordfish"));
    }
    bob.node.shutdown().await;
    scene.end().await;
}

/// A message may come without its body, as where it was taken back: it shows nothing, and what comes
/// after it is none the worse.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_its_body_shows_nothing_and_its_chain_goes_on() {
    let mut scene = Scene::new().await;
    let mut said = scene.pen.chats("said", 3);
    said[1].body = None;
    assert_eq!(scene.mallory.deliver(&scene.alice, &said).await, DONE);
    assert_eq!(chat_texts(&scene.hers), ["said 0", "said 2"]);
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    wait_for_texts(&his, &["said 0", "said 2"]).await;
    speak(&his, &[&scene.hers], "was there anything between?").await;
    // An act is judged by its body, and without it is none.
    let nick = "nobody".to_owned();
    let mut act = scene.pen.write(Body::Profile(Profile { nick }));
    act.body = None;
    refused_both_ways(&scene, act, MessageError::BodyMissing).await;
    bob.node.shutdown().await;
    scene.end().await;
}
