//! Very many of everything: connections, messages, chains, branches, acts.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cc_net::Room;
use cc_net::tuning::CONNECTIONS_MAX;
use cc_proto::body::{Body, Profile};
use cc_proto::frames::{SYNC_ALPN, SyncFrame};
use cc_proto::limits::CHAINS_PER_AUTHOR_MAX;
use cc_proto::ticket::Ticket;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::common::{Machine, chat_texts, wait_for_texts, within};
use crate::peer::{DONE, HostilePeer, Reachable, framed};
use crate::scene::{Scene, speak};

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
            .args(["--exact", "floods::the_node_under_attack", "--ignored"])
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
        hers.send(cc_net::Draft::text(text)).await.unwrap();
    }
    alice.node.shutdown().await;
}

#[derive(Default)]
struct Held {
    now: AtomicUsize,
    most: AtomicUsize,
    ever: AtomicUsize,
}

/// Connects again and again, says one byte, and keeps whatever is not taken from it.
async fn attack(attacker: HostilePeer, to: impl Reachable, times: usize, held: Arc<Held>) {
    let mut kept = JoinSet::new();
    for _ in 0..times {
        let dialed = attacker.endpoint.connect(to.endpoint_addr(), SYNC_ALPN);
        let Ok(connection) = within("an answer", dialed).await else {
            continue;
        };
        let now = held.now.fetch_add(1, Ordering::Relaxed) + 1;
        held.most.fetch_max(now, Ordering::Relaxed);
        held.ever.fetch_add(1, Ordering::Relaxed);
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

#[cfg(target_os = "linux")]
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
    speak(&third, &[&his], "was there anything?").await;
    carol.node.shutdown().await;
    bob.node.shutdown().await;
    victim.end().await;
}

/// What the others say reaches each other soon, while `flood` lasts and after it.
async fn others_go_on(a: &Room, b: &Room, label: &str, rounds: usize) {
    for k in 0..rounds {
        let began = Instant::now();
        speak(a, &[b], &format!("{label} {k} from a")).await;
        speak(b, &[a], &format!("{label} {k} from b")).await;
        assert!(began.elapsed() < SOON, "{label} {k}: {:?}", began.elapsed());
    }
}

fn assert_nothing_lost(room: &Room, label: &str, rounds: usize) {
    let texts = chat_texts(room);
    let of_label = texts.iter().filter(|text| text.starts_with(label)).count();
    assert_eq!(of_label, 2 * rounds);
}

/// A member who writes as fast as it can, by gossip and by sync at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_floods_holds_nobody_up_and_loses_nothing_of_theirs() {
    let mut scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let mut by_gossip = scene.pen.on_chain(50);
    let flood = scene.pen.chats("flood", 6000);
    let mut session = scene.mallory.enter(&scene.alice, scene.hers.id()).await;
    let mut neighbor = scene.mallory.gossip(&scene.alice, scene.hers.id()).await;
    let by_sync = tokio::spawn(async move {
        for part in flood.chunks(50) {
            let messages = part.to_vec();
            session.send(&SyncFrame::Segment { messages }).await;
        }
        session.send(&SyncFrame::Done).await;
        session.end().await
    });
    let gossiping = tokio::spawn(async move {
        for k in 0..6000 {
            let message = by_gossip.chat(format!("gossip {k}"));
            neighbor.message(&message).await;
        }
        neighbor
    });
    others_go_on(&scene.hers, &his, "meanwhile", 20).await;
    assert_eq!(within("the flood by sync", by_sync).await.unwrap(), DONE);
    let _neighbor = within("the flood by gossip", gossiping).await.unwrap();
    others_go_on(&scene.hers, &his, "afterwards", 5).await;
    for room in [&scene.hers, &his] {
        assert_nothing_lost(room, "meanwhile", 20);
        assert_nothing_lost(room, "afterwards", 5);
    }
    // What was taken of the flood reaches the others as well.
    wait_for_texts(&his, &["flood 5999"]).await;
    bob.node.shutdown().await;
    scene.end().await;
}

/// Ten times as many sessions as one may have: each takes the place of the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_has_one_session_however_many_it_opens() {
    let scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let mut sessions = Vec::new();
    for _ in 0..100 {
        // Those above the bound are closed at once, before anything is said.
        let mut session = scene.mallory.open(&scene.alice).await;
        let bundle = Vec::new();
        let proof = cc_proto::frames::Proof::Member { bundle };
        let hello = crate::peer::hello(scene.hers.id(), proof);
        session.raw(&framed(&hello.encode())).await.ok();
        sessions.push(session);
    }
    others_go_on(&scene.hers, &his, "meanwhile", 5).await;
    let open = sessions
        .iter()
        .filter(|session| session.connection.close_reason().is_none());
    assert!(open.count() <= 1);
    bob.node.shutdown().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_chains_only_so_many_are_kept() {
    let scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let lines = scene.lines().await;
    // One chain is there already, that of the join.
    let chains: Vec<_> = (2..)
        .take(2 * CHAINS_PER_AUTHOR_MAX)
        .map(|chain| scene.pen.on_chain(chain).chat(format!("chain {chain}")))
        .collect();
    assert_eq!(scene.mallory.deliver(&scene.alice, &chains).await, DONE);
    let kept = scene.lines().await - lines;
    assert_eq!(kept, CHAINS_PER_AUTHOR_MAX as u64 - 1);
    let last = format!("chain {CHAINS_PER_AUTHOR_MAX}");
    wait_for_texts(&his, &[&last]).await;
    others_go_on(&scene.hers, &his, "afterwards", 3).await;
    // The chain that it has goes on.
    let mut pen = scene.pen.clone();
    let code = scene
        .mallory
        .deliver(&scene.alice, &[pen.chat("mine")])
        .await;
    assert_eq!(code, DONE);
    wait_for_texts(&scene.hers, &["mine"]).await;
    bob.node.shutdown().await;
    scene.end().await;
}

/// A member who changes its nick thousands of times.
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_acts_leave_the_last_one() {
    let mut scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    let acts: Vec<_> = (0..3000)
        .map(|k| {
            let nick = format!("nick {k}");
            scene.pen.write(Body::Profile(Profile { nick }))
        })
        .collect();
    let mut session = scene.mallory.enter(&scene.alice, scene.hers.id()).await;
    let flood = tokio::spawn(async move {
        for part in acts.chunks(64) {
            let messages = part.to_vec();
            session.send(&SyncFrame::Segment { messages }).await;
        }
        session.send(&SyncFrame::Done).await;
        session.end().await
    });
    others_go_on(&scene.hers, &his, "meanwhile", 10).await;
    assert_eq!(within("the flood", flood).await.unwrap(), DONE);
    others_go_on(&scene.hers, &his, "afterwards", 3).await;
    let members = scene.hers.status().await.unwrap().members;
    let mallory = members.iter().find(|m| m.author == scene.mallory.id());
    assert_eq!(mallory.unwrap().nick, "nick 2999");
    bob.node.shutdown().await;
    scene.end().await;
}
