//! Web pages of strangers, and names that mean this server for a moment.

use crate::kit::{Kept, Server, answer};
use crate::tokens::{ANN, ann_and_bob};
use mcs_http::Options;
use reqwest::{Method, Response};
use serde_json::json;

const PAGE: &str = "https://app.example.com";

fn listed() -> Options {
    Options {
        cors_origins: vec![PAGE.to_owned()],
        ..ann_and_bob()
    }
}

/// What a browser asks before it lets a page of `origin` call.
async fn preflight(server: &Server, origin: &str) -> Response {
    let request = server.request(Method::OPTIONS, "/api/v1/tasks");
    let request = request
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type,idempotency-key",
        );
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_name_that_nobody_gave_the_server_is_refused_where_names_are_given() {
    let options = Options {
        allowed_hosts: vec!["mcs.example.com".to_owned()],
        ..ann_and_bob()
    };
    let server = Server::start(Kept::Memory, options).await;
    let ask = async |host: &str| {
        let request = server.request(Method::GET, "/api/v1/session");
        answer(request.bearer_auth(ANN).header("host", host)).await
    };
    for good in [
        "mcs.example.com",
        "MCS.example.com:8443",
        "localhost:1",
        "[::1]:1",
    ] {
        assert_eq!(ask(good).await.0, 200, "{good}");
    }
    for bad in [
        "rebound.evil.example",
        "mcs.example.com.evil.example",
        "mcs.example.com@evil",
    ] {
        let (status, body) = ask(bad).await;
        assert_eq!(status, 403, "{bad}");
        let detail = body["detail"].as_str().unwrap();
        assert!(
            detail.contains(bad) && detail.contains("http.allowed_hosts"),
            "{body}"
        );
    }
    let login = server.request(Method::POST, "/api/v1/session");
    let login = login
        .header("host", "evil.example")
        .json(&json!({"token": ANN}));
    assert_eq!(answer(login).await.0, 403);
}

#[tokio::test]
async fn an_open_server_is_for_its_machine_whatever_names_are_given() {
    let options = Options {
        allowed_hosts: vec!["mcs.example.com".to_owned()],
        ..Options::default()
    };
    let server = Server::start(Kept::Memory, options).await;
    let request = server.request(Method::GET, "/api/v1/session");
    assert_eq!(
        answer(request.header("host", "mcs.example.com")).await.0,
        403
    );
    server.found("/api/v1/session").await;
}

#[tokio::test]
async fn a_page_of_a_listed_origin_calls_with_a_token() {
    let server = Server::start(Kept::Memory, listed()).await;
    let asked = preflight(&server, PAGE).await;
    assert!(asked.status().is_success());
    assert_eq!(asked.headers()["access-control-allow-origin"], PAGE);
    let allowed = asked.headers()["access-control-allow-headers"]
        .to_str()
        .unwrap();
    assert!(allowed.contains("authorization"), "{allowed}");
    assert!(
        asked
            .headers()
            .get("access-control-allow-credentials")
            .is_none()
    );
    let request = server
        .request(Method::GET, "/api/v1/tasks")
        .header("origin", PAGE);
    let got = request.bearer_auth(ANN).send().await.unwrap();
    assert_eq!(got.status(), 200);
    assert_eq!(got.headers()["access-control-allow-origin"], PAGE);
    let exposed = got.headers()["access-control-expose-headers"]
        .to_str()
        .unwrap();
    assert!(exposed.contains("x-request-id"), "{exposed}");
    // It can read why it was refused, too.
    let request = server
        .request(Method::GET, "/api/v1/tasks")
        .header("origin", PAGE);
    let refused = request.send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["access-control-allow-origin"], PAGE);
}

#[tokio::test]
async fn other_origins_are_told_nothing() {
    for options in [listed(), ann_and_bob(), Options::default()] {
        let server = Server::start(Kept::Memory, options).await;
        for origin in [
            "https://evil.example",
            "https://app.example.com.evil.example",
            "null",
        ] {
            let asked = preflight(&server, origin).await;
            let headers = asked.headers();
            assert!(
                headers.get("access-control-allow-origin").is_none(),
                "{origin}"
            );
            let request = server
                .request(Method::GET, "/api/v1/tasks")
                .header("origin", origin);
            let got = request.bearer_auth(ANN).send().await.unwrap();
            assert!(got.headers().get("access-control-allow-origin").is_none());
        }
    }
}

#[tokio::test]
async fn a_simple_request_of_another_page_does_nothing_at_an_open_server() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let request = server.request(Method::POST, "/api/v1/tasks");
    let request = request
        .header("origin", "https://evil.example")
        .header("content-type", "text/plain")
        .body(r#"{"kind":"idle","payload":{}}"#);
    assert_eq!(answer(request).await.0, 403);
    let tasks = server.found("/api/v1/tasks").await;
    assert_eq!(tasks["tasks"], json!([]));
}

#[tokio::test]
async fn a_picture_in_another_page_takes_no_task() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let task = json!({"kind": "idle", "payload": {}, "dispatch": "manual"});
    assert_eq!(server.post("/api/v1/tasks", &task).await.0, 201);
    let next = "/api/v1/tasks/next?worker_id=evil";
    for site in ["cross-site", "same-site"] {
        let picture = server.request(Method::GET, next);
        let picture = picture
            .header("sec-fetch-site", site)
            .header("sec-fetch-dest", "image");
        assert_eq!(answer(picture).await.0, 403);
    }
    let look = server.request(Method::HEAD, next).send().await.unwrap();
    assert_eq!(look.status(), 405);
    assert_eq!(look.headers()["allow"], "GET");
    assert_eq!(
        server.found(next).await["kind"],
        "idle",
        "it is still there"
    );
}

#[tokio::test]
async fn a_session_takes_a_task_only_for_the_page_of_this_server() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    let login = server.request(Method::POST, "/api/v1/session");
    let login = login.json(&json!({"token": ANN})).send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().to_owned();
    let next = || {
        let next = server.request(Method::GET, "/api/v1/tasks/next?worker_id=w");
        next.header("cookie", &cookie)
    };
    assert_eq!(next().send().await.unwrap().status(), 403);
    let linked = next().header("sec-fetch-site", "same-site");
    assert_eq!(linked.send().await.unwrap().status(), 403);
    let own = next().header("sec-fetch-site", "same-origin");
    assert_eq!(own.send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn what_a_proxy_passes_on_is_not_let_in_without_a_key() {
    let mut server = Server::start(Kept::Memory, Options::default()).await;
    let ask = async |server: &Server| {
        let request = server.request(Method::GET, "/api/v1/session");
        answer(request.header("x-forwarded-for", "203.0.113.9")).await
    };
    let (status, body) = ask(&server).await;
    assert_eq!(status, 403);
    assert!(
        body["detail"].as_str().unwrap().contains("x-forwarded-for"),
        "{body}"
    );
    let key = server.key(None, &[]).await;
    server = server.with(&key);
    assert_eq!(ask(&server).await.0, 200);
}

#[tokio::test]
async fn the_page_behind_a_proxy_with_another_name_logs_in_where_that_is_given() {
    let origin = "https://mcs.example.com";
    for (allowed, wanted) in [(vec!["mcs.example.com".to_owned()], 204), (Vec::new(), 403)] {
        let options = Options {
            allowed_hosts: allowed,
            ..ann_and_bob()
        };
        let server = Server::start(Kept::Memory, options).await;
        let login = server.request(Method::POST, "/api/v1/session");
        let login = login.header("origin", origin).json(&json!({"token": ANN}));
        assert_eq!(login.send().await.unwrap().status(), wanted);
    }
}
