//! A full disk: nothing is accepted until what waits was delivered and deleted, with the space that was kept for that.

use super::chatter::Trouble;
use super::run::Worker;
use crate::cache::Cache;

impl Worker {
    /// Sees whether the disk is full, and whether it is no longer.
    pub(super) fn watch_disk(&mut self, is_round: bool) {
        let journal = &self.shared.journal;
        if is_round {
            journal.look_for_ballast();
        }
        if !journal.is_starved() {
            self.progress.is_frugal = false;
        } else if !self.progress.is_frugal {
            self.begin_famine();
        } else if is_round && journal.recover() {
            self.progress.is_frugal = false;
            tracing::info!(target: "mcs_reporter", "there is space on the disk again");
        }
    }

    /// Something found no space. Nothing more is accepted, and the ballast goes.
    pub(super) fn starve(&mut self) {
        self.shared.journal.starve();
        self.hurry();
    }

    /// Whether rows may be added to the index now. On a full disk that is a few at a time, or there would be no space left
    /// to note what becomes of them.
    pub(super) fn may_index(&self) -> bool {
        !self.progress.is_frugal || self.shared.gauges.waiting.get() == 0
    }

    fn begin_famine(&mut self) {
        self.starve();
        self.progress.is_frugal = true;
        let now = self.now();
        let what = "the disk is full; interactions are refused until those that wait are delivered, or until there is space"
            .to_owned();
        self.chatter.trouble(Trouble::Full, what, now);
        // What the log of the cache holds goes to where it belongs, so that the log is written over and does not grow.
        self.with_cache(Cache::checkpoint);
    }
}
