//! Sweeps away what belongs to agents' sessions that ended long ago. (Their cursors go with the rooms'.)

use std::path::PathBuf;
use std::time::Duration;

use cc_hook_generic::sweep_sessions;
use tokio_util::sync::CancellationToken;

use crate::when;

/// How often.
const EVERY: Duration = Duration::from_hours(24);

/// Sweeps at once and every day, until told to end.
///
/// Cancel safe, but for a sweep that is under way: it is carried to its end.
pub async fn sessions(home: PathBuf, end: CancellationToken) {
    let mut days = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            _ = days.tick() => {}
        }
        let home = home.clone();
        let sweep = tokio::task::spawn_blocking(move || sweep_sessions(&home, when::now()));
        match sweep.await {
            Ok(Ok(0)) => {}
            Ok(Ok(swept)) => tracing::info!(swept, "records of old sessions are gone"),
            Ok(Err(error)) => tracing::warn!(%error, "old sessions cannot be swept"),
            Err(_) => return,
        }
    }
}
