use super::give_turns;
use async_trait::async_trait;
use mcs_core::domain::{
    Claim, Claimed, Cursor, Dispatch, EventBatch, Json, LogEntry, NewTask, Page, PageRequest,
    QueueChange, QueueInfo, ReadyWork, Retention, SettleReply, Settlement, Stats, Task, TaskFilter,
    TaskId, Timestamp, Worker, WorkerId,
};
use mcs_core::store::{
    Append, AppendReply, CancelReply, Entry, Expected, Extension, Inserted, LeaseState,
    MemoryStore, Parts, Promotion, Reaped, Record, RecordStore, RemoveReply, StoreError,
    TaskEvents, TaskStore,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// A store in memory that lets others have their turn before and after it does what it is asked for, so that requests
/// overlap as they do where a store needs time.
#[derive(Debug, Default)]
pub(super) struct Halting {
    inner: MemoryStore,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many turns others are given, one number after the other, and from the first again.
    turns: Vec<usize>,
    next: usize,
    outrun: usize,
    too_late: usize,
}

impl Halting {
    /// From now on others are given so many turns.
    pub(super) fn halt_for(&self, turns: Vec<usize>) {
        let mut state = self.lock();
        state.turns = turns;
        state.next = 0;
    }

    /// How many answers came to a question that was open when their client's request read the task, and answered when it
    /// wrote; and how many to a task that ended between the two.
    pub(super) fn late_answers(&self) -> (usize, usize) {
        let state = self.lock();
        (state.outrun, state.too_late)
    }

    async fn halting<T>(&self, call: impl Future<Output = T> + Send) -> T {
        self.halt().await;
        let done = call.await;
        self.halt().await;
        done
    }

    async fn halt(&self) {
        give_turns(self.turns()).await;
    }

    fn turns(&self) -> usize {
        let mut state = self.lock();
        let turns = state.turns.get(state.next).copied().unwrap_or_default();
        state.next = (state.next + 1) % state.turns.len().max(1);
        turns
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Attempts answer questions of their own under their lease.
fn is_answer_of_a_client(append: &Append) -> bool {
    append.lease.is_none() && matches!(append.entry, Entry::Answer { .. })
}

#[async_trait]
impl TaskStore for Halting {
    async fn insert(
        &self,
        tasks: Vec<NewTask>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Inserted>, StoreError> {
        self.halting(self.inner.insert(tasks, now)).await
    }

    async fn get(&self, ids: &[TaskId], parts: Parts) -> Result<Vec<Option<Task>>, StoreError> {
        self.halting(self.inner.get(ids, parts)).await
    }

    async fn list(
        &self,
        filter: &TaskFilter,
        page: &PageRequest,
    ) -> Result<Page<Task>, StoreError> {
        self.halting(self.inner.list(filter, page)).await
    }

    async fn claim(&self, claim: Claim, now: Option<Timestamp>) -> Result<Claimed, StoreError> {
        self.halting(self.inner.claim(claim, now)).await
    }

    async fn settle(
        &self,
        settlements: Vec<Settlement>,
        now: Option<Timestamp>,
    ) -> Result<Vec<SettleReply>, StoreError> {
        self.halting(self.inner.settle(settlements, now)).await
    }

    async fn extend(
        &self,
        leases: Vec<Extension>,
        lease: Duration,
        now: Option<Timestamp>,
    ) -> Result<Vec<LeaseState>, StoreError> {
        self.halting(self.inner.extend(leases, lease, now)).await
    }

    async fn cancel(
        &self,
        ids: Vec<TaskId>,
        reason: &str,
        now: Option<Timestamp>,
    ) -> Result<Vec<CancelReply>, StoreError> {
        self.halting(self.inner.cancel(ids, reason, now)).await
    }

    async fn append(
        &self,
        entries: Vec<Append>,
        now: Option<Timestamp>,
    ) -> Result<Vec<AppendReply>, StoreError> {
        let answers = entries.iter().any(is_answer_of_a_client);
        let replies = self.halting(self.inner.append(entries, now)).await?;
        if answers {
            let late = |what| replies.iter().filter(|reply| **reply == what).count();
            let mut seen = self.lock();
            seen.outrun += late(AppendReply::KeyRefused);
            seen.too_late += late(AppendReply::Stale);
        }
        Ok(replies)
    }

    async fn log(&self, id: TaskId, after: u64, limit: usize) -> Result<Vec<LogEntry>, StoreError> {
        self.halting(self.inner.log(id, after, limit)).await
    }

    async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<EventBatch>, StoreError> {
        self.halting(self.inner.events(after, limit)).await
    }

    async fn last_batch(&self) -> Result<Cursor, StoreError> {
        self.halting(self.inner.last_batch()).await
    }

    async fn task_events(
        &self,
        id: TaskId,
        after: Cursor,
        limit: usize,
    ) -> Result<TaskEvents, StoreError> {
        self.halting(self.inner.task_events(id, after, limit)).await
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<EventBatch>> {
        self.inner.subscribe()
    }

    async fn promote(&self, limit: usize, now: Option<Timestamp>) -> Result<Promotion, StoreError> {
        self.halting(self.inner.promote(limit, now)).await
    }

    async fn reap(
        &self,
        dead: &[WorkerId],
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<Vec<Reaped>, StoreError> {
        self.halting(self.inner.reap(dead, limit, now)).await
    }

    async fn stats(&self, owner: Option<&str>) -> Result<Stats, StoreError> {
        self.halting(self.inner.stats(owner)).await
    }

    async fn ready_work(
        &self,
        dispatch: Dispatch,
        owner: Option<&str>,
    ) -> Result<Vec<ReadyWork>, StoreError> {
        self.halting(self.inner.ready_work(dispatch, owner)).await
    }

    async fn queues(&self) -> Result<Vec<QueueInfo>, StoreError> {
        self.halting(self.inner.queues()).await
    }

    async fn change_queue(
        &self,
        queue: &str,
        change: QueueChange,
        now: Option<Timestamp>,
    ) -> Result<QueueInfo, StoreError> {
        self.halting(self.inner.change_queue(queue, change, now))
            .await
    }

    async fn purge(
        &self,
        retention: &Retention,
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<u64, StoreError> {
        self.halting(self.inner.purge(retention, limit, now)).await
    }

    async fn remove(&self, ids: Vec<TaskId>) -> Result<Vec<RemoveReply>, StoreError> {
        self.halting(self.inner.remove(ids)).await
    }

    async fn beat(&self, worker: &Worker, now: Option<Timestamp>) -> Result<(), StoreError> {
        self.halting(self.inner.beat(worker, now)).await
    }

    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        self.halting(self.inner.workers()).await
    }

    async fn forget_workers(&self, ids: &[WorkerId]) -> Result<(), StoreError> {
        self.halting(self.inner.forget_workers(ids)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.halting(self.inner.close()).await
    }
}

#[async_trait]
impl RecordStore for Halting {
    async fn get_record(&self, collection: &str, key: &str) -> Result<Option<Record>, StoreError> {
        self.halting(self.inner.get_record(collection, key)).await
    }

    async fn put_record(
        &self,
        collection: &str,
        key: &str,
        value: Json,
        expected: Expected,
        now: Option<Timestamp>,
    ) -> Result<Record, StoreError> {
        let put = self.inner.put_record(collection, key, value, expected, now);
        self.halting(put).await
    }

    async fn delete_record(
        &self,
        collection: &str,
        key: &str,
        expected: Expected,
    ) -> Result<bool, StoreError> {
        let delete = self.inner.delete_record(collection, key, expected);
        self.halting(delete).await
    }

    async fn list_records(
        &self,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let list = self.inner.list_records(collection, prefix, after, limit);
        self.halting(list).await
    }
}
