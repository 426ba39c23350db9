//! What members say of their own disks and agents, and who hears of it.

use std::sync::Arc;

use cc_proto::body::{Body, Chat};
use cc_proto::frames::{GossipFrame, SyncFrame};
use cc_proto::id::{AuthorId, ChainId, RoomId, Seq, Timestamp};
use cc_proto::limits;
use cc_proto::message::Message;
use cc_proto::receipt::{MessageReceipts, Reached, Receipt, ReceiptError, SignedReceipt};
use cc_proto::room::{Act, Input, MisbehaviourKind, Output, RoomEvent};

use super::world::{WALL, World, founder, joiner, key, now, open, write};

/// Alice, Bob and Carol, who are members; with gossip they are neighbours.
fn three(gossip: bool) -> (World, RoomId) {
    let (alice, room) = founder(gossip);
    let peers = vec![
        alice,
        joiner(2, room, &key(99), gossip),
        joiner(3, room, &key(99), gossip),
    ];
    let mut world = World::new(peers);
    world.pass(10_000);
    if gossip {
        world.make_neighbors();
        world.pass(10_000);
    }
    (world, room)
}

fn place_of(world: &World, text: &str) -> (AuthorId, ChainId, Seq) {
    let header = world.peers[0].store.find(text).header();
    (header.author, header.chain, header.seq)
}

fn known_at(world: &World, at: usize, text: &str) -> MessageReceipts {
    world.peers[at].core.receipts().of(place_of(world, text))
}

fn members(seeds: &[u8]) -> Vec<AuthorId> {
    let mut members: Vec<AuthorId> = seeds.iter().map(|seed| key(*seed).author()).collect();
    members.sort_unstable();
    members
}

fn offer(world: &mut World, at: usize, agent: &str, text: &str) {
    let shown = vec![place_of(world, text)];
    let agent = agent.to_owned();
    world
        .inputs
        .push_back((at, Input::Offered { agent, shown }));
}

fn share(world: &mut World, at: usize, share: bool) {
    world.inputs.push_back((at, Input::ShareReceipts(share)));
}

/// A receipt as anybody could make it.
fn made(by: u8, member: u8, room: RoomId, at: u64, seq: u64) -> SignedReceipt {
    let receipt = Receipt {
        room,
        member: key(member).author(),
        at: Timestamp(at),
        reached: vec![Reached {
            author: key(1).author(),
            chain: ChainId(1),
            seq: Seq(seq),
        }],
        offered: Vec::new(),
    };
    receipt.sign(&key(by)).wire().clone().with_member(member)
}

trait WithMember {
    fn with_member(self, member: u8) -> Self;
}

impl WithMember for SignedReceipt {
    fn with_member(mut self, member: u8) -> Self {
        self.receipt.member = key(member).author();
        self
    }
}

fn gossip(world: &mut World, at: usize, from: u8, receipt: &SignedReceipt) {
    let bytes = GossipFrame::Receipt(receipt.clone()).encode();
    let from = key(from).author();
    world.inputs.push_back((at, Input::Gossip { from, bytes }));
    world.settle();
}

fn refusals(world: &World, at: usize) -> Vec<MisbehaviourKind> {
    let events = world.peers[at].events.iter();
    let kinds = events.filter_map(|event| match event {
        RoomEvent::Refused { kind, .. } => Some(*kind),
        _ => None,
    });
    kinds.collect()
}

#[test]
fn everybody_sees_whom_a_message_reached_and_to_whose_agents_it_was_offered() {
    for with_gossip in [true, false] {
        let (mut world, _) = three(with_gossip);
        world.say(0, "postgres, we have it");
        world.pass(15_000);
        let known = known_at(&world, 0, "postgres, we have it");
        assert_eq!(known.reached, members(&[2, 3]), "gossip: {with_gossip}");
        assert_eq!((known.others, known.offered), (2, Vec::new()));
        offer(&mut world, 1, "claude-code", "postgres, we have it");
        world.pass(15_000);
        for at in 0..3 {
            let known = known_at(&world, at, "postgres, we have it");
            let told = (key(2).author(), "claude-code".to_owned());
            assert_eq!(known.offered, [told], "gossip: {with_gossip}, at {at}");
        }
        // Neither the author nor oneself is counted.
        assert_eq!(
            known_at(&world, 2, "postgres, we have it").reached,
            members(&[2])
        );
        let told = |at: usize| world.peers[at].events.contains(&RoomEvent::Receipts);
        assert!(told(0) && told(1) && told(2));
    }
}

