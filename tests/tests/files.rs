//! Files between real daemons: killed in the middle, gone after sharing, damaged on disk.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use cc_tests::files::write_random;
use cc_tests::machine::{Machine, within};
use serde_json::{Value, json};

/// Long enough to be killed in the middle of, three times.
const LONG_BYTES: u64 = 96 << 20;
/// Between two kills at least so much more has to have come.
const STEP_BYTES: u64 = 16 << 20;
/// What a kill may cost: bytes that were here and are fetched again.
const LOST_BYTES_MAX: u64 = 24 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_is_killed_three_times_resumes_by_itself() {
    let [alice, bob] = [(); 2].map(|()| Machine::new());
    let _hers = alice.daemon().await;
    let mut his = bob.daemon().await;
    let room = meet(&alice, &[&bob]).await;
    let source = alice.project().join("long.bin");
    write_random(&source, LONG_BYTES, 0);
    share(&alice, &room, &source).await;
    let file = announced(&bob, &room).await["file"].clone();
    bob.control()
        .await
        .call("file.get", &json!({"room": room, "file": file}))
        .await;

    let mut had = 0;
    for kill in 0..3 {
        let now = until(&bob, &room, |it| has(it) >= had + STEP_BYTES).await;
        assert_eq!(
            now["state"], "fetching",
            "kill {kill} comes too late: {now}"
        );
        his.kill().await;
        his = bob.daemon().await;
        let again = until(&bob, &room, |it| has(it) > 0).await;
        assert!(
            has(&again) + LOST_BYTES_MAX >= has(&now),
            "it begins anew: {now}, then {again}"
        );
        had = has(&now).max(has(&again));
    }
    let whole = until(&bob, &room, |it| it["state"] == "here").await;
    assert_eq!(hash(&path(&whole)), hash(&source));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_file_hands_it_on_and_nobody_hands_on_damage() {
    let [alice, bob, carol, dave] = [(); 4].map(|()| Machine::new());
    let hers = alice.daemon().await;
    let _his = bob.daemon().await;
    let room = meet(&alice, &[&bob, &carol, &dave]).await;
    let source = alice.project().join("plan.bin");
    write_random(&source, 3 << 20, 0);
    share(&alice, &room, &source).await;
    let at_bob = get(&bob, &room).await;
    for machine in [&carol, &dave] {
        announced(machine, &room).await;
    }
    hers.kill().await;

    let at_carol = get(&carol, &room).await;
    assert_eq!(hash(&path(&at_carol)), hash(&source));

    // Now bob is the only one whom dave can ask, and a byte of his is another.
    carol.cc_connect(&["stop", "--json"], "").await;
    flip(&path(&at_bob), 1 << 20);
    let mut control = dave.control().await;
    control.subscribe(&room).await;
    let params = json!({"room": room, "file": at_bob["file"]});
    control.call("file.get", &params).await;
    within("a word about what came", async {
        loop {
            let told = control.event().await;
            if told["fault"].is_string() {
                return;
            }
            assert_ne!(told["state"], "here", "damage was handed on");
        }
    })
    .await;

    let mut control = bob.control().await;
    let verified = control.call("file.verify", &params).await;
    assert_eq!(verified["result"]["state"], "damaged", "{verified}");

    // Somebody who has it makes all whole.
    let _hers_again = carol.daemon().await;
    until(&dave, &room, |it| it["state"] == "here").await;
    let mended = get(&bob, &room).await;
    assert_eq!(hash(&path(&mended)), hash(&source));
}

/// A room of `alice`'s in which nothing comes by itself, and the others in it.
async fn meet(alice: &Machine, others: &[&Machine]) -> String {
    let (room, ticket) = alice.start_room("alice").await;
    for (at, other) in others.iter().enumerate() {
        other.join_room(&ticket, &format!("member{at}")).await;
        let off = json!({"room": room, "auto_get": 0});
        let answer = other.control().await.call("file.settings", &off).await;
        assert_eq!(answer["result"]["auto_get"], 0, "{answer}");
    }
    room
}

async fn share(machine: &Machine, room: &str, path: &Path) {
    let params = json!({"room": room, "path": path});
    let shared = machine.control().await.call("file.share", &params).await;
    assert_eq!(shared["result"]["file"]["state"], "here", "{shared}");
}

/// The newest file of the room, once there is one.
async fn announced(machine: &Machine, room: &str) -> Value {
    until(machine, room, Value::is_object).await
}

/// Fetches the newest file of the room.
async fn get(machine: &Machine, room: &str) -> Value {
    let file = announced(machine, room).await["file"].clone();
    let params = json!({"room": room, "file": file});
    machine.control().await.call("file.get", &params).await;
    until(machine, room, |it| it["state"] == "here").await
}

/// The newest file of the room, once it is as wanted.
async fn until(machine: &Machine, room: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut listening = machine.control().await;
    listening.subscribe(room).await;
    let mut control = machine.control().await;
    let come = async {
        loop {
            let list = control.call("file.list", &json!({"room": room})).await;
            let file = &list["result"]["files"][0];
            if wanted(file) {
                return file.clone();
            }
            listening.event().await;
        }
    };
    within("a file", come).await
}

fn has(file: &Value) -> u64 {
    file["have"].as_u64().unwrap_or(0)
}

fn path(file: &Value) -> PathBuf {
    file["path"].as_str().expect("it is here").into()
}

fn hash(path: &Path) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let mut file = File::open(path).expect("a file");
    let mut block = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut block).expect("it can be read");
        if read == 0 {
            return hasher.finalize();
        }
        hasher.update(&block[..read]);
    }
}

/// Turns one bit, and leaves length and times as a failing disk would.
fn flip(path: &Path, at: u64) {
    let before = fs::metadata(path).expect("a file");
    let mut file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .expect("it can be written");
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).expect("a place");
    file.read_exact(&mut byte).expect("a byte");
    file.seek(SeekFrom::Start(at)).expect("a place");
    file.write_all(&[byte[0] ^ 1]).expect("a byte");
    file.set_times(fs::FileTimes::new().set_modified(before.modified().expect("a time")))
        .expect("times can be set");
}
