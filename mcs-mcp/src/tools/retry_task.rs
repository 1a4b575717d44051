use super::{Effect, Tool, reply, task_id};
use crate::refusal::Refusal;
use crate::server::Call;
use crate::view::StatusName;
use mcs_core::config::ToolSet;
use mcs_core::domain::{Status, TaskId};
use rmcp::model::CallToolResult;
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
        finished one stays as it is.";
    const SET: ToolSet = ToolSet::Core;
    const EFFECT: Effect = Effect::Starts;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResult, Refusal> {
        let id = task_id(&input.task_id)?;
        let new = call.tasks().retry(call.principal(), id).await?;
        let text = format!(
            "Created task {new}, which does the work of {id} again. \
             Call wait_for_task with the new task_id for its result."
        );
        let output = Output {
            task_id: new,
            status: StatusName(Status::Pending),
            retry_of: id,
        };
        reply(text, &output)
    }
}
