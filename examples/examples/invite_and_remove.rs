//! An invite for one, and the end of a membership: run with
//! `cargo run -p cc-examples --example invite_and_remove`.

use std::path::Path;

use cc_net::{CreateOptions, Draft, InviteOptions, Node, NodeBuilder, NodeError, RelayChoice};
use cc_proto::identity::Identity;
use cc_proto::room::Act;

/// A node on loopback, as in `embed.rs`.
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

    let once = InviteOptions {
        uses_max: Some(1),
        note: "for bob".to_owned(),
        ..InviteOptions::default()
    };
    let invite = hers.invite(once).await?;
    let his = bob.join_room(invite.ticket, "bob").await?;
    his.joined().await?;
    let mut events = hers.events();
    his.send(Draft::text("hello")).await?;
    while let Some(event) = events.next().await {
        if let Some((text, _)) = event.chat() {
            println!("bob said: {text}");
            break;
        }
    }

    // What bob said until now stays; what he says from now on counts nowhere.
    hers.act(Act::Remove {
        member: bob.id(),
        keep_invite: false,
    })
    .await?;
    for person in hers.people().await?.members {
        println!("{} belongs", person.nick);
    }
    for person in hers.people().await?.former {
        println!("{} belonged", person.nick);
    }

    bob.shutdown().await;
    alice.shutdown().await;
    Ok(())
}
