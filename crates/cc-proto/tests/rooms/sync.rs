//! How members come to hold the same messages.

use cc_proto::body::{Body, Chat};
use cc_proto::frames::{GossipFrame, Hello, Proof, Refusal, RoomTag, SYNC_VERSION, SyncFrame};
use cc_proto::id::{ChainId, Hash, RoomId, Seq, Timestamp};
use cc_proto::limits;
use cc_proto::message::{Message, NewMessage};
use cc_proto::room::{Input, MisbehaviourKind, Output, RoomEvent, SessionId};

use super::world::{Peer, Store, WALL, World, founder, joiner, key, lost, open, write};

#[test]
fn a_joiner_is_let_in_and_gets_the_history() {
    let (alice, room) = founder(false);
    let mut world = World::new(vec![alice]);
    (0..1000).for_each(|i| world.say(0, &format!("line {i}")));
    world.peers.push(joiner(2, room, &key(99), false));
    world.pass(3_000);
    assert!(world.peers[1].events.contains(&RoomEvent::Joined));
    assert_eq!(world.peers[1].store.texts().len(), 1000);
    world.say(1, "postgres, we have it");
    world.pass(1_000);
    world.assert_equal();
    assert!(
        world.peers[0]
            .store
            .texts()
            .contains(&"postgres, we have it")
    );
}

#[test]
fn a_third_gets_all_from_one_who_was_not_there_at_the_start() {
    let (alice, room) = founder(true);
    let mut world = World::new(vec![alice, joiner(2, room, &key(99), true)]);
    world.pass(3_000);
    world.make_neighbors();
    (0..700).for_each(|i| world.say(i % 2, &format!("line {i}")));
    world.pass(10_000);
    world.assert_equal();
    world.peers[0] = joiner(3, room, &key(99), true);
    let bob = world.peers[1].me;
    world.carry_out(0, Output::StartSync { peer: bob });
    world.pass(10_000);
    assert_eq!(world.peers[0].store.texts().len(), 700);
    world.assert_equal();
}

#[test]
fn gossip_carries_a_quiet_room_and_heights_a_loud_one() {
    let (alice, room) = founder(true);
    let mut world = World::new(vec![alice, joiner(2, room, &key(99), true)]);
    world.pass(3_000);
    world.make_neighbors();
    world.pass(3_000);
    world.say(0, "by gossip");
    assert!(world.peers[1].store.texts().contains(&"by gossip"));
    let before = world.broadcasts;
    for i in 0..5_000 {
        world.say(0, &format!("a{i}"));
        world.say(1, &format!("b{i}"));
    }
    world.pass(5_000);
    world.assert_equal();
    assert_eq!(world.peers[0].store.texts().len(), 10_001);
    assert!(
        world.broadcasts - before < 200,
        "{}",
        world.broadcasts - before
    );
}

#[test]
fn a_copied_home_forks_once_and_both_sides_keep_both() {
    let (alice, room) = founder(false);
    let mut world = World::new(vec![alice, joiner(2, room, &key(99), false)]);
    world.pass(3_000);
    world.say(1, "before the copy");
    world.pass(1_000);
    let copy = open(2, room, world.peers[1].store.clone(), None, false);
    (0..10).for_each(|i| world.say(1, &format!("original {i}")));
    world.pass(1_000);
    world.assert_equal();
    let original = std::mem::replace(&mut world.peers[1], copy);
    (0..20).for_each(|i| world.say(1, &format!("copy {i}")));
    world.pass(20_000);
    world.assert_equal();
    assert_eq!(world.peers[0].store.texts().len(), 31);
    assert_eq!(world.peers[0].core.forkers(), [original.me]);
    assert!(
        world.peers[1]
            .events
            .iter()
            .any(|e| matches!(e, RoomEvent::Adopted(_)))
    );
    world.say(1, "after");
    world.pass(5_000);
    world.peers[1] = original;
    world.say(1, "the original again");
    world.pass(20_000);
    world.assert_equal();
    assert_eq!(world.peers[0].store.texts().len(), 33);
}

#[test]
fn a_stranger_and_an_expired_invite_get_nothing() {
    let (alice, room) = founder(false);
    let mut world = World::new(vec![alice, joiner(7, room, &key(55), false)]);
    world.say(0, "secret");
    world.pass(10_000);
    assert!(world.peers[1].store.messages.is_empty());
    assert_eq!(world.peers[0].core.roster().members().len(), 1);
    world.peers[1] = joiner(8, room, &key(99), false);
    world.mono_ms += 1_000_000;
    world.pass(10_000);
    assert!(world.peers[1].store.messages.is_empty());
    let expired = |event: &RoomEvent| {
        matches!(
            event,
            RoomEvent::DoorClosed {
                refusal: Refusal::Expired,
                ..
            }
        )
    };
    assert!(world.peers[1].events.iter().any(expired));
}

