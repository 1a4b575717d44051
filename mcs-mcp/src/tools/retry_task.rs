use super::{Effect, Tool, reply, task_id};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::{StatusName, next_step};
use mcs_core::config::ToolSet;
use mcs_core::domain::{Status, TaskId};
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) struct RetryTask;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The finished task to do again.
    task_id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The new task.
    #[schemars(with = "String")]
    task_id: TaskId,
    /// Its status.
    status: StatusName,
    /// The task that it does again.
    #[schemars(with = "String")]
    retry_of: TaskId,
}

impl Tool for RetryTask {
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "retry_task";
    const TITLE: &'static str = "Retry a task";
    const DESCRIPTION: &'static str = "Makes a new task of a finished one, with the same work and a new task_id. The \
        finished one stays as it is. A completed prompt with `cache_ttl` is answered with its own result again while \
        that is young enough: to ask anew, call create_task without `cache_ttl`.";
    const SET: ToolSet = ToolSet::Core;
    const EFFECT: Effect = Effect::Starts;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let id = task_id(&input.task_id)?;
        let tasks = call.tasks();
        let new = tasks.retry(call.principal(), id).await?;
        // The task is there, so its id must get to the caller, also to one that may not read.
        let (status, next) = match tasks.get(call.principal(), new).await {
            Ok(task) => {
                let paused = call.is_paused(&task).await.unwrap_or_default();
                (task.status, next_step(&task, paused))
            }
            Err(error) => {
                tracing::debug!(task = %new, %error, "a new task is not shown");
                let next = "Call wait_for_task with its task_id for its result.";
                (Status::Pending, next.to_owned())
            }
        };
        let text = format!("Created task {new}, which does the work of {id} again. {next}");
        let output = Output {
            task_id: new,
            status: StatusName(status),
            retry_of: id,
        };
        reply(text, &output)
    }
}
