//! What wakes the dispatcher.

use super::takers::Takers;
use crate::domain::QueueInfo;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Queues that may have work, gathered until the dispatcher looks.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    pending: Mutex<Pending>,
    notify: Notify,
    /// Those who wait for manual tasks.
    pub(super) takers: Takers,
}

/// What the dispatcher is told.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Queues in which a task became ready.
    pub(super) queues: Vec<Arc<str>>,
    /// Any queue may have work.
    pub(super) all: bool,
    /// The kinds that can run here, if they changed.
    pub(super) kinds: Option<Vec<Arc<str>>>,
    /// The queues, if what they may do changed.
    pub(super) infos: Option<Vec<QueueInfo>>,
}

impl Wakes {
    /// Tasks became ready in these queues.
    pub(super) fn ready(&self, queues: Vec<Arc<str>>) {
        if queues.is_empty() {
            return;
        }
        let mut pending = self.lock();
        for queue in queues {
            if !pending.queues.contains(&queue) {
                pending.queues.push(queue);
            }
        }
        drop(pending);
        self.notify.notify_one();
    }

    /// Tasks may have become ready anywhere.
    pub(super) fn all(&self) {
        self.lock().all = true;
        self.notify.notify_one();
        self.takers.all();
    }

    /// These kinds can run now.
    pub(super) fn kinds(&self, kinds: Vec<Arc<str>>) {
        self.lock().kinds = Some(kinds);
        self.notify.notify_one();
    }

    /// The queues may do this now.
    pub(super) fn infos(&self, infos: Vec<QueueInfo>) {
        self.lock().infos = Some(infos);
        self.notify.notify_one();
        self.takers.all();
    }

    /// A slot became free in a way that the dispatcher does not see itself.
    pub(super) fn nudge(&self) {
        self.notify.notify_one();
    }

    /// Returns after any of these.
    pub(super) fn notified(&self) -> Notified<'_> {
        self.notify.notified()
    }

    /// What was told since the last call.
    pub(super) fn take(&self) -> Pending {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
