//! What those who lost their powers write on branches that no cut names: it lets nobody in and
//! takes nothing from anybody, not for an instant.

use cc_proto::body::{Admit, Body, Chat, Invite, InviteRevoke, Remove};
use cc_proto::frames::{Hello, Proof, RoomTag, SYNC_VERSION, SyncFrame};
use cc_proto::id::{AuthorId, Hash, InviteKey, RoomId};
use cc_proto::message::Message;
use cc_proto::room::{Act, Input, Output, RoomEvent, SessionId, SyncAbortCode};
use cc_proto::roster::join_body;

use super::world::{World, founder, joiner, key, now, write};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

/// Alice made the room, Bob is an admin who has talked, Carol a member.
fn room_with_an_admin() -> (World, RoomId) {
    let (alice, room) = founder(false);
    let mut world = World::new(vec![alice]);
    for seed in [2, 3] {
        world.peers.push(joiner(seed, room, &key(99), false));
        world.pass(4_000);
    }
    grant(&mut world, true);
    (0..5).for_each(|i| world.say(BOB, &format!("line {i}")));
    world.pass(10_000);
    world.assert_equal();
    assert!(world.peers[CAROL].core.roster().members()[&key(2).author()].admin);
    (world, room)
}

fn grant(world: &mut World, admin: bool) {
    let member = key(2).author();
    world.act(ALICE, Act::Grant { member, admin });
}

fn remove_bob(world: &mut World) {
    let act = Act::Remove {
        member: key(2).author(),
        keep_invite: false,
    };
    world.act(ALICE, act);
}

/// The first message of Bob's chain: his join, at which he branches off below every cut.
fn opening_of_bob(world: &World) -> Message {
    let bob = key(2).author();
    let mut held = world.peers[ALICE].store.messages.iter();
    held.find(|m| m.header().author == bob).cloned().unwrap()
}

fn invite_of(secret: u8) -> Body {
    Body::Invite(Invite {
        key: InviteKey::from_bytes(*key(secret).author().as_bytes()),
        expires: None,
        uses_max: None,
        note: String::new(),
        lifts: Vec::new(),
    })
}

/// The acts by which Bob would have let in the one of that seed, long ago.
fn forged_admission(world: &World, room: RoomId, seed: u8) -> Vec<Message> {
    let invite = write(2, room, Some(&opening_of_bob(world)), invite_of(66));
    let author = key(seed).author();
    let body = join_body(&key(66), &room, &author, "sock".into());
    let join = write(seed, room, None, Body::Join(body));
    let admit = Body::Admit(Admit {
        joiner: author,
        invite: InviteKey::from_bytes(*key(66).author().as_bytes()),
        join: join.id(),
    });
    let admit = write(2, room, Some(&invite), admit);
    vec![invite, join, admit]
}

fn show(world: &mut World, peer: AuthorId, bundle: &[Message]) -> Vec<Output> {
    let session = SessionId(70_001);
    let dialed = false;
    let hello = SyncFrame::Hello(Hello {
        version: SYNC_VERSION,
        tag: RoomTag::of(&world.peers[ALICE].core.roster().room()),
        proof: Proof::Member {
            bundle: bundle.iter().map(|act| act.wire().clone()).collect(),
        },
        digest: Hash::of(b"other"),
    });
    let frame = hello.encode();
    let opened = Input::SyncOpened {
        session,
        peer,
        dialed,
    };
    let mut outputs = Vec::new();
    for input in [opened, Input::SyncReceived { session, frame }] {
        let alice = &mut world.peers[ALICE];
        let handled = alice.core.handle(input, now(world.mono_ms), &alice.store);
        outputs.extend(handled.unwrap());
    }
    outputs
}

fn refuses(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| {
        let refused = SyncAbortCode::Refused;
        matches!(output, Output::SyncAbort { code, .. } if *code == refused)
    })
}

#[test]
fn acts_on_a_branch_that_the_cut_does_not_name_show_no_membership() {
    for removed in [true, false] {
        let (mut world, room) = room_with_an_admin();
        let bundle = forged_admission(&world, room, 9);
        let sock = key(9).author();
        if removed {
            remove_bob(&mut world);
            assert!(refuses(&show(&mut world, sock, &bundle)));
        } else {
            // While Bob may let people in, so do these acts.
            assert!(!refuses(&show(&mut world, sock, &bundle)));
        }
    }
}

#[test]
fn what_the_end_of_an_admins_time_does_not_name_lifts_nothing_in_a_bundle() {
    let (mut world, room) = room_with_an_admin();
    let carol = key(3).author();
    let act = Act::Remove {
        member: carol,
        keep_invite: true,
    };
    world.act(ALICE, act);
    let removal = world.peers[ALICE].store.messages.last().cloned().unwrap();
    let Body::Invite(mut lift) = invite_of(67) else {
        unreachable!()
    };
    lift.lifts = vec![removal.id()];
    let lift = write(2, room, Some(&opening_of_bob(&world)), Body::Invite(lift));
    grant(&mut world, false);
    assert!(refuses(&show(&mut world, carol, &[lift])));
}

#[test]
fn a_bundle_that_holds_other_than_acts_of_membership_shows_nothing() {
    let (mut world, room) = room_with_an_admin();
    let mut bundle = forged_admission(&world, room, 9);
    let chat = Body::Chat(Chat { text: "hi".into() });
    bundle.push(write(9, room, Some(&bundle[1]), chat));
    assert!(refuses(&show(&mut world, key(9).author(), &bundle)));
}

#[test]
fn a_session_that_rests_on_shown_acts_is_judged_again_when_their_invite_is_revoked() {
    let (mut world, room) = room_with_an_admin();
    let bundle = forged_admission(&world, room, 9);
    assert!(!refuses(&show(&mut world, key(9).author(), &bundle)));
    // Of the invite nothing is held here, so that the revoke changes nothing of the roster.
    let alice = key(1).author();
    let of_alice = |m: &&Message| m.header().author == alice;
    let mut held = world.peers[ALICE].store.messages.iter();
    let tip = held.rfind(of_alice).cloned();
    let revoke = Body::InviteRevoke(InviteRevoke {
        invite: InviteKey::from_bytes(*key(66).author().as_bytes()),
        keep: Vec::new(),
    });
    let revoke = write(1, room, tip.as_ref(), revoke);
    world.peers[ALICE].events.clear();
    world.gossip(ALICE, key(3).author(), &revoke);
    assert!(world.aborts.contains(&(ALICE, SyncAbortCode::Gone)));
}

#[test]
fn a_branch_of_backdated_removes_has_no_effect_for_an_instant() {
    let (mut world, room) = room_with_an_admin();
    grant(&mut world, false);
    world.pass(10_000);
    let (alice, carol) = (key(1).author(), key(3).author());
    let mut last = opening_of_bob(&world);
    for _ in 0..3 {
        let body = Body::Remove(Remove {
            member: carol,
            cuts: Vec::new(),
            keep_invite: false,
            keep: Vec::new(),
        });
        last = write(2, room, Some(&last), body);
        for at in [ALICE, CAROL] {
            world.peers[at].events.clear();
            world.gossip(at, alice, &last);
            let events = &world.peers[at].events;
            assert!(
                !events.iter().any(|event| matches!(
                    event,
                    RoomEvent::MemberGone(_) | RoomEvent::MemberJoined(_) | RoomEvent::Removed
                )),
                "{events:?}"
            );
            assert!(world.peers[at].core.roster().contains(&carol));
        }
    }
    world.pass(30_000);
    assert_eq!(
        world.peers[ALICE].core.roster(),
        world.peers[CAROL].core.roster()
    );
}
