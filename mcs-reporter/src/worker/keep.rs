//! Looks after everything that is due: the cache, the lease, and what is to be indexed.

use super::chatter::Trouble;
use super::holder::{self, Holder};
use super::index::IndexError;
use super::run::Worker;
use crate::cache::{self, Cache, CacheError};
use crate::counters::Link;
use crate::drain::Moment;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

/// How often the lease is looked at, and whether the cache is still the one at its path.
const LEASE_EVERY: Duration = Duration::from_millis(500);
/// How often segments are adopted and deleted, and the space in use is measured.
const ROUND_EVERY: Duration = Duration::from_secs(1);
/// How often old events are removed where that is wanted, and the rows of an older reporter taken over.
const MINUTE: Duration = Duration::from_mins(1);
/// The pause after the cache could not be opened.
const REOPEN: Duration = Duration::from_secs(2);
/// A file in the journal's folder, held by the one process that replaces a damaged cache.
const REPLACE_LOCK: &str = "replace.lock";

/// When what is due.
#[derive(Debug, Default)]
pub(super) struct Due {
    disk: Moment,
    open: Moment,
    lease: Moment,
    round: Moment,
    minute: Moment,
}

impl Worker {
    /// Does what is due. Returns whether the journal holds more than was indexed now.
    pub(super) fn keep(&mut self, now: Moment, is_new: bool) -> bool {
        let looks_at_disk = now >= self.due.disk;
        if looks_at_disk {
            self.due.disk = now + ROUND_EVERY;
        }
        self.watch_disk(looks_at_disk);
        if self.cache.is_none() && (now < self.due.open || !self.open(now)) {
            return false;
        }
        if now >= self.due.minute {
            self.due.minute = now + MINUTE;
            self.adopt_seed();
            self.forget_old();
        }
        let is_round = now >= self.due.round;
        let mut is_behind = false;
        if (is_round || self.progress.is_closed_behind()) && self.may_index() {
            is_behind |= self.index(false);
        }
        let is_wanted = is_new || self.progress.is_behind;
        if is_wanted && !self.progress.is_closed_behind() && self.may_index() {
            is_behind |= self.index(true);
        }
        self.rotate();
        if now >= self.due.lease {
            self.due.lease = now + LEASE_EVERY;
            self.watch();
        }
        if is_round {
            self.due.round = now + ROUND_EVERY;
            self.delete_finished();
            self.measure();
        }
        if is_new || is_round {
            self.refresh();
        }
        is_behind
    }

    /// Calls the cache, if there is one, and sees to it when that fails.
    pub(super) fn with_cache<T>(
        &mut self,
        call: impl FnOnce(&mut Cache) -> Result<T, CacheError>,
    ) -> Option<T> {
        match call(self.cache.as_mut()?) {
            Ok(done) => Some(done),
            Err(error) => {
                self.cache_failed(&error);
                None
            }
        }
    }

    /// Something with the cache did not work.
    pub(super) fn cache_failed(&mut self, error: &CacheError) {
        let now = self.now();
        self.chatter.trouble(Trouble::Cache, error.to_string(), now);
        if error.is_full() {
            self.starve();
        }
        if let CacheError::Corrupt(_) = error
            && let Some(cache) = self.cache.take()
        {
            let lock = self.replace_lock();
            match cache.condemn(lock.as_deref()) {
                Ok(Some(moved_to)) => self.announce(&error.to_string(), &moved_to),
                Ok(None) => {}
                Err(error) => {
                    self.chatter.trouble(Trouble::Cache, error.to_string(), now);
                }
            }
            self.lose_lease();
            self.due.open = now;
            self.hurry();
        }
    }

    /// This process is no longer the one that sends.
    pub(super) fn lose_lease(&mut self) {
        self.lease = None;
        self.flight = None;
        self.unsettled = None;
        self.put_off.clear();
        self.shared.gauges.set_link(Link::Unknown);
    }

    /// Shows how many events wait, and since when.
    pub(super) fn refresh(&mut self) {
        let counts = self.with_cache(|cache| {
            let waiting = cache.count_waiting()?;
            let oldest = cache.waiting(i64::MIN, 1)?;
            Ok((
                waiting,
                cache.count_dead()?,
                oldest.first().map(|row| row.at_micros),
            ))
        });
        let Some((waiting, dead, oldest)) = counts else {
            return;
        };
        // The books of the segments and the line itself agree, unless somebody changed the file.
        let waiting = if oldest.is_some() { waiting.max(1) } else { 0 };
        if waiting == 0 {
            self.put_off.clear();
        }
        let gauges = &self.shared.gauges;
        gauges.waiting.set(waiting);
        gauges.dead.set(dead);
        gauges
            .oldest_micros
            .store(oldest.unwrap_or_default(), Ordering::Relaxed);
    }

