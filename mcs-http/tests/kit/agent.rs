use async_trait::async_trait;
use mcs_core::domain::{InvalidInput, Json, NewTask, Task, TaskResult};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use serde_json::{Value, json};

/// Asks what its payload's `ask` says, and answers with the answer. It can be continued, and cleaned up after.
#[derive(Debug)]
pub(super) struct Agent;

#[async_trait]
impl Executor for Agent {
    fn kind(&self) -> KindSpec {
        KindSpec::new("agent", "Asks.")
    }

    fn follow_up(&self, finished: &Task, prompt: &str) -> Result<NewTask, InvalidInput> {
        if finished.result.is_none() {
            let problem = "has no session to go on with; create a new task";
            return Err(InvalidInput::new("task_id", problem));
        }
        Ok(NewTask::new("agent", json!({"say": prompt})))
    }

    async fn clean_up(&self, finished: &Task) -> Result<Option<String>, ExecuteError> {
        match finished.category.as_deref() {
            Some("dirty") => Ok(Some("a work tree".into())),
            Some("stuck") => Err(ExecuteError::permanent("the work tree has changes")),
            _ => Ok(None),
        }
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task.payload.as_ref().map(Json::parse);
        let payload: Value = payload.and_then(Result::ok).unwrap_or_default();
        let text = match payload.get("ask") {
            Some(question) => {
                let answer = context.ask("question", question.clone().into()).await;
                let answer = answer.map_err(|error| ExecuteError::transient(error.to_string()))?;
                answer.as_str().to_owned()
            }
            None => payload["say"].as_str().unwrap_or_default().to_owned(),
        };
        Ok(Outcome::Done(TaskResult::text(text)))
    }
}
