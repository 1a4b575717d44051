use super::kit::{Kit, at, broken, done, now, rate_limited, retry, work};
use crate::domain::{
    ErrorClass, EventKind, IdSource, NewTask, Outcome, SettleReply, Status, WaitReason,
};
use crate::store::CancelReply;
use serde_json::json;

impl Kit {
    async fn cancels(&self, task: crate::domain::TaskId, reason: &str, millis: i64) -> CancelReply {
        self.cancel(vec![task], reason, now(millis))
            .await
            .expect("a cancel is taken")[0]
    }
}

pub(super) async fn a_pending_task_is_cancelled_at_once(kit: Kit) {
    let ready = kit.add(work()).await;
    let scheduled = kit.add(work().run_at(at(100))).await;
    for id in [ready, scheduled] {
        assert_eq!(
            kit.cancels(id, "not needed", 5).await,
            CancelReply::Cancelled
        );
        let task = kit.read(id).await;
        assert_eq!((task.status, task.finished_at), (Status::Cancelled, now(5)));
        assert_eq!((task.wait_reason, task.cancel_requested_at), (None, None));
        let error = task.error.unwrap();
        assert_eq!(
            (error.class, &*error.message),
            (ErrorClass::Cancelled, "not needed")
        );
        let event = kit.last_event().await;
        assert_eq!((event.kind, event.attempt), (EventKind::Cancelled, 0));
        assert_eq!(event.detail, Some(json!({"error": error})));
    }
    assert!(kit.take(10, 200).await.is_empty());
    assert_eq!(kit.promote(10, now(200)).await.unwrap().ready, 0);
}

pub(super) async fn the_worker_of_a_leased_task_is_asked(kit: Kit) {
    let task = kit.start(work(), 0).await;
    assert_eq!(
        kit.cancels(task.id, "first", 5).await,
        CancelReply::Requested
    );
    assert_eq!(
        kit.cancels(task.id, "second", 6).await,
        CancelReply::Requested
    );
    let read = kit.read(task.id).await;
    assert_eq!(
        (read.status, read.cancel_requested_at),
        (Status::Processing, now(5))
    );
    let story = [
        EventKind::Created,
        EventKind::Started,
        EventKind::CancelRequested,
    ];
    assert_eq!(kit.story(task.id).await, story);
}

pub(super) async fn a_request_is_not_lost_when_the_worker_hands_back(kit: Kit) {
    let outcomes = [
        Outcome::Release,
        Outcome::Snooze(at(100)),
        retry(100),
        rate_limited(100, "p", 100),
    ];
    for outcome in outcomes {
        let task = kit.start(work(), 0).await;
        kit.cancels(task.id, "enough", 5).await;
        assert_eq!(
            kit.end(&task, outcome, 6).await,
            SettleReply::Settled(Status::Cancelled)
        );
        let read = kit.read(task.id).await;
        assert_eq!(
            (read.finished_at, read.wait_reason, read.lease),
            (now(6), None, None)
        );
        assert_eq!(read.attempt, 1);
        assert_eq!(read.error.unwrap().message, "enough");
        assert_eq!(kit.last_event().await.kind, EventKind::Cancelled);
    }
    let held = kit
        .add(NewTask {
            hold_key: Some("p".into()),
            ..work()
        })
        .await;
    assert_eq!(
        kit.read(held).await.held_until,
        now(100),
        "what the provider said still counts"
    );
}

pub(super) async fn an_end_that_came_first_stands(kit: Kit) {
    let outcomes = [
        (done(), Status::Completed),
        (Outcome::Fail(broken()), Status::Failed),
    ];
    for (outcome, status) in outcomes {
        let task = kit.start(work(), 0).await;
        kit.cancels(task.id, "enough", 5).await;
        assert_eq!(
            kit.end(&task, outcome, 6).await,
            SettleReply::Settled(status)
        );
        assert_eq!(
            kit.cancels(task.id, "enough", 7).await,
            CancelReply::Finished(status)
        );
    }
}

pub(super) async fn a_request_outlives_the_worker(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.cancels(task.id, "enough", 5).await;
    let reaped = kit
        .reap(&[super::kit::worker("w1")], 10, now(6))
        .await
        .unwrap();
    assert_eq!(reaped[0].status, Status::Cancelled);
    let read = kit.read(task.id).await;
    assert_eq!(
        (read.status, read.rescues, read.attempt),
        (Status::Cancelled, 0, 1)
    );
    assert_eq!(read.error.unwrap().message, "enough");
}

pub(super) async fn cancel_answers_each_in_order(kit: Kit) {
    let leased = kit.start(work(), 0).await.id;
    let pending = kit.add(work()).await;
    let finished = kit.finish(work(), done(), 0).await;
    let unknown = IdSource::default().next(at(0));
    let asked = vec![unknown, finished, leased, pending, pending];
    let replies = [
        CancelReply::Missing,
        CancelReply::Finished(Status::Completed),
        CancelReply::Requested,
        CancelReply::Cancelled,
        CancelReply::Finished(Status::Cancelled),
    ];
    assert_eq!(kit.cancel(asked, "", now(1)).await.unwrap(), replies);
}

pub(super) async fn a_waiting_retry_keeps_no_reason_when_cancelled(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.end(&task, retry(100), 1).await;
    assert_eq!(kit.read(task.id).await.wait_reason, Some(WaitReason::Retry));
    assert_eq!(
        kit.cancels(task.id, "enough", 2).await,
        CancelReply::Cancelled
    );
    let read = kit.read(task.id).await;
    assert_eq!((read.wait_reason, read.attempt), (None, 1));
    assert_eq!(
        kit.promote(10, now(200)).await.unwrap(),
        crate::store::Promotion::default()
    );
}
