//! The hybrid logical clock: later than all that was seen, and never led astray by a skewed clock.

use crate::id::Timestamp;
use crate::limits::SKEW_MS_MAX;

/// Time as the core is told it; the core never reads a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// The wall clock, which may jump.
    pub wall: Timestamp,
    /// Milliseconds of a clock that never goes back, from any start.
    pub mono_ms: u64,
}

/// Whether `ts` is more than ten minutes ahead of the receiver's wall clock.
pub fn is_skewed(ts: Timestamp, wall: Timestamp) -> bool {
    ts.0 > wall.0.saturating_add(SKEW_MS_MAX)
}

/// Gives each new message a timestamp greater than every unskewed one seen before.
#[derive(Debug, Clone, Copy, Default)]
pub struct HybridClock {
    last: Timestamp,
}

impl HybridClock {
    /// Takes note of a timestamp seen at `wall`; a skewed one moves nothing.
    pub fn observe(&mut self, ts: Timestamp, wall: Timestamp) {
        if !is_skewed(ts, wall) {
            self.last = self.last.max(ts);
        }
    }

    /// The timestamp for a message written at `wall`.
    pub fn tick(&mut self, wall: Timestamp) -> Timestamp {
        self.last = wall.max(Timestamp(self.last.0.saturating_add(1)));
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_message_moves_the_clock_and_a_skewed_one_does_not() {
        let wall = Timestamp(1_000_000_000);
        let mut clock = HybridClock::default();
        clock.observe(Timestamp(wall.0 + SKEW_MS_MAX + 1), wall);
        assert_eq!(clock.tick(wall), wall);
        clock.observe(Timestamp(wall.0 + SKEW_MS_MAX), wall);
        assert_eq!(clock.tick(wall), Timestamp(wall.0 + SKEW_MS_MAX + 1));
    }
}
