use super::kit::{Kit, ask, broken, done, now, rate_limited, retry, settlement, want, work};
use crate::domain::{
    NewTask, Outcome, PageRequest, Progress, QueueChange, Status, TaskFilter, limits,
};
use crate::store::{Append, Entry, StoreError};
use serde_json::json;

#[track_caller]
fn field<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Invalid(refused)) => refused.field,
        other => panic!("{other:?} is no refusal of input"),
    }
}

pub(super) async fn bad_tasks_are_refused(kit: Kit) {
    let long = "x".repeat(limits::NAME_BYTES + 1);
    let change = |change: fn(&mut NewTask, String)| {
        let mut task = work();
        change(&mut task, long.clone());
        task
    };
    let bad = [
        ("kind", change(|task, long| task.kind = long.into())),
        ("queue", change(|task, _| task.queue = "".into())),
        ("owner", change(|task, _| task.owner = "a\0".into())),
        (
            "unique_key",
            change(|task, long| task.unique_key = Some(long)),
        ),
        (
            "hold_key",
            change(|task, _| task.hold_key = Some("\0".into())),
        ),
        (
            "work_directory",
            change(|task, _| task.work_directory = Some("a\0b".into())),
        ),
        ("tags[0]", change(|task, _| task.tags = vec!["a\0".into()])),
        (
            "tags",
            change(|task, _| task.tags = vec!["a".into(); limits::TAGS + 1]),
        ),
        ("max_attempts", change(|task, _| task.max_attempts = 0)),
        (
            "metadata",
            change(|task, _| task.metadata = Some(json!([]).into())),
        ),
        (
            "payload",
            change(|task, _| task.payload = json!("x".repeat(limits::PAYLOAD_BYTES)).into()),
        ),
    ];
    for (name, task) in bad {
        assert_eq!(field(kit.insert(vec![task], now(0)).await), name);
    }
    assert!(kit.all(&TaskFilter::default()).await.is_empty());
}

pub(super) async fn too_many_tasks_are_refused(kit: Kit) {
    let tasks = vec![work(); limits::SUBMIT_TASKS + 1];
    assert_eq!(field(kit.insert(tasks, now(0)).await), "tasks");
    assert!(kit.all(&TaskFilter::default()).await.is_empty());
}

pub(super) async fn bad_entries_are_refused(kit: Kit) {
    let task = kit.start(work(), 0).await;
    let lease = task.lease.as_ref().map(|lease| lease.number);
    let progress = |percent, message: &str| {
        Entry::Progress(Progress {
            percent: Some(percent),
            message: Some(message.into()),
        })
    };
    let bad = [
        ("percent", progress(f32::NAN, "")),
        ("percent", progress(100.5, "")),
        ("message", progress(1.0, "a\0")),
        (
            "message",
            progress(1.0, &"x".repeat(limits::TEXT_BYTES + 1)),
        ),
        (
            "checkpoint",
            Entry::Checkpoint(json!("x".repeat(limits::CHECKPOINT_BYTES)).into()),
        ),
        (
            "output",
            Entry::Output(json!("x".repeat(limits::OUTPUT_BYTES)).into()),
        ),
        ("key", ask("a\0")),
        ("key", ask("")),
        (
            "response",
            Entry::Answer {
                key: "a".into(),
                response: json!("x".repeat(limits::INPUT_BYTES)).into(),
            },
        ),
    ];
    for (name, entry) in bad {
        let append = |entry| Append {
            task: task.id,
            lease,
            entry,
        };
        let good = append(Entry::Checkpoint(json!(1).into()));
        let refused = field(kit.append(vec![good, append(entry)], now(1)).await);
        assert_eq!(refused, format!("entries[1].{name}"));
    }
    assert_eq!(kit.read(task.id).await, task, "nothing was stored");
}

pub(super) async fn bad_settlements_are_refused(kit: Kit) {
    let first = kit.start(work(), 0).await;
    let second = kit.start(work(), 0).await;
    let bad = || settlement(&second, rate_limited(5, "a\0b", 5));
    let settlements = vec![settlement(&first, done()), bad()];
    assert_eq!(
        field(kit.settle(settlements, now(1)).await),
        "settlements[1].hold.key"
    );
    let mut claim = want(1);
    claim.settle = vec![bad()];
    assert_eq!(field(kit.claim(claim, now(1)).await), "hold.key");
    assert_eq!(kit.status(first.id).await, Status::Processing);
}

pub(super) async fn large_details_of_errors_are_refused(kit: Kit) {
    let task = kit.start(work(), 0).await;
    let mut error = broken();
    error.details = Some(json!("x".repeat(limits::DETAILS_BYTES)));
    let mut retry = retry(5);
    if let Outcome::Retry { error: broken, .. } = &mut retry {
        broken.clone_from(&error);
    }
    for outcome in [
        retry,
        Outcome::Fail(error.clone()),
        Outcome::Cancel(error.clone()),
    ] {
        let settlements = vec![settlement(&task, outcome.clone())];
        assert_eq!(
            field(kit.settle(settlements.clone(), now(1)).await),
            "error.details"
        );
        let mut claim = want(1);
        claim.settle = settlements;
        assert_eq!(field(kit.claim(claim, now(1)).await), "error.details");
    }
    assert_eq!(kit.read(task.id).await, task, "nothing was stored");
}

pub(super) async fn bad_names_are_refused_everywhere(kit: Kit) {
    let id = kit.add(work()).await;
    let mut claim = want(1);
    claim.worker = super::kit::worker("a\0");
    assert_eq!(field(kit.claim(claim, now(1)).await), "worker");
    assert_eq!(field(kit.cancel(vec![id], "a\0", now(1)).await), "reason");
    let change = QueueChange::default();
    assert_eq!(field(kit.change_queue("", change, now(1)).await), "queue");
    assert!(
        kit.queues()
            .await
            .unwrap()
            .iter()
            .all(|queue| !queue.name.is_empty())
    );
    assert_eq!(kit.status(id).await, Status::Pending);
}

pub(super) async fn bad_pages_are_refused(kit: Kit) {
    for limit in [0, limits::PAGE_ROWS + 1] {
        let page = PageRequest::first(limit);
        assert_eq!(
            field(kit.list(&TaskFilter::default(), &page).await),
            "limit"
        );
    }
}
