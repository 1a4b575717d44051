//! A worker takes a task, keeps it, and brings it back.

use super::{TASKS, act, create, done, manual, nothing, take, until};
use crate::kit::{Kept, Server};
use mcs_core::domain::{TaskResult, Timestamp};
use mcs_core::service::Principal;
use mcs_http::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// The result of a task, as it is stored.
async fn result(server: &Server, id: &str) -> TaskResult {
    let (tasks, local) = (server.service.tasks(), Principal::local());
    let outcome = tasks.result(&local, id.parse().unwrap()).await.unwrap();
    outcome.result.unwrap()
}

#[tokio::test]
async fn a_worker_learns_all_it_needs_from_the_answers() {
    Server::each(async |server| {
        assert_eq!(nothing(&server, "").await, 204);
        let mut task = manual();
        task["timeout_seconds"] = json!(90);
        let id = create(&server, &task).await;
        create(&server, &json!({"kind": "idle"})).await;
        let (taken, lease) = take(&server).await;
        assert_eq!(taken["id"], *id);
        assert_eq!(taken["status"], "PROCESSING");
        assert_eq!(taken["payload"], json!({"n": 1}));
        assert_eq!(
            (&taken["attempt"], &taken["max_attempts"]),
            (&json!(1), &json!(3))
        );
        assert_eq!(taken["timeout_seconds"], 90.0);
        assert!(
            taken["lease"]["worker"]
                .as_str()
                .unwrap()
                .starts_with("laptop@")
        );
        let ends = time(&taken["lease"]["expires_at"]);
        assert_eq!(
            ends.since(time(&taken["started_at"])),
            Duration::from_mins(15)
        );
        assert_eq!(nothing(&server, "").await, 204, "the other runs by itself");

        let beat = done(
            &server,
            &id,
            "heartbeat",
            &json!({"lease": lease, "lease_seconds": 3600}),
        )
        .await;
        assert_eq!(beat["cancel_requested"], false);
        assert!(time(&beat["lease_expires_at"]).since(ends) > Duration::from_secs(2600));
        let progress = json!({"lease": lease, "percent": 50, "message": "half"});
        assert_eq!(act(&server, &id, "progress", &progress).await.0, 204);
        let usage = json!({"input_tokens": 7, "cost_usd": 0.5});
        let body = json!({"lease": lease, "text": "done by hand", "usage": usage});
        let ended = done(&server, &id, "complete", &body).await;
        assert_eq!(ended, json!({"id": id, "status": "COMPLETED"}));

        let found = server.found(&format!("{TASKS}/{id}")).await;
        assert_eq!(
            found["progress"],
            json!({"percent": 50.0, "message": "half"})
        );
        assert_eq!(
            (&found["usage"]["input_tokens"], &found["usage"]["cost_usd"]),
            (&json!(7), &json!(0.5))
        );
        assert!(found.get("lease").is_none(), "{found}");
        let kept = result(&server, &id).await;
        assert_eq!(kept.joined_text(), "done by hand");
    })
    .await;
}

#[tokio::test]
async fn a_result_is_stored_as_it_was_written() {
    Server::each(async |server| {
        let id = create(&server, &manual()).await;
        let (_, lease) = take(&server).await;
        let result = json!({
            "content": [
                {"type": "text", "text": "3 files"},
                {"type": "image", "data": "AA==", "mimeType": "image/png"},
                {"type": "resource_link", "uri": "file:///a", "name": "a"},
            ],
            "structured": {"files": 3},
            "is_error": true,
        });
        done(
            &server,
            &id,
            "complete",
            &json!({"lease": lease, "result": result}),
        )
        .await;
        let kept = serde_json::to_value(self::result(&server, &id).await).unwrap();
        assert_eq!(kept, result);
    })
    .await;
}

