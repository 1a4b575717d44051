//! A store that fails where it is told to.

use async_trait::async_trait;
use mcs_core::domain::{
    Claim, Claimed, Cursor, Dispatch, EventBatch, InvalidInput, LogEntry, NewTask, Outcome, Page,
    PageRequest, QueueChange, QueueInfo, ReadyWork, Retention, SettleReply, Settlement, Stats,
    Task, TaskFilter, TaskId, Timestamp, Worker, WorkerId,
};
use mcs_core::store::{
    Append, AppendReply, CancelReply, Extension, Inserted, LeaseState, MemoryStore, Parts,
    Promotion, Reaped, RemoveReply, StoreError, TaskEvents, TaskStore,
};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::broadcast;

/// A memory store that fails every write while it is told to.
#[derive(Debug, Default)]
pub(crate) struct Faulty {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) fails: AtomicBool,
    /// It does not answer to who asks for the queues.
    pub(crate) hangs: AtomicBool,
    /// A task whose result it refuses.
    pub(crate) refuses: Mutex<Option<TaskId>>,
    pub(crate) refused_calls: AtomicU64,
    /// How often manual tasks were looked for, and claimed.
    pub(crate) looks: AtomicU64,
    pub(crate) manual_claims: AtomicU64,
    /// How often logs and tasks were read.
    pub(crate) reads: AtomicU64,
    /// Events are told here instead, which nobody does.
    pub(crate) silence: Option<broadcast::Sender<Arc<EventBatch>>>,
}

impl Faulty {
    fn write(&self) -> Result<(), StoreError> {
        if self.fails.load(Ordering::SeqCst) {
            self.refused_calls.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::Full {
                path: "/full/disk".into(),
                source: "no space".into(),
            });
        }
        Ok(())
    }

    fn settles(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        self.write()?;
        let refused = *self.refuses.lock().unwrap();
        let bad = |settlement: &Settlement| {
            Some(settlement.task) == refused && matches!(settlement.outcome, Outcome::Complete(_))
        };
        if settlements.iter().any(bad) {
            return Err(InvalidInput::new("result", "is refused here").into());
        }
        Ok(())
    }
}

#[async_trait]
impl TaskStore for Faulty {
    async fn insert(
        &self,
        tasks: Vec<NewTask>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Inserted>, StoreError> {
        self.write()?;
        self.inner.insert(tasks, now).await
    }

    async fn get(&self, ids: &[TaskId], parts: Parts) -> Result<Vec<Option<Task>>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.get(ids, parts).await
    }

    async fn list(
        &self,
        filter: &TaskFilter,
        page: &PageRequest,
    ) -> Result<Page<Task>, StoreError> {
        self.inner.list(filter, page).await
    }

    async fn claim(&self, claim: Claim, now: Option<Timestamp>) -> Result<Claimed, StoreError> {
        self.settles(&claim.settle)?;
        if claim.dispatch == Dispatch::Manual {
            self.manual_claims.fetch_add(1, Ordering::SeqCst);
        }
        self.inner.claim(claim, now).await
    }

    async fn settle(
        &self,
        settlements: Vec<Settlement>,
        now: Option<Timestamp>,
    ) -> Result<Vec<SettleReply>, StoreError> {
        self.settles(&settlements)?;
        self.inner.settle(settlements, now).await
    }

    async fn extend(
        &self,
        leases: Vec<Extension>,
        lease: Duration,
        now: Option<Timestamp>,
    ) -> Result<Vec<LeaseState>, StoreError> {
        self.write()?;
        self.inner.extend(leases, lease, now).await
    }

    async fn cancel(
        &self,
        ids: Vec<TaskId>,
        reason: &str,
        now: Option<Timestamp>,
    ) -> Result<Vec<CancelReply>, StoreError> {
        self.write()?;
        self.inner.cancel(ids, reason, now).await
    }

    async fn append(
        &self,
        entries: Vec<Append>,
        now: Option<Timestamp>,
    ) -> Result<Vec<AppendReply>, StoreError> {
        self.write()?;
        self.inner.append(entries, now).await
    }

    async fn log(&self, id: TaskId, after: u64, limit: usize) -> Result<Vec<LogEntry>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.log(id, after, limit).await
    }

    async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<EventBatch>, StoreError> {
        self.inner.events(after, limit).await
    }

    async fn last_batch(&self) -> Result<Cursor, StoreError> {
        self.inner.last_batch().await
    }

    async fn task_events(
        &self,
        id: TaskId,
        after: Cursor,
        limit: usize,
    ) -> Result<TaskEvents, StoreError> {
        self.inner.task_events(id, after, limit).await
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<EventBatch>> {
        match &self.silence {
            Some(nobody) => nobody.subscribe(),
            None => self.inner.subscribe(),
        }
    }

    async fn promote(&self, limit: usize, now: Option<Timestamp>) -> Result<Promotion, StoreError> {
        self.write()?;
        self.inner.promote(limit, now).await
    }

    async fn reap(
        &self,
        dead: &[WorkerId],
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<Vec<Reaped>, StoreError> {
        self.write()?;
        self.inner.reap(dead, limit, now).await
    }

    async fn stats(&self, owner: Option<&str>) -> Result<Stats, StoreError> {
        self.inner.stats(owner).await
    }

    async fn ready_work(
        &self,
        dispatch: Dispatch,
        owner: Option<&str>,
    ) -> Result<Vec<ReadyWork>, StoreError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.inner.ready_work(dispatch, owner).await
    }

    async fn queues(&self) -> Result<Vec<QueueInfo>, StoreError> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.inner.queues().await
    }

    async fn change_queue(
        &self,
        queue: &str,
        change: QueueChange,
        now: Option<Timestamp>,
    ) -> Result<QueueInfo, StoreError> {
        self.inner.change_queue(queue, change, now).await
    }

    async fn purge(
        &self,
        retention: &Retention,
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<u64, StoreError> {
        self.write()?;
        self.inner.purge(retention, limit, now).await
    }

    async fn remove(&self, ids: Vec<TaskId>) -> Result<Vec<RemoveReply>, StoreError> {
        self.write()?;
        self.inner.remove(ids).await
    }

    async fn beat(&self, worker: &Worker, now: Option<Timestamp>) -> Result<(), StoreError> {
        self.write()?;
        self.inner.beat(worker, now).await
    }

    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        self.inner.workers().await
    }

    async fn forget_workers(&self, ids: &[WorkerId]) -> Result<(), StoreError> {
        self.write()?;
        self.inner.forget_workers(ids).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}
