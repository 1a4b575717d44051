//! Completion of the arguments of prompts and templates.

use crate::support::{Raw, service, structured};
use mcs_core::config::ToolSet;
use mcs_core::service::{Principal, Scopes};
use mcs_mcp::McpServer;
use serde_json::{Value, json};

async fn complete(client: &mut Raw, reference: &Value, name: &str, value: &str) -> Value {
    let params = json!({"ref": reference, "argument": {"name": name, "value": value}});
    let mut answer = client.request("completion/complete", params).await;
    assert!(answer.get("error").is_none(), "{answer}");
    answer["result"]["completion"].take()
}

fn prompt(name: &str) -> Value {
    json!({"type": "ref/prompt", "name": name})
}

fn template(uri: &str) -> Value {
    json!({"type": "ref/resource", "uri": uri})
}

#[tokio::test]
async fn what_names_something_is_completed_in_every_era() {
    for era in ["2025-11-25", "2026-07-28"] {
        let (service, _) = service().await;
        let mut client = Raw::connect(service, ToolSet::All, era).await;
        let task = json!({"kind": "gated", "queue": "letters", "tags": ["urgent"]});
        client.call("create_task", task).await;
        let review = prompt("performance_review");
        let summary = prompt("task_summary");
        let result = template("task://{id}/result{?part,offset}");
        for (reference, name, value, wanted) in [
            (&summary, "status", "fail", json!(["FAILED"])),
            (
                &summary,
                "status",
                "ed",
                json!(["INPUT_REQUIRED", "COMPLETED", "FAILED", "CANCELLED"]),
            ),
            (&summary, "kind", "gat", json!(["gated"])),
            (&summary, "queue", "let", json!(["letters"])),
            (&summary, "tag", "", json!(["urgent"])),
            (&result, "part", "s", json!(["structured"])),
            (&result, "offset", "1", json!([])),
            (&review, "hours", "2", json!([])),
        ] {
            let found = complete(&mut client, reference, name, value).await;
            assert_eq!(found["values"], wanted, "{era} {name} {value}");
            assert_eq!(found["hasMore"], false);
            assert_eq!(found["total"], wanted.as_array().map_or(0, Vec::len));
        }
        let models = complete(&mut client, &review, "model", "gpt").await;
        let models = models["values"].as_array().expect("a list");
        let is_meant = |model: &Value| model.as_str().is_some_and(|name| name.contains("gpt"));
        assert!(
            !models.is_empty() && models.iter().all(is_meant),
            "{models:?}"
        );
    }
}

#[tokio::test]
async fn ids_are_those_of_ones_own_latest_tasks() {
    let (service, _) = service().await;
    let server = |name: &str| {
        let user = Principal::new(name, Scopes::USER);
        McpServer::new(service.clone(), user, ToolSet::Core)
    };
    let mut alice = Raw::of(server("alice"), "2026-07-28").await;
    let tasks: Vec<Value> = (0..120).map(|_| json!({"kind": "gated"})).collect();
    let created = alice.call("create_task", json!({ "tasks": tasks })).await;
    let created = structured(&created)["tasks"].as_array().expect("a list");
    let newest = created[119]["task_id"].as_str().expect("an id").to_owned();
    let status = template("task://{id}");
    let all = complete(&mut alice, &status, "id", "").await;
    let ids = all["values"].as_array().expect("a list");
    assert_eq!((ids.len(), &ids[0]), (100, &json!(newest)));
    assert_eq!(
        (&all["total"], &all["hasMore"]),
        (&json!(120), &json!(true))
    );
    let one = complete(&mut alice, &status, "id", &newest.to_uppercase()).await;
    assert_eq!(one["values"], json!([newest]));
    let mut bob = Raw::of(server("bob"), "2026-07-28").await;
    let none = complete(&mut bob, &prompt("task_summary"), "task_id", "").await;
    assert_eq!(none["values"], json!([]));
}

#[tokio::test]
async fn what_does_not_exist_is_refused() {
    let (service, _) = service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2026-07-28").await;
    for (reference, name, wanted) in [
        (prompt("task_sumary"), "status", "Did you mean task_summary"),
        (prompt("task_summary"), "statuz", "did you mean status"),
        (template("task://{id}"), "offset", "it takes id"),
        (
            template("data://tasks/schema"),
            "id",
            "There is no template",
        ),
    ] {
        let params = json!({"ref": reference, "argument": {"name": name, "value": ""}});
        let answer = client.request("completion/complete", params).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        let message = answer["error"]["message"].as_str().expect("a message");
        assert!(message.contains(wanted), "{message}");
    }
}
