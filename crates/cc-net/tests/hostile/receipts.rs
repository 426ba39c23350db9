//! Members who say of others what those did not say.

use cc_proto::frames::{GossipFrame, SyncFrame};
use cc_proto::id::{Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::receipt::{Reached, Receipt, ReceiptError};
use cc_proto::room::MisbehaviourKind;

use crate::common::{Machine, within};
use crate::peer;
use crate::scene::{Scene, speak, wait_for_refusal};

/// Nobody says for somebody else what reached them, and what they said before does not come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_in_anothers_name_is_refused() {
    let scene = Scene::new().await;
    let bob = Machine::start(2).await;
    let his = bob.join(&scene.hers).await;
    speak(&scene.hers, &[&his], "postgres").await;
    let room = scene.hers.id();
    let place = {
        let reader = scene.hers.reader().unwrap();
        let line = reader.line(reader.len()).unwrap().message.unwrap();
        let header = line.header();
        (header.author, header.chain, header.seq)
    };
    let says = |by: &Identity, member, at, seq| {
        let receipt = Receipt {
            room,
            member,
            at: Timestamp(at),
            reached: vec![Reached {
                author: place.0,
                chain: place.1,
                seq: Seq(seq),
            }],
            offered: Vec::new(),
        };
        let mut wire = receipt.sign(by).wire().clone();
        wire.receipt.member = member;
        wire
    };
    let mallory = scene.mallory.id();
    let now = peer::wall().0;
    let forged = says(&scene.mallory.identity, bob.node.id(), now + 100_000, 1_000);
    let refused = MisbehaviourKind::Receipt(ReceiptError::BadSignature);
    let mut neighbor = scene.mallory.gossip(&scene.alice, room).await;
    let mut events = scene.hers.events();
    neighbor
        .say(&GossipFrame::Receipt(forged.clone()).encode())
        .await;
    wait_for_refusal(&mut events, refused).await;
    let mut session = scene.mallory.enter(&scene.alice, room).await;
    session.send(&SyncFrame::Receipts(vec![forged])).await;
    wait_for_refusal(&mut events, refused).await;
    // Of herself she says what she likes: first that it came, then that it did not.
    let own = &scene.mallory.identity;
    let (first, later) = (
        says(own, mallory, now, place.2.0),
        says(own, mallory, now + 1, 1),
    );
    let reached = async |wanted: bool| {
        within("the receipt", async {
            loop {
                let known = scene.hers.receipts().await.unwrap().of(place);
                if known.reached.contains(&mallory) == wanted {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    session
        .send(&SyncFrame::Receipts(vec![first.clone()]))
        .await;
    reached(true).await;
    session.send(&SyncFrame::Receipts(vec![later])).await;
    reached(false).await;
    session.send(&SyncFrame::Receipts(vec![first])).await;
    session.send(&SyncFrame::Done).await;
    assert_eq!(
        session.end().await,
        peer::DONE,
        "a session is not ended by it"
    );
    reached(false).await;
    bob.node.shutdown().await;
    scene.end().await;
}
