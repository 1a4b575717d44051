//! What clients hear without asking: changes of tasks and of the tools that are shown.

use crate::support::{Raw, service, structured};
use mcs_core::config::{Config, Database, ToolSet, builder};
use mcs_core::service::{Principal, Scopes, Service};
use mcs_mcp::McpServer;
use serde_json::{Value, json};

const UPDATED: &str = "notifications/resources/updated";
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
const TOOLS_CHANGED: &str = "notifications/tools/list_changed";
const NOBODY: &str = "task://0199aabb-ccdd-7eef-8011-223344556677";

async fn create(client: &mut Raw, kind: &str) -> String {
    let created = client.call("create_task", json!({ "kind": kind })).await;
    let id = structured(&created)["task_id"].as_str();
    format!("task://{}", id.expect("an id"))
}

async fn status(client: &mut Raw, uri: &str) -> Value {
    let answer = client
        .request("resources/read", json!({ "uri": uri }))
        .await;
    let text = answer["result"]["contents"][0]["text"].as_str();
    let mut task: Value = serde_json::from_str(text.expect("a text")).expect("JSON");
    task["status"].take()
}

/// Reads updates until the task has this status, and returns the last.
async fn until(client: &mut Raw, uri: &str, wanted: &str) -> Value {
    loop {
        let update = client.notified(UPDATED).await;
        assert_eq!(update["params"]["uri"], uri);
        if status(client, uri).await == wanted {
            return update;
        }
    }
}

fn listening(uris: &[&str]) -> Value {
    json!({"notifications": {"toolsListChanged": true, "resourceSubscriptions": uris}})
}

async fn subscribe(client: &mut Raw, uri: &str) -> Value {
    client
        .request("resources/subscribe", json!({ "uri": uri }))
        .await
}

fn server(service: &Service, name: &str) -> McpServer {
    let user = Principal::new(name, Scopes::USER);
    McpServer::new(service.clone(), user, ToolSet::Core)
}

#[tokio::test]
async fn a_listener_hears_of_its_task_until_the_server_ends() {
    let (service, gate) = service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2026-07-28").await;
    let uri = create(&mut client, "gated").await;
    let asked = json!({"notifications": {"resourcesListChanged": true, "resourceSubscriptions": [uri, "data://system/stats"]}});
    let id = client.begin("subscriptions/listen", asked).await;
    let begun = client.read().await;
    assert_eq!(begun["method"], ACKNOWLEDGED, "{begun}");
    assert_eq!(
        begun["params"]["notifications"],
        json!({ "resourceSubscriptions": [uri] })
    );
    let key = "io.modelcontextprotocol/subscriptionId";
    assert_eq!(begun["params"]["_meta"][key], id);
    gate.open();
    let update = until(&mut client, &uri, "COMPLETED").await;
    assert_eq!(update["params"]["_meta"][key], id);
    let (rest, ended) = client.finish().await;
    ended.expect("it ends well");
    let last = rest.iter().find(|message| message["id"] == id);
    let last = last.unwrap_or_else(|| panic!("no answer: {rest:?}"));
    assert_eq!(last["result"]["resultType"], "complete", "{last}");
    assert_eq!(last["result"]["_meta"][key], id);
}

#[tokio::test]
async fn a_listener_that_is_cancelled_hears_no_more() {
    let (service, gate) = service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2026-07-28").await;
    let uri = create(&mut client, "gated").await;
    let id = client
        .begin("subscriptions/listen", listening(&[&uri]))
        .await;
    client.notified(ACKNOWLEDGED).await;
    client.notified(UPDATED).await;
    let cancel =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    client.line(&cancel.to_string()).await;
    // Whoever answers this has read the cancellation.
    client.request("tools/list", json!({})).await;
    client.notifications.clear();
    gate.open();
    let waited = json!({"task_id": uri.trim_start_matches("task://")});
    client.call("wait_for_task", waited).await;
    let (rest, _) = client.finish().await;
    assert!(rest.is_empty(), "{rest:?}");
}

#[tokio::test]
async fn a_session_hears_of_what_it_subscribed_to() {
    let (service, gate) = service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2025-11-25").await;
    let uri = create(&mut client, "gated").await;
    let result = format!("{uri}/result");
    for uri in [&uri, &result] {
        assert_eq!(subscribe(&mut client, uri).await["result"], json!({}));
    }
    gate.open();
    loop {
        let update = client.notified(UPDATED).await;
        // It is told of the result only once there is one.
        if update["params"]["uri"] == result {
            assert_eq!(status(&mut client, &uri).await, "COMPLETED");
            break;
        }
    }
    for uri in [&uri, &result] {
        let params = json!({ "uri": uri });
        let answer = client.request("resources/unsubscribe", params).await;
        assert_eq!(answer["result"], json!({}));
    }
    // It can begin again.
    let next = create(&mut client, "gated").await;
    assert_eq!(subscribe(&mut client, &next).await["result"], json!({}));
    gate.open();
    client.notifications.clear();
    until(&mut client, &next, "COMPLETED").await;
}

