use crate::client::Client;
use crate::service::Shared;
use serde_json::json;

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
    // Nobody listens where nobody listened a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut client = Client::to(&format!("http://{address}"), None, true);
    let refused = client.ask("tools/list", json!({})).await;
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("cannot be reached"), "{message}");
    assert!(message.contains(&address.to_string()), "{message}");
    client.leave().await;
}
