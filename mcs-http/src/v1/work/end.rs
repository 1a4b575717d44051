use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Nothing, Optional, Query, TaskPath};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, IdForm, StatusName};
use axum::extract::State;
use axum::http::StatusCode;
use mcs_core::domain::{Status, TaskId};
use mcs_core::service::Scope;
use mcs_core::store::CancelReply;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::post("/api/v1/tasks/{id}/cancel", "cancelTask")
            .tag(Tag::Tasks)
            .needs(Scope::Write)
            .says("Ends a task.")
            .more(
                "One that waits is CANCELLED at once. Of one that runs its worker is asked to end it, and it is CANCELLED \
                 soon after. One that has finished stays as it is.",
            )
            .task_id()
            .optional_body::<CancelBody>()
            .example("with a reason", json!({"reason": "no longer needed"}))
            .answers::<CancelView>(200, "What was done."),
        cancel,
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Cancel")]
struct CancelBody {
    /// Why. It becomes the message of the task's error.
    #[schemars(length(max = 4096))]
    reason: Option<String>,
}

/// What became of a request to end a task.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Cancelled")]
struct CancelView {
    /// The task.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// `cancelled`: it is. `requested`: its worker is asked to end it. `finished`: it had finished before.
    outcome: CancelOutcome,
    /// Its status now. Left out where the caller may not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusName>,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum CancelOutcome {
    Cancelled,
    Requested,
    Finished,
}

/// What a task says that was ended without a reason.
const NO_REASON: &str = "cancelled on request";

async fn cancel(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    _: Query<Nothing>,
    Optional(body, ..): Optional<CancelBody>,
) -> Result<Answer<CancelView>, Problem> {
    let (tasks, who) = (app.service.tasks(), &caller.principal);
    let reason = body.reason.as_deref().unwrap_or(NO_REASON);
    let (outcome, status) = match tasks.cancel(who, id, reason).await? {
        CancelReply::Cancelled => (CancelOutcome::Cancelled, Some(Status::Cancelled)),
        CancelReply::Finished(status) => (CancelOutcome::Finished, Some(status)),
        _ if who.scopes.has(Scope::Read) => {
            let task = tasks.status(who, id).await?;
            (CancelOutcome::Requested, Some(task.status))
        }
        _ => (CancelOutcome::Requested, None),
    };
    let view = CancelView {
        id,
        outcome,
        status: status.map(StatusName),
    };
    Ok(Answer(StatusCode::OK, view))
}
