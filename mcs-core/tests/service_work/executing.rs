use crate::common::{upper, user};
use crate::world::{agent, conflict, create, next_as, service, until};
use mcs_core::domain::{Dispatch, NewTask, Status, TaskResult, Timestamp, Usage};
use mcs_core::service::{Principal, Scope, Scopes, ServiceError};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_task_is_executed_at_once_and_returned_while_it_runs() {
    let (service, alice) = (service().await, user("alice"));
    let later = NewTask {
        run_at: Some(Timestamp::from_millis(i64::MAX / 2)),
        ..agent(json!({"wait": true}))
    };
    let id = create(&service, &alice, later).await;
    let tasks = service.tasks();
    let started = tasks.execute(&alice, id).await.unwrap();
    assert_eq!(started.status, Status::Processing);
    let reason = conflict(tasks.execute(&alice, id).await);
    assert!(reason.contains("already"), "{reason}");
    tasks.cancel(&alice, id, "enough").await.unwrap();
    let minute = Duration::from_mins(1);
    let ended = tasks.wait(&alice, id, minute).await.unwrap();
    assert_eq!(ended.status, Status::Cancelled);
    let reason = conflict(tasks.execute(&alice, id).await);
    assert!(reason.contains("CANCELLED"), "{reason}");
}

#[tokio::test]
async fn the_holder_of_a_manual_task_has_it_run_here_and_its_lease_is_over() {
    let (service, alice, local) = (service().await, user("alice"), Principal::local());
    let task = NewTask {
        dispatch: Dispatch::Manual,
        ..agent(json!({"wait": true}))
    };
    let id = create(&service, &alice, task).await;
    let tasks = service.tasks();
    let taken = tasks.next(&alice, next_as("w")).await.unwrap().unwrap();
    let lease = taken.lease.unwrap().number;
    // Somebody else does not take it away, not even an admin.
    let reason = conflict(tasks.execute(&local, id).await);
    assert!(reason.contains("held by `w@"), "{reason}");
    let started = tasks.execute(&alice, id).await.unwrap();
    assert_eq!(started.lease.unwrap().number.0, lease.0 + 1);
    let late = tasks
        .complete(
            &alice,
            id,
            lease,
            TaskResult::text("late"),
            Usage::default(),
        )
        .await;
    let reason = conflict(late);
    assert!(
        reason.contains("lease 1") && reason.contains("is over"),
        "{reason}"
    );
    // Nor does its number open the lease of the engine.
    let next = mcs_core::domain::LeaseNumber(lease.0 + 1);
    let reason = conflict(tasks.release(&alice, id, next).await);
    assert!(reason.contains("not yours"), "{reason}");
    assert_eq!(until(&service, id, Status::Processing).await.attempt, 1);
}

#[tokio::test]
async fn a_manual_task_of_a_broken_kind_is_taken_and_refused_when_it_starts() {
    let (service, alice) = (service().await, user("alice"));
    let task = NewTask {
        dispatch: Dispatch::Manual,
        ..NewTask::new("broken", json!({}))
    };
    let id = create(&service, &alice, task).await;
    match service.tasks().execute(&alice, id).await {
        Err(error @ ServiceError::Unavailable { .. }) => {
            let text = error.to_string();
            assert!(text.contains("the tool is missing; install it"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_needs_its_scope_and_a_task_of_ones_own() {
    let (service, alice) = (service().await, user("alice"));
    let id = create(&service, &alice, upper("x")).await;
    let writer = Principal::new("alice", Scopes::of(&[Scope::Read, Scope::Write]));
    let refused = service.tasks().execute(&writer, id).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden { .. })));
    let refused = service.tasks().execute(&user("bob"), id).await;
    assert!(matches!(refused, Err(ServiceError::NotFound(_))));
}
