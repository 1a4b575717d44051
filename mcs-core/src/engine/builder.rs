use super::dispatcher::Dispatcher;
use super::dues::Dues;
use super::handle::Handle;
use super::held::Held;
use super::kinds::KindRegistry;
use super::named::REQUEST_BUFFER;
use super::questions::Questions;
use super::queues::Queues;
use super::settings::Settings;
use super::shared::{SUBSCRIBER_BUFFER, Shared};
use super::shutdown::Drain;
use super::signals::{SIGNAL_BUFFER, Signals};
use super::waiters::Waiters;
use super::wakes::Wakes;
use super::{
    Engine, EngineError, follower, leases, process, promoter, reaper, retention, surroundings,
};
use crate::clock::Clock;
use crate::domain::{Retention, RetryPolicy};
use crate::executor::{Batch, Executor, KindSpec};
use crate::reporter::{InteractionReporter, NoopReporter};
use crate::store::TaskStore;
use crate::telemetry::EngineMeters;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

/// What an engine is made of. Made by [`Engine::builder`].
#[derive(Debug)]
pub struct EngineBuilder {
    store: Arc<dyn TaskStore>,
    executors: Vec<Arc<dyn Executor>>,
    kinds: Vec<KindSpec>,
    settings: Settings,
    reporter: Arc<dyn InteractionReporter>,
    clock: Option<Arc<dyn Clock>>,
}

impl EngineBuilder {
    pub(super) fn new(store: Arc<dyn TaskStore>) -> Self {
        Self {
            executors: vec![Arc::new(Batch::new(Arc::clone(&store)))],
            store,
            kinds: Vec::new(),
            settings: Settings::default(),
            reporter: Arc::new(NoopReporter),
            clock: None,
        }
    }

    /// Runs the kind of `executor`.
    pub fn executor(self, executor: impl Executor) -> Self {
        self.executor_arc(Arc::new(executor))
    }

    /// Runs the kind of `executor`.
    pub fn executor_arc(mut self, executor: Arc<dyn Executor>) -> Self {
        self.executors.push(executor);
        self
    }

    /// Takes tasks of a kind that nothing here runs.
    pub fn kind(mut self, spec: KindSpec) -> Self {
        self.kinds.push(spec);
        self
    }

    /// Leaves the tasks of the store to other processes: runs none, takes none of the kinds that were added before, and
    /// removes none whose retention is over.
    pub fn hands_off(mut self) -> Self {
        self.executors.clear();
        self.kinds.clear();
        self.retention(Retention::FOREVER)
    }

    /// Runs at most `concurrency` tasks of `queue` at a time.
    pub fn queue(mut self, queue: impl Into<String>, concurrency: usize) -> Self {
        self.settings.queues.insert(queue.into(), concurrency);
        self
    }

    /// Runs at most `concurrency` tasks at a time of each queue without a concurrency of its own; 10 by default.
    pub fn default_concurrency(mut self, concurrency: usize) -> Self {
        self.settings.default_concurrency = concurrency;
        self
    }

    /// Lets so many attempts wait for answers beside those that run; 100 by default. Further ones keep their queue's
    /// slot while they wait.
    pub fn max_waiting(mut self, most: usize) -> Self {
        self.settings.max_waiting = most;
        self
    }

    /// How long a lease lasts; 30 s by default.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How often leases are extended; 10 s by default, and at most a third of a lease.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.settings.heartbeat = heartbeat;
        self
    }

    /// How tasks without a policy of their own are tried again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// How long an attempt may take unless its task says; 10 minutes by default.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.settings.attempt_timeout = timeout;
        self
    }

    /// How long an attempt that was told to end may take until its future is dropped; 5 s by default.
    pub fn cancel_grace(mut self, grace: Duration) -> Self {
        self.settings.cancel_grace = grace;
        self
    }

    /// How long finished tasks and events are kept.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.settings.retention = retention;
        self
    }

    /// Tells `reporter` of every attempt.
    pub fn reporter(mut self, reporter: Arc<dyn InteractionReporter>) -> Self {
        self.reporter = reporter;
        self
    }

    /// Takes the time from `clock` and gives it to the store, instead of leaving it to the store's own clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Registers as a worker, takes back what dead workers left, and starts to run tasks. Needs a tokio runtime.
    pub async fn start(self) -> Result<Engine, EngineError> {
        self.settings.check()?;
        let kinds = KindRegistry::default();
        for executor in self.executors {
            kinds.register(executor.kind(), Some(executor))?;
        }
        for spec in self.kinds {
            kinds.register(spec, None)?;
        }
        let (signals, signalled) = mpsc::channel(SIGNAL_BUFFER);
        let shared = Arc::new(Shared {
            store: self.store,
            kinds,
            settings: self.settings,
            reporter: self.reporter,
            meters: EngineMeters::new(),
            clock: self.clock,
            worker: process::this_worker(),
            held: Held::default(),
            wakes: Wakes::default(),
            dues: Dues::default(),
            waiters: Waiters::default(),
            questions: Questions::default(),
            look: Notify::new(),
            signals,
            subscribers: broadcast::channel(SUBSCRIBER_BUFFER).0,
            stop: CancellationToken::new(),
        });
        // Before anything is read, so that nothing which happens meanwhile is missed.
        let events = shared.store.subscribe();
        shared.store.beat(&shared.worker, shared.now()).await?;
        reaper::reap_once(&shared).await?;
        let mut queues = Queues::new(&shared.settings);
        queues.set_infos(&shared.store.queues().await?, &shared.settings);

        let (request, requested) = watch::channel(None);
        let (done, report) = watch::channel(None);
        let (named, requests) = mpsc::channel(REQUEST_BUFFER);
        let drain = Drain::new(requested, done);
        tokio::spawn(Dispatcher::new(Arc::clone(&shared), queues, requests, drain).run());
        tokio::spawn(Signals::new(Arc::clone(&shared), signalled).run());
        tokio::spawn(follower::follow(Arc::clone(&shared), events));
        tokio::spawn(promoter::promote(Arc::clone(&shared)));
        tokio::spawn(leases::beat(Arc::clone(&shared)));
        tokio::spawn(reaper::reap(Arc::clone(&shared)));
        tokio::spawn(surroundings::watch_kinds(Arc::clone(&shared)));
        tokio::spawn(surroundings::watch_queues(Arc::clone(&shared)));
        tokio::spawn(retention::purge(Arc::clone(&shared)));
        Ok(Engine(Arc::new(Handle::new(
            shared, named, request, report,
        ))))
    }
}
