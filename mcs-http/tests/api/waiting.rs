//! What those hear who wait. Time stands still until everybody waits, so that who is told at once has waited for exactly as
//! long as it took to tell.

use crate::nested::Nested;
use axum::http::StatusCode;
use mcs_core::domain::Status;
use mcs_core::service::Principal;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// It rings when everybody else waits.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test]
async fn who_waits_for_a_result_is_shown_the_task_as_it_stands_when_the_server_stops() {
    let nested = Nested::new().await;
    let id = nested.create().await;
    let began = Instant::now();
    let stopping = async {
        sleep(SOON).await;
        nested.options.stop.cancel();
    };
    let path = format!("/{id}/result?wait=25");
    let ((status, body), ()) = tokio::join!(nested.get(path), stopping);
    assert_eq!((status, &body["finished"]), (StatusCode::OK, &json!(false)));
    assert_eq!(body["status"], "PENDING");
    assert!(began.elapsed() < 2 * SOON, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_result_is_not_shown_to_one_whose_key_was_revoked_meanwhile() {
    let nested = Nested::new().await;
    let id = nested.create().await;
    let local = Principal::local();
    let ending = async {
        sleep(SOON).await;
        nested.revoke().await;
        let cancelled = nested.service.tasks().cancel(&local, id, "enough").await;
        cancelled.unwrap();
    };
    let path = format!("/{id}/result?wait=25");
    let ((status, body), ()) = tokio::join!(nested.get(path), ending);
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}");
}

#[tokio::test]
async fn a_task_that_comes_for_one_whose_key_was_revoked_meanwhile_is_left_to_others() {
    let nested = Nested::new().await;
    let coming = async {
        sleep(SOON).await;
        nested.revoke().await;
        nested.create().await
    };
    let waiting = nested.get("/next?worker_id=w&wait=25".into());
    let ((status, body), id) = tokio::join!(waiting, coming);
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}");
    nested.until(id, Status::Pending).await;
    let local = Principal::local();
    let task = nested.service.tasks().status(&local, id).await.unwrap();
    assert_eq!(task.lease, None);
}
