use super::kit::{Kit, ids, now, rate_limited, work};
use crate::domain::{NewTask, Status, Task, TaskId, WaitReason};

fn keyed(key: &str) -> NewTask {
    NewTask {
        hold_key: Some(key.into()),
        ..work()
    }
}

async fn holds(kit: &Kit, until: i64) -> (Task, TaskId) {
    let limited = kit.start(keyed("p"), 0).await;
    let waiting = kit.add(keyed("p")).await;
    kit.end(&limited, rate_limited(until, "p", until), 1).await;
    (limited, waiting)
}

pub(super) async fn a_hold_keeps_its_lanes_back(kit: Kit) {
    let (limited, waiting) = holds(&kit, 100).await;
    let other = kit.add(keyed("q")).await;
    let plain = kit.add(work()).await;
    assert_eq!(ids(&kit.take(10, 99).await), [other, plain]);
    assert_eq!(
        ids(&kit.take(10, 100).await),
        [waiting],
        "nothing has to end a hold"
    );
    kit.promote(10, now(100)).await.unwrap();
    assert_eq!(ids(&kit.take(10, 100).await), [limited.id]);
}

pub(super) async fn a_hold_is_shown_on_pending_tasks(kit: Kit) {
    let (limited, waiting) = holds(&kit, 100).await;
    let running = kit.start(keyed("q"), 1).await;
    let other = kit.start(keyed("q"), 1).await;
    kit.end(&other, rate_limited(50, "q", 100), 1).await;
    for id in [limited.id, waiting] {
        let task = kit.read(id).await;
        assert_eq!(
            (task.held_until, task.hold_reason),
            (now(100), Some("429".into()))
        );
    }
    assert_eq!(
        kit.read(limited.id).await.wait_reason,
        Some(WaitReason::RateLimited)
    );
    assert_eq!(kit.read(waiting).await.wait_reason, None);
    let running = kit.read(running.id).await;
    assert_eq!(
        (running.status, running.held_until),
        (Status::Processing, None)
    );
    let listed = kit.all(&crate::domain::TaskFilter::default()).await;
    assert_eq!(
        listed
            .iter()
            .filter(|task| task.held_until.is_some())
            .count(),
        3
    );
    kit.promote(10, now(100)).await.unwrap();
    let free = kit.read(waiting).await;
    assert_eq!((free.held_until, free.hold_reason), (None, None));
}

pub(super) async fn a_hold_is_only_lengthened(kit: Kit) {
    let tasks = [
        kit.start(keyed("p"), 0).await,
        kit.start(keyed("p"), 0).await,
        kit.start(keyed("p"), 0).await,
    ];
    let waiting = kit.add(keyed("p")).await;
    for (task, until, wanted) in [
        (&tasks[0], 100, 100),
        (&tasks[1], 50, 100),
        (&tasks[2], 200, 200),
    ] {
        kit.end(task, rate_limited(500, "p", until), 1).await;
        assert_eq!(kit.read(waiting).await.held_until, now(wanted));
    }
    assert!(kit.take(10, 199).await.is_empty());
    assert_eq!(ids(&kit.take(10, 200).await), [waiting]);
}

pub(super) async fn a_hold_holds_what_comes_later(kit: Kit) {
    holds(&kit, 100).await;
    let later = kit.add_at(keyed("p"), 50).await;
    assert_eq!(kit.read(later).await.held_until, now(100));
    assert!(kit.take(10, 60).await.is_empty());
}

pub(super) async fn the_end_of_a_hold_is_something_to_do(kit: Kit) {
    holds(&kit, 100).await;
    let key = |until| rate_limited(10, "q", until);
    let task = kit.start(keyed("q"), 1).await;
    kit.end(&task, key(70), 1).await;
    assert_eq!(kit.promote(10, now(5)).await.unwrap().next_due, now(10));
    assert_eq!(kit.promote(10, now(10)).await.unwrap().next_due, now(70));
    assert_eq!(kit.promote(10, now(70)).await.unwrap().next_due, now(100));
    assert_eq!(kit.promote(10, now(100)).await.unwrap().next_due, None);
    assert_eq!(kit.take(10, 100).await.len(), 3);
}

pub(super) async fn a_stale_settlement_holds_nothing(kit: Kit) {
    let task = kit.start(keyed("p"), 0).await;
    kit.end(&task, crate::domain::Outcome::Release, 1).await;
    kit.end(&task, rate_limited(500, "p", 500), 1).await;
    assert_eq!(ids(&kit.take(10, 2).await), [task.id]);
}
