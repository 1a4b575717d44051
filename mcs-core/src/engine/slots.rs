//! How many attempts of a queue run, and how many wait for answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The occupied slots of one queue in this engine.
#[derive(Debug)]
pub(super) struct QueueSlots {
    pub(super) name: Arc<str>,
    running: AtomicUsize,
    /// Attempts of all queues that wait for answers.
    waiting: Arc<AtomicUsize>,
}

impl QueueSlots {
    /// A queue whose waiting attempts are counted in `waiting`.
    pub(super) fn new(name: Arc<str>, waiting: Arc<AtomicUsize>) -> Self {
        Self {
            name,
            running: AtomicUsize::new(0),
            waiting,
        }
    }

    /// Occupied slots.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Acquire)
    }

    /// Occupies a slot.
    pub(super) fn enter(&self) {
        self.running.fetch_add(1, Ordering::AcqRel);
    }

    /// Frees a slot.
    pub(super) fn leave(&self) {
        self.running.fetch_sub(1, Ordering::AcqRel);
    }

    /// Counts one more that waits, unless `most` do.
    pub(super) fn reserve_waiting(&self, most: usize) -> bool {
        self.waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| {
                (waiting < most).then_some(waiting + 1)
            })
            .is_ok()
    }

    /// Counts one fewer that waits.
    pub(super) fn release_waiting(&self) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}
