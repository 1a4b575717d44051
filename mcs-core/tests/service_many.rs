//! Changes to many tasks at once.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod common;

use common::{idle, service, user};
use mcs_core::domain::{Dispatch, NewTask, Status, TaskFilter, TaskId, Timestamp, limits};
use mcs_core::service::{
    Changed, Counted, NextRequest, Principal, Scope, Scopes, Service, ServiceError,
};
use std::time::Duration;

const ALL: usize = limits::CHANGED_TASKS;

async fn create(service: &Service, who: &Principal, tasks: Vec<NewTask>) -> Vec<TaskId> {
    let made = service.tasks().create_many(who, tasks).await.unwrap();
    made.into_iter().map(|task| task.id).collect()
}

async fn cancel(
    service: &Service,
    who: &Principal,
    filter: &TaskFilter,
    limit: usize,
) -> Result<Changed, ServiceError> {
    let tasks = service.tasks();
    tasks.cancel_many(who, filter, "enough", limit).await
}

async fn purge(
    service: &Service,
    who: &Principal,
    filter: &TaskFilter,
    before: Option<Timestamp>,
    limit: usize,
) -> Result<Changed, ServiceError> {
    let tasks = service.tasks();
    tasks.purge(who, filter, before, limit).await
}

async fn to_cancel(
    service: &Service,
    who: &Principal,
    filter: &TaskFilter,
) -> Result<Counted, ServiceError> {
    service.tasks().count_to_cancel(who, filter).await
}

async fn to_purge(
    service: &Service,
    who: &Principal,
    filter: &TaskFilter,
    before: Option<Timestamp>,
) -> Result<Counted, ServiceError> {
    service.tasks().count_to_purge(who, filter, before).await
}

async fn status(service: &Service, id: TaskId) -> Option<Status> {
    let found = service.tasks().status(&Principal::local(), id).await;
    found.ok().map(|task| task.status)
}

/// Takes the oldest task of a queue, so that it runs.
async fn take(service: &Service, queue: &str) -> TaskId {
    let request = NextRequest {
        worker_id: "w".into(),
        work_path: None,
        queue: Some(queue.into()),
        kind: Some("idle".into()),
        lease: None,
        wait: Duration::ZERO,
    };
    let tasks = service.tasks();
    let taken = tasks.next(&Principal::local(), request).await;
    taken.unwrap().unwrap().id
}

fn queue(name: &str) -> TaskFilter {
    TaskFilter {
        queue: Some(name.into()),
        ..TaskFilter::default()
    }
}

fn of(status: Status) -> TaskFilter {
    TaskFilter {
        status: Some(status),
        ..TaskFilter::default()
    }
}

const fn done(done: usize) -> Changed {
    Changed {
        done,
        requested: 0,
        more: false,
    }
}

const fn counted(tasks: usize) -> Counted {
    Counted { tasks, more: false }
}

#[tokio::test]
async fn what_matches_is_cancelled_and_nothing_else() {
    let (service, local) = (service().await, Principal::local());
    let manual = NewTask {
        dispatch: Dispatch::Manual,
        ..idle().queue("a")
    };
    let queued = create(
        &service,
        &local,
        vec![manual, idle().queue("a"), idle().queue("a")],
    )
    .await;
    let other = create(&service, &local, vec![idle().queue("b")]).await;
    let running = take(&service, "a").await;
    let count = to_cancel(&service, &local, &queue("a")).await;
    assert_eq!(count.unwrap(), counted(3));
    let cancelled = cancel(&service, &local, &queue("a"), ALL).await;
    let expected = Changed {
        requested: 1,
        ..done(2)
    };
    assert_eq!(cancelled.unwrap(), expected);
    for id in queued {
        let is = if id == running {
            Status::Processing
        } else {
            Status::Cancelled
        };
        assert_eq!(status(&service, id).await, Some(is));
    }
    let asked = service.tasks().status(&local, running).await.unwrap();
    assert!(asked.cancel_requested_at.is_some());
    assert_eq!(status(&service, other[0]).await, Some(Status::Pending));
    // Who was asked is not asked again, and what has ended is not ended again.
    let again = cancel(&service, &local, &queue("a"), ALL).await;
    assert_eq!(again.unwrap(), done(0));
}

#[tokio::test]
async fn what_has_finished_is_removed_and_nothing_else() {
    let (service, local) = (service().await, Principal::local());
    let tasks = vec![
        idle().queue("a"),
        NewTask {
            tags: vec!["old".into()],
            ..idle().queue("b")
        },
        idle().queue("b"),
    ];
    let ids = create(&service, &local, tasks).await;
    let tagged = TaskFilter {
        tag: Some("old".into()),
        ..TaskFilter::default()
    };
    let none = purge(&service, &local, &tagged, None, ALL).await;
    assert_eq!(none.unwrap(), done(0), "it has not finished");
    for id in &ids[..2] {
        service.tasks().cancel(&local, *id, "x").await.unwrap();
    }
    let removed = purge(&service, &local, &tagged, None, ALL).await;
    assert_eq!(removed.unwrap(), done(1));
    let failed = purge(&service, &local, &of(Status::Failed), None, ALL).await;
    assert_eq!(failed.unwrap(), done(0));
    assert_eq!(status(&service, ids[0]).await, Some(Status::Cancelled));
    let everything = purge(&service, &local, &TaskFilter::default(), None, ALL).await;
    assert_eq!(everything.unwrap(), done(1));
    assert_eq!(status(&service, ids[0]).await, None);
    assert_eq!(status(&service, ids[1]).await, None);
    assert_eq!(status(&service, ids[2]).await, Some(Status::Pending));
}

