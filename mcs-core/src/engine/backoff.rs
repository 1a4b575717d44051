//! How long to leave a failing store alone.

use std::time::Duration;
use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// Doubling delays after failures in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// It failed once more. Returns how long to wait.
    pub(super) fn fail(&mut self) -> Duration {
        let delay = (FIRST * (1 << self.failures.min(8))).min(LONGEST);
        self.failures += 1;
        self.until = Some(Instant::now() + delay);
        delay
    }

    /// It works.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Until when to wait.
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Whether the wait is not over.
    pub(super) const fn is_waiting(&self) -> bool {
        self.until.is_some()
    }

    /// Ends the wait if its time has come.
    pub(super) fn ring(&mut self) {
        if self.until.is_some_and(|until| until <= Instant::now()) {
            self.until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_their_bound_and_start_again() {
        let mut backoff = Backoff::default();
        let delays: Vec<u128> = (0..8).map(|_| backoff.fail().as_millis()).collect();
        assert_eq!(delays, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
        backoff.reset();
        assert!(!backoff.is_waiting());
        assert_eq!(backoff.fail().as_millis(), 50);
    }
}
