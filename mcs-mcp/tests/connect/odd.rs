//! Services that do not behave.

use crate::client::Client;
use axum::Router;
use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// A service that takes notifications and says nothing, and breaks off calls of tools.
#[derive(Clone, Default)]
struct Odd {
    /// Somebody asks for a stream, and gets none.
    listens: Arc<Notify>,
}

impl Odd {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let odd = self.clone();
        let answer = async move |method: Method, body: Bytes| odd.answer(&method, &body).await;
        let routes = Router::new().route("/mcp", any(answer));
        // It ends with the runtime of the test.
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        url
    }

    async fn answer(&self, method: &Method, body: &[u8]) -> Response {
        if method == Method::GET {
            self.listens.notify_one();
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let Ok(message) = serde_json::from_slice::<Value>(body) else {
            return StatusCode::OK.into_response();
        };
        let result = match message["method"].as_str() {
            Some("initialize") => json!({"protocolVersion": "2025-06-18", "capabilities": {},
                "serverInfo": {"name": "odd", "version": "1"}}),
            Some("tools/call") => {
                return ([("content-type", "text/event-stream")], "").into_response();
            }
            Some("notifications/initialized") => return StatusCode::ACCEPTED.into_response(),
            Some(_) if message.get("id").is_some() => json!({}),
            _ => std::future::pending().await,
        };
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
        axum::Json(answer).into_response()
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_says_nothing_keeps_no_program_after_its_input() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    for modern in [true, false] {
        let mut client = Client::to(&url, None, modern);
        client.send("initialize", json!({})).await;
        client.end_input().await;
    }
}

#[tokio::test]
async fn a_notification_that_is_not_taken_holds_up_no_request() {
    let url = Odd::default().start().await;
    let mut client = Client::to(&url, None, false);
    client.initialize().await;
    for _ in 0..3 {
        client.tell("notifications/roots/list_changed").await;
    }
    let answer = client.ask("ping", json!({})).await;
    assert!(answer["result"].is_object(), "{answer}");
    client.leave().await;
}

#[tokio::test]
async fn a_call_that_breaks_off_is_said_to_have_an_unknown_outcome() {
    let url = Odd::default().start().await;
    for modern in [true, false] {
        let mut client = Client::to(&url, None, modern);
        if !modern {
            client.initialize().await;
        }
        let answer = client.ask("tools/call", json!({"name": "render"})).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("whether the request took effect is not known"),
            "{message}"
        );
        client.leave().await;
    }
}

#[tokio::test]
async fn who_may_not_listen_asks_again_when_a_call_is_answered() {
    let odd = Odd::default();
    let mut client = Client::to(&odd.start().await, None, false);
    client.initialize().await;
    client.tell("notifications/initialized").await;
    odd.listens.notified().await;
    let listens = odd.listens.notified();
    tokio::pin!(listens);
    // The refusal may not have come back when the first of these is answered.
    for _ in 0..1000 {
        client.ask("ping", json!({})).await;
        if listens.as_mut().now_or_never().is_some() {
            return client.leave().await;
        }
    }
    panic!("it listens no more, though calls are answered");
}
