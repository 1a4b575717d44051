//! Tools that change much for good ask first, in the way of the client.

use crate::support::{Raw, service, structured, text};
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::config::ToolSet;
use mcs_core::service::{Principal, Scopes, Service};
use mcs_mcp::{Callers, McpServer};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const MODERN: &str = "2026-07-28";

async fn connect(service: &Service, version: &'static str, capabilities: Value) -> Raw {
    Raw::declaring(service.clone(), ToolSet::All, version, capabilities).await
}

/// A client that shows forms.
async fn asking(version: &'static str) -> (Raw, Service) {
    let (service, _) = service().await;
    let client = connect(&service, version, json!({"elicitation": {}})).await;
    (client, service)
}

/// So many tasks that have finished.
async fn finished(client: &mut Raw, count: usize) {
    for _ in 0..count {
        let made = client
            .call("create_task", json!({"prompt": "x", "tags": ["t"]}))
            .await;
        let id = structured(&made)["task_id"].clone();
        client.call("wait_for_task", json!({"task_id": id})).await;
    }
}

/// So many tasks that do not start by themselves.
async fn waiting(client: &mut Raw, count: usize) {
    let task = json!({"prompt": "x", "dispatch": "manual", "queue": "q"});
    let tasks = vec![task; count];
    client.call("create_task", json!({ "tasks": tasks })).await;
}

async fn left(client: &mut Raw) -> Value {
    let listed = client.call("list_tasks", json!({"limit": 100})).await;
    structured(&listed)["count"].clone()
}

/// Makes a call again with what the user said to its question.
async fn answer(
    client: &mut Raw,
    tool: &str,
    arguments: &Value,
    asked: &Value,
    said: Value,
) -> Value {
    let params = json!({
        "name": tool,
        "arguments": arguments,
        "inputResponses": {"confirm": said},
        "requestState": asked["requestState"],
    });
    let mut answer = client.request("tools/call", params).await;
    answer["result"].take()
}

#[tokio::test]
async fn a_client_without_a_session_is_asked_and_calls_again() {
    let (mut client, _) = asking(MODERN).await;
    finished(&mut client, 3).await;
    waiting(&mut client, 2).await;
    for (tool, arguments, question, field) in [
        (
            "purge_tasks",
            json!({"tag": "t"}),
            "Remove 3 finished tasks for good",
            "removed",
        ),
        (
            "cancel_tasks",
            json!({"queue": "q"}),
            "Cancel 2 unfinished tasks?",
            "cancelled",
        ),
    ] {
        let asked = client.call(tool, arguments.clone()).await;
        assert_eq!(asked["resultType"], "input_required", "{asked}");
        let request = &asked["inputRequests"]["confirm"];
        assert_eq!(request["method"], "elicitation/create", "{asked}");
        let message = request["params"]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(question), "{message}");
        assert_eq!(request["params"]["requestedSchema"]["type"], "object");
        assert_eq!(
            left(&mut client).await,
            5 - if tool == "purge_tasks" { 0 } else { 3 }
        );
        for action in ["decline", "cancel"] {
            let said = json!({"action": action});
            let done = answer(&mut client, tool, &arguments, &asked, said).await;
            let fields = structured(&done);
            assert_eq!(
                (&fields["declined"], &fields[field]),
                (&json!(true), &json!(0))
            );
            assert!(text(&done).contains("The user declined"), "{done}");
        }
        let said = json!({"action": "accept", "content": {}});
        let done = answer(&mut client, tool, &arguments, &asked, said).await;
        let count = if tool == "purge_tasks" { 3 } else { 2 };
        assert_eq!(structured(&done)[field], count, "{done}");
        assert_eq!(structured(&done)["more"], false);
        // There is nothing left to ask about.
        let again = client.call(tool, arguments).await;
        assert_eq!(structured(&again)[field], 0, "{again}");
    }
}

#[tokio::test]
async fn an_answer_is_good_for_its_question_alone() {
    let (mut client, service) = asking(MODERN).await;
    finished(&mut client, 2).await;
    let (tool, arguments) = ("purge_tasks", json!({"tag": "t"}));
    let asked = client.call(tool, arguments.clone()).await;
    let accept = json!({"action": "accept"});
    let mut forged = asked.clone();
    let state = asked["requestState"].as_str().expect("a state");
    forged["requestState"] = state.replacen(".A", ".B", 1).into();
    let wider = json!({});
    for (tool, arguments, asked) in [
        (tool, &wider, &asked),
        ("cancel_tasks", &arguments, &asked),
        (tool, &arguments, &forged),
    ] {
        let again = answer(&mut client, tool, arguments, asked, accept.clone()).await;
        let asks = again["resultType"] == "input_required";
        assert!(asks || structured(&again)["cancelled"] == 0, "{again}");
    }
    let mut other = connect(&service, MODERN, json!({"elicitation": {}})).await;
    let again = answer(&mut other, tool, &arguments, &asked, accept).await;
    assert_eq!(again["resultType"], "input_required", "{again}");
    let odd = answer(&mut client, tool, &arguments, &asked, json!("yes")).await;
    assert!(
        text(&odd).contains("`inputResponses` has no answer"),
        "{odd}"
    );
    // Who brings no answer is asked again.
    let params = json!({"name": tool, "arguments": arguments, "requestState": state});
    let again = client.request("tools/call", params).await;
    assert_eq!(again["result"]["resultType"], "input_required", "{again}");
    assert_eq!(left(&mut client).await, 2);
}

