//! Machines in temporary homes on loopback, and waiting with a deadline.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::net::SocketAddr;
use std::time::Duration;

use cc_net::{Draft, Node, NodeBuilder, RelayChoice, Room};
use cc_proto::id::ArrivalNo;
use cc_proto::identity::Identity;
use tempfile::TempDir;

/// Long enough for a loaded machine; a test that works never waits for it.
const DEADLINE: Duration = Duration::from_mins(1);

/// One machine: a node and its home.
pub struct Machine {
    pub node: Node,
    pub seed: u8,
    home: TempDir,
}

/// A machine that is switched off; its home is still there.
pub struct Stopped {
    seed: u8,
    home: TempDir,
}

impl Machine {
    pub async fn start(seed: u8) -> Self {
        Self::build(seed, tempfile::tempdir().unwrap(), loopback(), true).await
    }

    pub async fn start_without_gossip(seed: u8) -> Self {
        Self::build(seed, tempfile::tempdir().unwrap(), loopback(), false).await
    }

    async fn build(seed: u8, home: TempDir, address: SocketAddr, gossip: bool) -> Self {
        init_tracing();
        let node = NodeBuilder::new(home.path())
            .identity(identity(seed))
            .relay(RelayChoice::None)
            .mdns(false)
            .bind(address)
            .gossip(gossip)
            .spawn()
            .await
            .unwrap();
        Self { node, seed, home }
    }

    pub async fn create(&self, name: &str) -> Room {
        let nick = format!("user {}", self.seed);
        self.node
            .create_room(name, &nick, cc_net::CreateOptions::default())
            .await
            .unwrap()
    }

    /// Joins by another member's ticket, and waits to be let in.
    pub async fn join(&self, by: &Room) -> Room {
        let nick = format!("user {}", self.seed);
        let ticket = by.ticket().await.unwrap();
        let room = self.node.join_room(ticket, &nick).await.unwrap();
        within("being let in", room.joined()).await.unwrap();
        room
    }

    pub fn address(&self) -> SocketAddr {
        self.node.addr().direct[0]
    }

    /// As a program does that forgets to shut down.
    pub fn drop_node(self) -> Stopped {
        Stopped {
            seed: self.seed,
            home: self.home,
        }
    }

    pub async fn stop(self) -> Stopped {
        self.node.shutdown().await;
        Stopped {
            seed: self.seed,
            home: self.home,
        }
    }
}

impl Stopped {
    pub async fn start(self) -> Machine {
        self.start_at(loopback()).await
    }

    pub async fn start_at(self, address: SocketAddr) -> Machine {
        Machine::build(self.seed, self.home, address, true).await
    }
}

pub fn identity(seed: u8) -> Identity {
    Identity::from_seed([seed; 32])
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// `CC_TEST_LOG=cc_net=debug` shows what the nodes say.
fn init_tracing() {
    if let Ok(filter) = std::env::var("CC_TEST_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_test_writer()
            .try_init()
            .ok();
    }
}

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(DEADLINE, future).await;
    waited.unwrap_or_else(|_| panic!("waited too long: {what}"))
}

pub async fn send_all(room: &Room, label: &str, count: usize) {
    let sends = (0..count).map(|k| room.send(Draft::text(format!("{label} {k}"))));
    for sent in futures_util::future::join_all(sends).await {
        sent.unwrap();
    }
}

/// The texts of every chat message in the room's log, as a reader sees them.
pub fn chat_texts(room: &Room) -> Vec<String> {
    let reader = room.reader().unwrap();
    (1..=reader.len().0)
        .filter_map(|n| {
            reader
                .line(ArrivalNo(n))
                .unwrap()
                .message
                .ok()?
                .text()
                .map(str::to_owned)
        })
        .collect()
}

/// Returns once every one of `texts` is in the room's log.
pub async fn wait_for_texts(room: &Room, texts: &[&str]) {
    let mut events = room.events();
    let arrived = async {
        loop {
            let held = match room.reader() {
                Ok(_) => chat_texts(room),
                Err(_) => Vec::new(),
            };
            if texts
                .iter()
                .all(|text| held.iter().any(|held| held == text))
            {
                return;
            }
            events.next().await.expect("the room is open");
        }
    };
    within(&format!("{texts:.40?} at {}", room.nick()), arrived).await;
}
