use super::kit::{Kit, ask, at, broken, done, lease_of, now, retry, settlement, work};
use crate::domain::{
    EventKind, IdSource, LeaseNumber, Outcome, Progress, SettleReply, Settlement, Status,
    TaskError, Usage, WaitReason,
};
use crate::store::Entry;
use serde_json::json;

pub(super) async fn complete_stores_the_result(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.end(&task, retry(1), 1).await;
    let task = kit.claim_one(task.id, 2).await;
    kit.say(
        &task,
        Entry::Progress(Progress {
            percent: Some(50.0),
            message: None,
        }),
        3,
    )
    .await;
    kit.say(&task, Entry::Checkpoint(json!(1).into()), 3).await;
    assert_eq!(
        kit.end(&task, done(), 4).await,
        SettleReply::Settled(Status::Completed)
    );
    let task = kit.read(task.id).await;
    assert_eq!(
        (task.result, task.result_bytes),
        (Some(json!({"content": []}).into()), 14)
    );
    assert_eq!((task.error, task.lease), (None, None));
    assert_eq!((task.attempt, task.finished_at), (2, now(4)));
    assert!(task.progress.is_some() && task.checkpoint.is_some());
    assert_eq!(kit.last_event().await.kind, EventKind::Completed);
}

pub(super) async fn fail_stores_the_error(kit: Kit) {
    let error = TaskError::new(crate::domain::ErrorClass::Permanent, "no key")
        .with_details(json!({"status": 401}));
    let task = kit.start(work(), 0).await;
    let reply = kit.end(&task, Outcome::Fail(error.clone()), 4).await;
    assert_eq!(reply, SettleReply::Settled(Status::Failed));
    let task = kit.read(task.id).await;
    assert_eq!(
        (task.error, task.finished_at),
        (Some(error.clone()), now(4))
    );
    assert_eq!((task.attempt, task.result), (1, None));
    let event = kit.last_event().await;
    assert_eq!((event.kind, event.attempt), (EventKind::Failed, 1));
    assert_eq!(event.detail, Some(json!({"error": error})));
}

pub(super) async fn cancel_by_the_holder_stores_the_error(kit: Kit) {
    let error = TaskError::new(crate::domain::ErrorClass::Cancelled, "as asked");
    let task = kit.start(work(), 0).await;
    let reply = kit.end(&task, Outcome::Cancel(error.clone()), 4).await;
    assert_eq!(reply, SettleReply::Settled(Status::Cancelled));
    let task = kit.read(task.id).await;
    assert_eq!((task.error, task.finished_at), (Some(error), now(4)));
    assert_eq!(kit.last_event().await.kind, EventKind::Cancelled);
}

pub(super) async fn a_retry_waits_for_its_time(kit: Kit) {
    let task = kit.start(work(), 0).await;
    assert_eq!(
        kit.end(&task, retry(500), 4).await,
        SettleReply::Settled(Status::Pending)
    );
    let read = kit.read(task.id).await;
    assert_eq!(
        (read.wait_reason, read.run_at),
        (Some(WaitReason::Retry), at(500))
    );
    assert_eq!((read.attempt, read.error), (1, Some(broken())));
    assert_eq!((read.lease, read.finished_at), (None, None));
    let event = kit.last_event().await;
    assert_eq!((event.kind, event.attempt), (EventKind::Retrying, 1));
    assert_eq!(
        event.detail,
        Some(json!({"error": broken(), "run_at": at(500)}))
    );
    assert!(kit.take(1, 600).await.is_empty());
    kit.promote(1, now(600)).await.unwrap();
    assert_eq!(kit.take(1, 600).await.remove(0).attempt, 2);
}

pub(super) async fn a_retry_that_does_not_count_gives_the_attempt_back(kit: Kit) {
    let task = kit.start(work(), 0).await;
    let free = Outcome::Retry {
        error: broken(),
        run_at: at(2),
        counts: false,
        reason: WaitReason::RateLimited,
        hold: None,
    };
    kit.end(&task, free, 4).await;
    let read = kit.read(task.id).await;
    assert_eq!(
        (read.attempt, read.wait_reason),
        (0, None),
        "and its time has come already"
    );
    assert_eq!(
        kit.last_event().await.attempt,
        1,
        "the event belongs to the attempt that ended"
    );
    let again = kit.take(1, 5).await.remove(0);
    assert_eq!((again.attempt, lease_of(&again)), (1, LeaseNumber(2)));
}

pub(super) async fn a_snooze_waits_without_costing_an_attempt(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.end(&task, Outcome::Snooze(at(500)), 4).await;
    let read = kit.read(task.id).await;
    assert_eq!(
        (read.wait_reason, read.run_at),
        (Some(WaitReason::Snoozed), at(500))
    );
    assert_eq!((read.attempt, read.rescues, read.error), (0, 0, None));
    let event = kit.last_event().await;
    assert_eq!(
        (event.kind, event.detail),
        (EventKind::Snoozed, Some(json!({"run_at": at(500)})))
    );
}

