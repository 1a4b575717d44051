//! Questions of tools, and how they come to whom can answer.

use crate::client::{Client, LEGACY, MODERN, takes_tasks};
use crate::tools::{Tools, memory, on_file};
use mcs_core::domain::{PageRequest, Status, TaskFilter};
use mcs_core::service::Principal;
use mcs_mcp::durable::Policy;
use serde_json::{Value, json};
use std::time::Duration;

fn accept(name: &str) -> Value {
    json!({"action": "accept", "content": {"name": name}})
}

fn elicits() -> Value {
    json!({"elicitation": {"form": {}}})
}

#[tokio::test]
async fn the_client_of_a_session_is_asked_by_its_server() {
    let tools = Tools::new();
    let durable = tools.durable(&memory().await, &Policy::new());
    let mut client = Client::connect(durable, LEGACY, elicits()).await;
    let call = client.send("tools/call", json!({"name": "confirm"})).await;
    let question = client.read().await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    assert_eq!(question["params"]["message"], "Who?");
    client
        .write(&json!({"jsonrpc": "2.0", "id": question["id"], "result": accept("Ada")}))
        .await;
    let answer = client.answer(call).await;
    assert_eq!(answer["result"]["content"][0]["text"], "Ada", "{answer}");
    assert_eq!(tools.ran(), 1);
}

#[tokio::test]
async fn who_takes_no_tasks_calls_again_with_the_answers() {
    let tools = Tools::new();
    let durable = tools.durable(&memory().await, &Policy::new());
    let mut client = Client::connect(durable, MODERN, elicits()).await;
    let first = client.call("confirm", json!({})).await;
    assert_eq!(first["resultType"], "input_required", "{first}");
    assert_eq!(first["inputRequests"]["name"]["params"]["message"], "Who?");

    let again = json!({"name": "confirm", "requestState": first["requestState"],
        "inputResponses": {"name": accept("Ada")}});
    let second = client.request("tools/call", again).await;
    let second = &second["result"];
    // Of one task a key asks once.
    let asked = second["inputRequests"].as_object().unwrap();
    let (key, question) = asked.iter().next().unwrap();
    assert_eq!(
        (key.as_str(), &question["params"]["message"]),
        ("name-2", &json!("Who else?"))
    );

    let again = json!({"name": "confirm", "requestState": second["requestState"],
        "inputResponses": {key: accept("Bob")}});
    let last = client.request("tools/call", again).await;
    assert_eq!(
        last["result"]["content"][0]["text"], "second:Ada+Bob",
        "{last}"
    );
    assert_eq!(tools.ran(), 3);

    for state in [
        "",
        "mcs-task:x",
        "mcs-task:0191a8e2-7d5b-7c3e-9a1b-2c3d4e5f6071",
    ] {
        let forged = json!({"name": "confirm", "requestState": state});
        let refused = client.request("tools/call", forged).await;
        assert_eq!(refused["error"]["code"], -32602, "{state} {refused}");
    }
}

#[tokio::test]
async fn a_task_asks_one_round_after_the_other() {
    let tools = Tools::new();
    let durable = tools.durable(&memory().await, &Policy::new());
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let id = client.task("confirm", json!({})).await;
    for (key, name) in [("name", "Ada"), ("name-2", "Bob")] {
        let task = client.until(&id, |_| false).await;
        assert_eq!(task["status"], "input_required", "{task}");
        assert!(task["inputRequests"].get(key).is_some(), "{task}");
        let done = client.update(&id, json!({key: accept(name)})).await;
        assert!(done.get("error").is_none(), "{done}");
        // The tool asks again, or ends.
        let news = |task: &Value| task["inputRequests"].get(key).is_none();
        client.until(&id, news).await;
    }
    let task = client.settled(&id).await;
    assert_eq!(
        task["result"]["content"][0]["text"], "second:Ada+Bob",
        "{task}"
    );
}

