use crate::harness::{EngineExt, World, deaf, done, hang, noop, runs, task};
use mcs_core::domain::{Status, Usage};
use mcs_core::engine::ShutdownReport;
use mcs_core::executor::ExecuteError;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn what_ends_within_the_grace_is_waited_for_and_nothing_new_starts() {
    let world = World::new();
    let slow = runs("slow", |_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Ok(done("ok"))
        })
    });
    let builder = world.builder().executor(slow).default_concurrency(2);
    let engine = builder.start().await.unwrap();
    let tasks = (0..5).map(|_| task("slow")).collect();
    let ids: Vec<_> = engine.submit_many(tasks).await.unwrap();
    world.until(ids[1].id, Status::Processing).await;
    let before = Instant::now();
    let report = engine.shutdown(Duration::from_mins(1)).await;
    assert!(before.elapsed() <= Duration::from_secs(2));
    let wanted = ShutdownReport {
        finished: 2,
        handed_back: 0,
    };
    assert_eq!(report, wanted);
    // A second call says the same.
    assert_eq!(engine.shutdown(Duration::ZERO).await, wanted);
    let counts = engine.stats().await.unwrap().store.counts;
    assert_eq!((counts.completed, counts.pending), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn the_rest_is_handed_back_and_a_second_engine_resumes_it() {
    let world = World::new();
    let spends = runs("spends", |task, context| {
        context.record_usage(Usage {
            output_tokens: 3,
            ..Usage::default()
        });
        Box::pin(async {
            if task.usage.output_tokens > 0 {
                return Ok(done("ok"));
            }
            context.cancelled().await;
            Err(ExecuteError::permanent("interrupted"))
        })
    });
    let build = || world.builder().executor(hang()).executor(deaf());
    let engine = build().executor(spends).start().await.unwrap();
    let ids = [
        engine.submit(task("hang")).await.unwrap().id,
        engine.submit(task("deaf")).await.unwrap().id,
        engine.submit(task("spends")).await.unwrap().id,
    ];
    for id in ids {
        world.until(id, Status::Processing).await;
    }
    let before = Instant::now();
    let report = engine.shutdown(Duration::from_millis(1500)).await;
    assert_eq!((report.finished, report.handed_back), (0, 3));
    assert!(
        before.elapsed() < Duration::from_secs(2),
        "{:?}",
        before.elapsed()
    );
    for id in ids {
        let task = world.get(id).await;
        assert_eq!(
            (task.status, task.attempt, task.rescues),
            (Status::Pending, 0, 0)
        );
    }
    drop(engine);

    let quick = |kind| runs(kind, |_, _| Box::pin(async { Ok(done("ok")) }));
    let builder = world
        .builder()
        .executor(quick("hang"))
        .executor(quick("deaf"));
    let engine = builder.executor(quick("spends")).start().await.unwrap();
    for id in ids {
        let ended = engine.end_of(id).await;
        assert_eq!((ended.status, ended.attempt), (Status::Completed, 1));
    }
    // What the interrupted attempt used is not forgotten.
    assert_eq!(world.get(ids[2]).await.usage.output_tokens, 3);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_somebody_cancelled_is_not_handed_back() {
    let world = World::new();
    let engine = world.builder().executor(deaf()).start().await.unwrap();
    let id = engine.submit(task("deaf")).await.unwrap().id;
    world.until(id, Status::Processing).await;
    engine.cancel(id, "enough").await.unwrap();
    engine.shutdown(Duration::from_secs(1)).await;
    let ended = world.get(id).await;
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(ended.error.unwrap().message, "enough");
}

#[tokio::test(start_paused = true)]
async fn an_idle_engine_ends_at_once_and_still_takes_tasks() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let before = Instant::now();
    assert_eq!(
        engine.shutdown(Duration::from_mins(1)).await,
        ShutdownReport::default()
    );
    assert_eq!(before.elapsed(), Duration::ZERO);
    let id = engine.submit(task("noop")).await.unwrap().id;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.get(id).await.status, Status::Pending);
    let next = world.builder().executor(noop()).start().await.unwrap();
    assert_eq!(next.end_of(id).await.status, Status::Completed);
}

#[test]
fn an_attempt_that_blocks_its_thread_is_handed_back_all_the_same() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(blocked);
    let world = runtime.block_on(async { World::new() });
    runtime.block_on(async {
        let blocks = runs("blocks", move |_, _| {
            let _ = blocked.lock().unwrap().recv();
            Box::pin(async { Ok(done("late")) })
        });
        let engine = world.builder().executor(blocks).start().await.unwrap();
        let id = engine.submit(task("blocks")).await.unwrap().id;
        world.until(id, Status::Processing).await;
        let report = engine.shutdown(Duration::ZERO).await;
        assert_eq!((report.finished, report.handed_back), (0, 1));
        assert_eq!(world.get(id).await.status, Status::Pending);
        drop(release);
    });
}
