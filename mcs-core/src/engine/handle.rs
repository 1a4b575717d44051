use super::kinds::KindStatus;
use super::named::Request;
use super::shared::{Shared, later};
use super::shutdown::ShutdownReport;
use super::state::EngineState;
use super::stats::{EngineLoad, EngineQueue, EngineStats, gather, gather_queues, load};
use super::submit::submit;
use super::workers::{self, WorkerStatus};
use super::{EngineBuilder, EngineError, EngineEvent, SubmitError};
use crate::domain::{
    Json, NewTask, QueueChange, QueueInfo, Retention, Status, Task, TaskId, WorkerId,
};
use crate::executor::{Availability, Executor, KindSpec};
use crate::reporter::InteractionReporter;
use crate::store::{
    Append, AppendReply, CancelReply, Entry, Inserted, Parts, StoreError, TaskStore,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;

/// A running engine. Clones are cheap and the same engine; it ends with the last one, or with [`Engine::shutdown`],
/// which is kinder: without it the tasks that run are taken up again only once their leases have run out.
#[derive(Debug, Clone)]
pub struct Engine(pub(super) Arc<Handle>);

/// What all clones share. Dropping it stops the background tasks.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) shared: Arc<Shared>,
    /// Tasks that shall run now.
    pub(super) requests: mpsc::Sender<Request>,
    request: watch::Sender<Option<Duration>>,
    report: watch::Receiver<Option<ShutdownReport>>,
}

