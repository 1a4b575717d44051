//! Bodies that are not what is taken.

use crate::kit::{Kept, Server, answer};
use mcs_core::domain::limits;
use mcs_http::Options;
use reqwest::Method;
use serde_json::{Value, json};

const TASKS: &str = "/api/v1/tasks";

async fn post(server: &Server, body: String) -> (u16, Value) {
    let request = server.request(Method::POST, TASKS).body(body);
    let (status, body) = answer(request.header("Content-Type", "application/json")).await;
    (status.as_u16(), body)
}

async fn stored(server: &Server) -> usize {
    server.found(TASKS).await["tasks"].as_array().unwrap().len()
}

/// A body, the status it is answered with, and the field that is named.
type Wrong<T> = (T, u16, Option<&'static str>);

const WRONG: [Wrong<&str>; 25] = [
    ("", 400, None),
    ("{", 400, None),
    ("null", 400, None),
    ("5", 400, None),
    ("\"kind\"", 400, None),
    (r#"{"kind": "idle"} {}"#, 400, None),
    ("{}", 422, Some("prompt")),
    (r#"{"kind": 5}"#, 422, Some("kind")),
    (r#"{"kind": "nothing"}"#, 422, Some("kind")),
    (
        r#"{"kind": "idle", "queue": "a\u0000"}"#,
        422,
        Some("queue"),
    ),
    (r#"{"kind": "idle", "qeue": "a"}"#, 422, Some("qeue")),
    (
        r#"{"kind": "idle", "queue": "a", "queue": "b"}"#,
        422,
        Some("queue"),
    ),
    (r#"{"kind": "idle", "priority": 11}"#, 422, Some("priority")),
    (
        r#"{"kind": "idle", "priority": "asap"}"#,
        422,
        Some("priority"),
    ),
    (r#"{"kind": "idle", "tags": "x"}"#, 422, Some("tags")),
    (
        r#"{"kind": "idle", "tags": ["x", 5]}"#,
        422,
        Some("tags[1]"),
    ),
    (
        r#"{"kind": "idle", "timeout_seconds": 0}"#,
        422,
        Some("timeout_seconds"),
    ),
    (
        r#"{"kind": "idle", "timeout_seconds": 1e300}"#,
        422,
        Some("timeout_seconds"),
    ),
    (
        r#"{"kind": "idle", "max_attempts": 1e999}"#,
        422,
        Some("max_attempts"),
    ),
    (
        r#"{"kind": "idle", "max_attempts": 0}"#,
        422,
        Some("max_attempts"),
    ),
    (
        r#"{"kind": "idle", "run_at": "tomorrow"}"#,
        422,
        Some("run_at"),
    ),
    (
        r#"{"kind": "idle", "metadata": [1]}"#,
        422,
        Some("metadata"),
    ),
    (
        r#"{"kind": "idle", "payload": {"a": "\u0000"}}"#,
        422,
        Some("payload"),
    ),
    (
        r#"{"kind": "idle", "payload": "\ud800"}"#,
        422,
        Some("payload"),
    ),
    (
        r#"{"kind": "upper", "payload": {"text": 5}}"#,
        422,
        Some("payload.text"),
    ),
];

/// What is nested deeper than anybody reads.
fn nested() -> [Wrong<String>; 4] {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let within = |fields: &str| format!(r#"{{"kind": "idle", {fields}}}"#);
    [
        (
            within(&format!(r#""payload": {deep}"#)),
            422,
            Some("payload"),
        ),
        (
            within(&format!(r#""metadata": {{"a": {deep}}}"#)),
            422,
            Some("metadata"),
        ),
        (within(&format!(r#""tags": {deep}"#)), 422, Some("tags")),
        (deep, 422, Some("tasks[0]")),
    ]
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    Server::each(async |server| {
        let fixed = WRONG.map(|(body, status, field)| (body.to_owned(), status, field));
        for (body, status, field) in fixed.into_iter().chain(nested()) {
            let shown: String = body.chars().take(80).collect();
            let (answered, problem) = post(&server, body).await;
            assert_eq!(answered, status, "{shown}: {problem}");
            assert_eq!(problem["field"].as_str(), field, "{shown}: {problem}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.len() < 2000, "{shown}: {detail}");
        }
        let (status, problem) = post(&server, r#"{"kind": "broken"}"#.to_owned()).await;
        assert_eq!(status, 409, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains("install it"),
            "{problem}"
        );
        assert_eq!(stored(&server).await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_largest_payload_is_taken_and_a_larger_one_is_not() {
    let server = Server::start(Kept::Sqlite, Options::default()).await;
    let task = |bytes: usize| {
        format!(
            r#"{{"kind": "idle", "payload": "{}"}}"#,
            "x".repeat(bytes - 2)
        )
    };
    let (status, body) = post(&server, task(limits::PAYLOAD_BYTES)).await;
    assert_eq!(status, 201, "{body}");
    let shown = server
        .found(&format!("{TASKS}/{}", body["id"].as_str().unwrap()))
        .await;
    assert_eq!(
        shown["payload"].as_str().unwrap().len(),
        limits::PAYLOAD_BYTES - 2
    );
    let (status, problem) = post(&server, task(limits::PAYLOAD_BYTES + 1)).await;
    assert_eq!((status, &problem["field"]), (422, &json!("payload")));
    let (status, problem) = post(&server, " ".repeat(server.options.max_body_bytes + 1)).await;
    assert_eq!(status, 413, "{problem}");
    assert_eq!(stored(&server).await, 1);
}

#[tokio::test]
async fn only_json_is_taken_and_only_so_many_tasks() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let mut request = server
            .request(Method::POST, TASKS)
            .body(r#"{"kind": "idle"}"#);
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        let (status, problem) = answer(request).await;
        assert_eq!(status, 415, "{problem}");
    }
    let many = format!("[{}]", vec!["1"; limits::SUBMIT_TASKS + 1].join(","));
    let (status, problem) = post(&server, many).await;
    assert_eq!((status, &problem["field"]), (422, &json!("tasks")));
    assert!(
        problem["detail"].as_str().unwrap().contains("10001"),
        "{problem}"
    );
    let (status, problem) = answer(
        server
            .request(Method::POST, &format!("{TASKS}?dry=1"))
            .json(&json!({})),
    )
    .await;
    assert!(
        status.is_client_error() && problem["detail"].as_str().unwrap().contains("dry"),
        "{problem}"
    );
    assert_eq!(stored(&server).await, 0);
}
