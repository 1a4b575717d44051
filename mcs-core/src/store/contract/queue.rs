use super::kit::{Kit, done, now, work};
use crate::domain::{QueueChange, QueueInfo, Retention};
use std::time::Duration;

pub(super) async fn queues_are_those_that_had_tasks_or_changes(kit: Kit) {
    kit.finish(work().queue("z"), done(), 0).await;
    kit.add(work().queue("a")).await;
    kit.change_queue("m", QueueChange::default(), now(1))
        .await
        .unwrap();
    let retention = Retention {
        completed: Some(Duration::ZERO),
        ..Retention::default()
    };
    assert_eq!(kit.purge(&retention, 10, now(1)).await.unwrap(), 1);
    let plain = |name: &str| QueueInfo {
        name: name.into(),
        paused: false,
        concurrency: None,
    };
    assert_eq!(
        kit.queues().await.unwrap(),
        [plain("a"), plain("m"), plain("z")]
    );
}

pub(super) async fn a_change_leaves_the_rest_as_it_is(kit: Kit) {
    let change = |paused, concurrency| QueueChange {
        paused,
        concurrency,
    };
    let steps = [
        (change(Some(true), None), (true, None)),
        (change(None, Some(Some(4))), (true, Some(4))),
        (change(Some(false), None), (false, Some(4))),
        (change(None, None), (false, Some(4))),
        (change(None, Some(None)), (false, None)),
    ];
    for (step, wanted) in steps {
        let info = kit.change_queue("q", step, now(1)).await.unwrap();
        assert_eq!((info.paused, info.concurrency), wanted);
        assert_eq!(kit.queues().await.unwrap(), [info]);
    }
    assert!(kit.told().await.is_empty(), "queues make no events");
}

pub(super) async fn a_paused_queue_still_takes_tasks(kit: Kit) {
    let paused = QueueChange {
        paused: Some(true),
        concurrency: None,
    };
    kit.change_queue("default", paused, now(0)).await.unwrap();
    kit.add(work()).await;
    let stats = kit.stats(None).await.unwrap();
    assert_eq!(stats.queues["default"].ready, 1);
    assert!(kit.queues().await.unwrap()[0].paused);
}
