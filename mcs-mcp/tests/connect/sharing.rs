use crate::client::Client;
use crate::service::Shared;
use serde_json::json;

#[tokio::test]
async fn clients_share_an_engine_and_work_goes_on_when_one_leaves() {
    let shared = Shared::start().await;
    let mut first = Client::ready(&shared, true).await;
    let mut second = Client::ready(&shared, false).await;
    let id = first.gated().await;
    let seen = second.call("list_tasks", json!({})).await;
    assert!(seen.to_string().contains(&id), "{seen}");
    let waiting = json!({"name": "wait_for_task", "arguments": {"task_id": id}});
    first.send("tools/call", waiting).await;
    // One that ends at once, as one that is killed does.
    first.connected.abort();
    drop(first);
    shared.gate.add_permits(1);
    let done = second.call("wait_for_task", json!({"task_id": id})).await;
    assert!(done.to_string().contains("finished after all"), "{done}");
    second.leave().await;
}

#[tokio::test]
async fn without_a_key_each_request_is_told_what_to_do() {
    let shared = Shared::start().await;
    for token in [None, Some("another-token")] {
        let mut client = Client::to(&shared.url(), token, false);
        let refused = client.initialize().await;
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains("MCS_TOKEN"), "{message}");
        assert!(!message.contains("another-token"), "{message}");
        client.leave().await;
    }
}
