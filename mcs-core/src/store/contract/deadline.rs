use super::kit::{Kit, at, done, ids, now, work};
use crate::domain::{ErrorClass, EventKind, NewTask, Outcome, SettleReply, Status};
use crate::store::Promotion;
use serde_json::json;

fn due_by(millis: i64) -> NewTask {
    NewTask {
        deadline: Some(at(millis)),
        ..work()
    }
}

pub(super) async fn a_deadline_that_has_come_is_not_claimed(kit: Kit) {
    let id = kit.add(due_by(10)).await;
    let other = kit.add(due_by(11)).await;
    assert_eq!(ids(&kit.take(10, 10).await), [other]);
    assert_eq!(
        kit.status(id).await,
        Status::Pending,
        "claims do not fail it"
    );
}

pub(super) async fn promote_fails_what_is_too_late(kit: Kit) {
    let ready = kit.add(due_by(10)).await;
    let scheduled = kit.add(due_by(10).run_at(at(5))).await;
    let later = kit.add(due_by(20)).await;
    assert_eq!(kit.promote(10, now(0)).await.unwrap().next_due, now(5));
    let promoted = kit.promote(10, now(10)).await.unwrap();
    assert_eq!(
        promoted,
        Promotion {
            ready: 0,
            expired: 2,
            next_due: now(20)
        }
    );
    for id in [ready, scheduled] {
        let task = kit.read(id).await;
        assert_eq!((task.status, task.finished_at), (Status::Failed, now(10)));
        assert_eq!((task.wait_reason, task.attempt), (None, 0));
        let error = task.error.unwrap();
        assert_eq!((error.class, error.retryable), (ErrorClass::Timeout, false));
        let story = kit.told().await;
        let event = story
            .iter()
            .find(|event| event.task == id && event.kind == EventKind::Failed);
        assert_eq!(event.unwrap().detail, Some(json!({"error": error})));
    }
    assert_eq!(kit.status(later).await, Status::Pending);
}

pub(super) async fn a_running_task_keeps_on_over_its_deadline(kit: Kit) {
    let task = kit.start(due_by(10), 0).await;
    assert_eq!(
        kit.promote(10, now(50)).await.unwrap(),
        Promotion::default()
    );
    assert_eq!(
        kit.end(&task, done(), 50).await,
        SettleReply::Settled(Status::Completed)
    );
    let back = kit.start(due_by(100), 50).await;
    kit.end(&back, Outcome::Release, 200).await;
    assert!(kit.take(10, 200).await.is_empty());
    assert_eq!(kit.promote(10, now(200)).await.unwrap().expired, 1);
}

pub(super) async fn deadlines_keep_to_the_limit_and_come_before_what_is_due(kit: Kit) {
    let second = kit.add(due_by(9)).await;
    let first = kit.add(due_by(8)).await;
    kit.add(work().run_at(at(5))).await;
    let promoted = kit.promote(1, now(10)).await.unwrap();
    assert_eq!(
        promoted,
        Promotion {
            ready: 1,
            expired: 1,
            next_due: now(9)
        }
    );
    let told = kit.told().await;
    let last: Vec<_> = told[told.len() - 2..]
        .iter()
        .map(|event| event.kind)
        .collect();
    assert_eq!(last, [EventKind::Failed, EventKind::Ready]);
    assert_eq!(kit.status(first).await, Status::Failed);
    assert_eq!(kit.status(second).await, Status::Pending);
}
