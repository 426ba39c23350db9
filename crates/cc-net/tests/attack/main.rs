//! Ten thousand connections: a test binary of its own, as it takes all that a machine has, and whatever ran
//! beside it would be late.

#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "the hostile suite uses the rest")]
#[path = "../hostile/peer.rs"]
mod peer;

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cc_net::Draft;
use cc_net::tuning::CONNECTIONS_MAX;
use cc_proto::frames::SYNC_ALPN;
use cc_proto::ticket::Ticket;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::Instant;

use common::{Machine, wait_for_texts, within};
use peer::{HostilePeer, Reachable};

const ATTEMPTS: usize = 10_000;
/// Keys that attempt it, each with a socket of its own.
const ATTACKERS: u8 = 128;
const GROWTH_KB_MAX: u64 = 64 * 1024;
const VICTIM: &str = "CC_TEST_VICTIM";

/// Long enough for a loaded machine, and far too short for anybody to be held up.
const SOON: Duration = Duration::from_secs(10);

/// A node in a process of its own, so that its memory is its own.
struct Victim {
    process: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Victim {
    async fn start() -> (Self, Ticket) {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_node_under_attack", "--ignored"])
            .arg("--nocapture")
            .env(VICTIM, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdin = process.stdin.take().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut victim = Self {
            process,
            stdin,
            lines,
        };
        let ticket = within("the ticket", victim.word("ticket ")).await;
        (victim, ticket.parse().unwrap())
    }

    async fn word(&mut self, label: &str) -> String {
        loop {
            let line = self.lines.next_line().await.unwrap().expect("it runs");
            // The harness leaves the beginning of a line there.
            if let Some((_, word)) = line.split_once(label) {
                return word.to_owned();
            }
        }
    }

    async fn say(&mut self, text: &str) {
        let line = format!("{text}\n");
        self.stdin.write_all(line.as_bytes()).await.unwrap();
    }

    /// A line of what the kernel says of its memory, in KiB.
    fn memory(&self, what: &str) -> u64 {
        let path = format!("/proc/{}/status", self.process.id().unwrap());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Lets the greatest memory so far be forgotten.
    fn reset_peak(&self) {
        let path = format!("/proc/{}/clear_refs", self.process.id().unwrap());
        std::fs::write(path, "5").unwrap();
    }

    async fn end(mut self) {
        drop(self.stdin);
        let ended = within("the end of the process", self.process.wait()).await;
        assert!(ended.unwrap().success());
    }
}

/// Not a test: the process that [`Victim`] starts. It says what it reads.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by ten_thousand_connections_cost_little_and_keep_no_member_out"]
async fn the_node_under_attack() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    let alice = Machine::start(1).await;
    let hers = alice.create("planning").await;
    println!("ticket {}", hers.ticket().await.unwrap());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(text) = lines.next_line().await.unwrap() {
        hers.send(Draft::text(text)).await.unwrap();
    }
    alice.node.shutdown().await;
}

#[derive(Default)]
struct Held {
    now: AtomicUsize,
    most: AtomicUsize,
    ever: AtomicUsize,
}

/// Connects again and again. Of the connections that it gets it ends every other one at once; on the others it
/// says one byte, and keeps them until they are taken from it.
async fn attack(attacker: HostilePeer, to: impl Reachable, times: usize, held: Arc<Held>) {
    let mut kept = JoinSet::new();
    for attempt in 0..times {
        let dialed = attacker.endpoint.connect(to.endpoint_addr(), SYNC_ALPN);
        let Ok(connection) = within("an answer", dialed).await else {
            continue;
        };
        held.ever.fetch_add(1, Ordering::Relaxed);
        if attempt % 2 == 1 {
            connection.close(0u32.into(), b"");
            continue;
        }
        let now = held.now.fetch_add(1, Ordering::Relaxed) + 1;
        held.most.fetch_max(now, Ordering::Relaxed);
        let held = held.clone();
        kept.spawn(async move {
            if let Ok((mut send, _receive)) = connection.open_bi().await {
                send.write_all(&[1]).await.ok();
                connection.closed().await;
            }
            held.now.fetch_sub(1, Ordering::Relaxed);
        });
    }
    while kept.join_next().await.is_some() {}
    attacker.endpoint.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_connections_cost_little_and_keep_no_member_out() {
    let (mut victim, ticket) = Victim::start().await;
    let bob = Machine::start(2).await;
    let his = bob.node.join_room(ticket.clone(), "bob").await.unwrap();
    within("bob is let in", his.joined()).await.unwrap();
    let before = victim.memory("VmRSS:");
    victim.reset_peak();

    let held = Arc::new(Held::default());
    let mut attackers = JoinSet::new();
    for seed in 100..100 + ATTACKERS {
        let attacker = HostilePeer::start(seed).await;
        let times = ATTEMPTS.div_ceil(ATTACKERS.into());
        attackers.spawn(attack(
            attacker,
            ticket.addresses[0].clone(),
            times,
            held.clone(),
        ));
    }
    let mut words = 0;
    while let Err(_busy) = tokio::time::timeout(Duration::from_secs(1), attackers.join_next()).await
    {
        let word = format!("word {words}");
        let began = Instant::now();
        victim.say(&word).await;
        wait_for_texts(&his, &[&word]).await;
        assert!(began.elapsed() < SOON, "{word} took {:?}", began.elapsed());
        words += 1;
    }
    while attackers.join_next().await.is_some() {}

    let growth = victim.memory("VmHWM:").saturating_sub(before);
    let most = held.most.load(Ordering::Relaxed);
    let ever = held.ever.load(Ordering::Relaxed);
    println!("growth {growth} KiB, at most {most} held, {ever} taken, {words} words meanwhile");
    assert!(growth < GROWTH_KB_MAX, "{growth} KiB more");
    // A dialer counts a connection until it hears of the close.
    assert!(
        most <= CONNECTIONS_MAX + usize::from(ATTACKERS),
        "{most} held"
    );
    assert!(ever > CONNECTIONS_MAX, "the attack was one: {ever}");

    let carol = Machine::start(3).await;
    let third = carol.node.join_room(ticket, "carol").await.unwrap();
    within("carol is let in", third.joined()).await.unwrap();
    third
        .send(Draft::text("was there anything?"))
        .await
        .unwrap();
    wait_for_texts(&his, &["was there anything?"]).await;
    carol.node.shutdown().await;
    bob.node.shutdown().await;
    victim.end().await;
}
