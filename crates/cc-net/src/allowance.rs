//! A token bucket that goes into debt: what was taken is paid for before the next is taken.

use std::time::Duration;

use tokio::time::Instant;

/// So much at once, and so much a second after that.
#[derive(Debug)]
pub struct Allowance {
    burst: u64,
    per_second: u64,
    /// Up to when what was taken is paid for: debts lie in the future, `burst` in the past.
    paid_until: Instant,
}

impl Allowance {
    /// A full bucket.
    pub fn new(burst: u64, per_second: u64) -> Self {
        let now = Instant::now();
        let full = Duration::from_secs_f64(burst as f64 / per_second as f64);
        Self {
            burst,
            per_second,
            paid_until: now.checked_sub(full).unwrap_or(now),
        }
    }

    /// Takes `count`, though it may not be there.
    pub fn spend(&mut self, count: u64) {
        let oldest = Instant::now().checked_sub(self.worth(self.burst));
        let from = oldest.map_or(self.paid_until, |oldest| self.paid_until.max(oldest));
        self.paid_until = from + self.worth(count);
    }

    /// How long it takes until nothing is owed.
    pub fn debt(&self) -> Duration {
        self.paid_until.saturating_duration_since(Instant::now())
    }

    /// Whether it is as if nothing had ever been taken.
    pub fn is_full(&self) -> bool {
        let full_at = self.paid_until + self.worth(self.burst);
        full_at <= Instant::now()
    }

    fn worth(&self, count: u64) -> Duration {
        Duration::from_nanos(count.saturating_mul(1_000_000_000) / self.per_second)
    }
}
