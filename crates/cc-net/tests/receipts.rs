//! How far messages have come, between real nodes on loopback.

mod common;

use cc_net::{Draft, Room, RoomEvent};
use cc_proto::id::{ArrivalNo, AuthorId};
use cc_proto::receipt::MessageReceipts;
use cc_proto::room::{Act, RoomEvent as CoreEvent};
use common::{Machine, wait_for_texts, within};

/// The line of a text in the room's log.
fn line_of(room: &Room, text: &str) -> ArrivalNo {
    let reader = room.reader().unwrap();
    let mut lines = (1..=reader.len().0).map(ArrivalNo);
    let is_it = |n: &ArrivalNo| {
        let line = reader.line(*n).unwrap();
        line.message
            .is_ok_and(|message| message.text() == Some(text))
    };
    lines.find(is_it).expect("the text is in the log")
}

async fn known(room: &Room, text: &str) -> MessageReceipts {
    let line = room.reader().unwrap().line(line_of(room, text)).unwrap();
    let message = line.message.unwrap();
    let header = message.header();
    let view = room.receipts().await.unwrap();
    view.of((header.author, header.chain, header.seq))
}

/// Returns once what is known of a text is as wanted.
async fn wait_for(room: &Room, text: &str, wanted: impl Fn(&MessageReceipts) -> bool) {
    let mut events = room.events();
    let seen = async {
        while !wanted(&known(room, text).await) {
            // Nothing else is waited for: what is told is told by this event, or by a change of the roster.
            loop {
                let event = events.next().await.expect("the room is open");
                if matches!(
                    event,
                    RoomEvent::Core(CoreEvent::Receipts) | RoomEvent::RosterChanged
                ) {
                    break;
                }
            }
        }
    };
    within(
        &format!("the receipts of {text:?} at {}", room.nick()),
        seen,
    )
    .await;
}

fn sorted(members: &[&Machine]) -> Vec<AuthorId> {
    let mut ids: Vec<AuthorId> = members.iter().map(|machine| machine.node.id()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_message_reached_and_whose_agents_were_shown_it() {
    let (alice, bob, carol) = (
        Machine::start(1).await,
        Machine::start(2).await,
        Machine::start(3).await,
    );
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    let third = carol.join(&hers).await;
    wait_for_members(&hers, 3).await;
    hers.send(Draft::text("postgres")).await.unwrap();
    let both = sorted(&[&bob, &carol]);
    wait_for(&hers, "postgres", |known| known.reached == both).await;
    assert_eq!(known(&hers, "postgres").await.others, 2);

    let line = line_of(&his, "postgres");
    his.offered("claude-code", vec![line, ArrivalNo(9_999)])
        .await
        .unwrap();
    let told = vec![(bob.node.id(), "claude-code".to_owned())];
    for room in [&hers, &his, &third] {
        wait_for(room, "postgres", |known| known.offered == told).await;
    }

    // Bob tells nothing any more, and the others forget what he told; so it stays after a restart.
    his.share_receipts(false).await.unwrap();
    let carols = sorted(&[&carol]);
    wait_for(&hers, "postgres", |known| {
        known.reached == carols && known.offered.is_empty()
    })
    .await;
    let bob = bob.stop().await.start().await;
    let his = bob.node.room(&hers.id()).unwrap();
    assert!(!his.shares_receipts().await.unwrap());
    hers.send(Draft::text("sqlite")).await.unwrap();
    wait_for_texts(&his, &["sqlite"]).await;
    wait_for(&hers, "sqlite", |known| known.reached == carols).await;
    his.share_receipts(true).await.unwrap();
    wait_for(&hers, "sqlite", |known| known.reached == both).await;

    // Whoever no longer belongs is not told of.
    let member = carol.node.id();
    let act = Act::Remove {
        member,
        keep_invite: false,
    };
    hers.act(act).await.unwrap();
    let bobs = sorted(&[&bob]);
    wait_for(&hers, "sqlite", |known| {
        known.reached == bobs && known.others == 1
    })
    .await;
    for machine in [alice, bob, carol] {
        machine.node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_come_without_gossip_too() {
    let alice = Machine::start_without_gossip(1).await;
    let bob = Machine::start_without_gossip(2).await;
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    hers.send(Draft::text("postgres")).await.unwrap();
    wait_for_texts(&his, &["postgres"]).await;
    let bobs = sorted(&[&bob]);
    wait_for(&hers, "postgres", |known| known.reached == bobs).await;
    let line = line_of(&his, "postgres");
    his.offered("codex", vec![line]).await.unwrap();
    let told = vec![(bob.node.id(), "codex".to_owned())];
    wait_for(&hers, "postgres", |known| known.offered == told).await;
    for machine in [alice, bob] {
        machine.node.shutdown().await;
    }
}

async fn wait_for_members(room: &Room, count: usize) {
    let mut events = room.events();
    within("the members", async {
        while room.status().await.unwrap().members.len() != count {
            events.next().await.expect("the room is open");
        }
    })
    .await;
}