#[test]
fn a_quiet_room_is_quiet_and_a_loud_one_sends_receipts_at_their_pace() {
    let (mut world, _) = three(true);
    world.pass(60_000);
    let before = world.broadcasts;
    world.pass(3_600_000);
    assert_eq!(world.broadcasts, before, "nothing changed");
    let ticks = world.peers[0].core.next_tick();
    assert!(ticks > world.mono_ms + 1_000, "nothing is due soon");
    for k in 0..100 {
        world.say(0, &format!("line {k}"));
        world.pass(100);
    }
    // Each message once, and of the ten seconds at most five receipts of each of two members.
    let receipts = world.broadcasts - before - 100;
    assert!((4..=12).contains(&receipts), "{receipts}");
    world.pass(5_000);
    assert_eq!(known_at(&world, 0, "line 99").reached, members(&[2, 3]));
}

#[test]
fn one_who_was_away_hears_of_it_from_whoever_is_there() {
    let (mut world, _) = three(false);
    world.move_to(0, 1);
    world.say(1, "while alice is away");
    world.pass(15_000);
    // Now Carol alone is there, and tells what Bob said.
    world.move_to(1, 2);
    world.move_to(0, 0);
    world.pass(30_000);
    offer(&mut world, 2, "codex", "while alice is away");
    world.pass(15_000);
    let known = known_at(&world, 0, "while alice is away");
    assert_eq!(known.reached, members(&[3]));
    assert_eq!(known.offered, [(key(3).author(), "codex".to_owned())]);
    world.move_to(2, 3);
    world.move_to(1, 0);
    world.pass(30_000);
    let known = known_at(&world, 1, "while alice is away");
    assert_eq!(
        known.reached,
        members(&[1, 3]),
        "what Carol said, from Alice"
    );
}

#[test]
fn one_who_shares_nothing_sends_nothing() {
    for with_gossip in [true, false] {
        let (mut world, _) = three(with_gossip);
        let peer = &world.peers[2];
        let store = peer.store.clone();
        let room = peer.core.roster().room();
        for at in 0..2 {
            let store = world.peers[at].store.clone();
            world.peers[at] = open(at as u8 + 1, room, store, None, with_gossip);
        }
        world.peers[2] = open(3, room, store, None, with_gossip);
        world.peers[2].core.open_receipts(false, Arc::default());
        if with_gossip {
            world.make_neighbors();
        }
        world.say(0, "line");
        offer(&mut world, 2, "codex", "line");
        world.pass(60_000);
        let known = known_at(&world, 0, "line");
        assert_eq!((known.reached, known.offered), (members(&[2]), Vec::new()));
        for peer in &world.peers {
            let receipts = peer.core.receipts().receipts;
            assert!(!receipts.contains_key(&key(3).author()), "not one was made");
        }
        // She sees what the others tell.
        assert_eq!(known_at(&world, 2, "line").reached, members(&[2]));
    }
}

#[test]
fn turning_receipts_off_takes_back_what_was_told() {
    for with_gossip in [true, false] {
        let (mut world, _) = three(with_gossip);
        world.say(0, "before");
        world.pass(15_000);
        assert_eq!(known_at(&world, 0, "before").reached, members(&[2, 3]));
        share(&mut world, 1, false);
        world.pass(15_000);
        assert_eq!(known_at(&world, 0, "before").reached, members(&[3]));
        assert_eq!(known_at(&world, 2, "before").reached, members(&[]));
        world.say(0, "after");
        offer(&mut world, 1, "codex", "after");
        world.pass(15_000);
        let known = known_at(&world, 0, "after");
        assert_eq!((known.reached, known.offered), (members(&[3]), Vec::new()));
        // One's own agents one knows of all the same.
        let own = (key(2).author(), "codex".to_owned());
        assert_eq!(
            known_at(&world, 1, "after").offered,
            std::slice::from_ref(&own)
        );
        share(&mut world, 1, true);
        world.pass(15_000);
        let known = known_at(&world, 0, "after");
        assert_eq!(
            (known.reached, known.offered),
            (members(&[2, 3]), vec![own])
        );
    }
}

