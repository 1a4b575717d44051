use super::{Effect, Tool, reply, task_id};
use crate::call::Call;
use crate::refusal::Refusal;
use mcs_core::config::ToolSet;
use mcs_core::domain::TaskId;
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) struct RemoveWorktree;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The finished task.
    task_id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The task.
    #[schemars(with = "String")]
    task_id: TaskId,
    /// What was removed; left out if nothing was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<String>,
}

impl Tool for RemoveWorktree {
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "remove_worktree";
    const TITLE: &'static str = "Remove a task's worktree";
    const DESCRIPTION: &'static str = "Removes what a finished task left on the disk: the git worktree it worked in. \
        What is not committed there is lost; the branch stays.";
    const SET: ToolSet = ToolSet::All;
    const EFFECT: Effect = Effect::Ends;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let id = task_id(&input.task_id)?;
        let removed = call.tasks().clean_up(call.principal(), id).await?;
        let text = match &removed {
            Some(removed) => format!("Task {id}: {removed}."),
            None => format!("Task {id} left nothing that could be removed."),
        };
        let output = Output {
            task_id: id,
            removed,
        };
        reply(text, &output)
    }
}