impl Handle {
    pub(super) const fn new(
        shared: Arc<Shared>,
        requests: mpsc::Sender<Request>,
        request: watch::Sender<Option<Duration>>,
        report: watch::Receiver<Option<ShutdownReport>>,
    ) -> Self {
        Self {
            shared,
            requests,
            request,
            report,
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl Engine {
    /// An engine on `store`, to be given executors and started.
    pub fn builder(store: Arc<dyn TaskStore>) -> EngineBuilder {
        EngineBuilder::new(store)
    }

    /// Stores a task. When this returns it will not be lost.
    pub async fn submit(&self, task: NewTask) -> Result<Inserted, SubmitError> {
        let inserted = submit(&self.0.shared, vec![task], false).await?;
        let first = inserted.into_iter().next();
        first.ok_or(SubmitError::Store(StoreError::Closed))
    }

    /// Stores all tasks or none.
    pub async fn submit_many(&self, tasks: Vec<NewTask>) -> Result<Vec<Inserted>, SubmitError> {
        submit(&self.0.shared, tasks, true).await
    }

    /// The task as it is now, without its payload, result and checkpoint.
    pub async fn get(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        self.read(id, Parts::NONE).await
    }

    /// The task with its result once it has ended, or as it is when `timeout` is over.
    pub async fn wait(&self, id: TaskId, timeout: Duration) -> Result<Option<Task>, StoreError> {
        let is_over = |task: &Task| task.status.is_terminal();
        self.wait_until(id, timeout, is_over).await
    }

    /// As [`Engine::wait`], but returns as soon as the task waits for an answer, too.
    pub async fn wait_or_asked(
        &self,
        id: TaskId,
        timeout: Duration,
    ) -> Result<Option<Task>, StoreError> {
        // Nobody has to answer a task that was told to end.
        let asks = |task: &Task| {
            task.status == Status::InputRequired && task.cancel_requested_at.is_none()
        };
        let is_news = |task: &Task| task.status.is_terminal() || asks(task);
        self.wait_until(id, timeout, is_news).await
    }

    async fn wait_until(
        &self,
        id: TaskId,
        timeout: Duration,
        is_over: impl Fn(&Task) -> bool,
    ) -> Result<Option<Task>, StoreError> {
        let until = later(Instant::now(), timeout);
        let guard = self.0.shared.waiters.register(id);
        loop {
            let mut told = std::pin::pin!(guard.wake().notified());
            told.as_mut().enable();
            let task = self.read(id, Parts::RESULT).await?;
            let over = task.as_ref().is_none_or(&is_over);
            if over || Instant::now() >= until {
                return Ok(task);
            }
            // Either way the task is read once more.
            let _ = tokio::time::timeout_at(until, told).await;
        }
    }

    /// Ends a task: at once if it is pending, else by telling its attempt to end.
    pub async fn cancel(&self, id: TaskId, reason: &str) -> Result<CancelReply, StoreError> {
        let replies = self.cancel_many(vec![id], reason).await?;
        Ok(replies.first().copied().unwrap_or(CancelReply::Missing))
    }

    /// Ends tasks as [`Engine::cancel`] does, in one commit. One reply each, in order.
    pub async fn cancel_many(
        &self,
        ids: Vec<TaskId>,
        reason: &str,
    ) -> Result<Vec<CancelReply>, StoreError> {
        let shared = &self.0.shared;
        let cancelled = shared.store.cancel(ids.clone(), reason, shared.now());
        let replies = cancelled.await?;
        for (id, reply) in ids.into_iter().zip(&replies) {
            if *reply == CancelReply::Requested {
                shared.held.cancel(id, Some(reason));
            }
        }
        Ok(replies)
    }

    /// Answers the question under a key of a task, for whoever asked it.
    pub async fn answer(
        &self,
        task: TaskId,
        key: &str,
        response: Json,
    ) -> Result<AppendReply, StoreError> {
        let shared = &self.0.shared;
        let append = Append {
            task,
            lease: None,
            entry: Entry::Answer {
                key: key.to_owned(),
                response,
            },
        };
        let replies = shared.store.append(vec![append], shared.now()).await?;
        Ok(replies.first().copied().unwrap_or(AppendReply::Missing))
    }

    /// Follows events and streamed answers from now on. A subscriber that falls behind is told so by its receiver.
    pub fn subscribe(&self) -> broadcast::Receiver<EngineEvent> {
        self.0.shared.subscribers.subscribe()
    }

    /// What the engine and its store know of themselves.
    pub async fn stats(&self) -> Result<EngineStats, StoreError> {
        gather(&self.0.shared).await
    }

    /// Pauses or resumes a queue, or changes its concurrency. Seen here at once, and by other engines within a second.
    pub async fn change_queue(
        &self,
        queue: &str,
        change: QueueChange,
    ) -> Result<QueueInfo, StoreError> {
        let shared = &self.0.shared;
        let info = shared
            .store
            .change_queue(queue, change, shared.now())
            .await?;
        shared.look.notify_one();
        Ok(info)
    }

    /// How much it does now.
    pub fn load(&self) -> EngineLoad {
        load(&self.0.shared)
    }

    /// Each queue that is configured, was changed, had a task or runs something, as this engine serves it.
    pub async fn queues(&self) -> Result<BTreeMap<Arc<str>, EngineQueue>, StoreError> {
        gather_queues(&self.0.shared).await
    }

    /// A queue that nobody changed and that runs nothing, as this engine would serve it.
    pub fn unchanged_queue(&self, name: &str) -> EngineQueue {
        EngineQueue::unchanged(name, &self.0.shared.settings)
    }

    /// Under which name it is among the workers.
    pub fn worker(&self) -> &WorkerId {
        &self.0.shared.worker.id
    }

    /// Every registered worker, and whether it lives as far as this process can tell.
    pub async fn workers(&self) -> Result<Vec<WorkerStatus>, StoreError> {
        workers::statuses(&self.0.shared).await
    }

    /// Where it stands.
    pub fn state(&self) -> EngineState {
        let ended = self.0.report.has_changed().is_err() || self.0.report.borrow().is_some();
        if ended {
            EngineState::Stopped
        } else if self.0.request.borrow().is_some() {
            EngineState::Stopping
        } else if self.0.shared.kinds.runs_any() {
            EngineState::Running
        } else {
            EngineState::HandsOff
        }
    }

    /// The store it runs on.
    pub fn store(&self) -> &Arc<dyn TaskStore> {
        &self.0.shared.store
    }

    /// How long finished tasks are kept that do not say so themselves.
    pub fn retention(&self) -> &Retention {
        &self.0.shared.settings.retention
    }

    /// Whom attempts are told.
    pub fn reporter(&self) -> &Arc<dyn InteractionReporter> {
        &self.0.shared.reporter
    }

    /// Every kind it takes, by name. They are shared, since some have large schemas.
    pub fn kinds(&self) -> Vec<Arc<KindSpec>> {
        self.0.shared.kinds.specs()
    }

    /// Whether it takes tasks of `kind`.
    pub fn knows(&self, kind: &str) -> bool {
        self.0.shared.kinds.get(kind).is_some()
    }

    /// What runs `kind` here.
    pub fn executor(&self, kind: &str) -> Option<Arc<dyn Executor>> {
        self.0.shared.kinds.get(kind)?.executor().cloned()
    }

    /// Runs the kind of `executor` from now on, as [`EngineBuilder::executor`] does from the start. Tasks of the kind that
    /// are in the store already are taken up at once. A kind that is known keeps what runs it, and this is refused.
    pub fn register(&self, executor: Arc<dyn Executor>) -> Result<(), EngineError> {
        let shared = &self.0.shared;
        shared.kinds.register(executor.kind(), Some(executor))
    }

    /// Whether the executor of `kind` can run here; `None` if there is none. An answer is up to ten seconds old.
    pub async fn availability(&self, kind: &str) -> Option<Availability> {
        self.0.shared.kinds.get(kind)?.availability().await
    }

    /// Every kind it takes, by name, and whether it can run here. Returns within `time`: an executor that needs longer to say
    /// is as it last was.
    pub async fn kind_statuses(&self, time: Duration) -> Vec<KindStatus> {
        self.0.shared.kinds.statuses(time).await
    }

    /// Stops claiming at once, waits up to `grace` for running attempts, then tells the rest to end and hands their
    /// tasks back. Attempts that wait for an answer are not waited for, and those that take long to end
    /// ([`crate::executor::Executor::time_to_end`]) are told at once. A second call waits for the first.
    pub async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        self.0.request.send_if_modified(|requested| {
            let first = requested.is_none();
            requested.get_or_insert(grace);
            first
        });
        let mut report = self.0.report.clone();
        // The dispatcher is gone without a report only when the runtime ends or the store was closed under it.
        let reported = report.wait_for(Option::is_some).await;
        reported.map_or_else(
            |_| ShutdownReport::default(),
            |report| report.unwrap_or_default(),
        )
    }

    async fn read(&self, id: TaskId, parts: Parts) -> Result<Option<Task>, StoreError> {
        let found = self.0.shared.store.get(&[id], parts).await?;
        Ok(found.into_iter().next().flatten())
    }
}
