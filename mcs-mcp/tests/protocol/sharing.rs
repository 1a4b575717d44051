//! Callers with little to say, and many callers of one server.

use crate::support::{Raw, service, structured, text};
use mcs_core::config::ToolSet;
use mcs_core::service::{Principal, Scope, Scopes};
use mcs_mcp::{Callers, McpServer};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const MODERN: &str = "2026-07-28";
/// A quarter of all there is.
const SHARE: usize = 256;

#[tokio::test]
async fn one_caller_cannot_take_every_call() {
    let (service, _gate) = service().await;
    let is_bob = Arc::new(AtomicBool::new(false));
    let callers = Callers::each({
        let is_bob = Arc::clone(&is_bob);
        move |_| {
            let is_bob = is_bob.load(Ordering::Relaxed);
            let name = if is_bob { "bob" } else { "alice" };
            Some(Principal::new(name, Scopes::ALL))
        }
    });
    let server = McpServer::new(service, callers, ToolSet::All);
    let mut client = Raw::of(server, MODERN).await;
    let made = client.call("create_task", json!({"kind": "gated"})).await;
    let id = structured(&made)["task_id"].clone();
    let mut wait = json!({"name": "wait_for_task", "arguments": {"task_id": id}});
    wait["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    for _ in 0..SHARE {
        client.post("tools/call", wait.clone()).await;
    }
    let refused = client.call("list_tasks", json!({})).await;
    assert_eq!(refused["isError"], true, "{refused}");
    let told = text(&refused);
    assert!(told.contains("256 of your calls are under way"), "{told}");
    let resource = json!({"uri": "data://tasks/statuses"});
    let refused = client.request("resources/read", resource).await;
    assert!(refused["error"].is_object(), "{refused}");
    is_bob.store(true, Ordering::Relaxed);
    let listed = client.call("list_tasks", json!({})).await;
    assert_eq!(structured(&listed)["count"], 1, "{listed}");
}

#[tokio::test]
async fn what_was_done_is_told_to_who_may_not_read() {
    let (service, _gate) = service().await;
    let who = Principal::new("alice", Scopes::of(&[Scope::Execute, Scope::Write]));
    let server = McpServer::new(service.clone(), who, ToolSet::All);
    let mut client = Raw::of(server, MODERN).await;
    let manual = json!({"kind": "gated", "dispatch": "manual"});
    let made = client.call("create_task", manual).await;
    let id = structured(&made)["task_id"].clone();
    let run = json!({"task_id": id, "wait": true});
    let runs = client.call("execute_task", run).await;
    assert_eq!(structured(&runs)["task_id"], id, "{runs}");
    let ends = client.call("cancel_task", json!({"task_id": id})).await;
    assert_eq!(structured(&ends)["cancel_requested"], true, "{ends}");

    let local = Principal::local();
    let task = serde_json::from_value(id.clone()).expect("an id");
    let minute = std::time::Duration::from_mins(1);
    let ended = service.tasks().wait(&local, task, minute).await;
    assert!(ended.expect("it is there").status.is_terminal());
    let again = client.call("retry_task", json!({"task_id": id})).await;
    assert_eq!(structured(&again)["retry_of"], id, "{again}");
    assert_eq!(structured(&again)["status"], "PENDING", "{again}");
}
