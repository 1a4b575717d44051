use super::waiting::{self, wait};
use super::{Effect, Tool, reply, task_id};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::{StatusName, headline};
use mcs_core::config::ToolSet;
use mcs_core::domain::TaskId;
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) struct ExecuteTask;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The PENDING task to run.
    task_id: String,
    /// Wait for its end, at most 45 seconds, and return what `wait_for_task` returns. Default: if the client follows tasks.
    wait: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The task.
    #[schemars(with = "String")]
    task_id: TaskId,
    /// Where it stands now.
    status: StatusName,
    /// Attempts so far, the one that has begun included. Left out after waiting.
    #[schemars(with = "Option<u32>")]
    attempt: u32,
}

impl Tool for ExecuteTask {
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "execute_task";
    const TITLE: &'static str = "Run a task now";
    const DESCRIPTION: &'static str = "Runs a stored PENDING task here and now, ahead of its queue and before its time, \
        and returns at once, or with `wait` its end. For tasks with `dispatch` manual, and for those that cannot wait; \
        others start by themselves.";
    const SET: ToolSet = ToolSet::Standard;
    const EFFECT: Effect = Effect::Starts;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let id = task_id(&input.task_id)?;
        let task = call.tasks().execute(call.principal(), id).await?;
        if input.wait.unwrap_or_else(|| call.takes_tasks()) {
            match wait(id, waiting::LONGEST, call).await {
                Ok(answer) => return Ok(answer),
                // It runs already, and that is what its caller has to know.
                Err(refusal) => tracing::debug!(task = %id, %refusal, "nothing to wait for"),
            }
        }
        let text = format!("{} Call wait_for_task for its result.", headline(&task));
        let output = Output {
            task_id: task.id,
            status: StatusName(task.status),
            attempt: task.attempt,
        };
        reply(text, &output)
    }
}
