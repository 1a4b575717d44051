//! Tasks are ended and removed.

use crate::kit::{Server, answer};
use reqwest::Method;
use serde_json::{Value, json};

async fn create(server: &Server, kind: &str) -> String {
    let task = json!({"kind": kind, "payload": {"text": "hello"}});
    let (status, body) = server.post("/api/v1/tasks", &task).await;
    assert_eq!(status, 201, "{body}");
    format!("/api/v1/tasks/{}", body["id"].as_str().unwrap())
}

async fn delete(server: &Server, task: &str) -> (u16, Value) {
    let (status, body) = answer(server.request(Method::DELETE, task)).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn one_that_waits_is_cancelled_and_then_removed() {
    Server::each(async |server| {
        let task = create(&server, "idle").await;
        let id = task.rsplit('/').next().unwrap();
        assert_eq!(
            delete(&server, &task).await,
            (200, json!({"id": id, "outcome": "cancelled"}))
        );
        let shown = server.found(&task).await;
        assert_eq!(
            (&shown["status"], &shown["error"]["class"]),
            (&json!("CANCELLED"), &json!("cancelled"))
        );
        assert_eq!(
            delete(&server, &task).await,
            (200, json!({"id": id, "outcome": "removed"}))
        );
        assert_eq!(server.get(&task).await.0, 404);
        assert_eq!(delete(&server, &task).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn of_one_that_runs_the_worker_is_asked_to_end_it() {
    Server::each(async |server| {
        let task = create(&server, "endless").await;
        while server.found(&task).await["status"] != "PROCESSING" {
            tokio::task::yield_now().await;
        }
        let (status, body) = delete(&server, &task).await;
        assert_eq!(
            (status, &body["outcome"]),
            (202, &json!("requested")),
            "{body}"
        );
        let end = server.found(&format!("{task}/result?wait=20")).await;
        assert_eq!(
            (&end["status"], &end["error"]["class"]),
            (&json!("CANCELLED"), &json!("cancelled"))
        );
    })
    .await;
}
