//! Every protocol revision, as lines on a pipe.

use crate::support::{ERAS, Raw, service, structured};
use mcs_core::config::ToolSet;
use serde_json::{Value, json};

#[tokio::test]
async fn every_revision_creates_a_task_and_reads_its_result() {
    for version in ERAS {
        let (service, _) = service().await;
        let mut client = Raw::connect(service, ToolSet::Core, version).await;
        let tools = client.request("tools/list", json!({})).await;
        assert_eq!(
            tools["result"]["tools"].as_array().map(Vec::len),
            Some(7),
            "{version}: {tools}"
        );
        let created = client.call("create_task", json!({"prompt": "hello"})).await;
        let id = structured(&created)["task_id"].clone();
        let done = client.call("wait_for_task", json!({"task_id": id})).await;
        assert_eq!(
            structured(&done)["status"],
            "COMPLETED",
            "{version}: {done}"
        );
        assert_eq!(done["content"][0]["text"], "hello", "{version}: {done}");
        let is_modern = version == "2026-07-28";
        assert_eq!(
            done.get("resultType").is_some(),
            is_modern,
            "{version}: {done}"
        );
        let (rest, ended) = client.finish().await;
        assert!(
            rest.is_empty() && ended.is_ok(),
            "{version}: {rest:?} {ended:?}"
        );
    }
}

#[tokio::test]
async fn a_revision_nobody_knows_is_answered_with_the_newest_that_has_a_handshake() {
    for asked in ["2026-07-28", "2031-01-01"] {
        let (service, _) = service().await;
        let mut client = Raw::silent(service, ToolSet::Core);
        let hello = client.initialize(asked).await;
        assert_eq!(
            hello["result"]["protocolVersion"], "2025-11-25",
            "{asked}: {hello}"
        );
    }
}

#[tokio::test]
async fn discover_names_every_revision_and_leaves_both_ways_open() {
    let (service, _) = service().await;
    let mut client = Raw::silent(service, ToolSet::Core);
    let found = client.request("server/discover", json!({})).await;
    assert_eq!(found["result"]["supportedVersions"], json!(ERAS), "{found}");
    assert!(
        found["result"]["capabilities"]["tools"].is_object(),
        "{found}"
    );
    assert_eq!(found["result"]["cacheScope"], "public", "{found}");
    let instructions = found["result"]["instructions"].as_str().unwrap_or_default();
    assert!(
        instructions.contains("prompt (") && instructions.contains("gated ("),
        "{instructions}"
    );
    let hello = client.initialize("2025-06-18").await;
    assert_eq!(hello["result"]["protocolVersion"], "2025-06-18", "{hello}");
    assert_eq!(hello["result"]["serverInfo"]["name"], "mcs");
}

#[tokio::test]
async fn a_revision_of_a_request_that_nobody_knows_is_refused_with_those_there_are() {
    let (service, _) = service().await;
    let mut client = Raw::silent(service, ToolSet::Core);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2031-01-01",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let id = client.post("tools/list", json!({ "_meta": meta })).await;
    let refused = client.answer(id).await;
    assert_eq!(refused["error"]["code"], -32022, "{refused}");
    assert_eq!(
        refused["error"]["data"]["supported"],
        json!(ERAS),
        "{refused}"
    );
}

#[tokio::test]
async fn what_comes_before_the_handshake_does_not_end_the_server() {
    let (service, _) = service().await;
    let mut client = Raw::silent(service, ToolSet::Core);
    client
        .line(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#)
        .await;
    client.line(r#"{"jsonrpc":"2.0","id":3,"result":{}}"#).await;
    client.line("not JSON at all").await;
    let early = client.post("tools/list", json!({})).await;
    assert_eq!(client.answer(early).await["error"]["code"], -32602);
    let ping = client.post("ping", json!({})).await;
    assert!(client.answer(ping).await["result"].is_object());
    assert!(client.initialize("2025-11-25").await["result"].is_object());
}

#[tokio::test]
async fn lists_and_resources_carry_cache_hints_where_the_revision_has_them() {
    let (service, _) = service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2026-07-28").await;
    for (method, params, scope) in [
        ("tools/list", json!({}), "public"),
        ("prompts/list", json!({}), "public"),
        ("resources/list", json!({}), "public"),
        (
            "resources/read",
            json!({"uri": "data://tasks/statuses"}),
            "public",
        ),
        (
            "resources/read",
            json!({"uri": "data://system/stats"}),
            "private",
        ),
    ] {
        let answer = client.request(method, params).await;
        let result: &Value = &answer["result"];
        assert_eq!(result["cacheScope"], scope, "{method}: {answer}");
        assert!(
            result["ttlMs"].is_u64() && result["resultType"] == "complete",
            "{method}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_resource_that_is_not_there_has_the_code_of_its_revision() {
    for (version, code) in [("2025-11-25", -32002), ("2026-07-28", -32602)] {
        let (service, _) = service().await;
        let mut client = Raw::connect(service, ToolSet::Core, version).await;
        let refused = client
            .request("resources/read", json!({"uri": "data://system/stat"}))
            .await;
        assert_eq!(refused["error"]["code"], code, "{version}: {refused}");
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("did you mean data://system/stats?"),
            "{message}"
        );
    }
}
