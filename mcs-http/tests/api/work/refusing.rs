//! What workers and callers are refused.

use super::{TASKS, act, create, done, manual, nothing, take};
use crate::kit::{Kept, Server, answer};
use mcs_core::service::Scope;
use mcs_http::Options;
use reqwest::Method;
use serde_json::{Value, json};

/// Every route about one task, with a body that it takes.
fn routes() -> Vec<(&'static str, Value)> {
    vec![
        ("heartbeat", json!({"lease": 1})),
        ("progress", json!({"lease": 1, "percent": 1})),
        ("complete", json!({"lease": 1, "text": "x"})),
        ("fail", json!({"lease": 1, "message": "x"})),
        ("release", json!({"lease": 1})),
        ("execute", json!({})),
        ("cancel", json!({})),
        ("retry", json!({})),
        ("respond", json!({"response": 1})),
        ("continue", json!({"prompt": "x"})),
        ("cleanup", json!({})),
    ]
}

/// Those that name a lease.
const LEASED: usize = 5;

#[tokio::test]
async fn the_task_of_another_is_not_found() {
    Server::each(async |server| {
        let scopes = [Scope::Read, Scope::Write, Scope::Execute];
        let (ann, bob) = (
            server.key(Some("ann"), &scopes).await,
            server.key(Some("bob"), &scopes).await,
        );
        let server = server.with(&ann);
        let id = create(&server, &manual()).await;
        let (_, lease) = take(&server).await;
        assert_eq!(lease, 1);
        let server = server.with(&bob);
        let unknown = "018f0000-0000-7000-8000-000000000000";
        for (what, body) in routes() {
            for id in [&*id, unknown, "next", "nonsense"] {
                let (status, problem) = act(&server, id, what, &body).await;
                assert_eq!(status, 404, "{what} of {id}: {problem}");
                assert!(
                    problem["detail"].as_str().unwrap().contains(id),
                    "{problem}"
                );
            }
        }
        let server = server.with(&ann);
        done(&server, &id, "release", &json!({"lease": 1})).await;
        let server = server.with(&bob);
        assert_eq!(nothing(&server, "").await, 204, "nor is it taken");
    })
    .await;
}

#[tokio::test]
async fn who_lacks_the_scope_is_told_which() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let reader = server.key(Some("ann"), &[Scope::Read]).await;
    let server = server.with(&reader);
    for (number, (what, body)) in routes().into_iter().enumerate() {
        let scope = if number <= LEASED {
            "`execute`"
        } else {
            "`write`"
        };
        let (status, problem) =
            act(&server, "018f0000-0000-7000-8000-000000000000", what, &body).await;
        assert_eq!(status, 403, "{what}: {problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(scope),
            "{problem}"
        );
    }
    let (status, problem) = server.get(&format!("{TASKS}/next?worker_id=w")).await;
    assert_eq!(status, 403, "{problem}");
}