    /// Microseconds since the Unix epoch.
    pub(super) fn wall_micros(&self) -> i64 {
        let since = (self.wall)().duration_since(SystemTime::UNIX_EPOCH);
        i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
    }

    fn open(&mut self, now: Moment) -> bool {
        match self.try_open() {
            Ok(()) => {
                self.progress.forget();
                self.lose_lease();
                for flush in &mut self.flushes {
                    flush.mark = None;
                }
                self.due = Due {
                    disk: self.due.disk,
                    ..Due::default()
                };
                true
            }
            Err(error) => {
                self.due.open = now + REOPEN;
                if error.is_full() {
                    self.starve();
                }
                self.chatter.trouble(Trouble::Cache, error.to_string(), now);
                false
            }
        }
    }

    fn try_open(&mut self) -> Result<(), CacheError> {
        let settings = &self.shared.settings;
        let folder = self.shared.journal.folder();
        if self.holder.is_none() {
            self.holder = Some(Holder::new(folder)?);
        }
        let lock = self.replace_lock();
        let path = (!settings.is_in_memory()).then_some(settings.local_cache_path.as_path());
        let (mut cache, replaced) = cache::open(path, lock.as_deref(), &settings.mcp_id)?;
        cache.cap_dead_letters(settings.dead_letters_cap());
        if let Some(replaced) = replaced {
            self.announce(&replaced.damage, &replaced.moved_to);
        }
        self.cache = Some(cache);
        Ok(())
    }

    fn replace_lock(&self) -> Option<PathBuf> {
        let folder = self.shared.journal.folder()?;
        Some(folder.join(REPLACE_LOCK))
    }

    fn announce(&self, damage: &str, moved_to: &Path) {
        self.shared.counters.cache_rebuilt.one();
        tracing::error!(
            target: "mcs_reporter", damage, moved_to = %moved_to.display(),
            "the interaction cache was damaged; it was renamed, and a new one is built from the journal: \
             events may be sent twice, which the coordinator notices, and dead letters are in the renamed file only"
        );
    }

    /// Indexes own records, or those of the dead. Returns whether there are more.
    pub(super) fn index(&mut self, own: bool) -> bool {
        let Some(cache) = self.cache.as_mut() else {
            return false;
        };
        let indexed = if own {
            self.progress.own(&self.shared, cache)
        } else {
            self.progress.orphans(&self.shared, cache)
        };
        if let Some(what) = self.progress.trouble.take() {
            let now = self.now();
            self.chatter.trouble(Trouble::Read, what, now);
        }
        match indexed {
            Ok(is_all) => !is_all,
            Err(IndexError::Cache(error)) => {
                self.cache_failed(&error);
                false
            }
            Err(error @ IndexError::Journal(_)) => {
                let now = self.now();
                self.chatter.trouble(Trouble::Read, error.to_string(), now);
                false
            }
        }
    }

    /// Takes or renews the lease, and notices when the cache was replaced.
    fn watch(&mut self) {
        if self.cache.as_ref().is_some_and(Cache::is_elsewhere) {
            // Its file was found damaged, or was removed. What waits is indexed anew in the one that is there now.
            self.cache = None;
            self.due.open = Moment::ZERO;
            self.hurry();
            return;
        }
        let now_ms = self.wall_micros() / 1000;
        let Some(name) = self.holder.as_ref().map(|holder| holder.name().to_owned()) else {
            return;
        };
        let folder = self.shared.journal.folder().map(Path::to_owned);
        let is_gone = |other: &str| holder::is_gone(folder.as_deref(), other);
        let Some(lease) = self.with_cache(|cache| cache.lease(&name, now_ms, is_gone)) else {
            // It cannot be renewed now; its number still says whether it is good.
            return;
        };
        if lease.is_none() && self.lease.is_some() {
            self.lose_lease();
        }
        self.lease = lease;
    }

    fn adopt_seed(&mut self) {
        let now_micros = self.wall_micros();
        if let Some(adopted) = self.with_cache(|cache| cache.adopt_seed(now_micros))
            && adopted != cache::Adopted::default()
        {
            self.shared.counters.adopted.add(adopted.waiting);
            self.shared.counters.dead.add(adopted.dead);
            tracing::info!(
                target: "mcs_reporter", events = adopted.waiting, dead_letters = adopted.dead,
                "took over the table failed_interactions of an older reporter"
            );
        }
    }
}
