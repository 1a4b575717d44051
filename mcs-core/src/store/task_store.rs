use super::StoreError;
use crate::domain::{
    Claim, Claimed, Cursor, EventBatch, Json, LeaseNumber, LogEntry, LogLevel, NewTask, Page,
    PageRequest, Progress, QueueChange, QueueInfo, Retention, SettleReply, Settlement, Stats,
    Status, Task, TaskFilter, TaskId, Timestamp, Worker, WorkerId,
};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;

/// Keeps tasks.
///
/// Methods that change something take `now`: `None` is the store's own clock, a time is for tests that own it.
///
/// # Contract
/// - **Atomic.** A call takes effect as a whole or not at all, also when its future is dropped: then it may have either.
/// - **Durable.** When a call returns, what it did survives the end of the process, and of the machine as far as the
///   store's options promise. What is not durable is not acknowledged.
/// - **Fenced.** Every claim gives its tasks a lease number larger than any before. A settlement, extension or append
///   that names another lease than the current one changes nothing and is told so.
/// - **Final.** A terminal status never changes. Status changes follow [`crate::domain::next`].
/// - **Exclusive.** No two claims return the same task unless its lease ended between them.
/// - **Ordered.** Ready tasks of one queue are claimed by priority, then by `run_at`, then by age, over all lanes the
///   claim names; but every sixteenth claimed task of a queue is the one that is due the longest (`run_at`, then age)
///   whatever its priority. A lane with fewer free slots than candidates is passed over once they are used up.
/// - **Passed over.** Claims leave out paused queues, held lanes, tasks that are not ready, and other dispatches. Ready
///   tasks whose deadline has passed are not claimed; [`TaskStore::promote`] fails them.
/// - **Monotone.** `created_at` never falls in the order of insertion: an earlier `now` is raised to the latest one.
/// - **Told.** Each commit that changes tasks adds one [`EventBatch`] and sends it to subscribers after it is durable,
///   in every process that has the store open, there within 250 ms.
#[async_trait]
pub trait TaskStore: std::fmt::Debug + Send + Sync + 'static {
    /// Stores all `tasks` or none. Ready at once, or scheduled when `run_at` lies ahead.
    ///
    /// A task whose `id` is stored already, or whose `unique_key` belongs to a task of the same owner with the same kind
    /// and payload, is not stored again: the reply names the first. The same holds inside one call. With another kind or
    /// payload the call fails with [`StoreError::UniqueKey`]. [`NewTask::check`] failing fails the call.
    async fn insert(
        &self,
        tasks: Vec<NewTask>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Inserted>, StoreError>;

    /// The tasks, in order, with the large parts that were asked for.
    async fn get(&self, ids: &[TaskId], parts: Parts) -> Result<Vec<Option<Task>>, StoreError>;

    /// Tasks that match, newest first, without their large parts. The cursor stays good while tasks come and go.
    async fn list(&self, filter: &TaskFilter, page: &PageRequest)
    -> Result<Page<Task>, StoreError>;

    /// Settles, then claims, in one commit. A claimed task is `PROCESSING`, its `attempt` one higher, and comes with
    /// payload and checkpoint. [`Claim::task`] takes that task whatever its place in the order.
    async fn claim(&self, claim: Claim, now: Option<Timestamp>) -> Result<Claimed, StoreError>;

    /// Ends leases. One reply each, in order; a stale one does not stop the others.
    async fn settle(
        &self,
        settlements: Vec<Settlement>,
        now: Option<Timestamp>,
    ) -> Result<Vec<SettleReply>, StoreError>;

    /// Moves the expiry of leases to `lease` from now. One answer each, in order.
    async fn extend(
        &self,
        leases: Vec<Extension>,
        lease: Duration,
        now: Option<Timestamp>,
    ) -> Result<Vec<LeaseState>, StoreError>;

    /// Ends tasks. A pending one is cancelled at once; of a leased one the worker is asked to end it, and if the worker
    /// dies it is cancelled instead of rescued.
    async fn cancel(
        &self,
        ids: Vec<TaskId>,
        reason: &str,
        now: Option<Timestamp>,
    ) -> Result<Vec<CancelReply>, StoreError>;

    /// Adds to tasks: log lines, progress, checkpoints, questions and answers. One reply each, in order.
    async fn append(
        &self,
        entries: Vec<Append>,
        now: Option<Timestamp>,
    ) -> Result<Vec<AppendReply>, StoreError>;

    /// Up to `limit` log lines of a task after number `after`.
    async fn log(&self, id: TaskId, after: u64, limit: usize) -> Result<Vec<LogEntry>, StoreError>;

    /// Up to `limit` batches of events after `after`, oldest first. `Cursor(0)` is the beginning of what is kept.
    async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<EventBatch>, StoreError>;

    /// Follows events from now on. A subscriber that falls behind [`crate::domain::limits::EVENT_BUFFER`] batches is
    /// told so by its receiver and reads the rest with [`TaskStore::events`].
    fn subscribe(&self) -> broadcast::Receiver<Arc<EventBatch>>;

    /// Makes up to `limit` tasks ready whose time has come, and fails up to `limit` pending ones whose deadline passed.
    async fn promote(&self, limit: usize, now: Option<Timestamp>) -> Result<Promotion, StoreError>;

    /// Takes back up to `limit` tasks whose lease ran out or whose worker is in `dead`. They become ready without
    /// losing an attempt, one rescue higher; after [`crate::domain::limits::RESCUES`] rescues they fail as lost, and
    /// those that were asked to end are cancelled.
    async fn reap(
        &self,
        dead: &[WorkerId],
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<Vec<Reaped>, StoreError>;

    /// Counts and aggregates, of one owner's tasks or all. The hours are those of all tasks and only there without an
    /// owner. Costs the same whatever the number of tasks.
    async fn stats(&self, owner: Option<&str>) -> Result<Stats, StoreError>;

    /// Every queue that had a task or was changed, by name.
    async fn queues(&self) -> Result<Vec<QueueInfo>, StoreError>;

    /// Changes a queue, whether or not it had a task yet.
    async fn change_queue(
        &self,
        queue: &str,
        change: QueueChange,
        now: Option<Timestamp>,
    ) -> Result<QueueInfo, StoreError>;

    /// Removes up to `limit` finished tasks that are older than their `ttl` or else their status's retention, and old
    /// events. Returns how many tasks went.
    async fn purge(
        &self,
        retention: &Retention,
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<u64, StoreError>;

    /// Registers a worker or renews its heartbeat. [`Worker::heartbeat_at`] is set to now.
    async fn beat(&self, worker: &Worker, now: Option<Timestamp>) -> Result<(), StoreError>;

    /// Every registered worker.
    async fn workers(&self) -> Result<Vec<Worker>, StoreError>;

    /// Forgets workers. Their leases stay.
    async fn forget_workers(&self, ids: &[WorkerId]) -> Result<(), StoreError>;

    /// Finishes what is under way and releases what the store holds. Calls after it fail with [`StoreError::Closed`].
    async fn close(&self) -> Result<(), StoreError>;
}

/// What became of a task that was given to [`TaskStore::insert`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted {
    /// The stored task.
    pub id: TaskId,
    /// Whether this call stored it.
    pub created: bool,
}

/// Large parts of a task to read along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// The payload.
    pub payload: bool,
    /// The result.
    pub result: bool,
    /// The checkpoint.
    pub checkpoint: bool,
}

