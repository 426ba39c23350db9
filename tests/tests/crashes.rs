//! Daemons that are killed, disks that fill up, and what is left of a daemon that was stopped.

use std::{
    collections::BTreeSet,
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use cc_proto::{id::ArrivalNo, limits::TEXT_BYTES_MAX};
use cc_tests::{
    control::Sent,
    injection::Injection,
    machine::{COMMAND_DEADLINE, Machine, until_same, within},
    namespace,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;

const KILLS: usize = 200;
/// The session that is prompted.
const SESSION: &str = "s1";
/// What Alice has to say between two kills: far more than she gets to, however late the kill.
const LOAD: usize = 10_000;
/// What Bob says meanwhile.
const OTHERS_LOAD: usize = 10;
/// A daemon is killed at most so long after it got ready…
const LIFE_MS_MAX: u64 = 60;
/// …or, one time in eight, so long after it was started.
const START_MS_MAX: u64 = 60;
const DELIVERY_DEADLINE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_lose_nothing_and_repeat_nothing() {
    let seed = env::var("CC_TEST_SEED").map_or_else(
        |_| rand::random(),
        |seed| seed.parse().expect("CC_TEST_SEED is a number"),
    );
    eprintln!("seed: CC_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (alice, bob) = (Machine::new(), Machine::new());
    let _bobs = bob.daemon().await;
    let mut daemon = alice.daemon().await;
    let (room, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;

    let mut told = Told::default();
    let mut stored: Vec<Sent> = Vec::new();
    let mut interrupted = 0;
    for kill in 0..KILLS {
        let texts: Vec<String> = (0..LOAD).map(|n| format!("alice {kill}.{n}")).collect();
        let bobs: Vec<String> = (0..OTHERS_LOAD)
            .map(|n| format!("bob {kill}.{n}"))
            .collect();
        let (mut hers, mut his) = (alice.control().await, bob.control().await);
        let life = Duration::from_millis(random.random_range(0..LIFE_MS_MAX));
        let prompt_first = random.random_bool(0.5);
        let (of_alice, of_bob, ()) = tokio::join!(
            hers.send_all(&room, &texts),
            his.send_all(&room, &bobs),
            async {
                if prompt_first {
                    told.prompt(&alice).await;
                }
                // Not to wait for anything: this is the instant of the crash.
                tokio::time::sleep(life).await;
                daemon.kill().await;
            }
        );
        assert_eq!(of_bob.len(), OTHERS_LOAD, "Bob's daemon lives");
        interrupted += usize::from(of_alice.len() < LOAD);
        let reader = alice.log_reader(&room);
        for sent in &of_alice {
            let line = reader.line(ArrivalNo(sent.n)).unwrap();
            let id = line.id().map(|id| id.to_hex());
            assert_eq!(id.as_ref(), Some(&sent.id), "acknowledged, kill {kill}");
        }
        stored.extend(of_alice);
        stored.extend(of_bob);
        if random.random_bool(0.5) {
            told.prompt(&alice).await;
        }
        if random.random_bool(0.125) {
            let starting = alice.spawn_daemon();
            let life = Duration::from_millis(random.random_range(0..START_MS_MAX));
            tokio::time::sleep(life).await;
            starting.kill().await;
        }
        daemon = alice.daemon().await;
    }

    let all = until_same(&[&alice, &bob], &room, DELIVERY_DEADLINE).await;
    let ids: BTreeSet<&str> = all.iter().map(|(id, _)| &**id).collect();
    let lost = stored.iter().filter(|sent| !ids.contains(&*sent.id));
    assert_eq!(lost.count(), 0, "of {}", stored.len());

    assert_eq!(interrupted, KILLS, "every kill came in the middle");

    while told.take(alice.hook(SESSION, &alice.project()).await) {}
    let chats = all.iter().filter(|(_, text)| text.is_some()).count();
    assert_eq!(told.shown.len() as u64 + told.counted, chats as u64);
    eprintln!(
        "{} acknowledged, {chats} stored, {} prompts",
        stored.len(),
        told.prompts
    );
}

/// What one session was told so far.
#[derive(Debug, Default)]
struct Told {
    shown: BTreeSet<String>,
    counted: u64,
    prompts: u32,
}

impl Told {
    /// Prompts, in the middle of everything.
    async fn prompt(&mut self, machine: &Machine) {
        let news = machine.hook_once(SESSION, &machine.project()).await;
        self.take(news);
    }

    /// Whether there was news. None of it may be old.
    fn take(&mut self, news: Option<Injection>) -> bool {
        let Some(news) = news else {
            return false;
        };
        self.prompts += 1;
        self.counted += news.counted;
        for text in news.texts() {
            assert!(self.shown.insert(text.to_owned()), "told twice: {text}");
        }
        true
    }
}

/// A disk of its own for one machine.
const DISK: &str = "/mnt";
const MOUNT_DISK: &str = "ip link set lo up && mount -t tmpfs -o size=6m tmpfs /mnt";
/// A file on it, in whose place there is room again.
const BALLAST_BYTES: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_a_clear_error_and_harms_nothing() {
    if !namespace::inside("a_full_disk_is_a_clear_error_and_harms_nothing", MOUNT_DISK) {
        return;
    }
    let ballast = Path::new(DISK).join("ballast");
    fs::write(&ballast, vec![0; BALLAST_BYTES]).unwrap();
    let (alice, bob) = (Machine::new_in(Path::new(DISK)), Machine::new());
    let daemon = alice.daemon().await;
    let (room, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;

    let mut control = alice.control().await;
    let mut stored = Vec::new();
    let longest = "x".repeat(TEXT_BYTES_MAX);
    let error = loop {
        match control.send(&room, &longest).await {
            Ok(sent) => stored.push(sent),
            Err(error) => break error,
        }
    };
    assert_eq!(error["data"]["kind"], "disk", "{error}");
    assert!(stored.len() > 50, "{}", stored.len());
    let failed = alice.failure(&["send", "-", "--json"], &longest).await;
    assert_eq!((&*failed.kind, failed.exit), ("disk", 1), "{failed:?}");
    eprintln!("after {} messages: {}", stored.len(), failed.message);
    assert_eq!(alice.room_status().await["members"], 2);
    assert_all_stored(&alice, &room, &stored);

    // Meanwhile the others go on, and prompts are not held up.
    let mut others = bob.control().await;
    others.send(&room, "while it is full").await.unwrap();
    others.send(&room, &longest).await.unwrap();
    alice.hook("s1", &alice.project()).await;

    // The daemon dies, and the next one opens the room on the full disk.
    daemon.kill().await;
    let _daemon = alice.daemon().await;
    assert_all_stored(&alice, &room, &stored);
    let mut control = alice.control().await;
    let error = control.send(&room, &longest).await.unwrap_err();
    assert_eq!(error["data"]["kind"], "disk", "{error}");

    fs::remove_file(&ballast).unwrap();
    stored.push(control.send(&room, "there is room again").await.unwrap());
    bob.log_line(|line| line["text"] == "there is room again")
        .await;
    until_same(&[&alice, &bob], &room, DELIVERY_DEADLINE).await;
    assert_all_stored(&alice, &room, &stored);
}

fn assert_all_stored(machine: &Machine, room: &str, stored: &[Sent]) {
    let messages = machine.messages(room);
    let ids: BTreeSet<&str> = messages.iter().map(|(id, _)| &**id).collect();
    assert_eq!(ids.len(), messages.len(), "none is stored twice");
    for sent in stored {
        assert!(ids.contains(&*sent.id), "line {} is lost", sent.n);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_under_load_leaves_no_process_and_loses_nothing() {
    let (alice, bob) = (Machine::new(), Machine::new());
    let (room, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;
    let mut idle = alice.control().await;
    idle.call("subscribe", &json!({"room": room})).await;
    let mut control = alice.control().await;
    // More than it gets to, however long the stop takes to come.
    let texts: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
    let asked = Instant::now();
    let (stored, stopped) = tokio::join!(control.send_all(&room, &texts), async {
        // Once it is busy.
        alice.until_lines(&room, 100, COMMAND_DEADLINE).await;
        let stopped = alice.cc_connect(&["stop", "--json"], "").await;
        (stopped, processes_of(&alice))
    });
    let (stopped, left) = stopped;
    assert_eq!(stopped[0]["stopped"], true);
    assert_eq!(left, Vec::<String>::new(), "after {:?}", asked.elapsed());
    assert!((1..texts.len()).contains(&stored.len()), "{}", stored.len());
    assert!(!alice.cc_home().join("daemon.sock").exists());
    assert_all_stored(&alice, &room, &stored);
    within("the idle client's end", idle.rest()).await;

    let again = alice.cc_connect(&["stop", "--json"], "").await;
    assert_eq!(again[0]["stopped"], false);
}

/// Processes whose arguments name this machine's folders: a daemon is told its home.
fn processes_of(machine: &Machine) -> Vec<String> {
    let home = machine.home();
    let home = home.to_str().unwrap();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let arguments = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    let arguments = arguments.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    arguments.filter(|line| line.contains(home)).collect()
}