#[tokio::test]
async fn only_what_finished_before_a_time_is_removed() {
    let (service, local) = (service().await, Principal::local());
    let store = service.engine().store();
    let at = |seconds: i64| Some(Timestamp::from_millis(1_700_000_000_000 + seconds * 1000));
    let made = store
        .insert(vec![idle(), idle(), idle()], at(0))
        .await
        .unwrap();
    for (task, ended) in made.iter().zip([10, 20, 30]) {
        let ids = vec![task.id];
        store.cancel(ids, "x", at(ended)).await.unwrap();
    }
    let filter = TaskFilter::default();
    let count = to_purge(&service, &local, &filter, at(20)).await;
    assert_eq!(count.unwrap(), counted(1), "at the time is not before it");
    let removed = purge(&service, &local, &filter, at(25), ALL).await;
    assert_eq!(removed.unwrap(), done(2));
    assert_eq!(status(&service, made[2].id).await, Some(Status::Cancelled));
}

#[tokio::test]
async fn a_limit_holds_over_pages_and_tells_whether_there_are_more() {
    let (service, local) = (service().await, Principal::local());
    let ids = create(&service, &local, (0..450).map(|_| idle()).collect()).await;
    let filter = TaskFilter::default();
    let count = to_cancel(&service, &local, &filter).await;
    assert_eq!(count.unwrap(), counted(450));
    let some = cancel(&service, &local, &filter, 420).await;
    let expected = Changed {
        more: true,
        ..done(420)
    };
    assert_eq!(some.unwrap(), expected);
    // Those that were created last went first.
    assert_eq!(status(&service, ids[29]).await, Some(Status::Pending));
    assert_eq!(status(&service, ids[30]).await, Some(Status::Cancelled));
    let rest = cancel(&service, &local, &filter, 30).await;
    assert_eq!(rest.unwrap(), done(30));
    let nothing = purge(&service, &local, &filter, None, 0).await;
    let expected = Changed {
        more: true,
        ..done(0)
    };
    assert_eq!(nothing.unwrap(), expected);
    let all = purge(&service, &local, &filter, None, 450).await;
    assert_eq!(all.unwrap(), done(450));
}

#[tokio::test]
async fn more_than_one_call_takes_are_told_as_more() {
    let (service, local) = (service().await, Principal::local());
    create(&service, &local, (0..ALL).map(|_| idle()).collect()).await;
    let filter = TaskFilter::default();
    let count = to_cancel(&service, &local, &filter).await;
    assert_eq!(count.unwrap(), counted(ALL));
    create(&service, &local, vec![idle()]).await;
    let count = to_cancel(&service, &local, &filter).await;
    let expected = Counted {
        more: true,
        ..counted(ALL)
    };
    assert_eq!(count.unwrap(), expected);
    let some = cancel(&service, &local, &filter, usize::MAX).await;
    let expected = Changed {
        more: true,
        ..done(ALL)
    };
    assert_eq!(some.unwrap(), expected);
}

#[tokio::test]
async fn the_tasks_of_others_are_left_alone() {
    let (service, alice, bob) = (service().await, user("alice"), user("bob"));
    let own = create(&service, &alice, vec![idle()]).await;
    let other = create(&service, &bob, vec![idle()]).await;
    let all = TaskFilter::default();
    let bobs = TaskFilter {
        owner: Some("bob".into()),
        ..TaskFilter::default()
    };
    let none = cancel(&service, &alice, &bobs, ALL).await;
    assert_eq!(none.unwrap(), done(0));
    let cancelled = cancel(&service, &alice, &all, ALL).await;
    assert_eq!(cancelled.unwrap(), done(1));
    assert_eq!(status(&service, other[0]).await, Some(Status::Pending));
    service.tasks().cancel(&bob, other[0], "x").await.unwrap();
    let removed = purge(&service, &alice, &all, None, ALL).await;
    assert_eq!(removed.unwrap(), done(1));
    assert_eq!(status(&service, own[0]).await, None);
    let count = to_purge(&service, &alice, &bobs, None).await;
    assert_eq!(count.unwrap(), counted(0));
    let admins = purge(&service, &Principal::local(), &bobs, None, ALL).await;
    assert_eq!(admins.unwrap(), done(1));
}

#[tokio::test]
async fn who_may_not_write_changes_nothing() {
    let service = service().await;
    let reader = Principal::new("r", Scopes::of(&[Scope::Read]));
    let all = TaskFilter::default();
    for refused in [
        cancel(&service, &reader, &all, ALL).await,
        purge(&service, &reader, &all, None, ALL).await,
    ] {
        let missing = matches!(
            refused,
            Err(ServiceError::Forbidden {
                scope: Scope::Write
            })
        );
        assert!(missing, "{refused:?}");
    }
}

#[tokio::test]
async fn a_status_that_cannot_change_is_refused() {
    let (service, local) = (service().await, Principal::local());
    let cancelled = cancel(&service, &local, &of(Status::Failed), ALL).await;
    let error = cancelled.unwrap_err().to_string();
    assert!(
        error.contains("`status` is FAILED; only what has not finished"),
        "{error}"
    );
    let removed = purge(&service, &local, &of(Status::Pending), None, ALL).await;
    let error = removed.unwrap_err().to_string();
    assert!(
        error.contains("`status` is PENDING; only what has finished"),
        "{error}"
    );
}
