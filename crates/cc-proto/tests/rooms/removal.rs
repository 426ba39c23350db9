//! What a removal does between cores.

use cc_proto::body::{Body, Chat};
use cc_proto::frames::{GossipFrame, Refusal};
use cc_proto::id::{AuthorId, ChainId, InviteKey, RoomId, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::Message;
use cc_proto::room::{Act, Input, RejectReason, RoomEvent, SyncAbortCode};
use cc_proto::roster::join_body;

use super::world::{Peer, WALL, World, founder, joiner, key, write, write_in};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

/// Alice, who made the room, and those of the seeds, let in by her invite.
fn room_of(seeds: &[u8]) -> (World, RoomId) {
    let (alice, room) = founder(false);
    let mut world = World::new(vec![alice]);
    for seed in seeds {
        world.peers.push(joiner(*seed, room, &key(99), false));
        world.pass(4_000);
    }
    world.assert_equal();
    assert_eq!(
        world.peers[0].core.roster().members().len(),
        1 + seeds.len()
    );
    (world, room)
}

fn chat(text: &str) -> Body {
    Body::Chat(Chat { text: text.into() })
}

fn remove(member: AuthorId) -> Act {
    Act::Remove {
        member,
        keep_invite: false,
    }
}

/// An invite of a key of its own, by `at`; `back` lifts the removals of somebody.
fn invite(world: &mut World, at: usize, secret: u8, back: Option<AuthorId>) -> Identity {
    let act = Act::Invite {
        key: InviteKey::from_bytes(*key(secret).author().as_bytes()),
        expires: Some(Timestamp(WALL + 10_000_000)),
        uses_max: None,
        note: String::new(),
        back,
    };
    world.act(at, act);
    key(secret)
}

fn tip_of(peer: &Peer, author: AuthorId, chain: ChainId) -> Message {
    let mut messages = peer.store.messages.iter();
    let in_chain = |m: &&Message| (m.header().author, m.header().chain) == (author, chain);
    messages.rfind(in_chain).unwrap().clone()
}

#[test]
fn a_removal_cuts_off_what_comes_later_and_leaves_what_came_before() {
    let (mut world, _) = room_of(&[2, 3]);
    let bob = world.peers[BOB].me;
    world.say(BOB, "before");
    world.pass(8_000);
    world.act(ALICE, remove(bob));
    world.pass(8_000);
    world.say(BOB, "after");
    world.pass(30_000);
    for at in [ALICE, CAROL] {
        let peer = &world.peers[at];
        assert_eq!(peer.store.texts(), ["before"]);
        assert!(!peer.core.roster().contains(&bob));
        assert!(peer.events.contains(&RoomEvent::MemberGone(bob)));
        assert!(
            !peer
                .core
                .online(super::world::now(world.mono_ms))
                .contains(&bob)
        );
    }
    assert_eq!(
        world.peers[ALICE].core.heads(),
        world.peers[CAROL].core.heads()
    );
}

#[test]
fn a_session_with_the_removed_ends_in_the_same_turn_and_no_frame_follows() {
    let (mut world, _) = room_of(&[2, 3]);
    let bob = world.peers[BOB].me;
    (0..2_000).for_each(|i| world.say(CAROL, &format!("line {i}")));
    // A session is under way between Alice and Bob, held up by Bob's transport.
    world.move_to(CAROL, 1);
    world.inputs.clear();
    let session = cc_proto::room::SessionId(90_001);
    let opened = Input::SyncOpened {
        session,
        peer: bob,
        dialed: true,
    };
    let peer = &mut world.peers[ALICE];
    let sent = peer
        .core
        .handle(opened, super::world::now(world.mono_ms), &peer.store);
    assert!(!sent.unwrap().is_empty());
    let before = world.frames.get(&(ALICE, BOB)).copied();
    world.act(ALICE, remove(bob));
    assert!(world.aborts.contains(&(ALICE, SyncAbortCode::Gone)));
    let ready = Input::SyncReady { session };
    world.inputs.push_back((ALICE, ready));
    world.settle();
    assert_eq!(world.frames.get(&(ALICE, BOB)).copied(), before);
}

#[test]
fn a_removal_that_the_removed_hand_on_themselves_ends_their_session() {
    let (mut world, _) = room_of(&[2, 3]);
    let (alice, bob, carol) = (
        world.peers[ALICE].me,
        world.peers[BOB].me,
        world.peers[CAROL].me,
    );
    world.move_to(CAROL, 1);
    world.act(ALICE, remove(bob));
    let act = tip_of(&world.peers[ALICE], alice, ChainId(1));
    world.move_to(BOB, 1);
    world.gossip(BOB, carol, &act);
    assert!(world.peers[BOB].core.is_removed());
    world.carry_out(BOB, cc_proto::room::Output::StartSync { peer: carol });
    world.settle();
    assert!(!world.peers[CAROL].core.roster().contains(&bob));
    assert!(world.aborts.contains(&(CAROL, SyncAbortCode::Gone)));
    let sent = world.frames.get(&(CAROL, BOB)).copied();
    world.pass(60_000);
    assert_eq!(world.frames.get(&(CAROL, BOB)).copied(), sent);
}

#[test]
fn the_removed_are_refused_as_members_and_by_every_invite_they_had() {
    let (mut world, room) = room_of(&[2, 3]);
    let bob = world.peers[BOB].me;
    let of_bob = invite(&mut world, BOB, 77, None);
    world.pass(8_000);
    world.act(ALICE, remove(bob));
    world.pass(8_000);
    // With the old membership.
    world.restart(BOB, 2, None);
    world.peers[BOB].events.clear();
    world.pass(5_000);
    let refused = |peer: &Peer, refusal: Refusal| {
        peer.events.iter().any(|event| {
            matches!(event, RoomEvent::DoorClosed { refusal: told, .. } if *told == refusal)
        })
    };
    assert!(refused(&world.peers[BOB], Refusal::Refused));
    // With the same key and the ticket it came by.
    let join = join_body(&key(99), &room, &bob, "bob".into());
    let join = write_in(ChainId(222), 2, room, None, Body::Join(join));
    world.restart(BOB, 2, Some(join));
    world.pass(5_000);
    assert!(refused(&world.peers[BOB], Refusal::Removed));
    // With a fresh key, by the ticket it came by and by one it made.
    for invite in [&key(99), &of_bob] {
        world.peers[BOB] = joiner(8, room, invite, false);
        world.pass(5_000);
        assert!(refused(&world.peers[BOB], Refusal::Revoked));
        assert!(world.peers[BOB].store.messages.is_empty());
    }
    // Carol came by the same ticket, and stays.
    assert!(
        world.peers[ALICE]
            .core
            .roster()
            .contains(&world.peers[CAROL].me)
    );
}

#[test]
fn a_lifting_invite_lets_back_in_and_a_new_chain_goes_on() {
    let (mut world, room) = room_of(&[2, 3]);
    let bob = world.peers[BOB].me;
    world.say(BOB, "before");
    world.pass(8_000);
    world.act(ALICE, remove(bob));
    world.say(BOB, "in vain");
    world.pass(8_000);
    let back = invite(&mut world, ALICE, 78, Some(bob));
    world.pass(8_000);
    let join = join_body(&back, &room, &bob, "bob".into());
    let join = write_in(ChainId(222), 2, room, None, Body::Join(join));
    world.restart(BOB, 2, Some(join));
    assert!(world.peers[BOB].core.is_joining());
    world.pass(5_000);
    assert!(!world.peers[BOB].core.is_joining());
    assert!(world.peers[BOB].events.contains(&RoomEvent::Joined));
    world.say(BOB, "back again");
    world.pass(20_000);
    for at in [ALICE, CAROL] {
        assert_eq!(world.peers[at].store.texts(), ["back again", "before"]);
    }
    assert_eq!(
        world.peers[BOB].store.texts(),
        ["back again", "before", "in vain"]
    );
    for peer in &world.peers {
        assert_eq!(peer.core.heads(), world.peers[ALICE].core.heads());
        assert_eq!(peer.core.roster(), world.peers[ALICE].core.roster());
    }
}

#[test]
fn with_the_invite_kept_a_lift_alone_lets_back_and_the_cut_chain_is_left() {
    let (mut world, _) = room_of(&[2]);
    let bob = world.peers[BOB].me;
    let act = Act::Remove {
        member: bob,
        keep_invite: true,
    };
    world.act(ALICE, act);
    world.say(BOB, "in vain");
    world.pass(2_000);
    invite(&mut world, ALICE, 78, Some(bob));
    assert!(world.peers[ALICE].core.roster().contains(&bob));
    // Refused peers are tried ever more rarely, at the latest every ten minutes.
    world.pass(700_000);
    world.say(BOB, "heard of it");
    world.pass(5_000);
    assert_eq!(world.peers[ALICE].store.texts(), ["heard of it"]);
    assert_ne!(world.peers[BOB].chain, ChainId(2));
    assert_eq!(
        world.peers[ALICE].core.heads(),
        world.peers[BOB].core.heads()
    );
}

#[test]
fn a_removal_and_an_admission_apart_come_to_the_same() {
    let (mut world, room) = room_of(&[2, 3]);
    let bob = world.peers[BOB].me;
    world.move_to(ALICE, 1);
    world.act(ALICE, remove(bob));
    // Meanwhile Bob lets Dave in by an invite of his, and both talk to Carol.
    let of_bob = invite(&mut world, BOB, 77, None);
    let mut dave = joiner(4, room, &of_bob, false);
    std::mem::swap(&mut dave, &mut world.peers[BOB]);
    world.peers.push(dave);
    world.peers.swap(BOB, 3);
    world.move_to(3, 0);
    world.say(BOB, "bob meanwhile");
    world.carry_out(3, cc_proto::room::Output::StartSync { peer: bob });
    world.pass(10_000);
    let dave = world.peers[3].me;
    world.say(3, "dave meanwhile");
    world.pass(20_000);
    assert!(world.peers[CAROL].core.roster().contains(&dave));
    world.move_to(ALICE, 0);
    world.pass(200_000);
    for at in [ALICE, CAROL] {
        let roster = world.peers[at].core.roster();
        assert!(!roster.contains(&bob) && !roster.contains(&dave));
    }
    let (alice, carol) = (&world.peers[ALICE], &world.peers[CAROL]);
    assert_eq!(alice.core.roster(), carol.core.roster());
    assert_eq!(alice.core.heads(), carol.core.heads());
    assert!(alice.store.texts().is_empty());
    assert_eq!(carol.store.texts(), ["bob meanwhile", "dave meanwhile"]);
}

#[test]
fn who_leaves_tells_the_others_and_writes_no_more() {
    let (mut world, _) = room_of(&[2, 3]);
    let bob = world.peers[BOB].me;
    world.say(BOB, "farewell");
    world.act(BOB, Act::Leave);
    world.say(BOB, "one more thing");
    world.pass(20_000);
    assert_eq!(world.peers[BOB].rejected, [RejectReason::NotAMember]);
    for at in [ALICE, CAROL] {
        assert!(!world.peers[at].core.roster().contains(&bob));
        assert_eq!(world.peers[at].store.texts(), ["farewell"]);
    }
    world.assert_equal();
}

#[test]
fn the_order_in_which_removal_and_messages_come_makes_no_difference() {
    for heard_first in [true, false] {
        let (mut world, room) = room_of(&[2, 3]);
        let bob = world.peers[BOB].me;
        world.move_to(CAROL, 2);
        world.say(BOB, "counted");
        world.pass(5_000);
        world.move_to(ALICE, 1);
        world.act(ALICE, remove(bob));
        world.say(BOB, "too late");
        if heard_first {
            world.move_to(CAROL, 1);
            world.pass(200_000);
            world.move_to(ALICE, 0);
            world.move_to(CAROL, 0);
        } else {
            world.move_to(CAROL, 0);
            world.pass(200_000);
            assert!(world.peers[CAROL].store.texts().contains(&"too late"));
            world.move_to(ALICE, 0);
        }
        world.pass(200_000);
        let (alice, carol) = (&world.peers[ALICE], &world.peers[CAROL]);
        assert_eq!(alice.core.heads(), carol.core.heads(), "{heard_first}");
        assert_eq!(alice.core.roster(), carol.core.roster());
        assert_eq!(alice.store.texts(), ["counted"]);
        assert_eq!(carol.store.texts().contains(&"too late"), !heard_first);
        // A newcomer gets what counts, whoever it asks.
        let carol = carol.me;
        let fresh = invite(&mut world, ALICE, 79, None);
        world.pass(10_000);
        world.peers[BOB] = joiner(9, room, &fresh, false);
        world.carry_out(BOB, cc_proto::room::Output::StartSync { peer: carol });
        world.pass(10_000);
        assert_eq!(world.peers[BOB].store.texts(), ["counted"]);
    }
}

#[test]
fn what_is_skipped_does_not_make_two_peers_go_in_circles() {
    let (mut world, room) = room_of(&[2, 3]);
    let bob = world.peers[BOB].me;
    world.move_to(CAROL, 2);
    world.act(ALICE, remove(bob));
    world.pass(5_000);
    world.peers.swap(BOB, CAROL);
    // Carol hears of the removal; a copy of hers never does, and offers Bob's words again and again.
    let carol_before = world.peers[BOB].store.clone();
    let tip = tip_of(&world.peers[CAROL], bob, ChainId(2));
    let mut stale = carol_before;
    let mut last = tip;
    for i in 0..50 {
        last = write(2, room, Some(&last), chat(&format!("void {i}")));
        stale.push(last.clone());
    }
    world.peers[BOB] = super::world::open(3, room, stale, None, false);
    world.move_to(BOB, 0);
    world.move_to(CAROL, 3);
    world.pass(60_000);
    assert_eq!(
        world.peers[ALICE].core.heads(),
        world.peers[BOB].core.heads()
    );
    assert!(world.peers[ALICE].store.texts().is_empty());
    assert!(world.sessions_opened < 60, "{}", world.sessions_opened);
    assert!(
        !world
            .aborts
            .iter()
            .any(|(_, code)| *code == SyncAbortCode::Misbehaved)
    );
}

#[test]
fn who_was_removed_writes_nothing_and_dials_rarely() {
    let (mut world, _) = room_of(&[2, 3]);
    let bob = world.peers[BOB].me;
    world.act(ALICE, remove(bob));
    // Bob hears of it all the same: from a member who does not know what it means to tell him.
    let act = tip_of(&world.peers[ALICE], world.peers[ALICE].me, ChainId(1));
    let carol = world.peers[CAROL].me;
    world.gossip(BOB, carol, &act);
    assert!(world.peers[BOB].events.contains(&RoomEvent::Removed));
    assert!(world.peers[BOB].core.is_removed());
    world.say(BOB, "anybody there");
    assert_eq!(world.peers[BOB].rejected, [RejectReason::NotAMember]);
    world.move_to(BOB, 5);
    world.move_to(ALICE, 5);
    let before = world.peers[ALICE].events.len();
    world.pass(590_000);
    let refused =
        |event: &RoomEvent| matches!(event, RoomEvent::Refused { peer, .. } if *peer == bob);
    let dials = world.peers[ALICE].events[before..]
        .iter()
        .filter(|e| refused(e))
        .count();
    assert!(dials <= 1, "{dials}");
}

#[test]
fn gossip_of_the_removed_is_not_appended_whoever_delivers_it() {
    let (mut world, room) = room_of(&[2, 3]);
    let (bob, carol) = (world.peers[BOB].me, world.peers[CAROL].me);
    let tip = tip_of(&world.peers[ALICE], bob, ChainId(2));
    let early = write(2, room, Some(&tip), chat("early"));
    world.gossip(ALICE, carol, &early);
    world.act(ALICE, remove(bob));
    let late = write(2, room, Some(&early), chat("late"));
    world.gossip(ALICE, carol, &late);
    world.gossip(ALICE, bob, &late);
    assert_eq!(world.peers[ALICE].store.texts(), ["early"]);
    let heights = GossipFrame::Heights(vec![cc_proto::id::Head {
        author: bob,
        chain: ChainId(2),
        seq: late.header().seq,
        id: late.id(),
    }]);
    let sessions = world.sessions_opened;
    let bytes = heights.encode();
    let from = carol;
    world.move_to(CAROL, 4);
    world
        .inputs
        .push_back((ALICE, Input::Gossip { from, bytes }));
    world.pass(500);
    assert_eq!(world.sessions_opened, sessions);
}

#[test]
fn of_a_forked_chain_only_the_branch_of_the_cut_counts() {
    let (mut world, room) = room_of(&[2, 3]);
    let (bob, carol) = (world.peers[BOB].me, world.peers[CAROL].me);
    let tip = tip_of(&world.peers[ALICE], bob, ChainId(2));
    world.move_to(CAROL, 2);
    world.move_to(BOB, 3);
    let mut branches: Vec<Vec<Message>> = Vec::new();
    for (text, length) in [("one", 4), ("two", 6)] {
        let mut branch = vec![tip.clone()];
        for i in 0..length {
            let last = branch.last();
            branch.push(write(2, room, last, chat(&format!("{text} {i}"))));
        }
        branches.push(branch[1..].to_vec());
    }
    // Alice holds the one branch and Carol the other; each counts for whoever removes Bob.
    for message in &branches[0] {
        world.gossip(ALICE, carol, message);
    }
    let alice = world.peers[ALICE].me;
    for message in &branches[1] {
        world.gossip(CAROL, alice, message);
    }
    world.act(ALICE, remove(bob));
    world.move_to(CAROL, 0);
    world.pass(200_000);
    let (alice, carol) = (&world.peers[ALICE], &world.peers[CAROL]);
    assert_eq!(alice.core.roster(), carol.core.roster());
    assert_eq!(alice.core.heads(), carol.core.heads());
    assert_eq!(alice.store.texts(), ["one 0", "one 1", "one 2", "one 3"]);
    let counts = |message: &Message| carol.core.roster().counts(message);
    assert!(branches[0].iter().all(counts));
    assert!(!branches[1].iter().any(counts));
    // The same is worked out when the room is opened.
    world.restart(CAROL, 3, None);
    let carol = &world.peers[CAROL];
    assert_eq!(world.peers[ALICE].core.heads(), carol.core.heads());
    assert!(
        !branches[1]
            .iter()
            .any(|message| carol.core.roster().counts(message))
    );
}
