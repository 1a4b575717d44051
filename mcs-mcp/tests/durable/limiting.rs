//! How many calls run at a time.

use crate::client::{Client, MODERN, takes_tasks};
use crate::tools::{Tools, memory, on_file};
use mcs_mcp::durable::Policy;
use serde_json::{Value, json};
use std::time::Duration;

fn over(task: &Value) -> bool {
    task["status"] == "completed"
}

/// Waits until so many calls have begun.
async fn begun(tools: &Tools, runs: u64) {
    while tools.ran() < runs {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn calls_over_the_limit_wait_with_all_of_their_time() {
    for queue in [None, Some("default")] {
        let tools = Tools::new();
        let mut policy = Policy::new().limit(2);
        if let Some(queue) = queue {
            policy = policy.queue(queue);
        }
        let durable = tools.durable(&memory().await, &policy);
        let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(client.task("gated", json!({})).await);
        }
        begun(&tools, 2).await;
        // Another tool of the same queue is not in their way, and they are not in its.
        let other = client.task("broken", json!({})).await;
        assert_eq!(client.settled(&other).await["status"], "completed");
        for done in 1..=5 {
            assert_eq!(tools.ran(), (done + 1).min(5) + 1, "one more has begun");
            tools.gate.add_permits(1);
            begun(&tools, (done + 2).min(5) + 1).await;
        }
        for id in ids {
            let task = client.settled(&id).await;
            assert!(over(&task), "{task}");
        }
    }
}

#[tokio::test]
async fn a_call_that_waits_for_an_answer_leaves_its_place_to_others() {
    let tools = Tools::new();
    let durable = tools.durable(&memory().await, &Policy::new().limit(1));
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(client.task("confirm", json!({})).await);
    }
    for id in ids {
        assert_eq!(client.settled(&id).await["status"], "input_required");
    }
}

#[tokio::test]
async fn calls_that_waited_when_the_server_ended_have_not_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    let policy = Policy::new().idempotent(false).limit(1);
    let (first, second) = (Tools::new(), Tools::new());
    let service = on_file(&path).await;
    let durable = first.durable(&service, &policy);
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(client.task("gated", json!({})).await);
    }
    begun(&first, 1).await;
    service.shutdown(Duration::ZERO).await.unwrap();

    second.gate.add_permits(3);
    let service = on_file(&path).await;
    let durable = second.durable(&service, &policy);
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let mut lost = 0;
    for id in ids {
        let task = client.settled(&id).await;
        lost += u32::from(task["result"]["isError"] == true);
    }
    assert_eq!((lost, second.ran()), (1, 2));
    service.shutdown(Duration::ZERO).await.unwrap();
}
