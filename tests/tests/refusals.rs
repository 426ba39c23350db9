//! What does not belong: noise on every port and socket of a daemon, and tickets that are none.

use std::{
    collections::BTreeSet,
    env, fs,
    net::{Ipv4Addr, SocketAddr},
};

use cc_proto::ticket::Ticket;
use cc_tests::machine::{Machine, within};
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use tokio::net::UdpSocket;

/// The longest line of the control protocol.
const LINE_BYTES_MAX: usize = 256 * 1024;
/// What a line that never ends is in a test.
const ENDLESS_BYTES: usize = 64 * 1024 * 1024;
/// What noise may cost in memory.
const MEMORY_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn noise_on_every_port_and_socket_changes_nothing() {
    let seed = env::var("CC_TEST_SEED").map_or_else(
        |_| rand::random(),
        |seed| seed.parse().expect("CC_TEST_SEED is a number"),
    );
    eprintln!("seed: CC_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (alice, bob) = (Machine::new(), Machine::new());
    let daemon = alice.daemon().await;
    let (room, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;
    bob.cc_connect(&["send", "--json", "before"], "").await;
    alice.log_line(|line| line["text"] == "before").await;
    let before = fs::read(alice.room_dir(&room).join("log.jsonl")).unwrap();
    let memory = memory_of(daemon.pid());

    control_noise(&alice, &room, &mut random).await;
    let ports = udp_ports(daemon.pid());
    assert!(!ports.is_empty(), "the daemon can be reached");
    for port in ports {
        udp_noise(port, &mut random).await;
    }

    assert_eq!(
        fs::read(alice.room_dir(&room).join("log.jsonl")).unwrap(),
        before
    );
    let grown = memory_of(daemon.pid()).saturating_sub(memory);
    assert!(grown < MEMORY_BYTES_MAX, "{grown} bytes more");
    assert_eq!(alice.room_status().await["members"], 2);
    for (from, to, text) in [(&alice, &bob, "to bob"), (&bob, &alice, "to alice")] {
        from.cc_connect(&["send", "--json", text], "").await;
        to.log_line(|line| line["text"] == text).await;
    }
    assert!(
        !alice.daemon_log().contains("panic"),
        "{}",
        alice.daemon_log()
    );
    // It is still the same process.
    daemon.kill().await;
}

/// Lines and what is no line, each on a connection of its own; half of them are cut off.
async fn control_noise(alice: &Machine, room: &str, random: &mut StdRng) {
    let send = json!({
        "jsonrpc": "2.0", "id": 1, "method": "send",
        "params": {"room": room, "text": 7},
    });
    let send = send.to_string();
    let deep = "[".repeat(LINE_BYTES_MAX / 2);
    let mut lines: Vec<Vec<u8>> = vec![
        send.clone().into_bytes(),
        send.as_bytes()[..send.len() / 2].to_vec(),
        send.replace('7', "\"\"").into_bytes(),
        send.replace('7', "\"\\ud800\"").into_bytes(),
        send.replace(room, &"../".repeat(20)).into_bytes(),
        deep.into_bytes(),
        u64::MAX.to_le_bytes().to_vec(),
        vec![0; 1000],
        vec![b'x'; LINE_BYTES_MAX + 1],
    ];
    for _ in 0..100 {
        let mut bytes = vec![0; random.random_range(0..2000)];
        random.fill_bytes(&mut bytes);
        lines.push(bytes);
    }
    for line in lines {
        for end in [&b"\n"[..], b""] {
            let mut control = alice.control().await;
            control.write(&line).await;
            control.write(end).await;
            control.finish().await;
            let answer = within("the end of an answer", control.rest()).await;
            let answer = String::from_utf8(answer).unwrap();
            assert!(!answer.contains("\"result\""), "{answer}");
        }
    }
    // A line that never ends is not read to its end, nor kept.
    let mut control = alice.control().await;
    let chunk = vec![b'x'; LINE_BYTES_MAX];
    let mut taken = 0;
    while taken < ENDLESS_BYTES && within("a write", control.write(&chunk)).await {
        taken += chunk.len();
    }
    assert!(taken < ENDLESS_BYTES, "the connection is closed");
}

/// Datagrams of every size, some of which begin as QUIC does.
async fn udp_noise(port: u16, random: &mut StdRng) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    for round in 0..2000_usize {
        let mut bytes = vec![0; random.random_range(0..1500)];
        random.fill_bytes(&mut bytes);
        // A long header of version 1: Initial, 0-RTT, Handshake, Retry; then a length of its own.
        if round % 2 == 0 && bytes.len() > 32 {
            bytes[0] = 0xc0 | (bytes[0] & 0x3f);
            bytes[1..5].copy_from_slice(&1_u32.to_be_bytes());
            bytes[5] = 8;
            bytes[14] = 8;
        }
        socket.send_to(&bytes, to).await.unwrap();
    }
}

/// The UDP ports that a process has open. It has no others: none of TCP.
fn udp_ports(pid: u32) -> BTreeSet<u16> {
    let process = format!("/proc/{pid}");
    let links = fs::read_dir(format!("{process}/fd")).unwrap().flatten();
    let inodes: BTreeSet<String> = links
        .filter_map(|link| fs::read_link(link.path()).ok())
        .filter_map(|target| {
            let target = target.to_str()?;
            Some(
                target
                    .strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .to_owned(),
            )
        })
        .collect();
    let ports = |protocol: &str| -> BTreeSet<u16> {
        let table = fs::read_to_string(format!("{process}/net/{protocol}")).unwrap_or_default();
        let rows = table
            .lines()
            .skip(1)
            .map(|row| row.split_whitespace().collect::<Vec<_>>());
        rows.filter(|row| row.get(9).is_some_and(|inode| inodes.contains(*inode)))
            .map(|row| {
                let (_, port) = row[1].rsplit_once(':').unwrap();
                u16::from_str_radix(port, 16).unwrap()
            })
            .collect()
    };
    for protocol in ["tcp", "tcp6"] {
        assert_eq!(ports(protocol), BTreeSet::new(), "{protocol}");
    }
    ports("udp").union(&ports("udp6")).copied().collect()
}

fn memory_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_was_cut_or_mistyped_says_so() {
    let (alice, bob) = (Machine::new(), Machine::new());
    let (room, ticket) = alice.start_room("alice").await;
    let lines = alice.log_reader(&room).len();
    let mut wrong: Vec<String> = (0..ticket.len())
        .map(|end| ticket[..end].to_owned())
        .collect();
    for at in 0..ticket.len() {
        let typed = if &ticket[at..=at] == "a" { "b" } else { "a" };
        wrong.push(format!("{}{typed}{}", &ticket[..at], &ticket[at + 1..]));
    }
    wrong.push(format!("{ticket}a"));

    let _daemon = bob.daemon().await;
    let mut control = bob.control().await;
    for ticket in &wrong {
        let params = json!({"ticket": ticket, "nick": "bob", "relay": "none"});
        let answer = control.call("room.join", &params).await;
        assert_eq!(answer["error"]["data"]["kind"], "bad_ticket", "{answer}");
    }
    for ticket in wrong.iter().step_by(wrong.len() / 10) {
        let join = "room join - --relay none --no-ui --json";
        let join: Vec<&str> = join.split(' ').collect();
        let failed = bob.failure(&join, ticket).await;
        assert_eq!((&*failed.kind, failed.exit), ("ticket", 1), "{failed:?}");
    }
    assert_eq!(
        bob.cc_connect(&["room", "list", "--json"], "").await.len(),
        0
    );
    assert_eq!(alice.log_reader(&room).len(), lines);
    // The whole one lets in.
    bob.join_room(&ticket, "bob").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_of_another_room_or_of_nobody_opens_no_door() {
    let (alice, mallory) = (Machine::new(), Machine::new());
    let (room, ticket) = alice.start_room("alice").await;
    let (other, _) = alice.start_room("alice").await;
    let lines = [&room, &other].map(|room| alice.log_reader(room).len());
    let ticket: Ticket = ticket.parse().unwrap();
    let forged = [
        Ticket {
            room: other.parse().unwrap(),
            ..ticket.clone()
        },
        Ticket {
            invite_secret: [7; 32],
            ..ticket
        },
    ];
    let _daemon = mallory.daemon().await;
    let mut control = mallory.control().await;
    for forged in forged {
        let params = json!({"ticket": forged.to_string(), "nick": "mallory", "relay": "none"});
        let joining = control.call("room.join", &params).await;
        assert_eq!(joining["result"]["state"], "joining", "{joining}");
        let mut events = mallory.control().await;
        let room = json!({"room": forged.room.to_hex()});
        events.call("subscribe", &room).await;
        let refused = async {
            loop {
                let line = events.line().await.expect("the daemon lives");
                if line["params"]["event"] == "refused" {
                    return line["params"].clone();
                }
            }
        };
        let refused = within("a closed door", refused).await;
        assert_eq!(refused["code"], "refused", "{refused}");
        assert!(!refused["reason"].as_str().unwrap().is_empty());
    }
    for (room, lines) in [&room, &other].into_iter().zip(lines) {
        assert_eq!(alice.log_reader(room).len(), lines);
    }
    for room in mallory.cc_connect(&["room", "list", "--json"], "").await {
        assert_eq!(room["state"], "joining", "{room}");
    }
}
