//! Queues: how full they are, and how many tasks of each run at a time.

use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Checked, Nothing, PathParameter, Query};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, CountsView, TimeForm};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::domain::{QueueChange, Timestamp, limits};
use mcs_core::service::{QueueStatus, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use std::sync::Arc;

pub(super) fn routes() -> Routes {
    let change = |operation: Operation| {
        operation
            .tag(Tag::Queues)
            .needs(Scope::Admin)
            .path_parameter("name", "The queue. It need not have had a task yet.")
            .query::<Nothing>()
            .answers::<QueueView>(200, "The queue as it is now.")
            .refuses(&[422])
    };
    Routes::new()
        .route(
            Operation::get("/api/v1/queues", "listQueues")
                .tag(Tag::Queues)
                .needs(Scope::Read)
                .says("Every queue with what is in it.")
                .more(
                    "Queues that are configured, have or had tasks, or were changed, by name. Tasks are counted over all \
                     owners with the scope `admin`, else a caller's own are.",
                )
                .query::<Nothing>()
                .answers::<QueueList>(200, "The queues."),
            list,
        )
        .route(
            change(Operation::post("/api/v1/queues/{name}/pause", "pauseQueue"))
                .says("Starts no more tasks of the queue. What runs goes on, and new tasks are accepted."),
            pause,
        )
        .route(
            change(Operation::post("/api/v1/queues/{name}/resume", "resumeQueue"))
                .says("Starts tasks of the queue again."),
            resume,
        )
        .route(
            change(Operation::patch("/api/v1/queues/{name}", "changeQueue"))
                .says("Pauses or resumes the queue, or sets how many of its tasks run at a time.")
                .more("Seen here at once, and by other processes on the same store within a second.")
                .body::<QueuePatch>()
                .example("narrow", json!({"concurrency": 2}))
                .example("as_configured", json!({"paused": false, "concurrency": null})),
            change_queue,
        )
}

/// A queue.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Queue")]
struct QueueView {
    /// Its name.
    name: Arc<str>,
    /// Whether its tasks wait until it is resumed.
    paused: bool,
    /// Most of its tasks that one engine runs at a time, where that was set at run time.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    /// Most of its tasks that the engine of this server runs at a time.
    slots: usize,
    /// Those that it runs now.
    running: usize,
    /// Tasks by status.
    statuses: CountsView,
    /// PENDING tasks that a free worker may take now.
    ready: u64,
    /// When the ready task that waits longest became due. Left out without the scope `admin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeForm>")]
    oldest_ready: Option<Timestamp>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct QueueList {
    /// By name.
    queues: Vec<QueueView>,
}

/// What to change of a queue.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::option_option,
    reason = "a number, null and nothing are three things"
)]
struct QueuePatch {
    /// Whether its tasks wait. Left out: as it is.
    paused: Option<bool>,
    /// Most of its tasks that one engine runs at a time; null for what the configuration says. Left out: as it is.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<u32>", range(min = 1, max = limits::QUEUE_CONCURRENCY))]
    concurrency: Option<Option<u32>>,
}

/// Tells null from nothing at all.
#[expect(clippy::option_option, reason = "as above")]
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<QueueStatus> for QueueView {
    fn from(queue: QueueStatus) -> Self {
        Self {
            name: queue.name,
            paused: queue.paused,
            concurrency: queue.concurrency,
            slots: queue.slots,
            running: queue.running,
            statuses: queue.counts.into(),
            ready: queue.ready,
            oldest_ready: queue.oldest_ready,
        }
    }
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    _: Query<Nothing>,
) -> Result<Response, Problem> {
    let queues = app.service.queues().overview(&caller.principal).await?;
    let queues = queues.into_iter().map(QueueView::from).collect();
    Ok(Answer(StatusCode::OK, QueueList { queues }).into_response())
}

async fn pause(
    State(app): State<App>,
    caller: Caller,
    PathParameter(name): PathParameter,
    _: Query<Nothing>,
) -> Result<Response, Problem> {
    let change = QueueChange {
        paused: Some(true),
        ..QueueChange::default()
    };
    changed(&app, &caller, &name, change).await
}

async fn resume(
    State(app): State<App>,
    caller: Caller,
    PathParameter(name): PathParameter,
    _: Query<Nothing>,
) -> Result<Response, Problem> {
    let change = QueueChange {
        paused: Some(false),
        ..QueueChange::default()
    };
    changed(&app, &caller, &name, change).await
}

async fn change_queue(
    State(app): State<App>,
    caller: Caller,
    PathParameter(name): PathParameter,
    _: Query<Nothing>,
    Checked(patch, ..): Checked<QueuePatch>,
) -> Result<Response, Problem> {
    let change = QueueChange {
        paused: patch.paused,
        concurrency: patch.concurrency,
    };
    changed(&app, &caller, &name, change).await
}

async fn changed(
    app: &App,
    caller: &Caller,
    name: &str,
    change: QueueChange,
) -> Result<Response, Problem> {
    let queues = app.service.queues();
    queues.change(&caller.principal, name, change).await?;
    let queue = queues.status(&caller.principal, name).await?;
    Ok(Answer(StatusCode::OK, QueueView::from(queue)).into_response())
}
