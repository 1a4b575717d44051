use crate::kit::{Client, IDLE, Waits, bare, options, read};
use mcs_mcp::http::{Endpoint, HttpOptions};
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
    let endpoint = Endpoint::new(handler, options);
    let (ann, bob) = (
        Client::named(&endpoint, "ann"),
        Client::named(&endpoint, "bob"),
    );
    let bobs = bob.session().await;
    sleep(Duration::from_secs(1)).await;
    let first = ann.session().await;
    for _ in 0..8 {
        sleep(Duration::from_secs(1)).await;
        ann.session().await;
    }
    assert!(!ann.has(&first).await);
    assert!(bob.has(&bobs).await, "it is older, and somebody else's");
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
