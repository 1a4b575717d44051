//! MCS inside a program: an executor of its own, a task, its result.
//!
//! `cargo run --example embed`. Nothing is kept here; name a database instead of `in_memory`, and it is.

use async_trait::async_trait;
use mcs_core::config::Config;
use mcs_core::domain::{Task, TaskResult};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::service::Principal;
use serde_json::json;
use std::time::Duration;

#[derive(Debug)]
struct Shout;

#[async_trait]
impl Executor for Shout {
    fn kind(&self) -> KindSpec {
        KindSpec::new("shout", "Answers in upper case.")
    }

    async fn execute(&self, task: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task.payload.as_ref().map_or("", |json| json.as_str());
        Ok(Outcome::Done(TaskResult::text(payload.to_uppercase())))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::in_memory();
    let service = mcs_core::builder(&config).executor(Shout).open().await?;
    let (tasks, me) = (service.tasks(), Principal::local());
    let task = service.new_task("shout", json!("hello, world"));
    let id = tasks.create(&me, task).await?.id;
    let task = tasks.wait(&me, id, Duration::from_secs(10)).await?;
    let answer = tasks.result(&me, id).await?.result;
    println!(
        "{id} {}: {}",
        task.status,
        answer.unwrap_or_default().joined_text()
    );
    service.shutdown(config.engine.shutdown_grace).await?;
    Ok(())
}
