//! What every answer has: headers for browsers, and fewer bytes for those who take them.

use crate::kit::{Kept, Server};
use crate::tokens::{ANN, ann_and_bob};
use mcs_http::Options;
use reqwest::{Method, Response};
use serde_json::{Value, json};

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    for (path, status) in [
        ("/api/v2/health", 200),
        ("/api/v1/tasks", 401),
        ("/nothing", 404),
        ("/openapi.json", 200),
        ("/%00", 404),
    ] {
        let got = server.request(Method::GET, path).send().await.unwrap();
        assert_eq!(got.status(), status, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(&got, name), value, "{path}");
        }
        let policy = header(&got, "content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!header(&got, "x-request-id").is_empty());
    }
}

#[cfg(feature = "dashboard")]
#[tokio::test]
async fn a_page_runs_nothing_that_is_written_into_it() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let got = server.request(Method::GET, "/").send().await.unwrap();
    let policy = header(&got, "content-security-policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header(&got, "cross-origin-opener-policy"), "same-origin");
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_take_it() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    let tasks: Vec<Value> = (0..50)
        .map(|_| json!({"kind": "idle", "payload": {"text": "again and again and again"}}))
        .collect();
    let create = server
        .request(Method::POST, "/api/v1/tasks")
        .bearer_auth(ANN);
    assert_eq!(create.json(&tasks).send().await.unwrap().status(), 201);
    let get = async |path: &str, coding: &str| {
        let request = server.request(Method::GET, path).bearer_auth(ANN);
        request
            .header("accept-encoding", coding)
            .send()
            .await
            .unwrap()
    };
    let plain = get("/api/v1/tasks", "identity").await;
    assert_eq!(header(&plain, "content-encoding"), "");
    let size = plain.bytes().await.unwrap().len();
    for coding in ["gzip", "br"] {
        let got = get("/api/v1/tasks", coding).await;
        assert_eq!(header(&got, "content-encoding"), coding);
        assert!(header(&got, "vary").contains("accept-encoding"));
        let packed = got.bytes().await.unwrap().len();
        assert!(packed * 4 < size, "{coding}: {packed} of {size}");
    }
    let small = get("/api/v1/session", "gzip, br").await;
    assert_eq!(header(&small, "content-encoding"), "");
    let stream = get("/api/v2/interactions/stream", "gzip, br").await;
    assert_eq!(stream.status(), 200);
    assert_eq!(
        header(&stream, "content-encoding"),
        "",
        "events go out one by one"
    );
}

#[tokio::test]
async fn an_id_of_the_caller_is_taken_over_if_logs_can_bear_it() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let ask = async |id: &str| {
        let request = server.request(Method::GET, "/api/v2/health");
        let got = request.header("x-request-id", id).send().await.unwrap();
        header(&got, "x-request-id").to_owned()
    };
    assert_eq!(ask("my-id_1.2").await, "my-id_1.2");
    let long = "x".repeat(65);
    for bad in ["a b", "a\tb", "", "<script>", &long] {
        let given = ask(bad).await;
        assert!(given != bad && given.len() == 32, "{given}");
    }
}
