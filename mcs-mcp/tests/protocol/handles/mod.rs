//! Tasks of the Tasks extension: who is given a handle, and what the handle says.

mod asked;
mod ends;

use crate::support::{ERAS, Raw, service, structured, text};
use mcs_core::config::ToolSet;
use mcs_core::service::Service;
use serde_json::{Value, json};
use std::time::Duration;

const MODERN: &str = "2026-07-28";
const NOBODY: &str = "0199c0de-0000-7000-8000-000000000000";

/// What a client says that follows tasks.
fn follows_tasks() -> Value {
    json!({"extensions": {"io.modelcontextprotocol/tasks": {}}})
}

/// The same of one that can be asked whatever there is, too.
fn follows_and_answers() -> Value {
    let mut can = follows_tasks();
    for asked in ["elicitation", "sampling", "roots"] {
        can[asked] = json!({});
    }
    can
}

async fn follower(service: Service) -> Raw {
    Raw::declaring(service, ToolSet::All, MODERN, follows_and_answers()).await
}

async fn create(client: &mut Raw, arguments: Value) -> String {
    let created = client.call("create_task", arguments).await;
    let id = structured(&created)["task_id"].as_str();
    id.expect("an id").to_owned()
}

async fn get(client: &mut Raw, id: &str) -> Value {
    let mut answer = client.request("tasks/get", json!({"taskId": id})).await;
    assert!(answer.get("error").is_none(), "{answer}");
    answer["result"].take()
}

/// The task once it has this status.
async fn until(client: &mut Raw, id: &str, status: &str) -> Value {
    let looking = async {
        loop {
            let task = get(client, id).await;
            if task["status"] == status {
                return task;
            }
        }
    };
    let looked = tokio::time::timeout(Duration::from_mins(1), looking).await;
    looked.unwrap_or_else(|_| panic!("task {id} never was {status}"))
}

async fn update(client: &mut Raw, id: &str, responses: Value) -> Value {
    let params = json!({"taskId": id, "inputResponses": responses});
    client.request("tasks/update", params).await
}

fn is_acknowledged(answer: &Value) {
    assert_eq!(
        answer["result"],
        json!({"resultType": "complete"}),
        "{answer}"
    );
}

#[tokio::test]
async fn tools_that_wait_give_a_handle_to_who_follows_tasks() {
    let (service, gate) = service().await;
    let mut client = follower(service).await;
    let created = json!({"kind": "gated", "wait": true});
    let handle = client.call("create_task", created).await;
    let id = handle["taskId"].as_str().expect("an id").to_owned();
    assert_eq!(handle["resultType"], "task", "{handle}");
    assert_eq!(handle["status"], "working", "{handle}");
    assert_eq!(handle["ttlMs"], Value::Null, "{handle}");
    let interval = handle["pollIntervalMs"].as_u64();
    assert!((Some(5)..=Some(250)).contains(&interval), "{handle}");
    assert!(handle["createdAt"].is_string(), "{handle}");
    assert!(handle["lastUpdatedAt"].is_string(), "{handle}");

    let again = client.call("wait_for_task", json!({"task_id": id})).await;
    assert_eq!(
        (&again["resultType"], &again["taskId"]),
        (&json!("task"), &json!(id))
    );
    let now = json!({"task_id": id, "timeout_seconds": 0});
    let now = client.call("wait_for_task", now).await;
    assert_eq!(now["resultType"], "complete", "{now}");

    gate.open();
    let done = until(&mut client, &id, "completed").await;
    assert_eq!(done["resultType"], "complete", "{done}");
    assert_eq!(done["result"]["content"][0]["text"], "let through");
    assert!(done.get("pollIntervalMs").is_none(), "{done}");
    let waited = client.call("wait_for_task", json!({"task_id": id})).await;
    assert_eq!(
        done["result"], waited,
        "who follows and who waits read the same"
    );
    let read = client.call("get_task_result", json!({"task_id": id})).await;
    assert_eq!(done["result"], read);
}

#[tokio::test]
async fn a_manual_task_is_executed_and_followed() {
    let (service, _) = service().await;
    let mut client = follower(service.clone()).await;
    let manual = json!({"prompt": "hello", "dispatch": "manual"});
    let refused = json!({"prompt": "hello", "dispatch": "manual", "wait": true});
    let refused = client.call("create_task", refused).await;
    assert!(
        text(&refused).contains("call execute_task with `wait`"),
        "{refused}"
    );

    for arguments in [json!({}), json!({"wait": true})] {
        let id = create(&mut client, manual.clone()).await;
        let mut arguments = arguments;
        arguments["task_id"] = json!(id);
        let handle = client.call("execute_task", arguments).await;
        if handle["resultType"] == "task" {
            assert_eq!(handle["taskId"], json!(id), "{handle}");
        }
        let done = until(&mut client, &id, "completed").await;
        assert_eq!(done["result"]["content"][0]["text"], "hello");
    }
    let id = create(&mut client, manual.clone()).await;
    let waiting = get(&mut client, &id).await;
    assert_eq!(
        waiting["statusMessage"],
        "It is manual and waits for execute_task."
    );
    let at_once = json!({"task_id": id, "wait": false});
    let at_once = client.call("execute_task", at_once).await;
    assert_eq!(structured(&at_once)["attempt"], 1, "{at_once}");

    let mut other = Raw::connect(service, ToolSet::All, MODERN).await;
    let id = create(&mut other, manual).await;
    let at_once = other.call("execute_task", json!({"task_id": id})).await;
    assert_eq!(structured(&at_once)["attempt"], 1, "{at_once}");
}

