//! Tasks are made of finished ones, and what these left is removed.

use super::{TASKS, act, create, done, manual, until};
use crate::kit::Server;
use reqwest::Method;
use serde_json::{Value, json};

/// What is answered with 201, whose `Location` must be the new task's.
async fn made(server: &Server, id: &str, what: &str, body: &Value) -> Value {
    let request = server.request(Method::POST, &format!("{TASKS}/{id}/{what}"));
    let answered = request.json(body).send().await.unwrap();
    assert_eq!(answered.status(), 201);
    let location = answered.headers()["location"].to_str().unwrap().to_owned();
    let body = crate::kit::json_of(answered).await;
    assert_eq!(
        location,
        format!("{TASKS}/{}", body["id"].as_str().unwrap())
    );
    server.found(&location).await;
    body
}

#[tokio::test]
async fn a_finished_task_is_tried_again_as_a_new_one() {
    Server::each(async |server| {
        let id = create(&server, &manual()).await;
        let (status, problem) = act(&server, &id, "retry", &json!({})).await;
        assert_eq!(status, 409, "{problem}");
        done(&server, &id, "cancel", &json!({})).await;
        let again = made(&server, &id, "retry", &json!({})).await;
        assert_eq!(again["retry_of"], *id);
        let found = server
            .found(&format!("{TASKS}/{}", again["id"].as_str().unwrap()))
            .await;
        assert_eq!(
            (&found["retry_of"], &found["payload"]),
            (&json!(id), &json!({"n": 1}))
        );
    })
    .await;
}

#[tokio::test]
async fn a_finished_task_is_continued() {
    Server::each(async |server| {
        let id = create(
            &server,
            &json!({"kind": "agent", "payload": {"say": "hello"}}),
        )
        .await;
        until(&server, &id, "COMPLETED").await;
        let next = made(&server, &id, "continue", &json!({"prompt": "go on"})).await;
        assert_eq!(next["continues"], *id);
        let next = until(&server, next["id"].as_str().unwrap(), "COMPLETED").await;
        assert_eq!(next["payload"], json!({"say": "go on"}));

        let failed = create(&server, &json!({"kind": "failing"})).await;
        until(&server, &failed, "FAILED").await;
        let (status, problem) =
            act(&server, &failed, "continue", &json!({"prompt": "go on"})).await;
        assert_eq!(
            (status.as_u16(), &problem["field"]),
            (422, &json!("id")),
            "{problem}"
        );
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .starts_with("`id` is a task of kind"),
            "{problem}"
        );
        let (status, problem) = act(&server, &id, "continue", &json!({})).await;
        assert_eq!(
            (status.as_u16(), &problem["field"]),
            (422, &json!("prompt")),
            "{problem}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_a_finished_task_left_is_removed() {
    Server::each(async |server| {
        for (category, status, said) in [
            ("dirty", 200, json!("a work tree")),
            ("clean", 200, Value::Null),
            ("stuck", 409, Value::Null),
        ] {
            let task = json!({"kind": "agent", "payload": {}, "category": category});
            let id = create(&server, &task).await;
            until(&server, &id, "COMPLETED").await;
            let (answered, body) = act(&server, &id, "cleanup", &json!({})).await;
            assert_eq!(answered, status, "{body}");
            assert_eq!(body["removed"], said, "{body}");
        }
        let id = create(&server, &manual()).await;
        let (status, problem) = act(&server, &id, "cleanup", &json!({})).await;
        assert_eq!(status, 409, "it has not finished: {problem}");
    })
    .await;
}
