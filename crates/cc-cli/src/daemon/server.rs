//! The socket: bound under the lock, open to one user, taken away at the end.

use std::path::PathBuf;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::connection;
use super::keeper::KeeperHandle;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::socket;

/// Connections at once; further clients wait to be taken up.
const CONNECTIONS_MAX: usize = 256;
/// A pause after a failed accept, such as when descriptors run out, so as not to spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// How long connections may take to hand out their last answers.
const DRAIN_DEADLINE: Duration = Duration::from_secs(2);

/// The bound socket. Dropping it removes the file.
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
}

impl Server {
    /// Binds the socket of `home`. The caller holds the daemon's lock.
    pub fn bind(home: &Home) -> CliResult<Self> {
        let path = socket::path(home.path());
        let bound = socket::prepare(&path).and_then(|()| {
            let listener = UnixListener::bind(&path)?;
            socket::restrict(&path)?;
            Ok(listener)
        });
        match bound {
            Ok(listener) => Ok(Self { listener, path }),
            Err(error) => Err(CliError::new(
                Kind::Daemon,
                format!("cannot bind the socket {}", path.display()),
            )
            .because(&error)),
        }
    }

    /// Serves clients until `end`. Then takes the socket away, so that the next command starts the next daemon, and
    /// lets each connection finish what it was asked.
    pub async fn run(self, keeper: &KeeperHandle, end: &CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            tokio::select! {
                () = end.cancelled() => break,
                _ = connections.join_next(), if connections.len() >= CONNECTIONS_MAX => {}
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection::serve(stream, keeper.clone(), end.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot take up a client");
                        tokio::time::sleep(ACCEPT_RETRY).await;
                    }
                },
            }
        }
        drop(self);
        let drained = tokio::time::timeout(DRAIN_DEADLINE, async {
            while connections.join_next().await.is_some() {}
        });
        if drained.await.is_err() {
            tracing::warn!(
                left = connections.len(),
                "clients that do not read were cut off"
            );
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A file that stays is cleared away by the next daemon.
        let _ = std::fs::remove_file(&self.path);
        socket::tidy(&self.path);
    }
}
