//! What every answer has: headers for browsers, and fewer bytes for those who take them.

use crate::kit::{Kept, Server, answer};
use crate::tokens::{ANN, ann_and_bob};
use mcs_http::Options;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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
    let get = async |path: &str, coding: &str| raw(&server, path, coding).await;
    let (head, plain) = get("/api/v1/tasks", "identity").await;
    assert!(!head.contains("content-encoding"), "{head}");
    for coding in ["gzip", "br"] {
        let (head, packed) = get("/api/v1/tasks", coding).await;
        assert!(
            head.contains(&format!("content-encoding: {coding}\r\n")),
            "{head}"
        );
        assert!(head.contains("vary: accept-encoding"), "{head}");
        assert!(packed * 4 < plain, "{coding}: {packed} of {plain}");
    }
    let (head, _) = get("/api/v1/session", "gzip, br").await;
    assert!(!head.contains("content-encoding"), "{head}");
    let request = server.request(Method::GET, "/api/v2/interactions/stream");
    let request = request
        .bearer_auth(ANN)
        .header("accept-encoding", "gzip, br");
    let mut stream = request.send().await.unwrap();
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(
        first.starts_with(b"id:") || first.starts_with(b"retry:"),
        "events go out as they are: {first:?}"
    );
}

/// The head and the length of the body of an answer, as it comes over the wire: the client of the other tests unpacks.
async fn raw(server: &Server, path: &str, coding: &str) -> (String, usize) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ANN}\r\naccept-encoding: {coding}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    (head, answer.len() - end)
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

#[tokio::test]
async fn a_problem_tells_programs_what_it_is_and_quotes_little() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let kind = |body: &serde_json::Value| body["type"].as_str().unwrap().to_owned();
    let (status, body) = answer(server.request(Method::PUT, "/api/v1/tasks")).await;
    assert_eq!(
        (status.as_u16(), &*kind(&body)),
        (405, "urn:mcs:problem:method-not-allowed")
    );
    let typed = server.request(Method::POST, "/api/v1/tasks");
    let typed = typed.header("content-type", format!("text/{}", "x".repeat(5000)));
    let (status, body) = answer(typed.body("{}")).await;
    assert_eq!(
        (status.as_u16(), &*kind(&body)),
        (415, "urn:mcs:problem:unsupported-media-type")
    );
    assert!(body.to_string().len() < 500, "{body}");
    let (status, body) = server.get(&format!("/{}", "x".repeat(30_000))).await;
    assert_eq!(
        (status.as_u16(), &*kind(&body)),
        (404, "urn:mcs:problem:not-found")
    );
    assert!(body.to_string().len() < 500, "{body}");
}
