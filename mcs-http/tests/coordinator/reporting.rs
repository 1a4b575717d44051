//! The server reports its own requests, and never a report.

use crate::broken::Broken;
use crate::surroundings::{PATIENCE, Server, answer, event};
use mcs_core::config::Config;
use mcs_core::engine::Engine;
use mcs_core::provider::models::ModelTable;
use mcs_core::reporter::{Interaction, InteractionAction, InteractionReporter, Report};
use mcs_core::service::Service;
use mcs_core::store::MemoryStore;
use mcs_http::Options;
use reqwest::Method;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

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

/// A server whose requests are heard.
async fn heard_of(options: Options) -> (Server, Arc<Listening>) {
    let heard = Arc::new(Listening::default());
    let service = mcs_core::builder(&Config::in_memory())
        .reporter(heard.clone())
        .open();
    (Server::of(service.await.unwrap(), options).await, heard)
}

#[tokio::test]
async fn requests_are_reported_and_reports_are_not() {
    let (server, heard) = heard_of(Options::default()).await;
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
    let stream = server.request(Method::GET, "/api/v2/interactions/stream");
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

#[tokio::test]
async fn requests_of_one_id_are_told_apart() {
    let (server, heard) = heard_of(Options::default()).await;
    for _ in 0..2 {
        let request = server.request(Method::GET, "/api/v2/keys");
        answer(request.header("X-Request-Id", "mine")).await;
    }
    let heard = heard.0.lock().unwrap();
    assert_eq!(heard[0].data["request_id"], "mine");
    assert_eq!(heard[2].data["request_id"], "mine");
    assert_ne!(heard[0].interaction_id, heard[2].interaction_id);
}

#[tokio::test]
async fn a_request_that_is_dropped_is_reported_as_abandoned() {
    let options = Options {
        shutdown_grace: Duration::from_millis(10),
        ..Options::default()
    };
    let (mut server, heard) = heard_of(options).await;
    let mut half = TcpStream::connect(server.address).await.unwrap();
    let begin = "POST /api/v2/keys HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 10\r\nexpect: 100-continue\r\n\r\n";
    half.write_all(begin.as_bytes()).await.unwrap();
    assert!(half.read(&mut [0; 4096]).await.unwrap() > 0);
    server.options.stop.cancel();
    timeout(PATIENCE, &mut server.serving)
        .await
        .expect("it ends")
        .unwrap()
        .unwrap();
    let heard = heard.0.lock().unwrap();
    let [start, end] = heard.as_slice() else {
        panic!("{heard:?}");
    };
    assert_eq!(start.interaction_id, end.interaction_id);
    assert_eq!(end.action, InteractionAction::Error);
    assert_eq!(end.data["error_type"], "abandoned");
    assert_eq!(end.data["success"], false);
}

#[tokio::test]
async fn a_request_that_panics_is_reported_as_that() {
    let heard = Arc::new(Listening::default());
    let engine = Engine::builder(Arc::new(MemoryStore::new())).reporter(heard.clone());
    let engine = engine.start().await.unwrap();
    let records = Arc::new(Broken::Panicking);
    let service = Service::new(engine, records, ModelTable::builtin());
    let server = Server::of(service, Options::default()).await;
    let (status, body) = server.get("/api/v2/keys?limit=2").await;
    assert_eq!(status, 500, "{body}");
    let heard = heard.0.lock().unwrap();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(heard[1].data["error_type"], "panic");
}
