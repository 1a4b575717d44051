//! What is said to a coordinator.

pub(crate) use crate::kit::{Kept, PATIENCE, Server, answer, json_of};

use reqwest::Method;
use serde_json::{Value, json};

impl Server {
    /// Stores one event, and returns its id.
    pub(crate) async fn report(&self, event: &Value) -> String {
        let (status, body) = self.post("/api/v2/interactions", event).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["status"], "stored", "{body}");
        body["event_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn batch(&self, events: &[Value]) -> Vec<Value> {
        let body = json!({"events": events});
        let (status, body) = self.post("/api/v2/interactions/batch", &body).await;
        assert_eq!(status, 200, "{body}");
        body["results"].as_array().unwrap().clone()
    }

    /// How many events are kept, by the export.
    pub(crate) async fn kept(&self) -> usize {
        let answer = self.request(Method::GET, "/api/v2/interactions/export");
        let answer = answer.send().await.unwrap();
        answer.text().await.unwrap().lines().count()
    }
}

/// One event as the first reporters send it.
pub(crate) fn event(action: &str, id: &str, timestamp: f64, data: &Value) -> Value {
    let field = match action {
        "start" => "request_data",
        "progress" => "progress_data",
        "complete" => "result_data",
        "error" => "error_data",
        other => panic!("{other} is no action"),
    };
    json!({
        "action": format!("interaction_{action}"),
        "interaction_id": id,
        "mcp_id": "weather",
        "timestamp": timestamp,
        field: data,
    })
}

/// `event` with an id of its own.
pub(crate) fn named(mut event: Value, id: &str) -> Value {
    event["event_id"] = id.into();
    event
}

/// `event` of another MCP server.
pub(crate) fn of(mut event: Value, mcp_id: &str) -> Value {
    event["mcp_id"] = mcp_id.into();
    event
}

/// A call that began at `at` and took two seconds.
pub(crate) fn call(id: &str, at: f64) -> [Value; 2] {
    [
        event(
            "start",
            id,
            at,
            &json!({"user_id": "ann", "request_type": "tools/call", "tool": "forecast"}),
        ),
        event(
            "complete",
            id,
            at + 2.0,
            &json!({"success": true, "output_size": 12}),
        ),
    ]
}
