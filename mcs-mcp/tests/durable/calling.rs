//! Calls and their results.

use crate::client::{Client, LEGACY, MODERN, takes_tasks};
use crate::tools::{Tools, memory, only};
use mcs_core::domain::{NewTask, Priority, Status};
use mcs_core::service::Principal;
use mcs_mcp::durable::Policy;
use serde_json::{Value, json};
use std::time::Duration;

/// An answer without what tells one session from another.
fn told(mut answer: Value) -> Value {
    answer["id"].take();
    answer
}

#[tokio::test]
async fn who_takes_no_tasks_is_answered_as_by_the_tool_itself() {
    for version in [LEGACY, MODERN] {
        let tools = Tools::new();
        let durable = tools.durable(&memory().await, &Policy::new());
        let mut bare = Client::connect(tools.clone(), version, json!({})).await;
        let mut wrapped = Client::connect(durable, version, json!({})).await;
        for tool in ["everything", "broken", "refusing", "missing", "unheard of"] {
            let call = json!({"name": tool, "arguments": {"a": 1}});
            let expected = told(bare.request("tools/call", call.clone()).await);
            let answer = told(wrapped.request("tools/call", call).await);
            assert_eq!(answer, expected, "{version} {tool}");
        }
        assert_eq!(tools.ran(), 10, "each ran once bare and once wrapped");
    }
}

#[tokio::test]
async fn who_takes_tasks_gets_one_and_with_it_what_the_tool_answered() {
    let tools = Tools::new();
    let durable = tools.durable(&memory().await, &Policy::new());
    let mut bare = Client::connect(tools, MODERN, json!({})).await;
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    for tool in ["everything", "broken"] {
        let id = client.task(tool, json!({})).await;
        let task = client.settled(&id).await;
        assert_eq!(task["status"], "completed", "{task}");
        assert_eq!(task["result"], bare.call(tool, json!({})).await, "{tool}");
    }
    let begun = client.call("refusing", json!({})).await;
    assert_eq!(
        (&begun["status"], &begun["pollIntervalMs"]),
        (&json!("working"), &json!(5))
    );
    let id = begun["taskId"].as_str().unwrap().to_owned();
    let task = client.settled(&id).await;
    assert_eq!(task["createdAt"], begun["createdAt"]);
    let error = json!({"code": -32050, "message": "never", "data": {"why": 1}});
    assert_eq!(
        (&task["status"], &task["error"]),
        (&json!("failed"), &error)
    );
}

#[tokio::test]
async fn a_session_of_an_earlier_revision_never_gets_a_task() {
    let tools = Tools::new();
    let durable = tools.durable(&memory().await, &Policy::new());
    let mut client = Client::connect(durable, LEGACY, takes_tasks()).await;
    let result = client.call("broken", json!({})).await;
    assert_eq!(result["isError"], true, "{result}");
    let answer = client.request("tasks/get", json!({"taskId": "x"})).await;
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
}

#[tokio::test]
async fn the_task_says_what_the_tool_says_while_it_runs() {
    let (tools, service) = (Tools::new(), memory().await);
    let durable = tools.durable(&service, &Policy::new());
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let id = client.task("gated", json!({})).await;
    let task = client.until(&id, |task| {
        task["statusMessage"]
            .as_str()
            .is_some_and(|said| said.contains("gate"))
    });
    let task = task.await;
    assert_eq!(task["statusMessage"], "25 % at the gate", "{task}");
    tools.gate.add_permits(1);
    let task = client.settled(&id).await;
    let attempt = &task["result"]["structuredContent"]["attempt"];
    assert_eq!(*attempt, json!([1, "local"]), "{task}");
    let logs = service
        .engine()
        .store()
        .log(id.parse().unwrap(), 0, 10)
        .await
        .unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0].text, "it is shut");
}

#[tokio::test]
async fn a_quick_result_needs_no_task_where_the_policy_waits_a_little() {
    let tools = Tools::new();
    let policy = Policy::new().answer_within(Duration::from_mins(1));
    let durable = tools.durable(&memory().await, &policy);
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let result = client.call("broken", json!({})).await;
    assert_eq!(result["resultType"], "complete", "{result}");
}

#[tokio::test]
async fn a_client_that_comes_back_with_its_key_finds_its_call() {
    let tools = Tools::new();
    let durable = tools.durable(&memory().await, &Policy::new());
    let mut client = Client::connect(durable, MODERN, json!({})).await;
    let call = json!({"name": "everything", "_meta": {"mcs/idempotencyKey": "mine"}});
    let first = client.request("tools/call", call.clone()).await;
    let second = client.request("tools/call", call).await;
    assert_eq!(first["result"], second["result"]);
    assert_eq!(tools.ran(), 1);
    let call = json!({"name": "everything", "_meta": {"mcs/idempotencyKey": 7}});
    let refused = client.request("tools/call", call).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
}