#[tokio::test]
async fn a_failure_is_tried_again_unless_that_is_of_no_use() {
    Server::each(async |server| {
        for (more, status) in [
            (json!({}), "PENDING"),
            (
                json!({"class": "timeout", "retry_after_seconds": 60}),
                "PENDING",
            ),
            (json!({"class": "rate_limited"}), "PENDING"),
            (
                json!({"retryable": false, "details": {"exit": 65}}),
                "FAILED",
            ),
            (json!({"class": "PERMANENT", "retryable": false}), "FAILED"),
            (json!({"class": "cancelled"}), "CANCELLED"),
        ] {
            let id = create(&server, &manual()).await;
            let (_, lease) = take(&server).await;
            let mut body = json!({"lease": lease, "message": "it broke"});
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            let ended = done(&server, &id, "fail", &body).await;
            assert_eq!(ended, json!({"id": id, "status": status}), "{body}");
            let found = server.found(&format!("{TASKS}/{id}")).await;
            assert_eq!(found["error"]["message"], "it broke");
            assert_eq!(found["error"].get("details"), more.get("details"));
            if let Some(pause) = more.get("retry_after_seconds").and_then(Value::as_u64) {
                let waits = time(&found["run_at"]).since(time(&found["started_at"]));
                assert!(waits >= Duration::from_secs(pause), "{found}");
            }
            // It shall not be the next.
            done(&server, &id, "cancel", &json!({})).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_released_task_is_the_next_of_another() {
    Server::each(async |server| {
        let id = create(&server, &manual()).await;
        let (_, lease) = take(&server).await;
        let ended = done(&server, &id, "release", &json!({"lease": lease})).await;
        assert_eq!(ended, json!({"id": id, "status": "PENDING"}));
        let (again, newer) = take(&server).await;
        assert_eq!((again["attempt"].as_u64(), newer), (Some(1), lease + 1));
        let (status, problem) = act(&server, &id, "complete", &json!({"lease": lease})).await;
        assert_eq!(status, 409, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains("lease 1"),
            "{problem}"
        );
        done(&server, &id, "complete", &json!({"lease": newer})).await;
    })
    .await;
}

#[tokio::test]
async fn a_worker_hears_of_a_cancel_with_its_heartbeat() {
    Server::each(async |server| {
        let id = create(&server, &manual()).await;
        let (_, lease) = take(&server).await;
        let asked = done(
            &server,
            &id,
            "cancel",
            &json!({"reason": "changed my mind"}),
        )
        .await;
        assert_eq!(
            asked,
            json!({"id": id, "outcome": "requested", "status": "PROCESSING"})
        );
        let beat = done(&server, &id, "heartbeat", &json!({"lease": lease})).await;
        assert_eq!(beat["cancel_requested"], true);
        let ended = done(&server, &id, "release", &json!({"lease": lease})).await;
        assert_eq!(ended["status"], "CANCELLED");
        let found = server.found(&format!("{TASKS}/{id}")).await;
        assert_eq!(found["error"]["message"], "changed my mind");
    })
    .await;
}

#[tokio::test]
async fn only_what_is_wanted_is_given() {
    Server::each(async |server| {
        let mut task = manual();
        task["work_directory"] = json!("/srv/a");
        task["queue"] = json!("q");
        let id = create(&server, &task).await;
        for other in [
            "kind=upper",
            "queue=other",
            "work_path=/srv",
            "kind=upper&queue=q",
        ] {
            assert_eq!(nothing(&server, other).await, 204, "{other}");
        }
        let wanted = "worker_id=w&kind=idle&queue=q&work_path=/srv/a&lease_seconds=30";
        let taken = server.found(&format!("{TASKS}/next?{wanted}")).await;
        assert_eq!(taken["id"], *id);
        let ends = time(&taken["lease"]["expires_at"]);
        assert_eq!(
            ends.since(time(&taken["started_at"])),
            Duration::from_secs(30)
        );
    })
    .await;
}

#[tokio::test]
async fn who_waits_is_given_what_comes() {
    Server::each(async |server| {
        let path = format!("{TASKS}/next?worker_id=laptop&wait=15");
        let created = async {
            // It waits once its claim has found nothing, which no answer tells; either way it is given the task.
            assert_eq!(nothing(&server, "").await, 204);
            create(&server, &manual()).await
        };
        let (taken, id) = tokio::join!(server.found(&path), created);
        assert_eq!(taken["id"], *id);
        done(
            &server,
            &id,
            "release",
            &json!({"lease": taken["lease"]["number"]}),
        )
        .await;
        until(&server, &id, "PENDING").await;
        let (taken, _) = take(&server).await;
        assert_eq!(taken["id"], *id);
        assert_eq!(nothing(&server, "wait=0.01").await, 204);
    })
    .await;
}

#[tokio::test]
async fn who_waits_is_told_when_the_server_stops() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let path = format!("{TASKS}/next?worker_id=laptop&wait=15");
    let waiting = server.request(Method::GET, &path).send();
    let stopping = async {
        assert_eq!(nothing(&server, "").await, 204);
        server.options.stop.cancel();
    };
    let (answered, ()) = tokio::join!(waiting, stopping);
    // Whichever came first, it does not wait on.
    assert!(answered.is_err() || answered.unwrap().status() == StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_nul_is_refused_in_what_is_brought_back_as_in_a_payload() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let id = create(&server, &manual()).await;
    let (_, lease) = take(&server).await;
    for (what, body, field) in [
        ("complete", json!({"text": "a\0b"}), "text"),
        (
            "complete",
            json!({"result": {"structured": ["\0"]}}),
            "result",
        ),
        ("fail", json!({"message": "a\0b"}), "message"),
        (
            "fail",
            json!({"message": "a", "details": {"\0": 1}}),
            "details",
        ),
    ] {
        let mut body = body;
        body["lease"] = json!(lease);
        let (status, problem) = crate::work::act(&server, &id, what, &body).await;
        assert_eq!(status, 422, "{problem}");
        assert_eq!(problem["field"], field, "{problem}");
    }
}
