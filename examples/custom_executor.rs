//! A kind of task of one's own: its payload has a schema, it says how far it is, goes on after a restart where it was,
//! and ends when it is cancelled. `cargo run --example custom_executor`

use async_trait::async_trait;
use mcs_core::config::{Config, Database};
use mcs_core::domain::{Json, Task, TaskResult};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::service::Principal;
use serde_json::{Value, json};
use std::error::Error;
use std::time::Duration;

/// Counts to a number, a step every few milliseconds.
#[derive(Debug)]
struct Count;

const STEP: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(10);

#[async_trait]
impl Executor for Count {
    fn kind(&self) -> KindSpec {
        // What does not fit the schema is refused before it is stored.
        KindSpec::new("count", "Counts from 1 to a number.").with_schema(json!({
            "type": "object",
            "properties": {"to": {"type": "integer", "minimum": 1, "maximum": 10_000}},
            "required": ["to"],
        }))
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let to = number(task.payload.as_ref(), "to");
        // An attempt before this one, in this process or another, may have come this far.
        let from = number(task.checkpoint.as_ref(), "done");
        for done in from + 1..=to {
            tokio::select! {
                () = tokio::time::sleep(STEP) => {}
                () = context.cancelled() => return Err(ExecuteError::cancelled()),
            }
            let percent = 100.0 * f32::from(done) / f32::from(to);
            context.progress(Some(percent), format!("{done} of {to}"));
            let stored = context.checkpoint(json!({"done": done}).into()).await;
            stored.map_err(|error| ExecuteError::transient(error.to_string()))?;
        }
        let text = format!("counted from {from} to {to}");
        Ok(Outcome::Done(TaskResult::text(text)))
    }
}

fn number(json: Option<&Json>, key: &str) -> u16 {
    let value = json.and_then(|json| json.parse::<Value>().ok());
    let number = value.and_then(|value| value[key].as_u64());
    number.map_or(0, |number| u16::try_from(number).unwrap_or(u16::MAX))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let config = Config {
        database: Database::File(directory.path().join("tasks.db")),
        ..Config::default()
    };
    let me = Principal::local();
    let first = mcs_core::builder(&config).executor(Count).open().await?;
    let wrong = first.new_task("count", json!({"to": "ten"}));
    if let Err(error) = first.tasks().create(&me, wrong).await {
        println!("refused: {error}");
    }
    let task = first.new_task("count", json!({"to": 50}));
    let id = first.tasks().create(&me, task).await?.id;
    let half = first.tasks().wait(&me, id, STEP * 25).await?;
    println!("{}, and the service ends in the middle of it", half.status);
    first.shutdown(Duration::ZERO).await?;

    let second = mcs_core::builder(&config).executor(Count).open().await?;
    let done = second.tasks().wait(&me, id, LONG).await?;
    let result = second.tasks().result(&me, id).await?.result;
    let text = result.unwrap_or_default().joined_text();
    println!("{} by another service: {text}", done.status);

    let long = second.new_task("count", json!({"to": 10_000}));
    let id = second.tasks().create(&me, long).await?.id;
    second.tasks().wait(&me, id, STEP * 5).await?;
    second
        .tasks()
        .cancel(&me, id, "nobody waits for it")
        .await?;
    let ended = second.tasks().wait(&me, id, LONG).await?;
    println!("{}, because nobody waits for it", ended.status);
    second.shutdown(Duration::ZERO).await?;
    Ok(())
}
