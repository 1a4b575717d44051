//! What the tests share: an executor made of a closure, and a clock that goes with tokio's.

use async_trait::async_trait;
use mcs_core::clock::Clock;
use mcs_core::domain::{Dispatch, NewTask, Status, Task, TaskId, TaskResult, Timestamp};
use mcs_core::engine::{Engine, EngineBuilder};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::store::MemoryStore;
use mcs_core::store::{Parts, TaskStore};
use serde_json::{Value, json};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub(crate) type Execution<'a> =
    Pin<Box<dyn Future<Output = Result<Outcome, ExecuteError>> + Send + 'a>>;

/// Longer than anything takes. Paused time passes it at once.
pub(crate) const LONG: Duration = Duration::from_hours(1);

/// An executor that runs a closure.
pub(crate) struct Runs<F> {
    spec: KindSpec,
    time_to_end: Option<Duration>,
    run: F,
}

pub(crate) fn runs<F>(kind: &str, run: F) -> Runs<F>
where
    F: for<'a> Fn(&'a Task, &'a Context) -> Execution<'a> + Send + Sync + 'static,
{
    let spec = KindSpec::new(kind, "runs a closure");
    Runs {
        spec,
        time_to_end: None,
        run,
    }
}

impl<F> Runs<F> {
    pub(crate) fn schema(mut self, schema: Value) -> Self {
        self.spec = self.spec.with_schema(schema);
        self
    }

    pub(crate) fn time_to_end(mut self, time: Duration) -> Self {
        self.time_to_end = Some(time);
        self
    }
}

impl<F> fmt::Debug for Runs<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runs").field(&self.spec.name).finish()
    }
}

#[async_trait]
impl<F> Executor for Runs<F>
where
    F: for<'a> Fn(&'a Task, &'a Context) -> Execution<'a> + Send + Sync + 'static,
{
    fn kind(&self) -> KindSpec {
        self.spec.clone()
    }

    fn time_to_end(&self) -> Option<Duration> {
        self.time_to_end
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        (self.run)(task, context).await
    }
}

/// An executor of the kind `noop` whose work is done at once.
pub(crate) fn noop() -> impl Executor {
    runs("noop", |_, _| Box::pin(async { Ok(done("ok")) }))
}

/// An executor of the kind `hang` that ends when it is told to.
pub(crate) fn hang() -> impl Executor {
    runs("hang", |_, context| {
        Box::pin(async {
            context.cancelled().await;
            Err(ExecuteError::cancelled())
        })
    })
}

/// An executor of the kind `deaf` that never ends.
pub(crate) fn deaf() -> impl Executor {
    runs("deaf", |_, _| Box::pin(std::future::pending()))
}

pub(crate) fn done(text: &str) -> Outcome {
    Outcome::Done(TaskResult::text(text))
}

pub(crate) fn task(kind: &str) -> NewTask {
    NewTask::new(kind, json!({}))
}

/// A task that a caller takes.
pub(crate) fn manual(kind: &str) -> NewTask {
    NewTask {
        dispatch: Dispatch::Manual,
        ..task(kind)
    }
}

/// Wall-clock time that goes with tokio's, so that paused time moves both.
#[derive(Debug)]
pub(crate) struct TokioClock(Instant);

impl TokioClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_798_761_600_000).plus(self.0.elapsed())
    }
}

/// A store, and the clock of everything that runs on it.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<TokioClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            store: Arc::default(),
            clock: TokioClock::new(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn after(&self, millis: u64) -> Timestamp {
        self.now().plus(Duration::from_millis(millis))
    }

    pub(crate) fn builder(&self) -> EngineBuilder {
        let store: Arc<dyn TaskStore> = self.store.clone();
        Engine::builder(store).clock(self.clock.clone())
    }

    pub(crate) async fn insert(&self, task: NewTask) -> TaskId {
        let inserted = self.store.insert(vec![task], Some(self.now())).await;
        inserted.unwrap()[0].id
    }

    pub(crate) async fn get(&self, id: TaskId) -> Task {
        let found = self.store.get(&[id], Parts::ALL).await.unwrap();
        found
            .into_iter()
            .next()
            .flatten()
            .expect("the task is stored")
    }

    /// Waits until the task has this status, without the engine's help.
    pub(crate) async fn until(&self, id: TaskId, status: Status) -> Task {
        self.until_seen(id, |task| task.status == status).await
    }

    pub(crate) async fn until_seen(&self, id: TaskId, seen: impl Fn(&Task) -> bool) -> Task {
        let give_up = Instant::now() + LONG;
        loop {
            let task = self.get(id).await;
            if seen(&task) {
                return task;
            }
            assert!(Instant::now() < give_up, "it never came: {task:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

pub(crate) trait EngineExt {
    /// Submits a task and waits for its end.
    async fn run(&self, task: NewTask) -> Task;
    /// Waits for the end of a task.
    async fn end_of(&self, id: TaskId) -> Task;
}

impl EngineExt for Engine {
    async fn run(&self, task: NewTask) -> Task {
        let id = self.submit(task).await.unwrap().id;
        self.end_of(id).await
    }

    async fn end_of(&self, id: TaskId) -> Task {
        let task = self.wait(id, LONG).await.unwrap().expect("it is stored");
        assert!(task.status.is_terminal(), "it has not ended: {task:?}");
        task
    }
}

/// The text of a task's result.
pub(crate) fn text_of(task: &Task) -> String {
    let result: TaskResult = task.result.as_ref().expect("a result").parse().unwrap();
    result.joined_text()
}
