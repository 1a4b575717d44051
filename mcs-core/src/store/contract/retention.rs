use super::kit::{Kit, at, broken, done, ids, now, work};
use crate::domain::{Cursor, LogLevel, NewTask, Outcome, Retention, TaskFilter};
use crate::store::Entry;
use std::time::Duration;

const NEVER: Retention = Retention {
    completed: None,
    failed: None,
    cancelled: None,
    events: None,
};

#[expect(clippy::unnecessary_wraps, reason = "it is what a retention takes")]
const fn millis(millis: u64) -> Option<Duration> {
    Some(Duration::from_millis(millis))
}

pub(super) async fn each_status_is_kept_for_its_own_time(kit: Kit) {
    let completed = kit.finish(work(), done(), 0).await;
    let failed = kit.finish(work(), Outcome::Fail(broken()), 0).await;
    let cancelled = kit.add(work()).await;
    kit.cancel(vec![cancelled], "no", now(0)).await.unwrap();
    let pending = kit.add(work()).await;
    let running = kit.start(work(), 0).await.id;
    let retention = Retention {
        completed: millis(10),
        failed: millis(30),
        cancelled: millis(20),
        ..NEVER
    };
    for (time, gone) in [(9, 0), (10, 1), (19, 0), (20, 1), (29, 0), (30, 1), (99, 0)] {
        assert_eq!(
            kit.purge(&retention, 100, now(time)).await.unwrap(),
            gone,
            "after {time} ms"
        );
    }
    assert_eq!(
        ids(&kit.all(&TaskFilter::default()).await),
        [running, pending]
    );
    let gone = kit
        .get(&[completed, failed, cancelled], crate::store::Parts::ALL)
        .await
        .unwrap();
    assert_eq!(gone, [None, None, None]);
}

pub(super) async fn a_time_to_live_goes_before_the_retention(kit: Kit) {
    let short = kit
        .finish(
            NewTask {
                ttl_ms: Some(5),
                ..work()
            },
            done(),
            0,
        )
        .await;
    let long = kit
        .finish(
            NewTask {
                ttl_ms: Some(1000),
                ..work()
            },
            done(),
            0,
        )
        .await;
    let none = kit
        .finish(
            NewTask {
                ttl_ms: Some(0),
                ..work()
            },
            done(),
            0,
        )
        .await;
    let plain = kit.finish(work(), done(), 0).await;
    assert_eq!(kit.purge(&NEVER, 100, now(0)).await.unwrap(), 1);
    assert!(!ids(&kit.all(&TaskFilter::default()).await).contains(&none));
    assert_eq!(kit.purge(&NEVER, 100, now(900)).await.unwrap(), 1);
    assert_eq!(ids(&kit.all(&TaskFilter::default()).await), [plain, long]);
    let at_once = Retention {
        completed: millis(0),
        ..NEVER
    };
    assert_eq!(kit.purge(&at_once, 100, now(900)).await.unwrap(), 1);
    assert_eq!(ids(&kit.all(&TaskFilter::default()).await), [long]);
    assert_ne!(short, long);
}

pub(super) async fn purge_takes_up_to_its_limit_first_finished_first(kit: Kit) {
    let tasks = kit.take_new(4).await;
    for (task, time) in tasks.iter().zip([40, 20, 30, 10]) {
        kit.end(task, done(), time).await;
    }
    let retention = Retention {
        completed: millis(0),
        ..NEVER
    };
    assert_eq!(kit.purge(&retention, 3, now(100)).await.unwrap(), 3);
    assert_eq!(ids(&kit.all(&TaskFilter::default()).await), [tasks[0].id]);
    assert_eq!(kit.purge(&retention, 3, now(100)).await.unwrap(), 1);
    assert_eq!(kit.purge(&retention, 3, now(100)).await.unwrap(), 0);
}

pub(super) async fn a_purged_task_leaves_nothing_behind(kit: Kit) {
    let task = kit.start(work(), 0).await;
    let line = Entry::Log {
        level: LogLevel::Info,
        text: "x".into(),
    };
    kit.say(&task, line, 1).await;
    kit.end(&task, done(), 1).await;
    let story = kit.story(task.id).await;
    let retention = Retention {
        completed: millis(0),
        ..NEVER
    };
    kit.purge(&retention, 10, now(1)).await.unwrap();
    assert!(kit.log(task.id, 0, 10).await.unwrap().is_empty());
    assert_eq!(
        kit.story(task.id).await,
        story,
        "but for its events, and a purge makes none"
    );
    assert_eq!(
        kit.end(&task, done(), 2).await,
        crate::domain::SettleReply::Missing
    );
}

pub(super) async fn old_events_go(kit: Kit) {
    for time in [0, 10, 20] {
        kit.add_at(work(), time).await;
    }
    let retention = Retention {
        events: millis(10),
        ..NEVER
    };
    assert_eq!(kit.purge(&retention, 10, now(20)).await.unwrap(), 0);
    let kept = kit.events(Cursor(0), 10).await.unwrap();
    assert_eq!(
        kept.iter()
            .map(|batch| (batch.seq, batch.at))
            .collect::<Vec<_>>(),
        [(3, at(20))]
    );
    kit.purge(&retention, 10, now(99)).await.unwrap();
    assert!(kit.events(Cursor(0), 10).await.unwrap().is_empty());
    kit.add_at(work(), 100).await;
    assert_eq!(
        kit.events(Cursor(0), 10).await.unwrap()[0].seq,
        4,
        "numbers go on"
    );
}
