//! Connections that are over for us and not yet for QUIC.
//!
//! A closed connection stays in memory until nothing of it can be on its way any more. That is three probe
//! timeouts, which follow the round trip: an instant where all is well, seconds where a machine is late with
//! everything. Whoever connects again and again would thereby hold several times what slots allow.

use iroh::endpoint::WeakConnectionHandle;
use tokio::time::Instant;

use super::slots::Origin;
use crate::tuning::{CONNECTIONS_LEAVING_FREE, CONNECTIONS_LEAVING_MAX};

/// Those that were let go and still take memory.
#[derive(Debug, Default)]
pub struct Leaving(Vec<(Origin, Trace)>);

/// What tells when a connection is gone.
#[derive(Debug)]
pub enum Trace {
    /// It is there for as long as this finds it.
    Of(WeakConnectionHandle),
    /// Nothing shows it: it is gone by then.
    Until(Instant),
}

impl Trace {
    fn is_there(&self) -> bool {
        match self {
            Self::Of(connection) => connection.upgrade().is_some(),
            Self::Until(end) => Instant::now() < *end,
        }
    }
}

impl Leaving {
    /// Takes note of one more.
    pub fn add(&mut self, origin: Origin, trace: Trace) {
        self.0.push((origin, trace));
    }

    /// How many there are still.
    pub fn count(&mut self) -> usize {
        self.0.retain(|(_, trace)| trace.is_there());
        self.0.len()
    }

    /// Whether a stranger from there has to wait until others are gone. With many leaving, each origin has its
    /// turn when all of its own are gone, so that nobody waits for those of another.
    pub fn hold_up(&mut self, origin: Origin) -> bool {
        let count = self.count();
        count >= CONNECTIONS_LEAVING_MAX
            || (count >= CONNECTIONS_LEAVING_FREE && self.0.iter().any(|(from, _)| *from == origin))
    }
}
