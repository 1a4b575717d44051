//! The server reports its own requests, and never a report.

use crate::surroundings::{Server, event};
use mcs_core::config::Config;
use mcs_core::reporter::{Interaction, InteractionAction, InteractionReporter, Report};
use mcs_http::Options;
use serde_json::json;
use std::sync::{Arc, Mutex};

/// Keeps what it is told.
#[derive(Debug, Default)]
struct Listening(Mutex<Vec<Interaction>>);

impl InteractionReporter for Listening {
    fn report(&self, interaction: Interaction) -> Report {
        self.0.lock().unwrap().push(interaction);
        Report::Accepted
    }

    fn is_enabled(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn requests_are_reported_and_reports_are_not() {
    let heard = Arc::new(Listening::default());
    let service = mcs_core::builder(&Config::in_memory())
        .reporter(heard.clone())
        .open();
    let server = Server::of(service.await.unwrap(), Options::default()).await;
    server
        .report(&event(
            "start",
            "int_1_a",
            1.0,
            &json!({"secret": "hunter2"}),
        ))
        .await;
    server
        .batch(&[event("start", "int_1_b", 1.0, &json!({}))])
        .await;
    server.found("/api/v2/health").await;
    let stream = server.request(reqwest::Method::GET, "/api/v2/interactions/stream");
    drop(stream.send().await.unwrap());
    assert_eq!(*heard.0.lock().unwrap(), []);

    server.found("/api/v2/interactions/int_1_a").await;
    server.get("/api/v2/interactions/none?mcp_id=x").await;
    let heard = heard.0.lock().unwrap();
    let actions: Vec<_> = heard.iter().map(|one| one.action).collect();
    let (start, complete, error) = (
        InteractionAction::Start,
        InteractionAction::Complete,
        InteractionAction::Error,
    );
    assert_eq!(actions, [start, complete, start, error]);
    assert_eq!(
        heard[0].data["request_type"],
        "GET /api/v2/interactions/{id}"
    );
    assert_eq!(heard[0].data["user_id"], "local");
    assert_eq!(heard[1].data["success"], true);
    assert!(heard[1].data["processing_time"].as_f64().unwrap() > 0.0);
    assert_eq!(heard[3].data["error_type"], "404");
    assert_eq!(heard[0].interaction_id, heard[1].interaction_id);
    assert_ne!(heard[0].interaction_id, heard[2].interaction_id);
    assert!(!format!("{heard:?}").contains("hunter2"));
}
