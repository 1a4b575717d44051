use crate::client::Client;
use crate::service::{Shared, held};
use serde_json::{Value, json};

#[tokio::test]
async fn a_service_that_comes_back_is_found_again_in_both_eras() {
    let mut shared = Shared::start().await;
    let mut modern = Client::ready(&shared, true).await;
    let mut session = Client::ready(&shared, false).await;
    let id = session.gated().await;
    shared.stop().await;
    shared.start_again().await;
    for client in [&mut modern, &mut session] {
        let seen = client.call("get_task_status", json!({"task_id": id})).await;
        assert!(seen.to_string().contains(&id), "{seen}");
    }
    shared.gate.add_permits(1);
    let done = session.call("wait_for_task", json!({"task_id": id})).await;
    assert!(done.to_string().contains("finished after all"), "{done}");
    modern.leave().await;
    session.leave().await;
}

#[tokio::test]
async fn a_request_waits_for_a_service_that_is_being_started() {
    let mut shared = Shared::start().await;
    let mut client = Client::ready(&shared, true).await;
    shared.stop().await;
    let waiting = client.send("tools/list", json!({})).await;
    shared.start_again().await;
    let listed = client.answer(waiting).await;
    assert!(listed["result"]["tools"].is_array(), "{listed}");
    client.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_come_back_is_said_to_be_away() {
    let (_held, address) = held();
    let mut client = Client::to(&format!("http://{address}"), None, true);
    let refused = client.ask("tools/list", json!({})).await;
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("cannot be reached"), "{message}");
    assert!(message.contains(&address.to_string()), "{message}");
    client.leave().await;
}

#[tokio::test]
async fn an_answer_lands_on_no_question_but_its_own() {
    let mut shared = Shared::start().await;
    let mut client = Client::asking(&shared).await;
    client.gated().await;
    let cancel = json!({"name": "cancel_tasks", "arguments": {}});
    let lost = client.send("tools/call", cancel.clone()).await;
    let first = client.told("elicitation/create").await;
    shared.stop().await;
    shared.start_again().await;
    // A service that has the time for it takes its question back itself.
    let (mut answered, mut withdrawn) = (false, false);
    while !(answered && withdrawn) {
        let message = client.read().await;
        answered |= message["id"] == lost && message.get("method").is_none();
        withdrawn |= message["method"] == "notifications/cancelled"
            && message["params"]["requestId"] == first["id"];
    }
    let call = client.send("tools/call", cancel).await;
    let second = client.told("elicitation/create").await;
    assert_ne!(first["id"], second["id"]);
    let answer = |asked: &Value, action: &str| json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": action, "content": {"confirm": true}}});
    client.write(&answer(&first, "accept")).await;
    client.write(&answer(&second, "decline")).await;
    let done = client.answer(call).await;
    let done = &done["result"]["structuredContent"];
    assert_eq!(done["declined"], true, "{done}");
    // An answer to the question that is asked arrives.
    let call = client
        .send(
            "tools/call",
            json!({"name": "cancel_tasks", "arguments": {}}),
        )
        .await;
    let third = client.told("elicitation/create").await;
    client.write(&answer(&third, "accept")).await;
    let done = client.answer(call).await;
    let done = &done["result"]["structuredContent"];
    assert_eq!(done["declined"], false, "{done}");
    assert_eq!(done["requested"], 1, "{done}");
    client.leave().await;
}

#[tokio::test]
async fn what_a_session_watches_is_watched_after_a_restart() {
    let mut shared = Shared::start().await;
    let mut client = Client::ready(&shared, false).await;
    let id = client.gated().await;
    let uri = format!("task://{id}");
    let watching = client.ask("resources/subscribe", json!({"uri": uri})).await;
    assert!(watching["result"].is_object(), "{watching}");
    shared.stop().await;
    shared.start_again().await;
    // Once, since it may have changed meanwhile.
    let told = client.told("notifications/resources/updated").await;
    assert_eq!(told["params"]["uri"], uri, "{told}");
    shared.gate.add_permits(1);
    let told = client.told("notifications/resources/updated").await;
    assert_eq!(told["params"]["uri"], uri, "{told}");
    client.leave().await;
}
