//! Proofs as anybody may hand them over.

use cc_proto::identity::{Identity, MESSAGE_DOMAIN};
use cc_proto::proof::{PROOF_BEGIN, Proof, Proven, Run};
use cc_proto::{codec, limits};

use crate::world::identity;

/// A proof: after a byte that is a multiple of 3 the text, else its encoding; after one more than that, signed anew by
/// whoever the last header names, where that is one of ours.
pub fn proof(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let proof = if mode % 3 == 0 {
        Proof::from_text(&String::from_utf8_lossy(rest))
    } else {
        Proof::decode(rest)
    };
    let Ok(mut proof) = proof else {
        return;
    };
    if mode % 3 == 2 {
        match &mut proof {
            Proof::Fork { left, right } => [left, right].into_iter().for_each(resign),
            Proof::Message { run, .. } => resign(run),
        }
    }
    assert_eq!(
        Proof::decode(&proof.encode()).as_ref(),
        Ok(&proof),
        "canonical"
    );
    let text = proof.to_text();
    assert_eq!(
        Proof::from_text(&format!("  {PROOF_BEGIN}\n{text}bye")).as_ref(),
        Ok(&proof)
    );
    assert!(Proof::from_text(&text.repeat(2)).is_err());
    match proof.check() {
        Ok(Proven::Fork { left, right, .. }) => {
            let place = |it: &cc_proto::message::Header| (it.author, it.chain, it.seq);
            assert_eq!(place(&left.header), place(&right.header));
            assert_ne!(left.id, right.id, "a message forks itself");
        }
        Ok(Proven::Message {
            message,
            membership,
            ..
        }) => {
            assert!(message.vouched_after < limits::SEGMENT_MESSAGES_HARD_MAX);
            assert_eq!(
                membership.doors.is_empty(),
                membership.root == message.header.author
            );
        }
        Err(_) => {}
    }
}

fn resign(run: &mut Run) {
    let Some(last) = run.headers.last() else {
        return;
    };
    let ours = (1..4)
        .map(identity)
        .find(|one: &Identity| one.author() == last.author);
    if let Some(author) = ours {
        run.signature = author.sign(MESSAGE_DOMAIN, &codec::encode(last));
    }
}