/// Waits until tasks that are made from now on count as made after those that are there.
async fn clock_moves() {
    let later = SystemClock.now().plus(Duration::from_millis(2));
    while SystemClock.now() < later {
        tokio::task::yield_now().await;
    }
}

/// The ids of the tasks with a status, sorted.
async fn ids(client: &mut Raw, status: &str) -> Vec<String> {
    let listed = client.call("list_tasks", json!({"status": status})).await;
    let tasks = structured(&listed)["tasks"].as_array().expect("tasks");
    let ids = tasks.iter().map(|task| task["task_id"].as_str());
    let mut ids: Vec<_> = ids.map(|id| id.expect("an id").to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn what_comes_after_the_question_is_left_alone() {
    let (mut client, _) = asking(MODERN).await;
    let accept = json!({"action": "accept"});
    waiting(&mut client, 2).await;
    let meant = ids(&mut client, "PENDING").await;
    let asked = client.call("cancel_tasks", json!({})).await;
    clock_moves().await;
    waiting(&mut client, 3).await;
    let done = answer(
        &mut client,
        "cancel_tasks",
        &json!({}),
        &asked,
        accept.clone(),
    )
    .await;
    assert_eq!(structured(&done)["cancelled"], 2, "{done}");
    assert_eq!(ids(&mut client, "CANCELLED").await, meant);
    assert_eq!(ids(&mut client, "PENDING").await.len(), 3);

    finished(&mut client, 2).await;
    let old = ids(&mut client, "COMPLETED").await;
    let arguments = json!({"status": "COMPLETED"});
    let asked = client.call("purge_tasks", arguments.clone()).await;
    clock_moves().await;
    finished(&mut client, 3).await;
    let done = answer(&mut client, "purge_tasks", &arguments, &asked, accept).await;
    assert_eq!(structured(&done)["removed"], 2, "{done}");
    let left = ids(&mut client, "COMPLETED").await;
    assert_eq!(left.len(), 3);
    assert!(left.iter().all(|id| !old.contains(id)), "{left:?} {old:?}");
}

#[tokio::test]
async fn an_answer_counts_once() {
    let (mut client, _) = asking(MODERN).await;
    waiting(&mut client, 1).await;
    let asked = client.call("cancel_tasks", json!({})).await;
    let accept = || json!({"action": "accept"});
    let done = answer(&mut client, "cancel_tasks", &json!({}), &asked, accept()).await;
    assert_eq!(structured(&done)["cancelled"], 1, "{done}");
    waiting(&mut client, 1).await;
    let again = answer(&mut client, "cancel_tasks", &json!({}), &asked, accept()).await;
    assert_eq!(again["resultType"], "input_required", "{again}");
    assert_eq!(ids(&mut client, "PENDING").await.len(), 1);
}

#[tokio::test]
async fn a_client_with_a_session_is_asked_while_its_call_waits() {
    for version in ["2025-06-18", "2025-11-25"] {
        let (mut client, _) = asking(version).await;
        finished(&mut client, 2).await;
        for (said, removed) in [("decline", 0), ("accept", 2)] {
            let params = json!({"name": "purge_tasks", "arguments": {"status": "COMPLETED"}});
            let call = client.post("tools/call", params).await;
            let asked = client.read().await;
            assert_eq!(asked["method"], "elicitation/create", "{version}: {asked}");
            let message = asked["params"]["message"].as_str().unwrap_or_default();
            assert!(message.starts_with("Remove 2 finished tasks"), "{message}");
            let reply = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": said}});
            client.line(&reply.to_string()).await;
            let done = client.answer(call).await;
            assert_eq!(
                structured(&done["result"])["removed"],
                removed,
                "{version}: {done}"
            );
        }
        assert_eq!(left(&mut client).await, 0);
    }
}

#[tokio::test]
async fn a_client_that_fails_to_ask_changes_nothing() {
    let (mut client, _) = asking("2025-11-25").await;
    waiting(&mut client, 1).await;
    let params = json!({"name": "cancel_tasks", "arguments": {}});
    let call = client.post("tools/call", params).await;
    let asked = client.read().await;
    let error = json!({"code": -32603, "message": "no window"});
    let reply = json!({"jsonrpc": "2.0", "id": asked["id"], "error": error});
    client.line(&reply.to_string()).await;
    let refused = client.answer(call).await;
    let refused = &refused["result"];
    assert_eq!(refused["isError"], true, "{refused}");
    let told = text(refused);
    assert!(
        told.contains("did not ask its user") && told.contains("no window"),
        "{told}"
    );
    let pending = client
        .call("list_tasks", json!({"status": "PENDING"}))
        .await;
    assert_eq!(structured(&pending)["count"], 1);
}

#[tokio::test]
async fn a_call_that_ends_takes_its_question_back() {
    let (mut client, _) = asking("2025-11-25").await;
    waiting(&mut client, 1).await;
    let params = json!({"name": "cancel_tasks", "arguments": {}});
    let call = client.post("tools/call", params).await;
    let asked = client.read().await;
    assert_eq!(asked["method"], "elicitation/create", "{asked}");
    let params = json!({"requestId": call});
    let gone = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
    client.line(&gone.to_string()).await;
    let back = client.read().await;
    assert_eq!(back["method"], "notifications/cancelled", "{back}");
    assert_eq!(back["params"]["requestId"], asked["id"], "{back}");
    assert_eq!(ids(&mut client, "PENDING").await.len(), 1);
}

#[tokio::test]
async fn a_client_that_cannot_ask_has_to_say_that_the_user_agrees() {
    for (version, capabilities) in [
        ("2024-11-05", json!({})),
        // The revision has no forms, whatever its client declares.
        ("2025-03-26", json!({"elicitation": {}})),
        ("2025-11-25", json!({"elicitation": {"url": {}}})),
        (MODERN, json!({})),
    ] {
        let (service, _) = service().await;
        let mut client = connect(&service, version, capabilities).await;
        finished(&mut client, 2).await;
        for confirm in [Value::Null, json!(false)] {
            let arguments = json!({"confirm": confirm});
            let refused = client.call("purge_tasks", arguments).await;
            assert_eq!(refused["isError"], true, "{version}: {refused}");
            let told = text(&refused);
            let wanted =
                "\"Remove 2 finished tasks for good, with their results and logs?\" Ask the user";
            assert!(told.contains(wanted), "{version}: {told}");
        }
        let old = json!({"older_than_seconds": 3600, "confirm": true});
        let none = client.call("purge_tasks", old).await;
        assert_eq!(structured(&none)["removed"], 0, "{version}");
        let done = client.call("purge_tasks", json!({"confirm": true})).await;
        assert_eq!(structured(&done)["removed"], 2, "{version}: {done}");
    }
}

#[tokio::test]
async fn a_client_that_can_ask_asks_whatever_the_caller_says() {
    let (mut client, _) = asking(MODERN).await;
    waiting(&mut client, 1).await;
    let asked = client.call("cancel_tasks", json!({"confirm": true})).await;
    assert_eq!(asked["resultType"], "input_required", "{asked}");
}

#[tokio::test]
async fn a_status_of_the_other_kind_is_refused() {
    let (mut client, _) = asking(MODERN).await;
    for (tool, status) in [("purge_tasks", "PENDING"), ("cancel_tasks", "FAILED")] {
        let refused = client.call(tool, json!({"status": status})).await;
        assert_eq!(refused["isError"], true, "{refused}");
        assert!(text(&refused).contains("`status`"), "{refused}");
    }
}

#[tokio::test]
async fn an_answer_is_good_for_the_caller_who_was_asked() {
    let (service, _) = service().await;
    let other = Arc::new(AtomicBool::new(false));
    let callers = Callers::each({
        let other = Arc::clone(&other);
        move |_| {
            let name = if other.load(Ordering::Relaxed) {
                "bob"
            } else {
                "alice"
            };
            Some(Principal::new(name, Scopes::ALL))
        }
    });
    let server = McpServer::new(service, callers, ToolSet::All);
    let mut client = Raw::of(server, MODERN).await;
    client = client.able(json!({"elicitation": {}}));
    waiting(&mut client, 1).await;
    let asked = client.call("cancel_tasks", json!({})).await;
    let accept = json!({"action": "accept"});
    for (is_other, cancelled) in [(true, json!(null)), (false, json!(1))] {
        other.store(is_other, Ordering::Relaxed);
        let done = answer(
            &mut client,
            "cancel_tasks",
            &json!({}),
            &asked,
            accept.clone(),
        )
        .await;
        let asks = done["resultType"] == "input_required";
        assert_eq!(asks, is_other, "{done}");
        assert_eq!(done["structuredContent"]["cancelled"], cancelled, "{done}");
    }
}
