//! The network goes away and comes back, and nobody is there at first.

use std::{process::Command, time::Duration};

use cc_tests::{
    bins::bin,
    machine::{COMMAND_DEADLINE, Machine, run, until_same},
    namespace,
};
use tokio::time::Instant;

/// How long no packet arrives.
const SILENCE: Duration = Duration::from_mins(1);
/// How soon after it everything has arrived.
const WHOLE_WITHIN: Duration = Duration::from_secs(5);
/// What each says during the silence.
const SAID: usize = 20;

/// Two machines, each in a network of its own, on one wire.
const NETWORK: &str = "
    mount -t tmpfs tmpfs /run
    ip link set lo up
    ip link add wire type bridge
    ip link set wire up
    host=0
    for name in alice bob; do
        host=$((host + 1))
        ip netns add $name
        ip link add $name type veth peer name eth0 netns $name
        ip link set $name master wire up
        ip -n $name link set lo up
        ip -n $name addr add 10.9.8.$host/24 dev eth0
        ip -n $name link set eth0 up
        ip -n $name route add default via 10.9.8.254
    done";

#[tokio::test(flavor = "multi_thread")]
async fn after_a_minute_of_silence_on_the_wire_both_are_whole_within_five_seconds() {
    if !namespace::inside(
        "after_a_minute_of_silence_on_the_wire_both_are_whole_within_five_seconds",
        NETWORK,
    ) {
        return;
    }
    let alice = Machine::new().in_network("alice", "10.9.8.1");
    let bob = Machine::new().in_network("bob", "10.9.8.2");
    let (room, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;
    bob.cc_connect(&["send", "--json", "before"], "").await;
    alice.log_line(|line| line["text"] == "before").await;

    wire(false);
    let begun = Instant::now();
    let held = alice.log_reader(&room).len().0;
    for (machine, nick) in [(&alice, "alice"), (&bob, "bob")] {
        let texts: Vec<String> = (0..SAID).map(|n| format!("{nick} {n}")).collect();
        let sent = machine.control().await.send_all(&room, &texts).await;
        assert_eq!(sent.len(), SAID, "sending needs nobody");
    }
    // The silence is what is tested; nothing is waited for.
    tokio::time::sleep_until(begun + SILENCE).await;
    let alone = held + SAID as u64;
    for machine in [&alice, &bob] {
        let lines = machine.log_reader(&room).len().0;
        assert_eq!(lines, alone, "something came through");
        assert_eq!(machine.room_status().await["online"], 1);
    }

    wire(true);
    let back = Instant::now();
    let all = alone + SAID as u64;
    tokio::join!(
        alice.until_lines(&room, all, COMMAND_DEADLINE),
        bob.until_lines(&room, all, COMMAND_DEADLINE),
    );
    let took = back.elapsed();
    eprintln!("whole {took:?} after {SILENCE:?} of silence");
    assert!(took <= WHOLE_WITHIN, "{took:?}");
    until_same(&[&alice, &bob], &room, COMMAND_DEADLINE).await;

    // Live again, in both directions.
    for (from, to, text) in [(&alice, &bob, "to bob"), (&bob, &alice, "to alice")] {
        let sent = Instant::now();
        from.cc_connect(&["send", "--json", text], "").await;
        to.log_line(|line| line["text"] == text).await;
        assert!(sent.elapsed() <= WHOLE_WITHIN, "{:?}", sent.elapsed());
    }
}

/// Whether the bridge passes frames from one machine to the other. Neither can tell that it does not.
fn wire(passes: bool) {
    let isolated = if passes { "off" } else { "on" };
    for port in ["alice", "bob"] {
        let args = format!("link set {port} type bridge_slave isolated {isolated}");
        let status = Command::new("ip").args(args.split(' ')).status().unwrap();
        assert!(status.success(), "{args}");
    }
}

/// The member whose ticket it is never comes back; the ticket names another as well.
#[tokio::test(flavor = "multi_thread")]
async fn joining_while_nobody_is_there_completes_when_any_member_appears() {
    let (alice, bob, carol) = (Machine::new(), Machine::new(), Machine::new());
    let (room, ticket) = alice.start_room("alice").await;
    bob.join_room(&ticket, "bob").await;
    alice
        .cc_connect(&["send", "--json", "said before"], "")
        .await;
    bob.log_line(|line| line["text"] == "said before").await;
    let alices = alice
        .control()
        .await
        .call("room.ticket", &serde_json::json!({"room": room}))
        .await;
    let ticket = alices["result"]["ticket"].as_str().unwrap();
    alice.cc_connect(&["stop", "--json"], "").await;
    bob.cc_connect(&["stop", "--json"], "").await;

    let daemon = carol.daemon().await;
    let join = "room join - --wait 1 --relay none --no-ui --json --nick carol";
    let mut join_command = carol.command(&bin("cc-connect"));
    let joining = run(join_command.args(join.split(' ')), ticket)
        .await
        .unwrap();
    assert_eq!(joining.status.code(), Some(0));
    let said = String::from_utf8(joining.stderr).unwrap();
    assert!(said.contains("nobody is online yet"), "{said}");
    let joining: serde_json::Value = serde_json::from_slice(&joining.stdout).unwrap();
    assert_eq!(joining["state"], "joining");
    let failed = carol.failure(&["send", "--json", "too early"], "").await;
    assert_eq!((&*failed.kind, failed.exit), ("joining", 1));

    daemon.kill().await;
    let _daemon = carol.daemon().await;
    let waiting = carol.room_status().await;
    assert_eq!(waiting["state"], "joining", "{waiting}");
    let _bobs = bob.daemon().await;
    carol.log_line(|line| line["text"] == "said before").await;
    carol.cc_connect(&["send", "--json", "made it"], "").await;
    bob.log_line(|line| line["text"] == "made it").await;
}
