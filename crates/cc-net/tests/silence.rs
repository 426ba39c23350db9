//! A minute in which no packet arrives, and none is refused either: the worst that a network does.
//!
//! Needs a network of its own (`unshare`) and a queue that drops all (`tc`); says that it is
//! skipped where they are missing. Takes over a minute:
//! `cargo nextest run -p cc-net --test silence --run-ignored all`

mod common;

use std::process::{Command, Stdio};
use std::time::Duration;

use cc_net::{Draft, Room};
use common::{Machine, chat_texts, send_all};
use tokio::time::Instant;

const INSIDE: &str = "CC_NET_TEST_INSIDE";
const NAME: &str = "after_a_minute_of_silence_both_are_whole_within_five_seconds";
const SILENCE: Duration = Duration::from_mins(1);
const WHOLE_WITHIN: Duration = Duration::from_secs(5);

#[test]
#[ignore = "takes over a minute"]
fn after_a_minute_of_silence_both_are_whole_within_five_seconds() {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(silence());
    }
    let own_network = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--net", "sh", "-c", script])
            .stdin(Stdio::null());
        command
    };
    let probe = format!("{UP} && {DROP} && {PASS}");
    if !own_network(&probe)
        .output()
        .is_ok_and(|probed| probed.status.success())
    {
        eprintln!("skipped: no network namespace of our own, or no tc");
        return;
    }
    let this = std::env::current_exe().unwrap();
    let again = format!("{UP} && exec \"$0\" --exact {NAME} --ignored --nocapture");
    let status = own_network(&again)
        .arg(this)
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success());
}

const UP: &str = "ip link set lo up";
/// Every packet is larger than the bucket.
const DROP: &str = "tc qdisc add dev lo root tbf rate 8bit burst 1 limit 1";
const PASS: &str = "tc qdisc del dev lo root";

fn network(command: &str) {
    let mut words = command.split(' ');
    let status = Command::new(words.next().unwrap())
        .args(words)
        .status()
        .unwrap();
    assert!(status.success(), "{command}");
}

async fn silence() {
    let (alice, bob) = (Machine::start(1).await, Machine::start(2).await);
    let hers = alice.create("planning").await;
    let his = bob.join(&hers).await;
    send_all(&hers, "before", 20).await;
    whole(&[&hers, &his], 20, Duration::from_secs(10)).await;
    for silence in [Duration::from_secs(3), SILENCE] {
        network(DROP);
        let begun = Instant::now();
        let held = chat_texts(&hers).len();
        for k in 0..10 {
            hers.send(Draft::text(format!("hers {k} {silence:?}")))
                .await
                .unwrap();
            his.send(Draft::text(format!("his {k} {silence:?}")))
                .await
                .unwrap();
        }
        tokio::time::sleep_until(begun + silence).await;
        assert_eq!(chat_texts(&his).len(), held + 10, "nothing came through");
        network(PASS);
        let passed = Instant::now();
        whole(&[&hers, &his], held + 20, Duration::from_mins(1)).await;
        let took = passed.elapsed();
        eprintln!("whole {took:?} after {silence:?} of silence");
        assert!(took <= WHOLE_WITHIN, "{took:?} after {silence:?}");
    }
    bob.node.shutdown().await;
    alice.node.shutdown().await;
}

/// Returns once every room holds so many messages.
async fn whole(rooms: &[&Room], count: usize, deadline: Duration) {
    let all = async {
        for room in rooms {
            let mut events = room.events();
            while chat_texts(room).len() < count {
                events.next().await.expect("the room is open");
            }
        }
    };
    let held = || {
        rooms
            .iter()
            .map(|room| chat_texts(room).len())
            .collect::<Vec<_>>()
    };
    assert!(
        tokio::time::timeout(deadline, all).await.is_ok(),
        "{:?} of {count}",
        held()
    );
}
