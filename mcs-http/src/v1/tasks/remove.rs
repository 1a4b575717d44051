use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Nothing, Query, TaskPath};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, IdForm};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::domain::TaskId;
use mcs_core::service::{Scope, ServiceError};
use mcs_core::store::CancelReply;
use schemars::JsonSchema;
use serde::Serialize;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::delete("/api/v1/tasks/{id}", "removeTask")
            .tag(Tag::Tasks)
            .needs(Scope::Write)
            .says("Cancels a task, or removes one that has finished.")
            .more("A finished task goes with its payload, its result and its log. What it added to the statistics stays.")
            .task_id()
            .query::<Nothing>()
            .answers::<Removal>(200, "It is cancelled, or removed.")
            .answers::<Removal>(202, "Its worker was asked to end it.")
            .refuses(&[409]),
        remove,
    )
}

/// What became of a task.
#[derive(Debug, Serialize, JsonSchema)]
struct Removal {
    /// The task.
    #[schemars(with = "IdForm")]
    id: TaskId,
    outcome: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Ending {
    /// It is cancelled and will not run.
    Cancelled,
    /// Its worker was asked to end it.
    Requested,
    /// It had finished, and is removed.
    Removed,
}

const REASON: &str = "deleted";

async fn remove(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    _: Query<Nothing>,
) -> Result<Response, Problem> {
    let tasks = app.service.tasks();
    let outcome = match tasks.cancel(&caller.principal, id, REASON).await? {
        CancelReply::Cancelled => Ending::Cancelled,
        CancelReply::Requested => Ending::Requested,
        CancelReply::Finished(_) => {
            tasks.remove(&caller.principal, id).await?;
            Ending::Removed
        }
        CancelReply::Missing => return Err(ServiceError::NotFound(id).into()),
    };
    let status = match outcome {
        Ending::Requested => StatusCode::ACCEPTED,
        Ending::Cancelled | Ending::Removed => StatusCode::OK,
    };
    Ok(Answer(status, Removal { id, outcome }).into_response())
}
