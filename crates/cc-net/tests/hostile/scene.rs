//! The room that hostile peers are let loose on.

use crate::common::{Machine, wait_for_texts, within};
use crate::peer::{self, HostilePeer, Pen};
use cc_net::{Draft, Room, RoomEvent};
use cc_proto::room::MisbehaviourKind;

/// Alice made a room; Mallory was let in, by hand.
pub struct Scene {
    pub alice: Machine,
    pub hers: Room,
    pub mallory: HostilePeer,
    pub pen: Pen,
}

impl Scene {
    pub async fn new() -> Self {
        let alice = Machine::start(1).await;
        let hers = alice.create("planning").await;
        let mallory = HostilePeer::start(66).await;
        let pen = mallory.join(&alice, &hers).await;
        Self {
            alice,
            hers,
            mallory,
            pen,
        }
    }

    /// Alice's room still takes what is right, of a member who has done nothing wrong.
    pub async fn end(self) {
        let carol = HostilePeer::start(3).await;
        let good = carol
            .join(&self.alice, &self.hers)
            .await
            .chat("a good word");
        assert_eq!(carol.deliver(&self.alice, &[good]).await, peer::DONE);
        wait_for_texts(&self.hers, &["a good word"]).await;
        carol.endpoint.close().await;
        self.mallory.endpoint.close().await;
        self.alice.node.shutdown().await;
    }

    pub async fn lines(&self) -> u64 {
        self.hers.status().await.unwrap().lines
    }
}

/// Waits until `room` says that it refused something of `kind`.
pub async fn wait_for_refusal(events: &mut cc_net::RoomEvents, kind: MisbehaviourKind) {
    within(&format!("the refusal: {kind}"), async {
        loop {
            let event = events.next().await.expect("the room is open");
            if let RoomEvent::Core(cc_proto::room::RoomEvent::Refused { kind: refused, .. }) = event
                && refused == kind
            {
                return;
            }
        }
    })
    .await;
}

/// One says something and all the others hear it.
pub async fn speak(from: &Room, to: &[&Room], text: &str) {
    from.send(Draft::text(text)).await.unwrap();
    for room in to {
        wait_for_texts(room, &[text]).await;
    }
}
