use crate::harness::{EngineExt, World, deaf, done, hang, noop, runs, task, text_of};
use mcs_core::domain::{ErrorClass, Status, Usage};
use mcs_core::executor::ExecuteError;
use mcs_core::store::{CancelReply, TaskStore};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_pending_task_is_cancelled_at_once() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let id = world.insert(task("noop").run_at(world.after(60_000))).await;
    assert_eq!(
        engine.cancel(id, "changed my mind").await.unwrap(),
        CancelReply::Cancelled
    );
    let ended = engine.end_of(id).await;
    assert_eq!(ended.error.unwrap().message, "changed my mind");
    assert_eq!(
        engine.cancel(id, "again").await.unwrap(),
        CancelReply::Finished(Status::Cancelled)
    );
}

#[tokio::test(start_paused = true)]
async fn a_running_task_is_told_to_end_at_once_and_keeps_its_usage() {
    let world = World::new();
    let spending = runs("spending", |_, context| {
        context.record_usage(Usage {
            input_tokens: 7,
            ..Usage::default()
        });
        Box::pin(async {
            context.cancelled().await;
            Err(ExecuteError::permanent("interrupted"))
        })
    });
    let engine = world.builder().executor(spending).start().await.unwrap();
    let id = engine.submit(task("spending")).await.unwrap().id;
    world.until(id, Status::Processing).await;
    let before = Instant::now();
    assert_eq!(
        engine.cancel(id, "too dear").await.unwrap(),
        CancelReply::Requested
    );
    let ended = engine.end_of(id).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(
        (ended.status, ended.usage.input_tokens),
        (Status::Cancelled, 7)
    );
    let error = ended.error.unwrap();
    assert_eq!(
        (error.class, error.message.as_str()),
        (ErrorClass::Cancelled, "too dear")
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancel_from_elsewhere_arrives_with_the_events() {
    let world = World::new();
    let engine = world.builder().executor(hang()).start().await.unwrap();
    let id = engine.submit(task("hang")).await.unwrap().id;
    world.until(id, Status::Processing).await;
    let before = Instant::now();
    let now = Some(world.now());
    world
        .store
        .cancel(vec![id], "from elsewhere", now)
        .await
        .unwrap();
    let ended = engine.end_of(id).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(ended.error.unwrap().message, "from elsewhere");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_does_not_listen_is_dropped_after_the_grace() {
    let world = World::new();
    let engine = world.builder().executor(deaf()).start().await.unwrap();
    let id = engine.submit(task("deaf")).await.unwrap().id;
    world.until(id, Status::Processing).await;
    let before = Instant::now();
    engine.cancel(id, "enough").await.unwrap();
    let ended = engine.end_of(id).await;
    assert_eq!(before.elapsed(), Duration::from_secs(5));
    assert_eq!(ended.status, Status::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn work_that_is_done_all_the_same_keeps_its_result() {
    let world = World::new();
    let finishing = runs("finishing", |_, context| {
        Box::pin(async {
            context.cancelled().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(done("just in time"))
        })
    });
    let engine = world.builder().executor(finishing).start().await.unwrap();
    let id = engine.submit(task("finishing")).await.unwrap().id;
    world.until(id, Status::Processing).await;
    engine.cancel(id, "enough").await.unwrap();
    let ended = engine.end_of(id).await;
    assert_eq!(ended.status, Status::Completed);
    assert_eq!(text_of(&ended), "just in time");
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_cannot_be_cancelled() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let unknown = "019aa0b0-0000-7000-8000-000000000000".parse().unwrap();
    assert_eq!(
        engine.cancel(unknown, "enough").await.unwrap(),
        CancelReply::Missing
    );
}

#[tokio::test(start_paused = true)]
async fn an_executor_says_how_long_it_takes_to_end_and_hears_how_long_it_has() {
    let world = World::new();
    let long = runs("long", |_, context| {
        Box::pin(async {
            assert_eq!(context.time_left(), Duration::MAX);
            context.cancelled().await;
            assert_eq!(context.time_left(), Duration::from_secs(13));
            tokio::time::sleep(Duration::from_secs(12)).await;
            assert_eq!(context.time_left(), Duration::from_secs(1));
            context.record_usage(Usage {
                cost_usd: 0.5,
                ..Usage::default()
            });
            Err(ExecuteError::cancelled())
        })
    });
    let never = runs("never", |_, _| Box::pin(std::future::pending()));
    let slow = Duration::from_secs(13);
    let builder = world.builder().executor(long.time_to_end(slow));
    let engine = builder
        .executor(never.time_to_end(slow))
        .start()
        .await
        .unwrap();
    for (kind, took, cost) in [("long", 12, 0.5), ("never", 13, 0.0)] {
        let id = engine.submit(task(kind)).await.unwrap().id;
        world.until(id, Status::Processing).await;
        let before = Instant::now();
        engine.cancel(id, "enough").await.unwrap();
        let ended = engine.end_of(id).await;
        assert_eq!(before.elapsed(), Duration::from_secs(took));
        assert_eq!(
            (ended.status, ended.usage.cost_usd),
            (Status::Cancelled, cost)
        );
    }
}
