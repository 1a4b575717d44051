//! What makes no sense is refused with a reason, and nothing of it is stored.

use crate::surroundings::{Kept, Server, answer, event, json_of};
use mcs_http::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

fn good() -> Value {
    event("start", "int_1_a", 1.0, &json!({}))
}

fn with(field: &str, value: Value) -> Value {
    let mut event = good();
    event[field] = value;
    event
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    Server::each(async |server| {
        for path in ["/api/v2/interactions", "/api/v2/interactions/batch"] {
            for body in [
                "",
                "{",
                "null",
                "[1]",
                "7",
                "\"text\"",
                "{}",
                "{\"events\": 5}",
                "{\"events\": [{]}",
                "{\"timestamp\": NaN, \"events\": [NaN]}",
                "\u{feff}{}",
                "{} {}",
                &"[".repeat(100_000),
            ] {
                let request = server.request(Method::POST, path);
                let request = request
                    .header("Content-Type", "application/json")
                    .body(body.to_owned());
                let (status, answer) = answer(request).await;
                assert_eq!(status, 400, "{path} {body:.40}: {answer}");
                assert_eq!(answer["type"], "urn:mcs:problem:malformed");
            }
            let request = server.request(Method::POST, path);
            let request = request
                .header("Content-Type", "application/json")
                .body(vec![b'"', 0xff, b'"']);
            assert_eq!(answer(request).await.0, 400, "not UTF-8");
        }
        assert_eq!(server.kept().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    Server::each(async |server| {
        for path in ["/api/v2/interactions", "/api/v2/interactions/batch"] {
            for (name, value) in [
                // A page of somebody else may send these without being asked.
                ("Content-Type", "text/plain"),
                ("Content-Type", "application/x-www-form-urlencoded"),
                ("Content-Type", "application/jsonl"),
                ("Content-Type", ""),
                ("Content-Encoding", "gzip"),
            ] {
                let mut request = server.request(Method::POST, path).body(good().to_string());
                if name != "Content-Type" {
                    request = request.header("Content-Type", "application/json");
                }
                let (status, body) = answer(request.header(name, value)).await;
                assert_eq!(status, 415, "{name}: {value}: {body}");
                assert!(body["detail"].as_str().unwrap().contains(value), "{body}");
            }
            let bare = server.request(Method::POST, path).body(good().to_string());
            assert_eq!(answer(bare).await.0, 415, "no type at all");
        }
        let request = server
            .request(Method::POST, "/api/v2/interactions")
            .body(good().to_string());
        let request = request.header("Content-Type", "Application/JSON; charset=utf-8");
        assert_eq!(answer(request).await.0, 200);
        assert_eq!(server.kept().await, 1);
    })
    .await;
}

/// Events with one mistake each, and the word that names it.
fn mistakes() -> Vec<(Value, &'static str)> {
    let long = "x".repeat(300);
    let mut without = good();
    without.as_object_mut().unwrap().remove("mcp_id");
    let mut late = good();
    late["timestamp"] = json!(1e300);
    vec![
        (json!({}), "action"),
        (json!(null), "null"),
        (json!(7), "7"),
        (without, "mcp_id"),
        (
            with("action", json!("interaction_begin")),
            "interaction_begin",
        ),
        (with("interaction_id", json!("")), "interaction_id"),
        (with("interaction_id", json!(long)), "300 bytes"),
        (
            with("interaction_id", json!("a\u{7}b")),
            "control character",
        ),
        (with("interaction_id", json!(5)), "5"),
        (with("mcp_id", json!(long)), "300 bytes"),
        (with("mcp_id", json!("")), "mcp_id"),
        (with("event_id", json!(long)), "300 bytes"),
        (with("event_id", json!("")), "event_id"),
        (with("timestamp", json!("now")), "now"),
        (with("timestamp", json!(null)), "null"),
        (late, "timestamp"),
        (with("request_data", json!([1])), "request_data"),
        (with("request_data", json!("x")), "request_data"),
        (with("seq", json!(-1)), "-1"),
    ]
}

#[tokio::test]
async fn an_event_that_makes_no_sense_is_refused_by_its_field() {
    Server::each(async |server| {
        for (event, word) in mistakes() {
            let (status, body) = server.post("/api/v2/interactions", &event).await;
            assert!(
                matches!(status.as_u16(), 400 | 422),
                "{event}: {status} {body}"
            );
            assert!(
                body["detail"].as_str().unwrap().contains(word),
                "{event}: {body}"
            );
        }
        // JSON has no such number, and its text is none for us either.
        let huge = good().to_string().replacen("1.0", "1e999", 1);
        let request = server.request(Method::POST, "/api/v2/interactions");
        let (status, _) = answer(
            request
                .header("Content-Type", "application/json")
                .body(huge),
        )
        .await;
        assert_eq!(status, 400);
        assert_eq!(server.kept().await, 0);
    })
    .await;
}

#[tokio::test]
async fn one_bad_event_stops_no_good_one() {
    Server::each(async |server| {
        for (place, (bad, word)) in mistakes().into_iter().enumerate() {
            let first = event("start", &format!("int_1_{place}a"), 1.0, &json!({}));
            let last = event("start", &format!("int_1_{place}b"), 1.0, &json!({}));
            let results = server.batch(&[first, bad.clone(), last]).await;
            let statuses: Vec<_> = results
                .iter()
                .map(|one| one["status"].as_str().unwrap())
                .collect();
            assert_eq!(statuses, ["stored", "rejected", "stored"], "{bad}");
            let error = results[1]["error"].as_str().unwrap();
            assert!(error.contains(word), "{bad}: {error}");
        }
        assert_eq!(server.kept().await, 2 * mistakes().len());
        let named = with("event_id", json!("mine"));
        let mut bad = named;
        bad["timestamp"] = json!("x");
        let results = server.batch(&[bad]).await;
        assert_eq!(
            results[0]["event_id"], "mine",
            "so that its sender knows which"
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    Server::each(async |server| {
        let limit = server.options.max_body_bytes;
        let large = event("start", "int_1_a", 1.0, &json!({"x": "x".repeat(limit)})).to_string();
        for path in ["/api/v2/interactions", "/api/v2/interactions/batch"] {
            let request = server.request(Method::POST, path);
            let request = request
                .header("Content-Type", "application/json")
                .body(large.clone());
            let (status, body) = answer(request).await;
            assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
            let detail = body["detail"].as_str().unwrap();
            assert!(detail.contains(&limit.to_string()), "{detail}");
            // A body that does not say how long it is.
            let chunks = futures_util::stream::iter(
                large
                    .as_bytes()
                    .chunks(64 * 1024)
                    .map(|part| Ok::<_, std::io::Error>(part.to_vec()))
                    .collect::<Vec<_>>(),
            );
            let request = server.request(Method::POST, path);
            let request = request.header("Content-Type", "application/json");
            let request = request.body(reqwest::Body::wrap_stream(chunks));
            assert_eq!(answer(request).await.0, StatusCode::PAYLOAD_TOO_LARGE);
        }
        let events: Vec<_> = (0..101)
            .map(|n| event("start", &format!("int_1_{n}"), 1.0, &json!({})))
            .collect();
        let (status, body) = server
            .post("/api/v2/interactions/batch", &json!({"events": events}))
            .await;
        assert_eq!(status, 422, "{body}");
        assert!(body["detail"].as_str().unwrap().contains("101"), "{body}");
        let data = json!({"x": "x".repeat(512 * 1024)});
        let (status, body) = server
            .post(
                "/api/v2/interactions",
                &event("start", "int_1_a", 1.0, &data),
            )
            .await;
        assert_eq!(
            (status.as_u16(), &body["field"]),
            (422, &json!("request_data")),
            "{body}"
        );
        assert_eq!(server.kept().await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_largest_batch_of_a_reporter_is_taken() {
    let server = Server::start(Kept::Sqlite, Options::default()).await;
    let data = json!({"x": "x".repeat(mcs_core::domain::interaction::BATCH_BYTES / 4 - 300)});
    let events: Vec<_> = (0..4)
        .map(|n| event("start", &format!("int_1_{n}"), 1.0, &data))
        .collect();
    for result in server.batch(&events).await {
        assert_eq!(result["status"], "stored", "{result}");
    }
}

#[tokio::test]
async fn parameters_that_nobody_knows_are_named() {
    Server::each(async |server| {
        for (path, part) in [
            ("interactions?mcpid=x", "mcpid"),
            ("interactions?limit=many", "limit"),
            ("interactions?limit=0", "0"),
            ("interactions?limit=100000", "100000"),
            ("interactions?limit=-1", "limit"),
            ("interactions?limit=1&limit=2", "limit"),
            ("interactions?status=done", "done"),
            ("interactions?cursor=x", "`x`"),
            ("interactions?cursor=c5", "`c5`"),
            ("interactions?since=yesterday", "yesterday"),
            ("interactions?tool=", "tool"),
            ("interactions?user=a%00b", "user"),
            ("interactions/int_1_a?cursor=x", "`x`"),
            ("interactions/int_1_a?mcp=x", "mcp"),
            ("interactions/stream?after=x", "`x`"),
            ("interactions/stream?since=x", "since"),
            ("interactions/export?after=x", "`x`"),
            ("interactions/export?limit=1", "limit"),
            ("statistics?hours=0", "0"),
            ("statistics?hours=-1", "hours"),
            ("statistics?hours=100000000", "100000000"),
            ("statistics?day=1", "day"),
            ("keys?all=1", "all"),
            ("keys?limit=501", "501"),
            ("keys?cursor=x", "`x`"),
        ] {
            let (status, body) = server.get(&format!("/api/v2/{path}")).await;
            assert!(
                matches!(status.as_u16(), 400 | 422),
                "{path}: {status} {body}"
            );
            assert!(
                body["detail"].as_str().unwrap().contains(part),
                "{path}: {body}"
            );
        }
        for path in ["validate", "interactions", "interactions/batch", "keys"] {
            let path = format!("/api/v2/{path}?dry_run=1");
            let (status, body) = server.post(&path, &good()).await;
            assert_eq!(status, 422, "{path}: {body}");
            assert!(
                body["detail"].as_str().unwrap().contains("dry_run"),
                "{body}"
            );
        }
        let stream = server.request(Method::GET, "/api/v2/interactions/stream");
        let (status, body) = answer(stream.header("Last-Event-ID", "five")).await;
        assert_eq!(status, 400, "{body}");
    })
    .await;
}

#[tokio::test]
async fn routes_and_methods_that_are_not_there_say_so() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    for (method, path, status) in [
        (Method::GET, "/api", 404),
        (Method::GET, "/api/v2", 404),
        (Method::GET, "/api/v2/interactions/", 404),
        (Method::GET, "/api/v2/interactions/a/b", 404),
        (Method::PUT, "/api/v2/interactions", 405),
        (Method::GET, "/api/v2/validate", 405),
        (Method::POST, "/api/v2/health", 405),
        (Method::GET, "/api/v2/interactions/%ff", 400),
        (Method::GET, "/api/v2/interactions/none", 404),
    ] {
        let (found, body) = answer(server.request(method.clone(), path)).await;
        assert_eq!(found, status, "{method} {path}: {body}");
    }
}

#[tokio::test]
async fn the_id_of_a_request_is_taken_over_if_it_is_one() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let ask = async |id: &str| {
        let request = server.request(Method::GET, "/api/v2/health");
        let answer = request.header("X-Request-Id", id).send().await.unwrap();
        let got = answer.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        json_of(answer).await;
        got
    };
    assert_eq!(ask("my-request.1").await, "my-request.1");
    for bad in ["", "a b", "<script>", &"x".repeat(65)] {
        let made = ask(bad).await;
        assert!(made != bad && made.len() == 32, "{made}");
    }
}
