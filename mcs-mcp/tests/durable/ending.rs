//! How calls end before they are done: cancelled, or cut off.

use crate::client::{Client, LEGACY, MODERN, takes_tasks};
use crate::tools::{Tools, memory, on_file, only};
use mcs_core::domain::{RetryPolicy, Status};
use mcs_core::engine::EngineState;
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
            // An answer says that what was sent before it has been read.
            let pong = client.request("ping", json!({})).await;
            assert!(pong.get("error").is_none(), "{pong}");
            let task = only(&service).await;
            assert_eq!(
                (task.status, task.cancel_requested_at),
                (Status::Processing, None)
            );
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

#[tokio::test]
async fn a_shutdown_leaves_a_call_its_grace() {
    for idempotent in [true, false] {
        let (tools, service) = (Tools::new(), memory().await);
        let durable = tools.durable(&service, &Policy::new().idempotent(idempotent));
        let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
        let id = client.task("gated", json!({})).await;
        client.until(&id, at_the_gate).await;
        let ending = tokio::spawn({
            let service = service.clone();
            async move { service.shutdown(Duration::from_mins(1)).await }
        });
        while service.engine().state() == EngineState::Running {
            tokio::task::yield_now().await;
        }
        // Whoever was told to end would have been by now.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        tools.gate.add_permits(1);
        ending.await.unwrap().unwrap();
        assert_eq!(tools.cancelled.available_permits(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_may_run_once_and_holds_its_thread_does_not_run_again_after_a_shutdown() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    let policy = Policy::new().idempotent(false);
    let (first, second) = (Tools::new(), Tools::new());
    let service = on_file(&path).await;
    let durable = first.durable(&service, &policy);
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let id = client.task("blocked", json!({})).await;
    while first.ran() == 0 {
        tokio::task::yield_now().await;
    }
    service.shutdown(Duration::ZERO).await.unwrap();
    first.gate.add_permits(1);

    second.gate.add_permits(1);
    let service = on_file(&path).await;
    let durable = second.durable(&service, &policy);
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let task = client.settled(&id).await;
    let told = (task["result"]["isError"] == true, second.ran());
    assert_eq!(told, (true, 0), "{task}");
    service.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_call_that_may_run_once_and_ran_out_of_time_says_so_and_runs_no_more() {
    for retry_errors in [false, true] {
        let tools = Tools::new();
        let policy = Policy::new()
            .attempts(3)
            .backoff(RetryPolicy {
                base_ms: 1,
                cap_ms: 1,
            })
            .timeout(Duration::from_millis(20))
            .retry_errors(retry_errors);
        let durable = tools.durable(&memory().await, &policy);
        let mut client = Client::connect(durable, MODERN, json!({})).await;
        let result = client.call("gated", json!({})).await;
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("took longer than 20ms"), "{text}");
        assert_eq!((result["isError"] == true, tools.ran()), (true, 1));
    }
}

#[tokio::test]
async fn who_waits_when_the_server_ends_is_told_that_the_work_goes_on() {
    let (tools, service) = (Tools::new(), memory().await);
    let durable = tools.durable(&service, &Policy::new().cancel_with_call(true));
    let ending = durable.ending();
    let mut client = Client::connect(durable, LEGACY, json!({})).await;
    let call = client.send("tools/call", json!({"name": "gated"})).await;
    while tools.ran() == 0 {
        tokio::task::yield_now().await;
    }
    ending.cancel();
    let answer = client.answer(call).await;
    let task = only(&service).await;
    let error = answer["error"]["message"].as_str().unwrap();
    assert!(error.contains(&task.id.to_string()), "{answer}");
    assert_eq!(task.status, Status::Processing);
    assert_eq!(task.cancel_requested_at, None);
}
