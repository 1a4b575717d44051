use crate::common::{idle, user};
use crate::world::{conflict, create, invalid, manual, next_as, service};
use mcs_core::domain::{LeaseNumber, NewTask, Progress, Status, Task, TaskResult, Usage, limits};
use mcs_core::executor::ExecuteError;
use mcs_core::service::{Heartbeat, NextRequest, Principal, Scope, Scopes, ServiceError};
use std::time::Duration;

fn lease_of(task: &Task) -> LeaseNumber {
    task.lease.as_ref().unwrap().number
}

#[tokio::test]
async fn a_manual_task_is_taken_and_brought_back() {
    let (service, alice) = (service().await, user("alice"));
    create(&service, &alice, idle()).await;
    let id = create(&service, &alice, manual()).await;
    let tasks = service.tasks();
    let taken = tasks
        .next(&alice, next_as("laptop"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((taken.id, taken.status), (id, Status::Processing));
    assert!(taken.payload.is_some());
    let lease = taken.lease.as_ref().unwrap();
    assert_eq!(
        lease.expires_at.since(taken.started_at.unwrap()),
        limits::TAKEN_LEASE
    );
    assert!(lease.worker.0.starts_with("laptop@"));
    assert!(
        tasks
            .next(&alice, next_as("laptop"))
            .await
            .unwrap()
            .is_none()
    );

    let number = lease.number;
    let beat = tasks.heartbeat(&alice, id, number, None).await.unwrap();
    let held = tasks.status(&alice, id).await.unwrap().lease.unwrap();
    assert!(held.expires_at >= lease.expires_at);
    let renewed = Heartbeat {
        cancel_requested: false,
        lease_expires_at: held.expires_at,
    };
    assert_eq!(beat, renewed);
    let progress = Progress {
        percent: Some(50.0),
        message: Some("half".into()),
    };
    tasks
        .progress(&alice, id, number, progress.clone())
        .await
        .unwrap();
    let usage = Usage {
        cost_usd: 0.5,
        ..Usage::default()
    };
    let result = TaskResult::text("done by hand");
    let status = tasks
        .complete(&alice, id, number, result.clone(), usage)
        .await;
    assert_eq!(status.unwrap(), Status::Completed);
    let outcome = tasks.result(&alice, id).await.unwrap();
    assert_eq!(outcome.result, Some(result));
    assert_eq!(outcome.task.progress, Some(progress));
    assert!((outcome.task.usage.cost_usd - 0.5).abs() < f64::EPSILON);
    let again = tasks.complete(&alice, id, number, TaskResult::text("2"), usage);
    let reason = conflict(again.await);
    assert!(
        reason.contains("lease 1") && reason.contains("COMPLETED"),
        "{reason}"
    );
}

#[tokio::test]
async fn what_is_asked_for_is_taken_and_nothing_else() {
    let (service, alice) = (service().await, user("alice"));
    let inside = NewTask {
        work_directory: Some("/srv/a".into()),
        ..manual()
    };
    let elsewhere = create(&service, &alice, manual().queue("other")).await;
    let inside = create(&service, &alice, inside).await;
    let tasks = service.tasks();
    let none = [
        NextRequest {
            kind: Some("upper".into()),
            ..next_as("w")
        },
        NextRequest {
            queue: Some("empty".into()),
            ..next_as("w")
        },
        NextRequest {
            work_path: Some("/srv".into()),
            ..next_as("w")
        },
    ];
    for request in none {
        assert!(tasks.next(&alice, request).await.unwrap().is_none());
    }
    let wanted = NextRequest {
        work_path: Some("/srv/a".into()),
        kind: Some("idle".into()),
        ..next_as("w")
    };
    assert_eq!(
        tasks.next(&alice, wanted).await.unwrap().unwrap().id,
        inside
    );
    let wanted = NextRequest {
        queue: Some("other".into()),
        ..next_as("w")
    };
    assert_eq!(
        tasks.next(&alice, wanted).await.unwrap().unwrap().id,
        elsewhere
    );
}

#[tokio::test]
async fn only_an_admin_takes_the_tasks_of_others() {
    let (service, alice, bob) = (service().await, user("alice"), user("bob"));
    let id = create(&service, &alice, manual()).await;
    let tasks = service.tasks();
    assert!(tasks.next(&bob, next_as("w")).await.unwrap().is_none());
    let local = Principal::local();
    let taken = tasks.next(&local, next_as("w")).await.unwrap().unwrap();
    assert_eq!(taken.id, id);
    let lease = lease_of(&taken);
    // Its owner sees it, but is not who holds it, whatever it calls itself.
    let reason = conflict(tasks.heartbeat(&alice, id, lease, None).await);
    assert!(reason.contains("not yours"), "{reason}");
    let reason = conflict(tasks.release(&alice, id, lease).await);
    assert!(reason.contains("not yours"), "{reason}");
    let missing = tasks.release(&bob, id, lease).await;
    assert!(
        matches!(missing, Err(ServiceError::NotFound(_))),
        "{missing:?}"
    );
    assert_eq!(
        tasks.release(&local, id, lease).await.unwrap(),
        Status::Pending
    );
    let taken = tasks.next(&alice, next_as("w")).await.unwrap().unwrap();
    assert_eq!(lease_of(&taken).0, lease.0 + 1);
    let reason = conflict(tasks.heartbeat(&local, id, lease_of(&taken), None).await);
    assert!(reason.contains("not yours"), "{reason}");
    let reader = Principal::new("alice", Scopes::of(&[Scope::Read, Scope::Write]));
    let refused = tasks.next(&reader, next_as("w")).await;
    assert!(
        matches!(
            refused,
            Err(ServiceError::Forbidden {
                scope: Scope::Execute
            })
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_failure_is_tried_again_as_its_class_says() {
    let (service, alice) = (service().await, user("alice"));
    let id = create(&service, &alice, manual()).await;
    let tasks = service.tasks();
    let taken = tasks.next(&alice, next_as("w")).await.unwrap().unwrap();
    let broke = ExecuteError::transient("it broke");
    let lease = lease_of(&taken);
    let status = tasks.fail(&alice, id, lease, broke, Usage::default()).await;
    assert_eq!(status.unwrap(), Status::Pending);
    let waiting = tasks.status(&alice, id).await.unwrap();
    assert_eq!(
        (waiting.attempt, waiting.error.unwrap().message),
        (1, "it broke".into())
    );
    let other = create(&service, &alice, manual()).await;
    let taken = tasks.next(&alice, next_as("w")).await.unwrap().unwrap();
    assert_eq!(taken.id, other);
    let wrong = ExecuteError::permanent("it cannot be done");
    let lease = lease_of(&taken);
    let status = tasks
        .fail(&alice, other, lease, wrong, Usage::default())
        .await;
    assert_eq!(status.unwrap(), Status::Failed);
}

#[tokio::test]
async fn a_taker_hears_of_a_cancel_and_ends_it_as_asked() {
    let (service, alice) = (service().await, user("alice"));
    let id = create(&service, &alice, manual()).await;
    let tasks = service.tasks();
    let taken = tasks.next(&alice, next_as("w")).await.unwrap().unwrap();
    let lease = lease_of(&taken);
    tasks.cancel(&alice, id, "changed my mind").await.unwrap();
    let beat = tasks.heartbeat(&alice, id, lease, None).await.unwrap();
    assert!(beat.cancel_requested);
    let stopped = ExecuteError::transient("stopped");
    let status = tasks
        .fail(&alice, id, lease, stopped, Usage::default())
        .await;
    assert_eq!(status.unwrap(), Status::Cancelled);
    let ended = tasks.status(&alice, id).await.unwrap();
    assert_eq!(ended.error.unwrap().message, "changed my mind");
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let (service, alice) = (service().await, user("alice"));
    let tasks = service.tasks();
    let refused = async |request| invalid(tasks.next(&alice, request).await).field;
    assert_eq!(refused(next_as("")).await, "worker_id");
    assert_eq!(refused(next_as(&"x".repeat(190))).await, "worker_id");
    let bad = NextRequest {
        kind: Some(String::new()),
        ..next_as("w")
    };
    assert_eq!(refused(bad).await, "kind");
    let bad = NextRequest {
        work_path: Some("a\0".into()),
        ..next_as("w")
    };
    assert_eq!(refused(bad).await, "work_path");
    for seconds in [0, 24 * 60 * 60 + 1] {
        let length = Some(Duration::from_secs(seconds));
        let bad = NextRequest {
            lease: length,
            ..next_as("w")
        };
        assert_eq!(refused(bad).await, "lease_seconds");
        let id = create(&service, &alice, manual()).await;
        let beat = tasks.heartbeat(&alice, id, LeaseNumber(1), length);
        assert_eq!(invalid(beat.await).field, "lease_seconds");
    }
}

#[tokio::test]
async fn a_lease_is_as_long_as_its_taker_asks() {
    let (service, alice) = (service().await, user("alice"));
    let id = create(&service, &alice, manual()).await;
    let tasks = service.tasks();
    let short = Duration::from_secs(30);
    let request = NextRequest {
        lease: Some(short),
        ..next_as("w")
    };
    let taken = tasks.next(&alice, request).await.unwrap().unwrap();
    let lease = taken.lease.as_ref().unwrap();
    assert_eq!(lease.expires_at.since(taken.started_at.unwrap()), short);
    let long = Some(Duration::from_hours(2));
    let beat = tasks.heartbeat(&alice, id, lease.number, long);
    let beat = beat.await.unwrap();
    assert!(beat.lease_expires_at.since(lease.expires_at) > Duration::from_hours(1));
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_given_the_task_that_comes() {
    let (service, alice, bob) = (service().await, user("alice"), user("bob"));
    let tasks = service.tasks();
    let request = NextRequest {
        wait: Duration::from_mins(2),
        ..next_as("w")
    };
    let waiting = tasks.next(&alice, request.clone());
    let created = async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        create(&service, &bob, manual()).await;
        create(&service, &alice, manual()).await
    };
    let (taken, id) = tokio::join!(waiting, created);
    assert_eq!(taken.unwrap().unwrap().id, id, "not the task of another");
    let began = tokio::time::Instant::now();
    assert!(tasks.next(&alice, request).await.unwrap().is_none());
    assert_eq!(began.elapsed(), Duration::from_mins(2));
}

#[tokio::test]
async fn a_task_that_was_found_for_one_who_left_is_handed_back() {
    let (service, alice) = (service().await, user("alice"));
    let id = create(&service, &alice, manual()).await;
    let tasks = service.tasks();
    let mut taking = Box::pin(tasks.next(&alice, next_as("w")));
    let status = async || tasks.status(&alice, id).await.unwrap().status;
    // It is claimed apart from its taker, who is not looked at again.
    while status().await != Status::Processing {
        assert!(futures_util::poll!(&mut taking).is_pending());
        tokio::task::yield_now().await;
    }
    drop(taking);
    let handed_back = async {
        while status().await != Status::Pending {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), handed_back).await;
    waited.expect("nobody has it");
}