#[tokio::test]
async fn errors_are_tried_again_where_the_policy_says_so() {
    let backoff = mcs_core::domain::RetryPolicy {
        base_ms: 1,
        cap_ms: 1,
    };
    for (tool, idempotent) in [("broken", true), ("refusing", false)] {
        let tools = Tools::new();
        let policy = Policy::new()
            .attempts(3)
            .backoff(backoff)
            .retry_errors(true);
        let durable = tools.durable(&memory().await, &policy.idempotent(idempotent));
        let mut client = Client::connect(durable, MODERN, json!({})).await;
        let answer = client.request("tools/call", json!({"name": tool})).await;
        assert_eq!(tools.ran(), 3, "{tool}");
        // The last word of the tool is its own.
        let last = (&answer["result"]["isError"], &answer["error"]["code"]);
        assert!(
            last == (&json!(true), &Value::Null) || last == (&Value::Null, &json!(-32050)),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_call_is_stored_as_its_policy_has_it() {
    let (tools, service) = (Tools::new(), memory().await);
    let policy = Policy::new()
        .idempotent(true)
        .attempts(7)
        .timeout(Duration::from_secs(8))
        .queue("films")
        .priority(Priority::new(9).unwrap())
        .ttl(Duration::from_secs(10));
    let durable = tools.durable(&service, &policy);
    let mut client = Client::connect(durable, MODERN, json!({})).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    let call =
        json!({"name": "everything", "arguments": {"scene": 1}, "_meta": {"traceparent": trace}});
    client.request("tools/call", call).await;
    let task = only(&service).await;
    assert_eq!((&*task.kind, &*task.queue), ("tools.everything", "films"));
    assert_eq!(
        (task.max_attempts, task.timeout_ms, task.ttl_ms),
        (7, Some(8000), Some(10_000))
    );
    assert_eq!(
        (task.priority, task.status),
        (Priority::new(9).unwrap(), Status::Completed)
    );
    assert!(
        task.preview.starts_with(r#"{"arguments":{"scene":1}"#),
        "{}",
        task.preview
    );
    assert_eq!(task.traceparent.as_deref(), Some(trace));
}

#[tokio::test]
async fn a_call_that_was_stored_by_another_door_runs_too() {
    let (tools, service) = (Tools::new(), memory().await);
    let _durable = tools.durable(&service, &Policy::new());
    let me = Principal::local();
    let task = NewTask::new("tools.broken", json!({}));
    let id = service.tasks().create(&me, task).await.unwrap().id;
    let task = service
        .tasks()
        .wait(&me, id, Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(task.status, Status::Completed);
    let bad = NewTask::new("tools.broken", json!({"arguments": 1}));
    let id = service.tasks().create(&me, bad).await.unwrap().id;
    let task = service
        .tasks()
        .wait(&me, id, Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(task.status, Status::Failed);
}

#[tokio::test]
async fn an_error_that_is_too_large_to_be_kept_stays_the_error_that_it_is() {
    let tools = Tools::new();
    let durable = tools.durable(&memory().await, &Policy::new());
    let mut client = Client::connect(durable, MODERN, json!({})).await;
    let call = json!({"name": "refusing", "arguments": {"more": 100_000}});
    let answer = client.request("tools/call", call).await;
    assert_eq!(answer["error"]["code"], -32050, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("never"), "{message}");
    assert_eq!(answer["error"]["data"]["truncated"], true, "{answer}");
}

#[tokio::test]
async fn a_key_is_the_tools_own_and_goes_by_what_the_tool_is_asked() {
    let tools = Tools::new();
    let durable = tools.durable(&memory().await, &Policy::new());
    let mut client = Client::connect(durable, MODERN, json!({})).await;
    let call = |tool: &str, span: u8, scene: u8| {
        let trace = format!("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902{span:02x}-01");
        json!({"name": tool, "arguments": {"scene": scene},
            "_meta": {"mcs/idempotencyKey": "mine", "traceparent": trace}})
    };
    for (tool, span, scene, ran) in [
        ("everything", 1, 1, 1),
        ("everything", 2, 1, 1),
        ("broken", 3, 1, 2),
    ] {
        let answer = client.request("tools/call", call(tool, span, scene)).await;
        assert!(answer["result"]["content"].is_array(), "{answer}");
        assert_eq!(tools.ran(), ran, "{tool} {span}");
    }
    let other = client.request("tools/call", call("everything", 1, 2)).await;
    assert!(other.to_string().contains("unique key"), "{other}");
}

#[tokio::test]
async fn who_takes_tasks_gets_one_as_soon_as_it_asks() {
    let tools = Tools::new();
    let policy = Policy::new().answer_within(Duration::from_hours(1));
    let durable = tools.durable(&memory().await, &policy);
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let task = client.call("confirm", json!({})).await;
    assert_eq!(
        (&task["resultType"], &task["status"]),
        (&json!("task"), &json!("input_required"))
    );
}
