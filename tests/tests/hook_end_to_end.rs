//! The whole way of one message, with real parts: two daemons on loopback, and what the hook's own
//! binary prints for a prompt on the other machine.

use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cc_log::{FsStorage, LineInfo, LogWriter};
use cc_proto::{
    body::{Body, Chat},
    id::{Seq, Timestamp},
    identity::Identity,
    message::{Message, NewMessage},
};
use cc_tests::machine::{COMMAND_DEADLINE, Machine};
use data_encoding::HEXLOWER;

const LINE: &str = "postgres, we have it";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[tokio::test(flavor = "multi_thread")]
async fn what_another_said_is_in_the_prompt_of_each_session_once() {
    let (alice, bob) = (Machine::new(), Machine::new());
    let (_, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;
    bob.cc_connect(&["send", "--json", LINE], "").await;
    let line = alice.log_line(|line| line["text"] == LINE).await;

    let told = alice.hook("s1", &alice.project()).await.expect("news");
    let minutes = line["ts"].as_u64().unwrap() / 60_000;
    let (hour, minute) = (minutes / 60 % 24, minutes % 60);
    let wanted = format!("[chatroom @bob {hour:02}:{minute:02}Z] {LINE}");
    assert_eq!(told.messages, [wanted]);
    assert_eq!(told.counted, 0);

    assert_eq!(alice.hook("s1", &alice.project()).await, None);
    let other = alice.hook("s2", &alice.project()).await.expect("news");
    assert_eq!(other.messages, told.messages);
    assert_ne!(other.fence, told.fence, "a fence is drawn for each prompt");
    for unrelated in [alice.home(), bob.project(), "/".into()] {
        assert_eq!(alice.hook("s3", &unrelated).await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_in_the_prompt_once_it_is_here() {
    let (alice, bob) = (Machine::new(), Machine::new());
    let (_, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;
    alice
        .cc_connect(&["files", "--json", "--auto-get", "off"], "")
        .await;
    let design = bob.project().join("design.svg");
    fs::write(&design, [b'x'; 148]).unwrap();
    bob.cc_connect(&["share", "--json", design.to_str().unwrap()], "")
        .await;
    alice.log_line(|line| line["name"] == "design.svg").await;
    let told = alice.hook("s1", &alice.project()).await.expect("news");
    let texts = |told: &cc_tests::injection::Injection| -> Vec<String> {
        told.texts().map(str::to_owned).collect()
    };
    assert_eq!(texts(&told), ["announced design.svg (148 B), not here yet"]);
    assert_eq!(alice.hook("s1", &alice.project()).await, None);

    alice.cc_connect(&["get", "--json", "design.svg"], "").await;
    let told = alice.hook("s1", &alice.project()).await.expect("the file");
    let [text] = texts(&told).try_into().unwrap();
    let path = text
        .strip_prefix("dropped design.svg (148 B) @file:")
        .unwrap_or_else(|| panic!("{text}"));
    assert_eq!(fs::read(path).unwrap(), [b'x'; 148]);
    assert_eq!(alice.hook("s1", &alice.project()).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_a_day_off_hides_nothing_and_moves_nothing() {
    let (alice, bob) = (Machine::new(), Machine::new());
    let (room, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;
    bob.cc_connect(&["send", "--json", "on time"], "").await;
    alice.log_line(|line| line["text"] == "on time").await;
    let told = alice.hook("s1", &alice.project()).await.expect("news");
    assert_eq!(told.texts().collect::<Vec<_>>(), ["on time"]);

    // Bob's machine had its clock set wrong, twice, and comes online again.
    let now = now();
    let wrong = [("a day late", now - DAY_MS), ("a day ahead", now + DAY_MS)];
    for (text, ts) in wrong {
        bob.cc_connect(&["stop", "--json"], "").await;
        write_at(&bob, &room, ts, text);
        let lines = bob.log_reader(&room).len().0;
        let _daemon = bob.daemon().await;
        alice.until_lines(&room, lines, COMMAND_DEADLINE).await;
        let told = alice.hook("s1", &alice.project()).await.expect("news");
        assert_eq!(told.texts().collect::<Vec<_>>(), [text]);
        let (header, _) = told.messages[0].split_once("] ").unwrap();
        assert!(header.contains('-'), "not of today: {header}");
    }

    // Neither mutes anybody, and both clocks are where they were.
    for (who, text) in [(&alice, "from alice"), (&bob, "from bob")] {
        who.cc_connect(&["send", "--json", text], "").await;
        let line = alice.log_line(|line| line["text"] == text).await;
        let ts = line["ts"].as_u64().unwrap();
        assert!((now..now + DAY_MS / 24).contains(&ts), "{line}");
        let told = alice.hook("s1", &alice.project()).await.expect("news");
        assert_eq!(told.texts().collect::<Vec<_>>(), [text]);
    }
    assert_eq!(alice.hook("s1", &alice.project()).await, None);
}

/// Appends what the machine's own program would have signed at `ts`. Its daemon must not run.
fn write_at(machine: &Machine, room: &str, ts: u64, text: &str) {
    let seed = fs::read_to_string(machine.cc_home().join("identity")).unwrap();
    let seed = HEXLOWER.decode(seed.trim().as_bytes()).unwrap();
    let identity = Identity::from_seed(seed.try_into().unwrap());
    let (me, id) = (identity.author(), room.parse().unwrap());
    let (mut log, _) = LogWriter::open(FsStorage, &machine.room_dir(room), id, me).unwrap();
    let heads = log.heads();
    let head = heads.iter().find(|head| head.author == me).unwrap();
    let message = NewMessage {
        room: id,
        chain: head.chain,
        seq: Seq(head.seq.0 + 1),
        prev: Some(head.id),
        ts: Timestamp(ts),
        via: String::new(),
        re: None,
        body: Body::Chat(Chat {
            text: text.to_owned(),
        }),
    };
    let message = Message::write(&identity, message).unwrap();
    log.append(&message, Timestamp(ts), LineInfo::default())
        .unwrap();
    log.commit().unwrap();
    log.close().unwrap();
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(now.map_or(0, |now: Duration| now.as_millis())).unwrap()
}
