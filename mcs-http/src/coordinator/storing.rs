use mcs_core::service::ServiceError;
use mcs_core::store::StoreError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Whether reports could be stored, as far as the last one told.
#[derive(Debug)]
pub(crate) struct Storing {
    began: Instant,
    /// Milliseconds from `began` to the end of the time in which nobody needs to try; 0 while all is well.
    futile_until: AtomicU64,
}

/// How long a full disk, or one that cannot be written, is taken to stay so. After that the next report tries.
const FUTILE: Duration = Duration::from_secs(10);

impl Storing {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            futile_until: AtomicU64::new(0),
        }
    }

    /// Notes that something was stored.
    pub(super) fn succeeded(&self) {
        // Nearly always it is 0 already, and what is only read is not fought over.
        if self.futile_until.load(Ordering::Relaxed) != 0 {
            self.futile_until.store(0, Ordering::Relaxed);
        }
    }

    /// Notes why something was not stored.
    pub(super) fn failed(&self, error: &ServiceError) {
        if let ServiceError::Store(StoreError::Full { .. } | StoreError::ReadOnly { .. }) = error {
            let until = self.now() + millis(FUTILE);
            self.futile_until.store(until, Ordering::Relaxed);
        }
    }

    /// In how many seconds it is worth to try; `None` if it is now.
    pub(super) fn futile_for(&self) -> Option<u32> {
        let until = self.futile_until.load(Ordering::Relaxed);
        let left = until.checked_sub(self.now()).filter(|left| *left > 0)?;
        u32::try_from(left.div_ceil(1000)).ok()
    }

    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> ServiceError {
        ServiceError::Store(StoreError::Full {
            path: "mcs.db".into(),
            source: "full".into(),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_disk_is_believed_until_something_is_stored_or_the_time_is_over() {
        let storing = Storing::new();
        assert_eq!(storing.futile_for(), None);
        storing.failed(&full());
        assert_eq!(storing.futile_for(), Some(10));
        storing.succeeded();
        assert_eq!(storing.futile_for(), None);
        storing.failed(&full());
        tokio::time::advance(Duration::from_millis(9_999)).await;
        assert_eq!(storing.futile_for(), Some(1));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(storing.futile_for(), None, "the next report tries");
        storing.failed(&full());
        assert_eq!(storing.futile_for(), Some(10), "and tells anew");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_wrong_with_one_report_says_nothing_of_the_next() {
        let storing = Storing::new();
        storing.failed(&ServiceError::Store(StoreError::Closed));
        storing.failed(&ServiceError::NoInteractionStore);
        assert_eq!(storing.futile_for(), None);
    }
}
