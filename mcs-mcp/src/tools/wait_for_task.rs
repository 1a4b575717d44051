use super::waiting::wait;
use super::{Effect, Tool, task_id};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::OutcomeView;
use mcs_core::config::ToolSet;
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// How long a call waits when it does not say, in seconds.
const DEFAULT_SECONDS: f64 = 30.0;

pub(crate) struct WaitForTask;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The task.
    task_id: String,
    /// Longest time to wait, in seconds. Default 30. Call again to wait longer.
    // As long as `waiting::LONGEST`.
    #[schemars(range(min = 0, max = 45))]
    timeout_seconds: Option<f64>,
}

impl Tool for WaitForTask {
    type Input = Input;
    type Output = OutcomeView;
    const NAME: &'static str = "wait_for_task";
    const TITLE: &'static str = "Wait for a task";
    const DESCRIPTION: &'static str = "Waits until a task has finished and returns its result as get_task_result \
        does. When it asks a question, or the time is up, it returns the status. The task goes on either way.";
    const SET: ToolSet = ToolSet::Core;
    const EFFECT: Effect = Effect::Reads;
    const PAGES: bool = true;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let id = task_id(&input.task_id)?;
        let timeout = Duration::from_secs_f64(input.timeout_seconds.unwrap_or(DEFAULT_SECONDS));
        wait(id, timeout, call).await
    }
}
