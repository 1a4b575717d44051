use super::{Effect, Tool, reply, task_id};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::StatusName;
use mcs_core::config::ToolSet;
use mcs_core::domain::{Status, TaskId};
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) struct ContinueTask;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The finished task whose session goes on.
    task_id: String,
    /// What to say next in the session.
    prompt: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The new task.
    #[schemars(with = "String")]
    task_id: TaskId,
    /// Its status.
    status: StatusName,
    /// The task whose session it goes on with.
    #[schemars(with = "String")]
    continues: TaskId,
}

impl Tool for ContinueTask {
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "continue_task";
    const TITLE: &'static str = "Continue a task";
    const DESCRIPTION: &'static str = "Makes a new task that goes on in the session of a finished one, such as a run of \
        Claude Code, with another prompt. It knows what was said and done before.";
    const SET: ToolSet = ToolSet::Standard;
    const EFFECT: Effect = Effect::Starts;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let id = task_id(&input.task_id)?;
        let tasks = call.tasks();
        let new = tasks.follow_up(call.principal(), id, &input.prompt).await?;
        let text = format!(
            "Created task {new}, which goes on where {id} ended. \
             Call wait_for_task with the new task_id for its result."
        );
        let output = Output {
            task_id: new,
            status: StatusName(Status::Pending),
            continues: id,
        };
        reply(text, &output)
    }
}
