//! How many attempts of a queue or a kind run, and how many wait for answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The occupied slots of a kind of which only so many run at once.
#[derive(Debug)]
pub(super) struct KindSlots {
    pub(super) kind: Arc<str>,
    most: usize,
    running: AtomicUsize,
    /// Whether a slot became free that nobody has looked at.
    freed: AtomicBool,
}

impl KindSlots {
    /// A kind of which at most `most` run.
    pub(super) const fn new(kind: Arc<str>, most: usize) -> Self {
        Self {
            kind,
            most,
            running: AtomicUsize::new(0),
            freed: AtomicBool::new(false),
        }
    }

    /// Free slots.
    pub(super) fn free(&self) -> usize {
        let running = self.running.load(Ordering::Acquire);
        self.most.saturating_sub(running)
    }

    /// Occupies a slot.
    pub(super) fn enter(&self) {
        self.running.fetch_add(1, Ordering::AcqRel);
    }

    /// Frees a slot.
    pub(super) fn leave(&self) {
        self.running.fetch_sub(1, Ordering::AcqRel);
        self.freed.store(true, Ordering::Release);
    }

    /// Whether a slot became free since this was asked last.
    pub(super) fn was_freed(&self) -> bool {
        self.freed.swap(false, Ordering::AcqRel)
    }
}

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