impl Parts {
    /// None of them.
    pub const NONE: Self = Self {
        payload: false,
        result: false,
        checkpoint: false,
    };
    /// All of them.
    pub const ALL: Self = Self {
        payload: true,
        result: true,
        checkpoint: true,
    };
    /// The result.
    pub const RESULT: Self = Self {
        payload: false,
        result: true,
        checkpoint: false,
    };
}

/// A lease to extend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// The task.
    pub task: TaskId,
    /// The lease its holder has.
    pub lease: LeaseNumber,
}

/// What an extension found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// The lease is extended.
    Held,
    /// The lease is extended, and somebody asked for the task's end.
    CancelRequested,
    /// The task is no longer held under this lease.
    Lost,
}

/// What [`TaskStore::cancel`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReply {
    /// It is cancelled.
    Cancelled,
    /// Its worker is asked to end it.
    Requested,
    /// It had finished before, with this status.
    Finished(Status),
    /// There is no such task.
    Missing,
}

/// Something to add to a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// The task.
    pub task: TaskId,
    /// The holder's lease. `None` only for [`Entry::Answer`], which comes from outside.
    pub lease: Option<LeaseNumber>,
    /// What.
    pub entry: Entry,
}

/// What can be added to a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A log line. Lines over [`crate::domain::limits::LOG_LINES`] are dropped and still acknowledged.
    Log {
        /// How much it matters.
        level: LogLevel,
        /// The text.
        text: String,
    },
    /// Replaces the progress.
    Progress(Progress),
    /// Replaces the checkpoint.
    Checkpoint(Json),
    /// Asks a question under a key that the task has not used yet: `PROCESSING` becomes `INPUT_REQUIRED`.
    Ask {
        /// The key.
        key: String,
        /// The question.
        request: Json,
        /// Of the attempt's timeout, what is left while it waits.
        clock_left: Option<Duration>,
    },
    /// Answers a question. When none is open any more `INPUT_REQUIRED` becomes `PROCESSING`.
    Answer {
        /// The key.
        key: String,
        /// The answer.
        response: Json,
    },
}

/// What became of an [`Append`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendReply {
    /// It is stored.
    Stored,
    /// The lease is no longer the task's current one, or the task has finished.
    Stale,
    /// There is no such task.
    Missing,
    /// The key of a question was used before, or an answer names no open question.
    KeyRefused,
}

/// What [`TaskStore::promote`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Promotion {
    /// Tasks made ready.
    pub ready: u64,
    /// Tasks failed by their deadline.
    pub expired: u64,
    /// When the next one is due; in the past if `limit` was reached.
    pub next_due: Option<Timestamp>,
}

/// A task that [`TaskStore::reap`] took back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reaped {
    /// The task.
    pub id: TaskId,
    /// Its status now: `PENDING`, `FAILED` or `CANCELLED`.
    pub status: Status,
}
