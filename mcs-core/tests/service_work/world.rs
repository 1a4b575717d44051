//! A service with an executor that asks, waits, and can be continued.

use async_trait::async_trait;
use mcs_core::domain::{Dispatch, InvalidInput, Json, NewTask, Status, Task, TaskId, TaskResult};
use mcs_core::engine::Engine;
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::provider::models::ModelTable;
use mcs_core::service::{NextRequest, Principal, Service, ServiceError};
use mcs_core::store::MemoryStore;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// Asks every question of its payload's `ask` at once, and returns the answers. With `wait` it waits to be told to end.
#[derive(Debug)]
struct Agent;

#[async_trait]
impl Executor for Agent {
    fn kind(&self) -> KindSpec {
        KindSpec::new("agent", "asks")
    }

    fn follow_up(&self, finished: &Task, prompt: &str) -> Result<NewTask, InvalidInput> {
        let Some(result) = &finished.result else {
            return Err(InvalidInput::new(
                "task_id",
                "has no session; create a new task",
            ));
        };
        let before: TaskResult = result.parse().unwrap();
        Ok(NewTask::new(
            "agent",
            json!({"say": prompt, "before": before.joined_text()}),
        ))
    }

    async fn clean_up(&self, finished: &Task) -> Result<Option<String>, ExecuteError> {
        match finished.category.as_deref() {
            Some("dirty") => Ok(Some("a work tree".into())),
            Some("stuck") => Err(ExecuteError::permanent(
                "the work tree has changes; keep them",
            )),
            _ => Ok(None),
        }
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload: Value = task.payload.as_ref().unwrap().parse().unwrap();
        if payload["wait"] == true {
            context.cancelled().await;
            return Err(ExecuteError::cancelled());
        }
        let questions = payload["ask"].as_object().cloned().unwrap_or_default();
        let asks = questions
            .into_iter()
            .map(|(key, request)| context.ask(key, request.into()));
        let answers = futures_util::future::join_all(asks).await;
        let texts = answers
            .into_iter()
            .map(|answer| answer.unwrap().as_str().to_owned());
        Ok(Outcome::Done(TaskResult::text(texts.collect::<String>())))
    }
}

pub(crate) async fn service() -> Service {
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::builder(store.clone())
        .executor(Agent)
        .executor(super::common::Upper)
        .executor(super::common::Broken)
        .kind(KindSpec::new("idle", "Waits for a worker elsewhere."))
        .start()
        .await
        .expect("the engine starts");
    Service::new(engine, store, ModelTable::builtin())
}

/// A task for the agent.
pub(crate) fn agent(payload: Value) -> NewTask {
    NewTask::new("agent", payload)
}

/// A task that a caller takes.
pub(crate) fn manual() -> NewTask {
    NewTask {
        dispatch: Dispatch::Manual,
        ..super::common::idle()
    }
}

pub(crate) fn next_as(worker: &str) -> NextRequest {
    NextRequest {
        worker_id: worker.into(),
        ..NextRequest::default()
    }
}

pub(crate) async fn create(service: &Service, who: &Principal, task: NewTask) -> TaskId {
    service.tasks().create(who, task).await.unwrap().id
}

/// The task once it has this status, as it is told by the store's own events.
pub(crate) async fn until(service: &Service, id: TaskId, status: Status) -> Task {
    let local = Principal::local();
    let seen = async {
        loop {
            let task = service.tasks().status(&local, id).await.unwrap();
            if task.status == status {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let limit = Duration::from_mins(1);
    tokio::time::timeout(limit, seen).await.expect("it comes")
}

pub(crate) fn json(value: Value) -> Json {
    value.into()
}

#[track_caller]
pub(crate) fn conflict<T: Debug>(answer: Result<T, ServiceError>) -> String {
    match answer {
        Err(ServiceError::Conflict { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn invalid<T: Debug>(answer: Result<T, ServiceError>) -> InvalidInput {
    match answer {
        Err(ServiceError::Invalid(refused)) => refused,
        other => panic!("{other:?}"),
    }
}