#[tokio::test]
async fn everybody_else_waits_and_never_gets_a_task() {
    for version in ERAS {
        // In a session with a handshake the declaration means nothing.
        let declared = if version == MODERN {
            json!({})
        } else {
            follows_tasks()
        };
        let (service, _) = service().await;
        let mut client = Raw::declaring(service, ToolSet::All, version, declared).await;
        let done = json!({"prompt": "hello", "wait": true});
        let done = client.call("create_task", done).await;
        assert_eq!(
            structured(&done)["status"],
            "COMPLETED",
            "{version}: {done}"
        );
        assert_eq!(done["content"][0]["text"], "hello", "{version}: {done}");
        let id = structured(&done)["task_id"].clone();
        let waited = client.call("wait_for_task", json!({"task_id": id})).await;
        assert_eq!(done, waited, "{version}");

        let code = if version == MODERN { -32021 } else { -32601 };
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let params = json!({"taskId": id, "inputResponses": {}});
            let refused = client.request(method, params).await;
            assert_eq!(
                refused["error"]["code"], code,
                "{version} {method}: {refused}"
            );
            if version == MODERN {
                let needed = &refused["error"]["data"]["requiredCapabilities"];
                assert_eq!(needed, &follows_tasks(), "{refused}");
            }
        }
        for method in ["tasks/list", "tasks/result"] {
            let refused = client.request(method, json!({"taskId": id})).await;
            assert_eq!(
                refused["error"]["code"], -32601,
                "{version} {method}: {refused}"
            );
        }
    }
}

#[tokio::test]
async fn the_extension_is_told_where_it_is_spoken() {
    let (service, _) = service().await;
    let mut client = Raw::silent(service, ToolSet::Core);
    let found = client.request("server/discover", json!({})).await;
    let extension = "io.modelcontextprotocol/tasks";
    let told = &found["result"]["capabilities"]["extensions"];
    assert_eq!(told[extension], json!({}), "{found}");
    let hello = client.initialize("2025-11-25").await;
    let told = &hello["result"]["capabilities"];
    assert!(told.get("extensions").is_none(), "{hello}");
}

#[tokio::test]
async fn a_failed_task_is_a_result_that_is_an_error() {
    let (service, _) = service().await;
    let mut client = follower(service).await;
    let id = create(&mut client, json!({"kind": "failing"})).await;
    let failed = until(&mut client, &id, "completed").await;
    assert_eq!(failed["result"]["isError"], true, "{failed}");
    assert!(
        text(&failed["result"]).contains("the dish is broken"),
        "{failed}"
    );
    let message = failed["statusMessage"].as_str().expect("a message");
    assert_eq!(message, "permanent: the dish is broken; buy another");
    let waited = client.call("wait_for_task", json!({"task_id": id})).await;
    assert_eq!(failed["result"], waited);
}

#[tokio::test]
async fn a_cancelled_task_is_cancelled_and_a_second_time_is_fine() {
    let (service, _) = service().await;
    let mut client = follower(service).await;
    let id = create(&mut client, json!({"kind": "gated"})).await;
    let working = until(&mut client, &id, "working").await;
    assert!(working.get("result").is_none(), "{working}");
    for _ in 0..2 {
        let cancel = client.request("tasks/cancel", json!({"taskId": id})).await;
        is_acknowledged(&cancel);
        let cancelled = until(&mut client, &id, "cancelled").await;
        assert!(cancelled.get("result").is_none(), "{cancelled}");
        let message = cancelled["statusMessage"].as_str();
        assert_eq!(message, Some("cancelled: cancelled by its owner over MCP"));
        let ignored = update(&mut client, &id, json!({"late": {"action": "accept"}})).await;
        is_acknowledged(&ignored);
    }
}

#[tokio::test]
async fn an_id_that_is_nobodys_is_named() {
    let (service, _) = service().await;
    let mut client = follower(service).await;
    for id in [NOBODY, "no id at all"] {
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let params = json!({"taskId": id, "inputResponses": {}});
            let refused = client.request(method, params).await;
            assert_eq!(refused["error"]["code"], -32602, "{method}: {refused}");
            let message = refused["error"]["message"].as_str().expect("a message");
            assert!(message.contains(id), "{method}: {message}");
        }
    }
}
