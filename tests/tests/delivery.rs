//! Everything arrives: bursts from both sides, a long history for a newcomer, the longest message.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use cc_proto::limits::TEXT_BYTES_MAX;
use cc_tests::machine::{COMMAND_DEADLINE, Daemon, Machine, until_same, within};
use serde_json::json;
use tokio::{sync::oneshot, task::JoinSet};

/// How many each of two members says at once.
const BURST: usize = 5000;
/// While it does, a client waits at most this long for an answer: far less than the burst takes where it is slow.
const ANSWER_DEADLINE: Duration = Duration::from_secs(15);
/// For ten thousand messages, in a slow build on a slow machine.
const DELIVERY_DEADLINE: Duration = Duration::from_mins(2);
/// A newcomer that has so many lines is killed; many more come until it is dead.
const SOME: u64 = BURST as u64 / 10;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_messages_reach_everybody_whoever_is_there() {
    let (alice, bob) = (Machine::new(), Machine::new());
    let (alices, bobs) = (alice.daemon().await, bob.daemon().await);
    let (room, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;
    burst(&alice, &bob, &room).await;

    // Whose ticket it was has gone; the newcomer has the other's.
    let bobs_ticket = ticket_of(&bob, &room).await;
    alices.kill().await;
    let carol = Machine::new();
    let carols = joins_and_is_killed_halfway(&carol, &bobs_ticket, &room, &bob).await;

    bobs.kill().await;
    carols.kill().await;
    let _alices = alice.daemon().await;
    let dave = Machine::new();
    let _daves = joins_and_is_killed_halfway(&dave, &ticket, &room, &alice).await;
}

/// Each of two says five thousand things at once; both have all of them, and answer meanwhile.
async fn burst(alice: &Machine, bob: &Machine, room: &str) {
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for (machine, nick) in [(alice, "alice"), (bob, "bob")] {
        let mut control = machine.control().await;
        let room = room.to_owned();
        let texts: Vec<String> = (0..BURST).map(|n| format!("{nick} {n}")).collect();
        senders.spawn(async move { control.send_all(&room, &texts).await });
    }
    let sent = async {
        let sent = within("both bursts", senders.join_all()).await;
        sent.into_iter().flatten().collect::<Vec<_>>()
    };
    let arrived = async {
        let sent = sent.await;
        assert_eq!(sent.len(), 2 * BURST, "a daemon went away");
        let all = until_same(&[alice, bob], room, DELIVERY_DEADLINE).await;
        (sent, all)
    };
    let (ended, end) = oneshot::channel();
    let ((sent, all), slowest) = tokio::join!(
        async {
            let arrived = arrived.await;
            drop(ended);
            arrived
        },
        answers_until(end, [alice, bob]),
    );
    eprintln!("burst: {:?}, slowest answer {slowest:?}", started.elapsed());
    assert!(slowest < ANSWER_DEADLINE, "{slowest:?}");

    let sent: BTreeSet<&str> = sent.iter().map(|sent| &*sent.id).collect();
    let chats = all.iter().filter(|(_, text)| text.is_some());
    assert_eq!(chats.map(|(id, _)| &**id).collect::<BTreeSet<_>>(), sent);
}

/// Asks both daemons for their status, again and again; gives the longest wait for an answer.
async fn answers_until(mut end: oneshot::Receiver<()>, machines: [&Machine; 2]) -> Duration {
    let mut slowest = Duration::ZERO;
    loop {
        for machine in machines {
            let asked = Instant::now();
            let status = machine.room_status().await;
            assert_eq!(status["members"], 2, "{status}");
            slowest = slowest.max(asked.elapsed());
        }
        if end.try_recv() != Err(oneshot::error::TryRecvError::Empty) {
            return slowest;
        }
    }
}

/// A newcomer joins at `host`'s door, its daemon is killed halfway through the history, and started
/// again: it has everything, and what was said meanwhile. Gives its daemon.
async fn joins_and_is_killed_halfway(
    newcomer: &Machine,
    ticket: &str,
    room: &str,
    host: &Machine,
) -> Daemon {
    let started = Instant::now();
    let history = host.log_reader(room).len().0;
    let daemon = newcomer.daemon().await;
    let join = "room join - --wait 0 --relay none --no-ui --json --nick newcomer";
    let join: Vec<&str> = join.split(' ').collect();
    newcomer.cc_connect(&join, ticket).await;
    let (quiet, silence) = oneshot::channel();
    let ((), said) = tokio::join!(
        async {
            newcomer.until_lines(room, SOME, DELIVERY_DEADLINE).await;
            daemon.kill().await;
            let kept = newcomer.log_reader(room).len().0;
            assert!((SOME..history).contains(&kept), "not halfway: {kept}");
            let again = newcomer.daemon().await;
            newcomer.until_lines(room, history, DELIVERY_DEADLINE).await;
            eprintln!(
                "newcomer: killed at {kept}, whole after {:?}",
                started.elapsed()
            );
            again.kill().await;
            drop(quiet);
        },
        chats_until(silence, host, room),
    );
    assert!(said > 0, "nothing was said meanwhile");
    let daemon = newcomer.daemon().await;
    until_same(&[host, newcomer], room, COMMAND_DEADLINE).await;
    daemon
}

/// Says one thing after another; gives how many.
async fn chats_until(mut end: oneshot::Receiver<()>, machine: &Machine, room: &str) -> usize {
    let mut control = machine.control().await;
    let mut said = 0;
    while end.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
        control.send(room, &format!("live {said}")).await.unwrap();
        said += 1;
    }
    said
}

async fn ticket_of(machine: &Machine, room: &str) -> String {
    let mut control = machine.control().await;
    let answer = control.call("room.ticket", &json!({"room": room})).await;
    let ticket = answer["result"]["ticket"].as_str();
    ticket.expect("a ticket").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_message_arrives_and_a_longer_one_is_an_error() {
    let (alice, bob) = (Machine::new(), Machine::new());
    let (room, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;

    let longest = "é".repeat(TEXT_BYTES_MAX / 2);
    assert_eq!(longest.len(), 16_384);
    alice.cc_connect(&["send", "-", "--json"], &longest).await;
    bob.log_line(|line| line["text"] == *longest).await;

    let lines = alice.log_reader(&room).len();
    let longer = format!("{longest}x");
    let failed = alice.failure(&["send", "-", "--json"], &longer).await;
    assert_eq!((&*failed.kind, failed.exit), ("message", 1));
    assert!(failed.message.contains("16384"), "{}", failed.message);
    // Not by the command alone: the daemon takes it from no client.
    let mut control = alice.control().await;
    let refused = control.send(&room, &longer).await.unwrap_err();
    assert_eq!(refused["data"]["kind"], "bad_message", "{refused}");
    assert_eq!(alice.log_reader(&room).len(), lines);

    control.send(&room, "short again").await.unwrap();
    bob.log_line(|line| line["text"] == "short again").await;
    assert_eq!(bob.log_reader(&room).len(), alice.log_reader(&room).len());
}
