use super::{Empty, of_path};
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Checked, Mount, Nothing, Optional, Query, TaskPath, Trace};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, IdForm};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::domain::TaskId;
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            Operation::post("/api/v1/tasks/{id}/retry", "retryTask")
                .tag(Tag::Tasks)
                .needs(Scope::Write)
                .says("Makes a new task with the inputs of one that has finished.")
                .task_id()
                .header(Trace::HEADER, Trace::MEANING)
                .optional_body::<Empty>()
                .answers::<RetryView>(201, "The new task.")
                .sets("Location", "The new task.")
                .refuses(&[409]),
            retry,
        )
        .route(
            Operation::post("/api/v1/tasks/{id}/continue", "continueTask")
                .tag(Tag::Tasks)
                .needs(Scope::Write)
                .says("Makes a new task that goes on where a finished one ended.")
                .more("Such as with another prompt in the same session of Claude Code.")
                .task_id()
                .header(Trace::HEADER, Trace::MEANING)
                .body::<ContinueBody>()
                .example("go on", json!({"prompt": "Now write the tests."}))
                .answers::<ContinueView>(201, "The new task.")
                .sets("Location", "The new task.")
                .refuses(&[409]),
            go_on,
        )
        .route(
            Operation::post("/api/v1/tasks/{id}/cleanup", "cleanUpTask")
                .tag(Tag::Tasks)
                .needs(Scope::Write)
                .says("Removes what a finished task left outside of the store, such as a git worktree.")
                .more("A worktree with changes that are in no commit stays, and a 409 says so.")
                .task_id()
                .optional_body::<Empty>()
                .answers::<CleanUpView>(200, "It is gone, or there was nothing.")
                .refuses(&[409]),
            clean_up,
        )
}

/// A task that was made of another.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Retried")]
struct RetryView {
    /// The new task.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// The task that it tries again.
    #[schemars(with = "IdForm")]
    retry_of: TaskId,
}

/// A task that goes on where another ended.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Continued")]
struct ContinueView {
    /// The new task.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// The task that it goes on with.
    #[schemars(with = "IdForm")]
    continues: TaskId,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Continue")]
struct ContinueBody {
    /// What to do next.
    prompt: String,
}

/// What was removed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CleanedUp")]
struct CleanUpView {
    /// The task.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// What was removed, in words. Left out where nothing was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<String>,
}

async fn retry(
    State(app): State<App>,
    caller: Caller,
    TaskPath(retry_of): TaskPath,
    _: Query<Nothing>,
    trace: Trace,
    mount: Mount,
    Optional(Empty {}, ..): Optional<Empty>,
) -> Result<Response, Problem> {
    let tasks = app.service.tasks().in_trace(trace.0);
    let id = tasks.retry(&caller.principal, retry_of).await?;
    Ok(made(&mount, id, RetryView { id, retry_of }))
}

async fn go_on(
    State(app): State<App>,
    caller: Caller,
    TaskPath(continues): TaskPath,
    _: Query<Nothing>,
    trace: Trace,
    mount: Mount,
    Checked(body, ..): Checked<ContinueBody>,
) -> Result<Response, Problem> {
    let tasks = app.service.tasks().in_trace(trace.0);
    let id = tasks.follow_up(&caller.principal, continues, &body.prompt);
    let id = id.await.map_err(of_path)?;
    Ok(made(&mount, id, ContinueView { id, continues }))
}

fn made(mount: &Mount, id: TaskId, view: impl Serialize) -> Response {
    (mount.location(id), Answer(StatusCode::CREATED, view)).into_response()
}

async fn clean_up(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    _: Query<Nothing>,
    Optional(Empty {}, ..): Optional<Empty>,
) -> Result<Answer<CleanUpView>, Problem> {
    let tasks = app.service.tasks();
    let removed = tasks.clean_up(&caller.principal, id);
    let removed = removed.await.map_err(of_path)?;
    Ok(Answer(StatusCode::OK, CleanUpView { id, removed }))
}
