//! One author's flood is slowed and loses nothing of anybody else.

use cc_proto::body::{Body, Chat};
use cc_proto::frames::{Hello, Proof, RoomTag, SYNC_VERSION, SyncFrame};
use cc_proto::id::{Hash, RoomId};
use cc_proto::limits;
use cc_proto::message::Message;
use cc_proto::room::{Input, Output, SessionId, SyncAbortCode};

use super::world::{World, founder, joiner, key, now, write};

fn room_of(seeds: &[u8]) -> (World, RoomId) {
    let (alice, room) = founder(false);
    let mut world = World::new(vec![alice]);
    for seed in seeds {
        world.peers.push(joiner(*seed, room, &key(99), false));
        world.pass(4_000);
    }
    world.pass(10_000);
    (world, room)
}

fn chain_of(world: &World, seed: u8, room: RoomId, length: usize) -> Vec<Message> {
    let author = key(seed).author();
    let mut held = world.peers[0].store.messages.iter();
    let mut last = held
        .rfind(|m| m.header().author == author)
        .cloned()
        .unwrap();
    let mut chain = Vec::new();
    for i in 0..length {
        let text = format!("{seed}: {i}");
        last = write(seed, room, Some(&last), Body::Chat(Chat { text }));
        chain.push(last.clone());
    }
    chain
}

#[test]
fn a_flood_of_live_messages_is_left_for_sync_while_anothers_go_through() {
    let (mut world, room) = room_of(&[2, 3]);
    let (mallory, carol) = (key(2).author(), key(3).author());
    let flood = chain_of(&world, 2, room, 1_000);
    let said = chain_of(&world, 3, room, 20);
    world.move_to(1, 1);
    world.move_to(2, 2);
    for (i, message) in flood.iter().enumerate() {
        world.gossip(0, mallory, message);
        if let Some(message) = said.get(i / 50).filter(|_| i % 50 == 0) {
            world.gossip(0, carol, message);
        }
    }
    let texts = world.peers[0].store.texts();
    let of = |seed: &str| texts.iter().filter(|text| text.starts_with(seed)).count();
    assert_eq!(of("3: "), 20);
    assert_eq!(of("2: ") as u64, limits::LIVE_BURST);
    // What was left is not lost: Mallory's machine has it, and a sync brings it.
    let mut store = world.peers[1].store.clone();
    for message in &flood {
        store.push(message.clone());
    }
    world.peers[1] = super::world::open(2, room, store, None, false);
    world.move_to(1, 0);
    world.pass(20_000);
    assert_eq!(world.peers[0].store.texts().len(), 1_020);
}

#[test]
fn messages_that_wait_for_others_make_room_for_other_authors() {
    let seeds: Vec<u8> = (2..14).collect();
    let (mut world, room) = room_of(&seeds);
    (1..world.peers.len()).for_each(|at| world.move_to(at, 1));
    // Eleven authors each leave out a message and send what follows; the twelfth comes last.
    for seed in &seeds[..11] {
        let chain = chain_of(&world, *seed, room, limits::PENDING_PER_AUTHOR_MAX + 1);
        for message in &chain[1..] {
            world.gossip(0, key(*seed).author(), message);
        }
    }
    let chain = chain_of(&world, seeds[11], room, 3);
    let author = key(seeds[11]).author();
    world.gossip(0, author, &chain[2]);
    world.gossip(0, author, &chain[1]);
    world.gossip(0, author, &chain[0]);
    assert_eq!(world.peers[0].store.texts().len(), 3);
}

fn open_session(world: &mut World, session: u64, peer: u8) -> Vec<Output> {
    let session = SessionId(session);
    let opened = Input::SyncOpened {
        session,
        peer: key(peer).author(),
        dialed: false,
    };
    let hello = SyncFrame::Hello(Hello {
        version: SYNC_VERSION,
        tag: RoomTag::of(&world.peers[0].core.roster().room()),
        proof: Proof::Member { bundle: Vec::new() },
        digest: Hash::of(b"other"),
    });
    let frame = hello.encode();
    let alice = &mut world.peers[0];
    let mut outputs = Vec::new();
    for input in [opened, Input::SyncReceived { session, frame }] {
        outputs.extend(
            alice
                .core
                .handle(input, now(world.mono_ms), &alice.store)
                .unwrap(),
        );
    }
    outputs
}

#[test]
fn a_member_without_a_session_gets_one_though_others_hold_all() {
    let seeds: Vec<u8> = (2..20).collect();
    let (mut world, _) = room_of(&seeds);
    for (i, seed) in seeds[..limits::SESSIONS_MAX].iter().enumerate() {
        let outputs = open_session(&mut world, 1_000_000 + i as u64, *seed);
        assert!(
            !outputs
                .iter()
                .any(|it| matches!(it, Output::SyncAbort { .. }))
        );
        world.mono_ms += 10;
    }
    let aborted = |outputs: &[Output]| {
        outputs.iter().find_map(|output| match output {
            Output::SyncAbort { session, code } => Some((*session, *code)),
            _ => None,
        })
    };
    let refused = |session| Some((SessionId(session), SyncAbortCode::Refused));
    let made_way = |session| Some((SessionId(session), SyncAbortCode::MadeWay));
    assert_eq!(
        aborted(&open_session(&mut world, 19_000, 19)),
        refused(19_000)
    );
    world.mono_ms += limits::SESSION_TURN_MS - 100;
    // The one who waited longer comes first, however often others ask.
    assert_eq!(
        aborted(&open_session(&mut world, 18_000, 18)),
        refused(18_000)
    );
    assert_eq!(
        aborted(&open_session(&mut world, 18_001, 18)),
        refused(18_001)
    );
    assert_eq!(
        aborted(&open_session(&mut world, 19_001, 19)),
        made_way(1_000_000)
    );
    assert_eq!(
        aborted(&open_session(&mut world, 18_002, 18)),
        made_way(1_000_001)
    );
}
