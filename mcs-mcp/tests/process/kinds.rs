//! What the server of the tests can do.

use crate::STUCK;
use async_trait::async_trait;
use mcs_core::config::Builder;
use mcs_core::domain::{Task, TaskResult};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use serde_json::json;

/// The kinds `long`, `patient`, `asking` and `failing`.
pub(crate) fn add(builder: Builder) -> Builder {
    builder
        .executor(Long)
        .executor(Patient)
        .executor(Asking)
        .executor(Failing)
}

/// A task that pays no heed to being told to end.
#[derive(Debug)]
struct Long;

#[async_trait]
impl Executor for Long {
    fn kind(&self) -> KindSpec {
        KindSpec::new("long", "outlives its server")
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        stay_if_stuck().await;
        Ok(Outcome::Done(TaskResult::text("finished after all")))
    }
}

/// Never returns in a server that is to be killed.
async fn stay_if_stuck() {
    if std::env::var_os(STUCK).is_some() {
        std::future::pending::<()>().await;
    }
}

/// Goes on until it is told to end.
#[derive(Debug)]
struct Patient;

#[async_trait]
impl Executor for Patient {
    fn kind(&self) -> KindSpec {
        KindSpec::new("patient", "waits for its end")
    }

    async fn execute(&self, _: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        context.cancelled().await;
        stay_if_stuck().await;
        Err(ExecuteError::cancelled())
    }
}

/// Asks, and answers with the answer.
#[derive(Debug)]
struct Asking;

#[async_trait]
impl Executor for Asking {
    fn kind(&self) -> KindSpec {
        KindSpec::new("asking", "asks a person")
    }

    async fn execute(&self, _: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let answer = context.ask("where", json!("Where to?").into()).await;
        stay_if_stuck().await;
        match answer {
            Ok(answer) => Ok(Outcome::Done(TaskResult::text(answer.as_str()))),
            Err(_) => Err(ExecuteError::cancelled()),
        }
    }
}

#[derive(Debug)]
struct Failing;

#[async_trait]
impl Executor for Failing {
    fn kind(&self) -> KindSpec {
        KindSpec::new("failing", "fails for good")
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        Err(ExecuteError::permanent("the dish is broken; buy another"))
    }
}