#[test]
fn a_lost_line_is_fetched_again() {
    let (alice, room) = founder(false);
    let mut world = World::new(vec![alice, joiner(2, room, &key(99), false)]);
    world.pass(3_000);
    (0..600).for_each(|i| world.say(i % 2, &format!("line {i}")));
    world.pass(2_000);
    let mut damaged = Store::default();
    for message in &world.peers[1].store.messages {
        if message.text() != Some("line 250") && message.text() != Some("line 301") {
            damaged.push(message.clone());
        }
    }
    assert_eq!(lost(&damaged).len(), 2);
    world.peers[1] = open(2, room, damaged, None, false);
    world.pass(5_000);
    world.assert_equal();
    assert_eq!(world.peers[1].store.texts().len(), 600);
}

/// A message of `seed`'s own chain `chain`, at its first place.
fn first_of_chain(seed: u8, room: RoomId, chain: u32, text: &str) -> Message {
    let new = NewMessage {
        room,
        chain: ChainId(chain),
        seq: Seq::FIRST,
        prev: None,
        ts: Timestamp(WALL),
        via: String::new(),
        re: None,
        body: Body::Chat(Chat { text: text.into() }),
    };
    Message::write(&key(seed), new).unwrap()
}

#[test]
fn many_chains_that_differ_stop_nobody() {
    let (alice, room) = founder(false);
    let peers = vec![
        alice,
        joiner(2, room, &key(99), false),
        joiner(3, room, &key(99), false),
    ];
    let mut world = World::new(peers);
    world.pass(5_000);
    let mallory = world.peers.remove(2).me;
    for chain in 0..1_500 {
        for (at, text) in [(0, "to alice"), (1, "to bob")] {
            let message = first_of_chain(3, room, 1_000 + chain, text);
            let bytes = GossipFrame::Message(message.wire().clone()).encode();
            world.inputs.push_back((
                at,
                Input::Gossip {
                    from: mallory,
                    bytes,
                },
            ));
        }
        // Slowly enough that nobody takes it for a flood.
        world.mono_ms += 5;
        world.settle();
    }
    world.say(0, "from alice");
    world.say(1, "from bob");
    world.pass(60_000);
    for peer in &world.peers {
        assert!(peer.store.texts().contains(&"from alice"));
        assert!(peer.store.texts().contains(&"from bob"));
    }
    world.assert_equal();
    // Of one author no more chains are kept than may be.
    let kept = world.peers[0]
        .core
        .heads()
        .iter()
        .filter(|head| head.author == mallory)
        .count();
    assert_eq!(kept, 2 * limits::CHAINS_PER_AUTHOR_MAX - 1);
}

/// Alice's store with so many messages of a member in a row that carry no signature, and one
/// after them that does.
fn with_unsigned_run(alice: &Peer, seed: u8, unsigned: u64) -> Store {
    let mut store = alice.store.clone();
    let author = key(seed).author();
    let mut tip = store
        .messages
        .iter()
        .rfind(|m| m.header().author == author)
        .cloned();
    for i in 0..=unsigned {
        let body = Body::Chat(Chat {
            text: format!("run {i}"),
        });
        let message = write(seed, alice.core.roster().room(), tip.as_ref(), body);
        let mut wire = message.wire().clone();
        if i < unsigned {
            wire.signature = None;
        }
        store.push(Message::from_log(&wire.encode()).unwrap());
        tip = Some(message);
    }
    store
}

#[test]
fn a_run_without_a_signature_near_holds_nothing_else_up() {
    for (unsigned, of_run) in [(511, 512), (700, 0)] {
        let (alice, room) = founder(false);
        let mut world = World::new(vec![alice, joiner(2, room, &key(99), false)]);
        world.pass(3_000);
        world.peers.truncate(1);
        let store = with_unsigned_run(&world.peers[0], 2, unsigned);
        world.peers[0] = open(1, room, store, None, false);
        world.say(0, "after the run");
        world.peers.push(joiner(4, room, &key(99), false));
        world.pass(10_000);
        assert!(world.peers[1].events.contains(&RoomEvent::Joined));
        let texts = world.peers[1].store.texts();
        assert!(texts.contains(&"after the run"));
        assert_eq!(texts.len(), 1 + of_run);
    }
}

#[test]
fn a_question_about_a_chain_we_do_not_hold_ends_the_session() {
    let (alice, room) = founder(false);
    let mut world = World::new(vec![alice, joiner(2, room, &key(99), false)]);
    world.pass(3_000);
    let (bob, session) = (world.peers[1].me, SessionId(9_999));
    world.inputs.push_back((
        0,
        Input::SyncOpened {
            session,
            peer: bob,
            dialed: false,
        },
    ));
    let frames = [
        SyncFrame::Hello(Hello {
            version: SYNC_VERSION,
            tag: RoomTag::of(&room),
            proof: Proof::Member { bundle: Vec::new() },
            digest: Hash::of(b"other"),
        }),
        SyncFrame::Heads {
            heads: Vec::new(),
            more: false,
        },
        SyncFrame::Locator {
            author: bob,
            chain: ChainId(77),
            places: Vec::new(),
        },
    ];
    for frame in frames {
        let frame = frame.encode();
        world
            .inputs
            .push_back((0, Input::SyncReceived { session, frame }));
    }
    world.settle();
    let kind = MisbehaviourKind::OutOfTurn;
    assert!(
        world.peers[0]
            .events
            .contains(&RoomEvent::Refused { peer: bob, kind })
    );
}
