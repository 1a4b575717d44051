use crate::client::{earlier, listen, modern, session};
use crate::kit::{Kept, PATIENCE, Server};
use mcs_core::service::Scope;
use mcs_http::Options;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// A task that nobody here runs, so that a wait for it takes as long as it may.
async fn waiting(server: &Server) -> String {
    let (_, task) = server
        .post("/api/v1/tasks", &json!({"kind": "idle", "payload": {}}))
        .await;
    task["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_may_wait_longer_than_other_requests() {
    let options = Options {
        request_timeout: Duration::from_millis(50),
        ..Options::default()
    };
    let server = Server::start(Kept::Memory, options).await;
    let id = waiting(&server).await;
    let wait = json!({"name": "wait_for_task", "arguments": {"task_id": id, "timeout_seconds": 1}});
    let answer = modern(&server, "tools/call", wait).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert!(answer["result"].to_string().contains(&id), "{answer}");
}

#[tokio::test]
async fn calls_answer_and_streams_end_when_the_server_is_told_to_stop() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let id = waiting(&server).await;
    let opened = session(&server).await;
    let stream = listen(&server, &opened).await;
    let wait = json!({"jsonrpc": "2.0", "id": 5, "method": "tools/call",
        "params": {"name": "wait_for_task", "arguments": {"task_id": id}}});
    let call = earlier(&server, Some(&opened), &wait).send().await.unwrap();
    assert_eq!(call.status(), 200);
    // The call is under way once another one of the session, sent after it, is answered.
    let second = json!({"jsonrpc": "2.0", "id": 6, "method": "ping"});
    let answered = earlier(&server, Some(&opened), &second)
        .send()
        .await
        .unwrap();
    answered.text().await.unwrap();
    server.options.stop.cancel();
    let answer = timeout(PATIENCE, call.text()).await.unwrap().unwrap();
    assert!(answer.contains(r#""id":5"#), "{answer}");
    timeout(PATIENCE, stream.text()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stream_ends_with_the_key_of_its_caller() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let key = server.key(None, &[Scope::Read]).await;
    let id = key.key.id.clone();
    let server = server.with(&key);
    let opened = session(&server).await;
    let stream = listen(&server, &opened).await;
    let keys = server.service.keys();
    let local = mcs_core::service::Principal::local();
    keys.revoke(&local, &id).await.unwrap();
    timeout(PATIENCE, stream.text()).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_lost_the_key_meanwhile_does_not_get_what_the_call_waited_for() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let local = mcs_core::service::Principal::local();
    let key = server.key(None, &[Scope::Read, Scope::Write]).await;
    let id = key.key.id.clone();
    let other = server
        .key(Some("other"), &[Scope::Read, Scope::Write])
        .await;
    let other = other.token.expose().to_owned();
    let mut server = server.with(&key);
    let wait =
        json!({"name": "create_task", "arguments": {"kind": "idle", "payload": {}, "wait": true}});
    let call = tokio::spawn(modern(&server, "tools/call", wait).send());
    // The call is under way once its task is there.
    let task = timeout(PATIENCE, async {
        loop {
            let tasks = server.found("/api/v1/tasks").await;
            if let Some(id) = tasks["tasks"][0]["id"].as_str() {
                return id.parse().unwrap();
            }
        }
    });
    let task = task.await.unwrap();
    // Another call takes a second, so that this one takes longer.
    server.token = Some(other);
    let idle = waiting(&server).await;
    let second =
        json!({"name": "wait_for_task", "arguments": {"task_id": idle, "timeout_seconds": 1}});
    let second = modern(&server, "tools/call", second).send().await.unwrap();
    assert_eq!(second.status(), 200);
    server.service.keys().revoke(&local, &id).await.unwrap();
    let tasks = server.service.tasks();
    tasks.cancel(&local, task, "over").await.unwrap();
    let answer = timeout(PATIENCE, call).await.unwrap().unwrap().unwrap();
    assert_eq!(answer.status(), 401);
    let text = answer.text().await.unwrap();
    assert!(
        text.contains("revoked") && !text.contains("jsonrpc"),
        "{text}"
    );
}

#[tokio::test]
async fn streams_have_places_and_large_bodies_are_refused() {
    let options = Options {
        max_streams: 1,
        max_body_bytes: 10_000,
        ..Options::default()
    };
    let server = Server::start(Kept::Memory, options).await;
    let opened = session(&server).await;
    let stream = listen(&server, &opened).await;
    assert_eq!(stream.status(), 200);
    let refused = modern(&server, "tools/list", json!({})).send().await;
    assert_eq!(refused.unwrap().status(), 503);
    drop(stream);
    let large = json!({"name": "create_task", "arguments": {"payload": "x".repeat(10_000)}});
    let asked = async || {
        let request = modern(&server, "tools/call", large.clone());
        request.send().await.unwrap().status().as_u16()
    };
    let refused = timeout(PATIENCE, async {
        // The place is free again once the server sees that nobody listens.
        loop {
            match asked().await {
                503 => tokio::task::yield_now().await,
                other => return other,
            }
        }
    });
    assert_eq!(refused.await.unwrap(), 413);
}
