use crate::app::App;
use crate::problem::Problem;
use crate::route::{Operation, Routes, Tag};
use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::get("/api/v2/health", "getCoordinatorHealth")
            .tag(Tag::Interactions)
            .open()
            .says("Whether reports are taken.")
            .answers::<HealthView>(200, "They are."),
        health,
    )
}

/// That all is well.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CoordinatorHealth")]
pub(super) struct HealthView {
    /// Always `ok`.
    status: &'static str,
}

/// Seconds after which to ask again where only another start of the server can change the answer.
const NEVER: u32 = 60;

/// Whether it takes reports. Needs no key and reads nothing, since reporters ask it often while they wait.
pub(super) async fn health(State(app): State<App>) -> Result<Json<HealthView>, Problem> {
    if app.options.stop.is_cancelled() {
        return Err(Problem::stopping());
    }
    if !app.service.keeps_interactions() {
        let problem = "the server has no store for interactions, so it takes no reports";
        return Err(Problem::unavailable(problem, NEVER));
    }
    if let Some(seconds) = app.storing.futile_for() {
        let problem =
            "the last report could not be stored: the server's disk is full or cannot be written";
        return Err(Problem::unavailable(problem, seconds));
    }
    Ok(Json(HealthView { status: "ok" }))
}
