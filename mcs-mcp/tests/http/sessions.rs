use crate::kit::{Client, IDLE, Waits, bare, modern, options, post, read};
use futures_util::StreamExt;
use mcs_mcp::http::{Endpoint, HttpOptions};
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn a_session_is_not_closed_while_a_call_is_under_way() {
    let handler = Waits::new();
    let client = Client::new(&Endpoint::new(handler.clone(), options(&handler)));
    let session = client.session().await;
    let answer = client.call(&session, 1, "wait").await;
    handler.begun().await;
    sleep(20 * IDLE).await;
    handler.answer();
    assert!(read(answer).await.contains("waited"));
    sleep(IDLE / 2).await;
    assert!(client.has(&session).await);
    sleep(IDLE + Duration::from_secs(1)).await;
    assert!(!client.has(&session).await, "nobody used it for a while");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_client_left_keeps_its_session_until_it_is_answered() {
    let handler = Waits::new();
    let client = Client::new(&Endpoint::new(handler.clone(), options(&handler)));
    let session = client.session().await;
    drop(client.call(&session, 1, "wait").await);
    handler.begun().await;
    sleep(20 * IDLE).await;
    assert!(client.has(&session).await);
    handler.answer();
    sleep(2 * IDLE).await;
    assert!(!client.has(&session).await);
}

#[tokio::test(start_paused = true)]
async fn a_session_lives_while_its_client_listens() {
    let handler = Waits::new();
    let client = Client::new(&Endpoint::new(handler.clone(), options(&handler)));
    let session = client.session().await;
    let listening = client
        .send(bare("GET", &[("mcp-session-id", &session)]))
        .await;
    assert_eq!(listening.status(), 200);
    sleep(20 * IDLE).await;
    drop(listening);
    assert!(client.has(&session).await);
    sleep(2 * IDLE).await;
    assert!(!client.has(&session).await);
}

#[tokio::test(start_paused = true)]
async fn there_is_an_end_to_how_many_sessions_there_are() {
    let handler = Waits::new();
    let options = HttpOptions {
        max_sessions: 2,
        ..options(&handler)
    };
    let client = Client::new(&Endpoint::new(handler.clone(), options));
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(client.session().await);
        sleep(Duration::from_secs(1)).await;
    }
    assert!(!client.has(&sessions[0]).await, "it was idle longest");
    for session in &sessions[1..] {
        drop(client.call(session, 1, "wait").await);
        handler.begun().await;
    }
    let refused = client.initialize().await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(client.has(&sessions[1]).await && client.has(&sessions[2]).await);
}

#[tokio::test(start_paused = true)]
async fn nobody_has_all_the_sessions() {
    let handler = Waits::new();
    let options = HttpOptions {
        max_sessions: 8,
        ..options(&handler)
    };
    let endpoint = Endpoint::new(handler.clone(), options);
    let (ann, bob) = (
        Client::named(&endpoint, "ann"),
        Client::named(&endpoint, "bob"),
    );
    let bobs = bob.session().await;
    sleep(Duration::from_secs(1)).await;
    let first = ann.session().await;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sleep(Duration::from_secs(1)).await;
        sessions.push(ann.session().await);
    }
    assert!(!ann.has(&first).await);
    assert!(bob.has(&bobs).await, "it is older, and somebody else's");
    for session in &sessions[6..] {
        drop(ann.call(session, 1, "wait").await);
        handler.begun().await;
    }
    let refused = ann.initialize().await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    let why = read(refused).await;
    assert!(why.contains("all 2 sessions that one caller"), "{why}");
    assert_eq!(bob.initialize().await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_for_whom_opened_it() {
    let handler = Waits::new();
    let endpoint = Endpoint::new(handler.clone(), options(&handler));
    let (ann, bob) = (
        Client::named(&endpoint, "ann"),
        Client::named(&endpoint, "bob"),
    );
    let session = ann.session().await;
    let named = [("mcp-session-id", session.as_str())];
    assert!(!bob.has(&session).await);
    assert!(!Client::new(&endpoint).has(&session).await);
    for method in ["GET", "DELETE"] {
        let refused = bob.send(bare(method, &named)).await;
        assert_eq!(refused.status(), 404, "{method}");
    }
    assert!(ann.has(&session).await);
    let ended = ann.send(bare("DELETE", &named)).await;
    assert!(ended.status().is_success());
    assert!(!ann.has(&session).await);
}

#[tokio::test(start_paused = true)]
async fn many_who_open_sessions_at_a_time_get_no_more_than_there_are() {
    let handler = Waits::new();
    let options = HttpOptions {
        max_sessions: 3,
        ..options(&handler)
    };
    let client = Client::new(&Endpoint::new(handler, options));
    let opened = futures_util::future::join_all((0..12).map(|_| client.initialize())).await;
    let mut open = 0;
    for answer in opened {
        let Some(id) = answer.headers().get("mcp-session-id") else {
            continue;
        };
        let id = id.to_str().unwrap().to_owned();
        read(answer).await;
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        let found = client.send(post(&ping, &[("mcp-session-id", &id)])).await;
        open += usize::from(found.status() == 200);
    }
    assert!((1..=3).contains(&open), "{open}");
}

#[tokio::test(start_paused = true)]
async fn a_request_without_sessions_may_name_any() {
    let handler = Waits::new();
    let endpoint = Endpoint::new(handler.clone(), options(&handler));
    let (ann, bob) = (
        Client::named(&endpoint, "ann"),
        Client::named(&endpoint, "bob"),
    );
    let session = ann.session().await;
    for id in [&*session, "nobodys"] {
        let headers = [("mcp-method", "tools/list"), ("mcp-session-id", id)];
        let answer = bob.send(modern("tools/list", json!({}), &headers)).await;
        assert_eq!(answer.status(), 200, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_cancelled_keeps_no_session() {
    let handler = Waits::new();
    let client = Client::new(&Endpoint::new(handler.clone(), options(&handler)));
    let session = client.session().await;
    drop(client.call(&session, 1, "wait").await);
    handler.begun().await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 1}});
    let named = [("mcp-session-id", session.as_str())];
    assert_eq!(client.send(post(&cancel, &named)).await.status(), 202);
    sleep(IDLE + Duration::from_secs(1)).await;
    assert!(!client.has(&session).await);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_to_a_call_hears_its_answer() {
    let handler = Waits::new();
    let client = Client::new(&Endpoint::new(handler.clone(), options(&handler)));
    let session = client.session().await;
    let mut stream = client
        .call(&session, 1, "wait")
        .await
        .into_body()
        .into_data_stream();
    handler.begun().await;
    let first = stream.next().await.unwrap().unwrap();
    let first = std::str::from_utf8(&first).unwrap().to_owned();
    let id = first.lines().find_map(|line| line.strip_prefix("id:"));
    let id = id.expect(&first).trim().to_owned();
    drop(stream);
    let headers = [("mcp-session-id", session.as_str()), ("last-event-id", &id)];
    let again = client.send(bare("GET", &headers)).await;
    assert_eq!(again.status(), 200);
    sleep(20 * IDLE).await;
    handler.answer();
    let heard = read(again).await;
    assert!(heard.contains("waited"), "{heard}");
    assert!(client.has(&session).await, "somebody read its stream");
}
