//! How handles end: errors of the protocol, tasks of others, and tasks that are gone.

use super::{MODERN, create, follower, follows_tasks, get, is_acknowledged, until};
use crate::support::{Raw, service};
use mcs_core::config::ToolSet;
use mcs_core::domain::{Retention, Task, TaskId, Timestamp};
use mcs_core::service::{Principal, Scopes, Service};
use mcs_mcp::McpServer;
use serde_json::{Value, json};
use std::time::Duration;

async fn stored(service: &Service, id: &str) -> Task {
    let id: TaskId = id.parse().expect("a task id");
    let task = service.tasks().status(&Principal::local(), id).await;
    task.expect("the task is there")
}

fn ttl_of(task: &Task, keep: Duration) -> Value {
    let end = task.finished_at.expect("it has finished").plus(keep);
    let ttl = end.since(task.created_at).as_millis();
    json!(u64::try_from(ttl).expect("no age of a test"))
}

#[tokio::test]
async fn an_error_of_the_protocol_is_a_failed_task() {
    let (service, _) = service().await;
    let mut client = follower(service).await;
    let error = json!({"code": -32603, "message": "rate limit exceeded", "data": {"after": 3}});
    let details = json!({"kind": "failing", "payload": {"details": {"jsonrpc": error}}});
    let id = create(&mut client, details).await;
    let failed = until(&mut client, &id, "failed").await;
    assert_eq!(failed["error"], error, "{failed}");
    assert!(failed.get("result").is_none(), "{failed}");
    assert!(failed["statusMessage"].is_string(), "{failed}");
    // What is no whole error of the protocol is none.
    let half = json!({"kind": "failing", "payload": {"details": {"jsonrpc": {"code": "x"}}}});
    let id = create(&mut client, half).await;
    let completed = until(&mut client, &id, "completed").await;
    assert_eq!(completed["result"]["isError"], true, "{completed}");
}

#[tokio::test]
async fn tasks_of_others_are_as_if_they_were_not_there() {
    let (service, gate) = service().await;
    let scopes = Scopes {
        read: true,
        write: true,
        ..Scopes::default()
    };
    let client = async |name: &'static str| {
        let who = Principal::new(name, scopes);
        let server = McpServer::new(service.clone(), who, ToolSet::All);
        Raw::of(server, MODERN).await.able(follows_tasks())
    };
    let (mut ada, mut bob) = (client("ada").await, client("bob").await);
    let id = create(&mut ada, json!({"kind": "gated"})).await;
    let nobodys = "0199c0de-0000-7000-8000-000000000000";
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let ask = |id: &str| json!({"taskId": id, "inputResponses": {}});
        let theirs = bob.request(method, ask(&id)).await;
        assert_eq!(theirs["error"]["code"], -32602, "{method}: {theirs}");
        let missing = bob.request(method, ask(nobodys)).await;
        let words = |answer: &Value, id: &str| {
            let message = answer["error"]["message"].as_str().expect("a message");
            message.replace(id, "ID")
        };
        assert_eq!(words(&theirs, &id), words(&missing, nobodys), "{method}");
    }
    gate.open();
    let done = until(&mut ada, &id, "completed").await;
    assert_eq!(done["result"]["content"][0]["text"], "let through");
}

#[tokio::test]
async fn who_may_only_look_changes_nothing() {
    let (service, _) = service().await;
    let scopes = Scopes {
        read: true,
        ..Scopes::default()
    };
    let who = Principal::new(Principal::LOCAL, scopes);
    let looker = McpServer::new(service.clone(), who, ToolSet::All);
    let mut looker = Raw::of(looker, MODERN).await.able(follows_tasks());
    let mut owner = follower(service).await;
    let id = create(&mut owner, json!({"kind": "gated"})).await;
    assert_eq!(get(&mut looker, &id).await["status"], "working");
    let refused = looker.request("tasks/cancel", json!({"taskId": id})).await;
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    let message = refused["error"]["message"].as_str().expect("a message");
    assert!(message.contains("`write`"), "{message}");
    let asked = get(&mut owner, &id).await;
    assert_ne!(asked["statusMessage"], "Its worker was asked to end it.");
}

#[tokio::test]
async fn a_task_is_kept_for_its_time_to_live_and_is_gone_then() {
    let (service, _) = service().await;
    let mut client = follower(service.clone()).await;
    let who = Principal::local();
    let minute = Duration::from_mins(1);
    let mut short = service.new_task("prompt", json!({"prompt": "short"}));
    short.ttl_ms = Some(60_000);
    let short = service.tasks().create(&who, short).await;
    let short = short.expect("it is stored").id.to_string();
    let long = create(&mut client, json!({"prompt": "long"})).await;
    for id in [&short, &long] {
        until(&mut client, id, "completed").await;
    }
    let (task, kept) = (
        stored(&service, &short).await,
        stored(&service, &long).await,
    );
    let month = Retention::default().completed.expect("not for ever");
    assert_eq!(
        get(&mut client, &short).await["ttlMs"],
        ttl_of(&task, minute)
    );
    assert_eq!(get(&mut client, &long).await["ttlMs"], ttl_of(&kept, month));

    let end = task.finished_at.expect("it has finished").plus(minute);
    let purge = async |at: Timestamp| {
        let store = service.engine().store();
        store
            .purge(service.engine().retention(), 10, Some(at))
            .await
            .expect("the store works")
    };
    assert_eq!(purge(end.minus(Duration::from_millis(1))).await, 0);
    assert_eq!(get(&mut client, &short).await["status"], "completed");
    assert_eq!(purge(end).await, 1);
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let params = json!({"taskId": short, "inputResponses": {}});
        let gone = client.request(method, params).await;
        assert_eq!(gone["error"]["code"], -32602, "{method}: {gone}");
        let message = gone["error"]["message"].as_str().expect("a message");
        assert!(
            message.contains(&short) && message.contains("time to live"),
            "{message}"
        );
    }
    assert_eq!(get(&mut client, &long).await["status"], "completed");
}

#[tokio::test]
async fn times_move_when_the_task_does() {
    let (service, gate) = service().await;
    let mut client = follower(service.clone()).await;
    let id = create(&mut client, json!({"kind": "gated"})).await;
    let looking = async {
        loop {
            let task = get(&mut client, &id).await;
            if task["statusMessage"] == "40 % waiting at the gate" {
                return task;
            }
        }
    };
    let at_gate = tokio::time::timeout(Duration::from_mins(1), looking).await;
    let at_gate = at_gate.expect("it comes to the gate");
    let task = stored(&service, &id).await;
    assert_eq!(at_gate["createdAt"], json!(task.created_at));
    assert_eq!(at_gate["lastUpdatedAt"], json!(task.started_at));
    assert_eq!(
        get(&mut client, &id).await["lastUpdatedAt"],
        at_gate["lastUpdatedAt"]
    );
    gate.open();
    let done = until(&mut client, &id, "completed").await;
    let task = stored(&service, &id).await;
    assert_eq!(done["lastUpdatedAt"], json!(task.finished_at));
    assert!(done.get("statusMessage").is_none(), "{done}");
    is_acknowledged(&client.request("tasks/cancel", json!({"taskId": id})).await);
    assert_eq!(get(&mut client, &id).await, done, "it stays as it is");
}
