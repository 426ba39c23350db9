//! What members say of their disks and agents.

use std::collections::BTreeSet;
use std::sync::Arc;

use cc_proto::id::{AuthorId, ChainId, Seq};
use cc_proto::limits;
use cc_proto::receipt::{
    Offers, Receipt, ReceiptBook, ReceiptView, SignedReceipt, VerifiedReceipt, is_agent_name,
};

use crate::world::identity;

/// A receipt: after an even byte as it is, after an odd one signed anew by a member whom it then names.
pub fn receipt(data: &[u8]) {
    let Some((mode, bytes)) = data.split_first() else {
        return;
    };
    let Ok(wire) = SignedReceipt::decode(bytes) else {
        return;
    };
    assert_eq!(wire.encode(), bytes, "canonical");
    let room = wire.receipt.room;
    if mode % 2 == 0 {
        if let Ok(verified) = wire.verify(&room) {
            taken(&verified);
        }
        return;
    }
    let member = identity(1);
    let said = Receipt {
        member: member.author(),
        ..wire.receipt
    };
    let signed = said.sign(&member).wire().clone();
    let altered = SignedReceipt {
        receipt: Receipt {
            member: identity(2).author(),
            ..signed.receipt.clone()
        },
        ..signed.clone()
    };
    assert!(
        altered.verify(&room).is_err(),
        "somebody speaks for another"
    );
    if let Ok(verified) = signed.verify(&room) {
        taken(&verified);
    }
}

/// What is taken can be asked anything, in no time, and comes out the same however often it comes.
fn taken(verified: &VerifiedReceipt) {
    let receipt = verified.receipt();
    assert!(verified.wire().encode().len() <= limits::RECEIPT_BYTES_MAX);
    let member = receipt.member;
    let mut book = ReceiptBook::default();
    // One of the authors is taken for ourselves: nothing of our chains lies beyond what we have.
    let me = receipt.reached.first().map_or(member, |it| it.author);
    let top = |chain: ChainId| Seq(u64::from(chain.0 % 7));
    assert!(book.insert(verified.clone(), &me, top));
    assert!(
        !book.insert(verified.clone(), &me, top),
        "one that is replayed"
    );
    let view = ReceiptView {
        me: Some(me),
        members: BTreeSet::from([member, me, AuthorId::from_bytes([9; 32])]),
        receipts: book.all(),
        offers: Arc::<Offers>::default(),
        forks: [].into(),
    };
    let ends = receipt
        .reached
        .iter()
        .map(|it| (it.author, it.chain, it.seq));
    let chains = receipt.offered.iter().flat_map(|offered| &offered.chains);
    let runs = chains.flat_map(|it| it.runs.iter().map(|run| (it.author, it.chain, run.first)));
    for (author, chain, seq) in ends.chain(runs).take(64) {
        for seq in [seq, Seq(seq.0.saturating_add(1)), Seq(u64::MAX)] {
            let known = view.of((author, chain, seq));
            assert!(
                known
                    .reached
                    .iter()
                    .all(|reached| *reached == member && member != author)
            );
            assert!(
                known
                    .offered
                    .iter()
                    .all(|(by, agent)| *by == member && is_agent_name(agent))
            );
            let ours = author == me && seq > top(chain);
            assert!(!ours || (known.reached.is_empty() && known.offered.is_empty()));
        }
    }
}
