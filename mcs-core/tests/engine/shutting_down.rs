use crate::harness::{EngineExt, World, deaf, done, hang, noop, runs, task};
use mcs_core::domain::{ErrorClass, NewTask, Status, Usage};
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
async fn what_takes_long_to_end_is_told_at_once_and_has_most_of_the_grace() {
    let world = World::new();
    let slow = |kind, waits: bool| {
        let slow = runs(kind, move |_, context| {
            Box::pin(async move {
                if waits {
                    let asked = context.ask("ok", serde_json::json!("ok?").into());
                    tokio::select! {
                        _ = asked => {}
                        () = context.cancelled() => {}
                    }
                }
                context.cancelled().await;
                let left = context.time_left();
                assert_eq!(left, Duration::from_millis(1400));
                tokio::time::sleep(left.saturating_sub(Duration::from_millis(1))).await;
                context.record_usage(Usage {
                    cost_usd: 0.25,
                    ..Usage::default()
                });
                Err(ExecuteError::cancelled())
            })
        });
        slow.time_to_end(Duration::from_secs(13))
    };
    let builder = world
        .builder()
        .executor(slow("slow", false))
        .executor(hang());
    let engine = builder.executor(slow("asks", true)).start().await.unwrap();
    let mut ids = Vec::new();
    for kind in ["slow", "asks", "hang"] {
        ids.push(engine.submit(task(kind)).await.unwrap().id);
    }
    world.until(ids[0], Status::Processing).await;
    world.until(ids[1], Status::InputRequired).await;
    world.until(ids[2], Status::Processing).await;
    let before = Instant::now();
    let report = engine.shutdown(Duration::from_millis(1500)).await;
    assert_eq!((report.finished, report.handed_back), (0, 3));
    assert_eq!(before.elapsed(), Duration::from_millis(1500));
    for id in &ids[..2] {
        let task = world.get(*id).await;
        assert_eq!((task.status, task.usage.cost_usd), (Status::Pending, 0.25));
    }
    // Whoever ends because it is told to leaves its question to the attempt that follows.
    let asked = world.get(ids[1]).await.input_requests;
    assert_eq!(asked[0].response, None);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_has_no_more_time_after_a_restart() {
    let world = World::new();
    let asks = || {
        runs("asks", |task, context| {
            Box::pin(async {
                if task.input_requests.is_empty() {
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    let _ = context.ask("ok", serde_json::json!("ok?").into()).await;
                }
                std::future::pending().await
            })
        })
    };
    let engine = world.builder().executor(asks()).start().await.unwrap();
    let timed = NewTask {
        timeout_ms: Some(5000),
        ..task("asks").max_attempts(1)
    };
    let id = engine.submit(timed).await.unwrap().id;
    world.until(id, Status::InputRequired).await;
    engine.shutdown(Duration::from_secs(1)).await;
    assert_eq!(world.get(id).await.clock_left_ms, Some(2000));
    let engine = world.builder().executor(asks()).start().await.unwrap();
    let ended = engine.end_of(id).await.error.unwrap();
    assert_eq!(ended.class, ErrorClass::Timeout);
    assert!(ended.message.contains("2s"), "{}", ended.message);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_without_grace_gives_a_moment_all_the_same() {
    let world = World::new();
    let slow = runs("slow", |_, context| {
        Box::pin(async {
            context.cancelled().await;
            assert_eq!(context.time_left(), Duration::from_millis(250));
            std::future::pending().await
        })
    });
    let slow = slow.time_to_end(Duration::from_secs(13));
    let engine = world.builder().executor(slow).start().await.unwrap();
    let id = engine.submit(task("slow")).await.unwrap().id;
    world.until(id, Status::Processing).await;
    let before = Instant::now();
    engine.shutdown(Duration::ZERO).await;
    assert_eq!(before.elapsed(), Duration::from_millis(250));
    assert_eq!(world.get(id).await.status, Status::Pending);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_shortens_the_time_of_what_is_ending_already() {
    let world = World::new();
    let never = runs("never", |_, _| Box::pin(std::future::pending()));
    let never = never.time_to_end(Duration::from_secs(13));
    let engine = world.builder().executor(never).start().await.unwrap();
    let id = engine.submit(task("never")).await.unwrap().id;
    world.until(id, Status::Processing).await;
    engine.cancel(id, "enough").await.unwrap();
    let before = Instant::now();
    engine.shutdown(Duration::from_millis(1500)).await;
    assert_eq!(before.elapsed(), Duration::from_millis(1400));
    assert_eq!(world.get(id).await.status, Status::Cancelled);
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
