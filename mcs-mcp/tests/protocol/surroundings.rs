//! Resources and prompts.

use crate::support::{Raw, service, structured};
use mcs_core::config::ToolSet;
use serde_json::{Value, json};

async fn client() -> Raw {
    let (service, _) = service().await;
    Raw::connect(service, ToolSet::Core, "2025-11-25").await
}

async fn resource(client: &mut Raw, uri: &str) -> Value {
    let answer = client
        .request("resources/read", json!({ "uri": uri }))
        .await;
    let contents = &answer["result"]["contents"][0];
    assert_eq!(
        (&contents["uri"], &contents["mimeType"]),
        (&json!(uri), &json!("application/json")),
        "{answer}"
    );
    serde_json::from_str(contents["text"].as_str().expect("a text")).expect("JSON")
}

async fn prompt(client: &mut Raw, name: &str, arguments: Value) -> String {
    let answer = client
        .request("prompts/get", json!({"name": name, "arguments": arguments}))
        .await;
    let message = &answer["result"]["messages"][0];
    assert_eq!(message["role"], "user", "{answer}");
    message["content"]["text"]
        .as_str()
        .expect("a text")
        .to_owned()
}

#[tokio::test]
async fn every_listed_resource_can_be_read() {
    let mut client = client().await;
    let listed = client.request("resources/list", json!({})).await;
    let uris: Vec<&str> = listed["result"]["resources"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|resource| resource["uri"].as_str())
        .collect();
    let wanted = [
        "data://tasks/schema",
        "data://tasks/statuses",
        "data://models/available",
        "data://system/stats",
    ];
    assert_eq!(uris, wanted);
    let statuses = resource(&mut client, "data://tasks/statuses").await;
    assert_eq!(statuses["statuses"].as_array().map(Vec::len), Some(6));
    let models = resource(&mut client, "data://models/available").await;
    let known = models["models"].as_array().expect("models");
    assert!(
        known
            .iter()
            .any(|model| model["provider"] == "openai" && model["available"] == false),
        "{models}"
    );
    assert_eq!(models["providers"], json!(["echo"]));
}

#[tokio::test]
async fn a_task_is_as_its_schema_says() {
    let mut client = client().await;
    let schema = resource(&mut client, "data://tasks/schema").await;
    let created = client
        .call(
            "create_task",
            json!({"prompt": "x", "tags": ["a"], "metadata": {"b": 1}}),
        )
        .await;
    let id = structured(&created)["task_id"].clone();
    client.call("wait_for_task", json!({"task_id": id})).await;
    let status = client.call("get_task_status", json!({"task_id": id})).await;
    let task = structured(&status).as_object().expect("an object");
    let kinds = schema["kinds"].as_array().expect("kinds");
    let names: Vec<&Value> = kinds.iter().map(|kind| &kind["name"]).collect();
    let known = [
        "approving",
        "asking",
        "batch",
        "failing",
        "forwarding",
        "gated",
        "prompt",
        "quizzing",
        "sized",
        "talking",
    ];
    assert_eq!(names, known);
    assert_eq!(kinds[5]["payload"], true);
    assert!(kinds[6]["payload"]["properties"]["prompt"].is_object());
    assert_eq!(kinds[8]["description"], "answers with so many bytes");
    assert_eq!(
        kinds[8]["payload"]["properties"]["bytes"]["type"],
        "integer"
    );
    let properties = schema["properties"].as_object().expect("properties");
    for field in task.keys() {
        assert!(properties.contains_key(field), "{field}");
    }
    for field in schema["required"].as_array().expect("required fields") {
        assert!(
            task.contains_key(field.as_str().expect("a name")),
            "{field}"
        );
    }
}

#[tokio::test]
async fn statistics_are_live() {
    let mut client = client().await;
    assert_eq!(
        resource(&mut client, "data://system/stats").await["total"],
        0
    );
    client
        .call("create_task", json!({"prompt": "x", "delay_seconds": 60}))
        .await;
    assert_eq!(
        resource(&mut client, "data://system/stats").await["statuses"]["PENDING"],
        1
    );
}

#[tokio::test]
async fn prompts_show_the_tasks_as_they_are() {
    let mut client = client().await;
    let created = client
        .call("create_task", json!({"prompt": "count the stars"}))
        .await;
    let id = structured(&created)["task_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    client.call("wait_for_task", json!({"task_id": id})).await;
    let failing = client.call("create_task", json!({"kind": "failing"})).await;
    let failing = structured(&failing)["task_id"].clone();
    client
        .call("wait_for_task", json!({"task_id": failing}))
        .await;

    let one = prompt(&mut client, "task_summary", json!({ "task_id": id })).await;
    assert!(
        one.contains(&id) && one.contains("Result:\ncount the stars"),
        "{one}"
    );
    let some = prompt(&mut client, "task_summary", json!({"status": "COMPLETED"})).await;
    assert!(some.contains(&id) && !some.contains("FAILED"), "{some}");
    let health = prompt(&mut client, "system_health", json!({})).await;
    assert!(
        health.contains("2 tasks") && health.contains("the dish is broken"),
        "{health}"
    );
    assert!(
        health.contains("last 24 hours.") && health.contains("| 2 | 1 | 1 | 0 |"),
        "{health}"
    );
    let narrow = json!({"queue": "elsewhere", "hours": "2"});
    let health = prompt(&mut client, "system_health", narrow).await;
    assert!(
        health.contains("last 2 hours, and of its queue elsewhere")
            && !health.contains("the dish is broken")
            && !health.contains("Queue default"),
        "{health}"
    );
    let analysis = prompt(
        &mut client,
        "task_analysis",
        json!({"days": "1", "kind": "failing"}),
    )
    .await;
    assert!(
        analysis.contains("last 1 days") && !analysis.contains("count the stars"),
        "{analysis}"
    );
    let review = prompt(&mut client, "performance_review", json!({"hours": "2"})).await;
    assert!(
        review.contains("last 2 hours") && review.contains("| 2 | 1 | 1 | 0 |"),
        "{review}"
    );
}

#[tokio::test]
async fn arguments_of_prompts_are_checked() {
    let mut client = client().await;
    for (name, arguments, wanted) in [
        (
            "performance_review",
            json!({"hours": "none"}),
            "`hours` is `none`; use a whole number from 1 to 48",
        ),
        (
            "performance_review",
            json!({"hour": "1"}),
            "did you mean `hours`?",
        ),
        (
            "task_analysis",
            json!({"status": "DONE"}),
            "use one of PENDING",
        ),
        (
            "system_health",
            json!({"hours": "49"}),
            "`hours` is `49`; use a whole number from 1 to 48",
        ),
        ("task_summary", json!({"task_id": "x"}), "no task id"),
        (
            "task_summary",
            json!({"task_id": "01900000-0000-7000-8000-000000000000"}),
            "01900000",
        ),
        ("task_sumary", json!({}), "Did you mean task_summary?"),
    ] {
        let answer = client
            .request("prompts/get", json!({"name": name, "arguments": arguments}))
            .await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(wanted), "{message}");
    }
}
