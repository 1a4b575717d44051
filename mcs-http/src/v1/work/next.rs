use super::duration;
use crate::access::Caller;
use crate::app::App;
use crate::live::take_place;
use crate::problem::Problem;
use crate::request::Query;
use crate::route::{Operation, Routes, Tag};
use crate::v1::longest_wait;
use crate::view::{Answer, TaskView};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::domain::Task;
use mcs_core::service::{NextRequest, Principal, Scope};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v1/tasks/next", "takeNextTask")
            .tag(Tag::Work)
            .needs(Scope::Execute)
            .changes()
            .says("Takes the next task to work on.")
            .more(
                "Gives the caller the `manual` task that is next, with its payload, under a lease. Name `lease.number` in \
                 everything that is said of the task from then on, and renew the lease before `lease.expires_at` with a \
                 heartbeat: a task whose lease ran out is given to the next who asks, and what its former holder says of \
                 it is refused with 409.\n\n\
                 Tasks come by priority, then by age. Without the scope `admin` a caller is given its own tasks only. With \
                 `wait` the answer comes as soon as there is a task, so that nobody needs to ask again and again.",
            )
            .query::<NextQuery>()
            .answers::<TaskView<'static>>(200, "The task, which the caller holds now.")
            .answers_nothing(204, "There is none.")
            .refuses(&[422]),
        next,
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NextQuery {
    /// What the caller calls itself, to tell its workers apart.
    #[schemars(length(min = 1, max = 183))]
    worker_id: String,
    /// Only a task with exactly this work directory.
    work_path: Option<String>,
    /// Only a task in this queue.
    #[schemars(length(min = 1, max = 200))]
    queue: Option<String>,
    /// Only a task of this kind.
    #[schemars(length(min = 1, max = 200))]
    kind: Option<String>,
    /// How many seconds to wait for a task where there is none. At most what a request may take, less a second. Left out: 0.
    #[schemars(range(min = 0))]
    wait: Option<f64>,
    /// How long the lease lasts unless it is renewed, in seconds. Left out: 900.
    #[schemars(range(min = 1, max = 86400))]
    lease_seconds: Option<f64>,
}

async fn next(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<NextQuery>,
) -> Result<Response, Problem> {
    let lease = query.lease_seconds;
    let wait = query.wait.map(|wait| duration("wait", wait)).transpose()?;
    let request = NextRequest {
        worker_id: query.worker_id,
        work_path: query.work_path,
        queue: query.queue,
        kind: query.kind,
        lease: lease
            .map(|lease| duration("lease_seconds", lease))
            .transpose()?,
        wait: wait.unwrap_or_default().min(longest_wait(&app)),
    };
    let waits = !request.wait.is_zero();
    let _place = waits.then(|| take_place(&app, &caller)).transpose()?;
    let tasks = app.service.tasks();
    let taken = tokio::select! {
        biased;
        taken = tasks.next(&caller.principal, request) => taken?,
        () = app.options.stop.cancelled() => None,
    };
    let taken = Underway::new(&app, &caller, taken);
    // What it waited for may have come after its key was revoked.
    caller.check(&app).await?;
    Ok(match taken.given() {
        Some(task) => Answer(StatusCode::OK, TaskView::from(&task)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// A task on its way to its taker. One that does not get there, as where the taker is refused or leaves, is released.
struct Underway {
    app: App,
    who: Principal,
    task: Option<Task>,
}

impl Underway {
    fn new(app: &App, caller: &Caller, task: Option<Task>) -> Self {
        Self {
            app: app.clone(),
            who: caller.principal.clone(),
            task,
        }
    }

    fn given(mut self) -> Option<Task> {
        self.task.take()
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let Some(task) = self.task.take() else { return };
        let Some(lease) = task.lease else { return };
        let (app, who) = (self.app.clone(), self.who.clone());
        tokio::spawn(async move {
            let released = app.service.tasks();
            let released = released.release(&who, task.id, lease.number).await;
            if let Err(error) = released {
                tracing::warn!(task = %task.id, %error, "a task that its taker did not get was not released; its lease runs out");
            }
        });
    }
}
