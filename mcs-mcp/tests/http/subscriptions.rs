use crate::kit::{bare, modern, post, read};
use axum::body::BodyDataStream;
use axum::response::Response;
use futures_util::StreamExt;
use mcs_core::config::{Config, ToolSet, builder};
use mcs_core::domain::{Dispatch, NewTask, TaskId};
use mcs_core::service::{Principal, Service};
use mcs_mcp::McpServer;
use mcs_mcp::http::{Endpoint, HttpOptions};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// An endpoint for a service in memory, and a task that nobody runs.
struct Kit {
    endpoint: Endpoint,
    service: Service,
    task: TaskId,
    stop: CancellationToken,
}

async fn kit() -> Kit {
    let service = builder(&Config::in_memory()).open().await.unwrap();
    let server = McpServer::new(service.clone(), Principal::local(), ToolSet::Core);
    let stop = server.ending();
    let options = HttpOptions {
        stop: stop.clone(),
        ..HttpOptions::default()
    };
    let mut task = NewTask::new("prompt", json!({"prompt": "wait"}));
    task.dispatch = Dispatch::Manual;
    let created = service.tasks().create(&Principal::local(), task).await;
    Kit {
        endpoint: Endpoint::new(server, options),
        task: created.unwrap().id,
        service,
        stop,
    }
}

impl Kit {
    fn uri(&self) -> String {
        format!("task://{}", self.task)
    }

    /// Something happens to the task.
    async fn cancel(&self) {
        let tasks = self.service.tasks();
        let cancelled = tasks.cancel(&Principal::local(), self.task, "over").await;
        cancelled.unwrap();
    }
}

/// The messages of a stream of events.
struct Messages {
    body: BodyDataStream,
    text: String,
}

impl Messages {
    fn of(answer: Response) -> Self {
        assert_eq!(answer.status(), 200);
        Self {
            body: answer.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next message. `None` at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.text.find('\n') {
                let line: String = self.text.drain(..=end).collect();
                let data = line.trim_end().strip_prefix("data:");
                let message = data.and_then(|data| serde_json::from_str(data.trim()).ok());
                if message.is_some() {
                    return message;
                }
                continue;
            }
            let more = timeout(Duration::from_mins(1), self.body.next()).await;
            let more = more.expect("a message in time")?.unwrap();
            self.text += std::str::from_utf8(&more).unwrap();
        }
    }

    async fn updated(&mut self) -> Value {
        let message = self.next().await.expect("an update");
        assert_eq!(message["method"], "notifications/resources/updated");
        message
    }
}

#[tokio::test]
async fn a_listener_hears_on_its_stream_and_is_told_of_the_end() {
    let kit = kit().await;
    let asked =
        json!({"notifications": {"toolsListChanged": true, "resourceSubscriptions": [kit.uri()]}});
    let headers = [("mcp-method", "subscriptions/listen")];
    let request = modern("subscriptions/listen", asked.clone(), &headers);
    let mut messages = Messages::of(kit.endpoint.answer(request).await);
    let begun = messages.next().await.unwrap();
    assert_eq!(
        begun["params"]["notifications"], asked["notifications"],
        "{begun}"
    );
    assert_eq!(messages.updated().await["params"]["uri"], kit.uri());
    kit.cancel().await;
    let update = messages.updated().await;
    assert_eq!(update["params"]["uri"], kit.uri());
    assert_eq!(
        update["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
        7
    );
    kit.stop.cancel();
    let last = messages.next().await.expect("an answer");
    assert_eq!(
        (&last["id"], &last["result"]["resultType"]),
        (&json!(7), &json!("complete"))
    );
    assert_eq!(messages.next().await, None);
}

#[tokio::test]
async fn a_session_hears_on_the_stream_that_it_opened() {
    let kit = kit().await;
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    let answer = kit.endpoint.answer(post(&hello, &[])).await;
    let session = answer.headers()["mcp-session-id"].to_str().unwrap();
    let session = [("mcp-session-id", &*session.to_owned())];
    read(answer).await;
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    kit.endpoint.answer(post(&ready, &session)).await;
    let subscribe = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/subscribe", "params": {"uri": kit.uri()}});
    let answer = read(kit.endpoint.answer(post(&subscribe, &session)).await).await;
    assert!(answer.contains(r#""result":{}"#), "{answer}");
    let mut messages = Messages::of(kit.endpoint.answer(bare("GET", &session)).await);
    kit.cancel().await;
    assert_eq!(messages.updated().await["params"]["uri"], kit.uri());
}