#[tokio::test]
async fn a_round_is_gone_on_with_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    let (first, second) = (Tools::new(), Tools::new());
    let policy = Policy::new().idempotent(false);

    let service = on_file(&path).await;
    let durable = first.durable(&service, &policy);
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let id = client.task("confirm", json!({})).await;
    assert_eq!(client.settled(&id).await["status"], "input_required");
    service.shutdown(Duration::ZERO).await.unwrap();

    let service = on_file(&path).await;
    let durable = second.durable(&service, &policy);
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    client.update(&id, json!({"name": accept("Ada")})).await;
    let asked = |task: &Value| task["inputRequests"].get("name-2").is_some();
    while !asked(&client.until(&id, asked).await) {}
    client.update(&id, json!({"name-2": accept("Bob")})).await;
    let over = |task: &Value| task["status"] == "completed";
    while !over(&client.until(&id, over).await) {}
    let task = client.settled(&id).await;
    assert_eq!(
        task["result"]["content"][0]["text"], "second:Ada+Bob",
        "{task}"
    );
    assert_eq!((first.ran(), second.ran()), (1, 2));
    service.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_tool_may_ask_before_there_is_a_task() {
    let tools = Tools::new();
    let service = memory().await;
    let durable = tools.durable(&service, &Policy::new().ask_first(true));
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    let first = client.call("confirm", json!({})).await;
    assert_eq!(first["inputRequests"]["name"]["params"]["message"], "Who?");
    assert_eq!(first["requestState"], "first", "{first}");
    let (me, all) = (Principal::local(), TaskFilter::default());
    let stored = service.tasks().list(&me, all, PageRequest::default()).await;
    assert!(stored.unwrap().items.is_empty());

    let again = json!({"name": "confirm", "requestState": "first", "inputResponses": {"name": accept("Ada")}});
    let task = client.request("tools/call", again).await;
    assert_eq!(task["result"]["resultType"], "task", "{task}");
    let id = task["result"]["taskId"].as_str().unwrap();
    let task = client.settled(id).await;
    assert_eq!(
        task["inputRequests"]["name"]["params"]["message"],
        "Who else?"
    );
    client.update(id, json!({"name": accept("Bob")})).await;
    let over = |task: &Value| task["status"] == "completed";
    while !over(&client.until(id, over).await) {}
    let task = client.settled(id).await;
    assert_eq!(
        task["result"]["content"][0]["text"], "second:Ada+Bob",
        "{task}"
    );
    assert_eq!(tools.ran(), 3);
    // Who comes back without an answer is not the bare tool's.
    let again = json!({"name": "confirm", "requestState": format!("mcs-task:{id}")});
    let last = client.request("tools/call", again).await;
    let text = &last["result"]["content"][0]["text"];
    assert_eq!((text, tools.ran()), (&json!("second:Ada+Bob"), 3), "{last}");
}

#[tokio::test]
async fn a_question_that_cannot_be_stored_is_the_tool_to_deal_with() {
    for (version, said) in [(LEGACY, "cannot be asked"), (MODERN, "bytes")] {
        let tools = Tools::new();
        let policy = Policy::new().idempotent(true).attempts(3);
        let durable = tools.durable(&memory().await, &policy);
        let mut client = Client::connect(durable, version, elicits()).await;
        let call = json!({"name": "confirm", "arguments": {"more": 100_000}});
        let answer = client.request("tools/call", call).await.to_string();
        assert!(answer.contains(said), "{answer}");
        assert_eq!(tools.ran(), 1);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_that_the_tool_hears_of() {
    for (reply, said) in [
        (json!({"result": {}}), "action"),
        (
            json!({"error": {"code": -32601, "message": "no forms"}}),
            "no forms",
        ),
    ] {
        let tools = Tools::new();
        let durable = tools.durable(&memory().await, &Policy::new());
        let mut client = Client::connect(durable, LEGACY, elicits()).await;
        let call = client.send("tools/call", json!({"name": "confirm"})).await;
        let question = client.read().await;
        let mut reply = reply;
        reply["jsonrpc"] = "2.0".into();
        reply["id"] = question["id"].clone();
        client.write(&reply).await;
        let answer = client.answer(call).await;
        let error = answer["error"]["message"].as_str().unwrap();
        assert!(error.contains(said), "{answer}");
    }
}

#[tokio::test]
async fn a_client_is_asked_what_it_can_answer_after_what_it_cannot() {
    let (tools, service) = (Tools::new(), memory().await);
    let durable = tools.durable(&service, &Policy::new());
    let mut client = Client::connect(durable, LEGACY, elicits()).await;
    let call = json!({"name": "confirm", "arguments": {"roots": true}});
    let call = client.send("tools/call", call).await;
    let (tasks, me) = (service.tasks(), Principal::local());
    let id = loop {
        let all = tasks.list(&me, TaskFilter::default(), PageRequest::default());
        let found = all.await.unwrap().items;
        if let Some(task) = found
            .first()
            .filter(|task| task.status == Status::InputRequired)
        {
            break task.id;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    let answer = json!({"roots": []}).into();
    tasks.respond(&me, id, Some("roots"), answer).await.unwrap();
    let question = client.read().await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    client
        .write(&json!({"jsonrpc": "2.0", "id": question["id"], "result": accept("Ada")}))
        .await;
    let answer = client.answer(call).await;
    assert_eq!(answer["result"]["content"][0]["text"], "Ada", "{answer}");
}
