//! Real nodes on loopback: a room's life without a relay, without multicast, without a network.

mod common;

use cc_net::{Draft, RoomEvent, RoomState};
use cc_proto::limits::TEXT_BYTES_MAX;
use common::{Machine, chat_texts, send_all, wait_for_texts, within};

#[tokio::test(flavor = "multi_thread")]
async fn two_talk_both_ways() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    assert_eq!(hers.status().await.unwrap().state, RoomState::Open);
    let his = bob.join(&hers).await;
    assert_eq!(
        (his.name().as_str(), his.nick().as_str()),
        ("planning", "user 2")
    );
    let said = his.send(Draft::text("redis or postgres?")).await.unwrap();
    wait_for_texts(&hers, &["redis or postgres?"]).await;
    let answer = Draft {
        text: "postgres, we have it".into(),
        via: String::new(),
        re: Some(said.id),
        ..Draft::default()
    };
    hers.send(answer).await.unwrap();
    wait_for_texts(&his, &["redis or postgres?", "postgres, we have it"]).await;
    let status = his.status().await.unwrap();
    assert_eq!(
        (status.members.len(), status.online, status.messages),
        (2, 2, 2)
    );
    bob.node.shutdown().await;
    alice.node.shutdown().await;
    assert!(hers.send(Draft::text("too late")).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_gets_all_from_the_second_while_the_first_is_gone() {
    let (alice, bob, carol) = (
        Machine::start(1).await,
        Machine::start(2).await,
        Machine::start(3).await,
    );
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    send_all(&hers, "a", 50).await;
    let last = his.send(Draft::text("the last word")).await.unwrap();
    assert!(last.n.0 > 0);
    wait_for_texts(&his, &["a 0", "a 49", "the last word"]).await;
    wait_for_texts(&hers, &["the last word"]).await;
    let ticket = his.ticket().await.unwrap();
    alice.node.shutdown().await;
    let third = carol.node.join_room(ticket, "user 3").await.unwrap();
    within("carol is let in", third.joined()).await.unwrap();
    wait_for_texts(&third, &["a 0", "a 49", "the last word"]).await;
    assert_eq!(chat_texts(&third).len(), 51);
    third.send(Draft::text("hello")).await.unwrap();
    wait_for_texts(&his, &["hello"]).await;
    bob.node.shutdown().await;
    carol.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn joining_waits_until_somebody_is_there() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let ticket = hers.ticket().await.unwrap();
    let address = alice.address();
    hers.send(Draft::text("see you")).await.unwrap();
    let alice = alice.stop().await;
    let his = bob.node.join_room(ticket, "user 2").await.unwrap();
    assert_eq!(his.status().await.unwrap().state, RoomState::Joining);
    assert_eq!(his.name(), "planning");
    assert!(his.send(Draft::text("anyone?")).await.is_err());
    let alice = alice.start_at(address).await;
    within("bob is let in", his.joined()).await.unwrap();
    wait_for_texts(&his, &["see you"]).await;
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ticket_lets_in_whom_the_first_did_not() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let good = hers.ticket().await.unwrap();
    let mut worthless = good.clone();
    worthless.invite_secret = [7; 32];
    let his = bob.node.join_room(worthless, "user 2").await.unwrap();
    let mut events = his.events();
    within("the door is closed", async {
        while let Some(event) = events.next().await {
            if let RoomEvent::Core(cc_proto::room::RoomEvent::DoorClosed { .. }) = event {
                break;
            }
        }
    })
    .await;
    assert_eq!(his.status().await.unwrap().state, RoomState::Joining);
    let his = bob.node.join_room(good, "user 2").await.unwrap();
    within("bob is let in", his.joined()).await.unwrap();
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_there_again_after_a_restart() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    send_all(&hers, "before", 3).await;
    wait_for_texts(&his, &["before 2"]).await;
    let address = alice.address();
    let id = hers.id();
    let alice = alice.stop().await;
    assert!(hers.status().await.is_err());
    send_all(&his, "meanwhile", 3).await;
    let alice = alice.start_at(address).await;
    let hers = alice.node.room(&id).unwrap();
    assert_eq!(hers.name(), "planning");
    wait_for_texts(&hers, &["before 2", "meanwhile 2"]).await;
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_without_gossip() {
    let (alice, bob, carol) = (
        Machine::start_without_gossip(1).await,
        Machine::start_without_gossip(2).await,
        Machine::start(3).await,
    );
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    let third = carol.join(&his).await;
    send_all(&hers, "a", 20).await;
    send_all(&third, "c", 20).await;
    for room in [&hers, &his, &third] {
        wait_for_texts(room, &["a 0", "a 19", "c 0", "c 19"]).await;
        assert_eq!(chat_texts(room).len(), 40);
    }
    for machine in [alice, bob, carol] {
        machine.node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_from_both_sides_arrives_whole() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    let count = 1000;
    tokio::join!(send_all(&hers, "a", count), send_all(&his, "b", count));
    let (last_of_hers, last_of_his) = (format!("a {}", count - 1), format!("b {}", count - 1));
    for room in [&hers, &his] {
        wait_for_texts(room, &[&last_of_hers, &last_of_his]).await;
        assert_eq!(chat_texts(room).len(), 2 * count);
    }
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_message_arrives_live_and_a_longer_one_is_refused() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    let longest = "x".repeat(TEXT_BYTES_MAX);
    hers.send(Draft::text(&longest)).await.unwrap();
    wait_for_texts(&his, &[&longest]).await;
    assert!(hers.send(Draft::text(format!("{longest}x"))).await.is_err());
    hers.send(Draft::text("short again")).await.unwrap();
    wait_for_texts(&his, &["short again"]).await;
    alice.node.shutdown().await;
    bob.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_node_lets_go_of_its_rooms() {
    let alice = Machine::start(1).await;
    let hers = alice.create("planning").await;
    let mut events = hers.events();
    hers.send(Draft::text("kept")).await.unwrap();
    let id = hers.id();
    let dropped = alice.drop_node();
    within("the room to end", async {
        while events.next().await.is_some() {}
    })
    .await;
    assert!(hers.send(Draft::text("lost")).await.is_err());
    let alice = dropped.start().await;
    let hers = alice.node.room(&id).unwrap();
    assert_eq!(chat_texts(&hers), ["kept"]);
    alice.node.shutdown().await;
}