pub(super) async fn a_release_is_ready_at_once(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.end(&task, Outcome::Release, 4).await;
    let read = kit.read(task.id).await;
    assert_eq!((read.wait_reason, read.run_at), (None, at(0)));
    assert_eq!((read.attempt, read.rescues, read.lease), (0, 0, None));
    let event = kit.last_event().await;
    assert_eq!((event.kind, event.detail), (EventKind::Released, None));
}

pub(super) async fn usage_adds_up_over_attempts(kit: Kit) {
    let usage = Usage {
        input_tokens: 10,
        cached_tokens: 4,
        output_tokens: 5,
        cost_usd: 0.25,
        duration_ms: 100,
    };
    let mut task = kit.start(work(), 0).await;
    for outcome in [Outcome::Release, retry(0), done()] {
        let settled = Settlement {
            usage,
            ..settlement(&task, outcome)
        };
        kit.settle(vec![settled], now(1)).await.unwrap();
        if let Some(again) = kit.take(1, 1).await.pop() {
            task = again;
        }
    }
    let total = Usage {
        input_tokens: 30,
        cached_tokens: 12,
        output_tokens: 15,
        cost_usd: 0.75,
        duration_ms: 300,
    };
    assert_eq!(kit.read(task.id).await.usage, total);
}

pub(super) async fn a_task_is_settled_once(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.end(&task, done(), 1).await;
    let before = kit.read(task.id).await;
    let used = Usage {
        input_tokens: 1,
        ..Usage::default()
    };
    for outcome in [done(), Outcome::Fail(broken()), Outcome::Release, retry(5)] {
        let again = Settlement {
            usage: used,
            ..settlement(&task, outcome)
        };
        assert_eq!(
            kit.settle(vec![again], now(2)).await.unwrap(),
            [SettleReply::Stale]
        );
    }
    assert_eq!(kit.read(task.id).await, before);
    let twice = kit.start(work(), 3).await;
    let both = vec![
        settlement(&twice, Outcome::Fail(broken())),
        settlement(&twice, done()),
    ];
    let replies = kit.settle(both, now(4)).await.unwrap();
    assert_eq!(
        replies,
        [SettleReply::Settled(Status::Failed), SettleReply::Stale]
    );
}

pub(super) async fn a_stale_settlement_stops_no_other(kit: Kit) {
    let tasks = kit.take_new(3).await;
    let unknown = IdSource::default().next(at(0));
    let mut wrong = settlement(&tasks[0], done());
    wrong.lease = LeaseNumber(2);
    let mut missing = settlement(&tasks[0], done());
    missing.task = unknown;
    let all = vec![
        settlement(&tasks[1], done()),
        wrong,
        missing,
        settlement(&tasks[2], Outcome::Release),
    ];
    let replies = [
        SettleReply::Settled(Status::Completed),
        SettleReply::Stale,
        SettleReply::Missing,
        SettleReply::Settled(Status::Pending),
    ];
    assert_eq!(kit.settle(all, now(1)).await.unwrap(), replies);
    assert_eq!(kit.read(tasks[0].id).await, tasks[0]);
}

pub(super) async fn a_pending_task_has_no_lease_to_settle(kit: Kit) {
    let id = kit.add(work()).await;
    for lease in [0, 1] {
        let settled = Settlement {
            task: id,
            lease: LeaseNumber(lease),
            outcome: done(),
            usage: Usage::default(),
        };
        assert_eq!(
            kit.settle(vec![settled], now(1)).await.unwrap(),
            [SettleReply::Stale]
        );
    }
    assert_eq!(kit.status(id).await, Status::Pending);
}

pub(super) async fn a_release_keeps_the_clock_of_a_waiting_task(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.say(&task, ask("q"), 1).await;
    kit.end(&task, Outcome::Release, 2).await;
    let read = kit.read(task.id).await;
    assert_eq!(
        (read.status, read.clock_left_ms),
        (Status::Pending, Some(900))
    );
    let again = kit.claim_one(task.id, 3).await;
    assert_eq!(again.clock_left_ms, Some(900));
    // Once it runs again it may wait again, and what is left then counts.
    kit.say(&again, ask("q"), 4).await;
    kit.answer(task.id, "q", 5).await;
    assert_eq!(kit.read(task.id).await.clock_left_ms, None);
}

pub(super) async fn no_result_is_taken_while_a_question_is_open(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.say(&task, ask("q"), 1).await;
    let before = kit.read(task.id).await;
    assert_eq!(kit.end(&task, done(), 2).await, SettleReply::Stale);
    assert_eq!(kit.read(task.id).await, before);
    assert_eq!(
        kit.end(&task, Outcome::Snooze(at(9)), 2).await,
        SettleReply::Settled(Status::Pending)
    );
    let after = kit.read(task.id).await;
    assert_eq!((after.clock_left_ms, after.input_requests.len()), (None, 1));
}
