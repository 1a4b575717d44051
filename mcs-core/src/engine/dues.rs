//! When the promoter has to look next.

use crate::domain::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// The earliest time at which something becomes due.
#[derive(Debug)]
pub(super) struct Dues {
    earliest: AtomicI64,
    notify: Notify,
}

impl Default for Dues {
    fn default() -> Self {
        Self {
            earliest: AtomicI64::new(i64::MAX),
            notify: Notify::new(),
        }
    }
}

impl Dues {
    /// Something is due at `at`.
    pub(super) fn note(&self, at: Timestamp) {
        let before = self.earliest.fetch_min(at.as_millis(), Ordering::AcqRel);
        if at.as_millis() < before {
            self.notify.notify_one();
        }
    }

    /// The earliest time noted.
    pub(super) fn earliest(&self) -> Option<Timestamp> {
        known(self.earliest.load(Ordering::Acquire))
    }

    /// The earliest time noted, which is forgotten with this.
    pub(super) fn take(&self) -> Option<Timestamp> {
        known(self.earliest.swap(i64::MAX, Ordering::AcqRel))
    }

    /// Returns once an earlier time was noted.
    pub(super) fn notified(&self) -> Notified<'_> {
        self.notify.notified()
    }
}

fn known(earliest: i64) -> Option<Timestamp> {
    (earliest != i64::MAX).then(|| Timestamp::from_millis(earliest))
}
