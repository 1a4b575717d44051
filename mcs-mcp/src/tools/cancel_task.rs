use super::{Effect, Tool, reply, task_id};
use crate::call::Call;
use crate::handle::NO_REASON;
use crate::refusal::Refusal;
use crate::view::StatusName;
use mcs_core::config::ToolSet;
use mcs_core::domain::{Status, TaskId, check_text, limits};
use mcs_core::service::ServiceError;
use mcs_core::store::CancelReply;
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) struct CancelTask;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The task.
    task_id: String,
    /// Why, for whoever looks at the task later.
    reason: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The task.
    #[schemars(with = "String")]
    task_id: TaskId,
    /// Where it stands now.
    status: StatusName,
    /// Whether its worker was asked to end it and has not done so yet.
    cancel_requested: bool,
}

impl Tool for CancelTask {
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "cancel_task";
    const TITLE: &'static str = "Cancel a task";
    const DESCRIPTION: &'static str = "Ends a task. A pending one is cancelled at once; of a running one the worker \
        is asked to end it. A finished task stays as it is.";
    const SET: ToolSet = ToolSet::Core;
    const EFFECT: Effect = Effect::Ends;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let id = task_id(&input.task_id)?;
        let reason = input.reason.as_deref().unwrap_or(NO_REASON);
        check_text("reason", reason, limits::TEXT_BYTES)?;
        let (status, requested, text) =
            match call.tasks().cancel(call.principal(), id, reason).await? {
                CancelReply::Cancelled => (
                    Status::Cancelled,
                    false,
                    "It is cancelled and will not run.".to_owned(),
                ),
                CancelReply::Requested => {
                    let text = "Its worker was asked to end it. Call wait_for_task to see the end.";
                    // It was asked, also for a caller that may not read where it stands. It has a worker, so it runs.
                    let task = call.tasks().status(call.principal(), id).await;
                    let status = task.map_or(Status::Processing, |task| task.status);
                    (status, true, text.to_owned())
                }
                CancelReply::Finished(status) => {
                    let text =
                        format!("It had finished before as {status}, and nothing was changed.");
                    (status, false, text)
                }
                CancelReply::Missing => return Err(ServiceError::NotFound(id).into()),
            };
        let output = Output {
            task_id: id,
            status: StatusName(status),
            cancel_requested: requested,
        };
        reply(format!("Task {id}: {text}"), &output)
    }
}