#[tokio::test]
async fn a_stale_lease_changes_nothing() {
    Server::each(async |server| {
        let id = create(&server, &manual()).await;
        // Nobody holds it, another holds it, and it is over: one after the other.
        for stage in 0..3 {
            let before = server.found(&format!("{TASKS}/{id}")).await;
            for (what, mut body) in routes().into_iter().take(LEASED) {
                body["lease"] = json!(if stage == 1 { 2 } else { 1 });
                let (status, problem) = act(&server, &id, what, &body).await;
                assert_eq!(status, 409, "{what}: {problem}");
                assert!(
                    problem["detail"].as_str().unwrap().contains("lease"),
                    "{problem}"
                );
            }
            assert_eq!(server.found(&format!("{TASKS}/{id}")).await, before);
            match stage {
                0 => assert_eq!(take(&server).await.1, 1),
                1 => drop(done(&server, &id, "complete", &json!({"lease": 1})).await),
                _ => {}
            }
        }
        let (status, problem) = act(&server, &id, "execute", &json!({})).await;
        assert_eq!(status, 409, "it has finished: {problem}");
    })
    .await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let id = create(&server, &manual()).await;
    take(&server).await;
    for (what, body, field) in [
        ("heartbeat", json!({}), "lease"),
        ("heartbeat", json!({"lease": "1"}), "lease"),
        ("heartbeat", json!({"lease": 0}), "lease"),
        ("heartbeat", json!({"lease": 1.5}), "lease"),
        (
            "heartbeat",
            json!({"lease": 1, "lease_seconds": 0.5}),
            "lease_seconds",
        ),
        (
            "heartbeat",
            json!({"lease": 1, "laese_seconds": 5}),
            "laese_seconds",
        ),
        ("progress", json!({"lease": 1, "percent": 101}), "percent"),
        (
            "progress",
            json!({"lease": 1, "percent": "half"}),
            "percent",
        ),
        ("progress", json!({"lease": 1, "message": 5}), "message"),
        (
            "progress",
            json!({"lease": 1, "message": "a\0b"}),
            "message",
        ),
        (
            "complete",
            json!({"lease": 1, "text": "x", "result": {}}),
            "text",
        ),
        (
            "complete",
            json!({"lease": 1, "result": {"content": "x"}}),
            "result.content",
        ),
        (
            "complete",
            json!({"lease": 1, "result": {"content": [{"type": "sound"}]}}),
            "result.content[0]",
        ),
        (
            "complete",
            json!({"lease": 1, "result": {"is_error": 1}}),
            "result.is_error",
        ),
        (
            "complete",
            json!({"lease": 1, "usage": {"cost_usd": -1}}),
            "usage.cost_usd",
        ),
        (
            "complete",
            json!({"lease": 1, "usage": {"tokens": 1}}),
            "usage.tokens",
        ),
        ("fail", json!({"lease": 1}), "message"),
        (
            "fail",
            json!({"lease": 1, "message": "x", "class": "lost"}),
            "class",
        ),
        (
            "fail",
            json!({"lease": 1, "message": "x", "class": "permanent", "retryable": true}),
            "retryable",
        ),
        (
            "fail",
            json!({"lease": 1, "message": "x", "retry_after_seconds": -1}),
            "retry_after_seconds",
        ),
        ("release", json!({"lease": 1, "why": "x"}), "why"),
        ("execute", json!({"now": true}), "now"),
        ("cancel", json!({"reason": 5}), "reason"),
        ("cancel", json!({"reason": "x".repeat(5000)}), "reason"),
        ("retry", json!({"now": true}), "now"),
        ("respond", json!({}), "response"),
        ("respond", json!({"key": 1, "response": 1}), "key"),
        ("continue", json!({"prompt": 1}), "prompt"),
        ("cleanup", json!({"force": true}), "force"),
    ] {
        let (status, problem) = act(&server, &id, what, &body).await;
        assert_eq!(status, 422, "{what} {body}: {problem}");
        assert_eq!(problem["field"], field, "{what} {body}: {problem}");
    }
    let task = server.found(&format!("{TASKS}/{id}")).await;
    assert_eq!(task["status"], "PROCESSING", "nothing was done");
}

#[tokio::test]
async fn what_is_no_body_of_the_route_is_refused() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let id = create(&server, &manual()).await;
    take(&server).await;
    for (what, _) in routes() {
        let path = format!("{TASKS}/{id}/{what}");
        for (content_type, body, wanted) in [
            ("application/json", "[]", 400),
            ("application/json", "{", 400),
            ("application/json", "\"x\"", 400),
            ("text/plain", "{}", 415),
            ("application/x-www-form-urlencoded", "lease=1", 415),
        ] {
            let request = server.request(Method::POST, &path).body(body);
            let (status, problem) = answer(request.header("Content-Type", content_type)).await;
            assert_eq!(status, wanted, "{what} {body}: {problem}");
        }
        let (status, problem) = answer(server.request(Method::POST, &format!("{path}?x=1"))).await;
        assert_eq!(status, 422, "{what}: {problem}");
    }
}

#[tokio::test]
async fn the_query_of_the_next_task_is_read_strictly() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    for (query, status, part) in [
        ("", 422, "worker_id"),
        ("worker_id=w&wroker=x", 422, "wroker"),
        ("worker_id=", 422, "worker_id"),
        ("worker_id=w&kind=", 422, "kind"),
        ("worker_id=w&wait=-1", 422, "wait"),
        ("worker_id=w&wait=soon", 422, "`wait`"),
        ("worker_id=w&wait=NaN", 422, "wait"),
        ("worker_id=w&lease_seconds=0", 422, "lease_seconds"),
        ("worker_id=w&lease_seconds=86401", 422, "lease_seconds"),
    ] {
        let (answered, problem) = server.get(&format!("{TASKS}/next?{query}")).await;
        assert_eq!(answered, status, "{query}: {problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(part),
            "{query}: {problem}"
        );
    }
}
