use crate::app::App;
use crate::request::{Nothing, Query};
use crate::route::{Operation, Routes, Tag};
use crate::view::Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use mcs_core::engine::{EngineState, KindStatus};
use mcs_core::executor::Availability;
use mcs_core::service::{Readiness, StoreState};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Seconds after which to ask again who was not ready.
const AGAIN: u32 = 1;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/ready", "getReadiness")
            .tag(Tag::Service)
            .open()
            .says("Whether new work is welcome: the store answers and the engine is not about to end.")
            .more(
                "It answers within two seconds, whatever the store does. An executor that cannot run keeps nobody from \
                 sending work; `GET /api/v1/kinds` says why it cannot.",
            )
            .query::<Nothing>()
            .answers::<ReadinessView>(200, "It is.")
            .answers::<ReadinessView>(503, "It is not.")
            .sets("Retry-After", "Seconds after which to ask again."),
        show,
    )
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Readiness")]
struct ReadinessView {
    #[schemars(extend("enum" = ["ready", "not_ready"]))]
    status: &'static str,
    /// Whether the store answers.
    #[schemars(extend("enum" = ["up", "down"]))]
    store: &'static str,
    /// Where the engine stands. `hands_off`: it leaves the tasks to other processes.
    #[schemars(extend("enum" = ["running", "hands_off", "stopping", "stopped"]))]
    engine: &'static str,
    /// Each kind of task: whether it can run here, or is left to workers elsewhere.
    executors: BTreeMap<String, ExecutorState>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ExecutorState {
    Available,
    Unavailable,
    Elsewhere,
}

impl From<Readiness> for ReadinessView {
    fn from(readiness: Readiness) -> Self {
        let ready = readiness.is_ready();
        let executor = |kind: KindStatus| {
            let state = match kind.availability {
                Some(Availability::Available) => ExecutorState::Available,
                Some(Availability::Unavailable { .. }) => ExecutorState::Unavailable,
                None => ExecutorState::Elsewhere,
            };
            (kind.spec.name, state)
        };
        Self {
            status: if ready { "ready" } else { "not_ready" },
            store: match readiness.store {
                StoreState::Up => "up",
                StoreState::Down { .. } => "down",
            },
            engine: readiness.engine.as_str(),
            executors: readiness.kinds.into_iter().map(executor).collect(),
        }
    }
}

async fn show(State(app): State<App>, _: Query<Nothing>) -> Response {
    let mut readiness = app.service.readiness().await;
    if app.options.stop.is_cancelled() && readiness.engine != EngineState::Stopped {
        // The server ends before its engine does.
        readiness.engine = EngineState::Stopping;
    }
    if let StoreState::Down { reason } = &readiness.store {
        // The store's own words name files of the server, which are for its log.
        tracing::warn!(%reason, "the store does not answer, so the server is not ready");
    }
    if readiness.is_ready() {
        return Answer(StatusCode::OK, ReadinessView::from(readiness)).into_response();
    }
    let answer = Answer(
        StatusCode::SERVICE_UNAVAILABLE,
        ReadinessView::from(readiness),
    );
    ([(RETRY_AFTER, AGAIN.to_string())], answer).into_response()
}
