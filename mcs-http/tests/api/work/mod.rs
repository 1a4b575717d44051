//! What workers and callers do with tasks.

mod following;
mod refusing;
mod starting;
mod taking;

use crate::kit::{Server, answer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub(crate) const TASKS: &str = "/api/v1/tasks";

/// A task of the kind `idle`, which nothing runs here, for callers to take.
pub(crate) fn manual() -> Value {
    json!({"kind": "idle", "payload": {"n": 1}, "dispatch": "manual"})
}

/// Creates a task and returns its id.
pub(crate) async fn create(server: &Server, task: &Value) -> String {
    let (status, body) = server.post(TASKS, task).await;
    assert_eq!(status, 201, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

/// What is answered to `POST /api/v1/tasks/{id}/{what}`.
pub(crate) async fn act(
    server: &Server,
    id: &str,
    what: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let request = server.request(Method::POST, &format!("{TASKS}/{id}/{what}"));
    let answered = request.json(body).send().await.unwrap();
    if answered.status() == StatusCode::NO_CONTENT {
        assert!(answered.bytes().await.unwrap().is_empty());
        return (StatusCode::NO_CONTENT, Value::Null);
    }
    (answered.status(), crate::kit::json_of(answered).await)
}

/// As [`act`], where all is well.
pub(crate) async fn done(server: &Server, id: &str, what: &str, body: &Value) -> Value {
    let (status, body) = act(server, id, what, body).await;
    assert!(status.is_success(), "{what}: {status} {body}");
    body
}

/// Takes the next task, which must be there, and returns it with the number of its lease.
pub(crate) async fn take(server: &Server) -> (Value, u64) {
    let next = server.request(Method::GET, &format!("{TASKS}/next?worker_id=laptop"));
    let (status, task) = answer(next).await;
    assert_eq!(status, 200, "{task}");
    let lease = task["lease"]["number"].as_u64().unwrap();
    (task, lease)
}

/// The status of `GET next` where nobody can be given anything.
pub(crate) async fn nothing(server: &Server, query: &str) -> StatusCode {
    let path = format!("{TASKS}/next?worker_id=laptop&{query}");
    let answered = server.request(Method::GET, &path).send().await.unwrap();
    let status = answered.status();
    assert!(answered.bytes().await.unwrap().is_empty());
    status
}

/// The task once it has `status`.
pub(crate) async fn until(server: &Server, id: &str, status: &str) -> Value {
    let path = format!("{TASKS}/{id}");
    let seen = async {
        loop {
            let task = server.found(&path).await;
            if task["status"] == status {
                return task;
            }
            tokio::task::yield_now().await;
        }
    };
    let seen = tokio::time::timeout(crate::kit::PATIENCE, seen).await;
    seen.unwrap_or_else(|_| panic!("{id} never became {status}"))
}
