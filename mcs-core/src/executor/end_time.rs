use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// When the future of an attempt is dropped, once the attempt was told to end. Clones are one; an engine keeps one and
/// gives another to the [`super::Context`].
#[derive(Debug, Clone, Default)]
pub struct EndTime(Arc<Mutex<Option<Instant>>>);

impl EndTime {
    /// Sets the time, unless an earlier one was set before. Comes before the attempt is told to end.
    pub fn set(&self, at: Instant) {
        let mut end = self.lock();
        *end = Some(end.map_or(at, |earlier| earlier.min(at)));
    }

    /// The time; `None` before it was set.
    pub fn get(&self) -> Option<Instant> {
        *self.lock()
    }

    /// How long until then; without end before it was set.
    pub fn left(&self) -> Duration {
        self.get().map_or(Duration::MAX, |at| {
            at.saturating_duration_since(Instant::now())
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
