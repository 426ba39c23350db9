//! What members say of their disks and agents.

use cc_proto::receipt::{Receipt, SignedReceipt};
use serde_json::{Value, json};

use super::{Outcome, room_of};
use crate::vectors::input::{self, number};

/// `room`, and the `bytes` of a receipt with its signature.
pub fn receipt(input: &Value) -> Outcome {
    let wire = SignedReceipt::decode(&input::bytes(input, "bytes"))?;
    let verified = wire.verify(&room_of(input))?;
    Ok(says(verified.receipt()))
}

fn says(receipt: &Receipt) -> Value {
    let reached = receipt.reached.iter().map(|reached| {
        json!({
            "author": reached.author.to_hex(),
            "chain": reached.chain.0,
            "seq": number(reached.seq.0),
        })
    });
    let offered = receipt.offered.iter().map(|offered| {
        let chains = offered.chains.iter().map(|chain| {
            let runs = chain.runs.iter();
            let runs = runs.map(|run| json!([number(run.first.0), number(run.count)]));
            json!({
                "author": chain.author.to_hex(),
                "chain": chain.chain.0,
                "runs": runs.collect::<Vec<_>>(),
            })
        });
        json!({ "agent": offered.agent, "chains": chains.collect::<Vec<_>>() })
    });
    json!({
        "member": receipt.member.to_hex(),
        "at": number(receipt.at.0),
        "reached": reached.collect::<Vec<_>>(),
        "offered": offered.collect::<Vec<_>>(),
    })
}
