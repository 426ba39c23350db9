//! The sockets of the last run, taken again where they are free, so that where tickets and members
//! remember us is still where we are after a restart.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use cc_log::{Durability, FsStorage, Storage};
use cc_proto::identity::Identity;
use iroh::Endpoint;
use serde::{Deserialize, Serialize};

use super::builder::blocking;
use super::endpoint::{EndpointError, RelayChoice, bind};
use crate::gate::Gate;

const FILE_NAME: &str = "sockets.json";
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct SocketsFile {
    v: u32,
    sockets: Vec<SocketAddr>,
}

/// Binds the endpoint of the node at `home`: where it was bound last, else on free ports.
///
/// # Errors
/// [`EndpointError`]. A file that cannot be read or written is none: then the ports change.
pub async fn bind_again(
    home: &Path,
    identity: &Identity,
    relay: &RelayChoice,
    wish: Option<SocketAddr>,
    gate: &Gate,
) -> Result<Endpoint, EndpointError> {
    let plain: Vec<SocketAddr> = wish.into_iter().collect();
    if wish.is_some_and(|address| address.port() != 0) {
        return bind(identity, relay, &plain, gate.clone()).await;
    }
    let path = home.join(FILE_NAME);
    let last = fitting(load(path.clone()).await, wish);
    let again = if last.is_empty() {
        None
    } else {
        bind(identity, relay, &last, gate.clone()).await.ok()
    };
    let endpoint = match again {
        Some(endpoint) => endpoint,
        None => bind(identity, relay, &plain, gate.clone()).await?,
    };
    let bound = endpoint.bound_sockets();
    if bound != last {
        save(path, bound).await;
    }
    Ok(endpoint)
}

/// The remembered sockets that are what is asked for: the address, or every interface.
fn fitting(sockets: Vec<SocketAddr>, wish: Option<SocketAddr>) -> Vec<SocketAddr> {
    let fits = |socket: &SocketAddr| match wish {
        Some(address) => socket.ip() == address.ip(),
        None => socket.ip().is_unspecified(),
    };
    let mut kept: Vec<SocketAddr> = Vec::new();
    for socket in sockets
        .into_iter()
        .filter(|socket| fits(socket) && socket.port() != 0)
    {
        // One a family: the second would be refused.
        if kept.iter().all(|other| other.is_ipv4() != socket.is_ipv4()) {
            kept.push(socket);
        }
    }
    kept
}

async fn load(path: PathBuf) -> Vec<SocketAddr> {
    let read = blocking(path, |path| {
        let file = std::fs::read(path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<SocketsFile>(&bytes).ok());
        Ok(file
            .filter(|file| file.v == VERSION)
            .map(|file| file.sockets))
    });
    read.await.ok().flatten().unwrap_or_default()
}

async fn save(path: PathBuf, sockets: Vec<SocketAddr>) {
    let written = blocking((path, sockets), |(path, sockets)| {
        let file = SocketsFile {
            v: VERSION,
            sockets,
        };
        let bytes = serde_json::to_vec(&file).unwrap_or_default();
        // Unsynced: what a power loss leaves of it is at worst forgotten.
        Ok(FsStorage.replace(&path, &bytes, Durability::Unsynced).err())
    });
    if let Ok(Some(error)) = written.await {
        tracing::warn!(%error, "the ports are not remembered");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_taken_again() {
        let sockets = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let last = sockets(&[
            "0.0.0.0:7000",
            "127.0.0.1:7001",
            "[::]:7002",
            "0.0.0.0:7003",
        ]);
        assert_eq!(
            fitting(last.clone(), None),
            sockets(&["0.0.0.0:7000", "[::]:7002"])
        );
        let loopback = Some("127.0.0.1:0".parse().unwrap());
        assert_eq!(fitting(last, loopback), sockets(&["127.0.0.1:7001"]));
    }
}
