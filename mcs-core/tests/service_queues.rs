//! Queues through the service.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod common;

use common::{idle, service, upper, user};
use mcs_core::domain::{NewTask, QueueChange, Status};
use mcs_core::service::{Principal, QueueStatus, Service, ServiceError};
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

async fn create(service: &Service, who: &Principal, task: NewTask) {
    service.tasks().create(who, task).await.unwrap();
}

async fn named(service: &Service, who: &Principal, name: &str) -> QueueStatus {
    let all = service.queues().overview(who).await.unwrap();
    let found = all.into_iter().find(|queue| &*queue.name == name).unwrap();
    assert_eq!(
        service.queues().status(who, name).await.unwrap(),
        found,
        "one is told as all are"
    );
    found
}

#[tokio::test]
async fn an_overview_counts_what_the_caller_may_see() {
    let (service, local) = (service().await, Principal::local());
    let (alice, bob) = (user("alice"), user("bob"));
    create(&service, &alice, idle().queue("shared")).await;
    create(&service, &bob, idle().queue("shared")).await;
    create(&service, &bob, idle().queue("bobs")).await;

    let shared = named(&service, &local, "shared").await;
    assert_eq!((shared.counts.pending, shared.ready), (2, 2));
    assert!(shared.oldest_ready.is_some());
    assert_eq!(
        (shared.paused, shared.concurrency, shared.running),
        (false, None, 0)
    );
    let shared = named(&service, &alice, "shared").await;
    assert_eq!((shared.counts.pending, shared.ready), (1, 1));
    assert_eq!(shared.oldest_ready, None, "it may be another's");
    let bobs = named(&service, &alice, "bobs").await;
    assert_eq!((bobs.counts.total(), bobs.ready), (0, 0));
}

#[tokio::test]
async fn a_queue_that_nobody_named_is_empty() {
    let (service, local) = (service().await, Principal::local());
    assert_eq!(service.queues().overview(&local).await.unwrap(), []);
    let none = service.queues().status(&local, "none").await.unwrap();
    assert_eq!(
        (none.counts.total(), none.slots, none.paused),
        (0, 10, false)
    );
    let nameless = service.queues().status(&local, "").await.unwrap_err();
    assert!(
        nameless.to_string().contains("`queue` is empty"),
        "{nameless}"
    );
}

#[tokio::test]
async fn a_change_is_bounded_and_shows_in_the_overview() {
    let (service, local) = (service().await, Principal::local());
    let set = |concurrency| QueueChange {
        concurrency: Some(concurrency),
        ..QueueChange::default()
    };
    let queues = service.queues();
    for good in [1, 100_000] {
        queues.change(&local, "q", set(Some(good))).await.unwrap();
        let queue = named(&service, &local, "q").await;
        assert_eq!(queue.concurrency, Some(good));
        assert_eq!(queue.slots, usize::try_from(good).unwrap());
    }
    for (change, field, words) in [
        (set(Some(0)), "concurrency", "is 0; use 1 to 100000"),
        (
            set(Some(100_001)),
            "concurrency",
            "is 100001; use 1 to 100000",
        ),
        (QueueChange::default(), "paused", "is missing"),
    ] {
        match queues.change(&local, "q", change).await {
            Err(ServiceError::Invalid(refused)) => {
                assert_eq!(refused.field, field);
                assert!(refused.problem.contains(words), "{refused}");
            }
            other => panic!("{other:?}"),
        }
    }
    queues.change(&local, "q", set(None)).await.unwrap();
    let queue = named(&service, &local, "q").await;
    assert_eq!((queue.concurrency, queue.slots), (None, 10));
    let refused = queues.change(&user("alice"), "q", set(None)).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden { .. })));
}
