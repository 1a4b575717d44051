//! How often somebody may ask.

use crate::kit::{Kept, Server, answer};
use crate::tokens::{ANN, BOB, ann_and_bob};
use mcs_core::provider::secret::Secret;
use mcs_http::Options;
use reqwest::{Method, StatusCode};
use serde_json::json;

const ADMIN: &str = "the-key-of-the-admin";

async fn ask(server: &Server, token: &str) -> StatusCode {
    let request = server.request(Method::GET, "/api/v1/session");
    answer(request.bearer_auth(token)).await.0
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back_and_others_are_served() {
    let options = Options {
        rate_limit: 3,
        admin_key: Some(Secret::new(ADMIN)),
        ..ann_and_bob()
    };
    let server = Server::start(Kept::Memory, options).await;
    let mut refused = None;
    for _ in 0..50 {
        let request = server
            .request(Method::GET, "/api/v1/session")
            .bearer_auth(ANN);
        let answered = request.send().await.unwrap();
        if answered.status() == 429 {
            refused = Some(answered);
            break;
        }
    }
    let refused = refused.expect("fifty requests take less than seventeen seconds");
    assert_eq!(refused.headers()["retry-after"], "1");
    let body = crate::kit::json_of(refused).await;
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.contains("`ann`") && detail.contains("http.rate_limit"),
        "{body}"
    );
    assert_eq!(ask(&server, BOB).await, 200);
    for _ in 0..50 {
        assert_eq!(ask(&server, ADMIN).await, 200);
    }
    // Those who are not known are no principal, and cost nobody a place.
    for _ in 0..50 {
        assert_eq!(ask(&server, "nonsense").await, 401);
    }
    // A session is of the same principal as its token.
    let login = server
        .request(Method::POST, "/api/v1/session")
        .json(&json!({"token": ANN}));
    let login = login.send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().to_owned();
    let mut limited = false;
    for _ in 0..50 {
        let request = server
            .request(Method::GET, "/api/v1/session")
            .header("cookie", &cookie);
        limited |= answer(request).await.0 == 429;
    }
    assert!(limited);
}

#[tokio::test]
async fn without_a_limit_there_is_none() {
    let options = Options {
        rate_limit: 0,
        ..ann_and_bob()
    };
    let server = Server::start(Kept::Memory, options).await;
    for _ in 0..100 {
        assert_eq!(ask(&server, ANN).await, 200);
    }
    let options = Options {
        rate_limit: 1,
        ..Options::default()
    };
    let open = Server::start(Kept::Memory, options).await;
    for _ in 0..100 {
        open.found("/api/v1/session").await;
    }
}

#[tokio::test]
async fn guessing_at_the_login_comes_to_an_end() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    let guess = async |token: &str| {
        let body = json!({"token": token});
        server.post("/api/v1/session", &body).await.0
    };
    let mut guesses = 0;
    while guess("nonsense").await == 401 {
        guesses += 1;
        assert!(guesses < 100, "nobody stops it");
    }
    assert!(guesses >= 20, "people may err");
    let (_, body) = server
        .post("/api/v1/session", &json!({"token": "nonsense"}))
        .await;
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("20 logins from `127.0.0.1`"), "{body}");
    // Whoever goes on does not learn that it was right at last.
    assert_eq!(guess(ANN).await, 429);
    assert_eq!(
        ask(&server, ANN).await,
        200,
        "those with a token are served"
    );
}

#[tokio::test]
async fn one_principal_has_a_share_of_the_streams_and_of_the_waits() {
    let options = Options {
        max_streams: 4,
        ..ann_and_bob()
    };
    let server = Server::start(Kept::Memory, options).await;
    let open = async |token: &str, path: &str| {
        let request = server.request(Method::GET, path).bearer_auth(token);
        request.send().await.unwrap()
    };
    let events = "/api/v1/events";
    let stream = open(ANN, events).await;
    assert_eq!(stream.status(), 200);
    for path in [
        events,
        "/api/v1/tasks/next?worker_id=w&wait=5",
        "/api/v1/tasks/00000000-0000-7000-8000-000000000000/result?wait=5",
    ] {
        let refused = open(ANN, path).await;
        assert_eq!(refused.status(), 429, "{path}");
        let body = crate::kit::json_of(refused).await;
        let detail = body["detail"].as_str().unwrap();
        assert!(
            detail.contains("`ann`") && detail.contains("http.max_streams"),
            "{body}"
        );
    }
    let at_once = open(ANN, "/api/v1/tasks/next?worker_id=w").await;
    assert_eq!(at_once.status(), 204, "who does not wait needs no place");
    assert_eq!(open(BOB, events).await.status(), 200);
}
