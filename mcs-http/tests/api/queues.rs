//! Queues are listed and changed.

use crate::kit::{Kept, Server, answer};
use mcs_core::service::Scope;
use mcs_http::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const QUEUES: &str = "/api/v1/queues";

async fn queue(server: &Server, name: &str) -> Value {
    let list = server.found(QUEUES).await;
    let queues = list["queues"].as_array().unwrap();
    let found = queues.iter().find(|queue| queue["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {list}")).clone()
}

async fn patch(server: &Server, name: &str, body: &Value) -> (StatusCode, Value) {
    let path = format!("{QUEUES}/{name}");
    answer(server.request(Method::PATCH, &path).json(body)).await
}

async fn create(server: &Server, task: &Value) -> String {
    let (status, body) = server.post("/api/v1/tasks", task).await;
    assert_eq!(status, 201, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_queue_tells_what_is_in_it() {
    Server::each(async |server| {
        assert_eq!(server.found(QUEUES).await, json!({"queues": []}));
        for _ in 0..2 {
            create(&server, &json!({"kind": "idle", "queue": "slow"})).await;
        }
        create(&server, &json!({"kind": "idle", "queue": "slow", "delay_seconds": 3600})).await;
        let mut found = queue(&server, "slow").await;
        let oldest = found["oldest_ready"].take();
        assert!(oldest.as_str().unwrap().ends_with('Z'), "{oldest}");
        let wanted = json!({
            "name": "slow", "paused": false, "slots": 10, "running": 0, "ready": 2, "oldest_ready": null,
            "statuses": {"PENDING": 3, "PROCESSING": 0, "INPUT_REQUIRED": 0, "COMPLETED": 0, "FAILED": 0, "CANCELLED": 0},
        });
        assert_eq!(found, wanted);
    })
    .await;
}

#[tokio::test]
async fn a_paused_queue_starts_nothing_until_it_is_resumed() {
    Server::each(async |server| {
        let (status, paused) =
            answer(server.request(Method::POST, &format!("{QUEUES}/q/pause"))).await;
        assert_eq!(
            (status, &paused["paused"]),
            (StatusCode::OK, &json!(true)),
            "{paused}"
        );
        let id = create(
            &server,
            &json!({"kind": "upper", "payload": {"text": "x"}, "queue": "q"}),
        )
        .await;
        let found = queue(&server, "q").await;
        assert_eq!(
            (&found["paused"], &found["ready"]),
            (&json!(true), &json!(1))
        );

        let (status, resumed) =
            answer(server.request(Method::POST, &format!("{QUEUES}/q/resume"))).await;
        assert_eq!(
            (status, &resumed["paused"]),
            (StatusCode::OK, &json!(false)),
            "{resumed}"
        );
        let done = server.service.tasks();
        let local = mcs_core::service::Principal::local();
        let done = done
            .wait(&local, id.parse().unwrap(), crate::kit::PATIENCE)
            .await;
        assert_eq!(done.unwrap().status, mcs_core::domain::Status::Completed);
        assert_eq!(queue(&server, "q").await["statuses"]["COMPLETED"], 1);
    })
    .await;
}

#[tokio::test]
async fn limits_are_set_and_given_back_to_the_configuration() {
    Server::each(async |server| {
        // Any name is that of a queue.
        let odd = "a%2Fb%20%C3%BC%3F";
        let (status, body) = patch(&server, odd, &json!({"concurrency": 2})).await;
        assert_eq!(status, 200, "{body}");
        let found = queue(&server, "a/b ü?").await;
        assert_eq!(found, body);
        assert_eq!(
            (&found["concurrency"], &found["slots"]),
            (&json!(2), &json!(2))
        );

        let (_, body) = patch(&server, odd, &json!({"paused": true})).await;
        assert_eq!(
            (&body["concurrency"], &body["paused"]),
            (&json!(2), &json!(true))
        );
        let (_, body) = patch(&server, odd, &json!({"concurrency": null, "paused": null})).await;
        assert_eq!(
            (body.get("concurrency"), &body["slots"]),
            (None, &json!(10))
        );
        assert_eq!(
            body["paused"], true,
            "null is nothing where nothing is meant"
        );
    })
    .await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    for (body, status, field) in [
        (json!({}), 422, "paused"),
        (json!({"concurrency": 0}), 422, "concurrency"),
        (json!({"concurrency": 100_001}), 422, "concurrency"),
        (json!({"concurrency": 1.5}), 422, "concurrency"),
        (json!({"concurrency": "2"}), 422, "concurrency"),
        (json!({"paused": "yes"}), 422, "paused"),
        (json!({"pause": true}), 422, "pause"),
    ] {
        let (answered, problem) = patch(&server, "q", &body).await;
        assert_eq!(answered, status, "{body}: {problem}");
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    let (status, _) = patch(&server, "q", &json!([])).await;
    assert_eq!(status, 400);
    let (status, problem) = patch(&server, &"n".repeat(201), &json!({"paused": true})).await;
    assert_eq!(
        (status, &problem["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("queue"))
    );
    let (status, _) = answer(server.request(Method::POST, &format!("{QUEUES}/q/stop"))).await;
    assert_eq!(status, 404);
    let (status, _) = server.get(&format!("{QUEUES}/q/pause")).await;
    assert_eq!(status, 405);
    let (status, _) = server.get(&format!("{QUEUES}?all=true")).await;
    assert_eq!(status, 422);
    assert_eq!(
        server.found(QUEUES).await,
        json!({"queues": []}),
        "nothing was changed"
    );
}

#[tokio::test]
async fn changes_need_the_admin_scope_and_others_tasks_are_not_counted() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    create(&server, &json!({"kind": "idle", "queue": "q"})).await;
    let user = [Scope::Read, Scope::Write, Scope::Execute];
    let server = {
        let token = server.key(None, &user).await;
        server.with(&token)
    };
    for (method, path) in [
        (Method::POST, "/q/pause"),
        (Method::POST, "/q/resume"),
        (Method::PATCH, "/q"),
    ] {
        let request = server.request(method, &format!("{QUEUES}{path}"));
        let (status, problem) = answer(request.json(&json!({"paused": true}))).await;
        assert_eq!(status, 403, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains("admin"),
            "{problem}"
        );
    }
    let found = queue(&server, "q").await;
    assert_eq!(
        (&found["paused"], &found["ready"]),
        (&json!(false), &json!(0))
    );
    assert_eq!(
        (&found["statuses"]["PENDING"], found.get("oldest_ready")),
        (&json!(0), None)
    );
}
