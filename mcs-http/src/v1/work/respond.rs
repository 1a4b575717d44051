use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Checked, Nothing, Query, TaskPath};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, IdForm};
use axum::extract::State;
use axum::http::StatusCode;
use mcs_core::domain::{Json, TaskId};
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::post("/api/v1/tasks/{id}/respond", "respondToTask")
            .tag(Tag::Tasks)
            .needs(Scope::Write)
            .says("Answers a question of a task that is INPUT_REQUIRED.")
            .more(
                "The questions are in the task's `input_requests`. A tool that wants to be approved takes \
                 `{\"decision\": \"allow\"}`, `\"allow_always\"` or `\"deny\"`, the last with a `reason` if there is one; any \
                 other question takes any JSON.",
            )
            .task_id()
            .body::<RespondBody>()
            .example("allow", json!({"response": {"decision": "allow"}}))
            .example("deny", json!({"response": {"decision": "deny", "reason": "not in this directory"}}))
            .answers::<RespondView>(200, "The question with its answer.")
            .refuses(&[409]),
        respond,
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Respond")]
struct RespondBody {
    /// Which question. Left out: the one that is open.
    key: Option<String>,
    /// The answer.
    #[schemars(with = "Value")]
    response: Json,
}

/// A question and its answer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Responded")]
struct RespondView {
    /// The task.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// The name of the question.
    key: String,
    /// What was asked.
    #[schemars(with = "Value")]
    request: Json,
    /// The answer.
    #[schemars(with = "Value")]
    response: Json,
}

async fn respond(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    _: Query<Nothing>,
    Checked(body, ..): Checked<RespondBody>,
) -> Result<Answer<RespondView>, Problem> {
    let (tasks, key) = (app.service.tasks(), body.key.as_deref());
    let response = body.response;
    let asked = tasks.respond(&caller.principal, id, key, response.clone());
    let asked = asked.await?;
    let view = RespondView {
        id,
        key: asked.key,
        request: asked.request,
        response,
    };
    Ok(Answer(StatusCode::OK, view))
}
