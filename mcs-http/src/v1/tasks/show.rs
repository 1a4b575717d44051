use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Query, TaskPath};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, Selected, Selection};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v1/tasks/{id}", "getTask")
            .tag(Tag::Tasks)
            .needs(Scope::Read)
            .says("A task with its payload.")
            .task_id()
            .query::<ShowQuery>()
            .answers::<Selected<'static>>(200, "The task."),
        show,
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowQuery {
    /// The fields to show, with commas between them, such as `id,status`. Left out: all.
    fields: Option<String>,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    Query(query): Query<ShowQuery>,
) -> Result<Response, Problem> {
    let selection = Selection::parse(query.fields.as_deref())?;
    let tasks = app.service.tasks();
    let task = if selection.has("payload") {
        tasks.get(&caller.principal, id).await?
    } else {
        tasks.status(&caller.principal, id).await?
    };
    Ok(Answer(StatusCode::OK, selection.of(&task)).into_response())
}
