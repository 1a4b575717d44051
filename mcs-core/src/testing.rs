//! What tests of a store, an executor or an engine share.

use crate::clock::Clock;
use crate::domain::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// Makes it show `now`, which may lie before what it showed.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves it forward, and returns what it shows then.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let moved = |now| Some(Timestamp::from_millis(now).plus(by).as_millis());
        let before = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
        Timestamp::from_millis(before.unwrap_or_else(|now| now)).plus(by)
    }
}

impl Default for ManualClock {
    /// The beginning of 2027.
    fn default() -> Self {
        Self::new(Timestamp::from_millis(1_798_761_600_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_only_when_it_is_moved() {
        let clock = ManualClock::default();
        assert_eq!(clock.now().to_string(), "2027-01-01T00:00:00.000Z");
        let later = clock.advance(Duration::from_millis(5));
        assert_eq!((clock.now(), later.as_millis()), (later, 1_798_761_600_005));
        clock.set(Timestamp::from_millis(1));
        assert_eq!(clock.now().as_millis(), 1);
    }
}
