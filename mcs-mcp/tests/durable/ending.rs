//! How calls end before they are done: cancelled, or cut off.

use crate::client::{Client, LEGACY, MODERN, takes_tasks};
use crate::tools::{Tools, memory, on_file, only};
use mcs_core::domain::Status;
use mcs_mcp::durable::Policy;
use serde_json::{Value, json};
use std::time::Duration;

fn at_the_gate(task: &Value) -> bool {
    let said = task["statusMessage"].as_str();
    said.is_some_and(|said| said.contains("at the gate"))
}

#[tokio::test]
async fn a_cancelled_task_cancels_the_call_of_the_tool() {
    let tools = Tools::new();
    let durable = tools.durable(&memory().await, &Policy::new());
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let id = client.task("gated", json!({})).await;
    client.until(&id, at_the_gate).await;
    let answer = client.request("tasks/cancel", json!({"taskId": id})).await;
    assert!(answer.get("error").is_none(), "{answer}");
    assert_eq!(client.settled(&id).await["status"], "cancelled");
    tools.cancelled.acquire().await.unwrap().forget();
}

#[tokio::test]
async fn a_client_that_cancels_its_call_leaves_the_work_unless_the_policy_says_otherwise() {
    for cancels in [false, true] {
        let (tools, service) = (Tools::new(), memory().await);
        let durable = tools.durable(&service, &Policy::new().cancel_with_call(cancels));
        let mut client = Client::connect(durable, LEGACY, json!({})).await;
        let call = json!({"name": "gated", "_meta": {"progressToken": "p"}});
        let id = client.send("tools/call", call).await;
        // A progress notification says that the call is under way.
        let progress = client.read().await;
        assert_eq!(progress["method"], "notifications/progress", "{progress}");
        client
            .write(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}))
            .await;
        if !cancels {
            tools.gate.add_permits(1);
        }
        let task = only(&service).await.id;
        let ended = service
            .engine()
            .wait(task, Duration::from_mins(1))
            .await
            .unwrap();
        let expected = if cancels {
            Status::Cancelled
        } else {
            Status::Completed
        };
        assert_eq!(ended.unwrap().status, expected);
    }
}

#[tokio::test]
async fn what_a_shutdown_cuts_off_runs_again_if_it_may_and_is_reported_if_not() {
    for idempotent in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasks.db");
        let policy = Policy::new().idempotent(idempotent);
        let (first, second) = (Tools::new(), Tools::new());

        let service = on_file(&path).await;
        let durable = first.durable(&service, &policy);
        let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
        let id = client.task("gated", json!({})).await;
        client.until(&id, at_the_gate).await;
        service.shutdown(Duration::ZERO).await.unwrap();

        second.gate.add_permits(1);
        let service = on_file(&path).await;
        let durable = second.durable(&service, &policy);
        let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
        let task = client.settled(&id).await;
        assert_eq!(task["status"], "completed", "{task}");
        let text = task["result"]["content"][0]["text"].as_str().unwrap();
        if idempotent {
            assert_eq!(
                (task["result"]["isError"] == true, second.ran()),
                (false, 1),
                "{task}"
            );
        } else {
            assert!(
                text.contains("whether it took effect is not known"),
                "{text}"
            );
            assert_eq!(
                (task["result"]["isError"] == true, second.ran()),
                (true, 0),
                "{task}"
            );
        }
        service.shutdown(Duration::ZERO).await.unwrap();
    }
}
