use crate::harness::{EngineExt, World, done, hang, noop, runs, task};
use mcs_core::domain::{QueueChange, Status};
use mcs_core::store::TaskStore;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_paused_queue_waits_until_it_is_resumed() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let pause = |paused| QueueChange {
        paused: Some(paused),
        ..QueueChange::default()
    };
    engine.change_queue("default", pause(true)).await.unwrap();
    let id = engine.submit(task("noop")).await.unwrap().id;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.get(id).await.status, Status::Pending);
    assert_eq!(
        engine.run(task("noop").queue("other")).await.status,
        Status::Completed
    );

    let before = tokio::time::Instant::now();
    engine.change_queue("default", pause(false)).await.unwrap();
    assert_eq!(engine.end_of(id).await.status, Status::Completed);
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_resume_from_elsewhere_is_seen_within_a_second() {
    let world = World::new();
    let pause = |paused| QueueChange {
        paused: Some(paused),
        ..QueueChange::default()
    };
    world
        .store
        .change_queue("default", pause(true), None)
        .await
        .unwrap();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let id = engine.submit(task("noop")).await.unwrap().id;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.get(id).await.status, Status::Pending);
    world
        .store
        .change_queue("default", pause(false), None)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(world.get(id).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn each_queue_has_the_concurrency_it_was_given() {
    let world = World::new();
    let change = QueueChange {
        concurrency: Some(Some(4)),
        ..QueueChange::default()
    };
    world
        .store
        .change_queue("stored", change, None)
        .await
        .unwrap();
    let builder = world.builder().executor(hang()).default_concurrency(3);
    let engine = builder.queue("configured", 2).start().await.unwrap();
    for queue in ["stored", "configured", "other"] {
        let tasks = (0..9).map(|_| task("hang").queue(queue)).collect();
        engine.submit_many(tasks).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let running = |stats: &mcs_core::engine::EngineStats, queue: &str| {
        let counts = stats.store.queues[queue].counts;
        let here = stats.queues[queue];
        assert_eq!(usize::try_from(counts.processing).unwrap(), here.running);
        (here.concurrency, here.running)
    };
    let stats = engine.stats().await.unwrap();
    assert_eq!(running(&stats, "stored"), (4, 4));
    assert_eq!(running(&stats, "configured"), (2, 2));
    assert_eq!(running(&stats, "other"), (3, 3));
    assert_eq!((stats.running, stats.waiting), (9, 0));

    // More at run time, and back to the configuration.
    let set = |concurrency| QueueChange {
        concurrency: Some(concurrency),
        ..QueueChange::default()
    };
    engine
        .change_queue("configured", set(Some(5)))
        .await
        .unwrap();
    engine.change_queue("stored", set(None)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stats = engine.stats().await.unwrap();
    assert_eq!(running(&stats, "configured"), (5, 5));
    assert_eq!(running(&stats, "stored"), (3, 4));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_does_not_keep_the_others_waiting() {
    let world = World::new();
    let builder = world.builder().executor(hang()).executor(noop());
    let engine = builder.default_concurrency(2).start().await.unwrap();
    let tasks = (0..50).map(|_| task("hang").queue("slow")).collect();
    engine.submit_many(tasks).await.unwrap();
    for _ in 0..20 {
        let ended = engine.run(task("noop").queue("quick")).await;
        assert_eq!(ended.status, Status::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn queues_take_turns() {
    let world = World::new();
    for queue in ["a", "b", "c"] {
        for _ in 0..100 {
            world.insert(task("noting").queue(queue)).await;
        }
    }
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    let noting = runs("noting", move |task, _| {
        seen.lock().unwrap().push(task.queue.to_string());
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(done("ok"))
        })
    });
    let builder = world.builder().executor(noting).default_concurrency(5);
    let engine = builder.start().await.unwrap();
    while engine.stats().await.unwrap().store.counts.completed < 300 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let order = order.lock().unwrap();
    let of_a = |part: &[String]| part.iter().filter(|queue| *queue == "a").count();
    assert!(
        (40..=60).contains(&of_a(&order[..150])),
        "{}",
        of_a(&order[..150])
    );
}
