use super::{Effect, Tool, task_id};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::{OutcomeView, Part, Slice, outcome};
use mcs_core::config::ToolSet;
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) struct GetTaskResult;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The task.
    task_id: String,
    /// Where to go on in a large result: the `next_offset` of the answer before, in bytes. Default 0.
    #[schemars(range(min = 0))]
    offset: Option<usize>,
    /// Read the text (default) or the structured value of a large result.
    #[schemars(with = "Option<Part>")]
    part: Option<String>,
}

impl Tool for GetTaskResult {
    type Input = Input;
    type Output = OutcomeView;
    const NAME: &'static str = "get_task_result";
    const TITLE: &'static str = "Read a task's result";
    const DESCRIPTION: &'static str = "Returns the result of a finished task, at most 32 KiB at a time. Of a task \
        that has not finished it returns the status and what to do next.";
    const SET: ToolSet = ToolSet::Core;
    const EFFECT: Effect = Effect::Reads;
    const PAGES: bool = true;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let id = task_id(&input.task_id)?;
        let slice = Slice {
            part: input.part.as_deref().map(Part::named).unwrap_or_default(),
            offset: input.offset.unwrap_or(0),
        };
        let found = call.tasks().result(call.principal(), id).await?;
        let paused = call.is_paused(&found.task).await?;
        outcome(&found.task, found.result.as_ref(), slice, paused).map(Into::into)
    }
}
