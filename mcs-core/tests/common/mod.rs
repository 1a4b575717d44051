//! A service on a memory store, for tests of what it lets through.
#![allow(dead_code, reason = "not every test uses all of it")]

use async_trait::async_trait;
use mcs_core::domain::{NewTask, Task, TaskResult};
use mcs_core::engine::Engine;
use mcs_core::executor::{Availability, Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::provider::models::ModelTable;
use mcs_core::service::{Principal, Scopes, Service};
use mcs_core::store::MemoryStore;
use serde_json::json;
use std::sync::Arc;

/// Answers with `text` in upper case.
#[derive(Debug)]
pub(crate) struct Upper;

#[async_trait]
impl Executor for Upper {
    fn kind(&self) -> KindSpec {
        KindSpec::new("upper", "Answers in upper case.").with_schema(json!({
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
        }))
    }

    async fn execute(&self, task: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task.payload.as_ref().map_or("", |payload| payload.as_str());
        Ok(Outcome::Done(TaskResult::text(payload.to_uppercase())))
    }
}

/// Can never run.
#[derive(Debug)]
pub(crate) struct Broken;

#[async_trait]
impl Executor for Broken {
    fn kind(&self) -> KindSpec {
        KindSpec::new("broken", "Never runs.")
    }

    async fn check(&self) -> Availability {
        Availability::Unavailable {
            reason: "the tool is missing".into(),
            remedy: "install it".into(),
        }
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        Ok(Outcome::Release)
    }
}

/// The kinds `upper`, `broken`, and `idle`, which nothing runs here.
pub(crate) async fn service() -> Service {
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::builder(store.clone())
        .executor(Upper)
        .executor(Broken)
        .kind(KindSpec::new("idle", "Waits for a worker elsewhere."))
        .start()
        .await
        .expect("the engine starts");
    Service::new(engine, store, ModelTable::builtin())
}

pub(crate) fn user(name: &str) -> Principal {
    Principal::new(name, Scopes::USER)
}

/// A task that nothing runs here.
pub(crate) fn idle() -> NewTask {
    NewTask::new("idle", json!({"text": "x"}))
}

/// A task that is done soon.
pub(crate) fn upper(text: &str) -> NewTask {
    NewTask::new("upper", json!({"text": text}))
}
