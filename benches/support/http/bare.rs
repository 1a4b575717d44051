use super::{ANSWER, TASKS};
use crate::support::Outcome;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};
use std::path::Path;
use tokio::net::TcpListener;

/// The least that a service can be: axum reads JSON and answers with as much as ours does, and nothing is kept.
pub(crate) async fn serve_bare(directory: &Path) -> Outcome {
    // What ours answers is known only once ours has run.
    let answer = std::fs::read(directory.join(ANSWER)).unwrap_or_default();
    let router = Router::new()
        .route(TASKS, post(create))
        .route(&format!("{TASKS}/{{id}}"), get(show))
        .with_state(Bytes::from(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    Ok(axum::serve(listener, router)
        .with_graceful_shutdown(super::server::told_to_end())
        .await?)
}

async fn create(Json(task): Json<Value>) -> impl IntoResponse {
    let id = if task.is_object() {
        "01890a5d-ac96-774b-bcce-b302099a8057"
    } else {
        ""
    };
    let answer = json!({"id": id, "status": "PENDING", "created": true});
    (StatusCode::CREATED, Json(answer))
}

async fn show(State(answer): State<Bytes>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], answer)
}
