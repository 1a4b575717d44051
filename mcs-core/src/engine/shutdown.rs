//! How an engine ends: it stops claiming at once, lets running attempts finish for a while, and hands the rest back.

use crate::domain::{Outcome, Settlement};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long attempts that were told to end at a shutdown may take until their futures are dropped.
pub(super) const HARD_LIMIT: Duration = Duration::from_millis(250);
/// How much longer than that the engine waits for attempts that block their thread.
const BLOCKED_LIMIT: Duration = Duration::from_millis(100);
/// What attempts that are told to end at the beginning of a shutdown leave of its grace, to be settled in.
pub(super) const SETTLE_TIME: Duration = Duration::from_millis(100);
/// How long the last settlements may take while the store fails.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);

/// What a shutdown did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShutdownReport {
    /// Attempts that ended by themselves while the engine waited.
    pub finished: u64,
    /// Attempts that were ended and whose tasks another engine may take at once.
    pub handed_back: u64,
}

/// Where a shutdown stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is none.
    Serving,
    /// Nothing new is claimed; what runs may finish.
    Draining,
    /// What still runs was told to end.
    Stopping,
    /// What did not end was taken from its attempts; the last settlements are stored.
    Closing,
    /// All is done.
    Over,
}

/// What keeps an engine from ending.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Attempts that have not finished.
    pub(super) live: usize,
    /// Of these, those that wait for answers and were not told to end.
    pub(super) waiting: usize,
    /// Settlements that are not stored.
    pub(super) unsettled: usize,
}

/// The course of a shutdown.
#[derive(Debug)]
pub(super) struct Drain {
    requested: watch::Receiver<Option<Duration>>,
    done: watch::Sender<Option<ShutdownReport>>,
    stage: Stage,
    until: Option<Instant>,
    report: ShutdownReport,
}

impl Drain {
    /// A shutdown that is asked for by `requested` and reported to `done`.
    pub(super) fn new(
        requested: watch::Receiver<Option<Duration>>,
        done: watch::Sender<Option<ShutdownReport>>,
    ) -> Self {
        Self {
            requested,
            done,
            stage: Stage::Serving,
            until: None,
            report: ShutdownReport::default(),
        }
    }

    /// Returns the grace once a shutdown is asked for. Never returns a second time.
    pub(super) async fn requested(&mut self) -> Duration {
        if self.stage != Stage::Serving {
            std::future::pending::<()>().await;
        }
        let requested = self.requested.wait_for(Option::is_some).await;
        let grace = requested.ok().map(|grace| grace.unwrap_or_default());
        match grace {
            Some(grace) => grace,
            // Every handle is gone; the stop that follows is seen elsewhere.
            None => std::future::pending().await,
        }
    }

    /// Begins to drain.
    pub(super) fn begin(&mut self, grace: Duration) {
        self.stage = Stage::Draining;
        self.until = Some(super::shared::later(Instant::now(), grace));
    }

    /// Where it stands.
    pub(super) const fn stage(&self) -> Stage {
        self.stage
    }

    /// When it goes on whatever still runs.
    pub(super) const fn next_timer(&self) -> Option<Instant> {
        self.until
    }

    /// Goes on to the next stage if its time has come, and returns it then.
    pub(super) fn advance(&mut self, load: Load) -> Option<Stage> {
        let now = Instant::now();
        let late = self.until.is_some_and(|until| until <= now);
        let (next, limit) = match self.stage {
            // What waits for a human does not finish within any grace.
            Stage::Draining if late || load.live <= load.waiting => {
                (Stage::Stopping, HARD_LIMIT + BLOCKED_LIMIT)
            }
            Stage::Stopping if late || load.live == 0 => (Stage::Closing, SETTLE_LIMIT),
            Stage::Closing if late || load.unsettled == 0 => (Stage::Over, Duration::ZERO),
            _ => return None,
        };
        if late && next == Stage::Over {
            tracing::error!(
                unsettled = load.unsettled,
                "the store did not take the last outcomes; their tasks run again once their leases end"
            );
        }
        self.stage = next;
        self.until = Some(now + limit);
        Some(next)
    }

    /// Counts an attempt that finished.
    pub(super) fn count(&mut self, settlement: Option<&Settlement>) {
        let (Some(settlement), true) = (settlement, self.stage != Stage::Serving) else {
            return;
        };
        match settlement.outcome {
            Outcome::Release => self.report.handed_back += 1,
            _ => self.report.finished += 1,
        }
    }

    /// Tells those who asked for it.
    pub(super) fn report(&self) {
        tracing::info!(
            finished = self.report.finished,
            handed_back = self.report.handed_back,
            "the engine has ended"
        );
        self.done.send_replace(Some(self.report));
    }
}