#[test]
fn receipts_forged_replayed_or_of_strangers_change_nothing() {
    let (mut world, room) = three(true);
    world.say(0, "one");
    let top = place_of(&world, "one").2.0;
    world.pass(10_000);
    assert_eq!(known_at(&world, 0, "one").reached, members(&[2, 3]));
    // Carol says less of herself than before: that is hers to say…
    let later = WALL + world.mono_ms;
    let mut fewer = made(3, 3, room, later + 10_000, 1);
    gossip(&mut world, 0, 2, &fewer);
    assert_eq!(known_at(&world, 0, "one").reached, members(&[2]));
    // …and what she said before does not come back, whoever brings it, by gossip or in a session.
    let replayed = made(3, 3, room, later, top);
    gossip(&mut world, 0, 2, &replayed);
    gossip(&mut world, 0, 3, &replayed);
    assert_eq!(known_at(&world, 0, "one").reached, members(&[2]));
    // Nobody says anything for her.
    let refused = refusals(&world, 0).len();
    for forger in [1, 2, 9] {
        let forged = made(forger, 3, room, later + 20_000, top);
        gossip(&mut world, 0, 2, &forged);
    }
    fewer.receipt.reached[0].seq = Seq(top);
    fewer.receipt.at = Timestamp(later + 20_000);
    gossip(&mut world, 0, 2, &fewer);
    assert_eq!(known_at(&world, 0, "one").reached, members(&[2]));
    let kinds = refusals(&world, 0).split_off(refused);
    assert_eq!(
        kinds,
        [MisbehaviourKind::Receipt(ReceiptError::BadSignature); 4]
    );
    let other_room = made(3, 3, RoomId::from_bytes([9; 32]), later + 20_000, top);
    gossip(&mut world, 0, 2, &other_room);
    assert_eq!(known_at(&world, 0, "one").reached, members(&[2]));
    // A stranger's word is not looked at, nor does it count.
    gossip(&mut world, 0, 2, &made(9, 9, room, later, top));
    assert_eq!(known_at(&world, 0, "one").reached, members(&[2]));
    // What goes beyond what there is reaches no further than that.
    gossip(
        &mut world,
        0,
        2,
        &made(3, 3, room, later + 30_000, u64::MAX),
    );
    assert_eq!(known_at(&world, 0, "one").reached, members(&[2, 3]));
    world.move_to(1, 1);
    world.move_to(2, 2);
    world.say(0, "two");
    world.pass(1_000);
    assert_eq!(known_at(&world, 0, "two").reached, []);
}

#[test]
fn of_a_removed_member_nothing_is_shown_or_taken() {
    let (mut world, room) = three(true);
    world.say(0, "one");
    world.pass(10_000);
    let member = key(3).author();
    world.act(
        0,
        Act::Remove {
            member,
            keep_invite: true,
        },
    );
    let known = known_at(&world, 0, "one");
    assert_eq!((known.reached, known.others), (members(&[2]), 1));
    let later = WALL + world.mono_ms + 60_000;
    gossip(&mut world, 0, 2, &made(3, 3, room, later, 9));
    assert_eq!(known_at(&world, 0, "one").reached, members(&[2]));
    // Whoever is removed says no more.
    world.pass(30_000);
    offer(&mut world, 2, "codex", "one");
    let before = world.broadcasts;
    world.pass(30_000);
    assert_eq!(world.broadcasts, before);
}

