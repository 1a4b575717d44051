//! Looks after the space on the disk: makes and deletes segments, and drops what is not wanted any more.

use super::chatter::Trouble;
use super::run::Worker;
use crate::cache::{Cache, SegmentRow};
use crate::journal::{self, SegmentId};
use crate::settings::WhenFull;
use std::collections::HashMap;
use std::time::Duration;

/// Segments that are dropped in one round.
const DROPS: usize = 8;

impl Worker {
    pub(super) fn rotate(&mut self) {
        let journal = &self.shared.journal;
        let active = journal.active();
        // On a full disk what is delivered is to be deleted soon.
        let is_needed = self.progress.is_frugal && active.is_some_and(|active| !active.is_empty());
        let is_wanted = self.progress.stuck.is_some() || is_needed || journal.wants_rotation();
        if self.ending.is_some() || !is_wanted {
            return;
        }
        self.progress.stuck = None;
        self.progress.follow(&self.shared.journal);
        if let Err(error) = self.shared.journal.rotate() {
            if journal::is_full(&error) {
                self.starve();
            }
            let now = self.now();
            self.chatter.trouble(
                Trouble::Rotation,
                format!("the journal cannot go on in a new file: {error}"),
                now,
            );
        }
        self.hurry();
        self.progress.is_behind = true;
    }

    /// Deletes segments of which nothing waits, and forgets those that are gone.
    pub(super) fn delete_finished(&mut self) {
        if let Err(error) = self.try_delete_finished() {
            let now = self.now();
            self.chatter.trouble(
                Trouble::Deletion,
                format!("delivered segments cannot be deleted: {error}"),
                now,
            );
        }
    }

    fn try_delete_finished(&mut self) -> std::io::Result<()> {
        let Some(known) = self.with_cache(|cache| cache.segments()) else {
            return Ok(());
        };
        // Listed after the rows were read: every row has its file, unless that is gone.
        let others = self.shared.journal.others()?;
        let active = self.shared.journal.active();
        let rows: HashMap<&SegmentId, _> = known.iter().map(|row| (&row.id, row)).collect();
        let mut done = Ok(());
        for id in &others {
            let row = rows.get(id).copied();
            let is_needed = row.is_some_and(|row| row.waiting > 0);
            if !is_needed && self.progress.complete.contains(id) {
                // One that cannot be deleted holds up no other.
                done = done.and(self.delete_if_done(id, row));
            }
        }
        for row in &known {
            let has_file = others.contains(&row.id)
                || active.as_ref().is_some_and(|active| *active.id() == row.id);
            if !has_file && !self.progress.holds(&row.id, row.waiting) {
                let lost = self.forget_segment(&row.id);
                if lost > 0 {
                    self.shared.counters.corrupt.add(lost);
                    let now = self.now();
                    let what = format!("the segment {} was removed with {lost} events", row.id);
                    self.chatter.trouble(Trouble::Lost, what, now);
                }
            }
        }
        done
    }

    /// Deletes a segment of which nothing waits, by what the cache knows of it.
    fn delete_if_done(&mut self, id: &SegmentId, row: Option<&SegmentRow>) -> std::io::Result<()> {
        let Some(taken) = self.shared.journal.take(id)? else {
            return Ok(());
        };
        let is_done = match row {
            Some(row) => row.indexed >= taken.committed(),
            None => taken.is_empty(),
        };
        if is_done {
            self.shared.journal.delete(&taken)?;
            self.forget_segment(id);
        } else {
            // The cache knows less than it did: somebody put an older one in its place. What is in here is sent again.
            self.progress.complete.remove(id);
        }
        Ok(())
    }

    fn forget_segment(&mut self, id: &SegmentId) -> u64 {
        self.with_cache(|cache| cache.forget_segment(id))
            .unwrap_or_default()
    }

    /// Measures the space in use, and makes room if that is wanted.
    pub(super) fn measure(&mut self) {
        for _ in 0..DROPS {
            let beside = self.cache.as_ref().map_or(0, Cache::bytes);
            match self.shared.journal.measure(beside) {
                Ok(used) => {
                    let settings = &self.shared.settings;
                    let is_full =
                        used > settings.cap() && settings.when_full == WhenFull::DropOldest;
                    if !is_full || self.lease.is_none() || !self.drop_oldest() {
                        return;
                    }
                }
                Err(error) => {
                    let now = self.now();
                    let what = format!("the journal cannot be measured: {error}");
                    self.chatter.trouble(Trouble::Measure, what, now);
                    return;
                }
            }
        }
    }

    /// Drops the oldest segment with what waits in it. Returns whether there was one.
    fn drop_oldest(&mut self) -> bool {
        let Some(known) = self.with_cache(|cache| cache.segments()) else {
            return false;
        };
        for row in known.iter().filter(|row| row.waiting > 0) {
            let Ok(Some(taken)) = self.shared.journal.take(&row.id) else {
                continue;
            };
            // What is not indexed yet nobody could count.
            let is_whole = row.indexed >= taken.committed();
            if !is_whole || self.shared.journal.delete(&taken).is_err() {
                continue;
            }
            let dropped = self.forget_segment(&row.id);
            self.shared.counters.dropped_oldest.add(dropped);
            let now = self.now();
            self.chatter.trouble(
                Trouble::Dropped,
                "the disk cap is reached; the oldest events are dropped to make room".to_owned(),
                now,
            );
            return true;
        }
        false
    }

    pub(super) fn forget_old(&mut self) {
        if let Some(max_age) = self.shared.settings.max_age {
            self.cleanup(max_age);
        }
    }

    /// Removes what happened longer than `max_age` ago. Returns how many events that were.
    pub(super) fn cleanup(&mut self, max_age: Duration) -> Option<u64> {
        let max_age = i64::try_from(max_age.as_micros()).unwrap_or(i64::MAX);
        let cutoff = self.wall_micros().saturating_sub(max_age);
        // What was accepted a moment ago may be old too.
        self.index(true);
        let removed = self.with_cache(|cache| cache.cleanup(cutoff))?;
        self.shared.counters.cleaned_up.add(removed);
        self.refresh();
        Some(removed)
    }
}
