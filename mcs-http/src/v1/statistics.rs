//! What is stored, and what was done hour by hour.

use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::Query;
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, CountsView, TimeForm};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::domain::{History, HistoryRequest, QueueStats, Timestamp, limits};
use mcs_core::service::{Scope, Statistics};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v1/statistics", "getStatistics")
            .tag(Tag::Service)
            .needs(Scope::Read)
            .says("What is stored now, and what was done over the last hours.")
            .more(
                "Tasks are counted over all owners with the scope `admin`, else a caller's own are. `history` is kept for the \
                 tasks of all owners together, so that only callers with the scope `admin` have it. The parameters are about \
                 `history`: how far it goes back, and of which tasks it tells. An hour without any activity is left out.",
            )
            .query::<StatisticsQuery>()
            .answers::<StatisticsView>(200, "The statistics.")
            .refuses(&[422]),
        show,
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StatisticsQuery {
    /// How many hours to look back, the one that has begun included. Left out: 24.
    #[schemars(range(min = 1, max = limits::STATS_HOURS))]
    hours: Option<usize>,
    /// Only tasks of this queue.
    queue: Option<String>,
    /// Only tasks of this kind.
    kind: Option<String>,
    /// Only tasks that name this model.
    model: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Statistics")]
struct StatisticsView {
    /// All tasks.
    total: u64,
    /// Tasks by status.
    statuses: CountsView,
    /// The same of each kind.
    kinds: BTreeMap<Arc<str>, CountsView>,
    /// The same of each queue, with what waits in it.
    queues: BTreeMap<Arc<str>, QueueCounts>,
    /// Attempts that run in the process that answers.
    running: usize,
    /// Attempts in it that wait for answers.
    waiting: usize,
    /// What was done, hour by hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<History>,
}

/// What is in a queue.
#[derive(Debug, Serialize, JsonSchema)]
struct QueueCounts {
    /// Tasks by status.
    statuses: CountsView,
    /// PENDING tasks that a free worker may take now.
    ready: u64,
    /// When the ready task that waits longest became due. Left out without the scope `admin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeForm>")]
    oldest_ready: Option<Timestamp>,
}

impl From<Statistics> for StatisticsView {
    fn from(statistics: Statistics) -> Self {
        let Statistics {
            stored,
            load,
            history,
        } = statistics;
        let kinds = stored.kinds.into_iter();
        let queues = stored.queues.into_iter();
        Self {
            total: stored.counts.total(),
            statuses: stored.counts.into(),
            kinds: kinds.map(|(name, counts)| (name, counts.into())).collect(),
            queues: queues.map(|(name, queue)| (name, queue.into())).collect(),
            running: load.running,
            waiting: load.waiting,
            history,
        }
    }
}

impl From<QueueStats> for QueueCounts {
    fn from(queue: QueueStats) -> Self {
        Self {
            statuses: queue.counts.into(),
            ready: queue.ready,
            oldest_ready: queue.oldest_ready,
        }
    }
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<StatisticsQuery>,
) -> Result<Response, Problem> {
    let defaults = HistoryRequest::default();
    let request = HistoryRequest {
        hours: query.hours.unwrap_or(defaults.hours),
        queue: query.queue,
        kind: query.kind,
        model: query.model,
    };
    let tasks = app.service.tasks();
    let statistics = tasks.statistics(&caller.principal, &request).await?;
    Ok(Answer(StatusCode::OK, StatisticsView::from(statistics)).into_response())
}
