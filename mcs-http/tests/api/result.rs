//! Results are read and waited for.

use crate::kit::{Kept, PATIENCE, Server};
use mcs_http::Options;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn create(server: &Server, kind: &str) -> String {
    let task = json!({"kind": kind, "payload": {"text": "hello"}});
    let (status, body) = server.post("/api/v1/tasks", &task).await;
    assert_eq!(status, 201, "{body}");
    format!("/api/v1/tasks/{}", body["id"].as_str().unwrap())
}

async fn result(server: &Server, task: &str, wait: &str) -> Value {
    server.found(&format!("{task}/result{wait}")).await
}

#[tokio::test]
async fn a_result_is_waited_for() {
    Server::each(async |server| {
        let task = create(&server, "upper").await;
        let done = result(&server, &task, "?wait=20").await;
        let id = task.rsplit('/').next().unwrap();
        assert_eq!(
            (&done["id"], &done["status"], &done["finished"]),
            (&json!(id), &json!("COMPLETED"), &json!(true))
        );
        let content = json!([{"type": "text", "text": r#"{"TEXT":"HELLO"}"#}]);
        assert_eq!(
            done["result"],
            json!({"content": content, "is_error": false})
        );
        assert!(
            done.get("error").is_none() && done["usage"]["cost_usd"] == 0.0,
            "{done}"
        );
        assert_eq!(result(&server, &task, "").await, done);
        let found = server.found(&task).await;
        assert!(
            found["result_bytes"].as_u64().unwrap() > 0 && found["attempt"] == 1,
            "{found}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_failure_says_why() {
    Server::each(async |server| {
        let task = create(&server, "failing").await;
        let failed = result(&server, &task, "?wait=20").await;
        assert_eq!(
            (&failed["status"], &failed["finished"]),
            (&json!("FAILED"), &json!(true))
        );
        let error =
            json!({"class": "permanent", "message": "it was meant to fail", "retryable": false});
        assert_eq!(failed["error"], error);
        assert!(failed.get("result").is_none());
    })
    .await;
}

#[tokio::test]
async fn a_task_that_has_not_finished_is_shown_as_it_is_and_nobody_waits_longer_than_a_request_may_take()
 {
    let options = Options {
        request_timeout: Duration::from_secs(2),
        ..Options::default()
    };
    let server = Server::start(Kept::Memory, options).await;
    let task = create(&server, "idle").await;
    for wait in ["", "?wait=0", "?wait=0.001", "?wait=3600"] {
        let began = Instant::now();
        let shown = result(&server, &task, wait).await;
        assert_eq!(
            (&shown["status"], &shown["finished"]),
            (&json!("PENDING"), &json!(false)),
            "{wait}"
        );
        assert!(began.elapsed() < PATIENCE, "{wait}");
    }
    for wait in ["-1", "NaN", "inf", "1e99", "3601", "soon"] {
        let (status, body) = server.get(&format!("{task}/result?wait={wait}")).await;
        assert!(status.is_client_error(), "{wait}: {body}");
        assert!(
            body["detail"].as_str().unwrap().contains("wait"),
            "{wait}: {body}"
        );
    }
}