#[tokio::test]
async fn what_another_server_does_with_the_same_store_is_heard() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut config = Config::in_memory();
    config.database = Database::File(directory.path().join("mcs.db"));
    config.claude_code.enabled = false;
    let one = builder(&config).open().await.expect("a service");
    let other = builder(&config).open().await.expect("another");
    let mut client = Raw::connect(one, ToolSet::Core, "2026-07-28").await;
    let task = json!({"prompt": "wait", "dispatch": "manual"});
    let created = client.call("create_task", task).await;
    let id = structured(&created)["task_id"].as_str().expect("an id");
    let uri = format!("task://{id}");
    client
        .begin("subscriptions/listen", listening(&[&uri]))
        .await;
    client.notified(ACKNOWLEDGED).await;
    let id = id.parse().expect("an id");
    let local = Principal::local();
    let cancelled = other.tasks().cancel(&local, id, "over").await;
    cancelled.expect("it is there for both");
    until(&mut client, &uri, "CANCELLED").await;
    client.finish().await.1.expect("it ends well");
    let grace = std::time::Duration::from_millis(50);
    other.shutdown(grace).await.expect("it ends well");
}

#[tokio::test]
async fn the_tasks_of_others_are_as_if_they_were_not_there() {
    let (service, _) = service().await;
    let mut alice = Raw::of(server(&service, "alice"), "2025-11-25").await;
    let foreign = create(&mut alice, "gated").await;
    assert_eq!(subscribe(&mut alice, &foreign).await["result"], json!({}));
    let mut bob = Raw::of(server(&service, "bob"), "2025-11-25").await;
    let mut listener = Raw::of(server(&service, "bob"), "2026-07-28").await;
    for uri in [&*foreign, NOBODY] {
        let refused = subscribe(&mut bob, uri).await;
        assert_eq!(refused["error"]["code"], -32002, "{refused}");
        assert_eq!(refused["error"]["data"]["uri"], uri);
        let id = listener
            .begin("subscriptions/listen", listening(&[uri]))
            .await;
        let refused = listener.answer(id).await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
        assert_eq!(refused["error"]["data"]["uris"], json!([uri]));
    }
    let words = |answer: Value, uri: &str| answer["error"]["message"].to_string().replace(uri, "");
    let one = words(subscribe(&mut bob, &foreign).await, &foreign[7..]);
    let other = words(subscribe(&mut bob, NOBODY).await, &NOBODY[7..]);
    assert_eq!(one, other);
}

#[tokio::test]
async fn clients_hear_when_other_tools_are_shown() {
    for era in ["2025-11-25", "2026-07-28"] {
        let (service, _) = service().await;
        let server = McpServer::new(service, Principal::local(), ToolSet::Core);
        let mut client = Raw::of(server.clone(), era).await;
        if era == "2025-11-25" {
            // A client that says twice that it is there is one client.
            client
                .line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
                .await;
        } else {
            let asked = json!({"notifications": {"toolsListChanged": true}});
            client.begin("subscriptions/listen", asked).await;
            client.notified(ACKNOWLEDGED).await;
        }
        let count = |answer: &Value| answer["result"]["tools"].as_array().map_or(0, Vec::len);
        let core = count(&client.request("tools/list", json!({})).await);
        server.show(ToolSet::All);
        client.notified(TOOLS_CHANGED).await;
        let all = count(&client.request("tools/list", json!({})).await);
        assert!(all > core, "{all} after {core}");
        // Nothing changes, and nobody is told.
        server.show(ToolSet::All);
        server.show(ToolSet::Core);
        client.notified(TOOLS_CHANGED).await;
        let answer = client.request("tools/list", json!({})).await;
        assert_eq!(count(&answer), core);
        assert_eq!(client.notifications, Vec::<Value>::new(), "{era}");
    }
}

#[tokio::test]
async fn each_era_has_its_own_way_and_not_the_other() {
    let (service, _) = service().await;
    let mut old = Raw::connect(service.clone(), ToolSet::Core, "2025-11-25").await;
    let asked = json!({"notifications": {}});
    let refused = old.request("subscriptions/listen", asked).await;
    assert_eq!(refused["error"]["code"], -32601, "{refused}");
    for wrong in ["data://system/stats", "task://x", "nothing"] {
        let refused = subscribe(&mut old, wrong).await;
        assert!(refused["error"]["code"].is_number(), "{wrong}: {refused}");
    }
    let mut new = Raw::connect(service, ToolSet::Core, "2026-07-28").await;
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let refused = new.request(method, json!({ "uri": NOBODY })).await;
        assert_eq!(refused["error"]["code"], -32601, "{method}: {refused}");
    }
}

#[tokio::test]
async fn listeners_and_what_a_session_watches_are_bounded() {
    let (service, _) = service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2026-07-28").await;
    let asked = || json!({"notifications": {"toolsListChanged": true}});
    for _ in 0..64 {
        client.begin("subscriptions/listen", asked()).await;
        client.notified(ACKNOWLEDGED).await;
    }
    let id = client.begin("subscriptions/listen", asked()).await;
    let refused = client.answer(id).await;
    let message = refused["error"]["message"].as_str().expect("an error");
    assert!(message.contains("end one of them first"), "{message}");

    let (service, _) = crate::support::service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2025-11-25").await;
    let uri = create(&mut client, "gated").await;
    for offset in 0..100 {
        let uri = format!("{uri}/result?offset={offset}");
        assert_eq!(subscribe(&mut client, &uri).await["result"], json!({}));
    }
    let refused = subscribe(&mut client, &uri).await;
    let message = refused["error"]["message"].as_str().expect("an error");
    assert!(message.contains("unsubscribe from some first"), "{message}");
}
