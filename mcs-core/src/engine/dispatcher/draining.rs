//! How the dispatcher ends.

use super::Dispatcher;
use crate::domain::{Outcome, Settlement, Usage};
use crate::engine::attempt::Finished;
use crate::engine::control::{Control, Stop};
use crate::engine::shutdown::{HARD_LIMIT, Load, SETTLE_TIME, Stage};
use std::sync::Arc;
use std::time::Duration;

/// How long taking the worker off the list may hold up a shutdown.
const FORGET_LIMIT: Duration = Duration::from_millis(500);

impl Dispatcher {
    /// Goes on with a shutdown as far as it can, if there is one. Says whether it is over.
    pub(super) fn advance(&mut self) -> bool {
        if self.drain.stage() == Stage::Serving {
            return false;
        }
        while let Some(stage) = self.drain.advance(self.load()) {
            match stage {
                Stage::Stopping => {
                    for control in self.shared.held.all() {
                        control.stop(Stop::Shutdown);
                    }
                }
                Stage::Closing => {
                    for control in self.shared.held.all() {
                        self.hand_back(&control);
                    }
                }
                Stage::Over => return true,
                Stage::Serving | Stage::Draining => {}
            }
        }
        false
    }

    fn load(&self) -> Load {
        let waits = |control: &&Arc<Control>| control.is_waiting() && control.stopped().is_none();
        Load {
            live: self.live,
            waiting: self.shared.held.all().iter().filter(waits).count(),
            unsettled: self.unsettled.len() + self.under_way + self.named,
        }
    }

    /// Settles a task for its attempt, unless that has finished.
    pub(super) fn hand_back(&mut self, control: &Arc<Control>) {
        let released = Finished {
            control: Arc::clone(control),
            settlement: Some(Settlement {
                task: control.task,
                lease: control.lease,
                outcome: Outcome::Release,
                usage: Usage::default(),
            }),
        };
        self.take(&mut vec![released]);
    }

    pub(super) fn begin_drain(&mut self, grace: Duration) {
        self.drain.begin(grace);
        tracing::info!(running = self.live, ?grace, "the engine stops claiming");
        let time = grace.saturating_sub(SETTLE_TIME).max(HARD_LIMIT);
        for control in self.shared.held.all() {
            if control.ends_slowly() && !control.has_left() {
                control.stop_within(Stop::Shutdown, time);
            }
        }
    }

    async fn forget_worker(&self) {
        let worker = [self.shared.worker.id.clone()];
        let forgotten = self.shared.store.forget_workers(&worker);
        match tokio::time::timeout(FORGET_LIMIT, forgotten).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the worker could not be taken off the list"),
            Err(_) => tracing::warn!("the store is too slow to take the worker off the list"),
        }
    }

    /// Leaves nothing behind: neither a worker that is registered nor an attempt that runs.
    pub(super) async fn end(self) {
        if self.drain.stage() == Stage::Over {
            // A worker that still holds tasks stays on the list, so that others can see that its process is gone.
            if self.load().unsettled == 0 {
                self.forget_worker().await;
            }
            self.drain.report();
        }
        self.shared.stop.cancel();
        for control in self.shared.held.all() {
            control.stop(Stop::Abandoned);
        }
    }
}
