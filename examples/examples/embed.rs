//! Two programs, one room: run with `cargo run -p cc-examples --example embed`.

use std::path::Path;

use cc_net::{CreateOptions, Draft, Node, NodeBuilder, NodeError, RelayChoice};
use cc_proto::identity::Identity;

/// A node on loopback. A program for people leaves out `relay`, `mdns` and `bind`, and keeps its
/// identity's seed: another seed is another member.
async fn node(home: &Path, seed: u8) -> Result<Node, NodeError> {
    NodeBuilder::new(home)
        .identity(Identity::from_seed([seed; 32]))
        .relay(RelayChoice::None)
        .mdns(false)
        .bind(([127, 0, 0, 1], 0).into())
        .spawn()
        .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (alices_home, bobs_home) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let alice = node(alices_home.path(), 1).await?;
    let bob = node(bobs_home.path(), 2).await?;

    let hers = alice
        .create_room("planning", "alice", CreateOptions::default())
        .await?;
    // The ticket is a secret: whoever holds it can join. Here it changes hands within one program.
    let his = bob.join_room(hers.ticket().await?, "bob").await?;
    his.joined().await?;

    let mut events = hers.events();
    let sent = his.send(Draft::text("postgres, we have it")).await?;
    println!("bob's message {} is on his disk", sent.id.short());
    while let Some(event) = events.next().await {
        if let Some((text, stored)) = event.chat() {
            println!("alice heard in line {}: {text}", stored.n.0);
            break;
        }
    }

    bob.shutdown().await;
    alice.shutdown().await;
    Ok(())
}
