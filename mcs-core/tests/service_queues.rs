//! Queues through the service.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod common;

use common::{service, upper};
use mcs_core::domain::Status;
use mcs_core::service::Principal;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_paused_queue_starts_nothing_until_it_is_resumed() {
    let (service, local) = (service().await, Principal::local());
    let paused = service.queues().pause(&local, "default").await.unwrap();
    assert!(paused.paused);
    let id = service.tasks().create(&local, upper("x")).await.unwrap().id;
    let wait = Duration::from_millis(50);
    let task = service.tasks().wait(&local, id, wait).await.unwrap();
    assert_eq!(task.status, Status::Pending);

    let resumed = service.queues().resume(&local, "default").await.unwrap();
    assert!(!resumed.paused);
    let wait = Duration::from_mins(1);
    let task = service.tasks().wait(&local, id, wait).await.unwrap();
    assert_eq!(task.status, Status::Completed);
    let names: Vec<_> = service.queues().list(&local).await.unwrap();
    assert_eq!(names.len(), 1);
    assert_eq!(&*names[0].name, "default");
}

#[tokio::test]
async fn names_are_checked() {
    let (service, local) = (service().await, Principal::local());
    let error = service.queues().pause(&local, "").await.unwrap_err();
    assert!(error.to_string().contains("`queue` is empty"), "{error}");
    assert_eq!(service.queues().list(&local).await.unwrap(), []);
}
