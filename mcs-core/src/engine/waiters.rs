//! Those who wait for a task to end, or to ask.

use crate::domain::{EventBatch, EventKind, TaskId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Wakes those who wait for a task.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiting: Mutex<HashMap<TaskId, Waiter>>,
    // Read for every batch of events, so that nobody waiting costs no lock.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Waiter {
    wake: Arc<Notify>,
    guards: usize,
}

impl Waiters {
    /// Registers for the end and the questions of `task` until the guard is dropped.
    pub(super) fn register(&self, task: TaskId) -> WaitGuard<'_> {
        let mut waiting = self.lock();
        let waiter = waiting.entry(task).or_default();
        waiter.guards += 1;
        let wake = Arc::clone(&waiter.wake);
        self.count.store(waiting.len(), Ordering::Release);
        WaitGuard {
            waiters: self,
            task,
            wake,
        }
    }

    /// Wakes those whose tasks end or ask in `batch`.
    pub(super) fn tell(&self, batch: &EventBatch) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let is_news =
            |kind: EventKind| kind.ends_as().is_some() || kind == EventKind::InputRequired;
        let news = batch.events.iter().filter(|event| is_news(event.kind));
        self.wake(news.map(|event| event.task));
    }

    /// Wakes those who wait for one of `tasks`.
    pub(super) fn wake(&self, tasks: impl Iterator<Item = TaskId>) {
        let waiting = self.lock();
        for task in tasks {
            if let Some(waiter) = waiting.get(&task) {
                waiter.wake.notify_waiters();
            }
        }
    }

    /// Every task that somebody waits for.
    pub(super) fn tasks(&self) -> Vec<TaskId> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Waiter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits.
#[derive(Debug)]
pub(super) struct WaitGuard<'a> {
    waiters: &'a Waiters,
    task: TaskId,
    wake: Arc<Notify>,
}

impl WaitGuard<'_> {
    /// What is notified when the task ends or asks. Enable a `notified()` of it before looking at the task.
    pub(super) fn wake(&self) -> &Notify {
        &self.wake
    }
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        let mut waiting = self.waiters.lock();
        if let Some(waiter) = waiting.get_mut(&self.task) {
            waiter.guards -= 1;
            if waiter.guards == 0 {
                waiting.remove(&self.task);
            }
        }
        self.waiters.count.store(waiting.len(), Ordering::Release);
    }
}
