use async_trait::async_trait;
use mcs_core::domain::{NewTask, Task, TaskEvent, TaskId, TaskResult};
use mcs_core::engine::Engine;
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::provider::models::ModelTable;
use mcs_core::service::{EventFilter, EventPlace, Followed, Principal, Service, TaskFollower};
use mcs_core::store::{MemoryStore, RecordStore, TaskStore};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A service whose tasks do nothing until they are let go on.
pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) store: Arc<dyn TaskStore>,
    pub(crate) steps: Arc<Semaphore>,
}

/// Says a word and a line at each step it is let, three times.
#[derive(Debug)]
struct Speaker(Arc<Semaphore>);

#[async_trait]
impl Executor for Speaker {
    fn kind(&self) -> KindSpec {
        KindSpec::new("speak", "Says something.")
    }

    async fn execute(&self, _: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        for word in ["one", "two", "three"] {
            self.0.acquire().await.unwrap().forget();
            context.delta(word);
            context.log(mcs_core::domain::LogLevel::Info, word).await;
        }
        Ok(Outcome::Done(TaskResult::text("done")))
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new())).await
    }

    pub(crate) async fn on<S: TaskStore + RecordStore>(store: Arc<S>) -> Self {
        let steps = Arc::new(Semaphore::new(0));
        let engine = Engine::builder(store.clone())
            .executor(Speaker(Arc::clone(&steps)))
            .kind(KindSpec::new("idle", "Runs elsewhere."))
            .start();
        let engine = engine.await.unwrap();
        Self {
            service: Service::new(engine, store.clone(), ModelTable::default()),
            store,
            steps,
        }
    }

    /// Follows as whoever started the process.
    pub(crate) async fn follow(
        &self,
        filter: EventFilter,
        after: Option<EventPlace>,
    ) -> TaskFollower {
        let local = Principal::local();
        let follower = self.service.tasks().follow(&local, filter, after).await;
        follower.unwrap()
    }

    /// Gives everybody a turn, so that what was stored is told to those who follow by now, and not to those who come later.
    pub(crate) async fn told(&self) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    /// Stores tasks in one commit.
    pub(crate) async fn add(&self, tasks: Vec<NewTask>) -> Vec<TaskId> {
        let stored = self.store.insert(tasks, None).await.unwrap();
        stored.iter().map(|stored| stored.id).collect()
    }
}

/// A task that nothing runs here.
pub(crate) fn idle(queue: &str) -> NewTask {
    NewTask::new("idle", json!({})).queue(queue)
}

/// The same for an owner.
pub(crate) fn owned(owner: &str) -> NewTask {
    NewTask {
        owner: owner.into(),
        ..idle("q")
    }
}

/// Events of one queue.
pub(crate) fn of_queue(queue: &str) -> EventFilter {
    EventFilter {
        queue: Some(queue.to_owned()),
        ..EventFilter::default()
    }
}

/// Events of one task.
pub(crate) fn of_task(task: TaskId) -> EventFilter {
    EventFilter {
        task: Some(task),
        ..EventFilter::default()
    }
}

/// The events that are told next.
#[track_caller]
pub(crate) fn events(told: Option<Followed>) -> Vec<(EventPlace, TaskEvent)> {
    match told {
        Some(Followed::Events(portion)) => {
            let events = portion.iter();
            events
                .map(|(place, event)| (place, event.clone()))
                .collect()
        }
        other => panic!("{other:?} is told"),
    }
}
