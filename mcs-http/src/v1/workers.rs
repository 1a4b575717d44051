//! Workers: the processes that take tasks.

use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Nothing, Query};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, TimeForm};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::domain::Timestamp;
use mcs_core::engine::WorkerStatus;
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v1/workers", "listWorkers")
            .tag(Tag::Service)
            .needs(Scope::Read)
            .says("Every process whose engine takes tasks of this store, the one that answers first.")
            .more(
                "Callers who take tasks with `GET /api/v1/tasks/next` are no such process; the `lease` of their task names \
                 them.",
            )
            .query::<Nothing>()
            .answers::<WorkerList>(200, "The workers."),
        list,
    )
}

/// A process that takes tasks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Worker")]
struct WorkerView {
    /// Its name, unique for its life.
    id: Arc<str>,
    /// Its process id.
    pid: u32,
    /// When it was last heard of.
    #[schemars(with = "TimeForm")]
    heartbeat_at: Timestamp,
    /// Whether it lives: what can be seen of its process, or else that it was heard of lately. Left out where neither says.
    #[serde(skip_serializing_if = "Option::is_none")]
    alive: Option<bool>,
    /// Whether it is the process that answers.
    here: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct WorkerList {
    workers: Vec<WorkerView>,
}

impl From<WorkerStatus> for WorkerView {
    fn from(status: WorkerStatus) -> Self {
        Self {
            id: status.worker.id.0,
            pid: status.worker.pid,
            heartbeat_at: status.worker.heartbeat_at,
            alive: status.alive,
            here: status.here,
        }
    }
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    _: Query<Nothing>,
) -> Result<Response, Problem> {
    let workers = app.service.workers(&caller.principal).await?;
    let workers = workers.into_iter().map(WorkerView::from).collect();
    Ok(Answer(StatusCode::OK, WorkerList { workers }).into_response())
}
