use super::kit::{Kit, at, now, work};
use crate::domain::{
    Dispatch, EventKind, Json, NewTask, Priority, RetryPolicy, Status, TaskFilter, Usage,
    WaitReason, limits,
};
use serde_json::json;

pub(super) async fn insert_keeps_every_field(kit: Kit) {
    let other = kit.add(work()).await;
    let new = NewTask {
        queue: "q".into(),
        owner: "alice".into(),
        priority: Priority::HIGH,
        dispatch: Dispatch::Manual,
        run_at: Some(at(5000)),
        timeout_ms: Some(7),
        deadline: Some(at(9000)),
        max_attempts: 4,
        retry: Some(RetryPolicy {
            base_ms: 1,
            cap_ms: 2,
        }),
        budget_usd: Some(0.25),
        unique_key: Some("key 'a'".into()),
        limit_key: Some("limit".into()),
        hold_key: Some("hold".into()),
        provider: Some("p".into()),
        model: Some("m".into()),
        work_directory: Some("/tmp/ä".into()),
        category: Some("c".into()),
        tags: vec!["b".into(), "a".into(), "b".into()],
        metadata: Some(Json::from_stored(r#"{"z": 1, "a": 2}"#)),
        traceparent: Some("00-1-2-01".into()),
        parent: Some(other),
        retry_of: Some(other),
        ttl_ms: Some(11),
        preview: "short".into(),
        ..NewTask::new("kind", Json::from_stored(r#"{"b": 1, "a": "é"}"#))
    };
    let id = kit.add(new.clone()).await;
    let task = kit.read(id).await;
    assert_eq!(
        (&*task.kind, &*task.queue, &*task.owner),
        ("kind", "q", "alice")
    );
    assert_eq!((task.priority, task.dispatch), (new.priority, new.dispatch));
    assert_eq!(task.run_at, at(5000));
    assert_eq!(
        (task.timeout_ms, task.deadline),
        (new.timeout_ms, new.deadline)
    );
    assert_eq!((task.max_attempts, task.retry), (4, new.retry));
    assert_eq!(
        (task.budget_usd, task.unique_key),
        (Some(0.25), new.unique_key)
    );
    assert_eq!(
        (task.limit_key, task.hold_key),
        (new.limit_key, new.hold_key)
    );
    assert_eq!((task.provider, task.model), (new.provider, new.model));
    assert_eq!(
        (task.work_directory, task.category),
        (new.work_directory, new.category)
    );
    assert_eq!((task.tags, task.metadata), (new.tags, new.metadata));
    assert_eq!(
        (task.traceparent, task.parent),
        (new.traceparent, Some(other))
    );
    assert_eq!((task.retry_of, task.ttl_ms), (Some(other), Some(11)));
    assert_eq!(
        (task.preview, task.payload),
        (new.preview, Some(new.payload))
    );
}

pub(super) async fn insert_begins_a_life(kit: Kit) {
    let task = kit.add(NewTask::new("work", json!("x".repeat(300)))).await;
    let task = kit.read(task).await;
    assert_eq!((task.status, task.wait_reason), (Status::Pending, None));
    assert_eq!((task.created_at, task.run_at), (at(0), at(0)));
    assert_eq!((task.attempt, task.rescues), (0, 0));
    assert_eq!((task.started_at, task.finished_at), (None, None));
    assert!(task.lease.is_none() && task.cancel_requested_at.is_none());
    assert!(task.result.is_none() && task.error.is_none() && task.checkpoint.is_none());
    assert!(task.progress.is_none() && task.input_requests.is_empty());
    assert_eq!((task.usage, task.payload_bytes), (Usage::default(), 302));
    assert_eq!(task.preview.chars().count(), limits::PREVIEW_CHARS);
}

pub(super) async fn insert_is_all_or_none(kit: Kit) {
    let tasks = vec![work(), work().queue("other"), work().queue("a\0b")];
    let refused = kit.insert(tasks, now(0)).await.unwrap_err();
    assert!(refused.to_string().contains("tasks[2].queue"), "{refused}");
    assert!(kit.all(&TaskFilter::default()).await.is_empty());
    assert!(kit.told().await.is_empty());
    assert!(kit.queues().await.unwrap().is_empty());
    assert_eq!(kit.stats(None).await.unwrap().counts.total(), 0);
}

pub(super) async fn insert_of_many_keeps_their_order(kit: Kit) {
    let tasks = (0..100).map(|n| NewTask::new("work", json!(n))).collect();
    let ids = kit.add_all(tasks, 0).await;
    let mut listed = kit.all(&TaskFilter::default()).await;
    listed.reverse();
    assert_eq!(super::kit::ids(&listed), ids);
    assert!(ids.is_sorted(), "ids sort by creation");
    assert_eq!(kit.read(ids[42]).await.payload, Some(json!(42).into()));
}

pub(super) async fn insert_of_none_is_fine(kit: Kit) {
    assert_eq!(kit.insert(Vec::new(), now(0)).await.unwrap(), []);
    assert!(kit.told().await.is_empty());
}

pub(super) async fn an_id_is_stored_once(kit: Kit) {
    let id = kit.add(work()).await;
    let mut again = NewTask::new("other", json!("other"));
    again.id = Some(id);
    let mut fresh = work();
    fresh.id = Some(crate::domain::IdSource::default().next(at(0)));
    let tasks = vec![again, fresh.clone(), fresh.clone()];
    let replies = kit.insert(tasks, now(1)).await.unwrap();
    assert_eq!((replies[0].id, replies[0].created), (id, false));
    assert_eq!((Some(replies[1].id), replies[1].created), (fresh.id, true));
    assert_eq!((Some(replies[2].id), replies[2].created), (fresh.id, false));
    assert_eq!(&*kit.read(id).await.kind, "work");
    assert_eq!(kit.all(&TaskFilter::default()).await.len(), 2);
}

pub(super) async fn a_time_ahead_is_scheduled(kit: Kit) {
    let id = kit.add(work().run_at(at(1))).await;
    let task = kit.read(id).await;
    assert_eq!(
        (task.wait_reason, task.run_at),
        (Some(WaitReason::Scheduled), at(1))
    );
    let event = kit.last_event().await;
    assert_eq!(event.kind, EventKind::Created);
    assert_eq!(event.detail, Some(json!({"run_at": at(1)})));
}

pub(super) async fn a_time_that_passed_is_raised_to_now(kit: Kit) {
    let id = kit.add(work().run_at(at(-5))).await;
    let task = kit.read(id).await;
    assert_eq!((task.wait_reason, task.run_at), (None, at(0)));
    assert_eq!(kit.last_event().await.detail, None);
}

pub(super) async fn a_dependent_task_waits(kit: Kit) {
    let first = kit.add(work()).await;
    let mut second = work();
    second.depends_on = vec![first];
    let id = kit.add(second).await;
    let task = kit.read(id).await;
    assert_eq!(
        (task.wait_reason, task.depends_on),
        (Some(WaitReason::Dependencies), vec![first])
    );
    assert_eq!(super::kit::ids(&kit.take(10, 1).await), [first]);
    assert_eq!(kit.promote(10, now(2)).await.unwrap().ready, 0);
}

pub(super) async fn created_at_never_falls(kit: Kit) {
    let first = kit.add_at(work(), 1000).await;
    let second = kit.add_at(work().run_at(at(600)), 500).await;
    let past = kit.add_at(work().run_at(at(400)), 500).await;
    let third = kit.add_at(work(), 2000).await;
    let mut times = Vec::new();
    for id in [first, second, past, third] {
        times.push(kit.read(id).await.created_at);
    }
    assert_eq!(times, [at(1000), at(1000), at(1000), at(2000)]);
    // A clock that was set back makes no delay shorter.
    let (second, past) = (kit.read(second).await, kit.read(past).await);
    assert_eq!(
        (second.wait_reason, second.run_at),
        (Some(WaitReason::Scheduled), at(600))
    );
    assert_eq!((past.wait_reason, past.run_at), (None, at(1000)));
}
