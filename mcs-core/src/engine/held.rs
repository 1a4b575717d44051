//! The leases this engine holds.

use super::control::{Control, Stop};
use crate::domain::{LeaseNumber, TaskId};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most cancels remembered while a claim is under way. Beyond it the heartbeat finds them.
const EARLY_CANCELS: usize = 1000;

/// Every lease of this engine by task.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<Leases>);

#[derive(Debug, Default)]
struct Leases {
    controls: HashMap<TaskId, Arc<Control>>,
    /// Claims under way, whose tasks are not here yet.
    claims: usize,
    /// Tasks that somebody asked to end while claims were under way.
    early_cancels: HashSet<TaskId>,
}

impl Held {
    /// A claim is sent.
    pub(super) fn expect(&self) {
        self.lock().claims += 1;
    }

    /// A claim came back with these leases.
    pub(super) fn add(&self, controls: &[Arc<Control>]) {
        let mut leases = self.lock();
        leases.claims = leases.claims.saturating_sub(1);
        for control in controls {
            if !leases.early_cancels.is_empty() && leases.early_cancels.remove(&control.task) {
                control.stop(Stop::Cancel);
            }
            // A lease of ours that ran out unseen, as after a suspend: its attempt must not go on beside the new one.
            if let Some(old) = leases.controls.insert(control.task, Arc::clone(control)) {
                old.stop(Stop::Lost);
            }
        }
        if leases.claims == 0 {
            leases.early_cancels.clear();
        }
    }

    /// These leases have ended. One that was followed by a newer one of the same task leaves that alone.
    pub(super) fn remove(&self, ended: impl Iterator<Item = (TaskId, LeaseNumber)>) {
        let mut leases = self.lock();
        for (task, lease) in ended {
            if leases
                .controls
                .get(&task)
                .is_some_and(|control| control.lease == lease)
            {
                leases.controls.remove(&task);
            }
        }
    }

    /// The lease on `task`.
    pub(super) fn get(&self, task: TaskId) -> Option<Arc<Control>> {
        self.lock().controls.get(&task).cloned()
    }

    /// Every lease.
    pub(super) fn all(&self) -> Vec<Arc<Control>> {
        self.lock().controls.values().cloned().collect()
    }

    /// Tells the attempt at `task` to end; remembers it if its claim is still under way.
    pub(super) fn cancel(&self, task: TaskId, reason: Option<&str>) {
        let mut leases = self.lock();
        let found = leases.controls.get(&task).cloned();
        if found.is_none() && leases.claims > 0 && leases.early_cancels.len() < EARLY_CANCELS {
            leases.early_cancels.insert(task);
        }
        drop(leases);
        match (found, reason) {
            (Some(control), Some(reason)) => control.cancel(reason),
            (Some(control), None) => control.stop(Stop::Cancel),
            (None, _) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Leases> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
