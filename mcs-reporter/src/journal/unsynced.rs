//! Whether something changed since it was last synced.

use super::lock;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Changes, and how many of them are on the disk.
#[derive(Debug)]
pub(super) struct Unsynced {
    changes: AtomicU64,
    /// Held during a sync: who comes meanwhile is told that all is synced only when it is.
    synced: Mutex<u64>,
}

impl Default for Unsynced {
    /// What was there before is not known to be on the disk, and counts as the first change.
    fn default() -> Self {
        Self {
            changes: AtomicU64::new(1),
            synced: Mutex::new(0),
        }
    }
}

impl Unsynced {
    /// Something changed.
    pub(super) fn add(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Returns when all that changed before the call is on the disk, where `sync` puts it if need be.
    pub(super) fn sync(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut synced = lock(&self.synced);
        let changes = self.changes.load(Ordering::Acquire);
        if *synced < changes {
            sync()?;
            *synced = changes;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    /// Whether a sync is needed.
    fn is_unsynced(unsynced: &Unsynced) -> bool {
        let mut asked = false;
        let _ = unsynced.sync(|| {
            asked = true;
            Err(io::ErrorKind::Other.into())
        });
        asked
    }

    #[test]
    fn what_failed_or_changed_meanwhile_is_synced_again() {
        let unsynced = Unsynced::default();
        assert!(is_unsynced(&unsynced));
        assert!(is_unsynced(&unsynced), "the one before failed");
        unsynced.sync(|| Ok(())).unwrap();
        assert!(!is_unsynced(&unsynced));
        unsynced.add();
        let synced = unsynced.sync(|| {
            unsynced.add();
            Ok(())
        });
        synced.unwrap();
        assert!(is_unsynced(&unsynced), "one came during the sync");
    }

    #[test]
    fn nobody_is_told_that_all_is_synced_while_a_sync_is_under_way() {
        let unsynced = Unsynced::default();
        let (begun, begins) = mpsc::channel();
        let (told, tells) = mpsc::channel();
        std::thread::scope(|scope| {
            let shared = &unsynced;
            scope.spawn(move || {
                let synced = shared.sync(|| {
                    begun.send(()).unwrap();
                    let early = tells.recv_timeout(Duration::from_millis(100));
                    assert!(early.is_err(), "told before it was so");
                    Ok(())
                });
                synced.unwrap();
            });
            begins.recv().unwrap();
            unsynced.sync(|| Ok(())).unwrap();
            let _ = told.send(());
        });
    }
}
