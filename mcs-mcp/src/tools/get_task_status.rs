use super::{Effect, Tool, reply, task_id};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::{TaskView, headline, next_step};
use mcs_core::config::ToolSet;
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) struct GetTaskStatus;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The task.
    task_id: String,
}

impl Tool for GetTaskStatus {
    type Input = Input;
    type Output = TaskView;
    const NAME: &'static str = "get_task_status";
    const TITLE: &'static str = "Look at a task";
    const DESCRIPTION: &'static str = "Returns where a task stands and everything known of it but its result: \
        progress, attempts, error, usage, payload, times.";
    const SET: ToolSet = ToolSet::Core;
    const EFFECT: Effect = Effect::Reads;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let id = task_id(&input.task_id)?;
        let task = call.tasks().get(call.principal(), id).await?;
        let paused = call.is_paused(&task).await?;
        let text = format!("{} {}", headline(&task), next_step(&task, paused));
        reply(text, &TaskView::from(&task))
    }
}