#[test]
fn what_has_no_body_has_not_reached_and_a_fork_shows_nothing() {
    let (mut world, room) = three(true);
    world.say(0, "whole");
    world.pass(10_000);
    let whole = world.peers[0].store.find("whole").clone();
    let said = |text: &str| Body::Chat(Chat { text: text.into() });
    let withheld = write(1, room, Some(&whole), said("withheld"));
    // Alice's disk has it, Carol gets it without its words, and Bob not at all.
    world.move_to(1, 1);
    world.peers[0].store.push(withheld.clone());
    let store = world.peers[0].store.clone();
    world.peers[0] = open(1, room, store, None, true);
    world.move_to(0, 2);
    let bare = withheld.clone().without_body();
    world.gossip(2, key(1).author(), &bare);
    world.pass(10_000);
    let frontier = |world: &World| {
        let receipts = world.peers[2].core.receipts().receipts;
        receipts[&key(3).author()].reached_through(&key(1).author(), ChainId(1))
    };
    assert_eq!(frontier(&world), whole.header().seq);
    world.gossip(2, key(1).author(), &withheld);
    world.pass(10_000);
    assert_eq!(frontier(&world), withheld.header().seq);
    // Another message for the same place: it cannot be told apart by place, and nothing is told of it.
    let other = write(1, room, Some(&whole), said("another"));
    world.gossip(2, key(1).author(), &other);
    world.pass(10_000);
    assert_eq!(frontier(&world), whole.header().seq);
    let header = Message::header(&other);
    let known = world.peers[2].core.receipts();
    assert_eq!(
        known.of((header.author, header.chain, header.seq)).reached,
        []
    );
}

#[test]
fn two_machines_with_one_key_do_not_outbid_each_other_for_ever() {
    let (mut world, room) = three(true);
    world.say(0, "one");
    world.pass(10_000);
    let before = world.broadcasts;
    // Somebody brings, again and again, what another machine with Alice's key says.
    for k in 0..200u64 {
        let at = WALL + world.mono_ms + 1_000_000;
        let another = made(1, 1, room, at, k % 7 + 1);
        gossip(&mut world, 0, 2, &another);
        world.pass(3_000);
    }
    let answers = world.broadcasts - before;
    assert!((1..=20).contains(&answers), "{answers} in ten minutes");
}

#[test]
fn a_flood_of_receipts_is_verified_at_its_bound() {
    let (mut world, room) = three(true);
    let begun = refusals(&world, 0).len();
    for k in 0..2_000u64 {
        gossip(&mut world, 0, 2, &made(9, 3, room, u64::MAX, k + 1));
    }
    let verified = (refusals(&world, 0).len() - begun) as u64;
    assert_eq!(verified, limits::RECEIPTS_BURST);
    // Others' receipts do not suffer.
    world.say(0, "still");
    world.pass(10_000);
    assert_eq!(known_at(&world, 0, "still").reached, members(&[2, 3]));
}

#[test]
fn a_receipt_fits_into_its_frames_however_much_there_is_to_tell() {
    let (mut world, room) = three(true);
    // 900 chains of Bob's, and as many messages shown as are told.
    for chain in 100..1000 {
        let message = super::world::write_in(
            ChainId(chain),
            2,
            room,
            None,
            Body::Chat(Chat {
                text: format!("in {chain}"),
            }),
        );
        world.gossip(0, key(2).author(), &message);
        if chain % 100 == 0 {
            world.pass(10_000);
        }
    }
    for k in 0..2_000 {
        let shown = vec![(key(2).author(), ChainId(100 + k % 900), Seq(1))];
        let agent = format!("agent-with-a-rather-long-name-{}", k % 3);
        world.inputs.push_back((0, Input::Offered { agent, shown }));
    }
    world.settle();
    let time = now(world.mono_ms + 600_000);
    let peer = &mut world.peers[0];
    let outputs = peer.core.handle(Input::Tick, time, &peer.store).unwrap();
    let receipts = outputs.into_iter().filter_map(|output| match output {
        Output::Broadcast(bytes) => match GossipFrame::decode(&bytes) {
            Ok(GossipFrame::Receipt(receipt)) => Some(receipt),
            _ => None,
        },
        _ => None,
    });
    let receipts: Vec<SignedReceipt> = receipts.collect();
    assert_eq!(receipts.len(), 1);
    let bytes = receipts[0].encode().len();
    assert!(
        (8_000..=limits::RECEIPT_BYTES_MAX).contains(&bytes),
        "{bytes}"
    );
    assert!(receipts[0].clone().verify(&room).is_ok());
    let reached = &receipts[0].receipt.reached;
    assert!((200..900).contains(&reached.len()), "{}", reached.len());
    assert!(
        reached.iter().any(|it| it.chain == ChainId(999)),
        "the latest comes first"
    );
    assert!(!receipts[0].receipt.offered.is_empty());
    let frame = SyncFrame::Receipts(receipts);
    assert_eq!(SyncFrame::decode(&frame.encode()), Ok(frame));
}
