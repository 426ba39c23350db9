//! What was taken back is erased, and what was withheld is not.

use std::time::{Duration, Instant};

use cc_proto::body::{Body, Retract};
use cc_proto::id::{ChainId, Seq};
use cc_proto::message::Message;
use cc_proto::room::Act;

use super::world::{Store, World, founder, joiner, key, open, write};

fn pair() -> (World, cc_proto::id::RoomId) {
    let (alice, room) = founder(false);
    let mut world = World::new(vec![alice, joiner(2, room, &key(99), false)]);
    world.pass(4_000);
    (world, room)
}

fn retract(message: &Message) -> Act {
    let header = message.header();
    Act::Retract {
        author: header.author,
        chain: header.chain,
        seq: header.seq,
        message: message.id(),
    }
}

#[test]
fn what_was_taken_back_is_erased_here_and_there_and_never_comes_again() {
    let (mut world, room) = pair();
    world.say(0, "secret");
    world.say(0, "open");
    world.pass(8_000);
    assert_eq!(world.peers[1].store.texts(), ["open", "secret"]);
    let secret = world.peers[0].store.find("secret").clone();
    world.act(0, retract(&secret));
    world.pass(8_000);
    for peer in &world.peers {
        assert_eq!(peer.store.texts(), ["open"]);
    }
    world.peers.push(joiner(3, room, &key(99), false));
    world.pass(8_000);
    assert_eq!(world.peers[2].store.texts(), ["open"]);
    world.assert_equal();
    // Its chain stays verifiable: all of it is there.
    assert_eq!(
        world.peers[2].store.messages.len(),
        world.peers[0].store.messages.len()
    );
}

#[test]
fn a_message_that_comes_after_its_retract_is_stored_without_its_body() {
    let (mut world, room) = pair();
    world.pass(5_000);
    let alice = world.peers[0].me;
    world.move_to(1, 1);
    world.say(0, "secret");
    let secret = world.peers[0].store.find("secret").clone();
    world.act(0, retract(&secret));
    let retracted = world.peers[0].store.messages.last().cloned().unwrap();
    // The retract first, then its message with the body: as a member may send it who did not hear.
    world.gossip(1, alice, &retracted);
    world.gossip(1, alice, &secret);
    let held = world.peers[1].store.messages.iter();
    assert!(held.clone().any(|m| m.id() == secret.id()));
    assert!(world.peers[1].store.texts().is_empty());
    assert_eq!(room, world.peers[1].core.roster().room());
}

#[test]
fn only_its_author_or_an_admin_takes_a_message_back() {
    let (mut world, room) = pair();
    world.say(0, "stays");
    world.pass(8_000);
    let stays = world.peers[0].store.find("stays").clone();
    let header = stays.header();
    let body = Body::Retract(Retract {
        author: header.author,
        chain: header.chain,
        seq: header.seq,
        message: stays.id(),
    });
    let bob = world.peers[1].me;
    let in_chain = |m: &&Message| (m.header().author, m.header().chain) == (bob, ChainId(2));
    let tip = world.peers[0]
        .store
        .messages
        .iter()
        .rfind(in_chain)
        .cloned();
    let forged = write(2, room, tip.as_ref(), body);
    world.gossip(0, bob, &forged);
    assert_eq!(world.peers[0].store.texts(), ["stays"]);
    // The root may.
    world.say(1, "of bob");
    world.pass(8_000);
    let of_bob = world.peers[1].store.find("of bob").clone();
    world.act(0, retract(&of_bob));
    world.pass(8_000);
    assert_eq!(world.peers[1].store.texts(), ["stays"]);
}

/// Nobody can keep a text from a newcomer for good by handing on the message without it.
#[test]
fn a_body_that_one_member_withholds_comes_from_another() {
    let (mut world, room) = pair();
    (0..5).for_each(|i| world.say(0, &format!("line {i}")));
    world.pass(8_000);
    let mut stripped = Store::default();
    for message in &world.peers[1].store.messages {
        stripped.push(message.clone().without_body());
    }
    let bob = world.peers[1].me;
    world.peers[1] = open(2, room, stripped, None, false);
    world.peers.push(joiner(3, room, &key(99), false));
    world.move_to(0, 1);
    world.carry_out(2, cc_proto::room::Output::StartSync { peer: bob });
    world.pass(8_000);
    assert!(world.peers[2].core.roster().contains(&key(3).author()));
    assert!(world.peers[2].store.texts().is_empty());
    world.move_to(0, 0);
    world.pass(200_000);
    assert_eq!(world.peers[2].store.texts().len(), 5);
}

/// A member's retracts of another's message count for nothing; each is looked at once.
#[test]
fn retracts_that_do_not_count_cost_no_more_the_more_there_are() {
    let (mut world, room) = pair();
    world.say(0, "stays");
    world.pass(8_000);
    let stays = world.peers[0].store.find("stays").clone();
    let bob = world.peers[1].me;
    let of_bob = |m: &&Message| m.header().author == bob;
    let mut last = world.peers[0].store.messages.iter().rfind(of_bob).cloned();
    world.move_to(1, 1);
    let begun = Instant::now();
    for seq in 1..1_200 {
        let body = Body::Retract(Retract {
            author: stays.header().author,
            chain: stays.header().chain,
            seq: Seq(seq),
            message: stays.id(),
        });
        last = Some(write(2, room, last.as_ref(), body));
        world.mono_ms += 10;
        world.gossip(0, bob, last.as_ref().unwrap());
        assert!(begun.elapsed() < Duration::from_secs(30), "{seq} retracts");
    }
    let acts = world.peers[0].core.roster().acts_of(&bob);
    assert!(acts > 1_100, "{acts}");
    assert_eq!(world.peers[0].store.texts(), ["stays"]);
}

#[test]
fn a_retract_of_one_who_is_made_an_admin_later_counts_from_then_on() {
    let (mut world, _) = pair();
    world.say(0, "of alice");
    world.pass(8_000);
    let bob = world.peers[1].me;
    let of_alice = world.peers[1].store.find("of alice").clone();
    let grant = Act::Grant {
        member: bob,
        admin: true,
    };
    // Bob's copy of the log knows of the grant first.
    world.move_to(1, 1);
    world.act(0, grant);
    let granted = world.peers[0].store.messages.last().cloned().unwrap();
    let alice = world.peers[0].me;
    world.gossip(1, alice, &granted);
    world.act(1, retract(&of_alice));
    assert!(world.peers[1].store.texts().is_empty());
    let retracted = world.peers[1].store.messages.last().cloned().unwrap();
    let mut third = Store::default();
    let held = world.peers[1].store.messages.iter();
    let before = held.filter(|m| m.id() != granted.id() && m.id() != retracted.id());
    before.for_each(|m| third.push(m.clone()));
    world.peers[0] = open(1, granted.room(), third, None, false);
    world.move_to(0, 2);
    world.gossip(0, bob, &retracted);
    world.gossip(0, bob, &granted);
    assert!(world.peers[0].store.texts().is_empty());
}
