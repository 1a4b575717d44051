use crate::client::Client;
use crate::service::Shared;
use serde_json::json;

#[tokio::test]
async fn calls_are_answered_beside_each_other_in_both_eras() {
    let shared = Shared::start().await;
    for modern in [true, false] {
        let mut client = Client::ready(&shared, modern).await;
        let id = client.gated().await;
        let wait = json!({"name": "wait_for_task", "arguments": {"task_id": id}});
        let waiting = client.send("tools/call", wait).await;
        let status = json!({"name": "get_task_status", "arguments": {"task_id": id}});
        let status = client.ask("tools/call", status).await;
        assert!(
            status.to_string().contains(&id),
            "it does not wait: {status}"
        );
        shared.gate.add_permits(1);
        let done = client.answer(waiting).await;
        assert!(done.to_string().contains("finished after all"), "{done}");
        client.leave().await;
    }
}

#[tokio::test]
async fn a_call_that_is_cancelled_is_not_answered_and_its_task_goes_on() {
    let shared = Shared::start().await;
    for modern in [true, false] {
        let mut client = Client::ready(&shared, modern).await;
        let id = client.gated().await;
        let wait = json!({"name": "wait_for_task", "arguments": {"task_id": id}});
        let waiting = client.send("tools/call", wait).await;
        client
            .write(
                &json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
                "params": {"requestId": waiting}}),
            )
            .await;
        shared.gate.add_permits(1);
        let after = json!({"name": "wait_for_task", "arguments": {"task_id": id}});
        let after = client.send("tools/call", after).await;
        let next = loop {
            let message = client.read().await;
            if message.get("id").is_some() {
                break message;
            }
        };
        assert_eq!(next["id"], after, "{next}");
        assert!(next.to_string().contains("finished after all"), "{next}");
        client.leave().await;
    }
}

#[tokio::test]
async fn what_the_service_refuses_is_passed_on_as_it_is() {
    let shared = Shared::start().await;
    let mut client = Client::ready(&shared, true).await;
    let unknown = client.ask("tools/call", json!({"name": "none"})).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    let unknown = client.ask("no/such", json!({})).await;
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    let read = client
        .ask("resources/read", json!({"uri": "task://süß"}))
        .await;
    assert!(read["error"].is_object(), "{read}");
    assert_ne!(read["error"]["code"], -32020, "the name arrived: {read}");
    client.leave().await;
}

#[tokio::test]
async fn progress_comes_while_a_call_waits_if_it_was_asked_for() {
    let shared = Shared::start().await;
    let mut client = Client::ready(&shared, true).await;
    let id = client.gated().await;
    let wait = json!({"name": "wait_for_task", "arguments": {"task_id": id},
        "_meta": {"progressToken": "p1"}});
    let waiting = client.send("tools/call", wait).await;
    let told = client.read().await;
    assert_eq!(told["method"], "notifications/progress", "{told}");
    assert_eq!(told["params"]["progressToken"], "p1", "{told}");
    shared.gate.add_permits(1);
    client.answer(waiting).await;
    client.leave().await;
}
