use crate::access::Caller;
use crate::app::App;
use crate::live::take_place;
use crate::problem::Problem;
use crate::request::{Query, TaskPath};
use crate::route::{Operation, Routes, Tag};
use crate::v1::longest_wait;
use crate::view::{Answer, ErrorView, IdForm, ResultForm, StatusName, UsageView};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::domain::{InvalidInput, Json, Task, TaskId};
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v1/tasks/{id}/result", "getResult")
            .tag(Tag::Tasks)
            .needs(Scope::Read)
            .says("The result of a task, waiting for it if asked to.")
            .more(
                "A task that has not finished is no error: `finished` is false, and there is no `result`. Ask again, with \
                 `wait` to be answered as soon as it has finished.",
            )
            .task_id()
            .query::<ResultQuery>()
            .answers::<Outcome<'static>>(200, "Where the task stands, with its result if it has one."),
        result,
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResultQuery {
    /// Wait so many seconds for the task to finish, or as long as the server lets a request take, if that is less.
    #[schemars(range(min = 0, max = 3600))]
    wait: Option<f64>,
}

/// A task's end, or that it has not come.
#[derive(Debug, Serialize, JsonSchema)]
struct Outcome<'a> {
    /// The task.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// Where it stands.
    status: StatusName,
    /// Whether that is its last status.
    finished: bool,
    /// What it answers, once it has completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ResultForm>")]
    result: Option<&'a Json>,
    /// Why its last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView<'a>>,
    /// What it used over all attempts.
    usage: UsageView,
}

async fn result(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    Query(query): Query<ResultQuery>,
) -> Result<Response, Problem> {
    let wait = wait(query.wait.unwrap_or_default())?.min(longest_wait(&app));
    let waits = !wait.is_zero();
    let _place = waits.then(|| take_place(&app, &caller)).transpose()?;
    let (tasks, who) = (app.service.tasks(), &caller.principal);
    let task = tokio::select! {
        biased;
        task = tasks.wait(who, id, wait) => task?,
        // Nothing ends here any more, so the task is shown as it stands.
        () = app.options.stop.cancelled() => tasks.wait(who, id, Duration::ZERO).await?,
    };
    // It may have finished after the caller's key was revoked.
    caller.check(&app).await?;
    Ok(Answer(StatusCode::OK, Outcome::from(&task)).into_response())
}

fn wait(seconds: f64) -> Result<Duration, InvalidInput> {
    let wait = Duration::try_from_secs_f64(seconds).ok();
    let wait = wait.filter(|wait| *wait <= mcs_core::service::LONGEST_WAIT);
    wait.ok_or_else(|| {
        let problem = format!("is {seconds}; give a number of seconds from 0 to 3600");
        InvalidInput::new("wait", problem)
    })
}

impl<'a> From<&'a Task> for Outcome<'a> {
    fn from(task: &'a Task) -> Self {
        Self {
            id: task.id,
            status: StatusName(task.status),
            finished: task.status.is_terminal(),
            result: task.result.as_ref(),
            error: task.error.as_ref().map(ErrorView::from),
            usage: UsageView::from(task.usage),
        }
    }
}
