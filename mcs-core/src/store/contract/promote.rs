use super::kit::{Kit, at, done, ids, now, retry, work};
use crate::domain::{EventKind, NewTask, Outcome};
use crate::store::Promotion;

pub(super) async fn what_is_due_becomes_ready(kit: Kit) {
    let later = kit.add(work().run_at(at(20))).await;
    let sooner = kit.add(work().run_at(at(10))).await;
    let wanted = |ready, next_due: Option<i64>| Promotion {
        ready,
        expired: 0,
        next_due: next_due.map(at),
    };
    assert_eq!(kit.promote(10, now(9)).await.unwrap(), wanted(0, Some(10)));
    assert_eq!(kit.promote(10, now(10)).await.unwrap(), wanted(1, Some(20)));
    let event = kit.last_event().await;
    assert_eq!(
        (event.task, event.kind, event.detail),
        (sooner, EventKind::Ready, None)
    );
    let read = kit.read(sooner).await;
    assert_eq!((read.wait_reason, read.run_at), (None, at(10)));
    assert_eq!(kit.promote(10, now(10)).await.unwrap(), wanted(0, Some(20)));
    assert_eq!(kit.promote(10, now(99)).await.unwrap(), wanted(1, None));
    assert_eq!(ids(&kit.take(10, 99).await), [sooner, later]);
}

pub(super) async fn promote_keeps_to_its_limit_first_due_first(kit: Kit) {
    for time in [30, 10, 20] {
        kit.add(work().run_at(at(time))).await;
    }
    let promoted = kit.promote(2, now(100)).await.unwrap();
    assert_eq!(
        (promoted.ready, promoted.next_due),
        (2, now(30)),
        "a rest shows in the past"
    );
    let times: Vec<_> = kit
        .take(10, 100)
        .await
        .iter()
        .map(|task| task.run_at)
        .collect();
    assert_eq!(times, [at(10), at(20)]);
}

pub(super) async fn every_reason_to_wait_ends(kit: Kit) {
    let snoozed = kit.start(work(), 0).await;
    kit.end(&snoozed, Outcome::Snooze(at(10)), 1).await;
    let retried = kit.start(work(), 0).await;
    kit.end(&retried, retry(10), 1).await;
    let limited = kit.start(work(), 0).await;
    kit.end(&limited, super::kit::rate_limited(10, "p", 10), 1)
        .await;
    kit.add(work().run_at(at(10))).await;
    assert_eq!(kit.promote(10, now(10)).await.unwrap().ready, 4);
    assert_eq!(kit.take(10, 10).await.len(), 4);
}

pub(super) async fn what_ended_is_not_due(kit: Kit) {
    let id = kit
        .add(NewTask {
            deadline: Some(at(50)),
            ..work().run_at(at(10))
        })
        .await;
    kit.cancel(vec![id], "no", now(1)).await.unwrap();
    kit.finish(
        NewTask {
            deadline: Some(at(50)),
            ..work()
        },
        done(),
        1,
    )
    .await;
    kit.start(
        NewTask {
            deadline: Some(at(50)),
            ..work()
        },
        1,
    )
    .await;
    assert_eq!(kit.promote(10, now(1)).await.unwrap().next_due, None);
    assert_eq!(
        kit.promote(10, now(100)).await.unwrap(),
        Promotion::default()
    );
}
