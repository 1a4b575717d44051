use crate::app::App;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

/// Whether it takes reports. Needs no key and reads nothing, since reporters ask it often while they wait.
pub(super) async fn health(State(app): State<App>) -> Result<Json<Value>, Problem> {
    if app.options.stop.is_cancelled() {
        return Err(Problem::stopping());
    }
    Ok(Json(json!({"status": "ok"})))
}
