use super::StoreError;
use crate::domain::{
    Claim, Claimed, Cursor, Dispatch, EventBatch, Json, LeaseNumber, LogEntry, LogLevel, NewTask,
    Page, PageRequest, Progress, QueueChange, QueueInfo, ReadyWork, Retention, SettleReply,
    Settlement, Stats, Status, Task, TaskFilter, TaskId, Timestamp, Worker, WorkerId,
};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;

/// Keeps tasks.
///
/// Methods that depend on time take `now`: `None` is the store's own clock, a time is for tests that own it.
///
/// # Contract
/// - **Atomic.** A call takes effect as a whole or not at all, also when its future is dropped: then it may have either.
/// - **Checked.** What is over its bound in [`crate::domain::limits`] or has a NUL byte in a name or text is refused with
///   [`StoreError::Invalid`] before anything is stored; only log lines are cut at their bound and rid of NUL instead.
/// - **Durable.** When a call returns, what it did survives the end of the process, and of the machine as far as the
///   store's options promise. What is not durable is not acknowledged.
/// - **Fenced.** Every claim of a task gives it a lease number larger than any it had: the first is 1, each next one
///   more. A settlement, extension or append that names another lease than the current one changes nothing and is told
///   so. A lease that ran out is the current one until [`TaskStore::reap`] takes the task back.
/// - **Final.** A terminal status never changes. Status changes follow [`crate::domain::next`]; a settlement that the
///   status does not take, such as a result while a question is open, is stale.
/// - **Exclusive.** No two claims return the same task unless its lease ended between them.
/// - **Ordered.** Ready tasks of one queue are claimed by priority, then by `run_at`, then by age (the order of
///   insertion), over all lanes the claim names; but every sixteenth claimed task of a queue, counted over all claims
///   that did not name a task, is the one that is due the longest (`run_at`, then age) whatever its priority. A lane
///   with fewer free slots than candidates is passed over once they are used up. A task that two demands of a claim want
///   counts against the first of them that has slots left.
/// - **Passed over.** Claims leave out paused queues, held lanes, tasks that are not ready, and other dispatches. Ready
///   tasks whose deadline has come are not claimed; [`TaskStore::promote`] fails them.
/// - **Held.** A hold that comes with a retry is kept under its key and only ever lengthened. Until it ends, claims pass
///   over the lanes with that `hold_key`; their pending tasks show it as `held_until` and `hold_reason`, and stay ready.
///   [`TaskStore::promote`] forgets holds that have ended; a read may show one until then.
/// - **Monotone.** `created_at` never falls in the order of insertion: an earlier `now` is raised to the latest one. A
///   `run_at` that has come is raised to it.
/// - **Told.** Each commit that changes tasks adds one [`EventBatch`] and sends it to subscribers after it is durable,
///   in every process that has the store open, there within 250 ms. Batches are numbered from 1. Extensions, log lines,
///   checkpoints, removals and what is done to queues and workers make no event, and a commit without events no batch. An
///   event carries the attempt it belongs to, also where that attempt is given back.
#[async_trait]
pub trait TaskStore: std::fmt::Debug + Send + Sync + 'static {
    /// Stores all `tasks` or none. Ready at once, or scheduled when `run_at` lies ahead; a task with `depends_on` waits
    /// with [`crate::domain::WaitReason::Dependencies`].
    ///
    /// A task whose `id` is stored already, whatever else it says, or whose `unique_key` belongs to a task of the same
    /// owner with the same kind and payload (as JSON values), is not stored again: the reply names the first. The same
    /// holds inside one call. With another kind or payload the call fails with [`StoreError::UniqueKey`]. A key is taken
    /// as long as its task is kept, finished or not. [`NewTask::check`] failing fails the call, and so does a call with
    /// more than [`crate::domain::limits::SUBMIT_TASKS`]; the field of the error is `tasks[3].queue` in a call with
    /// several tasks and `queue` in a call with one.
    async fn insert(
        &self,
        tasks: Vec<NewTask>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Inserted>, StoreError>;

    /// The tasks, in order, with the large parts that were asked for.
    async fn get(&self, ids: &[TaskId], parts: Parts) -> Result<Vec<Option<Task>>, StoreError>;

    /// Tasks that match, newest first, without their large parts. The cursor stays good while tasks come and go, and
    /// there is one exactly if more tasks matched. `offset` counts matching tasks after the cursor.
    async fn list(&self, filter: &TaskFilter, page: &PageRequest)
    -> Result<Page<Task>, StoreError>;

    /// Settles, then claims, in one commit: what a settlement made ready can be claimed by the same call. A claimed task
    /// is `PROCESSING`, its `attempt` one higher, and comes with payload and checkpoint. At most
    /// [`crate::domain::limits::CLAIM_TASKS`] are claimed.
    ///
    /// [`Claim::task`] takes that task whatever its queue, lane and place in the order, and looks at no demand. It takes one
    /// whose time has not come too, whose `run_at` is then lowered to now, but none that waits for others; what claims
    /// pass over besides it passes over too. It does not count among the claimed tasks of the queue. One that is held
    /// under [`crate::domain::NamedTask::former`] is released and claimed, or stays held: when it cannot be claimed, and
    /// when somebody asked for its end. A claimed one has [`crate::domain::NamedTask::dispatch`] from then on.
    ///
    /// A claim of one owner or work directory may leave tasks behind that lie beyond the first
    /// [`crate::domain::limits::CLAIM_LOOKS`] ready ones of its lanes, since it may have to look at each.
    async fn claim(&self, claim: Claim, now: Option<Timestamp>) -> Result<Claimed, StoreError>;

    /// Ends leases. One reply each, in order; a stale one does not stop the others.
    ///
    /// The lease and the remaining clock go, but a task that waits for an answer keeps its clock through a release;
    /// progress, checkpoint and questions stay. The attempt's usage is added. A
    /// retry that does not count, a snooze and a release give the attempt back. A retry and a snooze wait until their
    /// time, or are ready at once if it has come; a release is ready at once and keeps its `run_at`. A task that was
    /// asked to end is `CANCELLED` by a retry, a snooze or a release, with the reason that was given. A failure, a retry
    /// and a cancel store their error, a result clears it.
    async fn settle(
        &self,
        settlements: Vec<Settlement>,
        now: Option<Timestamp>,
    ) -> Result<Vec<SettleReply>, StoreError>;

    /// Moves the expiry of leases to `lease` from now, also of those that ran out and were not taken back. One answer
    /// each, in order.
    async fn extend(
        &self,
        leases: Vec<Extension>,
        lease: Duration,
        now: Option<Timestamp>,
    ) -> Result<Vec<LeaseState>, StoreError>;

    /// Ends tasks. A pending one is cancelled at once, with an error of class `cancelled` that says `reason`; of a leased
    /// one the worker is asked to end it, and if the worker dies it is cancelled instead of rescued. Who asks again is
    /// answered the same, and the first request stands. One reply each, in order.
    async fn cancel(
        &self,
        ids: Vec<TaskId>,
        reason: &str,
        now: Option<Timestamp>,
    ) -> Result<Vec<CancelReply>, StoreError>;

    /// Adds to tasks: log lines, progress, output, checkpoints, questions and answers. One reply each, in order; one that is
    /// refused does not stop the others.
    async fn append(
        &self,
        entries: Vec<Append>,
        now: Option<Timestamp>,
    ) -> Result<Vec<AppendReply>, StoreError>;

    /// Up to `limit` log lines of a task after number `after`.
    async fn log(&self, id: TaskId, after: u64, limit: usize) -> Result<Vec<LogEntry>, StoreError>;

    /// Up to `limit` batches of events after `after`, oldest first. `Cursor(0)` is the beginning of what is kept.
    async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<EventBatch>, StoreError>;

    /// The last batch of events that was stored, kept or not; `Cursor(0)` where there was none.
    async fn last_batch(&self) -> Result<Cursor, StoreError>;

    /// What happened to one task, oldest first: up to `limit` of the batches after `after` that tell of it, with its own
    /// events only. `Cursor(0)` is the beginning of what is kept; a task that is not there, or no longer, has no events
    /// here. Looks at no batch from before the task was created and at none after its end, and at a bounded number of
    /// bytes: what is left then is read from [`TaskEvents::next`] on, and a page may be empty though more follow. A task
    /// that has the id of one that was removed may show what happened to that, if it had the same owner.
    async fn task_events(
        &self,
        id: TaskId,
        after: Cursor,
        limit: usize,
    ) -> Result<TaskEvents, StoreError>;

    /// Follows events from now on. A subscriber that falls behind [`crate::domain::limits::EVENT_BUFFER`] batches is
    /// told so by its receiver and reads the rest with [`TaskStore::events`].
    fn subscribe(&self) -> broadcast::Receiver<Arc<EventBatch>>;

    /// Fails up to `limit` pending tasks whose deadline has come, with class `timeout`, then makes up to `limit` tasks
    /// ready whose time has come; those that were due first go first.
    async fn promote(&self, limit: usize, now: Option<Timestamp>) -> Result<Promotion, StoreError>;

    /// Takes back up to `limit` tasks whose lease ran out or whose worker is in `dead`. They become ready without
    /// losing an attempt, one rescue higher, and keep what a question left on their clock; after [`crate::domain::limits::RESCUES`] rescues they fail as lost, and
    /// those that were asked to end are cancelled. Those that expire first go first.
    async fn reap(
        &self,
        dead: &[WorkerId],
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<Vec<Reaped>, StoreError>;

    /// Counts and aggregates, of one owner's tasks or all. The hours and [`crate::domain::QueueStats::oldest_ready`] are
    /// those of all tasks and only there without an owner. Costs the same whatever the number of tasks. Kinds and queues
    /// without tasks are left out.
    ///
    /// A task counts in the hour of its `created_at` and of its `finished_at`, a retry in that of its settlement. Wait
    /// (from creation to the first start) and run time (the task's whole `duration_ms`) are added when it finishes, if it
    /// ever started; tokens and cost with each settlement. Purges leave the hours alone.
    ///
    /// The latest [`crate::domain::limits::STATS_HOURS`] hours with any activity are kept. An hour tells queue, kind and
    /// model apart, whoever the owner is: at most [`crate::domain::limits::STATS_NAMES`] names of each and
    /// [`crate::domain::limits::STATS_GROUPS`] combinations. Of names that are too many those that come later count as
    /// [`crate::domain::limits::OTHER`], and combinations that are too many as that in all three; nothing is left out.
    async fn stats(&self, owner: Option<&str>) -> Result<Stats, StoreError>;

    /// The queues and kinds with ready tasks of this dispatch, of one owner or all, by name. Queues that are paused are left
    /// out. Costs the same whatever the number
    /// of tasks, for which it may name one too many of an owner: where tasks of the dispatch are ready and tasks of the owner
    /// are, though none is both.
    async fn ready_work(
        &self,
        dispatch: Dispatch,
        owner: Option<&str>,
    ) -> Result<Vec<ReadyWork>, StoreError>;

    /// Every queue that had a task or was changed, by name.
    async fn queues(&self) -> Result<Vec<QueueInfo>, StoreError>;

    /// Changes a queue, whether or not it had a task yet.
    async fn change_queue(
        &self,
        queue: &str,
        change: QueueChange,
        now: Option<Timestamp>,
    ) -> Result<QueueInfo, StoreError>;

    /// Removes up to `limit` finished tasks that are older than their `ttl` or else their status's retention, those that
    /// finished first before others, and old events. What is exactly as old as it is kept goes. Returns how many tasks
    /// went.
    async fn purge(
        &self,
        retention: &Retention,
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<u64, StoreError>;

    /// Removes finished tasks as [`TaskStore::purge`] does, however old they are: with their payloads, results, logs and
    /// unique keys, but for their events. One reply each, in order; one that is refused does not stop the others.
    async fn remove(&self, ids: Vec<TaskId>) -> Result<Vec<RemoveReply>, StoreError>;

    /// Registers a worker or renews its heartbeat. [`Worker::heartbeat_at`] is set to now.
    async fn beat(&self, worker: &Worker, now: Option<Timestamp>) -> Result<(), StoreError>;

    /// Every registered worker.
    async fn workers(&self) -> Result<Vec<Worker>, StoreError>;

    /// Forgets workers. Their leases stay.
    async fn forget_workers(&self, ids: &[WorkerId]) -> Result<(), StoreError>;

    /// Finishes what is under way and releases what the store holds. Calls after it fail with [`StoreError::Closed`],
    /// but for another close, which does nothing; receivers of events are told that there are no more.
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
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

/// What [`TaskStore::remove`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveReply {
    /// It is gone.
    Removed,
    /// It has not finished and stays; this is its status.
    Unfinished(Status),
    /// There is no such task.
    Missing,
}

/// Part of what happened to a task, see [`TaskStore::task_events`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskEvents {
    /// Batches with events of the task alone, oldest first.
    pub batches: Vec<EventBatch>,
    /// Where to go on; `None` once everything that is stored was looked at, or the task's end is among the batches.
    pub next: Option<Cursor>,
}

/// Something to add to a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// The task.
    pub task: TaskId,
    /// The holder's lease. `None` only for an [`Entry::Answer`] that comes from outside.
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
    /// Something the work did: an event of the task, and nothing else is kept of it.
    Output(Json),
    /// Replaces the checkpoint.
    Checkpoint(Json),
    /// Asks a question under a key that the task has not used yet: `PROCESSING` becomes `INPUT_REQUIRED`. A task that
    /// waits already may ask more; its clock stays as the first question left it. The same question under its own key is
    /// refused only once it is answered: a later attempt asks it again and waits for the same answer, and asking it
    /// twice in one attempt changes nothing. A task asks at most [`crate::domain::limits::QUESTIONS`].
    Ask {
        /// The key.
        key: String,
        /// The question.
        request: Json,
        /// Of the attempt's timeout, what is left while it waits.
        clock_left: Option<Duration>,
    },
    /// Answers a question, and comes from outside or, as with a question that nobody waits for any more, from the holder,
    /// whose lease is then checked like with any other entry. When none is open any more that the current lease asked, `INPUT_REQUIRED` becomes
    /// `PROCESSING`. A question of an earlier attempt can be answered in every status that is not terminal; the answer
    /// is kept for the attempt that asks it again.
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
    /// The task has as many questions as one may.
    TooMany,
}

/// What [`TaskStore::promote`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Promotion {
    /// Tasks made ready.
    pub ready: u64,
    /// Tasks failed by their deadline.
    pub expired: u64,
    /// When there is something to do next: the next scheduled task, deadline of a pending task, or end of a hold. In the
    /// past if `limit` was reached.
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
