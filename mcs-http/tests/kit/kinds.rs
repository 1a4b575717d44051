//! Kinds of tasks that a test can tell the end of.

use super::agent::Agent;
use async_trait::async_trait;
use mcs_core::config::Builder;
use mcs_core::domain::{ErrorClass, LogLevel, Task, TaskResult};
use mcs_core::executor::{Availability, Context, ExecuteError, Executor, KindSpec, Outcome};
use serde_json::json;

/// `builder` with all of them, and with `idle`, which nothing runs here.
pub(crate) fn all(builder: Builder) -> Builder {
    builder
        .executor(Upper)
        .executor(Failing)
        .executor(Endless)
        .executor(Broken)
        .executor(Agent)
        .executor(Talker)
        .engine(|engine| engine.kind(KindSpec::new("idle", "Waits for a worker elsewhere.")))
}

/// Answers with its payload in upper case.
#[derive(Debug)]
struct Upper;

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

/// Fails for good.
#[derive(Debug)]
struct Failing;

#[async_trait]
impl Executor for Failing {
    fn kind(&self) -> KindSpec {
        KindSpec::new("failing", "Fails.")
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        Err(ExecuteError::new(
            ErrorClass::Permanent,
            "it was meant to fail",
        ))
    }
}

/// Runs until it is cancelled.
#[derive(Debug)]
struct Endless;

#[async_trait]
impl Executor for Endless {
    fn kind(&self) -> KindSpec {
        KindSpec::new("endless", "Runs until it is cancelled.")
    }

    async fn execute(&self, _: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        context.cancelled().await;
        Err(ExecuteError::new(ErrorClass::Cancelled, "it was cancelled"))
    }
}

/// Can never run.
#[derive(Debug)]
struct Broken;

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

/// Says each word of its payload's text: streams it, and writes a line.
#[derive(Debug)]
struct Talker;

#[async_trait]
impl Executor for Talker {
    fn kind(&self) -> KindSpec {
        KindSpec::new("talker", "Says each word.")
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task
            .payload
            .as_ref()
            .map_or("{}", |payload| payload.as_str());
        let payload: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
        let text = payload["text"].as_str().unwrap_or_default();
        for word in text.split(' ') {
            context.delta(word);
            context.log(LogLevel::Info, word).await;
        }
        Ok(Outcome::Done(TaskResult::text(text)))
    }
}
