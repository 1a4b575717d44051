//! The resources of tasks: how they stand, and their results.

use crate::support::{ERAS, Raw, service, structured};
use mcs_core::config::ToolSet;
use serde_json::{Value, json};

async fn create(client: &mut Raw, task: Value) -> String {
    let created = client.call("create_task", task).await;
    let id = structured(&created)["task_id"].as_str();
    id.expect("an id").to_owned()
}

async fn read(client: &mut Raw, uri: &str) -> Value {
    let params = json!({ "uri": uri });
    client.request("resources/read", params).await
}

/// A document of one JSON text.
fn document(answer: &Value) -> Value {
    let text = answer["result"]["contents"][0]["text"].as_str();
    let text = text.unwrap_or_else(|| panic!("{answer}"));
    serde_json::from_str(text).expect("JSON")
}

#[tokio::test]
async fn the_templates_are_listed_for_everybody() {
    for era in ERAS {
        let (service, _) = service().await;
        let mut client = Raw::connect(service, ToolSet::Core, era).await;
        let listed = client.request("resources/templates/list", json!({})).await;
        let templates = listed["result"]["resourceTemplates"].as_array();
        let uris: Vec<&Value> = templates
            .expect("a list")
            .iter()
            .map(|template| &template["uriTemplate"])
            .collect();
        assert_eq!(uris, ["task://{id}", "task://{id}/result{?part,offset}"]);
        if era == "2026-07-28" {
            assert_eq!(listed["result"]["cacheScope"], "public");
        }
    }
}

#[tokio::test]
async fn a_task_is_read_with_its_result_once_it_has_finished() {
    let (service, gate) = service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2026-07-28").await;
    let id = create(&mut client, json!({"kind": "gated"})).await;
    let uri = format!("task://{id}");
    let answer = read(&mut client, &uri).await;
    let task = document(&answer);
    assert_eq!(
        (&task["task_id"], &task["kind"]),
        (&json!(id), &json!("gated"))
    );
    assert_eq!(task.get("result"), None, "{task}");
    let contents = &answer["result"]["contents"][0];
    assert_eq!(
        (&contents["uri"], &contents["mimeType"]),
        (&json!(uri), &json!("application/json"))
    );
    assert_eq!(
        (&answer["result"]["ttlMs"], &answer["result"]["cacheScope"]),
        (&json!(0), &json!("private"))
    );
    let missing = read(&mut client, &format!("{uri}/result")).await;
    let message = missing["error"]["message"].as_str().expect("an error");
    assert!(message.starts_with("There is no result: "), "{message}");
    gate.open();
    let waited = client.call("wait_for_task", json!({"task_id": id})).await;
    let task = document(&read(&mut client, &uri).await);
    assert_eq!(task["status"], "COMPLETED");
    assert_eq!(&task["result"], structured(&waited));
    let result = read(&mut client, &format!("{uri}/result")).await;
    assert_eq!(result["result"]["contents"][0]["text"], "let through");
    assert_eq!(result["result"]["cacheScope"], "private");
}

#[tokio::test]
async fn a_long_result_is_read_piece_by_piece() {
    let (service, _) = service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2025-11-25").await;
    let sized = json!({"kind": "sized", "payload": {"bytes": 600_000, "structured": true}});
    let id = create(&mut client, sized).await;
    client.call("wait_for_task", json!({"task_id": id})).await;
    let (mut whole, mut reads) = (String::new(), 0);
    let mut next = Some(format!("task://{id}/result"));
    while let Some(uri) = next {
        let answer = read(&mut client, &uri).await;
        let contents = answer["result"]["contents"].as_array().expect("contents");
        whole += contents[0]["text"].as_str().expect("a text");
        assert_eq!(contents[0]["_meta"]["mcs/totalBytes"], 600_000);
        let following = contents[0]["_meta"]["mcs/nextUri"].as_str();
        next = following.map(ToOwned::to_owned);
        if let Some(next) = &next {
            let note = contents[1]["text"].as_str().expect("a note");
            assert!(note.contains(next), "{note}");
        }
        reads += 1;
    }
    assert_eq!((whole.len(), reads), (600_000, 3));
    let status = document(&read(&mut client, &format!("task://{id}")).await);
    assert_eq!(status["result"]["total_bytes"], 600_000);
    let uri = format!("task://{id}/result?part=structured&offset=599000");
    let tail = read(&mut client, &uri).await;
    assert_eq!(
        tail["result"]["contents"][0]["mimeType"],
        "application/json"
    );
    let refused = read(&mut client, &format!("task://{id}/result?offset=600001")).await;
    assert_eq!(refused["error"]["code"], -32602);
}

#[tokio::test]
async fn what_is_not_there_is_refused_as_each_era_wants_it() {
    for (era, code) in [("2025-11-25", -32002), ("2026-07-28", -32602)] {
        let (service, _) = service().await;
        let mut client = Raw::connect(service, ToolSet::Core, era).await;
        let nobody = "task://0199aabb-ccdd-7eef-8011-223344556677";
        for uri in [nobody.to_owned(), format!("{nobody}/result")] {
            let answer = read(&mut client, &uri).await;
            assert_eq!(answer["error"]["code"], code, "{answer}");
            assert_eq!(answer["error"]["data"]["uri"], uri, "{answer}");
        }
        let wrong = read(&mut client, "task://nobody").await;
        assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
    }
}

#[tokio::test]
async fn cursors_that_no_list_gave_are_refused() {
    let (service, _) = service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2026-07-28").await;
    for method in [
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "prompts/list",
    ] {
        for cursor in ["", "2", "eyJwYWdlIjogMn0="] {
            let answer = client.request(method, json!({ "cursor": cursor })).await;
            assert_eq!(
                answer["error"]["code"], -32602,
                "{method} {cursor}: {answer}"
            );
        }
        let answer = client.request(method, json!({})).await;
        assert_eq!(answer["result"].get("nextCursor"), None, "{method}");
        assert_eq!(answer["result"]["cacheScope"], "public", "{method}");
    }
}
