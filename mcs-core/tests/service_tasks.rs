//! What can be done with tasks through the service.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod common;

use common::{idle, service, upper};
use mcs_core::domain::{
    NewTask, PageRequest, Priority, RetryPolicy, Status, TaskFilter, TaskId, Timestamp,
};
use mcs_core::service::{LARGEST_OFFSET, Principal, Service, ServiceError};
use mcs_core::store::CancelReply;
use serde_json::json;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);

async fn create(service: &Service, task: NewTask) -> TaskId {
    let local = Principal::local();
    service.tasks().create(&local, task).await.unwrap().id
}

async fn total(service: &Service) -> u64 {
    let local = Principal::local();
    service.tasks().stats(&local).await.unwrap().counts.total()
}

#[tokio::test]
async fn a_task_is_created_waited_for_and_answered() {
    let (service, local) = (service().await, Principal::local());
    let id = create(&service, upper("hello")).await;
    let done = service.tasks().wait(&local, id, LONG).await.unwrap();
    assert_eq!(done.status, Status::Completed);
    let outcome = service.tasks().result(&local, id).await.unwrap();
    let text = outcome.result.unwrap().joined_text();
    assert_eq!(text, r#"{"TEXT":"HELLO"}"#);
    assert!(outcome.task.result.is_none(), "the result is there once");
    let task = service.tasks().get(&local, id).await.unwrap();
    assert_eq!(task.payload.unwrap().as_str(), r#"{"text":"hello"}"#);
    assert!(task.result.is_none());
}

#[tokio::test]
async fn an_unfinished_task_is_returned_as_it_is() {
    let (service, local) = (service().await, Principal::local());
    let id = create(&service, idle()).await;
    let wait = Duration::from_millis(1);
    let task = service.tasks().wait(&local, id, wait).await.unwrap();
    assert_eq!((task.id, task.status), (id, Status::Pending));
    let outcome = service.tasks().result(&local, id).await.unwrap();
    assert_eq!(
        (outcome.task.status, outcome.result),
        (Status::Pending, None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_after_an_hour() {
    let (service, local) = (service().await, Principal::local());
    let id = create(&service, idle()).await;
    let began = tokio::time::Instant::now();
    service
        .tasks()
        .wait(&local, id, Duration::MAX)
        .await
        .unwrap();
    let hour = Duration::from_hours(1);
    let waited = began.elapsed();
    assert!(waited >= hour && waited < hour * 2, "{waited:?}");
}

#[tokio::test]
async fn many_are_stored_together_or_not_at_all() {
    let (service, local) = (service().await, Principal::local());
    let stored = service
        .tasks()
        .create_many(&local, vec![idle(), idle().queue("other"), idle()])
        .await
        .unwrap();
    assert_eq!(stored.len(), 3);
    assert!(stored.iter().all(|one| one.created));
    let refused = |tasks: Vec<NewTask>| {
        let service = service.clone();
        async move {
            let local = Principal::local();
            let answer = service.tasks().create_many(&local, tasks).await;
            answer.unwrap_err().to_string()
        }
    };
    let bad_queue = refused(vec![idle(), idle(), idle(), idle().queue("")]).await;
    assert!(
        bad_queue.starts_with("`tasks[3].queue` is empty"),
        "{bad_queue}"
    );
    let bad_payload = refused(vec![upper("x"), NewTask::new("upper", json!({"text": 5}))]).await;
    assert!(
        bad_payload.starts_with("`tasks[1].payload"),
        "{bad_payload}"
    );
    let none = refused(Vec::new()).await;
    assert!(
        none.contains("`tasks` has 0 entries; give 1 to 10000"),
        "{none}"
    );
    let too_many = refused(vec![idle(); 10_001]).await;
    assert!(too_many.contains("10001"), "{too_many}");
    assert_eq!(
        total(&service).await,
        3,
        "nothing of what was refused is stored"
    );
    let listed = service
        .tasks()
        .list(&local, TaskFilter::default(), PageRequest::default())
        .await
        .unwrap();
    assert_eq!(listed.items.len(), 3);
}

#[tokio::test]
async fn what_cannot_run_is_refused_with_the_remedy() {
    let (service, local) = (service().await, Principal::local());
    let tasks = service.tasks();
    let unknown = tasks.create(&local, NewTask::new("uper", json!({}))).await;
    match unknown {
        Err(ServiceError::UnknownKind { kind, known }) => {
            assert_eq!((kind.as_str(), known[0].as_str()), ("uper", "upper"));
        }
        other => panic!("{other:?}"),
    }
    let broken = tasks
        .create(&local, NewTask::new("broken", json!({})))
        .await;
    let message = broken.unwrap_err().to_string();
    assert!(
        message.contains("the tool is missing; install it"),
        "{message}"
    );
    assert_eq!(total(&service).await, 0);
}

#[tokio::test]
async fn a_unique_key_stands_for_one_payload() {
    let (service, local) = (service().await, Principal::local());
    let first = create(&service, idle().unique_key("k")).await;
    assert_eq!(create(&service, idle().unique_key("k")).await, first);
    let other = NewTask::new("idle", json!({"other": 1})).unique_key("k");
    match service.tasks().create(&local, other).await {
        Err(ServiceError::KeyTaken { existing, reason }) => {
            assert_eq!(existing, first);
            assert!(reason.contains(&first.to_string()), "{reason}");
        }
        answer => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn lists_are_paged_by_cursor_and_by_offset() {
    let (service, local) = (service().await, Principal::local());
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, create(&service, idle()).await);
    }
    let list = async |page| {
        let page = service
            .tasks()
            .list(&local, TaskFilter::default(), page)
            .await;
        let page = page.unwrap();
        let found: Vec<_> = page.items.iter().map(|task| task.id).collect();
        (found, page.next)
    };
    let (first, next) = list(PageRequest::first(2)).await;
    assert_eq!(first, ids[..2]);
    let after = PageRequest {
        after: next,
        ..PageRequest::first(3)
    };
    let (second, next) = list(after).await;
    assert_eq!((second.as_slice(), next), (&ids[2..], None));
    let skipped = PageRequest {
        offset: 3,
        ..PageRequest::first(50)
    };
    assert_eq!(list(skipped).await.0, ids[3..]);
}

#[tokio::test]
async fn lists_refuse_what_makes_no_sense() {
    let (service, local) = (service().await, Principal::local());
    let refused = async |filter, page| {
        let answer = service.tasks().list(&local, filter, page).await;
        answer.unwrap_err().to_string()
    };
    let everything = TaskFilter::default;
    let limit = refused(everything(), PageRequest::first(501)).await;
    assert!(limit.contains("`limit` is 501; use 1 to 500"), "{limit}");
    let deep = PageRequest {
        offset: LARGEST_OFFSET + 1,
        ..PageRequest::default()
    };
    let offset = refused(everything(), deep).await;
    assert!(
        offset.contains("`offset` is 1000001") && offset.contains("cursor"),
        "{offset}"
    );
    let filter = TaskFilter {
        queue: Some("a\0b".to_owned()),
        ..everything()
    };
    let queue = refused(filter, PageRequest::default()).await;
    assert!(
        queue.contains("`queue`") && queue.contains("NUL"),
        "{queue}"
    );
}

#[tokio::test]
async fn a_waiting_task_is_cancelled_and_a_finished_one_stays() {
    let (service, local) = (service().await, Principal::local());
    let id = create(&service, idle()).await;
    let tasks = service.tasks();
    let reply = tasks.cancel(&local, id, "not needed").await.unwrap();
    assert_eq!(reply, CancelReply::Cancelled);
    let task = tasks.get(&local, id).await.unwrap();
    assert!(task.error.unwrap().message.contains("not needed"));
    let reply = tasks.cancel(&local, id, "again").await.unwrap();
    assert_eq!(reply, CancelReply::Finished(Status::Cancelled));
    let long = "x".repeat(5000);
    let error = tasks.cancel(&local, id, &long).await.unwrap_err();
    assert!(
        error.to_string().starts_with("`reason` has 5000 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn a_finished_task_is_retried_as_a_new_one() {
    let (service, local) = (service().await, Principal::local());
    let tasks = service.tasks();
    let far = Timestamp::from_millis(4_000_000_000_000);
    let first = NewTask {
        owner: "alice".into(),
        deadline: Some(far),
        timeout_ms: Some(5000),
        retry: Some(RetryPolicy::default()),
        budget_usd: Some(1.5),
        tags: vec!["a".to_owned()],
        metadata: Some(json!({"m": 1}).into()),
        category: Some("c".to_owned()),
        work_directory: Some("/tmp".to_owned()),
        ttl_ms: Some(60_000),
        preview: "short".to_owned(),
        ..idle()
            .queue("q")
            .priority(Priority::HIGH)
            .max_attempts(7)
            .unique_key("k")
    };
    let id = create(&service, first).await;
    let error = tasks.retry(&local, id).await.unwrap_err().to_string();
    assert!(
        error.contains("is PENDING") && error.contains("cancel it first"),
        "{error}"
    );
    tasks.cancel(&local, id, "").await.unwrap();

    let again = tasks.retry(&local, id).await.unwrap();
    assert_ne!(again, id);
    let old = tasks.get(&local, id).await.unwrap();
    let new = tasks.get(&local, again).await.unwrap();
    assert_eq!(
        (new.status, new.retry_of, new.unique_key.as_deref()),
        (Status::Pending, Some(id), None)
    );
    let inputs = |task: &mcs_core::domain::Task| {
        json!([
            task.kind,
            task.queue,
            task.owner,
            task.priority,
            task.max_attempts,
            task.retry,
            task.timeout_ms,
            task.budget_usd,
            task.tags,
            task.metadata,
            task.category,
            task.work_directory,
            task.ttl_ms,
            task.preview,
            task.payload,
            task.dispatch,
        ])
    };
    assert_eq!(inputs(&new), inputs(&old));
    let time = |task: &mcs_core::domain::Task| task.deadline.unwrap().since(task.created_at);
    let drift = time(&new).abs_diff(time(&old));
    assert!(drift < LONG, "it has as much time as the first: {drift:?}");
    assert_eq!(
        tasks.get(&local, id).await.unwrap().status,
        Status::Cancelled
    );
}

#[tokio::test]
async fn unknown_ids_are_not_found() {
    let (service, local) = (service().await, Principal::local());
    let id: TaskId = "01890000-0000-7000-8000-000000000000".parse().unwrap();
    let error = service.tasks().get(&local, id).await.unwrap_err();
    assert!(matches!(error, ServiceError::NotFound(missing) if missing == id));
    assert!(error.to_string().contains(&id.to_string()), "{error}");
}
