//! An LLM API that is always alike.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The prompt that it refuses.
pub(crate) const REFUSED: &str = "refuse this";
/// Tokens of every answer, and what they cost at 1 and 10 US dollars a million.
pub(crate) const INPUT: f64 = 1000.0;
pub(crate) const OUTPUT: f64 = 500.0;
pub(crate) const USD: f64 = 0.006;

/// Its address, for as long as the test runs.
pub(crate) async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v1/chat/completions", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn answer(Json(asked): Json<Value>) -> Response {
    if asked["messages"][0]["content"] == REFUSED {
        let error = json!({"error": {"message": "no", "code": "no"}});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    Json(json!({
        "id": "1",
        "model": "small",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 500},
    }))
    .into_response()
}
