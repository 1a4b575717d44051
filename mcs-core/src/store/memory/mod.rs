//! A store that forgets everything when it is dropped: for tests, and for hosts that need no durability.

mod append;
mod cancel;
mod claim;
mod events;
mod insert;
mod interactions;
mod lease;
mod promote;
mod queue;
mod read;
mod records;
mod retention;
mod row;
mod settle;
mod state;
mod stats;
mod worker;

use self::state::State;
use super::{
    Append, AppendReply, CancelReply, Extension, Inserted, LeaseState, Parts, Promotion, Reaped,
    RemoveReply, StoreError, TaskEvents, TaskStore, rules,
};
use crate::clock::{Clock, SystemClock};
use crate::domain::{
    Claim, Claimed, Cursor, Dispatch, EventBatch, LogEntry, NewTask, Page, PageRequest,
    QueueChange, QueueInfo, ReadyWork, Retention, SettleReply, Settlement, Stats, Task, TaskFilter,
    TaskId, Timestamp, Worker, WorkerId, check_name,
};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// Keeps tasks and records in memory, behind one lock that no call holds while it waits.
#[derive(Debug)]
pub struct MemoryStore {
    /// `None` once the store is closed.
    state: Mutex<Option<State>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            state: Mutex::new(Some(State::default())),
        }
    }

    /// Runs `work` on the state, unless the store is closed.
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        self.lock().as_mut().map(work).ok_or(StoreError::Closed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

fn time(now: Option<Timestamp>) -> Timestamp {
    now.unwrap_or_else(|| SystemClock.now())
}

#[async_trait]
impl TaskStore for MemoryStore {
    async fn insert(
        &self,
        tasks: Vec<NewTask>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Inserted>, StoreError> {
        rules::check_tasks(&tasks)?;
        self.with(|state| state.insert(tasks, time(now)))?
    }

    async fn get(&self, ids: &[TaskId], parts: Parts) -> Result<Vec<Option<Task>>, StoreError> {
        self.with(|state| ids.iter().map(|id| state.get(*id, parts)).collect())
    }

    async fn list(
        &self,
        filter: &TaskFilter,
        page: &PageRequest,
    ) -> Result<Page<Task>, StoreError> {
        page.check()?;
        self.with(|state| state.list(filter, page))
    }

    async fn claim(&self, claim: Claim, now: Option<Timestamp>) -> Result<Claimed, StoreError> {
        rules::check_claim(&claim)?;
        self.with(|state| state.claim(claim, time(now)))
    }

    async fn settle(
        &self,
        settlements: Vec<Settlement>,
        now: Option<Timestamp>,
    ) -> Result<Vec<SettleReply>, StoreError> {
        rules::check_settlements(&settlements)?;
        self.with(|state| state.settle(settlements, time(now)))
    }

    async fn extend(
        &self,
        leases: Vec<Extension>,
        lease: Duration,
        now: Option<Timestamp>,
    ) -> Result<Vec<LeaseState>, StoreError> {
        self.with(|state| state.extend(&leases, time(now).plus(lease)))
    }

    async fn cancel(
        &self,
        ids: Vec<TaskId>,
        reason: &str,
        now: Option<Timestamp>,
    ) -> Result<Vec<CancelReply>, StoreError> {
        rules::check_reason(reason)?;
        self.with(|state| state.cancel(&ids, reason, time(now)))
    }

    async fn append(
        &self,
        entries: Vec<Append>,
        now: Option<Timestamp>,
    ) -> Result<Vec<AppendReply>, StoreError> {
        rules::check_appends(&entries)?;
        self.with(|state| state.append(entries, time(now)))
    }

    async fn log(&self, id: TaskId, after: u64, limit: usize) -> Result<Vec<LogEntry>, StoreError> {
        self.with(|state| state.log(id, after, limit))
    }

    async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<EventBatch>, StoreError> {
        self.with(|state| state.events.after(after, limit))
    }

    async fn last_batch(&self) -> Result<Cursor, StoreError> {
        self.with(|state| state.events.last())
    }

    async fn task_events(
        &self,
        id: TaskId,
        after: Cursor,
        limit: usize,
    ) -> Result<TaskEvents, StoreError> {
        self.with(|state| match state.find(id) {
            Some(row) => state.events.of_task(&row.task, after, limit),
            None => TaskEvents::default(),
        })
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<EventBatch>> {
        // After a close there is no sender left, so that the receiver says at once that it is over.
        self.with(|state| state.events.subscribe())
            .unwrap_or_else(|_| broadcast::channel(1).1)
    }

    async fn promote(&self, limit: usize, now: Option<Timestamp>) -> Result<Promotion, StoreError> {
        self.with(|state| state.promote(limit, time(now)))
    }

    async fn reap(
        &self,
        dead: &[WorkerId],
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<Vec<Reaped>, StoreError> {
        self.with(|state| state.reap(dead, limit, time(now)))
    }

    async fn stats(&self, owner: Option<&str>) -> Result<Stats, StoreError> {
        self.with(|state| state.stats.report(owner))
    }

    async fn ready_work(
        &self,
        dispatch: Dispatch,
        owner: Option<&str>,
    ) -> Result<Vec<ReadyWork>, StoreError> {
        self.with(|state| state.ready_work(dispatch, owner))
    }

    async fn queues(&self) -> Result<Vec<QueueInfo>, StoreError> {
        self.with(|state| state.queues())
    }

    async fn change_queue(
        &self,
        queue: &str,
        change: QueueChange,
        _now: Option<Timestamp>,
    ) -> Result<QueueInfo, StoreError> {
        check_name("queue", queue)?;
        self.with(|state| state.change_queue(queue, change))
    }

    async fn purge(
        &self,
        retention: &Retention,
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<u64, StoreError> {
        self.with(|state| state.purge(retention, limit, time(now)))
    }

    async fn remove(&self, ids: Vec<TaskId>) -> Result<Vec<RemoveReply>, StoreError> {
        self.with(|state| ids.iter().map(|id| state.remove_finished(*id)).collect())
    }

    async fn beat(&self, worker: &Worker, now: Option<Timestamp>) -> Result<(), StoreError> {
        check_name("worker", &worker.id.0)?;
        self.with(|state| state.beat(worker, time(now)))
    }

    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        self.with(|state| state.workers.values().cloned().collect())
    }

    async fn forget_workers(&self, ids: &[WorkerId]) -> Result<(), StoreError> {
        self.with(|state| state.forget_workers(ids))
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.lock().take();
        Ok(())
    }
}
