use super::Empty;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Nothing, Optional, Query, TaskPath};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, TaskView};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::service::Scope;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::post("/api/v1/tasks/{id}/execute", "executeTask")
            .tag(Tag::Work)
            .needs(Scope::Execute)
            .says("Runs a stored task here and now.")
            .more(
                "It starts ahead of its queue, beyond the queue's concurrency and before its time, and the answer comes \
                 once it has started. A task that the caller took with `next` is run by the server then, and the \
                 caller's lease on it is over. Where the server cannot run it, a 409 says why and what to do about it, and \
                 the task stays as it is.",
            )
            .task_id()
            .optional_body::<Empty>()
            .answers::<TaskView<'static>>(202, "The task, which runs.")
            .refuses(&[409]),
        execute,
    )
}

async fn execute(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    _: Query<Nothing>,
    Optional(Empty {}, ..): Optional<Empty>,
) -> Result<Response, Problem> {
    let task = app.service.tasks().execute(&caller.principal, id).await?;
    Ok(Answer(StatusCode::ACCEPTED, TaskView::from(&task)).into_response())
}
