//! Reads a room's log as any program may: run with
//! `cargo run -p cc-examples --example read_log -- ~/.cc-connect/rooms/<room id>`.
//! Without a folder it makes a room on loopback and reads that.

use std::path::PathBuf;

use cc_log::LogReader;
use cc_net::{CreateOptions, Draft, NodeBuilder, RelayChoice};
use cc_proto::identity::Identity;
use cc_proto::text::clean_text;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(dir) = std::env::args_os().nth(1) {
        return print(&PathBuf::from(dir));
    }
    let home = tempfile::tempdir()?;
    let node = NodeBuilder::new(home.path())
        .identity(Identity::from_seed([1; 32]))
        .relay(RelayChoice::None)
        .mdns(false)
        .bind(([127, 0, 0, 1], 0).into())
        .spawn()
        .await?;
    let room = node
        .create_room("notes", "alice", CreateOptions::default())
        .await?;
    room.send(Draft::text("the log is JSON, one line a message"))
        .await?;
    print(&home.path().join("rooms").join(room.id().to_hex()))?;
    node.shutdown().await;
    Ok(())
}

/// No lock is taken: a daemon may write on.
fn print(dir: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let log = LogReader::open(dir)?;
    for line in log.tail(20)? {
        match line.message {
            // What others wrote is cleaned before a terminal sees it.
            Ok(message) => match message.text() {
                Some(text) => println!("{:>6} {}", line.n.0, clean_text(text)),
                None => println!("{:>6} ({})", line.n.0, message.kind().name()),
            },
            Err(damage) => println!("{:>6} damaged: {damage}", line.n.0),
        }
    }
    Ok(())
}
