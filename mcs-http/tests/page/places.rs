//! Every page, with something on it.

use crate::world::World;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

/// A name for each page, and where it is.
pub(crate) async fn all(world: &World) -> Vec<(&'static str, String)> {
    let asks = json!({"prompt": "make the tests of the parser pass", "asks": true});
    let asking = world.create("agent", asks).await;
    let failed = world.failed("break the gate").await;
    report(world).await;
    let mut pages: Vec<_> = [
        ("overview", "#/"),
        ("tasks", "#/tasks"),
        ("new", "#/new?kind=agent"),
        ("queues", "#/queues"),
        ("models", "#/models"),
        ("workers", "#/workers"),
        ("interactions", "#/interactions"),
        ("interaction", "#/interactions/int_1?mcp_id=weather"),
        ("login", "#/login"),
        ("docs", "docs#createTask"),
    ]
    .map(|(name, place)| (name, place.to_owned()))
    .into();
    pages.push(("task-asking", format!("#/tasks/{asking}")));
    pages.push(("task-failed", format!("#/tasks/{failed}")));
    pages
}

/// Calls that MCP servers reported.
async fn report(world: &World) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_secs_f64() - 60.0;
    for number in 0..6 {
        let id = format!("int_{number}");
        let now = now + f64::from(number);
        let server = if number % 2 == 0 { "github" } else { "weather" };
        let said = |action: &str, at: f64, field: &str, data| json!({"action": action, "interaction_id": id, "mcp_id": server, "timestamp": at, field: data});
        let data = json!({"user_id": "ann", "request_type": "tools/call", "tool": "forecast", "city": "Bern"});
        let start = said("interaction_start", now, "request_data", data);
        let end = match number {
            2 => said(
                "interaction_error",
                now + 3.0,
                "error_data",
                json!({"error_type": "TimeoutError"}),
            ),
            _ => said(
                "interaction_complete",
                now + 1.5,
                "result_data",
                json!({"success": true}),
            ),
        };
        for event in [start, end] {
            let (status, answer) = world.server.post("/api/v2/interactions", &event).await;
            assert_eq!(status, 200, "{answer}");
        }
    }
}
