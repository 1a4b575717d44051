use super::duration;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Checked, Nothing, Query, TaskPath};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, TimeForm};
use axum::extract::State;
use axum::http::StatusCode;
use mcs_core::domain::{LeaseNumber, Progress, Timestamp};
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            Operation::post("/api/v1/tasks/{id}/heartbeat", "heartbeat")
                .tag(Tag::Work)
                .needs(Scope::Execute)
                .says("Renews the lease on a task that the caller holds.")
                .more(
                    "Send it well before the lease ends, such as after a third of it. Where somebody asked for the task's \
                     end, the answer says so: stop the work and release the task, or fail it, and it is CANCELLED. A 409 \
                     says that the lease is over: stop, since nothing that is done under it is stored.",
                )
                .task_id()
                .body::<HeartbeatBody>()
                .example("renew", json!({"lease": 1}))
                .answers::<HeartbeatView>(200, "The lease is renewed.")
                .refuses(&[409]),
            heartbeat,
        )
        .route(
            Operation::post("/api/v1/tasks/{id}/progress", "reportProgress")
                .tag(Tag::Work)
                .needs(Scope::Execute)
                .says("Says how far a task is that the caller holds.")
                .more("It replaces what was said before. It does not renew the lease.")
                .task_id()
                .body::<ProgressBody>()
                .example("half", json!({"lease": 1, "percent": 50, "message": "compiling"}))
                .answers_nothing(204, "It is stored.")
                .refuses(&[409]),
            progress,
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Heartbeat")]
struct HeartbeatBody {
    /// The number of the lease.
    #[schemars(range(min = 1))]
    lease: u64,
    /// How long the lease lasts from now, in seconds. Left out: 900.
    #[schemars(range(min = 1, max = 86400))]
    lease_seconds: Option<f64>,
}

/// What the holder of a task has to know.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LeaseState")]
struct HeartbeatView {
    /// Somebody asked for the task's end: stop the work and bring the task back.
    cancel_requested: bool,
    /// When the lease ends unless it is renewed again.
    #[schemars(with = "TimeForm")]
    lease_expires_at: Timestamp,
}

async fn heartbeat(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    _: Query<Nothing>,
    Checked(body, ..): Checked<HeartbeatBody>,
) -> Result<Answer<HeartbeatView>, Problem> {
    let length = body.lease_seconds;
    let length = length.map(|length| duration("lease_seconds", length));
    let (tasks, lease) = (app.service.tasks(), LeaseNumber(body.lease));
    let beat = tasks.heartbeat(&caller.principal, id, lease, length.transpose()?);
    let beat = beat.await?;
    let view = HeartbeatView {
        cancel_requested: beat.cancel_requested,
        lease_expires_at: beat.lease_expires_at,
    };
    Ok(Answer(StatusCode::OK, view))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReportProgress")]
struct ProgressBody {
    /// The number of the lease.
    #[schemars(range(min = 1))]
    lease: u64,
    /// How far it is, 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    percent: Option<f32>,
    /// What it is doing.
    message: Option<String>,
}

async fn progress(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    _: Query<Nothing>,
    Checked(body, ..): Checked<ProgressBody>,
) -> Result<StatusCode, Problem> {
    let progress = Progress {
        percent: body.percent,
        message: body.message,
    };
    let (tasks, lease) = (app.service.tasks(), LeaseNumber(body.lease));
    tasks
        .progress(&caller.principal, id, lease, progress)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
