use super::state::State;
use crate::domain::{Timestamp, Worker, WorkerId};

impl State {
    /// Registers a worker or renews its heartbeat.
    pub(super) fn beat(&mut self, worker: &Worker, now: Timestamp) {
        let worker = Worker {
            heartbeat_at: now,
            ..worker.clone()
        };
        self.workers.insert(worker.id.clone(), worker);
    }

    /// Forgets workers.
    pub(super) fn forget_workers(&mut self, ids: &[WorkerId]) {
        for id in ids {
            self.workers.remove(id);
        }
    }
}
