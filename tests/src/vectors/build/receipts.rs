//! What members say of their disks and agents.

use cc_proto::codec;
use cc_proto::id::{ChainId, RoomId, Seq, Timestamp};
use cc_proto::identity::{MESSAGE_DOMAIN, RECEIPT_DOMAIN};
use cc_proto::receipt::{Offered, OfferedChain, Reached, Receipt, Run, SignedReceipt};
use serde_json::{Value, json};

use super::Cases;
use super::world::{ALICE, BOB, CAROL, NOW, ROOM, author, identity};
use crate::vectors::input::hex;

pub(super) fn add(cases: &mut Cases) {
    let input =
        |wire: &SignedReceipt| json!({ "room": ROOM.to_hex(), "bytes": hex(&wire.encode()) });
    let nothing = Receipt {
        reached: Vec::new(),
        offered: Vec::new(),
        ..whole()
    };
    let about = "Two chains are on Bob's disk, and two of his agents were shown some of one.";
    let wire = by_bob(whole());
    cases.ok("receipt", "whole", about, input(&wire), &Value::Null);
    let about = "Who tells nothing, or takes back what was told, says this.";
    let wire = by_bob(nothing.clone());
    cases.ok(
        "receipt",
        "nothing",
        about,
        input(&wire),
        &json!({ "reached": [], "offered": [] }),
    );

    let mut refuse = |name, about, wire: &SignedReceipt, verdict| {
        cases.refused("receipt", name, about, input(wire), verdict);
    };
    let mut forged = by_bob(nothing.clone());
    forged.receipt.member = author(CAROL);
    refuse(
        "anothers",
        "Bob signed it, in Carol's name.",
        &forged,
        "bad-signature",
    );
    let other = Receipt {
        room: RoomId::from_bytes([0x1b; 32]),
        ..nothing.clone()
    };
    refuse(
        "another-room",
        "A receipt of another room.",
        &by_bob(other),
        "wrong-room",
    );
    let domain = SignedReceipt {
        signature: identity(BOB).sign(MESSAGE_DOMAIN, &codec::encode(&nothing)),
        receipt: nothing.clone(),
    };
    refuse(
        "domain",
        "Signed under the domain of messages.",
        &domain,
        "bad-signature",
    );
    let runs = |runs: &[(u64, u64)]| Receipt {
        offered: vec![shown("codex", runs)],
        ..nothing.clone()
    };
    let touching = by_bob(runs(&[(2, 2), (4, 1)]));
    refuse(
        "runs-touching",
        "Two runs that are one.",
        &touching,
        "disorder",
    );
    let endless = by_bob(runs(&[(2, u64::MAX)]));
    refuse(
        "run-endless",
        "A run that ends behind the last place there can be.",
        &endless,
        "disorder",
    );
    let twice = Receipt {
        reached: vec![reached(ALICE, 3), reached(ALICE, 4)],
        ..nothing.clone()
    };
    refuse(
        "chain-twice",
        "One chain twice.",
        &by_bob(twice),
        "disorder",
    );
    let named = Receipt {
        offered: vec![shown("co\ndex", &[(1, 1)])],
        ..nothing
    };
    refuse(
        "agent-name",
        "An agent's name with a line feed.",
        &by_bob(named),
        "agent",
    );
    let cut = by_bob(whole()).encode();
    let cut = json!({ "room": ROOM.to_hex(), "bytes": hex(&cut[..cut.len() - 1]) });
    cases.refused(
        "receipt",
        "cut",
        "The last byte is missing.",
        cut,
        "encoding",
    );
}

fn by_bob(receipt: Receipt) -> SignedReceipt {
    let signature = identity(BOB).sign(RECEIPT_DOMAIN, &codec::encode(&receipt));
    SignedReceipt { receipt, signature }
}

fn whole() -> Receipt {
    let mut held = vec![reached(ALICE, 12), reached(CAROL, 1)];
    held.sort_unstable_by_key(|reached| reached.author);
    Receipt {
        room: ROOM,
        member: author(BOB),
        at: Timestamp(NOW),
        reached: held,
        offered: vec![
            shown("claude-code", &[(3, 6), (12, 1)]),
            shown("codex", &[(12, 1)]),
        ],
    }
}

fn reached(by: u8, seq: u64) -> Reached {
    Reached {
        author: author(by),
        chain: ChainId(u32::from(by) * 1000),
        seq: Seq(seq),
    }
}

fn shown(agent: &str, runs: &[(u64, u64)]) -> Offered {
    let runs = runs.iter().map(|&(first, count)| Run {
        first: Seq(first),
        count,
    });
    Offered {
        agent: agent.to_owned(),
        chains: vec![OfferedChain {
            author: author(ALICE),
            chain: ChainId(u32::from(ALICE) * 1000),
            runs: runs.collect(),
        }],
    }
}
